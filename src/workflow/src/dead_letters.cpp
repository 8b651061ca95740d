#include "wrench/workflow/dead_letters.hpp"

#include "row_store.hpp"
#include "sql.hpp"
#include "text_glob.hpp"

namespace wrench::workflow {

using storage::ReadTx;
using storage::Rows;

namespace sql {
namespace {

constexpr std::size_t kPage = 500;

const Statement kHeldExecutions{
    .id = "workflow.held_executions",
    .sql =
        "SELECT x.id, t.task_id, t.title, x.plan_hash FROM task_executions x JOIN tasks t ON t.id = x.task_id WHERE "
        "x.steps_held > 0 AND x.id > ?1 AND x.completed_at IS NULL ORDER BY x.id LIMIT ?2",
    .plan = "SEARCH x USING INDEX idx_execution_held (id>?); SEARCH t USING INTEGER PRIMARY KEY (rowid=?)",
    .plan_exception = "the few that wait for a person, by whatever index SQLite likes"};
const Statement kHeldSteps{
    .id = "workflow.held_steps",
    .sql =
        "SELECT s.step_no, s.node, s.state, s.attempt, s.lost, j.data, j.at FROM steps s LEFT JOIN journal j ON "
        "j.execution_id = s.execution_id AND j.seq = s.output_seq WHERE s.execution_id = ?1 AND s.state >= 10 AND "
        "s.step_no > ?2 ORDER BY s.step_no LIMIT ?3",
    .plan =
        "SEARCH s USING INDEX idx_step_held (execution_id=? AND step_no>?); SEARCH j USING PRIMARY KEY (execution_id=? "
        "AND seq=?) LEFT-JOIN"};

}  // namespace

storage::StatementCatalogue::List of_dead_letters() {
  static const Statement* const list[] = {&kHeldExecutions, &kHeldSteps};
  return list;
}

}  // namespace sql

namespace {

struct Execution {
  std::int64_t no = 0;
  std::string task_id, title;
  std::shared_ptr<const Plan> plan;
};

bool fits(const HeldFilter& filter, const HeldStep& step) {
  const bool code = filter.code.empty() || glob_fits(filter.code, step.error.at("code").as_string());
  const bool capability = filter.capability.empty() || glob_fits(filter.capability, step.capability);
  return code && capability && (filter.step_no == 0 || filter.step_no == step.step_no);
}

Result<void> add_steps(ReadTx& tx, const Execution& execution, const HeldFilter& filter, HeldSteps& out) {
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kHeldSteps, {execution.no, last, sql::kPage}));
    for (const auto row : page) {
      last = row.integer(0);
      HeldStep step;
      step.task_id = execution.task_id;
      step.task_title = execution.title;
      step.execution_no = execution.no;
      step.step_no = last;
      const PlanNode& node = execution.plan->nodes()[static_cast<std::size_t>(row.integer(1))];
      step.node = node.id;
      step.capability = node.capability;
      step.state = static_cast<StepState>(row.integer(2));
      step.attempt = static_cast<int>(row.integer(3));
      step.lost = static_cast<int>(row.integer(4));
      if (!row.is_null(5)) step.error = WRENCH_TRY(codec::parse_json(row.text(5)));
      step.at = row.optional_integer(6).value_or(0);
      if (!fits(filter, step)) continue;
      if (out.steps.size() == kHeldStepsMax) {
        out.more = true;
        return {};
      }
      out.steps.push_back(std::move(step));
    }
    if (page.size() < sql::kPage) return {};
  }
}

}  // namespace

Result<HeldSteps> list_held_steps(ReadTx& tx, const HeldFilter& filter) {
  HeldSteps out;
  PlanCache plans;
  for (std::int64_t last = 0; !out.more;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kHeldExecutions, {last, sql::kPage}));
    for (const auto row : page) {
      last = row.integer(0);
      if (!filter.task_id.empty() && filter.task_id != row.text(1)) continue;
      const Execution execution{last, std::string(row.text(1)), std::string(row.text(2)),
                                WRENCH_TRY(plans.get(tx, row.bytes(3)))};
      WRENCH_TRY(add_steps(tx, execution, filter, out));
      if (out.more) break;
    }
    if (page.size() < sql::kPage) break;
  }
  return out;
}

}  // namespace wrench::workflow
