#include "forks.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;

namespace sql {
namespace {

const Statement kForkRow{.id = "workflow.fork_row",
                         .sql = "SELECT forked_from, fork_set FROM task_executions WHERE id = ?1",
                         .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kSetFork{
    .id = "workflow.set_fork",
    .access = storage::Access::Write,
    .sql = "UPDATE task_executions SET forked_from = ?2, forked_seq = ?3, fork_set = ?4 WHERE id = ?1",
    .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kUnusualSteps{.id = "workflow.unusual_steps",
                              .sql =
                                  "SELECT step_no, state, flags FROM steps WHERE execution_id = ?1 AND step_no >= ?2 "
                                  "AND step_no <= ?3 AND state <> 6",
                              .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no>? AND step_no<?)"};
const Statement kGuardedEffects{
    .id = "workflow.guarded_effects",
    .sql =
        "SELECT s.node FROM effects e JOIN steps s ON s.execution_id = e.execution_id AND s.step_no = e.step_no "
        "WHERE e.execution_id = ?1 AND e.state <> 2 AND (s.flags & 3) = 3",
    .plan =
        "SEARCH e USING INDEX idx_effect_step (execution_id=?); SEARCH s USING PRIMARY KEY (execution_id=? AND "
        "step_no=?)"};

static_assert(static_cast<int>(StepState::Completed) == 6 && static_cast<int>(Effect::Guarded) == 3 &&
                  kFlagEffectMask == 3,
              "the statements name them by number");

}  // namespace

storage::StatementCatalogue::List of_forks() {
  static const Statement* const list[] = {&kForkRow, &kSetFork, &kUnusualSteps, &kGuardedEffects};
  return list;
}

}  // namespace sql

namespace {

/// The journal of a fork begins with it.
constexpr std::int64_t kForkedSeq = 1;
constexpr std::size_t kPathPartsMax = 32;  ///< Members and items on the way to a value that is set.

Error invalid(std::string what) { return Error("workflow.fork_invalid", std::move(what)); }

/// One execution that a fork goes back to.
struct Link {
  std::int64_t no = 0;
  std::string set;  ///< Empty: it is no fork, and has a row for each step.
  bool owns(std::uint32_t node) const {
    return set.empty() || ((static_cast<unsigned char>(set[node / 8]) >> (node % 8)) & 1) != 0;
  }
};

/// The execution and those that it goes back to, nearest first.
Result<std::vector<Link>> chain_of(ReadTx& tx, std::int64_t execution_no, std::size_t nodes) {
  std::vector<Link> out;
  while (execution_no != 0) {
    const Rows found = WRENCH_TRY(tx.query(sql::kForkRow, {execution_no}));
    if (found.empty() || out.size() > kForkDepthMax)
      return Error("storage.corrupt", "an execution goes back to one that isn't there");
    Link link{execution_no, std::string(found.front().bytes_or_empty(1))};
    execution_no = found.front().optional_integer(0).value_or(0);
    if (execution_no != 0 && link.set.size() * 8 < nodes)
      return Error("storage.corrupt", "a fork doesn't say which steps it has");
    out.push_back(std::move(link));
  }
  return out;
}

/// Outside of all bodies.
std::uint32_t top_of(const Plan& plan, std::uint32_t node) {
  while (plan.nodes()[node].container) node = *plan.nodes()[node].container;
  return node;
}

Result<std::uint32_t> begin_of(const Plan& plan, const std::string& from) {
  std::optional<std::uint32_t> node = plan.find(from);
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(from.data(), from.data() + from.size(), number);
  if (!node && ec == std::errc() && end == from.data() + from.size() && number >= 1 && number <= plan.top_count())
    node = static_cast<std::uint32_t>(number - 1);
  if (!node)
    return Error("workflow.step_not_found",
                 "the plan has no step '" + escape_for_display(from) + "' outside of the bodies of maps and loops")
        .with_help("wrench task show");
  if (plan.nodes()[*node].container)
    return invalid("'" + from + "' is run again and again by '" + plan.nodes()[top_of(plan, *node)].id +
                   "': a fork begins there or at a step outside of it");
  return *node;
}

/// "a.b[0].c", the part of a path behind its root.
class ValuePath {
 public:
  static Result<ValuePath> parse(std::string_view path, std::string_view rest) {
    ValuePath out;
    const auto bad = [&] {
      return invalid("'" + escape_for_display(path) +
                     "' is no path: inputs.NAME or steps.ID.output.NAME, with [N] for "
                     "the items of lists");
    };
    while (!rest.empty()) {
      if (out.parts_.size() == kPathPartsMax) return bad();
      if (rest.front() == '[') {
        std::size_t index = 0;
        const auto [end, ec] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), index);
        if (ec != std::errc() || end == rest.data() + rest.size() || *end != ']') return bad();
        out.parts_.push_back({{}, index, true});
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
        continue;
      }
      if (rest.front() != '.') return bad();
      rest.remove_prefix(1);
      const std::string_view name = rest.substr(0, rest.find_first_of(".["));
      if (name.empty() || !is_valid_utf8(name)) return bad();
      out.parts_.push_back({std::string(name), 0, false});
      rest.remove_prefix(name.size());
    }
    return out;
  }

  /// Members that are missing are made, items of lists only at the end.
  Result<void> set(Json& value, Json what, std::string_view path) const { return set(value, 0, std::move(what), path); }

 private:
  Result<void> set(Json& value, std::size_t at, Json what, std::string_view path) const {
    if (at == parts_.size()) {
      value = std::move(what);
      return {};
    }
    const Part& part = parts_[at];
    if (!part.is_item) {
      if (!value.is_null() && !value.is_object())
        return invalid("'" + escape_for_display(path) + "': what '" + escape_for_display(part.name) +
                       "' would be a member of is no object");
      if (value.is_null()) value = Json::object();
      return set(value[part.name], at + 1, std::move(what), path);
    }
    codec::JsonArray items = value.as_array();
    if ((!value.is_null() && !value.is_array()) || part.index > items.size())
      return invalid("'" + escape_for_display(path) + "': there is no list with an item " + std::to_string(part.index));
    if (part.index == items.size()) items.emplace_back();
    WRENCH_TRY(set(items[part.index], at + 1, std::move(what), path));
    value = Json(std::move(items));
    return {};
  }

  struct Part {
    std::string name;
    std::size_t index = 0;
    bool is_item = false;
  };
  std::vector<Part> parts_;
};

/// What a fork will be, step by step.
class Drafting {
 public:
  Drafting(ReadTx& tx, PlanCache& plans, const ForkRequest& request) : tx_(tx), plans_(plans), request_(request) {}

  Result<ForkDraft> run(std::int64_t task_no) {
    WRENCH_TRY(find_base(task_no));
    if (request_.edits.size() > kForkEditsMax)
      return invalid("at most " + std::to_string(kForkEditsMax) + " values can be set");
    from_ = WRENCH_TRY(begin_of(*plan_, request_.from));
    draft_.from = plan_->nodes()[from_].id;
    draft_.actor = request_.actor;
    WRENCH_TRY(read_edits());
    WRENCH_TRY(choose_steps());
    WRENCH_TRY(apply_edits(task_no));
    WRENCH_TRY(find_effects());
    write_set();
    return std::move(draft_);
  }

  /// For people: which steps those are. After run().
  void describe(ForkPreview& preview) const {
    const std::uint32_t count = plan_->top_count();
    std::vector<bool> asked(count, false);
    spread(asked_for(), asked);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string& id = plan_->nodes()[i].id;
      (runs_[i] ? preview.runs : preview.keeps).push_back(id);
      if (runs_[i] && !asked[i]) preview.unasked.push_back(id);
    }
  }

 private:
  Result<void> find_base(std::int64_t task_no) {
    const Rows latest = WRENCH_TRY(tx_.query(sql::kLatestExecution, {task_no}));
    if (latest.empty()) return Error("workflow.task_not_found", "the task has no execution");
    base_ = row_store::execution_from(latest.front());
    draft_.latest = base_.id;
    // A fork that was cancelled before it began is nothing to go back to.
    while (base_.started_at == 0 && base_.forked_from != 0) {
      const Rows before = WRENCH_TRY(tx_.query(sql::kExecutionRow, {base_.forked_from}));
      if (before.empty()) return Error("storage.corrupt", "an execution goes back to one that isn't there");
      base_ = row_store::execution_from(before.front());
    }
    plan_ = WRENCH_TRY(plans_.get(tx_, base_.plan_hash));
    chain_ = WRENCH_TRY(chain_of(tx_, base_.id, plan_->top_count()));
    if (chain_.size() >= kForkDepthMax)
      return Error("workflow.fork_too_deep", "execution " + base_.execution_id + " is the fork of a fork, " +
                                                 std::to_string(kForkDepthMax) + " times over: begin anew")
          .with_help("wrench task retry");
    const Rows tail = WRENCH_TRY(tx_.query(sql::kJournalTail, {base_.id}));
    draft_.base = base_.id;
    draft_.seq = tail.empty() ? 0 : tail.front().integer(0);
    draft_.preview.base = base_.execution_id;
    draft_.preview.base_open = !is_terminal(base_.status);
    return {};
  }

  Result<void> read_edits() {
    for (const ForkEdit& edit : request_.edits) {
      const std::string_view path = edit.path;
      std::string_view rest = path;
      std::int64_t step_no = 0;
      if (path.starts_with("steps.")) {
        const std::string_view id = path.substr(6, path.find('.', 6) - 6);
        const auto node = plan_->find(id);
        if (!node || plan_->nodes()[*node].container || !path.substr(6 + id.size()).starts_with(".output"))
          return invalid("'" + escape_for_display(path) +
                         "' isn't the output of a step outside of bodies: "
                         "steps.ID.output");
        step_no = *node + 1;
        rest = path.substr(6 + id.size() + std::string_view(".output").size());
      } else if (path.starts_with("inputs")) {
        rest = path.substr(6);
      } else {
        return invalid("'" + escape_for_display(path) + "' can't be set: inputs.NAME or steps.ID.output.NAME");
      }
      edits_[step_no].emplace_back(&edit, WRENCH_TRY(ValuePath::parse(path, rest)));
      draft_.preview.edits.push_back(edit.path);
    }
    return {};
  }

  bool is_given(std::uint32_t node) const { return edits_.contains(static_cast<std::int64_t>(node) + 1); }

  /// It didn't complete, but what came after it is as it should be.
  bool stays(std::uint32_t node, StepState state, std::uint32_t flags) const {
    if (state == StepState::Skipped) return (flags & kFlagSkippedByFailure) == 0;
    if (state == StepState::Failed) return plan_->tolerates_failure(node);
    if (state != StepState::Cancelled) return false;
    if ((flags & kFlagSuperseded) != 0) return plan_->tolerates_failure(node);
    // Made superfluous by a join.
    return std::ranges::any_of(plan_->dependents(node), [&](std::uint32_t d) {
      return plan_->nodes()[d].join > 0 && plan_->nodes()[d].cancel_rest && !unusual_.contains(d);
    });
  }

  Result<void> choose_steps() {
    const std::uint32_t count = plan_->top_count();
    runs_.assign(count, false);
    std::vector<std::uint32_t> next = asked_for();
    if (base_.steps_total == 0) {  // It never began.
      for (std::uint32_t i = 0; i < count; ++i)
        if (!is_given(i)) next.push_back(i);
    } else if (base_.status != ExecutionStatus::Completed) {
      const Rows rows = WRENCH_TRY(tx_.query(sql::kUnusualSteps, {base_.id, 1, count}));
      for (const auto row : rows) unusual_.insert(static_cast<std::uint32_t>(row.integer(0) - 1));
      for (const auto row : rows) {
        const auto node = static_cast<std::uint32_t>(row.integer(0) - 1);
        const auto state = static_cast<StepState>(row.integer(1));
        if (!is_given(node) && !stays(node, state, static_cast<std::uint32_t>(row.integer(2)))) next.push_back(node);
      }
    }
    spread(std::move(next), runs_);
    for (std::uint32_t i = 0; i < count; ++i)
      if (runs_[i] && is_given(i))
        return invalid("the output of '" + plan_->nodes()[i].id + "' can't be set: it runs again")
            .with_help("--from a step that needs it");
    return {};
  }

  std::vector<std::uint32_t> asked_for() const {
    std::vector<std::uint32_t> out{from_};
    // Nodes are large: looking at each of a long plan would take most of a fork's time.
    for (std::uint32_t i = 0; plan_->finally_count() > 0 && i < plan_->top_count(); ++i)
      if (plan_->nodes()[i].finally) out.push_back(i);
    return out;
  }

  /// To all that needs them.
  void spread(std::vector<std::uint32_t> next, std::vector<bool>& reached) const {
    while (!next.empty()) {
      const std::uint32_t node = next.back();
      next.pop_back();
      if (reached[node]) continue;
      reached[node] = true;
      for (const std::uint32_t dependent : plan_->dependents(node))
        if (!reached[dependent]) next.push_back(dependent);
    }
  }

  Result<void> apply_edits(std::int64_t task_no) {
    for (const auto& [step_no, edits] : edits_) {
      Json value;
      if (step_no == 0) {
        value = WRENCH_TRY(forks::inputs(tx_, base_.id, task_no));
      } else if (const auto place = WRENCH_TRY(forks::find_step(tx_, base_.id, step_no));
                 place && place->state == StepState::Completed) {
        value = WRENCH_TRY(payload::of_journal(tx_, place->execution_no, place->output_seq)).value;
      }
      for (const auto& [edit, place] : edits) WRENCH_TRY(place.set(value, edit->value, edit->path));
      if (step_no == 0 && !value.is_object()) return invalid("the inputs of a task are an object");
      ForkDraft::Given given{step_no, codec::write_json(value), {}};
      const std::size_t most = step_no == 0 ? kInputsBytesMax : kStepOutputBytesMax;
      if (given.json.size() > most)
        return invalid("what is set would have " + format_bytes(given.json.size()) + "; the limit is " +
                       format_bytes(most));
      if (given.json.size() > kInlineBytesMax)
        given.blob = WRENCH_TRY(storage::blob_store::prepare(std::exchange(given.json, {})));
      draft_.given.push_back(std::move(given));
    }
    return {};
  }

  /// Of an earlier execution, too: they took place, however often.
  Result<void> find_effects() {
    std::map<std::uint32_t, std::int64_t> counts;
    for (const Link& link : chain_) {
      const Rows rows = WRENCH_TRY(tx_.query(sql::kGuardedEffects, {link.no}));
      for (const auto row : rows) {
        const std::uint32_t node = top_of(*plan_, static_cast<std::uint32_t>(row.integer(0)));
        if (runs_[node]) ++counts[node];
      }
    }
    for (const auto& [node, count] : counts) draft_.preview.repeats.push_back({plan_->nodes()[node].id, count});
    return {};
  }

  void write_set() {
    const std::uint32_t count = plan_->top_count();
    draft_.set.assign((count + 7) / 8, '\0');
    for (std::uint32_t i = 0; i < count; ++i)
      if (runs_[i] || is_given(i)) draft_.set[i / 8] = static_cast<char>(draft_.set[i / 8] | (1 << (i % 8)));
  }

  ReadTx& tx_;
  PlanCache& plans_;
  const ForkRequest& request_;
  ForkDraft draft_;
  ExecutionRow base_;
  std::shared_ptr<const Plan> plan_;
  std::vector<Link> chain_;
  std::uint32_t from_ = 0;
  std::map<std::int64_t, std::vector<std::pair<const ForkEdit*, ValuePath>>> edits_;  ///< By step; 0: inputs.
  std::set<std::uint32_t> unusual_;                                                   ///< Didn't complete in the base.
  std::vector<bool> runs_;
};

}  // namespace

Result<ForkPreview> preview_fork(ReadTx& tx, std::int64_t task_no, const ForkRequest& request) {
  PlanCache plans;
  Drafting drafting(tx, plans, request);
  ForkPreview preview = WRENCH_TRY(drafting.run(task_no)).preview;
  drafting.describe(preview);
  return preview;
}

namespace forks {

Result<ForkDraft> prepare(ReadTx& tx, PlanCache& plans, std::int64_t task_no, const ForkRequest& request) {
  ForkDraft draft = WRENCH_TRY(Drafting(tx, plans, request).run(task_no));
  if (draft.preview.repeats.empty() || request.repeat_effects) return draft;
  std::string nodes;
  for (const auto& [node, count] : draft.preview.repeats) nodes += (nodes.empty() ? "'" : ", '") + node + "'";
  return Error("workflow.fork_repeats_effects", "steps with effects that can't be taken back would run again: " + nodes)
      .with_help("--yes lets them");
}

Result<void> insert(storage::WriteTx& tx, const ForkDraft& draft, std::int64_t execution_no) {
  WRENCH_TRY(tx.exec(sql::kSetFork, {execution_no, draft.base, draft.seq, Bind::bytes(draft.set)}));
  std::int64_t seq = kForkedSeq;
  const auto journal = [&](std::string_view kind, std::int64_t step_no, const std::string& json,
                           const std::optional<storage::PreparedBlob>& blob) -> Result<void> {
    if (blob) WRENCH_TRY(storage::blob_store::put(tx, *blob, {"execution", execution_no}));
    WRENCH_TRY(
        tx.exec(sql::kInsertJournal,
                {execution_no, seq++, kind, step_no == 0 ? Bind(std::nullopt) : Bind(step_no), 0, tx.now(), draft.actor,
                 blob ? Bind(std::nullopt) : Bind(json), blob ? Bind::bytes(blob->hash) : Bind(std::nullopt)}));
    return {};
  };
  Json given = Json::array();
  for (const ForkDraft::Given& value : draft.given) given.push_back(value.step_no);
  const std::string forked = codec::write_json(Json::object(
      {{"base", draft.preview.base}, {"seq", draft.seq}, {"from", draft.from}, {"given", std::move(given)}}));
  WRENCH_TRY(journal("forked", 0, forked, {}));
  for (const ForkDraft::Given& value : draft.given) WRENCH_TRY(journal("given", value.step_no, value.json, value.blob));
  return {};
}

Result<std::shared_ptr<const Fork>> load(ReadTx& tx, const Plan& plan, std::int64_t execution_no) {
  const auto chain = WRENCH_TRY(chain_of(tx, execution_no, plan.top_count()));
  auto fork = std::make_shared<Fork>();
  const std::uint32_t count = plan.top_count();
  for (std::uint32_t i = 0; i < count; ++i) fork->own.push_back(chain.front().owns(i));
  const Json forked = WRENCH_TRY(payload::of_journal(tx, execution_no, kForkedSeq)).value;
  std::int64_t seq = kForkedSeq;
  for (const Json& step : forked.at("given").as_array()) {
    ++seq;
    if (step.as_integer() > 0) fork->given[static_cast<std::uint32_t>(step.as_integer() - 1)] = seq;
  }
  // Inputs that were set go on with the fork of a fork.
  for (std::size_t i = 0; i + 1 < chain.size() && fork->inputs_of == 0; ++i) {
    const Json of_link = i == 0 ? forked : WRENCH_TRY(payload::of_journal(tx, chain[i].no, kForkedSeq)).value;
    const auto& given = of_link.at("given").as_array();
    const auto inputs = std::ranges::find(given, Json(0));
    if (inputs == given.end()) continue;
    fork->inputs_of = chain[i].no;
    fork->inputs_seq = kForkedSeq + 1 + (inputs - given.begin());
  }
  // Of what runs here the needs that don't: one page of the plan, from the first to the last.
  std::vector<bool> needed(count, false);
  std::uint32_t first = count, last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!fork->own[i]) continue;
    for (const Need& need : plan.nodes()[i].needs) {
      if (fork->own[need.node]) continue;
      needed[need.node] = true;
      first = std::min(first, need.node);
      last = std::max(last, need.node);
    }
  }
  for (std::size_t i = 1; i < chain.size() && first <= last; ++i) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kUnusualSteps, {chain[i].no, first + 1, last + 1}));
    for (const auto row : rows) {
      const auto node = static_cast<std::uint32_t>(row.integer(0) - 1);
      const auto flags = static_cast<std::uint32_t>(row.integer(2));
      // To those that need it, a superseded one is one that failed.
      const auto state = (flags & kFlagSuperseded) != 0 ? StepState::Failed : static_cast<StepState>(row.integer(1));
      if (needed[node]) fork->unusual[node] = {state, (flags & kFlagSkippedByFailure) != 0};
    }
    for (std::uint32_t node = first; node <= last; ++node)
      if (chain[i].owns(node)) needed[node] = false;
  }
  return std::shared_ptr<const Fork>(std::move(fork));
}

Result<std::int64_t> base_of(ReadTx& tx, std::int64_t execution_no) {
  const Rows found = WRENCH_TRY(tx.query(sql::kForkRow, {execution_no}));
  return found.empty() ? 0 : found.front().optional_integer(0).value_or(0);
}

Result<std::int64_t> first_of(ReadTx& tx, std::int64_t execution_no) {
  for (std::size_t links = 0; links <= kForkDepthMax; ++links) {
    const std::int64_t base = WRENCH_TRY(base_of(tx, execution_no));
    if (base == 0) break;
    execution_no = base;
  }
  return execution_no;
}

Result<std::optional<Place>> find_step(ReadTx& tx, std::int64_t execution_no, std::int64_t step_no) {
  for (std::size_t links = 0; execution_no != 0 && links <= kForkDepthMax; ++links) {
    const Rows step = WRENCH_TRY(tx.query(sql::kStepOfNode, {execution_no, step_no}));
    if (!step.empty())
      return std::optional(
          Place{execution_no, static_cast<StepState>(step.front().integer(0)), step.front().integer(1)});
    execution_no = WRENCH_TRY(base_of(tx, execution_no));
  }
  return std::optional<Place>();
}

Result<Json> inputs(ReadTx& tx, std::int64_t execution_no, std::int64_t task_no) {
  for (std::size_t links = 0; links <= kForkDepthMax; ++links) {
    const std::int64_t base = WRENCH_TRY(base_of(tx, execution_no));
    if (base == 0) break;
    const Json forked = WRENCH_TRY(payload::of_journal(tx, execution_no, kForkedSeq)).value;
    const auto& given = forked.at("given").as_array();
    if (const auto at = std::ranges::find(given, Json(0)); at != given.end())
      return WRENCH_TRY(payload::of_journal(tx, execution_no, kForkedSeq + 1 + (at - given.begin()))).value;
    execution_no = base;
  }
  return WRENCH_TRY(payload::inputs(tx, task_no)).value;
}

}  // namespace forks
}  // namespace wrench::workflow
