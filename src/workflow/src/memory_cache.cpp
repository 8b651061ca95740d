#include "memory_cache.hpp"

#include <utility>

namespace wrench::workflow {
namespace {

/// Of a small object with its allocation.
constexpr std::size_t kOverheadBytes = 128;

std::size_t size_of(const codec::Json& value) {
  std::size_t bytes = sizeof(codec::Json) + value.as_string().size();
  for (const codec::Json& item : value.as_array()) bytes += size_of(item);
  for (const auto& [name, member] : value.as_object()) bytes += kOverheadBytes / 2 + name.size() + size_of(member);
  return bytes;
}

std::size_t size_of(const MemoryPage& page) {
  std::size_t bytes = kOverheadBytes;
  for (const MemoryItem& item : page.items) {
    bytes += sizeof(MemoryItem) + size_of(item.content) + item.memory_id.size() + item.scope.size();
    for (const std::string& tag : item.tags) bytes += kOverheadBytes / 4 + tag.size();
  }
  return bytes;
}

}  // namespace

std::optional<MemoryCache::Answer> MemoryCache::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front().answer;
}

void MemoryCache::put(const std::string& key, Answer answer) {
  const std::size_t bytes = kOverheadBytes + 2 * key.size() + size_of(*answer.page);
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) remove(found->second);
  if (bytes > bytes_max_) return;
  entries_.push_front({key, std::move(answer), bytes});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += bytes;
  while (bytes_ > bytes_max_) remove(std::prev(entries_.end()));
}

void MemoryCache::erase(const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) remove(found->second);
}

std::size_t MemoryCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void MemoryCache::remove(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace wrench::workflow
