#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/memory.hpp"

namespace wrench::workflow {

/// Answers of earlier queries, the least recently used of which go first. Each knows up to which event it was right.
/// Thread-safe.
class MemoryCache {
 public:
  struct Answer {
    std::string agent;
    std::shared_ptr<const MemoryPage> page;
    storage::EventCursor as_of;
  };

  explicit MemoryCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::optional<Answer> find(const std::string& key);
  void put(const std::string& key, Answer answer);
  void erase(const std::string& key);
  std::size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    Answer answer;
    std::size_t bytes = 0;
  };
  void remove(std::list<Entry>::iterator entry);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< Most recently used first.
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace wrench::workflow
