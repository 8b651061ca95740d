// Whether limits by 100,000 keys hold, what they cost, and how long a step waits behind those of others. On SQLite. One
// JSON line on standard output.
//
//   wrench_fairness_bench DIRECTORY [KEYS [BACKLOG]]
//
// DIRECTORY needs 2 KB for each key's step and for each task of the backlog. The environment's
// ONLY=rates,memory,throttled,backlog leaves out the rest; PERIOD_S is that of the rates.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench.hpp"
#include "fill.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {
namespace {

using bench::must;
using bench::Sql;
using bench::SteadyClock;
using codec::Json;

constexpr std::int64_t kKeysDefault = 100'000, kBacklogDefault = 1'000'000;
constexpr int kStartsOfKey = 4;
constexpr std::size_t kTasksAtOnce = 1'000;
constexpr int kSlots = 64, kSlotsOfKeys = 1'024;
constexpr int kProbes = 200;
constexpr auto kBetweenProbes = std::chrono::milliseconds(20);
constexpr auto kStepTakes = std::chrono::milliseconds(2);  ///< Of the backlog.
constexpr auto kSettle = std::chrono::seconds(3);
constexpr std::int64_t kBacklogShort = 20'000;

SystemClock g_clock;
SystemRandom g_random;

CreateTask task(const std::shared_ptr<const Plan>& plan, std::int64_t key = 0, std::string priority = "medium") {
  CreateTask out;
  out.title = "a task of ordinary length";
  out.plan = plan;
  out.priority = std::move(priority);
  out.inputs = Json::object({{"k", std::to_string(key)}});
  return out;
}

std::shared_ptr<const Plan> plan(const std::string& nodes) {
  return must(Plan::parse_text("{\"v\":1,\"nodes\":[" + nodes + "]}"));
}

/// `count` steps that need nothing, each at the rate of the key; `key` is an expression.
std::shared_ptr<const Plan> limited(int count, const std::string& key, double period_s) {
  std::string nodes;
  for (int i = 0; i < count; ++i)
    nodes += (i == 0 ? "" : ",") + ("{\"id\":\"s" + std::to_string(i)) +
             R"(","kind":"call","capability":"t.x","input":{"k":{"$from":"inputs.k"}},"rate":{"key":")" + key +
             R"(","per_s":)" + std::to_string(1 / period_s) + R"(,"burst":1}})";
  return plan(nodes);
}

struct Process {
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Engine> engine;
};

Process open_process(const std::string& directory, int slots) {
  std::filesystem::create_directories(directory);
  Process out;
  out.store = bench::open_store(directory, g_clock, g_random);
  EngineConfig config;
  config.boot_id = "bench";
  config.slots = {2, slots, 2};
  config.threads = 4;
  config.boot_is_live = [](std::string_view) { return false; };
  out.engine = must(Engine::open(*out.store, std::move(config), g_clock, g_random));
  return out;
}

void create(Engine& engine, std::int64_t count, const std::shared_ptr<const Plan>& plan) {
  for (std::int64_t done = 0; done < count;) {
    std::vector<CreateTask> some;
    for (; done < count && some.size() < kTasksAtOnce; ++done) some.push_back(task(plan, done));
    for (auto& receipt : engine.create_all(std::move(some))) must(std::move(receipt));
  }
}

/// When the steps of each key began.
class Starts final : public bench::Noop {
 public:
  explicit Starts(std::int64_t keys) : at_(static_cast<std::size_t>(keys)) {}
  StepOutcome run(const StepInvocation& in, StepContext&) override {
    const auto now = SteadyClock::now();
    const auto key = std::strtoull(std::string(in.input.at("k").as_string()).c_str(), nullptr, 10);
    const std::lock_guard lock(mutex_);
    at_.at(key).push_back(now);
    ++runs_;
    return Completed{Json(), {}};
  }
  std::int64_t runs() const { return runs_; }
  /// Once nothing runs any more.
  const std::vector<std::vector<SteadyClock::time_point>>& at() const { return at_; }

 private:
  std::mutex mutex_;
  std::vector<std::vector<SteadyClock::time_point>> at_;
  std::atomic<std::int64_t> runs_{0};
};

/// Each key always has something that waits, so its steps begin exactly as often as it may.
Json rates(const std::string& directory, std::int64_t keys, double period_s) {
  Starts runner(keys);
  const Process process = open_process(directory, kSlotsOfKeys);
  process.engine->start(runner);
  const double cpu = bench::cpu_seconds();
  const auto start = SteadyClock::now();
  create(*process.engine, keys, limited(kStartsOfKey, "inputs.k", period_s));
  const double created = bench::seconds_since(start);
  while (runner.runs() < keys * kStartsOfKey) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double whole = bench::seconds_since(start);
  std::vector<double> errors, over;
  for (const auto& at : runner.at()) {
    const double took = std::chrono::duration<double>(at.back() - at.front()).count();
    errors.push_back(std::abs((kStartsOfKey - 1) * period_s / took - 1) * 100);
    for (std::size_t i = 1; i < at.size(); ++i)
      over.push_back((period_s / std::chrono::duration<double>(at[i] - at[i - 1]).count() - 1) * 100);
  }
  const auto starts = static_cast<double>(keys) * kStartsOfKey;
  const double p50 = bench::percentile(errors, 50), p99 = bench::percentile(errors, 99);
  return Json::object({{"keys", keys},
                       {"period_s", period_s},
                       {"created_s", created},
                       {"whole_s", whole},
                       {"starts_per_s_wanted", static_cast<double>(keys) / period_s},
                       {"cpu_us_a_start", (bench::cpu_seconds() - cpu) * 1e6 / starts},
                       {"error_percent_p50", p50},
                       {"error_percent_p99", p99},
                       {"error_percent_max", errors.back()},
                       {"over_percent_max", *std::ranges::max_element(over)}});
}

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// Bytes of memory that so many steps need of which only one of each key could begin. In a process of its own.
std::int64_t parked_bytes(const std::string& directory, std::int64_t steps, const std::string& key) {
  int pipe[2];
  if (::pipe(pipe) != 0) std::exit(1);
  const pid_t child = fork();
  if (child == 0) {
    Starts runner(steps);
    const Process process = open_process(directory, kSlotsOfKeys);
    process.engine->start(runner);
    const std::int64_t before = resident_bytes();
    create(*process.engine, steps, limited(2, key, 86'400));
    std::this_thread::sleep_for(kSettle);
    const std::int64_t bytes = resident_bytes() - before;
    if (::write(pipe[1], &bytes, sizeof bytes) != sizeof bytes) _exit(1);
    _exit(0);
  }
  std::int64_t bytes = 0;
  int status = 0;
  if (::read(pipe[0], &bytes, sizeof bytes) != sizeof bytes || ::waitpid(child, &status, 0) != child) std::exit(1);
  return bytes;
}

Json memory(const std::string& directory, std::int64_t keys) {
  const std::int64_t one = parked_bytes(directory + "/one", keys, "'one'");
  const std::int64_t many = parked_bytes(directory + "/many", keys, "inputs.k");
  Sql sql(directory + "/many");
  const std::int64_t rows = sql.number("SELECT count(*) FROM limits");
  const std::int64_t disk = sql.number(
      "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'limits')");
  return Json::object({{"keys", rows},
                       {"bytes_a_key", static_cast<double>(many - one) / static_cast<double>(keys)},
                       {"bytes_on_disk_a_key", static_cast<double>(disk) / static_cast<double>(rows)},
                       {"tasks_on_one_key_mb", one / 1'000'000}});
}

/// Steps of others take their time; probes say when they began.
class Probed final : public bench::Noop {
 public:
  StepOutcome run(const StepInvocation& in, StepContext& context) override {
    if (in.capability == "t.probe") {
      started_at = SteadyClock::now();
      ++probes;
    } else {
      while (held) std::this_thread::sleep_for(kStepTakes);
      ++others;
      std::this_thread::sleep_for(kStepTakes);
    }
    return Noop::run(in, context);
  }
  std::atomic<SteadyClock::time_point> started_at;
  std::atomic<std::int64_t> probes{0}, others{0};
  std::atomic<bool> held{false};
};

/// How long it takes from ordering a task to its start, a number of times.
Json probe(Engine& engine, Probed& runner, const std::string& priority) {
  const auto one = plan(R"({"id":"a","kind":"call","capability":"t.probe","effect":"pure"})");
  std::vector<double> waits;
  const std::int64_t others = runner.others;
  const auto begun = SteadyClock::now();
  for (int i = 0; i < kProbes; ++i) {
    const std::int64_t before = runner.probes;
    const auto start = SteadyClock::now();
    must(engine.create(task(one, 0, priority)));
    while (runner.probes == before) std::this_thread::sleep_for(std::chrono::microseconds(50));
    waits.push_back(std::chrono::duration<double, std::milli>(runner.started_at.load() - start).count());
    std::this_thread::sleep_for(kBetweenProbes);
  }
  const double p50 = bench::percentile(waits, 50), p99 = bench::percentile(waits, 99);
  return Json::object({{"p50_ms", p50},
                       {"p99_ms", p99},
                       {"max_ms", waits.back()},
                       {"others_per_s", static_cast<double>(runner.others - others) / bench::seconds_since(begun)}});
}

/// One key is used up for a day, and so many steps wait for it.
Json throttled(const std::string& directory, std::int64_t steps) {
  Probed runner;
  const Process process = open_process(directory, kSlots);
  process.engine->start(runner);
  Json out = Json::object({{"idle", probe(*process.engine, runner, "medium")}});
  create(*process.engine, steps, limited(1, "'one'", 86'400));
  std::this_thread::sleep_for(kSettle);
  out.set("steps_that_wait", steps - runner.others);
  out.set("others", probe(*process.engine, runner, "medium"));
  return out;
}

/// Behind so many steps of medium priority that are ready.
Json backlog(const std::string& directory, std::int64_t steps) {
  Probed runner;
  const Process process = open_process(directory, kSlots);
  process.engine->start(runner);
  runner.held = true;
  const auto start = SteadyClock::now();
  create(*process.engine, steps, plan(R"({"id":"a","kind":"call","capability":"t.x","effect":"pure"})"));
  const double created = bench::seconds_since(start);
  runner.held = false;
  Json out = Json::object({{"steps", steps}, {"created_s", created}});
  for (const std::string priority : {"high", "low"}) out.set(priority, probe(*process.engine, runner, priority));
  out.set("left", steps - runner.others);
  return out;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  using namespace wrench;
  if (argc < 2 || argc > 4) {
    std::fputs("usage: wrench_fairness_bench DIRECTORY [KEYS [BACKLOG]]\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  const std::int64_t keys = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : workflow::kKeysDefault;
  const std::int64_t steps = argc > 3 ? std::strtoll(argv[3], nullptr, 10) : workflow::kBacklogDefault;
  const char* const period = std::getenv("PERIOD_S");
  using bench::wanted;
  codec::Json out = codec::Json::object();
  if (wanted("memory")) out.set("memory", workflow::memory(directory + "/memory", keys));
  if (wanted("throttled")) out.set("throttled", workflow::throttled(directory + "/throttled", keys));
  if (wanted("rates"))
    out.set("rates",
            workflow::rates(directory + "/rates", keys, period == nullptr ? 30 : std::strtod(period, nullptr)));
  if (wanted("backlog")) {
    out.set("nothing_waits", workflow::backlog(directory + "/none", 0));
    out.set("backlog_short", workflow::backlog(directory + "/short", workflow::kBacklogShort));
    out.set("backlog", workflow::backlog(directory + "/backlog", steps));
  }
  std::printf("%s\n", codec::write_json(out).c_str());
  std::fflush(stdout);
  _exit(0);  // What is left isn't waited for.
}
