#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct Node {};

void drop(std::unique_ptr<Node> node, std::unique_lock<std::mutex> lock) {
  // ruleid: cpp.released-object-dropped
  node.release();
  // ok: cpp.released-object-dropped
  node.reset();
  // ok: cpp.released-object-dropped
  Node *raw = node.release();
  // ok: cpp.released-object-dropped
  lock.release();
  std::unique_ptr<Node, decltype(undo)> guard{raw, undo};
  // ok: cpp.released-object-dropped
  guard.release();
}

// ruleid: cpp.const-value-parameter
void greet(const std::string name) {
  print(name);
}

// ok: cpp.const-value-parameter
void greet_all(const std::vector<std::string> &names) {
  // ruleid: cpp.range-for-copies
  for (const std::string name : names) {
    greet(name);
  }
  // ok: cpp.range-for-copies
  for (const std::string &name : names) {
    greet(name);
  }
  // ok: cpp.range-for-copies
  for (std::string name : names) {
    name += "!";
    greet(name);
  }
}

// ok: cpp.const-value-parameter
std::string keep(std::string name) {
  return name;
}

size_t moved(std::vector<std::string> &all, std::string text, std::string other) {
  // ruleid: cpp.used-after-move
  all.push_back(std::move(text));
  size_t n = text.size();
  // ok: cpp.used-after-move
  size_t m = other.size();
  all.push_back(std::move(other));
  // ok: cpp.used-after-move
  all.push_back(std::move(text));
  other = "again";
  n += other.size();
  return n + m;
}
