#include "wrench/workflow/payload_cache.hpp"

#include "payload.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

namespace {

constexpr std::int64_t kInputs = -1;  ///< In the place of an execution.

}  // namespace

template <class Read>
Result<PayloadCache::Value> PayloadCache::get(std::pair<std::int64_t, std::int64_t> key, Read read) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = by_key_.find(key); it != by_key_.end()) {
      hits_.fetch_add(1, std::memory_order_relaxed);
      entries_.splice(entries_.begin(), entries_, it->second);
      return it->second->value;
    }
  }
  misses_.fetch_add(1, std::memory_order_relaxed);
  payload::Sized sized = WRENCH_TRY(read());
  auto value = std::make_shared<const codec::Json>(std::move(sized.value));
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(key)) return value;
  entries_.push_front({key, value, sized.bytes});
  by_key_[key] = entries_.begin();
  bytes_ += sized.bytes;
  while (bytes_ > kPayloadsCachedBytesMax && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return value;
}

Result<PayloadCache::Value> PayloadCache::of_journal(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq) {
  return get({execution_no, seq}, [&] { return payload::of_journal(tx, execution_no, seq); });
}

Result<PayloadCache::Value> PayloadCache::inputs(storage::ReadTx& tx, std::int64_t task_no) {
  return get({kInputs, task_no}, [&] { return payload::inputs(tx, task_no); });
}

}  // namespace wrench::workflow
