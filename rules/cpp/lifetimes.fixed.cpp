#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

std::mutex mutex_;

void add(int x) {
  // ruleid: cpp.guard-destroyed-at-once
  std::lock_guard<std::mutex>(mutex_);
  // ruleid: cpp.guard-destroyed-at-once
  std::unique_lock<std::mutex>{mutex_};
  // ok: cpp.guard-destroyed-at-once
  std::lock_guard<std::mutex> guard(mutex_);
  // ok: cpp.guard-destroyed-at-once
  auto other = std::unique_lock<std::mutex>(mutex_);
  // ok: cpp.guard-destroyed-at-once
  use(std::unique_lock<std::mutex>(mutex_));
  // ruleid: cpp.future-dropped
  std::async(std::launch::async, [] { work(); });
  // ok: cpp.future-dropped
  auto future = std::async(std::launch::async, [] { work(); });
  // ok: cpp.future-dropped
  futures.push_back(std::async(std::launch::async, [] { work(); }));
}

void clean(std::vector<int>& v, const std::vector<int>& w, int x) {
  // ruleid: cpp.erase-removes-one
  v.erase(std::remove(v.begin(), v.end(), x));
  // ok: cpp.erase-removes-one
  v.erase(std::remove(v.begin(), v.end(), x), v.end());
  // ok: cpp.erase-removes-one
  v.erase(std::find(v.begin(), v.end(), x));
  // ruleid: cpp.ends-of-two-containers
  std::sort(v.begin(), w.end());
  // ok: cpp.ends-of-two-containers
  std::sort(v.begin(), v.end());
  // ok: cpp.ends-of-two-containers
  std::equal(v.begin(), v.end(), w.begin(), w.end());
  for (std::size_t i = 0; i < v.size(); ++i) {
    // ruleid: cpp.erase-in-loop-by-index
    if (v[i] == x) v.erase(v.begin() + i);
  }
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (v[i] == x) {
      // ok: cpp.erase-in-loop-by-index
      v.erase(v.begin() + i);
      break;
    }
  }
  // ok: cpp.erase-in-loop-by-index
  v.erase(v.begin() + x);
}

struct Node : std::enable_shared_from_this<Node> {
  std::shared_ptr<Node> self() {
    // ruleid: cpp.second-owner-of-this
    return std::shared_ptr<Node>(this);
  }
  std::shared_ptr<Node> self_well() {
    // ok: cpp.second-owner-of-this
    return shared_from_this();
  }
};

void run() {
  try {
    work();
  } catch (const std::exception& e) {
    log(e.what());
    // ruleid: cpp.copy-of-exception-thrown
    throw;
  }
  try {
    work();
  } catch (const std::exception& e) {
    log(e.what());
    // ok: cpp.copy-of-exception-thrown
    if (late) throw std::runtime_error("late");
    // ok: cpp.copy-of-exception-thrown
    throw;
  }
}

void take(std::condition_variable& ready, std::unique_lock<std::mutex>& lock, bool& done) {
  // ruleid: cpp.wait-without-condition
  ready.wait(lock);
  // ok: cpp.wait-without-condition
  ready.wait(lock, [&] { return done; });
  while (!done) {
    // ok: cpp.wait-without-condition
    ready.wait(lock);
  }
  // ok: cpp.wait-without-condition
  while (!done) ready.wait(lock);
}

int find(const std::string& text, const std::string& word) {
  // ruleid: cpp.position-as-condition
  if (text.find(word)) {
    return 1;
  }
  // ruleid: cpp.position-as-condition
  if (text.find(word) >= 0) {
    return 2;
  }
  // ok: cpp.position-as-condition
  if (text.find(word) != std::string::npos) {
    return 3;
  }
  // ok: cpp.position-as-condition
  if (!text.find(word)) {
    return 4;
  }
  return 0;
}

void pause() {
  {
    std::lock_guard<std::mutex> guard(mutex_);
    // ruleid: cpp.sleep-with-lock
    std::this_thread::sleep_for(delay);
  }
  // ok: cpp.sleep-with-lock
  std::this_thread::sleep_for(delay);
}

int total(const std::map<std::string, int>& map, const std::vector<std::pair<int, int>>& pairs) {
  int sum = 0;
  // ruleid: cpp.entry-copied-in-loop
  for (const std::pair<std::string, int>& entry : map) {
    sum += entry.second;
  }
  // ok: cpp.entry-copied-in-loop
  for (const std::pair< const std::string, int >& entry : map) {
    sum += entry.second;
  }
  // ok: cpp.entry-copied-in-loop
  for (const std::pair<int, int>& entry : pairs) {
    sum += entry.second;
  }
  return sum;
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    // ruleid: cpp.text-copied-to-extend
    out = out + word;
    // ok: cpp.text-copied-to-extend
    out += word;
    // ok: cpp.text-copied-to-extend
    out = word + out;
  }
  // ok: cpp.text-copied-to-extend
  out = out + ".";
  return out;
}
