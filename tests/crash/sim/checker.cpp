// What must hold of the store at every moment between two flushes (docs/reference/workflow.md#invariants).

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "limits.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "world.hpp"
#include "wrench/base/text.hpp"

namespace wrench::sim {

using namespace workflow;
using codec::Json;
using storage::ReadTx;
using storage::Rows;
using storage::Statement;

namespace {

const Statement kExecutions{
    .id = "sim.executions",
    .sql =
        "SELECT id, execution_id, task_id, number, status, suspend_reason, error, plan_hash, "
        "owner_boot, on_exhausted, cancel_at, cancel_reason, deadline_at, created_at, "
        "started_at, completed_at, next_step, steps_total, steps_done, steps_failed, "
        "steps_active, steps_held, version, paused, waiting, forked_from, budgets, expires_at FROM "
        "task_executions"};
const Statement kSteps{.id = "sim.steps",
                       .sql =
                           "SELECT execution_id, step_no, node, parent_step, iteration, state, attempt, lost, epoch, "
                           "deps_left, worker_boot, claimed_at, output_seq, cursor, flags, rank, "
                           "scheduled_at, limits FROM steps"};
const Statement kReady{.id = "sim.ready",
                       .sql =
                           "SELECT queue, rank, execution_id, step_no FROM ready UNION ALL SELECT queue, rank, "
                           "execution_id, step_no FROM parked"};
const Statement kLimits{.id = "sim.limits", .sql = "SELECT key, in_use, newest, waiting FROM limits"};
// Told: asked to stop, or a request says so.
const Statement kPlaces{
    .id = "sim.places",
    .sql =
        "SELECT t.key, t.arrived, t.execution_id, t.step_no, t.runs, t.superseded = 0 OR s.flags & 2052 <> 0 OR EXISTS "
        "(SELECT 1 FROM requests r WHERE r.execution_id = t.execution_id AND r.kind = 'superseded' AND r.reason = "
        "CAST(t.step_no AS TEXT)), t.superseded FROM (SELECT key, arrived, execution_id, step_no, 1 AS runs, "
        "superseded "
        "FROM key_holders UNION ALL SELECT key, arrived, execution_id, step_no, 0, superseded FROM parked) t JOIN "
        "steps "
        "s ON s.execution_id = t.execution_id AND s.step_no = t.step_no"};
const Statement kTimers{.id = "sim.timers", .sql = "SELECT execution_id, step_no, kind, due_at, epoch FROM timers"};
const Statement kJournal{
    .id = "sim.journal",
    .sql =
        "SELECT execution_id, seq, kind, coalesce(step_no, 0), at, data, blob FROM journal ORDER BY execution_id, seq"};
const Statement kEvents{.id = "sim.events", .sql = "SELECT seq FROM events ORDER BY seq"};
const Statement kClock{.id = "sim.clock", .sql = "SELECT next, pruned FROM event_clock"};
const Statement kEffects{.id = "sim.effects", .sql = "SELECT effect_key, state FROM effects"};
const Statement kTasks{.id = "sim.tasks",
                       .sql =
                           "SELECT task_id, coalesce(idempotency_key, ''), state, status FROM tasks WHERE "
                           "parent_execution IS NULL"};
// Children whose step waits for them no more, though nobody asked them to end.
const Statement kForgottenChildren{
    .id = "sim.forgotten_children",
    .sql =
        "SELECT x.id, t.parent_execution, t.parent_step FROM tasks t JOIN task_executions x ON x.task_id = t.id JOIN "
        "steps s ON s.execution_id = t.parent_execution AND s.step_no = t.parent_step WHERE x.completed_at IS NULL AND "
        "x.number = 1 AND x.cancel_at IS NULL AND s.state <> 5 AND NOT EXISTS (SELECT 1 FROM requests r WHERE "
        "r.execution_id = x.id AND r.kind = 'cancel')"};
// Executions that began before a task that they depend on had ended, or completed.
const Statement kTooEarly{
    .id = "sim.too_early",
    .sql =
        "SELECT x.id, d.depends_on_id, d.policy FROM task_executions x JOIN task_dependencies d ON d.task_id = "
        "x.task_id WHERE x.started_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task_executions o WHERE o.task_id = "
        "d.depends_on_id AND o.completed_at <= x.started_at AND (d.policy = 'ignore' OR o.status = 'completed'))"};
const Statement kGivenInputs{
    .id = "sim.given_inputs",
    .sql = "SELECT data FROM journal WHERE execution_id = ?1 AND kind = 'given' AND step_no IS NULL"};
const Statement kLostBlobs{.id = "sim.lost_blobs",
                           .sql =
                               "SELECT count(*) FROM journal j WHERE j.blob IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
                               "blobs b WHERE b.hash = j.blob)"};
const Statement kSightings{.id = "sim.sightings",
                           .sql =
                               "SELECT count(*) FROM finding_sightings s WHERE NOT EXISTS (SELECT 1 FROM steps t WHERE "
                               "t.execution_id = s.execution_id AND t.step_no = s.step_no AND t.state = 6)"};
const Statement kPlanOf{.id = "sim.plan_of", .sql = "SELECT body FROM plans WHERE plan_hash = ?1"};
const Statement kOpenWaits{.id = "sim.open_waits", .sql = "SELECT execution_id, step_no FROM waits WHERE applied = 0"};
const Statement kDecisions{.id = "sim.decisions",
                           .sql = "SELECT wait_id, decision, execution_id, step_no, applied FROM waits"};
// Each budget with the sums of its ledger: open, settled, used beyond what was reserved.
const Statement kBudgets{
    .id = "sim.budgets",
    .sql =
        "SELECT b.scope, b.dim, b.cap, b.reserved, b.spent, coalesce(sum(CASE WHEN e.settled IS NULL THEN e.reserved "
        "ELSE 0 END), 0), coalesce(sum(e.settled), 0), coalesce(sum(CASE WHEN e.settled > e.reserved THEN e.settled - "
        "e.reserved ELSE 0 END), 0) FROM budgets b LEFT JOIN budget_entries e ON e.scope = b.scope AND e.dim = b.dim "
        "GROUP BY b.scope, b.dim"};
const Statement kLedger{.id = "sim.ledger",
                        .sql = "SELECT execution_id, step_no, epoch, call_no, dim, settled, scope FROM budget_entries"};
const Statement kBudgetWaits{.id = "sim.budget_waits", .sql = "SELECT execution_id, step_no FROM budget_waits"};
const Statement kStreams{
    .id = "sim.streams",
    .sql =
        "SELECT s.execution_id, s.step_no, s.epoch, s.bytes, c.at, c.body FROM streams s LEFT JOIN stream_chunks c ON "
        "c.execution_id = s.execution_id AND c.step_no = s.step_no ORDER BY s.execution_id, s.step_no, c.at"};
const Statement* const kStatements[] = {&kBudgets, &kLedger,      &kBudgetWaits, &kLimits,    &kForgottenChildren,
                                        &kStreams, &kGivenInputs, &kOpenWaits,   &kDecisions, &kExecutions,
                                        &kSteps,   &kReady,       &kTimers,      &kJournal,   &kEvents,
                                        &kClock,   &kEffects,     &kTasks,       &kLostBlobs, &kSightings,
                                        &kPlanOf,  &kPlaces,      &kTooEarly};

[[noreturn]] void violated(const std::string& what) { throw Violation{what}; }

void require(bool holds, const std::string& what) {
  if (!holds) violated(what);
}

std::string label(StepKey key) {
  return "execution " + std::to_string(key.execution_no) + " step " + std::to_string(key.step_no);
}

struct Snapshot {
  std::map<std::int64_t, ExecutionRow> executions;
  std::map<StepKey, StepRow> steps;
  std::map<std::int64_t, std::shared_ptr<const Plan>> plans;
  std::map<StepKey, std::vector<std::pair<std::string, std::int64_t>>> ready;
  std::map<StepKey, std::map<int, TimerRow>> timers;
  std::set<StepKey> waits;  ///< Steps of which some wait is open.

  /// Of a fork's step without a row, the row that it goes back to.
  const StepRow& step_outside_of_bodies(StepKey key) const {
    for (;;) {
      if (const auto row = steps.find(key); row != steps.end()) return row->second;
      const std::int64_t base = executions.at(key.execution_no).forked_from;
      if (base == 0) throw Violation{"execution " + std::to_string(key.execution_no) + " has lost a step"};
      key.execution_no = base;
    }
  }
};

Result<Snapshot> snapshot(ReadTx& tx) {
  Snapshot out;
  static PlanCache plans;
  const Rows executions = WRENCH_TRY(tx.query(kExecutions));
  for (const auto row : executions) {
    ExecutionRow e = row_store::execution_from(row);
    out.plans[e.id] = WRENCH_TRY(plans.get(tx, e.plan_hash));
    out.executions[e.id] = std::move(e);
  }
  const Rows steps = WRENCH_TRY(tx.query(kSteps));
  for (const auto row : steps) {
    StepRow s = row_store::step_from(row);
    out.steps[{s.execution_no, s.step_no}] = std::move(s);
  }
  const Rows ready = WRENCH_TRY(tx.query(kReady));
  for (const auto row : ready)
    out.ready[{row.integer(2), row.integer(3)}].emplace_back(std::string(row.text(0)), row.integer(1));
  const Rows timers = WRENCH_TRY(tx.query(kTimers));
  for (const auto row : timers)
    out.timers[{row.integer(0), row.integer(1)}][static_cast<int>(row.integer(2))] = {
        row.integer(0), row.integer(1), static_cast<TimerKind>(row.integer(2)), row.integer(3), row.integer(4)};
  const Rows waits = WRENCH_TRY(tx.query(kOpenWaits));
  for (const auto row : waits) out.waits.insert({row.integer(0), row.integer(1)});
  return out;
}

/// What bounds a step that goes wrong again and again. A guarded effect that an answer from outside proves undone goes
/// back for one more attempt.
void check_bounds(StepKey key, const StepRow& row, const PlanNode& node, const DispatcherConfig& config) {
  if (row.effect() == Effect::Guarded) return;
  require(row.attempt <= node.retry.attempts, label(key) + " was tried more often than its plan allows");
  require(row.lost < config.losses_max || is_terminal(row.state) || row.state == StepState::Dead,
          label(key) + " goes on though its process died each time");
}

/// A step is blocked for as long as its needs say so.
void check_needs(const Snapshot& s, StepKey key, const StepRow& row, const PlanNode& node) {
  std::int64_t first = 1;
  if (node.container) {
    const StepRow& owner = s.steps.at({key.execution_no, row.parent_step});
    if (owner.state != StepState::Waiting) return;  // It is being cancelled with what it stands in.
    first = BodyCursor::parse(owner.cursor).base - s.plans.at(key.execution_no)->nodes()[*node.container].body_first;
  }
  int left = node.finally && (row.flags & kFlagGateOpen) == 0 ? 1 : 0;
  int completed = 0;
  for (const Need& need : node.needs) {
    const StepKey of_need{key.execution_no, first + need.node};
    const StepRow& other = node.container ? s.steps.at(of_need) : s.step_outside_of_bodies(of_need);
    left += is_terminal(other.state) ? 0 : 1;
    completed += other.state == StepState::Completed ? 1 : 0;
  }
  if (node.join == 0) {
    require(row.deps_left == left,
            label(key) + ": deps_left is " + std::to_string(row.deps_left) + ", not " + std::to_string(left));
  } else {
    require(row.deps_left == 1 && completed < node.join && completed + left >= node.join,
            label(key) + " is blocked though its join is decided");
  }
}

void check_step(const Snapshot& s, StepKey key, const StepRow& row, const ExecutionRow& e,
                const DispatcherConfig& config) {
  const PlanNode& node = s.plans.at(e.id)->nodes()[row.node];
  const std::string& boot = config.boot;
  const bool over = is_terminal(e.status);
  const bool ours = e.owner_boot == boot;
  const auto ready = s.ready.find(key);
  const auto timers = s.timers.find(key);
  const auto has_timer = [&](TimerKind kind) {
    return timers != s.timers.end() && timers->second.contains(static_cast<int>(kind));
  };
  require(!over || is_terminal(row.state), label(key) + " is open in an ended execution");
  require(row.state == StepState::Ready || ready == s.ready.end(), label(key) + " isn't ready but queued");
  require(!is_terminal(row.state) || timers == s.timers.end(), label(key) + " ended but has timers");
  if (row.state == StepState::Ready && ours && e.paused != Pause::No) {
    require(ready == s.ready.end() && row.rank == 0, label(key) + " is queued though its execution is paused");
  } else if (row.state == StepState::Ready && ours) {
    require(ready != s.ready.end() && ready->second.size() == 1, label(key) + " is ready but not queued once");
    require(ready->second[0].first.ends_with("@" + boot) && ready->second[0].second == row.rank,
            label(key) + " is in a queue that nobody serves");
  }
  check_bounds(key, row, node, config);
  if (!over && e.cancel_at != 0 && !node.finally && !is_terminal(row.state)) {
    const bool stopping = row.state == StepState::Running && (row.flags & kFlagCancelRequested) != 0;
    require(stopping || row.state == StepState::Uncertain, label(key) + " goes on in a cancelled execution");
  }
  if (row.state == StepState::RetryWait) require(has_timer(TimerKind::Retry), label(key) + " waits without a timer");
  if (row.state == StepState::Running) {
    require(row.worker_boot == e.owner_boot && ours, label(key) + " runs without a live boot");
  }
  if (row.state == StepState::Blocked && e.cancel_at == 0) check_needs(s, key, row, node);
  require(!is_terminal(row.state) || (row.flags & kFlagDraws) == 0, label(key) + " ended but has something reserved");
  const bool outside = row.state == StepState::Waiting && (row.flags & kFlagWaitsOutside) != 0;
  require(outside == s.waits.contains(key), label(key) + " waits, but for nothing, or doesn't, but could be answered");
  if (outside && node.wait->kind == WaitKind::Until)
    require(has_timer(TimerKind::WaitOver), label(key) + " waits for a time without a timer");
  if (row.waits_for_children()) {
    const BodyCursor cursor = BodyCursor::parse(row.cursor);
    std::int64_t open = 0;
    for (const auto& [other, child] : s.steps)
      if (other.execution_no == e.id && child.parent_step == row.step_no && !is_terminal(child.state) &&
          other.step_no >= cursor.base)  // Those before are of a run that a person began anew.
        ++open;
    require(open == cursor.next - cursor.done && open > 0, label(key) + ": its cursor doesn't match its children");
  }
}

/// What a key says of its use is what uses it, and who lost its place to a newer step hears of it.
void check_limits(const Snapshot& s, const Rows& rows, const Rows& places) {
  std::map<std::string, std::int64_t> used, caps, held, waiting;
  for (const auto& [key, row] : s.steps) {
    if (row.limits.empty()) continue;
    const auto its = limits::Evaluated::parse(row.limits);
    if (row.state != StepState::Running || its.key.empty()) continue;
    ++used[its.key];
    caps[its.key] = std::max(caps[its.key], its.cap);
  }
  std::map<std::string, std::int64_t> oldest;
  for (const auto row : places) {
    const std::string key(row.text(0));
    const StepKey step{row.integer(2), row.integer(3)};
    const StepRow& its = s.steps.at(step);
    const bool runs = row.integer(4) != 0;
    ++(runs ? held : waiting)[key];
    require(its.state == (runs ? StepState::Running : StepState::Ready),
            label(step) + " has a place in the key " + key + " that isn't its own");
    require(row.integer(5) != 0, label(step) + " lost its place to a newer step, but nobody tells it");
    if (runs || row.integer(6) != 0) continue;
    const auto [it, first] = oldest.emplace(key, row.integer(1));
    it->second = std::min(it->second, row.integer(1));
  }
  for (const auto row : rows) {
    const std::string key(row.text(0));
    require(row.integer(1) == used[key] && used[key] == held[key],
            "the key " + key + " says that " + std::to_string(row.integer(1)) + " use it, but " +
                std::to_string(used[key]) + " do, and " + std::to_string(held[key]) + " hold it");
    require(row.integer(3) == waiting[key], "the key " + key + " says that " + std::to_string(row.integer(3)) +
                                                " wait for it, but " + std::to_string(waiting[key]) + " do");
    // Each began while fewer ran than its own limit says, so the newest did.
    require(row.integer(1) <= caps[key], "more use the key " + key + " than may");
    require(!oldest.contains(key) || oldest[key] >= row.integer(2),
            "a step waits for the key " + key + " though a newer one is to wait alone");
    used.erase(key);
  }
  for (const auto& [key, count] : used) require(count == 0, "the key " + key + " is used but has no row");
}

/// Budgets are the sums of their ledger, nothing is overdrawn, and what was told of calls is what stands there.
void check_budgets(const Snapshot& s, const Rows& budgets, const Rows& ledger, const EffectSink& sink) {
  for (const auto row : budgets) {
    const std::string which = "the budget " + std::string(row.text(0)) + " of " + std::string(row.text(1));
    require(row.integer(3) == row.integer(5) && row.integer(4) == row.integer(6),
            which + " says " + std::to_string(row.integer(3)) + " + " + std::to_string(row.integer(4)) +
                ", its ledger " + std::to_string(row.integer(5)) + " + " + std::to_string(row.integer(6)));
    const auto cap = row.optional_integer(2);
    require(!cap || row.integer(3) + row.integer(4) - row.integer(7) <= *cap, which + " is overdrawn");
  }
  std::set<StepKey> open;
  for (const auto row : ledger) {
    const StepKey key{row.integer(0), row.integer(1)};
    if (row.is_null(5)) open.insert(key);
    if (row.integer(3) != 1 || row.text(4) != "tokens") continue;
    const auto paid = sink.paid.find({key.execution_no, key.step_no, row.integer(2)});
    if (paid == sink.paid.end()) continue;
    require(!row.is_null(5) && row.integer(5) == paid->second, label(key) + " told what a call cost, and it was lost");
  }
  for (const auto& [key, row] : s.steps)
    require(((row.flags & kFlagDraws) != 0) == open.contains(key),
            label(key) + " has something reserved that the ledger doesn't say, or hasn't");
}

void check_attempts(const Snapshot& s, const std::vector<StepRow>& attempts) {
  for (const StepRow& attempt : attempts) {
    const StepKey key{attempt.execution_no, attempt.step_no};
    const auto row = s.steps.find(key);
    require(row != s.steps.end() && (row->second.epoch != attempt.epoch || row->second.state == StepState::Running),
            label(key) + " went on without an attempt that still has its epoch");
  }
}

void check_executions(const Snapshot& s, Outside& outside) {
  std::map<std::int64_t, std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t>> counts;
  std::map<std::int64_t, std::array<std::int64_t, kWaitKinds>> waiting;
  for (const auto& [key, row] : s.steps) {
    auto& [total, done, active, held] = counts[key.execution_no];
    ++total;
    done += is_terminal(row.state) ? 1 : 0;
    active += is_active(row.state) && row.state != StepState::Waiting ? 1 : 0;
    if (row.state == StepState::Waiting && (row.flags & kFlagWaitsBudget) != 0)
      ++waiting[key.execution_no][static_cast<std::size_t>(WaitKind::Budget)];
    if (s.waits.contains(key))
      ++waiting[key.execution_no][static_cast<std::size_t>(s.plans.at(key.execution_no)->nodes()[row.node].wait->kind)];
    held += is_held(row.state) ? 1 : 0;
  }
  for (const auto& [no, e] : s.executions) {
    require(e.cancel_reason != "expired" || (e.expires_at != 0 && e.cancel_at >= e.expires_at),
            "execution " + std::to_string(no) + " expired too early");
    if (e.status == ExecutionStatus::Pending) continue;
    const auto& [total, done, active, held] = counts[no];
    require(e.waiting == waiting[no], "execution " + std::to_string(no) + ": its waits aren't those of its steps");
    require(e.steps_total == total && e.steps_done == done && e.steps_active == active && e.steps_held == held,
            "execution " + std::to_string(no) + ": its counts aren't those of its steps");
    if (!is_terminal(e.status)) {
      require(done < total, "execution " + std::to_string(no) + " is open with nothing left to do");
      continue;
    }
    const std::string end = std::string(name(e.status)) + " " + std::to_string(e.completed_at);
    const auto [known, added] = outside.ended_executions.emplace(no, end);
    require(added || known->second == end, "execution " + std::to_string(no) + " changed after its end");
  }
  for (const std::int64_t no : outside.cancels_acknowledged) {
    const auto e = s.executions.find(no);
    require(e != s.executions.end() && (is_terminal(e->second.status) || e->second.cancel_at != 0),
            "an acknowledged cancel was lost");
  }
}

/// A fork has rows of what runs again and of all that needs it, and nothing of the rest.
void check_forks(const Snapshot& s, const Outside& outside) {
  for (const auto& [no, base] : outside.forks) {
    const auto e = s.executions.find(no);
    require(e != s.executions.end() && e->second.forked_from == base, "an acknowledged fork was lost");
  }
  for (const auto& [no, e] : s.executions) {
    if (e.forked_from == 0) continue;
    const std::string self = "execution " + std::to_string(no);
    const auto base = s.executions.find(e.forked_from);
    require(base != s.executions.end() && base->second.task_no == e.task_no && is_terminal(base->second.status),
            self + " is the fork of nothing that has ended");
    if (e.steps_total == 0) continue;
    const Plan& plan = *s.plans.at(no);
    for (std::uint32_t node = 0; node < plan.top_count(); ++node) {
      const auto own = s.steps.find({no, node + 1});
      if (own == s.steps.end()) {
        require(is_terminal(s.step_outside_of_bodies({no, node + 1}).state), self + " goes back to an open step");
        continue;
      }
      if (own->second.attempt == 0 && own->second.state == StepState::Completed) continue;  // Its output was given.
      for (const std::uint32_t dependent : plan.dependents(node))
        require(s.steps.contains({no, dependent + 1}), self + " doesn't run what needs a step that it runs");
    }
  }
}

Result<Json> data_of(ReadTx& tx, const StepRow& row) {
  return WRENCH_TRY(payload::of_journal(tx, row.execution_no, row.output_seq)).value;
}

/// The capabilities were given what the fork took over, and what it was given.
Result<void> check_values(const Snapshot& s, ReadTx& tx) {
  for (const auto& [key, row] : s.steps) {
    const ExecutionRow& e = s.executions.at(key.execution_no);
    const PlanNode& node = s.plans.at(e.id)->nodes()[row.node];
    if (e.forked_from == 0 || row.parent_step != 0 || row.state != StepState::Completed || row.attempt == 0 ||
        node.kind != NodeKind::Call || row.output_seq == 0 || node.join != 0)
      continue;  // What a join doesn't wait for may have come when its input was settled, or later.
    Json input = Json::object();
    for (const auto& [member, from] : node.input.as_object()) {
      const std::string_view path = from.at("$from").as_string();
      Json value;
      if (path == "inputs.n") {
        // The newest that was given; else the task's.
        for (std::int64_t at = e.id; at != 0; at = s.executions.at(at).forked_from) {
          const Rows given = WRENCH_TRY(tx.query(kGivenInputs, {at}));
          if (!given.empty()) value = WRENCH_TRY(codec::parse_json(given.front().text(0))).at("n");
          if (!given.empty()) break;
        }
        if (value.is_null()) value = WRENCH_TRY(payload::inputs(tx, e.task_no)).value.at("n");
      } else {
        const auto other = s.plans.at(e.id)->find(path.substr(6, path.find('.', 6) - 6));
        const StepRow& source = s.step_outside_of_bodies({e.id, *other + 1});
        if (source.state == StepState::Completed) {
          const Json output = WRENCH_TRY(data_of(tx, source));
          value = output.at("v");
        }
      }
      input.set(member, std::move(value));
    }
    const Json output = WRENCH_TRY(data_of(tx, row));
    // What an effect's receipt said is no output of the capability.
    require(!output.at("v").is_integer() || output.at("v").as_integer() == value_of(node.id, "", input),
            label(key) + " of a fork didn't get what it took over");
  }
  return {};
}

/// What was done last about a step's failure.
struct Told {
  std::int64_t seq = 0;
  bool escalated = false, critical = false;
};

/// What is a person's to decide waits for one, and after something critical nothing goes on by itself.
void check_told(const Snapshot& s, StepKey key, const Told& told, std::int64_t unpaused) {
  const StepRow& row = s.steps.at(key);
  if (told.escalated) require(is_held(row.state), label(key) + " went on without the person whom it was given to");
  const ExecutionRow& e = s.executions.at(key.execution_no);
  if (!told.critical || row.state != StepState::Dead || e.cancel_at != 0) return;
  require(e.paused != Pause::No || unpaused > told.seq, label(key) + " failed critically, but its execution goes on");
}

/// Streams have no gaps, say nothing of runs that don't count, and of a step that completed all that it said.
Result<void> check_streams(const Snapshot& s, ReadTx& tx) {
  std::map<StepKey, std::string> said;
  const Rows rows = WRENCH_TRY(tx.query(kStreams));
  for (const auto row : rows) {
    const StepKey key{row.integer(0), row.integer(1)};
    std::string& text = said[key];
    require(!row.is_null(4) && row.integer(4) == static_cast<std::int64_t>(text.size()),
            "the stream of " + label(key) + " has a gap");
    text += row.text(5);
    require(s.steps.at(key).epoch >= row.integer(2), "the stream of " + label(key) + " is of a run to come");
    require(static_cast<std::int64_t>(text.size()) <= row.integer(3), "the stream of " + label(key) + " is too long");
    for (const std::string_view line : split(row.text(5), '\n'))
      require(line.empty() || line.starts_with(std::to_string(row.integer(2)) + " "),
              label(key) + " says what another of its runs said");
  }
  for (const auto& [key, row] : s.steps) {
    if (row.state != StepState::Completed || row.attempt == 0 || row.output_seq == 0) continue;
    const Json output = WRENCH_TRY(data_of(tx, row));
    if (output.at("said").is_string())
      // What ran instead of it says more.
      require(said[key].ends_with(output.at("said").as_string()),
              "the stream of " + label(key) + " isn't what it said");
  }
  return {};
}

void check_journal(const Snapshot& s, const Rows& journal, const Outside& outside) {
  std::int64_t execution = 0;
  std::int64_t next = 1;
  struct Claimed {
    std::int64_t epoch = 0;
    Micros at = 0;
  };
  std::map<StepKey, Claimed> claims;
  std::map<StepKey, Told> told;
  std::map<std::int64_t, std::int64_t> unpaused;
  bool paused = false;
  for (const auto row : journal) {
    if (row.integer(0) != execution) {
      execution = row.integer(0);
      next = 1;
      paused = false;
    }
    require(row.integer(1) == next++, "the journal of execution " + std::to_string(execution) + " has a gap");
    const StepKey key{execution, row.integer(3)};
    const std::string_view kind = row.text(2);
    if (kind == "unpaused") unpaused[execution] = row.integer(1);
    if (kind == "paused" || kind == "unpaused") paused = kind == "paused";
    if (kind == "decision" || kind == "cancelled" || kind == "reconciled" || kind == "completed") told.erase(key);
    if (row.is_null(5)) continue;
    if (kind == "suspended") paused = paused || row.text(5).find("critical") != std::string_view::npos;
    if (kind == "recovery") {
      const Json entry = codec::parse_json(row.text(5)).value();
      const RecoveryEntry what = recovery_entry(entry).value();
      // What a budget refused waits for more of it.
      told[key] = {row.integer(1),
                   what.recovery.strategy == RecoveryStrategy::Escalate && what.error_class != ErrorClass::Budget,
                   what.recovery.severity == Severity::Critical};
    } else if (kind == "claim") {
      require(!paused, label(key) + " began though its execution was held back");
      claims[key] = {codec::parse_json(row.text(5)).value().at("epoch").as_integer(), row.integer(4)};
    } else if (kind == "failed") {
      require(row.text(5).find(kForAPerson) == std::string_view::npos,
              label(key) + " failed though a person was to decide about it");
      const Json error = codec::parse_json(row.text(5)).value();
      require(!outside.passes_over_expired || error.at("code").as_string() != "workflow.wait_expired",
              label(key) + " failed though it was to be passed over");
    } else if (kind == "completed") {
      const Json output = codec::parse_json(row.text(5)).value();
      const Json& epoch = output.at("epoch");
      require(epoch.is_null() || epoch.as_integer() == claims[key].epoch,
              label(key) + " completed with the result of another attempt");
    } else if (kind == "timeout" && row.text(5).find("start_to_close") != std::string_view::npos) {
      const Micros limit = s.plans.at(execution)->nodes()[s.steps.at(key).node].timeouts.start_to_close_us;
      require(row.integer(4) - claims[key].at >= limit, label(key) + " was timed out too early");
    }
  }
  for (const auto& [key, last] : told) check_told(s, key, last, unpaused[key.execution_no]);
}

void check_outside(const Snapshot& s, ReadTx& tx, Outside& outside) {
  const Rows tasks = tx.query(kTasks).value();
  std::map<std::string, std::string> by_key;
  std::set<std::string> ids;
  for (const auto row : tasks) {
    ids.insert(std::string(row.text(0)));
    if (!row.text(1).empty()) by_key[std::string(row.text(1))] = row.text(0);
    const auto state = parse_task_state(row.text(2));
    require(state && status_of(*state) == row.text(3), "a task's status isn't that of its state");
    require(state != TaskState::Draft || !outside.submitted.contains(std::string(row.text(0))),
            "a draft that was submitted is one still: " + std::string(row.text(0)));
  }
  for (const auto& [key, id] : outside.acknowledged) require(ids.contains(id), "an acknowledged task was lost: " + id);
  std::map<std::string, std::int64_t> effects;
  const Rows rows = tx.query(kEffects).value();
  for (const auto row : rows) effects[std::string(row.text(0))] = row.integer(1);
  require(outside.sink.wrong.empty(), outside.sink.wrong);
  for (const auto& [key, times] : outside.sink.done) {
    require(times == 1, "an effect happened " + std::to_string(times) + " times");
    require(effects.contains(key), "an effect happened without an intent");
  }
  const Rows decided = tx.query(kDecisions).value();
  std::map<std::string, std::pair<std::string, std::optional<StepKey>>> decisions;
  for (const auto row : decided)
    decisions[std::string(row.text(0))] = {
        std::string(row.text_or_empty(1)),
        row.integer(4) == 0 ? std::nullopt : std::optional(StepKey{row.integer(2), row.integer(3)})};
  for (const auto& [wait, decision] : outside.decisions) {
    const auto kept = decisions.find(wait);
    require(kept != decisions.end() && kept->second.first == decision, "an acknowledged decision was lost");
    if (!kept->second.second) continue;
    const StepState state = s.steps.at(*kept->second.second).state;
    require(state == StepState::Cancelled || state == (decision == "reject" ? StepState::Failed : StepState::Completed),
            label(*kept->second.second) + " didn't go on as was decided");
  }
  for (const auto& [key, state] : outside.told_steps) {
    const auto row = s.steps.find(key);
    require(row != s.steps.end() && row->second.state == state, label(key) + " isn't what its watchers were told");
  }
  for (const auto& [no, status] : outside.told_executions) {
    const auto row = s.executions.find(no);
    require(row != s.executions.end() && row->second.status == status,
            "execution " + std::to_string(no) + " isn't what its watchers were told");
  }
  for (const auto& [key, row] : s.steps) {
    if (!is_terminal(row.state)) continue;
    const std::pair end{static_cast<int>(row.state), row.output_seq};
    const auto [known, added] = outside.ended_steps.emplace(key, end);
    require(added || known->second == end, label(key) + " changed after its end");
  }
}

}  // namespace

storage::StatementCatalogue::List statements() { return kStatements; }

void check_store(storage::Store& store, const Inside& inside, Outside& outside) {
  auto done = store.read([&](ReadTx& tx) -> Result<int> {
    const Snapshot s = WRENCH_TRY(snapshot(tx));
    int running = 0;
    for (const auto& [key, row] : s.steps) {
      check_step(s, key, row, s.executions.at(key.execution_no), inside.config);
      running += row.state == StepState::Running ? 1 : 0;
    }
    check_attempts(s, inside.attempts);
    check_limits(s, WRENCH_TRY(tx.query(kLimits)), WRENCH_TRY(tx.query(kPlaces)));
    check_budgets(s, WRENCH_TRY(tx.query(kBudgets)), WRENCH_TRY(tx.query(kLedger)), outside.sink);
    int used = 0;
    for (const int n : inside.dispatcher.used()) used += n;
    require(used == running, std::to_string(used) + " slots in use by " + std::to_string(running) + " running steps");
    for (const auto& [key, rows] : s.ready) require(s.steps.contains(key), label(key) + " is queued but doesn't exist");
    check_executions(s, outside);
    check_forks(s, outside);
    check_journal(s, WRENCH_TRY(tx.query(kJournal)), outside);
    WRENCH_TRY(check_streams(s, tx));
    check_outside(s, tx, outside);
    const Rows forgotten = WRENCH_TRY(tx.query(kForgottenChildren));
    for (const auto row : forgotten) {
      const StepKey parent{row.integer(1), row.integer(2)};
      const PlanNode& node = s.plans.at(parent.execution_no)->nodes()[s.steps.at(parent).node];
      require(node.wait->child->abandon,
              "execution " + std::to_string(row.integer(0)) + " goes on, though " + label(parent) + " gave it up");
    }
    const Rows early = WRENCH_TRY(tx.query(kTooEarly));
    for (const auto row : early)
      violated("execution " + std::to_string(row.integer(0)) + " began before task " + std::to_string(row.integer(1)) +
               ", for which it waits (" + std::string(row.text(2)) + ")");
    const Rows clock = WRENCH_TRY(tx.query(kClock));
    std::int64_t next = clock.front().integer(1) + 1;
    const Rows events = WRENCH_TRY(tx.query(kEvents));
    for (const auto row : events) require(row.integer(0) == next++, "the event log has a gap");
    require(next == clock.front().integer(0), "the event clock isn't behind the last event");
    require(WRENCH_TRY(tx.query(kLostBlobs)).front().integer(0) == 0, "a blob of the journal is missing");
    require(WRENCH_TRY(tx.query(kSightings)).front().integer(0) == 0, "findings of a step that didn't complete");
    return 0;
  });
  if (!done.ok()) violated("the store can't be read: " + describe(done.error()));
}

void check_end(storage::Store& store, const Outside& outside) {
  auto done = store.read([&](ReadTx& tx) -> Result<int> {
    const Snapshot s = WRENCH_TRY(snapshot(tx));
    WRENCH_TRY(check_values(s, tx));
    const Rows effects = WRENCH_TRY(tx.query(kEffects));
    for (const auto row : effects)
      if (row.integer(1) == 1)
        require(outside.sink.done.contains(std::string(row.text(0))), "a receipt for an effect that never happened");
    require(WRENCH_TRY(tx.query(kReady)).empty(), "steps are queued, but nothing is left to do");
    require(WRENCH_TRY(tx.query(kOpenWaits)).empty(), "something waits, but nothing is left to do");
    require(WRENCH_TRY(tx.query(kTimers)).empty(), "timers are left, but nothing is left to do");
    require(WRENCH_TRY(tx.query(kBudgetWaits)).empty(), "something waits for a budget, but nothing is left to do");
    std::map<std::string, int> keys;
    const Rows tasks = WRENCH_TRY(tx.query(kTasks));
    require(tasks.size() == outside.acknowledged.size(), "there are more tasks than were asked for");
    return 0;
  });
  if (!done.ok()) violated("the store can't be read: " + describe(done.error()));
}

}  // namespace wrench::sim
