// PostgreSQL: commits and rows a second, on a real server with fsync on, beside the raw fdatasync of the same minute
// and disk.

#include <benchmark/benchmark.h>

#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/fsync_probe.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/postgres_server.hpp"

namespace wrench::storage {
namespace {

using testing::PostgresServer;

constexpr Statement kAdd{
    .id = "bench.add", .access = Access::Write, .sql = "INSERT INTO rows_of_bench (id, text) VALUES (?1, ?2)"};
constexpr Statement kSet{
    .id = "bench.set", .access = Access::Write, .sql = "UPDATE rows_of_bench SET text = ?2 WHERE id = ?1"};
constexpr Statement kGet{.id = "bench.get", .sql = "SELECT text FROM rows_of_bench WHERE id = ?1"};
constexpr const Statement* kStatements[] = {&kAdd, &kSet, &kGet};
constexpr std::string_view kText = "a row of ordinary length for one finished step";

template <class T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

/// `stores` on one schema: as many processes, or writer connections, as that.
class Bench {
 public:
  explicit Bench(std::size_t stores = 1) {
    migrations_.assign(embedded_migrations(Dialect::Postgres).begin(),
                       embedded_migrations(Dialect::Postgres).begin() + 1);
    migrations_.push_back(
        {2, "0002_bench.sql", "CREATE TABLE rows_of_bench (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;"});
    const std::string url = PostgresServer::shared().new_schema_url();
    for (std::size_t i = 0; i < stores; ++i) {
      StoreConfig config;
      config.database_url = url;
      config.statements = {kStatements};
      config.migrations = migrations_;
      stores_.push_back(must(Store::open(std::move(config), clock_, random_)));
    }
    const auto dir = must(runtime::TempDir::create("wrench-bench"));
    const FsyncReport raw = must(probe_fsync(dir.path(), kMicrosPerSecond, clock_));
    for (const FsyncSample& sample : raw.samples)
      if (sample.overwrites && sample.bytes > 4096) raw_ = sample;
  }
  WriteBody add() {
    return [id = next_id_++](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kAdd, {id, kText}));
      return {};
    };
  }
  Store& store(std::size_t i = 0) { return *stores_[i % stores_.size()]; }
  void report(benchmark::State& state) const {
    std::uint64_t flushes = 0;
    std::uint64_t jobs = 0;
    for (const auto& store : stores_) {
      flushes += store->stats().flushes;
      jobs += store->stats().jobs;
    }
    state.counters["raw_fdatasync_p50_us"] = static_cast<double>(raw_.p50_us);
    state.counters["raw_fdatasync_per_s"] = raw_.per_second;
    state.counters["jobs_per_flush"] = flushes == 0 ? 0 : static_cast<double>(jobs) / static_cast<double>(flushes);
  }

 private:
  std::vector<Migration> migrations_;
  SystemClock clock_;
  SystemRandom random_;
  std::vector<std::unique_ptr<Store>> stores_;
  FsyncSample raw_;
  std::int64_t next_id_ = 1;
};

/// Latency of one caller: begin, one statement, COMMIT.
void postgres_one_caller(benchmark::State& state) {
  Bench bench;
  for (auto _ : state)
    if (!bench.store().write(bench.add()).ok()) state.SkipWithError("write failed");
  bench.report(state);
}
BENCHMARK(postgres_one_caller)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// Jobs of one statement each with full queues, by the number of writer connections.
void postgres_saturated(benchmark::State& state) {
  Bench bench(static_cast<std::size_t>(state.range(0)));
  std::mutex mutex;
  std::condition_variable ended;
  std::int64_t open_jobs = 0;
  std::size_t turn = 0;
  constexpr std::int64_t kOpenMax = 4096;
  for (auto _ : state) {
    {
      std::unique_lock lock(mutex);
      ended.wait(lock, [&] { return open_jobs < kOpenMax; });
      ++open_jobs;
    }
    const Result<void> queued =
        bench.store(turn++).submit({JobLane::Completion, 100, bench.add()}, [&](const Result<void>&) {
          const std::lock_guard lock(mutex);
          --open_jobs;
          ended.notify_one();
        });
    if (!queued.ok()) state.SkipWithError("submit failed");
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open_jobs == 0; });
  state.SetItemsProcessed(state.iterations());
  bench.report(state);
}
BENCHMARK(postgres_saturated)->Arg(1)->Arg(2)->Arg(4)->UseRealTime();

enum class Way { Loop, AtOnce };

/// Rows a second of one flush with so many rows: a loop over exec() against one exec_many().
void postgres_rows(benchmark::State& state, const Statement& statement, Way way) {
  Bench bench;
  const auto rows = state.range(0);
  std::int64_t next = 0;
  const auto fill = [&](std::int64_t first, const Statement& what, Way how) {
    return bench.store().write([&, first](WriteTx& tx) -> Result<void> {
      std::vector<Bind> binds;
      for (std::int64_t id = first; id < first + rows; ++id) binds.insert(binds.end(), {Bind(id), Bind(kText)});
      if (how == Way::AtOnce) {
        WRENCH_TRY(tx.exec_many(what, 2, binds));
      } else {
        for (std::size_t i = 0; i < binds.size(); i += 2) WRENCH_TRY(tx.exec(what, {binds[i], binds[i + 1]}));
      }
      return {};
    });
  };
  if (&statement == &kSet && !fill(0, kAdd, Way::AtOnce).ok()) state.SkipWithError("write failed");
  for (auto _ : state) {
    if (!fill(next, statement, way).ok()) state.SkipWithError("write failed");
    if (&statement == &kAdd) next += rows;
  }
  state.SetItemsProcessed(state.iterations() * rows);
  bench.report(state);
}
BENCHMARK_CAPTURE(postgres_rows, insert_loop, kAdd, Way::Loop)->Arg(512)->UseRealTime();
BENCHMARK_CAPTURE(postgres_rows, insert_many, kAdd, Way::AtOnce)->Arg(16)->Arg(512)->Arg(4096)->UseRealTime();
BENCHMARK_CAPTURE(postgres_rows, update_loop, kSet, Way::Loop)->Arg(512)->UseRealTime();
BENCHMARK_CAPTURE(postgres_rows, update_many, kSet, Way::AtOnce)->Arg(512)->UseRealTime();

/// Reading 512 rows by key in a flush, locked.
void postgres_load(benchmark::State& state, Way way) {
  Bench bench;
  constexpr std::int64_t kRows = 512;
  for (std::int64_t i = 0; i < kRows; ++i)
    if (!bench.store().submit({.body = bench.add()}, [](const Result<void>&) {}).ok())
      state.SkipWithError("write failed");
  for (auto _ : state) {
    const Result<void> read = bench.store().write([&](WriteTx& tx) -> Result<void> {
      std::vector<Bind> keys;
      for (std::int64_t id = 1; id <= kRows; ++id) keys.emplace_back(id);
      if (way == Way::AtOnce) {
        benchmark::DoNotOptimize(WRENCH_TRY(tx.query_many(kGet, 1, keys, RowLock::ForUpdate)).size());
      } else {
        for (const Bind& key : keys)
          benchmark::DoNotOptimize(WRENCH_TRY(tx.query_many(kGet, 1, {&key, 1}, RowLock::ForUpdate)).size());
      }
      return {};
    });
    if (!read.ok()) state.SkipWithError("read failed");
  }
  state.SetItemsProcessed(state.iterations() * kRows);
  bench.report(state);
}
BENCHMARK_CAPTURE(postgres_load, loop, Way::Loop)->UseRealTime();
BENCHMARK_CAPTURE(postgres_load, many, Way::AtOnce)->UseRealTime();

void postgres_point_read(benchmark::State& state) {
  Bench bench;
  if (!bench.store().write(bench.add()).ok()) state.SkipWithError("write failed");
  for (auto _ : state) benchmark::DoNotOptimize(bench.store().read([&](ReadTx& tx) { return tx.query(kGet, {1}); }));
}
BENCHMARK(postgres_point_read)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace wrench::storage
