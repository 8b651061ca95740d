// Kills and freezes the workers of a PostgreSQL database under load, crashes its server, and looks at what is left:
// every acknowledged task is there and ended, no guarded effect happened twice, nothing runs, waits or is queued for
// nobody. Effects go to a file of their own that no transaction undoes.
//
//     build/dev/tests/crash/wrench_kill_workers [--seconds 300] [--workers 3] [--seed 1] [--networks yes]
//
// With --networks (as root) each worker lives in a network of its own, and its cable is pulled out, too.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "network_lab.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/engine.hpp"

extern char** environ;

namespace wrench::workflow {
namespace {

using codec::Json;
using storage::testing::PostgresServer;
using tests::NetworkLab;

constexpr Micros kTtl = 4 * kMicrosPerSecond;

constexpr std::string_view kPlan = R"({"v":1,"nodes":[
  {"id":"list","kind":"call","capability":"t.list"},
  {"id":"each","kind":"map","needs":["list"],"over":"steps.list.output","as":"item","max_parallel":3,
   "body":{"kind":"call","capability":"t.send","input":{"item":{"$from":"item"}}}},
  {"id":"pause","kind":"wait","on":"until","needs":["list"],"after_ms":300},
  {"id":"pay","kind":"call","capability":"t.pay","needs":["each"]},
  {"id":"end","kind":"call","capability":"t.list","needs":["pay","pause"]}]})";

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  std::exit(1);
}

void rest(Micros us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

// ---- the worker, a process of its own ----

class Runner final : public StepRunner {
 public:
  explicit Runner(const std::string& effects) : fd_(::open(effects.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)) {}

  Result<CapabilityTraits> traits(std::string_view capability) const override {
    const Effect effect = capability == "t.pay"    ? Effect::Guarded
                          : capability == "t.send" ? Effect::Idempotent
                                                   : Effect::Pure;
    return CapabilityTraits{effect, SlotClass::Io};
  }
  StepOutcome run(const StepInvocation& in, StepContext& context) override {
    rest(static_cast<Micros>(random_.below(20'000)));
    if (in.capability == "t.list") return Completed{must(codec::parse_json("[1,2,3,4,5]")), {}};
    if (in.capability == "t.send") {
      note("sent " + in.execution_id + " " + in.iterations);
      return Completed{Json(1), {}};
    }
    auto ticket = context.begin_effect(0, Json::object({{"amount", 1}}));
    if (!ticket.ok()) return Failed{FailureClass::Retryable, ticket.error(), {}};
    if (!ticket->receipt) {
      rest(static_cast<Micros>(random_.below(20'000)));
      note("paid " + ticket->effect_key);
      auto kept = context.end_effect(*ticket, Json("receipt"));
      if (!kept.ok()) return Failed{FailureClass::Retryable, kept.error(), {}};
    }
    return Completed{Json(ticket->effect_key), {}};
  }

 private:
  void note(const std::string& line) const {
    const std::string text = line + "\n";
    if (::write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }
  int fd_;
  SystemRandom random_;
};

struct Process {
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Engine> engine;
};

Result<Process> open_process(const std::string& url, const std::string& boot, const Clock& clock, Random& random) {
  Process out;
  storage::StoreConfig config;
  config.database_url = url;
  config.statements = {statements()};
  out.store = WRENCH_TRY(storage::Store::open(std::move(config), clock, random));
  EngineConfig engine;
  engine.boot_id = boot;
  engine.slots = {4, 8, 1};
  engine.worker_ttl_us = kTtl;
  engine.losses_max = 1'000;
  engine.boot_is_live = [](std::string_view) { return false; };
  out.engine = WRENCH_TRY(Engine::open(*out.store, std::move(engine), clock, random));
  return out;
}

int work(const std::string& url, const std::string& effects, const std::string& boot) {
  SystemClock clock;
  SystemRandom random;
  Runner runner(effects);
  for (int life = 0;; ++life) {
    auto process = open_process(url, boot + "." + std::to_string(life), clock, random);
    if (!process.ok()) {  // The server was crashed: as a service manager would, again.
      if (::getppid() == 1) return 0;
      rest(200 * kMicrosPerMs);
      continue;
    }
    process->engine->start(runner);
    while (!process->engine->working().lost) {
      if (::getppid() == 1) return 0;
      rest(20 * kMicrosPerMs);
    }
  }
}

// ---- the one that kills ----

class Fleet {
 public:
  /// In networks of their own if `lab` is one; it must outlive this.
  Fleet(std::string program, const PostgresServer& server, std::string url, std::string effects, const NetworkLab* lab)
      : program_(std::move(program)), server_(server), url_(std::move(url)), effects_(std::move(effects)), lab_(lab) {}
  ~Fleet() {
    for (const pid_t pid : pids_) end(pid);
  }
  void add(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pids_.push_back(spawn(i));
  }
  void kill_one(std::size_t i) {
    end(pids_[i]);  // And with it its network and both ends of its cable.
    pids_[i] = spawn(i);
  }
  void freeze(std::size_t i) const { ::kill(pids_[i], SIGSTOP); }
  void thaw(std::size_t i) const { ::kill(pids_[i], SIGCONT); }
  void cut_off(std::size_t i) const { lab_->pull_out(room(i)); }
  void reconnect(std::size_t i) const { lab_->plug_in(room(i)); }
  std::size_t size() const { return pids_.size(); }

 private:
  static int room(std::size_t i) { return static_cast<int>(i) + 1; }
  pid_t spawn(std::size_t i) {
    const std::string boot = "w" + std::to_string(next_++);
    std::vector<std::string> words = {program_, "worker", url_, effects_, boot, "0"};
    if (lab_ != nullptr) {
      words[2] = server_.tcp_url(url_, 0, NetworkLab::server_address(room(i)));
      words[5] = std::to_string(room(i));
    }
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawn(&pid, program_.c_str(), nullptr, nullptr, argv.data(), environ) != 0) std::abort();
    if (lab_ != nullptr) lab_->connect(room(i), pid);
    return pid;
  }
  static void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::kill(pid, SIGCONT);
    ::waitpid(pid, nullptr, 0);
  }
  const std::string program_;
  const PostgresServer& server_;
  const std::string url_, effects_;
  const NetworkLab* lab_;
  std::vector<pid_t> pids_;
  int next_ = 1;
};

struct Counts {
  int kills = 0, freezes = 0, crashes = 0, cuts = 0, tasks = 0, uncertain = 0, skipped = 0;
};

int faults = 0;
void fault(const std::string& what) {
  std::fprintf(stderr, "FAULT: %s\n", what.c_str());
  ++faults;
}

void expect_sql(PostgresServer& server, const std::string& url, const std::string& sql, const std::string& expected) {
  const std::string found = must(server.sql(sql, url));
  if (found != expected) fault(sql + ": " + found + ", not " + expected);
}

std::map<std::string, int> read_effects(const std::string& file) {
  std::map<std::string, int> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) ++out[line];
  return out;
}

int drive(const char* program, int seconds, int workers, std::uint64_t seed, const NetworkLab* lab) {
  SystemClock clock;
  SystemRandom random;
  SeededRandom dice(seed);
  auto server =
      must(PostgresServer::start(lab == nullptr ? PostgresServer::Reach::Loopback : PostgresServer::Reach::Neighbours));
  const std::string url = server->new_schema_url();
  const auto folder = must(runtime::TempDir::create("wrench-kill-workers"));
  const std::string effects = folder / "effects";
  std::ofstream(effects).flush();
  const Process person = must(open_process(url, "person", clock, random));
  Fleet fleet(program, *server, url, effects, lab);
  fleet.add(static_cast<std::size_t>(workers));

  Counts counts;
  std::set<std::string> acknowledged;
  std::atomic<bool> enough{false};
  std::thread customer([&] {
    const auto plan = must(Plan::parse_text(kPlan));
    while (!enough) {
      CreateTask task;
      task.title = "order";
      task.plan = plan;
      task.on_exhausted = OnExhausted::Dead;
      if (auto receipt = person.engine->create(std::move(task)); receipt.ok()) acknowledged.insert(receipt->task_id);
      rest(30 * kMicrosPerMs);
    }
  });
  const Deadline end = Deadline::after(clock, seconds * kMicrosPerSecond);
  while (!end.passed(clock)) {
    rest(static_cast<Micros>(100'000 + dice.below(900'000)));
    const std::size_t victim = dice.below(fleet.size());
    const std::uint64_t what = dice.below(20);
    if (what == 0) {
      ++counts.crashes;
      must(server->stop(PostgresServer::Stop::Immediate).ok() ? Result<int>(0) : Error("t.stop", "can't stop it"));
      rest(static_cast<Micros>(dice.below(3'000'000)));
      must(server->start_again().ok() ? Result<int>(0) : Error("t.start", "can't start it"));
    } else if (what <= 3 || (lab != nullptr && what <= 9)) {
      const bool freeze = what <= 3;
      ++(freeze ? counts.freezes : counts.cuts);
      freeze ? fleet.freeze(victim) : fleet.cut_off(victim);
      if (what % 3 == 1)
        rest(2 * kTtl);  // Others run its steps before it goes on.
      else
        rest(static_cast<Micros>(dice.below(static_cast<std::uint64_t>(kTtl))));
      freeze ? fleet.thaw(victim) : fleet.reconnect(victim);
    } else {
      ++counts.kills;
      fleet.kill_one(victim);
    }
  }
  enough = true;
  customer.join();
  counts.tasks = static_cast<int>(acknowledged.size());

  // Dry. Whoever was uncertain is asked about, now that nobody can come back and do it after all.
  for (const std::string& task : acknowledged) {
    for (;;) {
      auto outcome = person.engine->wait(task, Deadline::after(clock, 120 * kMicrosPerSecond), {});
      if (!outcome.ok()) {
        fault(task + " doesn't end: " + describe(outcome.error()));
        break;
      }
      if (outcome->task.state == TaskState::Completed) break;
      if (outcome->task.wait_reason != "dead_letter" && outcome->task.wait_reason != "uncertain") {
        fault(task + " is " + std::string(name(outcome->task.state)) + " " + outcome->task.wait_reason);
        break;
      }
      rest(2 * kTtl);
      const auto steps = must(
          person.store->read([&](storage::ReadTx& tx) { return list_steps(tx, outcome->execution.execution_no); }));
      for (const StepView& step : steps) {
        if (step.state != StepState::Uncertain && step.state != StepState::Dead) continue;
        ++counts.uncertain;
        const std::string key = effect_key(outcome->execution.execution_id, step.node, "", 0);
        // Its intent stays open: nobody has said what became of it.
        const bool happened = read_effects(effects).contains("paid " + key);
        const auto decided =
            person.engine->decide_step(task, step.step_no, happened ? StepDecision::Skip : StepDecision::Retry);
        if (!decided.ok()) fault(describe(decided.error()));
        if (happened) ++counts.skipped;
      }
    }
  }

  const auto done = read_effects(effects);
  int paid = 0;
  for (const auto& [line, times] : done) {
    if (!line.starts_with("paid ")) continue;
    ++paid;
    if (times != 1) fault(line + " " + std::to_string(times) + " times");
  }
  if (paid != counts.tasks) fault(std::to_string(paid) + " payments for " + std::to_string(counts.tasks) + " tasks");
  const std::string kSteps = "SELECT count(*) FROM steps WHERE ";
  expect_sql(*server, url, "SELECT count(*) FROM tasks", std::to_string(counts.tasks));
  expect_sql(*server, url, kSteps + "worker_boot IS NOT NULL", "0");
  expect_sql(*server, url, kSteps + "state NOT BETWEEN 6 AND 9", "0");
  expect_sql(*server, url, "SELECT count(*) FROM ready", "0");
  expect_sql(*server, url, "SELECT count(*) FROM timers", "0");
  expect_sql(*server, url, "SELECT count(*) FROM effects WHERE state = 0", std::to_string(counts.skipped));
  expect_sql(
      *server, url,
      "SELECT count(*) FROM (SELECT execution_id FROM journal GROUP BY execution_id HAVING count(*) <> max(seq)) q",
      "0");
  expect_sql(*server, url,
             "SELECT count(*) FROM (SELECT execution_id, step_no FROM journal WHERE kind = 'completed' "
             "GROUP BY execution_id, step_no HAVING count(*) > 1) q",
             "0");
  expect_sql(*server, url, "SELECT count(*) - max(seq) FROM events", "0");
  const std::string lost = must(server->sql("SELECT sum(lost) FROM steps", url));
  std::printf(
      "%d tasks of several steps; %d workers killed, %d frozen, %d cut off, %d crashes of the server; %s steps lost, "
      "%d "
      "uncertain; %d faults\n",
      counts.tasks, counts.kills, counts.freezes, counts.cuts, counts.crashes, lost.c_str(), counts.uncertain, faults);
  return faults == 0 && counts.kills > 0 && counts.tasks > 0 && (lab == nullptr || counts.cuts > 0) ? 0 : 1;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  using namespace wrench::workflow;
  const std::vector<std::string> words(argv, argv + argc);
  if (argc == 6 && words[1] == "worker") {
    if (const int room = std::atoi(argv[5]); room != 0) NetworkLab::enter_room(room);
    return work(words[2], words[3], words[4]);
  }
  int seconds = 300;
  int workers = 3;
  std::uint64_t seed = 1;
  std::optional<NetworkLab> lab;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (words[static_cast<std::size_t>(i)] == "--seconds") seconds = std::atoi(argv[i + 1]);
    if (words[static_cast<std::size_t>(i)] == "--workers") workers = std::atoi(argv[i + 1]);
    if (words[static_cast<std::size_t>(i)] == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (words[static_cast<std::size_t>(i)] == "--networks" && words[static_cast<std::size_t>(i) + 1] == "yes")
      lab.emplace();
  }
  return drive(argv[0], seconds, workers, seed, lab ? &*lab : nullptr);
}
