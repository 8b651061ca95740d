// Commits a second beside the raw fdatasync of the same minute and folder.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/fsync_probe.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

constexpr Statement kAdd{
    .id = "bench.add", .access = Access::Write, .sql = "INSERT INTO rows_of_bench (id, text) VALUES (?1, ?2)"};
constexpr Statement kGet{.id = "bench.get", .sql = "SELECT text FROM rows_of_bench WHERE id = ?1"};
constexpr const Statement* kStatements[] = {&kAdd, &kGet};

constexpr std::size_t kProcIoBytesMax = 4096;

template <class T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  return std::move(result).value();
}

/// Bytes that this process has handed to write() so far (proc(5), /proc/pid/io).
double bytes_written() {
  const Result<std::string> io = runtime::read_file("/proc/self/io", kProcIoBytesMax);
  const std::size_t at = io.ok() ? io->find("wchar: ") : std::string::npos;
  return at == std::string::npos ? 0 : std::strtod(io->c_str() + at + 7, nullptr);
}

class Bench {
 public:
  Bench() {
    migrations_.assign(embedded_migrations().begin(), embedded_migrations().begin() + 1);
    migrations_.push_back(
        {2, "0002_bench.sql", "CREATE TABLE rows_of_bench (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;"});
    StoreConfig config;
    config.directory = dir_ / "data";
    config.statements = {kStatements};
    config.migrations = migrations_;
    store_ = must(Store::open(std::move(config), clock_, random_));
    const FsyncReport raw = must(probe_fsync(dir_.path(), kMicrosPerSecond, clock_));
    for (const FsyncSample& sample : raw.samples)
      if (sample.overwrites && sample.bytes > 4096) raw_p50_us_ = static_cast<double>(sample.p50_us);
    bytes_before_ = bytes_written();
  }
  WriteBody add() {
    return [this](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kAdd, {next_id_++, "a row of ordinary length for one finished step"}));
      return {};
    };
  }
  Store& store() { return *store_; }
  void report(benchmark::State& state) {
    const StoreStats stats = store_->stats();
    const auto flushes = static_cast<double>(stats.flushes);
    state.SetItemsProcessed(state.iterations());
    state.counters["raw_overwrite_fdatasync_p50_us"] = raw_p50_us_;
    state.counters["commits_per_flush"] = static_cast<double>(stats.jobs) / flushes;
    state.counters["bytes_per_flush"] = (bytes_written() - bytes_before_) / flushes;
  }

 private:
  runtime::TempDir dir_ = must(runtime::TempDir::create("wrench-bench"));
  std::vector<Migration> migrations_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<Store> store_;
  std::int64_t next_id_ = 1;  // touched by the writer's thread alone
  double raw_p50_us_ = 0;
  double bytes_before_ = 0;
};

double median(std::vector<Micros> took) {
  if (took.empty()) return 0;
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
  std::nth_element(took.begin(), middle, took.end());
  return static_cast<double>(*middle);
}

/// Latency of one caller: exactly one flush each. The median, because other programs' flushes are in the mean.
void one_caller(benchmark::State& state) {
  Bench bench;
  const SystemClock clock;
  std::vector<Micros> took;
  for (auto _ : state) {
    const Micros began = clock.boot_us();
    if (!bench.store().write(bench.add()).ok()) state.SkipWithError("write failed");
    took.push_back(clock.boot_us() - began);
  }
  bench.report(state);
  state.counters["p50_us"] = median(std::move(took));
}
BENCHMARK(one_caller)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// Throughput with a full queue: the batch is what piled up during the last flush.
void saturated(benchmark::State& state) {
  Bench bench;
  std::mutex mutex;
  std::condition_variable ended;
  std::int64_t open_jobs = 0;
  constexpr std::int64_t kOpenMax = 4096;
  for (auto _ : state) {
    {
      std::unique_lock lock(mutex);
      ended.wait(lock, [&] { return open_jobs < kOpenMax; });
      ++open_jobs;
    }
    const Result<void> queued = bench.store().submit({JobLane::Completion, 100, bench.add()}, [&](const Result<void>&) {
      const std::lock_guard lock(mutex);
      --open_jobs;
      ended.notify_one();
    });
    if (!queued.ok()) state.SkipWithError("submit failed");
  }
  {
    std::unique_lock lock(mutex);
    ended.wait(lock, [&] { return open_jobs == 0; });
  }
  bench.report(state);
}
BENCHMARK(saturated)->UseRealTime();

void point_read(benchmark::State& state) {
  Bench bench;
  for (int i = 0; i < 1000; ++i)
    must(bench.store().write(bench.add()).ok() ? Result<int>(0) : Result<int>(Error("bench", "write")));
  std::int64_t id = 0;
  for (auto _ : state) {
    id = id % 1000 + 1;
    benchmark::DoNotOptimize(bench.store().read([&](ReadTx& tx) { return tx.query(kGet, {id}); }));
  }
}
BENCHMARK(point_read);

void open_existing(benchmark::State& state) {
  const auto dir = must(runtime::TempDir::create("wrench-bench"));
  const SystemClock clock;
  SystemRandom random;
  const auto open = [&] {
    StoreConfig config;
    config.directory = dir / "data";
    return must(Store::open(std::move(config), clock, random));
  };
  open();
  std::vector<Micros> took;
  for (auto _ : state) {
    const Micros began = clock.boot_us();
    benchmark::DoNotOptimize(open());
    took.push_back(clock.boot_us() - began);
  }
  state.counters["p50_us"] = median(std::move(took));
}
BENCHMARK(open_existing)->UseRealTime()->Unit(benchmark::kMicrosecond);

/// What a command pays that writes once: it finds the log of the one before.
void open_and_write_once(benchmark::State& state) {
  const auto dir = must(runtime::TempDir::create("wrench-bench"));
  const SystemClock clock;
  SystemRandom random;
  std::vector<Micros> took;
  for (auto _ : state) {
    const Micros began = clock.boot_us();
    StoreConfig config;
    config.directory = dir / "data";
    const auto store = must(Store::open(std::move(config), clock, random));
    const Result<void> written =
        store->write([](WriteTx& tx) { return tx.append_event({.type = "bench", .subject_kind = "bench"}); });
    if (!written.ok()) state.SkipWithError("write failed");
    took.push_back(clock.boot_us() - began);
  }
  state.counters["p50_us"] = median(std::move(took));
}
BENCHMARK(open_and_write_once)->UseRealTime()->Unit(benchmark::kMicrosecond);

void create_new(benchmark::State& state) {
  const auto dir = must(runtime::TempDir::create("wrench-bench"));
  const SystemClock clock;
  SystemRandom random;
  int n = 0;
  for (auto _ : state) {
    StoreConfig config;
    config.directory = dir / std::to_string(n++);
    benchmark::DoNotOptimize(must(Store::open(std::move(config), clock, random)));
  }
}
BENCHMARK(create_new)->UseRealTime()->Unit(benchmark::kMicrosecond)->Iterations(20);

}  // namespace
}  // namespace wrench::storage
