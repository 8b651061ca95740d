#pragma once

#include <set>
#include <string>
#include <string_view>

#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"

/// Limits by key: how many steps of a key run at once, and how often one may begin. What finds its key used up is
/// parked, out of the queue, so it holds up nothing behind it.
namespace wrench::workflow::limits {

inline constexpr std::size_t kKeyBytesMax = 200;

/// What a step's limits came to; StepRow::limits.
struct Evaluated {
  std::string key;  ///< Empty: as many as there are slots.
  std::int64_t cap = 0;
  std::string rate;  ///< Key; empty: as often as one likes.
  Micros period_us = 0;
  std::int64_t burst = 1;
  KeyStrategy strategy = KeyStrategy::Queue;
  std::string by;            ///< Sub-key.
  std::int64_t arrived = 0;  ///< Its number among all that wanted the key; 0: it hasn't come to that yet.
  std::string str() const;
  /// Of a row: programmer error if it isn't one.
  static Evaluated parse(const std::string& text);
};

/// A key as people know it.
std::string shown(std::string_view key);

/// GCRA (ITU-T I.371): how many may begin now, and when the next one may if none may.
std::int64_t available(const LimitRow& row, Micros now);
Micros next_at(const LimitRow& row);
void take(LimitRow& row, Micros now);

/// Those of the steps that are loaded, and `more`.
Result<void> load(storage::WriteTx& tx, const std::set<std::string>& more, LoadedRows& rows);

/// Why a step whose place went to a newer one ended.
std::string superseded_error(const StepRow& row);

/// Of all keys, the steps that run and that are parked. For tests and checks.
Result<std::int64_t> in_use(storage::ReadTx& tx);

/// Writes limits and who uses them, parks steps, tells those that lost their places to newer ones, and puts parked ones
/// whose key is free again into the queue. `boot`: empty if executions belong to nobody.
Result<QueueMoves> write(storage::WriteTx& tx, const FlushPlan& plan, std::string_view boot);

}  // namespace wrench::workflow::limits
