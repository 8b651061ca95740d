#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::workflow {

/// Values of this much JSON are kept, and always the latest one.
inline constexpr std::size_t kPayloadsCachedBytesMax = 32 * 1024 * 1024;

/// Parsed inputs of tasks and data of journal entries. Neither ever changes, so any copy is the right one; the children
/// of a map would each read its whole list otherwise. Thread-safe.
class PayloadCache {
 public:
  using Value = std::shared_ptr<const codec::Json>;
  Result<Value> of_journal(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq);
  Result<Value> inputs(storage::ReadTx& tx, std::int64_t task_no);
  std::uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
  std::uint64_t misses() const { return misses_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::pair<std::int64_t, std::int64_t> key;
    Value value;
    std::size_t bytes = 0;
  };
  template <class Read>
  Result<Value> get(std::pair<std::int64_t, std::int64_t> key, Read read);

  std::atomic<std::uint64_t> hits_{0}, misses_{0};
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  ///< The one used last is the first.
  std::map<std::pair<std::int64_t, std::int64_t>, std::list<Entry>::iterator> by_key_;
};

}  // namespace wrench::workflow
