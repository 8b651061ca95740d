#include "child_tasks.hpp"

#include <utility>

#include "forks.hpp"
#include "payload.hpp"
#include "requests.hpp"
#include "row_store.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "waits.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace sql {
namespace {

const Statement kParentOfChild{.id = "workflow.parent_of_child",
                               .sql = "SELECT created_by, priority FROM tasks WHERE id = ?1",
                               .plan = "SEARCH tasks USING INTEGER PRIMARY KEY (rowid=?)"};
}  // namespace

const Statement kChildrenOfStep{
    .id = "workflow.children_of_step",
    .sql = "SELECT id, state, task_id FROM tasks WHERE parent_execution = ?1 AND parent_step = ?2",
    .plan = "SEARCH tasks USING INDEX idx_task_parent (parent_execution=? AND parent_step=?)"};
const Statement kParentTask{
    .id = "workflow.parent_task",
    .sql =
        "SELECT p.task_id FROM tasks t JOIN task_executions x ON x.id = t.parent_execution JOIN tasks p ON p.id = "
        "x.task_id WHERE t.id = ?1",
    .plan =
        "SEARCH t USING INTEGER PRIMARY KEY (rowid=?); SEARCH x USING INTEGER PRIMARY KEY (rowid=?); SEARCH p USING "
        "INTEGER PRIMARY KEY (rowid=?)"};

const Statement kOpenChildren{
    .id = "workflow.open_children",
    .sql =
        "SELECT task_id FROM tasks WHERE parent_execution = ?1 AND (status = 'pending' OR status = 'in_progress') "
        "ORDER BY parent_step",
    .plan = "SEARCH tasks USING INDEX idx_task_parent (parent_execution=?)"};

namespace {

const Statement kUndecidedWait{
    .id = "workflow.undecided_wait",
    .sql =
        "SELECT wait_id, subject FROM waits WHERE execution_id = ?1 AND step_no = ?2 AND applied = 0 AND decided_at IS "
        "NULL",
    .plan = "SEARCH waits USING INDEX idx_wait_step (execution_id=? AND step_no=?)"};

}  // namespace

storage::StatementCatalogue::List of_child_tasks() {
  static const Statement* const list[] = {&kParentOfChild, &kChildrenOfStep, &kParentTask, &kOpenChildren,
                                          &kUndecidedWait};
  return list;
}

}  // namespace sql

namespace child_tasks {

namespace {

constexpr std::string_view kGivenUp = "the step that waited for it was given up";

}  // namespace

Result<creation::Created> begin(WriteTx& tx, Creation child, const TaskRow& parent, StepKey step,
                                creation::Numbers& numbers) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kParentOfChild, {parent.id}));
  if (rows.empty()) return Error("storage.corrupt", "the task " + parent.task_id + " has no row");
  child.task.created_by = rows.front().text(0);
  child.task.priority = rows.front().text(1);
  child.task.project_id = parent.project_id;
  child.repo_id = parent.repo_id;
  child.parent = step;
  return creation::create(tx, child, numbers, false);
}

Result<bool> ended(WriteTx& tx, const TaskRow& task, std::int64_t execution_no, Ownership ownership) {
  if (task.parent_execution == 0) return false;
  const Rows waiting = WRENCH_TRY(tx.query(sql::kUndecidedWait, {task.parent_execution, task.parent_step}));
  if (waiting.empty()) return false;
  const Json subject = WRENCH_TRY(codec::parse_json(waiting.front().text_or_empty(1)));
  if (subject.at("task").as_string() != task.task_id) return false;
  const Json answer = Json::object({{"execution", execution_no}, {"step", subject.at("step")}});
  WRENCH_TRY(waits::mark(tx, task.parent_execution, waiting.front().text(0), "ended", "system", {},
                         codec::write_json(answer)));
  if (ownership == Ownership::Shared) WRENCH_TRY(queue_look(tx, task.parent_execution));
  return true;
}

Result<Outcome> outcome_of(ReadTx& tx, const Json& answer) {
  Outcome out;
  const std::int64_t execution_no = answer.at("execution").as_integer();
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  const Rows task = found.empty() ? Rows() : WRENCH_TRY(tx.query(sql::kTaskRow, {found.front().integer(2)}));
  if (task.empty()) return Error("storage.corrupt", "a child task has no rows");
  const ExecutionRow execution = row_store::execution_from(found.front());
  const std::string_view task_id = task.front().text(1);
  const std::string state(name(execution.status));
  if (execution.status != ExecutionStatus::Completed) {
    out.refusal = Json::object(
        {{"code", "workflow.child_failed"}, {"message", "the task " + std::string(task_id) + " ended as " + state}});
    if (!execution.error.empty()) out.refusal.set("cause", WRENCH_TRY(codec::parse_json(execution.error)));
    return out;
  }
  const auto last = WRENCH_TRY(forks::find_step(tx, execution_no, answer.at("step").as_integer()));
  Json output;
  if (last && last->state == StepState::Completed)
    output = WRENCH_TRY(payload::of_journal(tx, last->execution_no, last->output_seq)).value;
  out.output = Json::object({{"task", task_id}, {"state", state}, {"output", std::move(output)}});
  return out;
}

Result<std::vector<Command>> give_up(WriteTx& tx, StepKey step, std::string_view boot, Ownership ownership) {
  std::vector<Command> out;
  // A person may have had the step tried again: it has had several, of which at most one is open.
  const Rows children = WRENCH_TRY(tx.query(sql::kChildrenOfStep, {step.execution_no, step.step_no}));
  for (const auto child : children) {
    if (is_terminal(parse_task_state(child.text_or_empty(1)).value_or(TaskState::Draft))) continue;
    const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {child.integer(0)}));
    if (latest.empty()) return Error("storage.corrupt", "a child task has no execution");
    const ExecutionRow execution = row_store::execution_from(latest.front());
    WRENCH_TRY(requests::add(tx, {execution.id, Request::Kind::Cancel, std::string(kGivenUp), "system"}));
    if (ownership == Ownership::Shared) {
      WRENCH_TRY(queue_look(tx, execution.id));
    } else if (execution.owner_boot == boot || execution.status == ExecutionStatus::Pending) {
      for (Command& command : WRENCH_TRY(requests::of_execution(tx, execution.id))) out.push_back(std::move(command));
    }
  }
  return out;
}

}  // namespace child_tasks
}  // namespace wrench::workflow
