#include "wrench/workflow/replay.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "budget/budgets.hpp"
#include "creation.hpp"
#include "decision.hpp"
#include "forks.hpp"
#include "limits.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/step_execution.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Rows;
using storage::WriteTx;

namespace {

using Entry = RecordedJournal::Entry;
using Difference = ReplayReport::Difference;

constexpr std::size_t kShownBytes = 300;  ///< Of a difference.
constexpr int kRoundsMax = 100'000;
constexpr std::int64_t kBase = 1;  ///< Number of the first execution.
constexpr std::string_view kBudgetExceeded = "workflow.budget_exceeded";
constexpr std::string_view kConditionFalse = "workflow.condition_false";
constexpr std::string_view kWaitExpired = "workflow.wait_expired";

/// Says of a capability what the journal says, and remembers that it was asked.
class RecordedRunner final : public StepRunner {
 public:
  RecordedRunner(const RecordedJournal& journal, const Entry* entry, bool passed_over = false)
      : journal_(journal), entry_(entry), passed_over_(passed_over) {}
  Result<CapabilityTraits> traits(std::string_view capability) const override {
    const auto effect = journal_.effects.find(capability);
    return CapabilityTraits{effect == journal_.effects.end() ? Effect::Guarded : effect->second, SlotClass::Cpu};
  }
  StepOutcome run(const StepInvocation& invocation, StepContext&) override {
    called_ = invocation.capability;
    if (entry_ != nullptr && entry_->kind == "completed")
      return Completed{.output = entry_->data, .findings = {}, .passed_over = passed_over_};
    return Yielded{};
  }
  const std::string& called() const { return called_; }

 private:
  const RecordedJournal& journal_;
  const Entry* entry_;
  const bool passed_over_;
  std::string called_;
};

std::string shown(const Json& data) {
  std::string text = codec::write_json(data);
  if (text.size() > kShownBytes) text = repair_utf8(text.substr(0, kShownBytes)) + "…";
  return text;
}

std::string shown(std::string_view kind, std::int64_t step_no, int attempt, const Json& data) {
  std::string out(kind);
  if (step_no != 0) out += " step " + std::to_string(step_no) + " attempt " + std::to_string(attempt);
  return data.is_null() ? out : out + " " + shown(data);
}
std::string shown(const Entry& entry) { return shown(entry.kind, entry.step_no, entry.attempt, entry.data); }

bool is_outcome_of_running(std::string_view kind) {
  static const std::set<std::string_view> kinds = {"completed", "skipped",  "items",  "iteration",
                                                   "wait",      "limits",   "failed", "retry",
                                                   "cancelled", "released", "dead",   "uncertain"};
  return kinds.contains(kind);
}

/// When a step is tried again is drawn, so that isn't compared.
Json without_drawn(std::string_view kind, Json data) {
  if (kind != "recovery" || data.at("held_back").as_boolean()) return data;
  if (data.at("recovery_result").is_object()) data["recovery_result"].object_ref().erase("delay_ms");
  return data;
}

/// Calls of programs are spent at once (step_execution.cpp).
bool is_measured_use(const Entry& entry) {
  return entry.kind == "budget_used" && entry.data.at("call").as_integer() == 0;
}
bool is_refusal(const Entry& entry) {
  return entry.data.at("code").as_string() == kBudgetExceeded && entry.data.at("dimension").is_string();
}

/// Budgets of steps are named by the number of the execution, which is another one here.
void name_own_steps(RecordedJournal& journal) {
  const std::string own = "s" + std::to_string(journal.is_fork ? kBase + 1 : kBase);
  for (Entry& entry : journal.entries) {
    if (!is_refusal(entry) && entry.kind != "budget_raised") continue;
    const std::string scope(entry.data.at("scope").as_string());
    const std::size_t slash = scope.find('/');
    if (scope.starts_with('s') && slash != std::string::npos) entry.data.set("scope", own + scope.substr(slash));
  }
}

class Replaying {
 public:
  Replaying(WriteTx& tx, storage::Store& store, ManualClock& clock, const RecordedJournal& journal)
      : tx_(tx),
        store_(store),
        clock_(clock),
        journal_(journal),
        plan_(*journal.plan),
        tells_recoveries_(
            std::ranges::any_of(journal.entries, [](const Entry& entry) { return entry.kind == "recovery"; })) {
    for (const Entry& entry : journal.entries)
      if (const auto told = recovery_entry(entry.data); told && told->recovery.strategy == RecoveryStrategy::Fallback)
        fallbacks_.insert(told->recovery.capability);
  }

  Result<ReplayReport> run() {
    WRENCH_TRY(set_up());
    while (!report_.first && pos_ < journal_.entries.size()) WRENCH_TRY(take(journal_.entries[pos_]));
    report_.entries = static_cast<std::int64_t>(pos_);
    return std::move(report_);
  }

 private:
  // ---- rows that the journal takes for granted ----

  Result<void> set_up() {
    CreateTask task;
    task.title = "replay";
    task.plan = journal_.plan;
    task.inputs = journal_.inputs;
    Creation creation = WRENCH_TRY(creation::prepare(std::move(task), clock_, random_));
    TaskRow row;
    row.id = 1;
    row.task_id = creation.task_id;
    row.project_id = kDefaultProject;
    row.version = 1;
    ExecutionRow execution;
    execution.id = kBase;
    execution.execution_id = journal_.is_fork ? creation.execution_id : journal_.execution_id;
    execution.task_no = 1;
    execution.plan_hash = plan_.hash();
    execution.on_exhausted = journal_.on_exhausted;
    execution.deadline_at = journal_.deadline_at;
    execution.budgets = journal_.draws;
    execution.created_at = clock_.now_us();
    execution.version = 1;
    no_ = kBase;
    WRENCH_TRY(creation::insert_plan(tx_, plan_));
    if (!journal_.is_fork) return creation::insert(tx_, creation, row, execution);
    execution.status = ExecutionStatus::Completed;
    execution.started_at = execution.completed_at = clock_.now_us();
    WRENCH_TRY(creation::insert(tx_, creation, row, execution));
    WRENCH_TRY(set_up_kept());
    return set_up_fork(execution);
  }

  Result<void> set_up_kept() {
    FlushPlan plan;
    std::vector<storage::PreparedBlob> blobs;
    std::int64_t seq = 0;
    for (const auto& [node, kept] : journal_.kept) {
      StepRow step;
      step.execution_no = kBase;
      step.step_no = node + 1;
      step.node = node;
      step.state = kept.state;
      if (kept.by_failure) step.flags |= kFlagSkippedByFailure;
      if (!kept.data.is_null() || kept.state == StepState::Completed) {
        step.output_seq = ++seq;
        plan.journal.push_back({kBase, seq, std::string(name(kept.state)), step.step_no, 0, "replay", {}, {}});
        WRENCH_TRY(keep(kept.data, plan.journal.back(), blobs));
      }
      plan.steps.push_back({nullptr, std::move(step)});
    }
    for (const auto& blob : blobs) WRENCH_TRY(storage::blob_store::put(tx_, blob, {"execution", kBase}));
    return row_store::write(tx_, plan, {}, Ownership::Exclusive);
  }

  static Result<void> keep(const Json& data, JournalDraft& draft, std::vector<storage::PreparedBlob>& blobs) {
    draft.data = codec::write_json(data);
    if (draft.data.size() <= kInlineBytesMax) return {};
    blobs.push_back(WRENCH_TRY(storage::blob_store::prepare(std::exchange(draft.data, {}))));
    draft.blob_hash = blobs.back().hash;
    return {};
  }

  /// The entries that stand in its journal before it begins.
  Result<void> set_up_fork(ExecutionRow execution) {
    no_ = execution.id = kBase + 1;
    execution.execution_id = journal_.execution_id;
    execution.number = 2;
    execution.status = ExecutionStatus::Pending;
    execution.started_at = execution.completed_at = 0;
    WRENCH_TRY(creation::insert_execution(tx_, execution));
    ForkDraft draft;
    draft.base = kBase;
    draft.set.assign((plan_.top_count() + 7) / 8, '\0');
    for (std::uint32_t i = 0; i < plan_.top_count(); ++i)
      if (!journal_.kept.contains(i)) draft.set[i / 8] = static_cast<char>(draft.set[i / 8] | (1 << (i % 8)));
    if (journal_.entries.empty() || journal_.entries.front().kind != "forked")
      return Error("workflow.journal_invalid", "the journal of a fork begins with 'forked'");
    draft.from = journal_.entries.front().data.at("from").as_string();
    for (pos_ = 1; pos_ < journal_.entries.size() && journal_.entries[pos_].kind == "given"; ++pos_) {
      const Entry& entry = journal_.entries[pos_];
      ForkDraft::Given given{entry.step_no, codec::write_json(entry.data), {}};
      if (given.json.size() > kInlineBytesMax)
        given.blob = WRENCH_TRY(storage::blob_store::prepare(std::exchange(given.json, {})));
      draft.given.push_back(std::move(given));
    }
    return forks::insert(tx_, draft, no_);
  }

  // ---- one decision ----

  struct Turn {
    std::vector<Command> commands;
    std::optional<ReadyRow> claim;  ///< This step has its turn.
    std::vector<storage::PreparedBlob> blobs;
  };

  Result<FlushPlan> decide(const Turn& turn, Micros now) {
    CoreContext context;
    context.boot = boot_;
    context.ownership = ownership();
    context.claims_allowed = turn.claim.has_value();
    if (turn.claim) context.free[0] = 1;
    const RecordedRunner says(journal_, nullptr);
    context.traits = [&says, this](std::string_view capability) {
      // What took a step's place had no effects outside, or it wouldn't have.
      if (fallbacks_.contains(capability)) return std::optional(CapabilityTraits{Effect::Pure, SlotClass::Cpu});
      return std::optional(*says.traits(capability));
    };
    context.recovery = [this](StepKey step, const StepFailure&) { return recorded_recovery(step.step_no); };
    LoadedRows& rows = rows_;
    rows = LoadedRows();
    const row_store::Source source{tx_, plans_, nothing_};
    WRENCH_TRY(row_store::load(source, turn.commands, context, {0, 0, 0}, rows));
    if (turn.claim) {
      const Command of_step = command::Record{.step = turn.claim->step, .epoch = 0, .name = {}, .json = {}};
      WRENCH_TRY(row_store::load(source, {&of_step, 1}, context, {0, 0, 0}, rows));
      rows.backlog[0].push_back(*turn.claim);
    }
    WRENCH_TRY(limits::load(tx_, {}, rows));
    WRENCH_TRY(load_budgets({}, {}, rows, now));
    for (int round = 0; round < kRoundsMax; ++round) {
      SeededRandom random(1);
      FlushPlan plan = Core::decide(turn.commands, rows, context, now, random);
      if (plan.complete()) return plan;
      if (round >= 3)
        for (const StepKey& key : plan.missing_steps) plan.missing_executions.insert(key.execution_no);
      WRENCH_TRY(row_store::load_missing(source, plan, rows));
      WRENCH_TRY(limits::load(tx_, plan.missing_limits, rows));
      WRENCH_TRY(load_budgets(plan.missing_budgets, plan.missing_entries, rows, now));
    }
    return Error("storage.corrupt", "the core asks for rows without end");
  }

  /// As the journal knows them: what others draw from them isn't there, unless they refuse.
  Result<void> load_budgets(std::set<std::string> scopes, const std::set<StepKey>& steps, LoadedRows& rows,
                            Micros now) {
    for (const auto& [scope, dims] : journal_.budgets)
      if (budgets::is_period(scope)) scopes.insert(budgets::present(scope, now));
    WRENCH_TRY(budgets::load(tx_, scopes, steps, rows));
    for (const auto& [scope, dims] : journal_.budgets) {
      const bool period = budgets::is_period(scope);
      for (const auto& [dim, its] : dims) {
        const auto cap = period && its.cap ? std::optional(kBudgetAmountMax / 2) : its.cap;
        if (period) rows.budgets[scope].try_emplace(dim, BudgetRow{.cap = cap});
        rows.budgets[period ? budgets::present(scope, now) : scope].try_emplace(
            dim, BudgetRow{.cap = cap, .spent = period ? 0 : its.spent});
      }
    }
    if (!refusal_ || !rows.budgets.contains(refusal_->scope)) return {};
    BudgetRow& row = rows.budgets.at(refusal_->scope)[refusal_->dim];
    row.cap = refusal_->row.cap;
    row.spent = refusal_->row.spent;
    row.reserved = refusal_->row.reserved;
    return {};
  }

  /// Decides, and compares with what the journal says came of it.
  Result<void> advance(Turn turn, Micros now) {
    clock_.set(now);
    for (;;) {
      FlushPlan plan = WRENCH_TRY(decide(turn, now));
      leave_out_recoveries_of_waits(plan);
      if (!tells_recoveries_) std::erase_if(plan.journal, [](const auto& draft) { return draft.kind == "recovery"; });
      const std::size_t same = matching(plan);
      if (same < plan.journal.size()) {
        // An end too early: the flush of that time heard of something else, too, before it settled.
        if (plan.journal[same].kind == "ended" && turn.commands.size() <= journal_.entries.size() && also_heard(same)) {
          turn.commands.push_back(execution_command(journal_.entries[pos_ + same]));
          continue;
        }
        const JournalDraft& draft = plan.journal[same];
        return differs(pos_ + same, shown(draft.kind, draft.step_no, draft.attempt, data_of(draft, turn)));
      }
      if (plan.journal.empty() && !may_be_silent_) {
        const Result<void>& verdict = plan.verdicts.empty() ? Result<void>() : plan.verdicts.back();
        return differs(pos_, verdict.ok() ? "nothing" : describe(verdict.error()));
      }
      for (const auto& blob : turn.blobs) WRENCH_TRY(storage::blob_store::put(tx_, blob, {"execution", no_}));
      WRENCH_TRY(row_store::write(tx_, plan, {}, ownership()));
      WRENCH_TRY(limits::write(tx_, plan, journal_.shared ? std::string_view() : boot_));
      // Who looks again because of it the journal says.
      WRENCH_TRY(budgets::write(tx_, plan, boot_, Ownership::Exclusive));
      return follow(plan);
    }
  }

  /// Engines before didn't tell of waits that ended in vain.
  void leave_out_recoveries_of_waits(FlushPlan& plan) const {
    for (std::size_t i = 1; i < plan.journal.size(); ++i) {
      const JournalDraft& draft = plan.journal[i];
      const bool told = pos_ + i < journal_.entries.size() && journal_.entries[pos_ + i].kind == "recovery";
      if (draft.kind != "recovery" || told || plan.journal[i - 1].kind != "failed" ||
          plan.journal[i - 1].step_no != draft.step_no)
        continue;
      const auto error = codec::parse_json(plan.journal[i - 1].data);
      const std::string_view code = error.ok() ? error->at("code").as_string() : std::string_view();
      if (code != "workflow.wait_expired" && code != "workflow.child_failed") continue;
      plan.journal.erase(plan.journal.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  /// What the engine did about the step's next failure, according to the journal.
  Recovery recorded_recovery(std::int64_t step_no) const {
    Recovery built_in;
    built_in.policy = kBuiltIn;
    for (std::size_t i = pos_; i < journal_.entries.size(); ++i) {
      const Entry& entry = journal_.entries[i];
      if (entry.step_no != step_no) continue;
      if (entry.kind == "claim") break;
      if (entry.kind != "recovery") continue;
      auto told = recovery_entry(entry.data);
      return told && told->recovery.by_engine ? std::move(told->recovery) : built_in;
    }
    return built_in;
  }

  Json data_of(const JournalDraft& draft, const Turn& turn) const {
    if (!draft.blob_hash.empty()) {
      for (const auto& blob : turn.blobs)
        if (blob.hash == draft.blob_hash) return Json::object({{"sha256", to_hex(blob.hash)}, {"bytes", blob.size}});
      return Json();
    }
    auto json = codec::parse_json(draft.data.empty() ? "null" : draft.data);
    return json.ok() ? std::move(*json) : Json();
  }

  /// How many of the plan's entries are what the journal goes on with, but for large values.
  std::size_t matching(const FlushPlan& plan) const {
    std::size_t i = 0;
    for (; i < plan.journal.size() && pos_ + i < journal_.entries.size(); ++i) {
      const JournalDraft& draft = plan.journal[i];
      const Entry& entry = journal_.entries[pos_ + i];
      if (draft.kind != entry.kind || draft.step_no != entry.step_no || draft.attempt != entry.attempt) break;
      if (draft.blob_hash.empty() && codec::canonical_json(without_drawn(draft.kind, data_of(draft, {}))) !=
                                         codec::canonical_json(without_drawn(entry.kind, entry.data)))
        break;
    }
    // Its execution may have been open when it was recorded: what came after that isn't known.
    return pos_ + i == journal_.entries.size() ? plan.journal.size() : i;
  }

  bool also_heard(std::size_t same) const {
    if (pos_ + same >= journal_.entries.size() || pos_ + same == 0) return false;
    const Entry& entry = journal_.entries[pos_ + same];
    return is_of_execution(entry.kind) && entry.at == journal_.entries[pos_ + same - 1].at;
  }

  /// Large values, and which steps began.
  Result<void> follow(FlushPlan& plan) {
    for (std::size_t i = 0; i < plan.journal.size() && pos_ + i < journal_.entries.size(); ++i) {
      if (plan.journal[i].blob_hash.empty()) continue;
      const Json value = WRENCH_TRY(payload::of_journal(tx_, no_, plan.journal[i].seq)).value;
      const Entry& entry = journal_.entries[pos_ + i];
      if (codec::canonical_json(value) != codec::canonical_json(entry.data))
        return differs(pos_ + i, shown(entry.kind, entry.step_no, entry.attempt, value));
    }
    for (const auto& [before, row] : plan.executions) paused_ = row.paused;
    for (const auto& [before, row] : plan.steps) {
      if (!before && row.parent_step != 0) {
        next_step_ = std::max(next_step_, row.step_no + 1);
        const auto recorded = journal_.body_steps.find(row.step_no);
        if (recorded != journal_.body_steps.end() &&
            (recorded->second.node != row.node || recorded->second.parent != row.parent_step))
          return differs(std::min(pos_, journal_.entries.size() - 1),
                         "step " + std::to_string(row.step_no) + " is of '" + plan_.nodes()[row.node].id +
                             "', not of '" + plan_.nodes()[recorded->second.node].id + "'");
      }
      if (row.state != StepState::Running) running_.erase(row.step_no);
    }
    for (Launch& launch : plan.launches) running_[launch.step.step_no] = std::move(launch);
    pos_ = std::min(pos_ + plan.journal.size(), journal_.entries.size());
    return {};
  }

  Result<void> differs(std::size_t at, std::string found) {
    const Entry& entry = journal_.entries[std::min(at, journal_.entries.size() - 1)];
    Difference difference{entry.seq, entry.step_no, {}, {}, std::move(found)};
    difference.expected = at < journal_.entries.size() ? shown(entry) : "nothing more";
    if (const auto body = journal_.body_steps.find(entry.step_no); body != journal_.body_steps.end())
      difference.node = plan_.nodes()[body->second.node].id;
    else if (entry.step_no >= 1 && entry.step_no <= plan_.top_count())
      difference.node = plan_.nodes()[static_cast<std::size_t>(entry.step_no - 1)].id;
    pos_ = std::min(at, journal_.entries.size());
    report_.first = std::move(difference);
    return {};
  }

  // ---- what an entry of the journal came from ----

  static bool is_of_execution(std::string_view kind) {
    return kind == "cancel_requested" || kind == "paused" || kind == "unpaused";
  }
  Command execution_command(const Entry& entry) const {
    // What is paused already is paused at once.
    if (entry.kind == "paused")
      return command::SetPause{no_, paused_ == Pause::Yes ? Pause::Now : Pause::Yes, entry.actor};
    if (entry.kind == "unpaused") return command::SetPause{no_, Pause::No, entry.actor};
    return command::Cancel{no_, std::string(entry.data.at("reason").as_string()), entry.actor};
  }

  Result<void> take(const Entry& entry) {
    if (entry.step_no != 0) return take_of_step(entry);
    if (entry.kind == "started") {
      boot_ = entry.data.at("boot").as_string();
      return advance({.commands = {command::Start{no_}}}, entry.at);
    }
    if (is_of_execution(entry.kind) || entry.kind == "suspended" || entry.kind == "adopted") {
      WRENCH_TRY(begin_loops(next_of_any_loop()));
      if (report_.first) return {};
    }
    if (is_of_execution(entry.kind)) return advance({.commands = {execution_command(entry)}}, entry.at);
    if (entry.kind == "suspended" && entry.data.at("reason").as_string() == "critical") return suspend_for(entry);
    if (entry.kind == "suspended")
      return advance({.commands = {command::Suspend{no_, std::string(entry.data.at("reason").as_string())}}}, entry.at);
    if (entry.kind == "adopted") {
      boot_ = entry.actor;
      running_.clear();
      return advance({.commands = {command::Adopt{no_, std::string(entry.data.at("from").as_string())}}}, entry.at);
    }
    if (entry.kind == "budget_raised") {
      command::Raise raise;
      raise.execution_no = no_;
      raise.scope = entry.data.at("scope").as_string();
      raise.by = WRENCH_TRY(read_budget(entry.data.at("by")));
      raise.actor = entry.actor;
      const Rows open = WRENCH_TRY(tx_.query(sql::kExecutionOpen, {no_}));
      if (!open.empty()) raise.from_boot = open.front().text_or_empty(0);
      return advance({.commands = {std::move(raise)}}, entry.at);
    }
    if (entry.kind == "ended") return differs(pos_, "it goes on");
    return unknown(entry);
  }

  static Error unknown(const Entry& entry) {
    return Error("workflow.replay_unsupported", "entry " + std::to_string(entry.seq) +
                                                    " of the journal is of a kind that "
                                                    "can't be replayed: '" +
                                                    escape_for_display(entry.kind) + "'");
  }

  Result<std::optional<StepRow>> step_row(std::int64_t step_no) {
    const Rows found = WRENCH_TRY(tx_.query(sql::kStepRow, {no_, step_no}));
    return found.empty() ? std::optional<StepRow>() : std::optional(row_store::step_from(found.front()));
  }

  /// What a run had reserved of what is measured is settled before it is said how the run ended.
  Result<void> take_of_step(const Entry& first) {
    at_ = pos_;
    while (is_measured_use(journal_.entries[at_]) && at_ + 1 < journal_.entries.size() &&
           journal_.entries[at_ + 1].step_no == first.step_no)
      ++at_;
    const Entry& entry = journal_.entries[at_];
    const bool opens = entry.kind == "items" || entry.kind == "iteration";
    if (entry.kind == "claim") WRENCH_TRY(begin_loops(entry.step_no));
    if (opens) WRENCH_TRY(begin_loops(first_child(entry.step_no).value_or(0)));
    if (entry.kind == "usage" || entry.kind == "timeout")
      WRENCH_TRY(begin_loops(first_child(entry.step_no).value_or(0), entry.step_no, entry.kind == "usage"));
    if (report_.first || pos_ >= journal_.entries.size() || &first != &journal_.entries[pos_]) return {};
    const auto found = WRENCH_TRY(step_row(entry.step_no));
    if (!found) return differs(pos_, "there is no such step");
    const StepRow& row = *found;
    if (entry.kind == "claim") return claim(entry, row);
    if (entry.kind == "value" || entry.kind == "intent" || entry.kind == "receipt") return record(entry, row);
    if (entry.kind == "budget_reserved" || (entry.kind == "budget_used" && !is_measured_use(entry)))
      return draw(entry, row);
    if (entry.kind == "funded") return advance({.commands = {command::Fund{key(row)}}}, entry.at);
    if (is_refusal(entry) && row.state != StepState::Uncertain) return refuse(entry, row);
    if (entry.kind == "recovery") return recover(entry, row);
    if (entry.kind == "timeout") return time_out(entry, row);
    if (entry.kind == "delegated")
      return advance({.commands = {command::Note{key(row), entry.kind, codec::write_json(entry.data), entry.actor}}},
                     entry.at);
    if (entry.kind == "superseded") return advance({.commands = {command::Supersede{key(row)}}}, entry.at);
    if (entry.kind == "lost") return advance({.commands = {command::LoseLease{key(row), row.worker_boot}}}, entry.at);
    if (entry.kind == "decision") return decide_step(entry, row);
    if (entry.kind == "reconciled")
      return advance({.commands = {command::Reconcile{key(row), row.epoch, ReconcileAnswer::NotDone, {}}}}, entry.at);
    if (!is_outcome_of_running(entry.kind)) return unknown(entry);
    if (entry.data.at("grace").as_string() == "over") return timer(entry, row, TimerKind::CancelGrace, row.epoch);
    if (row.state == StepState::Running) return outcome(entry, row);
    if (row.state == StepState::Uncertain && entry.kind == "completed") return receipt(entry, row);
    if ((row.flags & kFlagWaitsOutside) != 0) return answer(entry, row);
    return differs(pos_, "the step is " + std::string(name(row.state)));
  }

  static StepKey key(const StepRow& row) { return {row.execution_no, row.step_no}; }

  Result<void> timer(const Entry& entry, const StepRow& row, TimerKind kind, std::int64_t epoch) {
    return advance({.commands = {command::TimerDue{{row.execution_no, row.step_no, kind, entry.at, epoch}, 0}}},
                   entry.at);
  }

  Result<void> claim(const Entry& entry, StepRow row) {
    if (row.state == StepState::RetryWait) {
      may_be_silent_ = true;
      WRENCH_TRY(timer(entry, row, TimerKind::Retry, row.epoch));
      may_be_silent_ = false;
      if (report_.first) return {};
      row = *WRENCH_TRY(step_row(entry.step_no));
    }
    if (row.state != StepState::Ready) return differs(pos_, "the step is " + std::string(name(row.state)));
    if (journal_.shared) boot_ = entry.data.at("boot").as_string();
    return advance({.claim = ReadyRow{row.rank, key(row)}}, entry.at);
  }

  /// A call that has a price.
  Result<void> draw(const Entry& entry, const StepRow& row) {
    using K = command::Record::Kind;
    command::Record record{key(row), row.epoch, K::Reserve, {}, {}};
    record.call_no = entry.data.at("call").as_integer();
    record.amounts = WRENCH_TRY(read_budget(entry.data.at("amounts")));
    const std::pair call{row.step_no, record.call_no};
    if (entry.kind == "budget_reserved") {
      calls_[call] = row.epoch;
    } else if (const auto asked = calls_.find(call); asked != calls_.end()) {
      record.kind = K::Settle;
      record.epoch = asked->second;  // Perhaps of an attempt that is dead.
      calls_.erase(asked);
    } else {
      record.kind = K::Spend;
    }
    return advance({.commands = {std::move(record)}}, entry.at);
  }

  /// A budget has nothing left, with the figures that the journal says.
  Result<void> refuse(const Entry& entry, const StepRow& row) {
    const Json& data = entry.data;
    const std::string dim(data.at("dimension").as_string());
    const std::int64_t want = data.at("want").as_integer();
    refusal_ = Refusal{std::string(data.at("scope").as_string()),
                       dim,
                       {.cap = data.at("limit").as_integer(),
                        .reserved = data.at("reserved").as_integer(),
                        .spent = data.at("spent").as_integer()}};
    Result<void> done;
    if (row.state != StepState::Running) {
      done = claim(entry, row);
    } else if (dim == "wall_ms" || dim == "cpu_ms") {
      // What a run may measure until it asks for more depends on what is left.
      if (budgets::is_period(refusal_->scope))
        done = Error("workflow.replay_unsupported",
                     "entry " + std::to_string(entry.seq) + ": a budget of time that all tasks draw from ended a run");
      else
        done = advance({.commands = {command::TimerDue{
                            {row.execution_no, row.step_no, TimerKind::BudgetShare, entry.at, row.epoch},
                            0,
                            cpu_of_run(row.step_no).value_or(kBudgetShareMs * kMicrosPerMs)}}},
                       entry.at);
    } else {
      command::Outcome outcome{key(row), row.epoch, command::Outcome::OutOfBudget{{{dim, want}}}};
      outcome.cpu_us = cpu_of_run(row.step_no).value_or(0);
      outcome.usage_json = usage_of_run(row.step_no);
      done = advance({.commands = {std::move(outcome)}}, entry.at);
    }
    refusal_.reset();
    return done;
  }

  /// What the run used of the processors, if a budget counts that.
  std::optional<Micros> cpu_of_run(std::int64_t step_no) const {
    for (std::size_t i = pos_; i < journal_.entries.size(); ++i) {
      const Entry& entry = journal_.entries[i];
      if (entry.step_no != step_no) continue;
      if (entry.kind == "claim") break;
      if (is_measured_use(entry) && entry.data.at("amounts").at("cpu_ms").is_integer())
        return std::clamp<std::int64_t>(entry.data.at("amounts").at("cpu_ms").as_integer(), 0,
                                        kBudgetAmountMax / kMicrosPerMs) *
               kMicrosPerMs;
    }
    return std::nullopt;
  }

  Result<void> record(const Entry& entry, const StepRow& row) {
    command::Record record{key(row), row.epoch, command::Record::Kind::Value,
                           std::string(entry.data.at("name").as_string()), "null"};
    if (entry.kind != "value") {
      record.kind = entry.kind == "intent" ? command::Record::Kind::Intent : command::Record::Kind::Receipt;
      record.name = entry.data.at("effect_key").as_string();
    }
    return advance({.commands = {std::move(record)}}, entry.at);
  }

  static std::string error_of(const RecoveryEntry& told) {
    return codec::write_json(Json::object({{"code", told.code}, {"message", told.message}}));
  }

  /// What a run is about to do by itself, or that it wasn't tried; what follows a failure is decided with that.
  Result<void> recover(const Entry& entry, const StepRow& row) {
    const auto told = recovery_entry(entry.data);
    if (!told) return unknown(entry);
    if (told->recovery.by_engine && (row.flags & kFlagWaitsOutside) != 0) return answer(entry, row, *told);
    if (told->recovery.by_engine && row.state == StepState::Running) {
      command::Outcome outcome;
      outcome.step = key(row);
      outcome.epoch = row.epoch;
      command::Outcome::Fail fail;
      fail.failure = may_pass(told->error_class) ? FailureClass::Retryable : FailureClass::Permanent;
      fail.error_json = error_of(*told);
      fail.happened = told->code == kConditionFalse;
      outcome.result = std::move(fail);
      outcome.usage_json = usage_of_run(row.step_no);
      return advance({.commands = {std::move(outcome)}}, entry.at);
    }
    if (told->held_back) {
      command::Outcome outcome;
      outcome.step = key(row);
      outcome.epoch = row.epoch;
      outcome.result = command::Outcome::HeldBack{error_of(*told), told->recovery.delay_us};
      outcome.usage_json = usage_of_run(row.step_no);
      return advance({.commands = {std::move(outcome)}}, entry.at);
    }
    command::Record record;
    record.step = key(row);
    record.epoch = row.epoch;
    record.kind = command::Record::Kind::Recovery;
    record.json = codec::write_json(entry.data);
    return advance({.commands = {std::move(record)}}, entry.at);
  }

  /// Nobody knew whether the effect of some step took place.
  Result<void> suspend_for(const Entry& entry) {
    const Rows found = WRENCH_TRY(tx_.query(sql::kOpenSteps, {no_}));
    for (const auto raw : found)
      if (const StepRow row = row_store::step_from(raw);
          row.state == StepState::Uncertain && (row.flags & kFlagSuspended) == 0)
        return advance({.commands = {command::Reconcile{key(row), row.epoch, ReconcileAnswer::Unknown, {}}}}, entry.at);
    return differs(pos_, "no step is uncertain");
  }

  Result<void> time_out(const Entry& entry, const StepRow& row) {
    const std::string_view message = entry.data.at("message").as_string();
    const auto is = [&](std::string_view limit) { return message.find(limit) != std::string_view::npos; };
    if (is("schedule_to_close")) return timer(entry, row, TimerKind::ScheduleToClose, kAnyEpoch);
    if (is("schedule_to_start")) return timer(entry, row, TimerKind::ScheduleToStart, row.epoch);
    return timer(entry, row, is("heartbeat") ? TimerKind::Heartbeat : TimerKind::StartToClose, row.epoch);
  }

  Result<void> decide_step(const Entry& entry, const StepRow& row) {
    const std::string_view to = entry.data.at("to").as_string();
    command::Decide decide{key(row), StepDecision::GiveUp, entry.actor};
    if (to == name(StepState::Ready)) decide.decision = StepDecision::Retry;
    if (to == name(StepState::Skipped)) decide.decision = StepDecision::Skip;
    Turn turn;
    if (to == name(StepState::Completed)) {
      decide.decision = StepDecision::Resolve;
      // The output is the entry after it.
      if (pos_ + 1 < journal_.entries.size())
        decide.output = WRENCH_TRY(payload::pack(journal_.entries[pos_ + 1].data, turn.blobs));
    }
    turn.commands.emplace_back(std::move(decide));
    return advance(std::move(turn), entry.at);
  }

  Result<void> receipt(const Entry& entry, const StepRow& row) {
    return advance({.commands = {command::Reconcile{key(row), row.epoch, ReconcileAnswer::Done,
                                                    Payload{codec::write_json(entry.data), {}}}}},
                   entry.at);
  }

  /// The engine did something about a wait that was in vain.
  Result<void> answer(const Entry& entry, const StepRow& row, const RecoveryEntry& told) {
    if (told.code == kWaitExpired) return timer(entry, row, TimerKind::WaitOver, row.epoch);
    return advance({.commands = {command::Answer{key(row), {}, error_of(told), entry.actor}}}, entry.at);
  }

  Result<void> answer(const Entry& entry, const StepRow& row) {
    const WaitSpec& wait = *plan_.nodes()[row.node].wait;
    const bool expired = is_failure(entry.kind) && entry.data.at("code").as_string() == kWaitExpired;
    const bool passed_over = wait.optional && entry.kind == "completed" && entry.data.is_null();
    if (wait.kind == WaitKind::Until || expired || passed_over)
      return timer(entry, row, TimerKind::WaitOver, row.epoch);
    Turn turn;
    command::Answer answer{key(row), {}, {}, entry.actor};
    if (is_failure(entry.kind)) {
      answer.refusal = codec::write_json(entry.data);
    } else {
      answer.output = WRENCH_TRY(payload::pack(entry.data, turn.blobs));
    }
    turn.commands.emplace_back(std::move(answer));
    return advance(std::move(turn), entry.at);
  }

  /// What a step that runs comes to: the plan's expressions are evaluated anew, capabilities say what they said.
  Result<void> outcome(const Entry& entry, const StepRow& row) {
    const auto launch = running_.find(row.step_no);
    if (launch == running_.end()) return differs(pos_, "the step doesn't run");
    RecordedRunner runner(journal_, &entry, is_passed_over(row.step_no));
    Turn turn;
    command::Outcome outcome = WRENCH_TRY(execute(launch->second, runner, entry.at, turn));
    const PlanNode& node = plan_.nodes()[row.node];
    const bool busy = entry.data.at("code").as_string() == "workflow.key_busy";  // Of others, who aren't here.
    if (entry.kind == "released" || entry.kind == "cancelled") {
      outcome.result = command::Outcome::Yield{};
    } else if ((!runner.called().empty() && entry.kind != "completed") || busy) {
      if (!is_failure(entry.kind) && !busy) return differs(pos_, "calls " + runner.called());
      outcome.result = failure(entry, node, busy);
    }
    if (auto* wait = std::get_if<command::Outcome::Wait>(&outcome.result))
      wait->wait_id = entry.data.at("wait").as_string();
    outcome.usage_json = usage_of_run(row.step_no);
    outcome.cpu_us = cpu_of_run(row.step_no).value_or(0);
    turn.commands.emplace_back(std::move(outcome));
    return advance(std::move(turn), entry.at);
  }

  command::Outcome::Fail failure(const Entry& entry, const PlanNode& node, bool busy) const {
    command::Outcome::Fail fail;
    fail.error_json = codec::write_json(entry.data);
    fail.happened = entry.data.at("code").as_string() == kConditionFalse;
    const auto told = told_after(entry);
    // Without that it isn't told of the last attempt whether it was retryable: it failed either way.
    const bool retryable =
        told ? may_pass(told->error_class) : entry.kind == "retry" || (!busy && entry.attempt >= node.retry.attempts);
    fail.failure = retryable ? FailureClass::Retryable : FailureClass::Permanent;
    if (!told) return fail;
    if (told->error_class == ErrorClass::RateLimited) fail.retry_after_us = 0;
    fail.judged = !told->recovery.by_engine;
    if (fail.judged && told->recovery.policy != kBuiltIn)
      fail.recovery = std::make_shared<const RecoveryNote>(RecoveryNote{.strategy = told->recovery.strategy,
                                                                        .policy = told->recovery.policy,
                                                                        .capability = told->recovery.capability,
                                                                        .delay_us = 0,
                                                                        .checkpoint_json = {}});
    return fail;
  }

  /// What was done about the step's last failure: its task goes on without it.
  bool is_passed_over(std::int64_t step_no) const {
    for (std::size_t i = pos_; i-- > 0;) {
      const Entry& entry = journal_.entries[i];
      if (entry.step_no != step_no) continue;
      if (entry.kind == "decision") return false;
      if (entry.kind != "recovery") continue;
      const auto told = recovery_entry(entry.data);
      return told && (told->recovery.strategy == RecoveryStrategy::Skip ||
                      told->recovery.strategy == RecoveryStrategy::Compensate);
    }
    return false;
  }

  /// What was done about the failure that the entry, which is the next, tells of.
  std::optional<RecoveryEntry> told_after(const Entry& failure) const {
    if (at_ + 1 >= journal_.entries.size()) return std::nullopt;
    const Entry& next = journal_.entries[at_ + 1];
    if (next.kind != "recovery" || next.step_no != failure.step_no) return std::nullopt;
    return recovery_entry(next.data);
  }

  /// What the run used whose end the next entry tells; before that may stand what was done about its failure.
  std::string usage_of_run(std::int64_t step_no) const {
    for (std::size_t i = at_ + 1; i < journal_.entries.size(); ++i) {
      const Entry& entry = journal_.entries[i];
      if (is_measured_use(entry) && entry.step_no == step_no) continue;
      if (entry.kind == "usage" && entry.step_no == step_no) return codec::write_json(entry.data);
      const bool passed_over = entry.kind == "completed" && journal_.entries[at_].kind == "recovery";
      if (!((entry.kind == "recovery" || passed_over) && entry.step_no == step_no) && entry.kind != "suspended")
        return {};
    }
    return {};
  }

  static bool is_failure(std::string_view kind) {
    return kind == "failed" || kind == "retry" || kind == "dead" || kind == "uncertain";
  }

  Result<command::Outcome> execute(const Launch& launch, RecordedRunner& runner, Micros now, Turn& turn) {
    clock_.set(now);
    Job job = execute_step(
        launch, runner,
        {.store = store_,
         .payloads = payloads_,
         .clock = clock_,
         .random = random_,
         .stop = {},
         .deadline = {},
         .tick = [](const Progress&) {},
         .record =
             [](const command::Record&) { return Result<void>(Error("workflow.fenced", "a replay keeps nothing")); },
         .reads = &tx_});
    if (job.baggage) turn.blobs = job.baggage->blobs;
    return std::get<command::Outcome>(std::get<Command>(std::move(job.work)));
  }

  // ---- loops: the first iteration begins without an entry of its own ----

  /// Number of the first step that the one will have in its body from now on.
  std::optional<std::int64_t> first_child(std::int64_t step_no) const {
    for (auto it = journal_.body_steps.lower_bound(next_step_); it != journal_.body_steps.end(); ++it)
      if (it->second.parent == step_no) return it->first;
    return std::nullopt;
  }
  std::int64_t next_of_any_loop() const {
    std::int64_t last = 0;
    for (const auto& [no, launch] : running_)
      if (is_opening_loop(launch) && !is_lost(no)) last = std::max(last, first_child(no).value_or(0));
    return last;
  }
  bool is_opening_loop(const Launch& launch) const {
    return plan_.nodes()[launch.step.node].kind == NodeKind::Loop && (launch.step.flags & kFlagCollecting) == 0;
  }
  /// It was lost or given back before it began its first iteration.
  bool is_lost(std::int64_t step_no) const {
    for (std::size_t i = pos_; i < journal_.entries.size(); ++i)
      if (journal_.entries[i].step_no == step_no)
        return journal_.entries[i].kind == "lost" || journal_.entries[i].kind == "released";
    return false;
  }

  /// Loops that run and whose bodies begin at that step or before, in their order; `wanted` even if none is recorded.
  Result<void> begin_loops(std::int64_t up_to, std::int64_t wanted = 0, bool with_usage = false) {
    for (;;) {
      std::int64_t next = 0, first = up_to;
      for (const auto& [no, launch] : running_) {
        if (!is_opening_loop(launch)) continue;
        const auto child = first_child(no);
        if (child && *child <= first) next = no, first = *child;
      }
      if (next == 0) return {};
      const Entry& entry = journal_.entries[pos_];
      RecordedRunner runner(journal_, nullptr);
      Turn turn;
      command::Outcome outcome = WRENCH_TRY(execute(running_.at(next), runner, entry.at, turn));
      const bool last = next == wanted && with_usage;
      if (last) outcome.usage_json = codec::write_json(entry.data);
      turn.commands.emplace_back(std::move(outcome));
      may_be_silent_ = true;
      WRENCH_TRY(advance(std::move(turn), entry.at));
      may_be_silent_ = false;
      if (report_.first || last) return {};
    }
  }

  Ownership ownership() const { return journal_.shared ? Ownership::Shared : Ownership::Exclusive; }

  WriteTx& tx_;
  storage::Store& store_;
  ManualClock& clock_;
  const RecordedJournal& journal_;
  const Plan& plan_;
  SeededRandom random_{1};
  PlanCache plans_;
  RowCache nothing_;
  LoadedRows rows_;  ///< Of the decision that was taken last, whose plan points into them.
  PayloadCache payloads_;
  std::string boot_;
  std::int64_t no_ = kBase;  ///< The execution that is replayed.
  Pause paused_ = Pause::No;
  struct Refusal {
    std::string scope, dim;
    BudgetRow row;
  };
  std::optional<Refusal> refusal_;                                       ///< A budget refuses what is decided next.
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> calls_;  ///< Reserved: by step and call, the epoch.
  std::size_t at_ = 0;           ///< Of the entry that says what is decided next; before it some may follow from it.
  std::size_t pos_ = 0;          ///< Of the next entry.
  std::int64_t next_step_ = 1;   ///< Steps of bodies with smaller numbers exist.
  const bool tells_recoveries_;  ///< Journals of earlier engines don't.
  std::set<std::string, std::less<>> fallbacks_;
  bool may_be_silent_ = false;  ///< What is decided next may have no entry.
  std::map<std::int64_t, Launch> running_;
  ReplayReport report_;
};

}  // namespace

Result<ReplayReport> replay(const RecordedJournal& recorded) {
  RecordedJournal journal = recorded;
  name_own_steps(journal);
  const auto folder = WRENCH_TRY(runtime::TempDir::create("wrench-replay"));
  ManualClock clock;
  clock.set(journal.entries.empty() ? 0 : journal.entries.front().at);
  SeededRandom random(1);
  storage::StoreConfig config;
  config.directory = folder / "store";
  config.statements = {statements()};
  config.mode = storage::WriterMode::Passive;
  config.wal_reserve_bytes = 0;
  const auto store = WRENCH_TRY(storage::Store::open(std::move(config), clock, random));
  std::optional<Result<ReplayReport>> report;
  WRENCH_TRY(store->write([&](WriteTx& tx) -> Result<void> {
    report = Replaying(tx, *store, clock, journal).run();
    return {};
  }));
  return std::move(*report);
}

}  // namespace wrench::workflow
