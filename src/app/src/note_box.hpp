#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace wrench::app {

/// Lines that a thread wants told, until the one that owns the console takes them. Thread-safe.
class NoteBox {
 public:
  void add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace wrench::app
