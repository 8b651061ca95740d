#include <iostream>
#include <map>
#include <mutex>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

void throws(bool bad) {
  // ruleid: cpp.throws-pointer
  if (bad) throw new std::runtime_error("bad");
  // ok: cpp.throws-pointer
  throw std::runtime_error("worse");
}

void *allocate(void *p) {
  // ok: cpp.throws-pointer
  if (!p) throw std::bad_alloc{};
  return p;
}

void catches() {
  try {
    throws(true);
    // ruleid: cpp.exception-caught-by-value
  } catch (std::exception e) {
    puts(e.what());
  }
  try {
    throws(true);
    // ok: cpp.exception-caught-by-value
  } catch (const std::exception &e) {
    puts(e.what());
  }
}

void locks(std::mutex &mutex, int &n) {
  // ruleid: cpp.lock-without-guard
  mutex.lock();
  work();
  mutex.unlock();
  // ok: cpp.lock-without-guard
  std::lock_guard<std::mutex> guard(mutex);
}

void waits(std::mutex &mutex) {
  // ok: cpp.lock-without-guard
  mutex.lock();
  while (!ready()) {
    mutex.unlock();
    pause();
    mutex.lock();
  }
  mutex.unlock();
}

void run(const std::string &file) {
  std::string command = "ls " + file;
  // ruleid: c.shell-command-from-variable
  system(command.c_str());
  // ok: c.shell-command-from-variable
  system(configured.c_str());
}

void empties(std::vector<int> &v) {
  // ruleid: cpp.empty-result-unused
  v.empty();
  // ok: cpp.empty-result-unused
  if (v.empty()) puts("empty");
}

void prints(const std::vector<int> &v) {
  for (int x : v) {
    // ruleid: cpp.endl-in-loop
    std::cout << x << std::endl;
    // ok: cpp.endl-in-loop
    std::cout << x << '\n';
  }
  // ok: cpp.endl-in-loop
  std::cout << std::endl;
}

void patterns(const std::vector<std::string> &lines) {
  // ok: cpp.regex-built-in-loop
  std::regex once("a+");
  for (const auto &line : lines) {
    // ruleid: cpp.regex-built-in-loop
    std::regex each("a+b");
    std::regex_search(line, each);
  }
}

void queue(std::vector<int> v) {
  while (!v.empty()) {
    // ruleid: cpp.front-of-vector-in-loop
    v.erase(v.begin());
    // ok: cpp.front-of-vector-in-loop
    v.pop_back();
  }
}

std::string moved() {
  std::string s;
  s += "x";
  // ruleid: cpp.moves-returned-local
  return std::move(s);
}

std::string member(Holder &h) {
  // ok: cpp.moves-returned-local
  return std::move(h.text);
}

int twice(std::map<int, int> &m, int k) {
  // ruleid: cpp.lookup-twice
  if (m.find(k) != m.end()) {
    return m[k];
  }
  // ok: cpp.lookup-twice
  if (auto it = m.find(k); it != m.end()) {
    return it->second;
  }
  return 0;
}

struct Sized {
  int size;
  Sized(int size) {
    // ruleid: cpp.self-assignment-in-constructor
    size = size;
    // ok: cpp.self-assignment-in-constructor
    this->size = size;
  }
};
