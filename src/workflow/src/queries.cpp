#include "wrench/workflow/queries.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "budget/budgets.hpp"
#include "creation.hpp"
#include "forks.hpp"
#include "limits.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kIdBytesMax = 64;
constexpr std::string_view kStatuses[] = {"pending", "in_progress", "completed", "failed", "cancelled"};

Result<Json> optional_json(std::string_view text) {
  if (text.empty()) return Json();
  return codec::parse_json(text);
}

Result<TaskView> task_view(const Rows::Row& row) {
  TaskView out;
  out.task_no = row.integer(0);
  out.task_id = row.text(1);
  out.project_id = row.integer(2);
  out.repo_id = row.optional_integer(3);
  out.title = row.text(4);
  out.description = row.text_or_empty(5);
  out.kind = row.text_or_empty(6);
  out.priority = row.text(7);
  out.status = row.text(8);
  out.state = parse_task_state(row.text_or_empty(9)).value_or(TaskState::Draft);
  out.wait_reason = row.text_or_empty(10);
  out.created_by = row.text(11);
  out.idempotency_key = row.text_or_empty(12);
  out.metadata = WRENCH_TRY(optional_json(row.text_or_empty(13)));
  out.progress = static_cast<double>(row.integer(14)) / 1e6;
  out.created_at = row.integer(15);
  out.updated_at = row.integer(16);
  out.version = row.integer(17);
  return out;
}

Result<JournalEntry> journal_entry(const Rows::Row& row) {
  JournalEntry out;
  out.seq = row.integer(0);
  out.kind = row.text(1);
  out.step_no = row.optional_integer(2);
  out.attempt = static_cast<int>(row.integer(3));
  out.at = row.integer(4);
  out.actor = row.text(5);
  if (!row.is_null(7)) {
    out.data = Json::object({{"blob", "sha256:" + to_hex(row.bytes(7))}});
  } else {
    out.data = WRENCH_TRY(optional_json(row.text_or_empty(6)));
  }
  return out;
}

Error not_found(std::string_view id) {
  return Error("workflow.task_not_found", "there is no task '" + escape_for_display(id) + "'")
      .with_help("wrench task list");
}

/// "<created_at>.<id>" of the last task shown.
struct PageKey {
  std::int64_t created_at = std::numeric_limits<std::int64_t>::max();
  std::int64_t id = std::numeric_limits<std::int64_t>::max();
};

Result<PageKey> parse_cursor(std::string_view cursor) {
  PageKey key;
  if (cursor.empty()) return key;
  const auto dot = cursor.find('.');
  const auto number = [](std::string_view text, std::int64_t& out) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc() && end == text.data() + text.size() && !text.empty();
  };
  if (dot == std::string_view::npos || !number(cursor.substr(0, dot), key.created_at) ||
      !number(cursor.substr(dot + 1), key.id))
    return Error("workflow.invalid_cursor", "'" + escape_for_display(cursor) + "' is no cursor of a task list");
  return key;
}

}  // namespace

Result<TaskView> find_task(ReadTx& tx, std::string_view id) {
  if (id.size() < kIdSuffixMin || id.size() > kIdBytesMax)
    return Error("workflow.task_not_found", "there is no task '" + escape_for_display(id.substr(0, kIdBytesMax)) +
                                                "': an id, or its last " + std::to_string(kIdSuffixMin) +
                                                " characters or more, names one")
        .with_help("wrench task list");
  const Rows exact = WRENCH_TRY(tx.query(sql::kTaskById, {id}));
  if (!exact.empty()) return task_view(exact.front());
  std::string suffix(id);
  for (char& c : suffix)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const Rows rows = WRENCH_TRY(tx.query(sql::kTasksByIdSuffix, {suffix, kIdSuffixTasks}));
  if (rows.empty() && id.find('_') == std::string_view::npos)
    return Error("workflow.task_not_found", "there is no task '" + escape_for_display(id) + "' among the newest " +
                                                std::to_string(kIdSuffixTasks) +
                                                "; an older one is named by its whole id")
        .with_help("wrench task list");
  if (rows.empty()) return not_found(id);
  if (rows.size() > 1) {
    Error error("workflow.task_ambiguous", "several tasks end in '" + escape_for_display(id) + "'");
    for (const auto row : rows) error = std::move(error).with_help(std::string(row.text(1)));
    return error;
  }
  return task_view(rows.front());
}

Result<std::optional<TaskView>> find_task_by_key(ReadTx& tx, std::int64_t project_id, std::string_view key) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kTaskByKey, {project_id, key}));
  if (rows.empty()) return std::optional<TaskView>();
  const Rows task = WRENCH_TRY(tx.query(sql::kTaskById, {rows.front().text(1)}));
  return std::optional(WRENCH_TRY(task_view(task.front())));
}

Result<TaskPage> list_tasks(ReadTx& tx, const TaskFilter& filter) {
  const PageKey key = WRENCH_TRY(parse_cursor(filter.cursor));
  const std::size_t limit = std::clamp<std::size_t>(filter.limit, 1, kTaskPageMax);
  // One indexed page for each status, merged: `status IN (…) ORDER BY` would sort all of them.
  std::vector<TaskView> tasks;
  for (const std::string_view status : kStatuses) {
    if (!filter.status.empty() && filter.status != status) continue;
    const Rows rows = WRENCH_TRY(tx.query(sql::kTasksOfStatus, {status, key.created_at, key.id, limit + 1}));
    for (const auto row : rows) tasks.push_back(WRENCH_TRY(task_view(row)));
  }
  std::sort(tasks.begin(), tasks.end(), [](const TaskView& a, const TaskView& b) {
    return std::tie(a.created_at, a.task_no) > std::tie(b.created_at, b.task_no);
  });
  TaskPage page;
  if (tasks.size() > limit) {
    tasks.resize(limit);
    page.next_cursor = std::to_string(tasks.back().created_at) + "." + std::to_string(tasks.back().task_no);
  }
  page.tasks = std::move(tasks);
  return page;
}

Result<std::vector<ExecutionView>> list_executions(ReadTx& tx, std::int64_t task_no) {
  std::vector<ExecutionView> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kExecutionsOfTask, {task_no}));
  for (const auto raw : rows) {
    const ExecutionRow row = row_store::execution_from(raw);
    ExecutionView view;
    view.execution_no = row.id;
    view.execution_id = row.execution_id;
    view.number = row.number;
    view.status = row.status;
    view.suspend_reason = row.suspend_reason;
    view.owner_boot = row.owner_boot;
    view.plan_hash = to_hex(row.plan_hash);
    view.error = WRENCH_TRY(optional_json(row.error));
    view.steps_total = row.steps_total;
    view.steps_done = row.steps_done;
    view.steps_failed = row.steps_failed;
    view.steps_held = row.steps_held;
    view.cancel_requested = row.cancel_at != 0;
    view.paused = row.paused != Pause::No && row.paused != Pause::Restored;
    view.forked_from = row.forked_from;
    view.created_at = row.created_at;
    if (row.started_at != 0) view.started_at = row.started_at;
    if (row.completed_at != 0) view.completed_at = row.completed_at;
    if (row.expires_at != 0) view.expires_at = row.expires_at;
    out.push_back(std::move(view));
  }
  return out;
}

namespace {

/// Of those behind `after`. What a fork has no rows of is in what it goes back to.
Result<std::vector<StepRow>> step_rows(ReadTx& tx, ExecutionRow execution, std::uint32_t top, std::int64_t after,
                                       std::size_t limit) {
  std::map<std::int64_t, StepRow> out;
  const std::int64_t self = execution.id;
  for (;;) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kStepsOfExecution, {execution.id, after, limit}));
    for (const auto raw : rows)
      if (StepRow row = row_store::step_from(raw); execution.id == self || row.step_no <= top)
        out.try_emplace(row.step_no, std::move(row));
    if (execution.forked_from == 0) break;
    const Rows base = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution.forked_from}));
    if (base.empty()) return Error("storage.corrupt", "an execution goes back to one that isn't there");
    execution = row_store::execution_from(base.front());
  }
  std::vector<StepRow> page;
  for (auto it = out.begin(); it != out.end() && page.size() < limit; ++it) page.push_back(std::move(it->second));
  return page;
}

}  // namespace

Result<std::vector<StepView>> list_steps(ReadTx& tx, std::int64_t execution_no, std::int64_t after_step,
                                         std::size_t limit) {
  std::vector<StepView> out;
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (execution.empty()) return out;
  PlanCache plans;
  ExecutionRow self = row_store::execution_from(execution.front());
  const auto plan = WRENCH_TRY(plans.get(tx, self.plan_hash));
  const auto rows =
      WRENCH_TRY(step_rows(tx, std::move(self), plan->top_count(), after_step, std::min(limit, kStepPageMax)));
  for (const StepRow& row : rows) {
    StepView view;
    view.execution_no = row.execution_no;
    view.step_no = row.step_no;
    view.node = plan->nodes()[row.node].id;
    const PlanNode& node = plan->nodes()[row.node];
    view.capability = node.kind == NodeKind::Map ? plan->nodes()[node.body_first].capability : node.capability;
    if (row.parent_step != 0) view.parent_step = row.parent_step;
    if (row.iteration >= 0) view.item = row.iteration;
    view.state = row.state;
    view.attempt = row.attempt;
    view.lost = row.lost;
    if (row.claimed_at != 0) view.claimed_at = row.claimed_at;
    view.output_seq = row.output_seq;
    view.superseded = row.superseded();
    if (node.labels != nullptr) view.required = *node.labels;
    if (row.state == StepState::Ready && !row.limits.empty()) {
      const Rows parked = WRENCH_TRY(tx.query(sql::kParkedKey, {row.execution_no, row.step_no}));
      if (!parked.empty()) view.parked_for = limits::shown(parked.front().text(0));
    }
    if (node.kind == NodeKind::Child) {
      const Rows children = WRENCH_TRY(tx.query(sql::kChildrenOfStep, {row.execution_no, row.step_no}));
      if (!children.empty()) view.child_task = children[children.size() - 1].text(2);
    }
    out.push_back(std::move(view));
  }
  return out;
}

Result<std::vector<JournalEntry>> read_journal(ReadTx& tx, std::int64_t execution_no, std::int64_t after_seq,
                                               std::size_t limit) {
  std::vector<JournalEntry> out;
  const Rows rows =
      WRENCH_TRY(tx.query(sql::kJournalPage, {execution_no, after_seq, std::min(limit, kJournalPageMax)}));
  for (const auto row : rows) out.push_back(WRENCH_TRY(journal_entry(row)));
  return out;
}

Result<Json> read_content(ReadTx& tx, std::int64_t execution_no, std::int64_t seq) {
  return WRENCH_TRY(payload::of_journal(tx, execution_no, seq)).value;
}

Result<std::shared_ptr<const Plan>> read_plan(ReadTx& tx, std::int64_t execution_no) {
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (execution.empty()) return Error("workflow.task_not_found", "there is no such execution");
  PlanCache plans;
  return plans.get(tx, row_store::execution_from(execution.front()).plan_hash);
}

Result<Json> read_output(ReadTx& tx, std::int64_t execution_no, std::string_view node) {
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (execution.empty()) return Error("workflow.task_not_found", "there is no such execution");
  PlanCache plans;
  const auto plan = WRENCH_TRY(plans.get(tx, row_store::execution_from(execution.front()).plan_hash));
  const auto index = plan->find(node);
  if (!index) return Error("workflow.no_output", "the plan has no step '" + escape_for_display(node) + "'");
  const auto step = WRENCH_TRY(forks::find_step(tx, execution_no, *index + 1));
  if (!step || step->state != StepState::Completed)
    return Error("workflow.no_output", "the step '" + std::string(node) + "' hasn't completed");
  return WRENCH_TRY(payload::of_journal(tx, step->execution_no, step->output_seq)).value;
}

Result<Json> read_inputs(ReadTx& tx, std::int64_t task_no) {
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
  return forks::inputs(tx, latest.empty() ? 0 : latest.front().integer(0), task_no);
}

Result<Json> read_plan_notes(ReadTx& tx, std::int64_t task_no) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kTaskPlanNotes, {task_no}));
  if (rows.empty()) return Error("workflow.task_not_found", "there is no such task");
  return optional_json(std::string(rows.front().text_or_empty(0)));
}

Result<std::string> find_parent(ReadTx& tx, std::int64_t task_no) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kParentTask, {task_no}));
  return rows.empty() ? std::string() : std::string(rows.front().text(0));
}

Result<std::vector<std::string>> list_open_children(ReadTx& tx, std::int64_t execution_no) {
  std::vector<std::string> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kOpenChildren, {execution_no}));
  for (const auto row : rows) out.emplace_back(row.text(0));
  return out;
}

Result<std::vector<DependencyView>> list_dependencies(ReadTx& tx, std::int64_t task_no) {
  std::vector<DependencyView> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kDependencyStates, {task_no}));
  for (const auto row : rows) {
    const auto other = creation::obstacle_of(row);
    out.push_back({.task_id = std::string(row.text(3)),
                   .title = std::string(row.text(4)),
                   .state = parse_task_state(row.text_or_empty(1)).value_or(TaskState::Draft),
                   .policy = std::string(row.text(0)),
                   .in_the_way = other.has_value()});
  }
  return out;
}

Result<bool> stands_still(ReadTx& tx, const TaskView& task) {
  // Plans hold plans to a bounded depth, but a list of what is still to be asked needs no bound.
  std::vector<TaskView> open{task};
  while (!open.empty()) {
    const TaskView next = std::move(open.back());
    open.pop_back();
    if (next.state == TaskState::Paused || next.state == TaskState::Draft) continue;
    if (next.state != TaskState::Waiting || next.wait_reason == "timer") return false;
    if (next.wait_reason != "child" && next.wait_reason != "budget") continue;
    const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {next.task_no}));
    if (next.wait_reason == "budget") {
      // What others have reserved comes back by itself.
      if (WRENCH_TRY(budgets::waits_for_others_only(tx, latest.front().integer(0)))) return false;
      continue;
    }
    const auto children = WRENCH_TRY(list_open_children(tx, latest.front().integer(0)));
    if (children.empty()) return false;  // The last one has just ended.
    for (const std::string& id : children) open.push_back(WRENCH_TRY(find_task(tx, id)));
  }
  return true;
}

Result<std::vector<Orphan>> list_orphans(ReadTx& tx, const std::function<bool(std::string_view boot)>& boot_is_live,
                                         OrphanPlace after, std::size_t limit) {
  std::vector<Orphan> out;
  const auto add = [&](const Rows& rows, const std::string& owner) -> Result<void> {
    for (const auto row : rows) {
      const Rows task = WRENCH_TRY(tx.query(sql::kTaskRow, {row.integer(1)}));
      const Rows full = WRENCH_TRY(tx.query(sql::kTaskById, {task.front().text(1)}));
      Orphan orphan;
      orphan.task = WRENCH_TRY(task_view(full.front()));
      orphan.execution_no = row.integer(0);
      orphan.owner_boot = owner;
      orphan.status = parse_execution_status(row.text(2)).value_or(ExecutionStatus::Pending);
      out.push_back(std::move(orphan));
    }
    return {};
  };
  limit = std::min(limit, kTaskPageMax);
  if (after.owner_boot.empty()) {
    const Rows unowned = WRENCH_TRY(tx.query(sql::kUnownedExecutions, {after.execution_no, limit}));
    WRENCH_TRY(add(unowned, {}));
  } else if (!boot_is_live(after.owner_boot)) {
    const Rows left = WRENCH_TRY(tx.query(sql::kExecutionsOfOwner, {after.owner_boot, after.execution_no, limit}));
    WRENCH_TRY(add(left, after.owner_boot));
  }
  std::string owner = std::move(after.owner_boot);
  while (out.size() < limit) {
    const Rows next = WRENCH_TRY(tx.query(sql::kNextOwner, {owner}));
    if (next.empty()) break;
    owner = next.front().text(0);
    if (boot_is_live(owner)) continue;
    const Rows left = WRENCH_TRY(tx.query(sql::kExecutionsOfOwner, {owner, 0, limit - out.size()}));
    WRENCH_TRY(add(left, owner));
  }
  return out;
}

}  // namespace wrench::workflow
