// Kills and freezes the workers of a PostgreSQL database under load, crashes its server, and looks at what is left:
// every acknowledged task is there and ended, no guarded effect happened twice, nothing runs, waits or is queued for
// nobody. Effects go to a file of their own that no transaction undoes.
//
//     build/dev/tests/crash/wrench_kill_workers [--seconds 300] [--workers 3] [--seed 1] [--networks yes]
//
// With --networks (as root) each worker lives in a network of its own, and its cable is pulled out, too.
//
// wrench_kill_workers_mutable, the same with an engine that can do without one of its guards, takes --without GUARD,
// and
// --mutations, which leaves each of those out that matter here: all must be missed.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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
#ifdef WRENCH_WORKFLOW_MUTATIONS
#include "durability_guards.hpp"
#include "guards.hpp"
#endif
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/storage/testing/tcp_proxy.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/engine.hpp"

extern char** environ;

namespace wrench::workflow {
namespace {

using codec::Json;
using storage::testing::PostgresServer;
using storage::testing::TcpProxy;
using tests::NetworkLab;

constexpr Micros kTtl = 4 * kMicrosPerSecond;

constexpr std::string_view kPlan = R"({"v":1,"nodes":[
  {"id":"list","kind":"call","capability":"t.list"},
  {"id":"each","kind":"map","needs":["list"],"over":"steps.list.output","as":"item","max_parallel":3,
   "body":{"kind":"call","capability":"t.send","input":{"item":{"$from":"item"}}}},
  {"id":"pause","kind":"wait","on":"until","needs":["list"],"after_ms":300},
  {"id":"slow","kind":"call","capability":"t.slow","needs":["list"],"timeouts":{"start_to_close_ms":500},
   "retry":{"attempts":100,"first_ms":5,"cap_ms":5}},
  {"id":"pay","kind":"call","capability":"t.pay","needs":["each"]},
  {"id":"end","kind":"call","capability":"t.list","needs":["pay","pause","slow"]}]})";

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  std::exit(1);
}

void rest(Micros us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

// ---- guards left out ----

#ifdef WRENCH_WORKFLOW_MUTATIONS
/// Those that count for workers on PostgreSQL, and that nothing else stands in for. A late result of a worker that was
/// taken for dead meets silent_is_out before it meets fence, so what comes late here is of workers that live. Without
/// the lock of an execution two flushes would write the same entry of its journal, whose key refuses the second.
constexpr std::string_view kGuards[] = {"lose_silent", "silent_is_out",         "flush_numbered",
                                        "fence",       "open_intent_uncertain", "receipt_known"};

/// Whether there is such a guard; empty: none is left out.
bool leave_out(std::string_view guard) {
  for (std::size_t i = 0; i < kKeepNames.size(); ++i)
    if (kKeepNames[i] == guard) g_removed_guard = static_cast<Keep>(i);
  for (std::size_t i = 0; i < storage::kKeepNames.size(); ++i)
    if (storage::kKeepNames[i] == guard) storage::g_removed_guard = static_cast<storage::Keep>(i);
  return guard.empty() || g_removed_guard != Keep::kCount || storage::g_removed_guard != storage::Keep::kCount;
}
#else
constexpr std::array<std::string_view, 0> kGuards;
bool leave_out(std::string_view guard) { return guard.empty(); }
#endif

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
    if (in.capability == "t.slow") {  // Sometimes after its time, and deaf to who tells it, while it is tried again.
      rest((in.attempt == 1 && random_.below(8) == 0 ? 600 : 150) * kMicrosPerMs);
      return Completed{Json::object({{"attempt", in.attempt}}), {}};
    }
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
  Fleet(std::string program, const PostgresServer& server, std::string url, std::string effects, const NetworkLab* lab,
        std::string without)
      : program_(std::move(program)),
        server_(server),
        url_(std::move(url)),
        effects_(std::move(effects)),
        lab_(lab),
        without_(std::move(without)) {}
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
    std::vector<std::string> words = {program_, "worker", url_, effects_, boot, "0", without_};
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
  const std::string without_;
  std::vector<pid_t> pids_;
  int next_ = 1;
};

struct Counts {
  int kills = 0, freezes = 0, crashes = 0, cuts = 0, answers = 0, tasks = 0, uncertain = 0, skipped = 0;
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

struct Trial {
  int seconds = 300;
  int workers = 3;
  int patience_s = 120;  ///< With each task, in the end.
  bool worse = false;    ///< More crashes of the server, more workers frozen.
  std::uint64_t seed = 1;
  std::string without;  ///< A guard: the first fault ends it.
};

int drive(const char* program, const Trial& trial, const NetworkLab* lab) {
  SystemClock clock;
  SystemRandom random;
  SeededRandom dice(trial.seed);
  auto server =
      must(PostgresServer::start(lab == nullptr ? PostgresServer::Reach::Loopback : PostgresServer::Reach::Neighbours));
  const std::string url = server->new_schema_url();
  const auto folder = must(runtime::TempDir::create("wrench-kill-workers"));
  const std::string effects = folder / "effects";
  std::ofstream(effects).flush();
  // The answers to whoever orders get lost now and then, and what is written for them counts all the same.
  const auto proxy = must(TcpProxy::start(server->port()));
  const Process person = must(open_process(server->tcp_url(url, proxy->port()), "person", clock, random));
  Fleet fleet(program, *server, url, effects, lab, trial.without);
  fleet.add(static_cast<std::size_t>(trial.workers));

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
  const Deadline end = Deadline::after(clock, trial.seconds * kMicrosPerSecond);
  while (!end.passed(clock)) {
    rest(static_cast<Micros>(100'000 + dice.below(900'000)));
    const std::size_t victim = dice.below(fleet.size());
    const std::uint64_t what = dice.below(trial.worse ? 8 : 20);
    if (dice.below(4) == 0) proxy->cut_at("COMMIT", dice.below(2) == 0 ? TcpProxy::Cut::After : TcpProxy::Cut::Before);
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
  // One at least is taken for dead and comes back, and isn't killed then.
  ++counts.freezes;
  fleet.freeze(0);
  rest(2 * kTtl);
  fleet.thaw(0);
  enough = true;
  customer.join();
  counts.tasks = static_cast<int>(acknowledged.size());
  counts.answers = proxy->cuts();

  // Dry. Whoever was uncertain is asked about, now that nobody can come back and do it after all.
  for (const std::string& task : acknowledged) {
    for (;;) {
      const Micros patience = trial.patience_s * kMicrosPerSecond;
      auto outcome = person.engine->wait(task, Deadline::after(clock, patience), {});
      if (!outcome.ok()) {
        const std::string its_steps =
            "SELECT string_agg(concat_ws(' ', s.step_no, 'node', node, 'state', s.state, 'attempt', attempt, 'lost', "
            "lost, 'flags', flags, 'by', worker_boot), '; ') FROM steps s JOIN task_executions e ON e.id = "
            "s.execution_id JOIN tasks t ON t.id = e.task_id WHERE t.task_id = '" +
            task + "'";
        fault(task + " doesn't end: " + describe(outcome.error()) + ": " + must(server->sql(its_steps, url)));
        break;
      }
      if (outcome->task.state == TaskState::Completed) break;
      static const std::set<std::string> kForPeople = {"dead_letter", "uncertain", "critical"};
      if (!kForPeople.contains(outcome->task.wait_reason)) {
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
    if (faults > 0 && !trial.without.empty()) return 1;
  }

  // Whoever was taken for dead works again, under another name.
  const std::string kWorking = "SELECT count(*) FROM workers WHERE lost_at IS NULL";
  const Deadline all_back = Deadline::after(clock, 4 * kTtl);
  while (!all_back.passed(clock) && must(server->sql(kWorking, url)) != std::to_string(fleet.size()))
    rest(100 * kMicrosPerMs);
  expect_sql(*server, url, kWorking, std::to_string(fleet.size()));

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
  // Of a step that is tried again when its time is over, only the run counts whose turn it is.
  expect_sql(*server, url,
             "SELECT count(*) FROM journal WHERE kind = 'completed' AND data LIKE '{\"attempt\":%' AND data <> "
             "'{\"attempt\":' || attempt || '}'",
             "0");
  const std::string lost = must(server->sql("SELECT sum(lost) FROM steps", url));
  const std::string late = must(server->sql("SELECT count(*) FROM journal WHERE kind = 'timeout'", url));
  std::printf(
      "%d tasks of several steps; %d workers killed, %d frozen, %d cut off, %d crashes of the server, %d answers lost; "
      "%s steps lost, %s run beyond their time, %d uncertain; %d faults\n",
      counts.tasks, counts.kills, counts.freezes, counts.cuts, counts.crashes, counts.answers, lost.c_str(),
      late.c_str(), counts.uncertain, faults);
  return faults == 0 && counts.kills > 0 && counts.tasks > 0 && (lab == nullptr || counts.cuts > 0) ? 0 : 1;
}

/// The exit code of the same program with these words.
int run(const char* program, std::vector<std::string> words) {
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  int status = 0;
  if (::posix_spawn(&pid, program, nullptr, nullptr, argv.data(), environ) != 0) std::abort();
  if (::waitpid(pid, &status, 0) != pid) std::abort();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Without any left out nothing may be wrong, else the rest would show nothing.
int run_mutations(const char* program) {
  const std::vector<std::string> each = {"--seconds", "20", "--patience", "45", "--worse", "yes"};
  int wrong = run(program, each) == 0 ? 0 : 1;
  std::printf("%s with all guards\n", wrong == 0 ? "nothing is wrong" : "SOMETHING IS WRONG");
  for (const std::string_view guard : kGuards) {
    bool caught = false;
    for (int seed = 1; seed <= 4 && !caught; ++seed) {
      std::vector<std::string> words = each;
      words.insert(words.end(), {"--seed", std::to_string(seed), "--without", std::string(guard)});
      caught = run(program, std::move(words)) == 1;
    }
    std::printf("%-22s %s\n", std::string(guard).c_str(), caught ? "caught" : "MISSED");
    std::fflush(stdout);
    if (!caught) ++wrong;
  }
  return wrong == 0 && std::size(kGuards) > 0 ? 0 : 1;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  using namespace wrench::workflow;
  const std::vector<std::string> words(argv, argv + argc);
  if (argc == 7 && words[1] == "worker") {
    if (const int room = std::atoi(argv[5]); room != 0) NetworkLab::enter_room(room);
    if (!leave_out(words[6])) return 2;
    return work(words[2], words[3], words[4]);
  }
  if (argc == 2 && words[1] == "--mutations") return run_mutations(argv[0]);
  Trial trial;
  std::optional<NetworkLab> lab;
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    if (words[i] == "--seconds") trial.seconds = std::atoi(value.c_str());
    if (words[i] == "--workers") trial.workers = std::atoi(value.c_str());
    if (words[i] == "--seed") trial.seed = std::strtoull(value.c_str(), nullptr, 10);
    if (words[i] == "--worse") trial.worse = value == "yes";
    if (words[i] == "--patience") trial.patience_s = std::atoi(value.c_str());
    if (words[i] == "--without") trial.without = value;
    if (words[i] == "--networks" && value == "yes") lab.emplace();
  }
  if (!leave_out(trial.without)) {
    std::fprintf(stderr, "no guard is called %s here\n", trial.without.c_str());
    return 2;
  }
  return drive(argv[0], trial, lab ? &*lab : nullptr);
}
