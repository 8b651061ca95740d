// Durable tasks and steps a second through the engine. One JSON line on standard output.
//
//   wrench_queue_bench DIRECTORY JOBS [DATABASE_URL [WORKERS]]
//
// On SQLite in DIRECTORY; with a URL on that PostgreSQL database, by so many workers, of which the first creates the
// tasks. DIRECTORY should be on the disk that is measured. The environment's ONLY=queued,steps_one leaves out the rest,
// SLOTS says how many steps a worker claims ahead; with STATEMENTS=1 the costliest statements of all parts, counted for
// each job, come on standard error.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench.hpp"
#include "wrench/base/random.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/fsync_probe.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {
namespace {

using bench::cpu_seconds;
using bench::must;
using bench::seconds_since;
using bench::SteadyClock;
using codec::Json;

constexpr std::size_t kTasksAtOnce = 1000;
constexpr int kLatencySamples = 200;
constexpr int kSequentialSteps = 400;
constexpr int kFanOutTasks = 200;
constexpr int kSlots = 1024;
/// Of a map's items: a half runs while a flush writes the ends of the other.
constexpr int kParallelItems = 512;
constexpr std::size_t kThreads = 4;

class Timed final : public bench::Noop {
 public:
  StepOutcome run(const StepInvocation& in, StepContext& context) override {
    started_at = SteadyClock::now();
    ++runs;
    return Noop::run(in, context);
  }
  std::atomic<SteadyClock::time_point> started_at;
  std::atomic<std::int64_t> runs{0};
};

std::shared_ptr<const Plan> plan(const std::string& nodes) {
  return must(Plan::parse_text("{\"v\":1,\"nodes\":[" + nodes + "]}"));
}

int slots() {
  const char* const wanted = std::getenv("SLOTS");
  return wanted == nullptr ? kSlots : std::atoi(wanted);
}

CreateTask task(const std::shared_ptr<const Plan>& plan) {
  CreateTask out;
  out.title = "a task of ordinary length";
  out.plan = plan;
  return out;
}

const std::string kCall = R"("kind":"call","capability":"bench.noop","effect":"pure")";

class Bench {
 public:
  /// `database_url` empty: SQLite.
  Bench(const std::string& directory, const std::string& database_url, int workers) : workers_(workers) {
    const storage::FsyncReport raw = must(storage::probe_fsync(directory, kMicrosPerSecond, clock_));
    for (const auto& sample : raw.samples)
      if (sample.overwrites && sample.bytes > 4096) raw_us_ = static_cast<double>(sample.p50_us);
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      storage::StoreConfig config;
      config.database_url = database_url;
      if (database_url.empty()) config.directory = directory + "/data";
      config.statements = {statements()};
      workers_[i].store = must(storage::Store::open(std::move(config), clock_, random_));
      EngineConfig engine;
      engine.boot_id = "bench" + std::to_string(i);
      engine.boot_is_live = [](std::string_view) { return true; };
      engine.slots = {2, slots(), 2};
      engine.threads = kThreads;
      workers_[i].engine = must(Engine::open(*workers_[i].store, std::move(engine), clock_, random_));
      workers_[i].engine->start(runner_);
    }
  }

  Json tasks(std::int64_t count) {
    const auto one = plan("{\"id\":\"a\"," + kCall + "}");
    std::string last;
    return measure(count, [&] {
      for (std::int64_t left = count; left > 0; left -= static_cast<std::int64_t>(kTasksAtOnce)) {
        std::vector<CreateTask> some(std::min(kTasksAtOnce, static_cast<std::size_t>(left)), task(one));
        for (auto& receipt : engine().create_all(std::move(some))) last = must(std::move(receipt)).task_id;
      }
    });
  }
  /// Steps of `executions` maps side by side.
  Json steps(std::int64_t count, std::int64_t executions) {
    std::string items;
    for (std::int64_t i = 0; i < count / executions; ++i) items += (items.empty() ? "" : ",") + std::to_string(i);
    const auto fan = plan(R"({"id":"m","kind":"map","over":"inputs.items","as":"x","max_parallel":)" +
                          std::to_string(kParallelItems) + R"(,"body":{)" + kCall + "}}");
    return measure(count, [&] {
      std::vector<CreateTask> some(static_cast<std::size_t>(executions), task(fan));
      for (CreateTask& t : some) t.inputs = must(codec::parse_json("{\"items\":[" + items + "]}"));
      for (auto& receipt : engine().create_all(std::move(some))) must(std::move(receipt));
    });
  }
  Json latency() {
    const auto one = plan("{\"id\":\"a\"," + kCall + "}");
    std::vector<double> waits;
    std::uint64_t flushes = 0;
    for (int i = 0; i < kLatencySamples; ++i) {
      const std::int64_t before = runner_.runs;
      const std::uint64_t flushes_before = stats().flushes;
      const auto start = SteadyClock::now();
      const TaskReceipt receipt = must(engine().create(task(one)));
      while (runner_.runs == before) std::this_thread::yield();
      flushes += stats().flushes - flushes_before;
      waits.push_back(std::chrono::duration<double, std::milli>(runner_.started_at.load() - start).count());
      must(engine().wait(receipt.task_id, Deadline::after(clock_, kMicrosPerSecond * 10), {}));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::sort(waits.begin(), waits.end());
    return Json::object({{"p50_ms", waits[waits.size() / 2]},
                         {"p99_ms", waits[waits.size() * 99 / 100]},
                         {"flushes", static_cast<double>(flushes) / kLatencySamples}});
  }
  Json sequence() {
    std::string nodes;
    for (int i = 0; i < kSequentialSteps; ++i) {
      if (i > 0) nodes += ",";
      nodes += "{\"id\":\"s" + std::to_string(i) + "\"," + kCall;
      if (i > 0) nodes += ",\"needs\":[\"s" + std::to_string(i - 1) + "\"]";
      nodes += "}";
    }
    const auto chain = plan(nodes);
    const std::uint64_t flushes = stats().flushes;
    const auto start = SteadyClock::now();
    const TaskReceipt receipt = must(engine().create(task(chain)));
    must(engine().wait(receipt.task_id, Deadline::after(clock_, 60 * kMicrosPerSecond), {}));
    return Json::object({{"step_ms", seconds_since(start) * 1e3 / kSequentialSteps},
                         {"flushes", stats().flushes - flushes},
                         {"steps", kSequentialSteps}});
  }
  double raw_us() const { return raw_us_; }
  void tell_statements(std::int64_t jobs) const {
    for (const storage::StatementCost& cost : storage::statement_costs(*workers_.front().store))
      std::fprintf(stderr, "%8.2f us %6.2f calls %6.2f rows  %s\n",
                   static_cast<double>(cost.time_us) / static_cast<double>(jobs),
                   static_cast<double>(cost.calls) / static_cast<double>(jobs),
                   static_cast<double>(cost.rows) / static_cast<double>(jobs), std::string(cost.id).c_str());
  }

 private:
  struct Worker {
    std::unique_ptr<storage::Store> store;
    std::unique_ptr<Engine> engine;
  };
  Engine& engine() { return *workers_.front().engine; }
  /// Of all workers.
  storage::StoreStats stats() const {
    storage::StoreStats out;
    for (const Worker& worker : workers_) {
      const storage::StoreStats its = worker.store->stats();
      out.flushes += its.flushes;
      out.statements += its.statements;
      out.conflicts += its.conflicts;
    }
    return out;
  }
  template <class Body>
  Json measure(std::int64_t count, Body enqueue) {
    const storage::StoreStats before = stats();
    const std::int64_t runs = runner_.runs;
    const double cpu = cpu_seconds();
    const auto start = SteadyClock::now();
    enqueue();
    const double enqueued = seconds_since(start);
    while (runner_.runs - runs < count || !idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const double whole = seconds_since(start);
    const storage::StoreStats after = stats();
    return Json::object(
        {{"count", count},
         {"enqueue_per_s", static_cast<double>(count) / enqueued},
         {"whole_per_s", static_cast<double>(count) / whole},
         {"cpu_us", (cpu_seconds() - cpu) * 1e6 / static_cast<double>(count)},
         {"per_flush", static_cast<double>(count) / static_cast<double>(after.flushes - before.flushes)},
         {"conflicts", after.conflicts - before.conflicts}});
  }
  bool idle() {
    TaskFilter filter;
    filter.status = "in_progress";
    filter.limit = 1;
    return must(workers_.front().store->read([&](storage::ReadTx& tx) { return list_tasks(tx, filter); }))
        .tasks.empty();
  }

  SystemClock clock_;
  SystemRandom random_;
  Timed runner_;
  std::vector<Worker> workers_;
  double raw_us_ = 0;
};

int run(const std::string& directory, std::int64_t jobs, const std::string& database_url, int workers) {
  Bench bench(directory, database_url, workers);
  Json out = Json::object({{"peer", "wrench"}, {"raw_overwrite_us", bench.raw_us()}});
  using bench::wanted;
  if (wanted("latency")) out.set("latency", bench.latency());
  if (wanted("sequence")) out.set("sequence", bench.sequence());
  if (wanted("queued")) out.set("queued", bench.tasks(jobs));
  if (wanted("steps_one")) out.set("steps_one", bench.steps(jobs, 1));
  if (wanted("steps_200")) out.set("steps_200", bench.steps(jobs, kFanOutTasks));
  if (std::getenv("STATEMENTS") != nullptr) bench.tell_statements(jobs);
  std::printf("%s\n", codec::write_json(out).c_str());
  return 0;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  const int workers = argc == 5 ? std::atoi(argv[4]) : 1;
  if (argc < 3 || argc > 5 || workers < 1) {
    std::fprintf(stderr, "usage: wrench_queue_bench DIRECTORY JOBS [DATABASE_URL [WORKERS]]\n");
    return 2;
  }
  return wrench::workflow::run(argv[1], std::strtoll(argv[2], nullptr, 10), argc > 3 ? argv[3] : "", workers);
}
