// What a store of ten million tasks, and an execution of ten million steps, cost those who look at them, and how fast
// work goes on after a process that did much at once was killed. On SQLite. One JSON line on standard output.
//
//   wrench_scale_bench DIRECTORY [STEPS [TASKS]]
//   ONLY=resume wrench_scale_bench DATABASE_URL
//
// With a URL, postgresql://…, of a store on PostgreSQL, of which there is `resume` alone.
//
// DIRECTORY needs 200 bytes a step and 1.5 KB a task. The environment's ONLY=history,lists,resume leaves out the rest.
//
// The engine makes the first rows; copies of them, made with SQL, make up the number.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "bench.hpp"
#include "fill.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/monitor.hpp"

namespace wrench::workflow {
namespace {

using bench::must;
using bench::Sql;
using bench::SteadyClock;
using codec::Json;

constexpr std::int64_t kStepsDefault = 10'000'000, kTasksDefault = 10'000'000;
constexpr std::int64_t kRealSteps = 20'000, kRealTasks = 2'000;
constexpr int kSamples = 300;
constexpr int kInFlight = 10'000;
constexpr Micros kPatience = 600 * kMicrosPerSecond;

SystemClock g_clock;
SystemRandom g_random;

bool is_url(std::string_view place) { return place.starts_with("postgresql://"); }

/// In that directory or database.
std::unique_ptr<storage::Store> open_store(const std::string& place) {
  if (!is_url(place)) return bench::open_store(place, g_clock, g_random);
  storage::StoreConfig config;
  config.database_url = place;
  config.statements = {statements()};
  return must(storage::Store::open(std::move(config), g_clock, g_random));
}

std::unique_ptr<Engine> open_engine(storage::Store& store, std::string boot, int slots) {
  EngineConfig config;
  config.boot_id = std::move(boot);
  config.slots = {2, slots, 2};
  config.threads = 4;
  config.boot_is_live = [](std::string_view) { return false; };
  return must(Engine::open(store, std::move(config), g_clock, g_random));
}

CreateTask task(std::string_view nodes) {
  CreateTask out;
  out.title = "a task of ordinary length";
  out.plan = must(Plan::parse_text("{\"v\":1,\"nodes\":[" + std::string(nodes) + "]}"));
  return out;
}

/// Milliseconds of so many calls, each with another number of 0 to `range` - 1.
Json times(std::int64_t range, const std::function<void(std::int64_t)>& call) {
  std::vector<double> out;
  SeededRandom random(1);
  for (int i = 0; i < kSamples; ++i) {
    const auto n = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(range)));
    const auto start = SteadyClock::now();
    call(n);
    out.push_back(bench::seconds_since(start) * 1e3);
  }
  const double p50 = bench::percentile(out, 50), p99 = bench::percentile(out, 99);
  return Json::object({{"p50_ms", p50}, {"p99_ms", p99}, {"max_ms", out.back()}});
}

/// Size of each table with its indexes, by what it is for.
double bytes_of(Sql& sql, const std::string& tables) {
  return static_cast<double>(
      sql.number("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE "
                 "tbl_name IN (" +
                 tables + ") UNION SELECT 'x')"));
}

Json history(const std::string& directory, std::int64_t steps) {
  std::filesystem::create_directory(directory);
  bench::Noop runner;
  std::string items;
  for (std::int64_t i = 0; i < kRealSteps; ++i) items += (i == 0 ? "" : ",") + std::to_string(i);
  TaskReceipt receipt;
  {
    const auto store = open_store(directory);
    const auto engine = open_engine(*store, "bench", 256);
    engine->start(runner);
    CreateTask many = task(
        R"({"id":"m","kind":"map","over":"inputs.items","as":"x","max_parallel":256,"body":{"kind":"call","capability":"t.x","effect":"pure"}})");
    many.inputs = must(codec::parse_json("{\"items\":[" + items + "]}"));
    receipt = must(engine->create(std::move(many)));
    must(engine->wait(receipt.task_id, Deadline::after(g_clock, kPatience), {}));
  }
  Json out = Json::object({{"steps", steps}});
  const std::string no = std::to_string(receipt.execution_no);
  {
    Sql sql(directory);
    sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto made = static_cast<double>(kRealSteps);
    out.set("bytes_a_step", bytes_of(sql, "'steps'") / made);
    out.set("bytes_a_step_with_journal_and_events", bytes_of(sql, "'steps','journal','events'") / made);
    const std::int64_t have = sql.number("SELECT max(step_no) FROM steps WHERE execution_id = " + no);
    sql.multiply("steps", "execution_id = " + no, have, steps, {{"step_no", "step_no + ?"}});
    const std::int64_t entries = sql.number("SELECT max(seq) FROM journal WHERE execution_id = " + no);
    sql.multiply("journal", "execution_id = " + no, entries, 2 * steps, {{"seq", "seq + ?"}});
    sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const auto store = open_store(directory);
  out.set("steps_page_of_1000", times(steps, [&](std::int64_t n) {
            must(store->read([&](storage::ReadTx& tx) { return list_steps(tx, receipt.execution_no, n); }));
          }));
  out.set("journal_page_of_1000", times(2 * steps, [&](std::int64_t n) {
            must(store->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt.execution_no, n, 1000); }));
          }));
  return out;
}

Json lists(const std::string& directory, std::int64_t tasks) {
  std::filesystem::create_directory(directory);
  bench::Noop runner;
  {
    const auto store = open_store(directory);
    const auto engine = open_engine(*store, "bench", 256);
    engine->start(runner);
    std::vector<CreateTask> some(kRealTasks, task(R"({"id":"a","kind":"call","capability":"t.x","effect":"pure"})"));
    std::string last;
    for (auto& receipt : engine->create_all(std::move(some))) last = must(std::move(receipt)).task_id;
    TaskFilter open;
    open.status = "in_progress";
    const auto busy = [&] {
      return !must(store->read([&](storage::ReadTx& tx) { return list_tasks(tx, open); })).tasks.empty();
    };
    while (busy()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    must(engine->wait(last, Deadline::after(g_clock, kPatience), {}));
  }
  Json out = Json::object({{"tasks", tasks}});
  {
    Sql sql(directory);
    sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto made = static_cast<double>(kRealTasks);
    out.set("bytes_a_task", bytes_of(sql, "'tasks','task_executions','steps'") / made);
    out.set("bytes_a_task_with_journal_and_events",
            bytes_of(sql, "'tasks','task_executions','steps','journal','events'") / made);
    const std::int64_t have = sql.number("SELECT max(id) FROM tasks");
    const std::string later = "created_at + 1000 * ?";
    sql.multiply(
        "tasks", "1", have, tasks,
        {{"id", "id + ?"},
         {"task_id", "'tsk_' || printf('%026d', id + ?)"},
         {"created_at", later},
         // One in a hundred still goes on, one in ten has failed.
         {"status", "CASE WHEN id % 100 = 0 THEN 'in_progress' WHEN id % 10 = 1 THEN 'failed' ELSE 'completed' END"},
         {"state", "CASE WHEN id % 100 = 0 THEN 'waiting' WHEN id % 10 = 1 THEN 'failed' ELSE 'completed' END"}});
    sql.multiply("task_executions", "1", have, tasks,
                 {{"id", "id + ?"}, {"execution_id", "'exe_' || printf('%026d', id + ?)"}, {"task_id", "task_id + ?"}});
    sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const auto store = open_store(directory);
  const auto read = [&](auto body) { return must(store->read(body)); };
  const auto page = [&](std::string status, std::string cursor) {
    return read([&](storage::ReadTx& tx) { return list_tasks(tx, {std::move(status), 100, std::move(cursor)}); });
  };
  const auto view = [&](std::int64_t n) {
    return *read([&](storage::ReadTx& tx) { return find_task_by_no(tx, n + 1); });
  };
  out.set("first_page", times(1, [&](std::int64_t) { page("", ""); }));
  std::vector<std::string> cursors;
  SeededRandom random(2);
  for (int i = 0; i < kSamples; ++i) {
    const TaskView task = view(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(tasks))));
    cursors.push_back(std::to_string(task.created_at) + "." + std::to_string(task.task_no));
  }
  out.set("any_page", times(kSamples, [&](std::int64_t n) { page("", cursors[static_cast<std::size_t>(n)]); }));
  for (const std::string status : {"pending", "in_progress", "failed"})
    out.set("any_page_" + status,
            times(kSamples, [&](std::int64_t n) { page(status, cursors[static_cast<std::size_t>(n)]); }));
  out.set("task_by_id", times(tasks, [&](std::int64_t n) {
            const std::string id = view(n).task_id;
            read([&](storage::ReadTx& tx) { return find_task(tx, id); });
          }));
  out.set("task_by_last_characters", times(1, [&](std::int64_t) {
            const std::string id = view(tasks - 1).task_id;
            read([&](storage::ReadTx& tx) { return find_task(tx, std::string_view(id).substr(id.size() - 10)); });
          }));
  out.set("task_that_does_not_exist", times(1, [&](std::int64_t) {
            static_cast<void>(store->read([&](storage::ReadTx& tx) { return find_task(tx, "ZZZZZZZZZZ"); }));
          }));
  out.set("counts", times(1, [&](std::int64_t) {
            read([&](storage::ReadTx& tx) { return read_activity(tx, queue_names("bench"), g_clock.now_us(), 10); });
          }));
  return out;
}

/// Steps that never end.
class Held final : public bench::Noop {
 public:
  StepOutcome run(const StepInvocation&, StepContext&) override {
    while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
};

class Counting final : public bench::Noop {
 public:
  explicit Counting(int all) : all_(all) {}
  StepOutcome run(const StepInvocation&, StepContext&) override {
    const int before = runs_.fetch_add(1);
    if (before == 0) first_at_ = SteadyClock::now();
    if (before + 1 == all_) last_at_ = SteadyClock::now();
    return Completed{Json(), {}};
  }
  bool done() const { return runs_ >= all_; }
  SteadyClock::time_point first_at() const { return first_at_; }
  SteadyClock::time_point last_at() const { return last_at_; }

 private:
  const int all_;
  std::atomic<int> runs_{0};
  std::atomic<SteadyClock::time_point> first_at_, last_at_;
};

/// A process claims so many steps, and is killed; another takes over.
Json resume(const std::string& place, bool one_execution) {
  if (!is_url(place)) std::filesystem::create_directory(place);
  const pid_t child = fork();
  if (child == 0) {
    const auto store = open_store(place);
    const auto engine = open_engine(*store, "killed", kInFlight);
    Held runner;
    engine->start(runner);
    if (one_execution) {
      std::string items;
      for (int i = 0; i < kInFlight; ++i) items += (i == 0 ? "" : ",") + std::to_string(i);
      CreateTask many = task(
          R"({"id":"m","kind":"map","over":"inputs.items","as":"x","max_parallel":1000,"body":{"kind":"call","capability":"t.x","effect":"pure"}})");
      many.inputs = must(codec::parse_json("{\"items\":[" + items + "]}"));
      must(engine->create(std::move(many)));
    } else {
      std::vector<CreateTask> some(kInFlight, task(R"({"id":"a","kind":"call","capability":"t.x","effect":"pure"})"));
      for (auto& receipt : engine->create_all(std::move(some))) must(std::move(receipt));
    }
    std::int64_t used = 0;
    while (used < (one_execution ? 4 : kInFlight)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      used = engine->look().used[static_cast<std::size_t>(SlotClass::Io)];
    }
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) std::exit(1);
  const auto start = SteadyClock::now();
  Counting runner(kInFlight);
  const auto store = open_store(place);
  const double opened = bench::seconds_since(start);
  const auto engine = open_engine(*store, "next", kInFlight);
  engine->start(runner);
  while (!is_url(place) && !must(engine->adopt_orphans()).empty()) {
  }
  const double adopted = bench::seconds_since(start);
  while (!runner.done()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto ms = [&](SteadyClock::time_point at) {
    return std::chrono::duration<double, std::milli>(at - start).count();
  };
  return Json::object({{"open_ms", opened * 1e3},
                       {"first_ms", ms(runner.first_at())},
                       {"all_adopted_ms", adopted * 1e3},
                       {"all_ms", ms(runner.last_at())}});
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  using namespace wrench;
  if (argc < 2 || argc > 4) {
    std::fputs("usage: wrench_scale_bench DIRECTORY [STEPS [TASKS]]\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  const auto number = [&](int at, std::int64_t otherwise) {
    return argc > at ? std::strtoll(argv[at], nullptr, 10) : otherwise;
  };
  using bench::wanted;
  codec::Json out = codec::Json::object();
  if (workflow::is_url(directory)) {
    out.set("worker_ttl_ms", workflow::EngineConfig().worker_ttl_us / kMicrosPerMs);
    out.set("resume_10000_tasks", workflow::resume(directory, false));
    out.set("resume_map_of_10000", workflow::resume(directory, true));
  } else if (wanted("resume")) {
    out.set("resume_10000_tasks", workflow::resume(directory + "/tasks", false));
    out.set("resume_map_of_10000", workflow::resume(directory + "/map", true));
  }
  const bool on_sqlite = !workflow::is_url(directory);
  if (on_sqlite && wanted("history"))
    out.set("history", workflow::history(directory + "/history", number(2, workflow::kStepsDefault)));
  if (on_sqlite && wanted("lists"))
    out.set("lists", workflow::lists(directory + "/lists", number(3, workflow::kTasksDefault)));
  std::printf("%s\n", codec::write_json(out).c_str());
}
