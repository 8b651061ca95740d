#include "task_run.hpp"

#include "../layout.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../retention_keeper.hpp"
#include "task_lookup.hpp"
#include "task_standing.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/deletion.hpp"
#include "wrench/workflow/restore.hpp"
#include "wrench/workflow/retention.hpp"

namespace wrench::app {

namespace {

constexpr Micros kRedrawEvery = 100 * kMicrosPerMs;

struct OpenTask {
  std::string task_id;
  bool held_by_restore = false;
  bool runs_elsewhere = false;
};

Result<std::optional<OpenTask>> find_open(Workspace& space, const std::string& key) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<std::optional<OpenTask>> {
    const auto task = WRENCH_TRY(workflow::find_task_by_key(tx, workflow::kDefaultProject, key));
    if (!task || workflow::is_terminal(task->state)) return std::optional<OpenTask>();
    const auto owner = WRENCH_TRY(workflow::list_executions(tx, task->task_no)).back().owner_boot;
    return std::optional(
        OpenTask{task->task_id, workflow::is_held_by_restore(*task), !owner.empty() && space.is_live(owner)});
  });
}

/// The same command finds its interrupted run again; another plan or other inputs are another task.
void set_key(workflow::CreateTask& task, std::string_view besides) {
  task.idempotency_key =
      task.kind + ":" +
      crypto::sha256_hex(task.plan->hash() + codec::canonical_json(task.inputs) + std::string(besides) +
                         (task.budget.empty() ? "" : codec::canonical_json(workflow::to_json(task.budget))));
  task.key_scope = workflow::KeyScope::UntilTaskEnds;
}

}  // namespace

ExitCode leave_task(Session& session, workflow::CreateTask task) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  if (!(*space)->keeps_data())
    return session.fail(Error("cli.invalid_value", "--detach needs a data directory that stays: set WRENCH_DATA_DIR"));
  set_key(task, {});
  const auto receipt = (*space)->engine().create(task);
  if (!receipt) return session.fail(receipt.error());
  return tell_created(session, **space, *receipt, task.title);
}

Result<OpenedToRun> open_to_run(Session& session) {
  const Invocation& given = session.invocation;
  OpenedToRun out;
  out.runs_here = given.has("--here");
  out.waits = given.has("--wait") || out.runs_here;
  out.space = WRENCH_TRY(Workspace::open(session, out.runs_here ? Workspace::Use::Run : Workspace::Use::Write));
  if (out.runs_here && out.space->has_workers())
    return Error("cli.invalid_value", "--here: tasks in a PostgreSQL database are run by workers").with_help("--wait");
  const bool others_run_it = out.space->has_workers() || out.space->is_served();
  if (out.waits && !others_run_it && !out.runs_here) {
    // Nobody else would.
    out.space.reset();
    out.space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Run));
    out.runs_here = true;
  }
  if (!out.waits && !out.space->keeps_data())
    return Error("cli.invalid_value", "a task that is left needs a data directory that stays: set WRENCH_DATA_DIR")
        .with_help("--here");
  return out;
}

ExitCode tell_created(Session& session, Workspace& space, const workflow::TaskReceipt& receipt,
                      const std::string& title) {
  const bool served = space.has_workers() || space.is_served();
  const std::string id(short_id(receipt.task_id));
  const auto task = find_task(space, receipt.task_id);
  if (!task) return session.fail(task.error());
  const auto others = in_the_way(space, *task);
  if (!others) return session.fail(others.error());
  const auto standing = standing_of(space, *task);
  if (!standing) return session.fail(standing.error());
  if (session.format() == "json")
    return delivered_json(session, codec::Json::object({{"schema", "wrench.task_created/1"},
                                                        {"task_id", receipt.task_id},
                                                        {"existed", receipt.existed},
                                                        {"state", workflow::name(task->state)},
                                                        {"blocked", !others->empty()},
                                                        {"served", served}}));
  if (task->state == workflow::TaskState::Draft)
    return delivered(session, "task " + id + (receipt.existed ? " is there already" : "") + "  " +
                                  Console::safe(title) + "\nA draft. Run it: wrench task run " + id + "\n");
  if (task->state == workflow::TaskState::Cancelled)
    session.console.note("it was cancelled at once: " + std::string(workflow::kDependencyFailed));
  else if (task->state == workflow::TaskState::Queued && !standing->why.empty())
    session.console.note(standing_text(*standing));
  return delivered(session, "task " + id + (receipt.existed ? " is there already" : "") + "  " + Console::safe(title) +
                                "\nFollow it: wrench task watch " + id + "\n");
}

Result<StartedTask> start_or_go_on(Session& session, Workspace& space, workflow::CreateTask task,
                                   std::string_view besides) {
  set_key(task, besides);
  StartedTask started;
  // Again when another process was quicker between our looking and our writing.
  for (;;) {
    const auto open = WRENCH_TRY(find_open(space, task.idempotency_key));
    if (open && open->runs_elsewhere) {
      session.console.note("another process does this " + task.kind + " right now (task " +
                           std::string(short_id(open->task_id)) + "); this one runs beside it");
      task.idempotency_key += ":" + space.boot_id();
      started.same_command_goes_on = false;
    } else if (open && session.invocation.has("--fresh")) {
      WRENCH_TRY(space.engine().cancel(open->task_id, "started afresh"));
    } else if (open && open->held_by_restore) {
      return Error("workflow.needs_person", "this " + task.kind +
                                                " was restored from a backup unfinished: what it did "
                                                "after that isn't known here, so it goes on only when it is named")
          .with_help("wrench task resume " + open->task_id);
    }
    started.receipt = WRENCH_TRY(space.engine().create(task));
    if (!started.receipt.existed) return started;
    if (!open || open->task_id != started.receipt.task_id) continue;
    auto resumed = space.engine().resume(open->task_id);
    if (!resumed && resumed.error().code == "workflow.owned_elsewhere") continue;
    started.receipt = WRENCH_TRY(std::move(resumed));
    if (space.has_workers()) {
      session.console.note("this " + task.kind + " is under way: task " + std::string(short_id(open->task_id)) +
                           " (--fresh starts anew)");
      return started;
    }
    session.console.note("going on with the interrupted " + task.kind + " " + std::string(short_id(open->task_id)) +
                         " (--fresh starts anew)");
    return started;
  }
}

std::string same_command(const Session& session) {
  std::string line = "wrench";
  for (const auto& word : session.words)
    if (word != "--fresh") line += " " + quoted_for_shell(word);
  return line;
}

/// A data directory that no process serves is looked after by those who use it: a little with each task.
void look_after(Session& session, Workspace& space) {
  if (space.has_workers() || space.is_served() || !space.keeps_data()) return;
  workflow::Retention retention(space.store(), space.clock(), space.retention_policy(), archive_folder(session),
                                &space.metrics());
  const auto told = [&](const Error& error) {
    session.console.note("can't remove what is too old right now: " + Console::safe(error.message));
  };
  const auto done =
      retention.turn(session.stop, workflow::Retention::Time::Settled, workflow::Retention::Extent::OneFlush);
  if (!done) return told(done.error());
  StopSource after_one_flush;
  after_one_flush.request_stop();
  const auto purged = workflow::purge(space.store(), space.clock(), after_one_flush.token());
  if (!purged) told(purged.error());
}

namespace {

/// Watches a task that hasn't begun.
class Begins {
 public:
  Begins(Session& session, Workspace& space, const std::string& task_id)
      : session_(session), space_(space), task_id_(task_id) {}

  /// Error: workflow.needs_person, if nobody will begin it.
  Result<void> look() {
    if (begun_ || ++looks_ % kLooksPerQuestion != 0) return {};
    const auto task = WRENCH_TRY(find_task(space_, task_id_));
    begun_ = task.state != workflow::TaskState::Queued;
    if (begun_) return {};
    const Standing standing = WRENCH_TRY(standing_of(space_, task));
    // Between the end of a task and the beginning of one that waits for it there is a moment; later there is none.
    const bool left = standing.kind == Standing::Kind::Nobody;
    if (left && std::exchange(left_, true)) {
      Error error("workflow.needs_person", "task " + std::string(short_id(task_id_)) + ": " + standing.why);
      for (const auto& command : standing.help) error = std::move(error).with_help(command);
      return error;
    }
    left_ = left;
    if (!left && !standing.why.empty() && standing.why != std::exchange(told_, standing.why))
      session_.console.note(standing_text(standing));
    return {};
  }

 private:
  static constexpr int kLooksPerQuestion = 10;

  Session& session_;
  Workspace& space_;
  const std::string task_id_;
  int looks_ = 0;
  bool begun_ = false, left_ = false;
  std::string told_;
};

}  // namespace

Result<workflow::TaskOutcome> run_to_end(Session& session, Workspace& space, const std::string& task_id) {
  const Deadline end = deadline_of(session, space.clock());
  TaskProgress progress(session);
  space.engine().subscribe([&](const workflow::Notice& notice) { progress.notice(notice); });
  Begins begins(session, space, task_id);
  for (;;) {
    const auto slice = Deadline::after(space.clock(), kRedrawEvery);
    auto outcome = space.engine().wait(task_id, slice, session.stop);
    bool only_the_slice = !outcome && outcome.error().code == "workflow.wait_deadline" && !end.passed(space.clock());
    if (only_the_slice)
      if (auto looked = begins.look(); !looked) {
        outcome = std::move(looked).error();
        only_the_slice = false;
      }
    if (!only_the_slice) {
      space.engine().subscribe({});
      progress.finish();
      if (outcome) look_after(session, space);
      return outcome;
    }
    progress.tick();
  }
}

ExitCode task_failure(Session& session, Workspace& space, const Error& error, const std::string& task_id,
                      const std::string& goes_on) {
  const std::string id(short_id(task_id));
  if (error.code == "workflow.wait_stopped") {
    space.drain();
    if (!space.keeps_data())
      return session.fail(Error(error.code, "interrupted; what was done so far was in a temporary folder and is gone"));
    Error interrupted(error.code, "interrupted; nothing is lost");
    if (!goes_on.empty()) interrupted = std::move(interrupted).with_help(goes_on);
    return session.fail(std::move(interrupted).with_help("wrench task resume " + id));
  }
  if (error.code == "workflow.wait_deadline") {
    if (auto cancelled = space.engine().cancel(task_id, "--timeout"); !cancelled)
      return session.fail(cancelled.error());
    space.drain();
    return session.fail(Error("cli.timeout", "the time of --timeout is over; task " + id + " was cancelled")
                            .with_help("wrench task retry " + id));
  }
  return session.fail(error);
}

ExitCode task_exit_code(const workflow::TaskView& task) {
  switch (task.state) {
    case workflow::TaskState::Completed:
      return ExitCode::Done;
    case workflow::TaskState::Failed:
    case workflow::TaskState::Expired:
      return ExitCode::AnswerIsNo;
    case workflow::TaskState::Cancelled:
      return ExitCode::Stopped;
    default:
      return ExitCode::NeedsPerson;
  }
}

Error task_error(const workflow::TaskOutcome& outcome) {
  const auto id = std::string(short_id(outcome.task.task_id));
  const auto& failure = outcome.execution.error.at("error");
  if (outcome.task.state == workflow::TaskState::Cancelled)
    return Error("workflow.cancelled", "task " + id + " was cancelled");
  if (outcome.task.state == workflow::TaskState::Expired)
    return Error("workflow.expired",
                 "task " + id + " expired" +
                     (outcome.execution.expires_at
                          ? ": it was still to begin, or waiting, at " + format_rfc3339(*outcome.execution.expires_at)
                          : std::string()))
        .with_help("wrench task rerun " + id);
  if (outcome.task.state == workflow::TaskState::Draft)
    return Error("workflow.needs_person", "task " + id + " is a draft").with_help("wrench task run " + id);
  if (outcome.task.state == workflow::TaskState::Paused)
    return Error("workflow.needs_person", "task " + id + " is paused").with_help("wrench task resume " + id);
  if (!workflow::is_terminal(outcome.task.state)) {
    const bool decision = outcome.task.wait_reason == "approval" || outcome.task.wait_reason == "input";
    const bool held = outcome.task.wait_reason == "dead_letter" || outcome.task.wait_reason == "uncertain";
    return Error("workflow.needs_person", "task " + id + " waits for a person" +
                                              (outcome.task.wait_reason.empty() ? "" : ": " + outcome.task.wait_reason))
        .with_help(decision                               ? "wrench approval list"
                   : held                                 ? "wrench task dead list " + id
                   : outcome.task.wait_reason == "budget" ? "wrench task budget show " + id
                                                          : "wrench task show " + id)
        .with_help("wrench task resume " + id);
  }
  if (!failure.is_object())
    return Error("workflow.task_failed", "task " + id + " is " + outcome.task.status)
        .with_help("wrench task show " + id);
  return Error(failure.at("code").as_string("workflow.task_failed"), std::string(failure.at("message").as_string()))
      .with_help("wrench task journal " + id);
}

}  // namespace wrench::app
