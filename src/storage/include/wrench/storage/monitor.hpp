#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

inline constexpr std::size_t kStatementsSampledMax = 50;  ///< The costliest ones, in a sample.
inline constexpr std::size_t kSlowStatementsKept = 32;
inline constexpr std::size_t kSamplePageMax = 2'000;
inline constexpr Micros kMinuteSamplesAgeMax = kMicrosPerDay;
inline constexpr Micros kHourSamplesAgeMax = 90 * kMicrosPerDay;

/// What one statement cost the connections of this process since the store was opened.
struct StatementCost {
  std::string_view id;
  std::uint64_t calls = 0, rows = 0;
  Micros time_us = 0;  ///< Of one call in 16, times 16.
};
/// Costliest first. Empty on PostgreSQL, which counts by itself.
std::vector<StatementCost> statement_costs(const Store& store);

/// A call that took at least StoreConfig::slow_statement_us.
struct SlowStatement {
  std::string id, sql;  ///< Of the catalogue: placeholders, no values.
  Micros at = 0, took_us = 0;
  std::uint64_t rows = 0;  ///< Read or changed.
};
struct SlowStatements {
  Micros threshold_us = 0;
  std::uint64_t count = 0;  ///< Since the store was opened.
  std::vector<SlowStatement> latest;
};
/// Of this process; newest first, at most kSlowStatementsKept.
SlowStatements slow_statements(const Store& store);
codec::Json to_json(const SlowStatements& slow);

enum class Detail {
  Cheap,    ///< What costs microseconds: for samples.
  Counted,  ///< Also rows of each table.
  Sized,    ///< Also bytes of each table and index: reads the whole file.
};

struct MonitorSample {
  Micros at = 0;
  codec::Json body;  ///< As collect() gives it.
};

/// Looks at a store from inside of the process that has it open: connections, query_stats, slow_queries, table_stats,
/// index_stats, cache_stats, and on PostgreSQL warnings; docs/reference/store.md says what is in each. Passive: whoever
/// runs long calls sample() now and then. One thread at a time.
class StoreMonitor {
 public:
  /// `store` must outlive the monitor. `where`: the data directory, or the URL of the PostgreSQL database,
  /// to which the monitor has a connection of its own while it looks. Errors: those of storage.
  static Result<StoreMonitor> open(Store& store, const std::string& where);
  StoreMonitor(StoreMonitor&&) noexcept;
  StoreMonitor& operator=(StoreMonitor&&) noexcept;
  ~StoreMonitor();

  Result<codec::Json> collect(Detail detail);
  /// Once in a minute of `now_us` (on PostgreSQL: of the database's time), and once in an hour, stores what
  /// collect(Cheap) gives and forgets what is old: minutes after a day, hours after 90 days. Several processes may: the
  /// first of a minute counts, and on PostgreSQL no other looks.
  Result<void> sample(Micros now_us);

  /// Of one database.
  class Source;

 private:
  explicit StoreMonitor(std::unique_ptr<Source> source);
  std::unique_ptr<Source> source_;
};

enum class SampleKind { Minute, Hour };
/// Oldest first, from `since_us` on; at most kSamplePageMax.
Result<std::vector<MonitorSample>> read_samples(ReadTx& tx, SampleKind kind, Micros since_us,
                                                std::size_t limit = kSamplePageMax);

}  // namespace wrench::storage
