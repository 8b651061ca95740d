#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "program.hpp"
#include "stream_buffers.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/fault_vfs.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/payload_cache.hpp"
#include "wrench/workflow/recovering_runner.hpp"

namespace wrench::sim {

/// The process died. Thrown through everything that would die with it; not a std::exception, so nobody keeps it.
struct Crash {};

/// What must not happen, found.
struct Violation {
  std::string what;
};

/// What the outside knows, whatever becomes of the process.
struct Outside {
  EffectSink sink;
  std::map<std::string, std::string> acknowledged;                        ///< Idempotency key to task id.
  std::set<std::int64_t> cancels_acknowledged;                            ///< Executions.
  std::map<workflow::StepKey, std::pair<int, std::int64_t>> ended_steps;  ///< Terminal state and output seq.
  std::map<std::int64_t, std::string> ended_executions;
  std::map<workflow::StepKey, workflow::StepState> told_steps;  ///< Ends that watchers were told.
  std::map<std::int64_t, workflow::ExecutionStatus> told_executions;
  std::map<std::int64_t, std::int64_t> forks;    ///< Acknowledged: execution, and the one that it goes back to.
  std::map<std::string, std::string> decisions;  ///< Acknowledged, by the id of the wait.
  std::int64_t next_event = 0;                   ///< Those before it were seen.
  std::set<std::int64_t> drafts;                 ///< Tasks that somebody is to submit.
  std::set<std::string> submitted;               ///< Acknowledged.
  bool passes_over_expired = false;              ///< A policy says so of waits.
};

/// One process after another on one disk, one thread, everything from one seed: the real store, core, dispatcher, SQL.
class World final : public workflow::DispatcherShell {
 public:
  World(std::uint64_t seed, const Program& program, const storage::testing::FaultVfs::Image& disk);
  ~World() override;

  /// Runs the program to its end. Throws Violation.
  void run();

  /// A disk with an empty store.
  static storage::testing::FaultVfs::Image empty_disk();

  std::uint64_t crashes() const { return crashes_; }
  std::uint64_t flushes() const { return flushes_; }
  /// Node outputs by task and node, without what depends on the number of attempts.
  std::multiset<std::string> results();

 private:
  void launch(workflow::Launch launch) override;
  void stop(workflow::StepKey step) override;
  void released(workflow::StepKey step, std::int64_t epoch) override;
  void reconcile(workflow::StepKey step) override { reconciles_.push_back(step); }
  void notice(const workflow::Notice& notice) override;
  Micros last_tick_at(workflow::StepKey step) override;

  struct Running {
    workflow::Launch launch;
    StopSource stop;
    int from_turn = 0;  ///< Before that it doesn't get going.
  };

  /// How a piece of work ends for the process that does it.
  enum class Fate { Fine, DieBefore, DieAfter, Kill, PowerCut };

  void boot();
  /// What a user sees, and relies on from then on: the events, as every flush has some. Throws Violation.
  void look();
  void die();
  Fate draw_fate();
  /// Does something that the process may not survive. Throws Crash.
  void endanger(Fate fate, const std::function<void()>& work);
  void turn();
  bool flush();
  bool run_one_step();
  void run_step(Running running);
  /// Commits what a running step records; the answer.
  Result<void> record(workflow::command::Record record);
  void user_turn();
  /// Runs an ended task again, or from one of its steps on.
  void rerun(std::int64_t task_no);
  void let_time_pass();
  void help_people();
  void submit_draft();
  /// Lets go on what is paused; whether anything was.
  bool unpause();
  /// Begins what was let go on before it had begun; whether anything was.
  bool begin_left();
  /// Cancels what waits for the success of a task that didn't have any; whether anything does.
  bool give_up_in_vain();
  /// People decide about what waits for them.
  void answer_waits();
  /// They raise what is spent.
  void raise_budgets();
  void check();
  /// When there is nothing to flush: what could run does. Throws Violation.
  void check_queues();
  bool all_done();
  std::string open_steps();
  bool chance(int percent) { return static_cast<int>(random_.below(100)) < percent; }

  const Program& program_;
  SeededRandom random_;
  ManualClock clock_;
  storage::testing::FaultVfs vfs_;
  Outside outside_;
  workflow::DispatcherConfig config_;
  storage::CheckpointPages checkpoints_;
  Runner runner_;
  std::unique_ptr<workflow::RecoveringRunner> recovering_;  ///< What it knows of circuits dies with its process.
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<workflow::Dispatcher> dispatcher_;
  std::unique_ptr<workflow::PayloadCache> payloads_;
  workflow::StreamBuffers streams_;
  std::vector<Running> running_;
  std::vector<workflow::Job> late_;  ///< Results that arrive again, some time.
  std::vector<workflow::StepKey> reconciles_;
  std::map<workflow::StepKey, Micros> ticks_;
  std::set<std::string> asked_;  ///< Creations under way in this process.
  int turns_ = 0;
  bool faults_ = true;
  int boots_ = 0;
  std::uint64_t crashes_ = 0, flushes_ = 0;
};

/// What a process has in its memory beside the store.
struct Inside {
  const workflow::Dispatcher& dispatcher;
  const workflow::DispatcherConfig& config;
  std::vector<workflow::StepRow> attempts;  ///< That haven't come back yet.
};

/// Everything that must hold of the store between flushes. Throws Violation.
void check_store(storage::Store& store, const Inside& inside, Outside& outside);
/// What must hold when nothing is left to do.
void check_end(storage::Store& store, const Outside& outside);

/// The checker's own statements.
storage::StatementCatalogue::List statements();

}  // namespace wrench::sim
