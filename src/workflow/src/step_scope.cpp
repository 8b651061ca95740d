#include "step_scope.hpp"

#include "forks.hpp"
#include "guards.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Rows;

namespace {

/// The value itself as the root of a path.
class Single final : public Scope {
 public:
  explicit Single(const Json& only) : value_(only) {}
  const Json* root(std::string_view) const override { return &value_; }

 private:
  const Json& value_;
};

PayloadCache::Value nothing() { return std::make_shared<const Json>(); }

}  // namespace

Result<void> StepScope::enter(const StepRow& step) {
  StepRow at = step;
  while (at.parent_step != 0) {
    const StepRow owner = WRENCH_TRY(owner_of(at));
    // This attempt timed out before it began, and what it stands in has gone on without it.
    if (owner.state != StepState::Waiting) return Error("workflow.fenced", "what this step belongs to has ended");
    const BodyCursor cursor = BodyCursor::parse(owner.cursor);
    const PlanNode& node = plan_.nodes()[owner.node];
    if (node.kind == NodeKind::Map) {
      const auto items = WRENCH_TRY(payloads_.of_journal(tx_, at.execution_no, cursor.items_seq));
      names_.try_emplace(node.item_name, items->as_array().at(static_cast<std::size_t>(at.iteration)));
      if (!item_) item_ = at.iteration;
    } else {
      WRENCH_TRY(enter_body(owner));
    }
    iterations_ = std::to_string(at.iteration) + (iterations_.empty() ? "" : "/") + iterations_;
    at = owner;
  }
  return {};
}

Result<StepRow> StepScope::owner_of(const StepRow& step) const {
  if (map_ != nullptr && map_->step_no == step.parent_step) return *map_;
  const Rows found = WRENCH_TRY(tx_.query(sql::kStepRow, {step.execution_no, step.parent_step}));
  if (found.empty()) return Error("storage.corrupt", "a step's parent is missing");
  return row_store::step_from(found.front());
}

Result<void> StepScope::enter_body(const StepRow& owner) {
  const BodyCursor cursor = BodyCursor::parse(owner.cursor);
  bases_[owner.node] = cursor.base;
  if (plan_.nodes()[owner.node].kind != NodeKind::Loop || names_.contains("iteration")) return {};
  names_["iteration"] = Json(cursor.iteration);
  names_["previous"] =
      cursor.last_seq == 0 ? Json() : *WRENCH_TRY(payloads_.of_journal(tx_, owner.execution_no, cursor.last_seq));
  return {};
}

const Json* StepScope::root(std::string_view name) const {
  if (const auto it = names_.find(name); it != names_.end()) return &it->second;
  if (name != "inputs") return nullptr;
  if (!inputs_ && fork_ != nullptr && fork_->inputs_of != 0 && keeps(Keep::ForkInputs))
    inputs_ = keep(payloads_.of_journal(tx_, fork_->inputs_of, fork_->inputs_seq));
  if (!inputs_) inputs_ = keep(payloads_.inputs(tx_, task_no_));
  return &*inputs_;
}

const Json* StepScope::path(const std::vector<std::string>& parts) const {
  if (parts.size() < 2 || parts[0] != "steps") return Scope::path(parts);
  if (parts.size() < 3) return nullptr;
  const Json* whole = nullptr;
  Facts& facts = facts_of(parts[1]);
  if (parts[2] == "output") {
    whole = &output_of(parts[1]);
  } else if (parts[2] == "state" && facts.state) {
    if (!facts.word) facts.word = Json(name(*facts.state));
    whole = &*facts.word;
  } else if (parts[2] == "error" && (facts.state == StepState::Failed || facts.state == StepState::Cancelled)) {
    if (!facts.error)
      facts.error =
          facts.output_seq == 0 ? nothing() : keep(payloads_.of_journal(tx_, facts.execution_no, facts.output_seq));
    whole = &*facts.error;
  }
  if (whole == nullptr) return nullptr;
  return Single(*whole).path({parts.begin() + 2, parts.end()});
}

StepScope::Facts& StepScope::facts_of(std::string_view node) const {
  if (const auto it = facts_.find(node); it != facts_.end()) return it->second;
  Facts& facts = facts_[std::string(node)];
  const auto index = plan_.find(node);
  if (!index) return facts;
  std::int64_t step_no = *index + 1;
  const bool elsewhere = fork_ != nullptr && !plan_.nodes()[*index].container && !fork_->own[*index];
  if (const auto& container = plan_.nodes()[*index].container) {
    const auto base = bases_.find(*container);
    if (base == bases_.end()) return facts;
    step_no = base->second + *index - plan_.nodes()[*container].body_first;
  }
  facts.execution_no = execution_no_;
  if (elsewhere) {
    const auto place = forks::find_step(tx_, execution_no_, step_no);
    if (!place.ok()) {
      note(place.error());
    } else if (*place) {
      facts.execution_no = (*place)->execution_no;
      facts.state = (*place)->state;
      facts.output_seq = (*place)->output_seq;
    }
    return facts;
  }
  const auto step = tx_.query(sql::kStepOfNode, {execution_no_, step_no});
  if (!step.ok()) {
    note(step.error());
  } else if (!step->empty()) {
    facts.state = static_cast<StepState>(step->front().integer(0));
    facts.output_seq = step->front().integer(1);
  }
  return facts;
}

const Json& StepScope::output_of(std::string_view node) const {
  Facts& facts = facts_of(node);
  if (!facts.output)
    facts.output = facts.state == StepState::Completed
                       ? keep(payloads_.of_journal(tx_, facts.execution_no, facts.output_seq))
                       : nothing();
  return *facts.output;
}

PayloadCache::Value StepScope::keep(Result<PayloadCache::Value> value) const {
  if (value.ok()) return std::move(*value);
  note(value.error());
  return nothing();
}

void StepScope::note(const Error& error) const {
  if (!error_) error_ = error;
}

}  // namespace wrench::workflow
