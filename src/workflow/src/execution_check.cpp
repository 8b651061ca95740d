// What must hold of an execution at every moment between two flushes (docs/reference/workflow.md#invariants).

#include "execution_check.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "care_sql.hpp"
#include "limits.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

class Check {
 public:
  Check(const ExecutionImage& image, const ExecutionCheck& options)
      : e_(image.row),
        image_(image),
        options_(options),
        shared_(options.ownership == Ownership::Shared),
        live_(shared_ || (options.boot_is_live && options.boot_is_live(e_.owner_boot))) {}

  std::vector<std::string> run() {
    check_ends();
    for (const auto& [no, row] : image_.steps)
      if (usable(no, row)) check_step(no, row);
    if (!problems_.empty()) return std::move(problems_);  // What follows would only repeat it.
    check_queued();
    check_counts();
    check_fork();
    check_journal();
    check_event();
    require(image_.lost_contents == 0, self() + ": contents that its journal names are missing");
    require(image_.early_findings == 0, self() + ": findings of a step that didn't complete");
    require(image_.strange_effects == 0, self() + ": effects that no step can have had");
    return std::move(problems_);
  }

 private:
  void require(bool holds, const std::string& what) {
    if (!holds) problems_.push_back(what);
  }
  std::string self() const { return "execution " + std::to_string(e_.id); }
  std::string label(std::int64_t step_no) const { return self() + " step " + std::to_string(step_no); }
  const PlanNode& node(const StepRow& row) const { return image_.plan->nodes()[row.node]; }
  bool draws() const { return !e_.budgets.empty() || image_.plan->has_step_budgets(); }
  bool restored_unbegun() const { return e_.suspend_reason == kRestored && e_.steps_total == 0; }

  void check_ends() {
    require(is_terminal(e_.status) == (e_.completed_at != 0), self() + " has an end and none");
    require(status_of(image_.task_state) == image_.task_status, self() + ": its task's status isn't that of its state");
    require(!is_terminal(image_.task_state) || is_terminal(e_.status) || image_.row.status == ExecutionStatus::Pending,
            self() + " is open, but its task has ended");
    require(e_.suspend_reason != kRestored || e_.owner_boot.empty(),
            self() + " is held back, but belongs to a process");
    require(!shared_ || e_.owner_boot.empty(), self() + " belongs to one process, though workers share it");
    require(!shared_ || (e_.suspend_reason == kRestored) == (e_.paused == Pause::Restored),
            self() + " is held back by a restore only half");
  }

  /// What the other checks take for granted.
  bool usable(std::int64_t no, const StepRow& row) {
    const std::size_t before = problems_.size();
    require(row.node < image_.plan->nodes().size(), label(no) + " is of a node that its plan doesn't have");
    require(row.parent_step == 0 || image_.steps.contains(row.parent_step), label(no) + " has lost its owner");
    const bool owns = row.waits_for_children();
    require(!owns || is_cursor(row.cursor), label(no) + " has a cursor that can't be read");
    return problems_.size() == before;
  }
  static bool is_cursor(const std::string& text) {
    const auto json = codec::parse_json(text);
    return json.ok() && json->at("base").is_integer() && json->at("next").is_integer();
  }

  void check_step(std::int64_t no, const StepRow& row) {
    const bool over = is_terminal(e_.status);
    const bool queued = image_.ready.contains(no);
    require(!over || is_terminal(row.state), label(no) + " is open in an ended execution");
    require(row.state == StepState::Ready || !queued, label(no) + " isn't ready but queued");
    require(!is_terminal(row.state) || !image_.timers.contains(no), label(no) + " ended but has timers");
    require(!is_terminal(row.state) || (row.flags & kFlagDraws) == 0,
            label(no) + " ended but still has reserved something");
    require(((row.flags & kFlagDraws) != 0) == image_.drawing.contains(no),
            label(no) + " has reserved something that the ledger doesn't say, or hasn't what it says");
    if (row.state == StepState::Ready && live_ && e_.paused != Pause::No)
      require(!queued && row.rank == 0, label(no) + " is queued though its execution is paused");
    else if (row.state == StepState::Ready && live_)
      check_queue(no, row);
    check_bounds(no, row);
    if (!over && e_.cancel_at != 0 && !node(row).finally && !is_terminal(row.state)) {
      const bool stopping = row.state == StepState::Running && (row.flags & kFlagCancelRequested) != 0;
      require(stopping || row.state == StepState::Uncertain, label(no) + " goes on in a cancelled execution");
    }
    require(!image_.keyless.contains(no), label(no) + " runs without the key that limits it");
    if (row.state == StepState::RetryWait)
      require(has_timer(no, TimerKind::Retry), label(no) + " waits without a timer");
    if (row.state == StepState::Running && shared_) {
      require(!options_.is_worker || options_.is_worker(row.worker_boot),
              label(no) + " runs in a worker that nobody knows, so nobody misses it");
    } else if (row.state == StepState::Running) {
      // Held back by a restore, it is one that was interrupted.
      require(e_.owner_boot.empty() ? e_.suspend_reason == kRestored : row.worker_boot == e_.owner_boot,
              label(no) + " runs in a process that doesn't own it");
    }
    if (row.state == StepState::Blocked && e_.cancel_at == 0) check_needs(no, row);
    check_waiting(no, row);
  }

  void check_queue(std::int64_t no, const StepRow& row) {
    const auto ready = image_.ready.find(no);
    const bool once = ready != image_.ready.end() && ready->second.size() == 1;
    require(once, label(no) + " is ready but not queued once");
    if (!once) return;
    const auto& [queue, rank] = ready->second.front();
    const bool served = shared_ ? is_shared_queue(queue) : queue.ends_with("@" + e_.owner_boot);
    require(served && rank == row.rank, label(no) + " is in a queue that nobody serves");
  }

  static bool is_shared_queue(const std::string& queue) {
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
      if (queue == queue_name(static_cast<SlotClass>(slot), {})) return true;
    return labelled_queue(queue).has_value();
  }

  bool has_timer(std::int64_t no, TimerKind kind) const {
    const auto timers = image_.timers.find(no);
    return timers != image_.timers.end() && timers->second.contains(kind);
  }

  /// What bounds a step that goes wrong again and again. A guarded effect that an answer from outside proves undone
  /// goes back for one more attempt.
  void check_bounds(std::int64_t no, const StepRow& row) {
    if (row.effect() == Effect::Guarded) return;
    require(row.attempt <= node(row).retry.attempts, label(no) + " was tried more often than its plan allows");
    require(row.lost < options_.losses_max || is_terminal(row.state) || row.state == StepState::Dead,
            label(no) + " goes on though its process died each time");
  }

  /// A step is blocked for as long as its needs say so.
  void check_needs(std::int64_t no, const StepRow& row) {
    const PlanNode& n = node(row);
    std::int64_t first = 1;
    if (n.container) {
      const auto owner = image_.steps.find(row.parent_step);
      require(owner != image_.steps.end(), label(no) + " stands in nothing");
      // Not waiting: it is being cancelled with what it stands in.
      if (owner == image_.steps.end() || owner->second.state != StepState::Waiting) return;
      if (!is_cursor(owner->second.cursor)) return;
      first = BodyCursor::parse(owner->second.cursor).base - image_.plan->nodes()[*n.container].body_first;
    }
    int left = n.finally && (row.flags & kFlagGateOpen) == 0 ? 1 : 0;
    int completed = 0;
    for (const Need& need : n.needs) {
      if (image_.fork != nullptr && !n.container && !image_.fork->own[need.node]) {
        completed += image_.fork->ended(need.node).state == StepState::Completed ? 1 : 0;
        continue;
      }
      const auto other = image_.steps.find(first + need.node);
      require(other != image_.steps.end(), label(no) + " needs a step that isn't there");
      if (other == image_.steps.end()) return;
      left += is_terminal(other->second.state) ? 0 : 1;
      completed += other->second.state == StepState::Completed ? 1 : 0;
    }
    if (n.join == 0) {
      require(row.deps_left == left,
              label(no) + ": deps_left is " + std::to_string(row.deps_left) + ", not " + std::to_string(left));
    } else {
      require(row.deps_left == 1 && completed < n.join && completed + left >= n.join,
              label(no) + " is blocked though its join is decided");
    }
  }

  void check_waiting(std::int64_t no, const StepRow& row) {
    const bool outside = row.state == StepState::Waiting && (row.flags & kFlagWaitsOutside) != 0;
    require(outside == image_.waits.contains(no),
            label(no) + " waits, but for nothing, or doesn't, but could be answered");
    require(!outside || node(row).wait, label(no) + " waits, but its node doesn't");
    if (outside && node(row).wait && node(row).wait->kind == WaitKind::Until)
      require(has_timer(no, TimerKind::WaitOver), label(no) + " waits for a time without a timer");
    const bool budget = row.state == StepState::Waiting && (row.flags & kFlagWaitsBudget) != 0;
    require(!budget || draws(), label(no) + " waits for a budget, but has none");
    if (!row.waits_for_children()) return;
    const BodyCursor cursor = BodyCursor::parse(row.cursor);
    const std::int64_t open = children_open(no, cursor.base);
    require(open == cursor.next - cursor.done && open > 0, label(no) + ": its cursor doesn't match its children");
  }

  /// Without those of a run that a person began anew.
  std::int64_t children_open(std::int64_t parent, std::int64_t base) {
    if (!children_open_) {
      children_open_.emplace();
      for (const auto& [no, row] : image_.steps)
        if (row.parent_step != 0 && !is_terminal(row.state)) (*children_open_)[row.parent_step].push_back(no);
    }
    const auto& open = (*children_open_)[parent];
    return std::ranges::count_if(open, [&](std::int64_t no) { return no >= base; });
  }

  void check_queued() {
    for (const auto& [no, rows] : image_.ready)
      require(image_.steps.contains(no), label(no) + " is queued but doesn't exist");
    for (const auto& [no, timers] : image_.timers)
      require(no == 0 || image_.steps.contains(no), label(no) + " has timers but doesn't exist");
  }

  void check_counts() {
    if (e_.status == ExecutionStatus::Pending || restored_unbegun()) {
      require(image_.steps.empty(), self() + " has steps though it hasn't begun");
      return;
    }
    std::int64_t done = 0, active = 0, held = 0;
    std::array<std::int64_t, kWaitKinds> waiting = {};
    for (const auto& [no, row] : image_.steps) {
      done += is_terminal(row.state) ? 1 : 0;
      active += is_active(row.state) && row.state != StepState::Waiting ? 1 : 0;
      held += is_held(row.state) ? 1 : 0;
      if (row.state == StepState::Waiting && (row.flags & kFlagWaitsBudget) != 0)
        ++waiting[static_cast<std::size_t>(WaitKind::Budget)];
      if (image_.waits.contains(no)) ++waiting[static_cast<std::size_t>(node(row).wait->kind)];
    }
    const auto total = static_cast<std::int64_t>(image_.steps.size());
    require(e_.waiting == waiting, self() + ": its waits aren't those of its steps");
    require(e_.steps_total == total && e_.steps_done == done && e_.steps_active == active && e_.steps_held == held,
            self() + ": its counts aren't those of its steps");
    require(is_terminal(e_.status) || done < total, self() + " is open with nothing left to do");
  }

  /// It has rows of just the steps that it says, and of everything that needs one of them.
  void check_fork() {
    require(image_.fork_problem.empty(), self() + " " + image_.fork_problem);
    if (image_.fork == nullptr || image_.steps.empty()) return;
    const Fork& fork = *image_.fork;
    for (std::uint32_t i = 0; i < image_.plan->top_count(); ++i) {
      require(fork.own[i] == image_.steps.contains(i + 1), label(i + 1) + " isn't one that the fork has");
      if (!fork.own[i] || fork.given.contains(i)) continue;
      for (const std::uint32_t dependent : image_.plan->dependents(i))
        require(fork.own[dependent], label(dependent + 1) + " doesn't run again, though a need of it does");
    }
  }

  void check_journal() {
    struct Claimed {
      std::int64_t epoch = 0;
      Micros at = 0;
    };
    std::map<std::int64_t, Claimed> claims;
    std::int64_t next = 1;
    for (const JournalLine& line : image_.journal) {
      if (line.seq != next) return problems_.push_back("the journal of " + self() + " has a gap");
      ++next;
      if (line.data.empty()) continue;
      const auto json = codec::parse_json(line.data);
      if (!json.ok()) return problems_.push_back("the journal of " + self() + " can't be read");
      if (line.kind == "claim") {
        claims[line.step_no] = {json->at("epoch").as_integer(), line.at};
      } else if (line.kind == "completed") {
        const Json& epoch = json->at("epoch");
        require(epoch.is_null() || epoch.as_integer() == claims[line.step_no].epoch,
                label(line.step_no) + " completed with the result of another attempt");
      } else if (line.kind == "timeout" && line.data.find("start_to_close") != std::string::npos) {
        const auto step = image_.steps.find(line.step_no);
        if (step == image_.steps.end()) continue;
        require(line.at - claims[line.step_no].at >= node(step->second).timeouts.start_to_close_us,
                label(line.step_no) + " was timed out too early");
      }
    }
    for (const auto& [no, row] : image_.steps)
      require(row.output_seq < next, label(no) + " has an output that isn't in the journal");
  }

  void check_event() {
    if (image_.last_event.empty()) return;
    const auto json = codec::parse_json(image_.last_event);
    require(json.ok() && json->at("execution").as_string() == name(e_.status),
            self() + " isn't in the state that its newest event tells");
  }

  const ExecutionRow& e_;
  const ExecutionImage& image_;
  const ExecutionCheck& options_;
  const bool shared_;
  const bool live_;  ///< Somebody sees to it; of a shared one workers do, whenever there are some.
  std::optional<std::map<std::int64_t, std::vector<std::int64_t>>> children_open_;
  std::vector<std::string> problems_;
};

}  // namespace

namespace sql {
namespace {

constexpr std::size_t kStepsRead = 5'000;
constexpr std::size_t kLinesRead = 5'000;

const Statement kImageTask{.id = "workflow.check_task",
                           .sql = "SELECT coalesce(state, ''), status, id FROM tasks WHERE id = ?1",
                           .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
// The queue of a ready step is known but for its slot class; there are three.
const Statement kImageReady{
    .id = "workflow.check_ready",
    .sql =
        "SELECT s.step_no, r.queue, r.rank FROM steps s JOIN ready r ON r.queue IN (?1, ?2, ?3) AND r.rank = s.rank "
        "AND r.execution_id = s.execution_id AND r.step_no = s.step_no WHERE s.execution_id = ?4 AND s.step_no > ?5 "
        "ORDER BY s.step_no LIMIT ?6",
    .plan =
        "SEARCH s USING PRIMARY KEY (execution_id=? AND step_no>?); SEARCH r USING PRIMARY KEY (queue=? AND rank=? AND "
        "execution_id=? AND step_no=?)"};
const Statement kImageLabelled{
    .id = "workflow.check_labelled",
    .sql = "SELECT queue, rank FROM ready WHERE queue = ?1 AND rank = ?2 AND execution_id = ?3 AND step_no = ?4",
    .plan = "SEARCH ready USING PRIMARY KEY (queue=? AND rank=? AND execution_id=? AND step_no=?)"};
const Statement kImageParked{.id = "workflow.check_parked",
                             .sql =
                                 "SELECT step_no, queue, rank FROM parked WHERE execution_id = ?1 AND step_no > ?2 "
                                 "ORDER BY step_no LIMIT ?3",
                             .plan = "SEARCH parked USING PRIMARY KEY (execution_id=? AND step_no>?)"};
const Statement kImageHolder{
    .id = "workflow.check_holder",
    .sql = "SELECT 1 FROM key_holders WHERE key = ?1 AND arrived = ?2 AND execution_id = ?3 AND step_no = ?4",
    .plan = "SEARCH key_holders USING PRIMARY KEY (key=? AND arrived=? AND execution_id=? AND step_no=?)"};
const Statement kImageWaits{.id = "workflow.check_waits",
                            .sql = "SELECT step_no FROM waits WHERE execution_id = ?1 AND applied = 0",
                            .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=?)"};
const Statement kImageDraws{
    .id = "workflow.check_draws",
    .sql = "SELECT DISTINCT step_no FROM budget_entries WHERE execution_id = ?1 AND settled IS NULL",
    .plan = "SEARCH budget_entries USING INDEX idx_budget_open (execution_id=?)"};
const Statement kImageJournal{
    .id = "workflow.check_journal",
    .sql =
        "SELECT seq, kind, coalesce(step_no, 0), at, CASE WHEN kind IN ('claim', 'completed', 'timeout') THEN data "
        "END, "
        "CASE WHEN blob IS NOT NULL AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.hash = j.blob) THEN 1 ELSE 0 END "
        "FROM journal j "
        "WHERE execution_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    .plan =
        "SEARCH j USING PRIMARY KEY (execution_id=? AND seq>?); CORRELATED SCALAR SUBQUERY 1; SEARCH b USING COVERING "
        "INDEX sqlite_autoindex_blobs_1 (hash=?)"};
const Statement kImageFindings{
    .id = "workflow.check_findings",
    .sql =
        "SELECT count(*) FROM finding_sightings s WHERE s.execution_id = ?1 AND NOT EXISTS (SELECT 1 FROM steps t "
        "WHERE t.execution_id = s.execution_id AND t.step_no = s.step_no AND t.state = 6)",
    .plan =
        "SEARCH s USING PRIMARY KEY (execution_id=?); CORRELATED SCALAR SUBQUERY 1; SEARCH t USING PRIMARY KEY "
        "(execution_id=? AND step_no=?)"};
const Statement kImageEffects{
    .id = "workflow.check_effects",
    .sql =
        "SELECT count(*) FROM effects f WHERE f.execution_id = ?1 AND ((f.state = 1) <> (f.receipt_at IS NOT NULL) OR "
        "NOT EXISTS (SELECT 1 FROM steps t WHERE t.execution_id = f.execution_id AND t.step_no = f.step_no))",
    .plan =
        "SEARCH f USING INDEX idx_effect_step (execution_id=?); CORRELATED SCALAR SUBQUERY 1; SEARCH t USING PRIMARY "
        "KEY (execution_id=? AND step_no=?)"};
const Statement kImageEvent{.id = "workflow.check_event",
                            .sql =
                                "SELECT payload FROM events WHERE task_id = ?1 AND subject_kind = 'execution' AND "
                                "subject_id = ?2 AND version = "
                                "?3 ORDER BY seq DESC LIMIT 1",
                            .plan = "SEARCH events USING INDEX idx_event_task (task_id=?)"};

}  // namespace

storage::StatementCatalogue::List of_execution_check() {
  static const Statement* const list[] = {&kImageTask,     &kImageReady,   &kImageLabelled, &kImageParked,
                                          &kImageHolder,   &kImageWaits,   &kImageDraws,    &kImageJournal,
                                          &kImageFindings, &kImageEffects, &kImageEvent};
  return list;
}

}  // namespace sql

namespace {

/// One execution's rows, read page by page.
class ImageRows {
 public:
  explicit ImageRows(std::size_t rows_max) : left_(rows_max) {}
  /// Errors: storage.result_too_large.
  Result<void> take(std::size_t rows) {
    if (rows > left_) return Error("storage.result_too_large", "the execution has too many rows to be checked");
    left_ -= rows;
    return {};
  }

 private:
  std::size_t left_;
};

Result<void> load_steps(ReadTx& tx, ImageRows& rows, ExecutionImage& image) {
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kStepRows, {image.row.id, last, sql::kStepsRead}));
    WRENCH_TRY(rows.take(page.size()));
    for (const auto row : page) {
      StepRow step = row_store::step_from(row);
      last = step.step_no;
      image.steps.emplace(step.step_no, std::move(step));
    }
    if (page.size() < sql::kStepsRead) return {};
  }
}

/// Of steps that require labels.
Result<void> load_labelled(ReadTx& tx, ExecutionImage& image) {
  for (const auto& [no, step] : image.steps) {
    if (step.rank == 0 || step.node >= image.plan->nodes().size()) continue;
    const auto& labels = image.plan->nodes()[step.node].labels;
    if (labels == nullptr) continue;
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
      const std::string queue = queue_name(static_cast<SlotClass>(slot), {}, labels.get());
      const Rows rows = WRENCH_TRY(tx.query(sql::kImageLabelled, {queue, step.rank, image.row.id, no}));
      for (const auto row : rows) image.ready[no].emplace_back(std::string(row.text(0)), row.integer(1));
    }
  }
  return {};
}

Result<void> load_ready(ReadTx& tx, ExecutionImage& image, Ownership ownership) {
  const bool shared = ownership == Ownership::Shared;
  std::array<std::string, kSlotClasses> queues;
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    queues[slot] = queue_name(static_cast<SlotClass>(slot), shared ? std::string_view() : image.row.owner_boot);
  static_assert(kSlotClasses == 3, "the statement names them");
  const bool queued = shared || !image.row.owner_boot.empty();
  for (std::int64_t last = 0; queued;) {
    const Rows page =
        WRENCH_TRY(tx.query(sql::kImageReady, {queues[0], queues[1], queues[2], image.row.id, last, sql::kStepsRead}));
    for (const auto row : page) {
      last = row.integer(0);
      image.ready[last].emplace_back(std::string(row.text(1)), row.integer(2));
    }
    if (page.size() < sql::kStepsRead) break;
  }
  if (shared) WRENCH_TRY(load_labelled(tx, image));
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kImageParked, {image.row.id, last, sql::kStepsRead}));
    for (const auto row : page) {
      last = row.integer(0);
      image.ready[last].emplace_back(std::string(row.text(1)), row.integer(2));
    }
    if (page.size() < sql::kStepsRead) return {};
  }
}

Result<void> load_holders(ReadTx& tx, ExecutionImage& image) {
  for (const auto& [no, step] : image.steps) {
    if (step.state != StepState::Running || step.limits.empty()) continue;
    const auto its = limits::Evaluated::parse(step.limits);
    if (its.key.empty()) continue;
    if (WRENCH_TRY(tx.query(sql::kImageHolder, {its.key, its.arrived, image.row.id, no})).empty())
      image.keyless.insert(no);
  }
  return {};
}

Result<void> load_journal(ReadTx& tx, ImageRows& rows, ExecutionImage& image) {
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kImageJournal, {image.row.id, last, sql::kLinesRead}));
    WRENCH_TRY(rows.take(page.size()));
    for (const auto row : page) {
      last = row.integer(0);
      image.journal.push_back(
          {last, std::string(row.text(1)), row.integer(2), row.integer(3), std::string(row.text_or_empty(4))});
      image.lost_contents += row.integer(5);
    }
    if (page.size() < sql::kLinesRead) return {};
  }
}

Result<void> load_fork(ReadTx& tx, PlanCache& plans, ExecutionImage& image) {
  if (image.row.forked_from == 0) return {};
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {image.row.forked_from}));
  const ExecutionRow base = found.empty() ? ExecutionRow() : row_store::execution_from(found.front());
  if (base.task_no != image.row.task_no || base.number >= image.row.number || !is_terminal(base.status)) {
    image.fork_problem = "goes back to no earlier execution of its task that has ended";
    return {};
  }
  auto fork = plans.fork(tx, *image.plan, image.row);
  if (fork.ok()) image.fork = std::move(*fork);
  if (!fork.ok()) image.fork_problem = "can't be understood as a fork: " + fork.error().message;
  return {};
}

}  // namespace

Result<ExecutionImage> load_image(ReadTx& tx, PlanCache& plans, std::int64_t execution_no, Ownership ownership,
                                  std::size_t rows_max) {
  ExecutionImage image;
  ImageRows rows(rows_max);
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (found.empty()) return Error("workflow.task_not_found", "there is no execution " + std::to_string(execution_no));
  image.row = row_store::execution_from(found.front());
  const Rows task = WRENCH_TRY(tx.query(sql::kImageTask, {image.row.task_no}));
  if (task.empty()) return Error("storage.corrupt", "execution " + image.row.execution_id + " has no task");
  image.task_state = parse_task_state(task.front().text(0)).value_or(TaskState::Draft);
  image.task_status = task.front().text(1);
  image.plan = WRENCH_TRY(plans.get(tx, image.row.plan_hash));
  WRENCH_TRY(load_fork(tx, plans, image));
  WRENCH_TRY(load_steps(tx, rows, image));
  WRENCH_TRY(load_ready(tx, image, ownership));
  WRENCH_TRY(load_holders(tx, image));
  for (const TimerRow& timer : WRENCH_TRY(row_store::timers_of(tx, execution_no)))
    image.timers[timer.step_no].emplace(timer.kind, timer);
  const Rows waits = WRENCH_TRY(tx.query(sql::kImageWaits, {execution_no}));
  for (const auto row : waits) image.waits.insert(row.integer(0));
  const Rows drawing = WRENCH_TRY(tx.query(sql::kImageDraws, {execution_no}));
  for (const auto row : drawing) image.drawing.insert(row.integer(0));
  WRENCH_TRY(load_journal(tx, rows, image));
  image.early_findings = WRENCH_TRY(tx.query(sql::kImageFindings, {execution_no})).front().integer(0);
  image.strange_effects = WRENCH_TRY(tx.query(sql::kImageEffects, {execution_no})).front().integer(0);
  const Rows event =
      WRENCH_TRY(tx.query(sql::kImageEvent, {image.row.task_no, image.row.execution_id, image.row.version}));
  if (!event.empty()) image.last_event = event.front().text(0);
  return image;
}

std::vector<std::string> check_execution(const ExecutionImage& image, const ExecutionCheck& check) {
  return Check(image, check).run();
}

}  // namespace wrench::workflow
