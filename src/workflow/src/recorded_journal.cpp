#include <limits>
#include <utility>

#include "budget/budgets.hpp"
#include "forks.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/replay.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::string_view kSchema = "wrench.journal/1";
constexpr std::size_t kPage = 1'000;

Error invalid(std::string_view what) {
  return Error("workflow.journal_invalid", "this is no recorded journal: " + std::string(what));
}

Result<void> read_steps(ReadTx& tx, const ExecutionRow& row, RecordedJournal& out) {
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kStepsOfExecution, {row.id, last, kPage}));
    for (const auto raw : page) {
      const StepRow step = row_store::step_from(raw);
      last = step.step_no;
      const PlanNode& node = out.plan->nodes()[step.node];
      if (step.parent_step != 0) out.body_steps[step.step_no] = {step.node, step.parent_step};
      if (node.kind == NodeKind::Call && step.attempt > 0) out.effects[node.capability] = step.effect();
    }
    if (page.size() < kPage) return {};
  }
}

Result<void> read_entries(ReadTx& tx, std::int64_t execution_no, RecordedJournal& out) {
  for (std::int64_t last = 0;;) {
    const Rows page = WRENCH_TRY(tx.query(sql::kJournalPage, {execution_no, last, kPage}));
    for (const auto row : page) {
      last = row.integer(0);
      RecordedJournal::Entry entry{last,
                                   std::string(row.text(1)),
                                   row.optional_integer(2).value_or(0),
                                   static_cast<int>(row.integer(3)),
                                   row.integer(4),
                                   std::string(row.text(5)),
                                   {}};
      entry.data = WRENCH_TRY(payload::of_journal(tx, execution_no, last)).value;
      out.entries.push_back(std::move(entry));
    }
    if (page.size() < kPage) return {};
  }
}

/// As it was before the journal's own raises.
Result<void> read_budgets(ReadTx& tx, const ExecutionRow& row, RecordedJournal& out) {
  out.draws = row.budgets;
  for (auto& stand : WRENCH_TRY(budgets::stands(tx, row.id, row.budgets)))
    out.budgets[stand.scope][stand.dim] = {stand.cap, stand.spent_by_others};
  for (const auto& entry : out.entries) {
    if (entry.kind != "budget_raised") continue;
    const auto scope = out.budgets.find(entry.data.at("scope").as_string());
    if (scope == out.budgets.end()) continue;
    for (const auto& [dim, by] : entry.data.at("by").as_object())
      if (const auto its = scope->second.find(dim); its != scope->second.end() && its->second.cap)
        *its->second.cap -= by.as_integer();
  }
  return {};
}

/// All that the fork has no rows of.
Result<void> read_kept(ReadTx& tx, const ExecutionRow& row, RecordedJournal& out) {
  const auto fork = WRENCH_TRY(forks::load(tx, *out.plan, row.id));
  out.is_fork = true;
  for (std::uint32_t node = 0; node < out.plan->top_count(); ++node) {
    if (fork->own[node]) continue;
    const auto place = WRENCH_TRY(forks::find_step(tx, row.id, node + 1));
    if (!place) continue;
    const Fork::Ended ended = fork->ended(node);
    RecordedJournal::Kept kept{ended.state == StepState::Failed ? ended.state : place->state, ended.by_failure, {}};
    if (place->output_seq != 0)
      kept.data = WRENCH_TRY(payload::of_journal(tx, place->execution_no, place->output_seq)).value;
    out.kept[node] = std::move(kept);
  }
  return {};
}

constexpr StepState kEnds[] = {StepState::Completed, StepState::Failed, StepState::Skipped, StepState::Cancelled};
constexpr Effect kEffects[] = {Effect::Pure, Effect::LocalTransactional, Effect::Idempotent, Effect::Guarded};

template <class Word, std::size_t count>
std::optional<Word> word_of(const Word (&words)[count], std::string_view text) {
  for (const Word word : words)
    if (name(word) == text) return word;
  return std::nullopt;
}

Result<std::int64_t> number_of(const Json& value, std::string_view what, std::int64_t least, std::int64_t most) {
  if (!value.is_integer() || value.as_integer() < least || value.as_integer() > most)
    return invalid(std::string(what) + " is no number from " + std::to_string(least) + " to " + std::to_string(most));
  return value.as_integer();
}

}  // namespace

Result<RecordedJournal> record_journal(ReadTx& tx, std::int64_t execution_no, bool shared) {
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (found.empty()) return Error("workflow.task_not_found", "there is no such execution");
  const ExecutionRow row = row_store::execution_from(found.front());
  PlanCache plans;
  RecordedJournal out;
  out.execution_id = row.execution_id;
  out.engine_version = version();
  out.shared = shared;
  out.on_exhausted = row.on_exhausted;
  out.deadline_at = row.deadline_at;
  out.plan = WRENCH_TRY(plans.get(tx, row.plan_hash));
  out.inputs = WRENCH_TRY(forks::inputs(tx, row.id, row.task_no));
  WRENCH_TRY(read_steps(tx, row, out));
  if (row.forked_from != 0) WRENCH_TRY(read_kept(tx, row, out));
  WRENCH_TRY(read_entries(tx, execution_no, out));
  WRENCH_TRY(read_budgets(tx, row, out));
  return out;
}

Json to_json(const RecordedJournal& journal) {
  const auto& nodes = journal.plan->nodes();
  Json effects = Json::object();
  for (const auto& [capability, effect] : journal.effects) effects.set(capability, name(effect));
  Json steps = Json::array();
  for (const auto& [no, step] : journal.body_steps)
    steps.push_back(
        Json::object({{"step", no}, {"node", nodes[step.node].id}, {"index", step.node}, {"in", step.parent}}));
  Json kept;
  if (journal.is_fork) kept = Json::object();
  for (const auto& [node, how] : journal.kept)
    kept.set(nodes[node].id,
             Json::object({{"state", name(how.state)}, {"by_failure", how.by_failure}, {"data", how.data}}));
  Json entries = Json::array();
  for (const auto& entry : journal.entries)
    entries.push_back(Json::object({{"seq", entry.seq},
                                    {"kind", entry.kind},
                                    {"step", entry.step_no},
                                    {"attempt", entry.attempt},
                                    {"at", entry.at},
                                    {"actor", entry.actor},
                                    {"data", entry.data}}));
  Json drawn_from = Json::object();
  for (const auto& [scope, dims] : journal.budgets) {
    Json its = Json::object();
    for (const auto& [dim, how] : dims)
      its.set(dim, Json::object({{"cap", how.cap ? Json(*how.cap) : Json()}, {"spent", how.spent}}));
    drawn_from.set(scope, std::move(its));
  }
  auto plan = codec::parse_json(journal.plan->body());
  return Json::object({{"schema", kSchema},
                       {"engine_version", journal.engine_version},
                       {"execution_id", journal.execution_id},
                       {"shared", journal.shared},
                       {"on_exhausted", journal.on_exhausted == OnExhausted::Dead ? "dead" : "fail"},
                       {"deadline_at", journal.deadline_at},
                       {"plan", plan.ok() ? std::move(*plan) : Json()},
                       {"inputs", journal.inputs},
                       {"effects", std::move(effects)},
                       {"body_steps", std::move(steps)},
                       {"kept", std::move(kept)},
                       {"draws", journal.draws},
                       {"budgets", std::move(drawn_from)},
                       {"entries", std::move(entries)}});
}

Result<RecordedJournal> recorded_journal(const Json& json) {
  if (json.at("schema").as_string() != kSchema) return invalid("its schema isn't " + std::string(kSchema));
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  RecordedJournal out;
  out.execution_id = json.at("execution_id").as_string();
  out.engine_version = json.at("engine_version").as_string();
  out.shared = json.at("shared").as_boolean();
  out.on_exhausted = json.at("on_exhausted").as_string() == "dead" ? OnExhausted::Dead : OnExhausted::Fail;
  out.deadline_at = json.at("deadline_at").as_integer();
  if (out.execution_id.empty() || !json.at("inputs").is_object()) return invalid("execution_id or inputs are missing");
  out.inputs = json.at("inputs");
  out.plan = WRENCH_TRY(Plan::parse(json.at("plan")));
  for (const auto& [capability, word] : json.at("effects").as_object()) {
    const auto effect = word_of(kEffects, word.as_string());
    if (!effect) return invalid("effects." + escape_for_display(capability));
    out.effects[capability] = *effect;
  }
  const auto nodes = static_cast<std::int64_t>(out.plan->nodes().size());
  for (const Json& step : json.at("body_steps").as_array()) {
    const auto no = WRENCH_TRY(number_of(step.at("step"), "body_steps.step", out.plan->top_count() + 1, kMost));
    const auto node = WRENCH_TRY(number_of(step.at("index"), "body_steps.index", 0, nodes - 1));
    const auto in = WRENCH_TRY(number_of(step.at("in"), "body_steps.in", 1, kMost));
    out.body_steps[no] = {static_cast<std::uint32_t>(node), in};
  }
  out.is_fork = json.at("kept").is_object();
  for (const auto& [id, how] : json.at("kept").as_object()) {
    const auto node = out.plan->find(id);
    const auto state = word_of(kEnds, how.at("state").as_string());
    if (!node || out.plan->nodes()[*node].container || !state) return invalid("kept." + escape_for_display(id));
    out.kept[*node] = {*state, how.at("by_failure").as_boolean(), how.at("data")};
  }
  out.draws = json.at("draws").as_string();
  for (const auto& [scope, dims] : json.at("budgets").as_object()) {
    if (scope.empty() || std::string_view("xstp").find(scope[0]) == std::string_view::npos)
      return invalid("budgets." + escape_for_display(scope));
    for (const auto& [dim, how] : dims.as_object()) {
      RecordedJournal::Budget& its = out.budgets[scope][dim];
      if (!how.at("cap").is_null())
        its.cap = WRENCH_TRY(number_of(how.at("cap"), "budgets.cap", -kBudgetAmountMax, kBudgetAmountMax));
      its.spent = WRENCH_TRY(number_of(how.at("spent"), "budgets.spent", -kBudgetAmountMax, kBudgetAmountMax));
    }
  }
  std::int64_t seq = 0;
  for (const Json& entry : json.at("entries").as_array()) {
    ++seq;
    if (WRENCH_TRY(number_of(entry.at("seq"), "entries.seq", 1, kMost)) != seq || !entry.at("kind").is_string())
      return invalid("entry " + std::to_string(seq) + " isn't the one of this number");
    out.entries.push_back({seq, std::string(entry.at("kind").as_string()),
                           WRENCH_TRY(number_of(entry.at("step"), "entries.step", 0, kMost)),
                           static_cast<int>(WRENCH_TRY(number_of(entry.at("attempt"), "entries.attempt", 0, kMost))),
                           WRENCH_TRY(number_of(entry.at("at"), "entries.at", 0, std::int64_t{1} << 60)),
                           std::string(entry.at("actor").as_string()), entry.at("data")});
  }
  return out;
}

}  // namespace wrench::workflow
