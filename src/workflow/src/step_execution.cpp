#include "wrench/workflow/step_execution.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "creation.hpp"
#include "guards.hpp"
#include "limits.hpp"
#include "payload.hpp"
#include "recovery/recovery_mark.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "step_scope.hpp"
#include "step_values.hpp"
#include "stored_text.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/usage.hpp"
#include "wrench/workflow/artifact.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kChildPage = 1000;
constexpr std::string_view kMissingCapability = "workflow.missing_capability";

/// Each query on a snapshot of its own. What a step reads to begin (plan, inputs, outputs of ended steps) never changes
/// any more, and parsing a large output between two queries may take longer than a snapshot lives.
class SeparateReads final : public ReadTx {
 public:
  explicit SeparateReads(storage::Store& store) : store_(store) {}
  Result<Rows> query(const storage::Statement& statement, storage::Binds binds) override {
    return store_.query(statement, binds);
  }

 private:
  storage::Store& store_;
};

/// What a claimed step turns out to be.
struct OpenMap {
  Json items;
};
struct SkipStep {};
struct Finished {
  Json output;
};
struct NextIteration {
  std::int64_t iteration = 1;
  std::optional<Json> last;
};
struct Call {
  StepInvocation invocation;
};
using Prepared = std::variant<Call, OpenMap, NextIteration, command::Outcome::Wait, command::Outcome::Limits,
                              command::Outcome::Elsewhere, SkipStep, Finished>;

const PlanNode& node_of(const Launch& at) { return at.plan->nodes()[at.step.node]; }

Result<Json> merge_node(const Launch& at, const StepScope& scope) {
  const PlanNode& node = node_of(at);
  std::vector<Json> values;
  if (node.merge_from.empty()) {
    for (const Need& need : node.needs) values.push_back(scope.output_of(at.plan->nodes()[need.node].id));
  } else {
    for (const Json& from : node.merge_from) values.push_back(WRENCH_TRY(resolve_references(from, scope)));
  }
  return combine(node, std::move(values), scope);
}

Result<Json> collect_items(ReadTx& tx, const Launch& at, const StepScope& scope) {
  const StepRow& step = at.step;
  const BodyCursor cursor = BodyCursor::parse(step.cursor);
  std::vector<Json> values(static_cast<std::size_t>(cursor.items));
  std::vector<bool> have(values.size(), false);
  std::int64_t after = 0;
  for (;;) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kChildren, {step.execution_no, step.step_no, after, kChildPage}));
    for (const auto row : rows) {
      after = row.integer(1);
      const auto item = static_cast<std::size_t>(row.integer(0));
      if (row.integer(2) != static_cast<int>(StepState::Completed) || item >= values.size()) continue;
      if (row.is_null(5))
        return Error("storage.corrupt", "the output of step " + std::to_string(after) + " is missing");
      values[item] = WRENCH_TRY(payload::of_columns(tx, row, 3, 4)).value;
      have[item] = true;
    }
    if (rows.size() < kChildPage) break;
  }
  Json failed = Json::array();
  for (std::size_t i = 0; i < have.size(); ++i)
    if (!have[i]) failed.push_back(i);
  Json out = WRENCH_TRY(combine(node_of(at), std::move(values), scope));
  if (!failed.as_array().empty()) out.set("failed", std::move(failed));
  return out;
}

Result<Json> body_output(const Launch& at, const StepScope& scope) {
  const PlanNode& node = node_of(at);
  if (!node.body_output.is_null()) return resolve_references(node.body_output, scope);
  return scope.output_of(at.plan->nodes()[node.body_first + node.body_count - 1].id);
}

/// An iteration has ended: the loop has, too, or there is another one.
Result<Prepared> next_iteration(const Launch& at, StepScope& scope) {
  const PlanNode& node = node_of(at);
  const std::int64_t iteration = BodyCursor::parse(at.step.cursor).iteration;
  Json output = WRENCH_TRY(body_output(at, scope));
  std::string_view ended;
  if (node.until && WRENCH_TRY(node.until->test(ScopeWith(scope, "output", output)))) {
    ended = "condition";
  } else if (iteration >= node.max_iterations) {
    ended = "iterations";
  } else if (iteration > 1 && codec::canonical_json(*scope.root("previous")) == codec::canonical_json(output)) {
    ended = "no_progress";
  }
  if (ended.empty()) return Prepared(NextIteration{iteration + 1, std::move(output)});
  Json result = Json::object({{"result", std::move(output)}, {"iterations", iteration}, {"ended_by", ended}});
  if (ended == "no_progress") result.set("partial", "workflow.no_progress");
  return Prepared(Finished{std::move(result)});
}

Result<Prepared> collect(ReadTx& tx, const Launch& at, StepScope& scope) {
  if (node_of(at).kind == NodeKind::Map) return Prepared(Finished{WRENCH_TRY(collect_items(tx, at, scope))});
  WRENCH_TRY(scope.enter_body(at.step));
  if (node_of(at).kind == NodeKind::Loop) return next_iteration(at, scope);
  return Prepared(Finished{WRENCH_TRY(body_output(at, scope))});
}

Result<Prepared> open_map(const Launch& at, const StepScope& scope) {
  const PlanNode& node = node_of(at);
  Json items = WRENCH_TRY(node.over->eval(scope));
  if (scope.error()) return *scope.error();
  if (items.is_null()) items = Json::array();
  if (!items.is_array()) return Error("workflow.bad_distribution", "'" + node.over->text() + "' isn't a list");
  if (items.as_array().size() > kMapItemsMax)
    return Error("workflow.bad_distribution", "'" + node.over->text() + "' has " +
                                                  format_count(items.as_array().size()) + " items; the limit is " +
                                                  format_count(kMapItemsMax));
  if (items.as_array().empty()) return Prepared(Finished{WRENCH_TRY(combine(node, {}, scope))});
  return Prepared(OpenMap{std::move(items)});
}

std::string as_text(const Json& value) {
  return value.is_string() ? std::string(value.as_string()) : codec::write_json(value);
}

/// Of a step that calls nothing: what another capability has to know to do something in its place.
Result<Json> input_of(const PlanNode& node, const StepScope& scope) {
  if (node.kind == NodeKind::Call) return resolve_references(node.input, scope);
  Json out = Json::object({{"step", node.id}, {"kind", name(node.kind)}});
  if (node.wait == nullptr) return out;
  const bool child = node.wait->child != nullptr;
  const Json title = WRENCH_TRY(resolve_references(child ? node.wait->child->title : node.wait->title, scope));
  out.set("title", title.is_null() ? node.id : as_text(title));
  if (child) {
    out.set("inputs", WRENCH_TRY(resolve_references(node.wait->child->inputs, scope)));
  } else {
    out.set("on", name(node.wait->kind));
    out.set("subject", WRENCH_TRY(resolve_references(node.wait->subject, scope)));
  }
  return out;
}

Result<Prepared> prepare_call(const Launch& at, const StepScope& scope) {
  const StepRow& step = at.step;
  StepInvocation out;
  out.execution_no = step.execution_no;
  out.step_no = step.step_no;
  out.epoch = step.epoch;
  out.attempt = step.attempt;
  out.attempts_max = node_of(at).retry.attempts;
  out.effect = step.effect();
  out.task_id = at.task_id;
  out.execution_id = at.execution_id;
  out.project_id = at.project_id;
  out.node = node_of(at).id;
  out.item = scope.item();
  out.iterations = scope.iterations();
  out.capability = node_of(at).capability;
  out.input = WRENCH_TRY(input_of(node_of(at), scope));
  if (!step.cursor.empty()) out.checkpoint = WRENCH_TRY(codec::parse_json(step.cursor));
  if (auto acting = RecoveryMark::of(out.checkpoint).acting(); !acting.empty()) out.capability = std::move(acting);
  return Prepared(Call{std::move(out)});
}

/// Another capability runs in its place, or undoes it.
bool is_replaced(const StepRow& step) {
  if (!RecoveryMark::is_in(step.cursor)) return false;
  const auto checkpoint = codec::parse_json(step.cursor);
  return checkpoint.ok() && !RecoveryMark::of(*checkpoint).acting().empty();
}

Result<Micros> point_in_time(const Json& value) {
  if (value.is_integer() && value.as_integer() >= 0) return value.as_integer();
  if (value.is_string())
    if (const auto parsed = parse_rfc3339(value.as_string()); parsed) return *parsed;
  return Error("workflow.bad_time",
               "'" + escape_for_display(as_text(value)) + "' is no time: RFC 3339, or microseconds since 1970");
}

/// What the step waits for, and what people are shown of it.
Result<Prepared> open_wait(const Launch& at, const StepScope& scope, StepSession& session, Baggage& baggage) {
  const WaitSpec& spec = *node_of(at).wait;
  WaitDraft draft;
  draft.wait_id = make_id("wai", session.clock, session.random);
  draft.kind = spec.kind;
  draft.name = spec.name;
  draft.role = spec.role;
  draft.four_eyes = spec.four_eyes;
  const Json title = WRENCH_TRY(resolve_references(spec.title, scope));
  draft.title = title.is_null() ? node_of(at).id : as_text(title);
  const Json subject = WRENCH_TRY(resolve_references(spec.subject, scope));
  if (!subject.is_null()) {
    draft.subject = codec::canonical_json(subject);
    const auto digest = crypto::sha256(draft.subject);
    draft.subject_hash.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  if (draft.title.size() + draft.subject.size() > kSubjectBytesMax)
    return Error("workflow.output_too_large", "what is to be decided has more than " + format_bytes(kSubjectBytesMax));
  if (!spec.schema.is_null()) draft.schema = codec::write_json(spec.schema);
  const Micros now = at.step.claimed_at;  // By the store's clock, as whoever ends the wait.
  Micros over_at = spec.expires_us == 0 ? 0 : now + spec.expires_us;
  if (spec.kind == WaitKind::Until) {
    const Json when = WRENCH_TRY(resolve_references(spec.at, scope));
    over_at = when.is_null() ? now + spec.after_us : WRENCH_TRY(point_in_time(when));
  }
  if (over_at != 0) draft.expires_at = over_at;
  baggage.wait = draft;
  return Prepared(command::Outcome::Wait{spec.kind, draft.wait_id, over_at});
}

std::string with_kind(std::string_view kind, std::int64_t project_id, const Json& value) {
  return std::string(kind) + std::to_string(project_id) + ":" + as_text(value);
}

/// Keys are known only now that the step could begin; within its limits it is claimed again.
Result<Prepared> evaluate_limits(const Launch& at, const StepScope& scope) {
  const LimitSpec& spec = *node_of(at).limits;
  limits::Evaluated out;
  if (spec.key) {
    out.key = with_kind("c:", at.project_id, WRENCH_TRY(spec.key->eval(scope)));
    out.cap = spec.cap;
    // One that is refused at once, or waits, needs to say nothing of it later.
    if (spec.strategy != KeyStrategy::CancelNewest) out.strategy = spec.strategy;
    if (spec.by) out.by = as_text(WRENCH_TRY(spec.by->eval(scope)));
    if (spec.cap_expression) {
      const Json cap = WRENCH_TRY(spec.cap_expression->eval(scope));
      if (!cap.is_integer() || cap.as_integer() < 1 || cap.as_integer() > kLimitMax)
        return Error("workflow.condition_type", "the limit '" + spec.cap_expression->text() +
                                                    "' isn't a whole number from 1 to " + format_count(kLimitMax));
      out.cap = cap.as_integer();
    }
  }
  if (spec.rate) {
    out.rate = with_kind("r:", at.project_id, WRENCH_TRY(spec.rate->eval(scope)));
    out.period_us = spec.period_us;
    out.burst = spec.burst;
  }
  if (scope.error()) return *scope.error();
  for (const std::string* key : {&out.key, &out.by, &out.rate})
    if (key->size() > limits::kKeyBytesMax)
      return Error("workflow.condition_type", "a key has more than " + std::to_string(limits::kKeyBytesMax) + " bytes");
  return Prepared(command::Outcome::Limits{out.str(), spec.strategy == KeyStrategy::CancelNewest});
}

/// The task that the step begins and waits for.
Result<Prepared> open_child(const Launch& at, const StepScope& scope, StepSession& session, Baggage& baggage) {
  const ChildSpec& spec = *node_of(at).wait->child;
  CreateTask task;
  const Json title = WRENCH_TRY(resolve_references(spec.title, scope));
  task.title = title.is_null() ? node_of(at).id : as_text(title);
  task.kind = "child";
  task.plan = spec.plan;
  if (!spec.inputs.is_null()) task.inputs = WRENCH_TRY(resolve_references(spec.inputs, scope));
  if (!task.inputs.is_object()) return Error("workflow.invalid_task", "the inputs of a task are an object");
  task.on_exhausted = at.on_exhausted;
  Creation child = WRENCH_TRY(creation::prepare(std::move(task), session.clock, session.random));
  WaitDraft draft;
  draft.wait_id = make_id("wai", session.clock, session.random);
  draft.kind = WaitKind::Child;
  draft.title = child.task.title;
  draft.subject = codec::write_json(Json::object({{"task", child.task_id}, {"step", spec.output + 1}}));
  const Micros expires_us = node_of(at).wait->expires_us;
  const Micros over_at = expires_us == 0 ? 0 : at.step.claimed_at + expires_us;
  if (over_at != 0) draft.expires_at = over_at;
  command::Outcome::Wait wait{WaitKind::Child, draft.wait_id, over_at};
  child.budgets = at.budgets;
  baggage.wait = std::move(draft);
  baggage.child = std::move(child);
  return Prepared(std::move(wait));
}

/// Nobody else could run it: its execution is this process's.
Error labels_missing(const Labels& required, const Labels& offered) {
  return Error("workflow.labels_missing", "it requires a process with " + to_string(required) + "; this one offers " +
                                              (offered.empty() ? "no labels" : to_string(offered)) +
                                              ", and on one machine no other can take it")
      .with_help("give them with --labels or WRENCH_LABELS");
}

Result<Prepared> prepare(ReadTx& tx, const Launch& at, StepScope& scope, StepSession& session, Baggage& baggage) {
  WRENCH_TRY(scope.enter(at.step));
  const PlanNode& node = node_of(at);
  if ((at.step.flags & kFlagCollecting) != 0) return collect(tx, at, scope);
  if (node.when) {
    const bool go = WRENCH_TRY(node.when->test(scope));
    if (scope.error()) return *scope.error();
    if (!go) return Prepared(SkipStep{});
  }
  if (node.labels != nullptr && session.labels != nullptr && !satisfies(*session.labels, *node.labels)) {
    if (session.store.dialect() == storage::Dialect::Postgres) return Prepared(command::Outcome::Elsewhere{});
    return labels_missing(*node.labels, *session.labels);
  }
  if (node.limits != nullptr && at.step.limits.empty()) return evaluate_limits(at, scope);
  if (is_replaced(at.step)) return prepare_call(at, scope);
  switch (node.kind) {
    case NodeKind::Call:
      return prepare_call(at, scope);
    case NodeKind::Map:
      return open_map(at, scope);
    case NodeKind::Merge:
      return Prepared(Finished{WRENCH_TRY(merge_node(at, scope))});
    case NodeKind::Choose:
      return Prepared(Finished{WRENCH_TRY(choose(node, scope))});
    case NodeKind::Loop:
    case NodeKind::Group:
      return Prepared(NextIteration{});
    case NodeKind::Wait:
      return open_wait(at, scope, session, baggage);
    case NodeKind::Child:
      return open_child(at, scope, session, baggage);
  }
  return Error("storage.corrupt", "a stored plan has a node of no known kind");
}

/// A value of the step: what its call answered.
std::string call_name(int call) { return "call " + std::to_string(call); }

/// Numbers from here on are those of programs, and no calls that capabilities ask for.
constexpr int kPrograms = 1'000'000'000;

/// By the plan's condition.
Result<std::optional<Error>> refusal_of(const PlanNode& node, const Json& output, const Scope& scope) {
  if (!node.ensure || WRENCH_TRY(node.ensure->test(ScopeWith(scope, "output", output)))) return std::optional<Error>();
  return std::optional(Error("workflow.condition_false", "the output doesn't satisfy '" + node.ensure->text() + "'"));
}

FailureClass class_of_refusal(const PlanNode& node) {
  return node.ensure_retry ? FailureClass::Retryable : FailureClass::Permanent;
}

class Context final : public StepContext {
 public:
  Context(const StepInvocation& invocation, const Launch& launch, const Scope& scope, StepSession& session,
          Baggage& baggage)
      : invocation_(invocation), launch_(launch), scope_(scope), session_(session), baggage_(baggage) {}

  /// What a budget refused last; nothing: none did.
  std::optional<BudgetAmounts> refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

  /// A program begins. On any thread that works for the step.
  Result<void> count_program(std::string_view program) {
    std::string name(program.substr(program.rfind('/') + 1));
    int call = 0;
    {
      const std::lock_guard lock(mutex_);
      call = ++programs_;
    }
    return draw(command::Record::Kind::Spend, kPrograms + call, {{"tool_calls." + std::move(name), 1}});
  }

  Result<BudgetTicket> ask(int call, const BudgetAmounts& most) override {
    WRENCH_TRY(check_budget(most));
    if (call < 1 || call >= kPrograms || most.contains("depth") || !asked_.insert(call).second)
      return Error("workflow.budget_invalid", "the call " + std::to_string(call) + " was asked for before, or is none");
    BudgetTicket ticket{call, std::nullopt};
    if (invocation_.epoch > 1) {
      const Rows known = WRENCH_TRY(value(call_name(call)));
      if (!known.empty()) ticket.response = WRENCH_TRY(codec::parse_json(known.front().text(0)));
    }
    if (!ticket.response && launch_.draws) WRENCH_TRY(draw(command::Record::Kind::Reserve, call, most));
    return ticket;
  }

  Result<void> use(const BudgetTicket& ticket, const BudgetAmounts& used, const Json& response) override {
    if (ticket.response) return {};
    if (!used.empty()) WRENCH_TRY(check_budget(used));
    std::string json = response.is_null() ? std::string() : codec::write_json(response);
    if (json.size() > kCheckpointBytesMax)
      return Error("workflow.checkpoint_too_large", "a response of " + format_bytes(json.size()) + "; the limit is " +
                                                        format_bytes(kCheckpointBytesMax));
    if (!launch_.draws && json.empty()) return {};
    auto what = make(launch_.draws ? command::Record::Kind::Settle : command::Record::Kind::Value,
                     call_name(ticket.call), std::move(json));
    if (launch_.draws) {
      what.call_no = ticket.call;
      what.amounts = used;
    }
    return session_.record(std::move(what));
  }

  StopToken stop() const override { return session_.stop; }
  Deadline deadline() const override { return session_.deadline; }
  void tick(const Progress& progress) override { session_.tick(progress); }
  void stream(std::string_view text) override { session_.stream(text); }
  void attach(storage::WriteBody body) override { baggage_.attached.push_back(std::move(body)); }

  Result<Json> keep(std::string_view bytes) override {
    auto artifact = WRENCH_TRY(prepare_artifact(bytes));
    for (auto& part : artifact.parts) baggage_.blobs.push_back(std::move(part));
    return std::move(artifact.reference);
  }
  Result<std::string> kept(const Json& reference) override { return read_artifact(session_.store, reference); }

  Result<void> checkpoint(const Json& state) override {
    std::string json = codec::write_json(state);
    if (json.size() > kCheckpointBytesMax)
      return Error("workflow.checkpoint_too_large", "a checkpoint of " + format_bytes(json.size()) + "; the limit is " +
                                                        format_bytes(kCheckpointBytesMax));
    return record(command::Record::Kind::Checkpoint, {}, std::move(json));
  }

  Result<Json> journaled(std::string_view name, const std::function<Json()>& draw) override {
    const Rows known = WRENCH_TRY(value(name));
    if (!known.empty()) return codec::parse_json(known.front().text(0));
    Json value = draw();
    WRENCH_TRY(record(command::Record::Kind::Value, std::string(name), codec::write_json(value)));
    return value;
  }

  Result<EffectTicket> begin_effect(int index, const Json& intent) override {
    EffectTicket ticket;
    ticket.effect_key = effect_key(invocation_.execution_id, invocation_.node, invocation_.iterations, index);
    const Rows known =
        WRENCH_TRY(session_.store.read([&](ReadTx& tx) { return tx.query(sql::kEffect, {ticket.effect_key}); }));
    if (!known.empty() && known.front().integer(0) == 1 && keeps(Keep::ReceiptKnown)) {
      ticket.receipt = WRENCH_TRY(codec::parse_json(known.front().text_or_empty(1)));
      return ticket;
    }
    if (!known.empty() && known.front().integer(0) == 0 && keeps(Keep::OpenIntentUncertain))
      return Error("workflow.effect_uncertain",
                   "an earlier run began this effect, and whether it took place isn't known");
    WRENCH_TRY(record(command::Record::Kind::Intent, ticket.effect_key, codec::write_json(intent)));
    return ticket;
  }

  std::optional<Failed> refusal(const Json& output) override {
    const PlanNode& node = node_of(launch_);
    auto refusal = refusal_of(node, output, scope_);
    if (!refusal.ok() || !*refusal) return std::nullopt;
    return Failed{
        .failure = class_of_refusal(node), .error = std::move(**refusal), .retry_after_us = {}, .happened = true};
  }

  Result<std::vector<EffectTicket>> receipts() override {
    const Rows rows = WRENCH_TRY(session_.store.read(
        [&](ReadTx& tx) { return tx.query(sql::kReceiptsOfStep, {invocation_.execution_no, invocation_.step_no}); }));
    std::vector<EffectTicket> out;
    for (const auto row : rows)
      out.push_back({std::string(row.text(0)), WRENCH_TRY(codec::parse_json(row.text_or_empty(1)))});
    return out;
  }

  Result<void> recovering(const Json& entry) override {
    return record(command::Record::Kind::Recovery, {}, codec::write_json(entry));
  }

  Result<void> end_effect(const EffectTicket& ticket, const Json& receipt) override {
    return record(command::Record::Kind::Receipt, ticket.effect_key, codec::write_json(receipt));
  }

 private:
  Result<Rows> value(std::string_view name) {
    return session_.store.read(
        [&](ReadTx& tx) { return tx.query(sql::kValue, {invocation_.execution_no, invocation_.step_no, name}); });
  }
  command::Record make(command::Record::Kind kind, std::string name, std::string json) const {
    return {.step = {invocation_.execution_no, invocation_.step_no},
            .epoch = invocation_.epoch,
            .kind = kind,
            .name = std::move(name),
            .json = std::move(json)};
  }
  Result<void> record(command::Record::Kind kind, std::string name, std::string json) {
    return session_.record(make(kind, std::move(name), std::move(json)));
  }
  Result<void> draw(command::Record::Kind kind, int call, const BudgetAmounts& amounts) {
    auto what = make(kind, {}, {});
    what.call_no = call;
    what.amounts = amounts;
    auto granted = session_.record(std::move(what));
    if (!granted.ok() && granted.error().code == "workflow.budget_exceeded") {
      const std::lock_guard lock(mutex_);
      refused_ = amounts;
    }
    return granted;
  }

  const StepInvocation& invocation_;
  const Launch& launch_;
  const Scope& scope_;
  StepSession& session_;
  Baggage& baggage_;
  std::set<int> asked_;
  mutable std::mutex mutex_;
  int programs_ = 0;
  std::optional<BudgetAmounts> refused_;
};

/// While it lives, programs that the step runs are counted.
class ProgramsCounted {
 public:
  ProgramsCounted(Context& context, bool counts) : account_(counts ? runtime::UsageAccount::current() : nullptr) {
    if (account_) account_->admit_with([&context](std::string_view program) { return context.count_program(program); });
  }
  ~ProgramsCounted() {
    if (account_) account_->admit_with({});
  }
  ProgramsCounted(const ProgramsCounted&) = delete;
  ProgramsCounted& operator=(const ProgramsCounted&) = delete;

 private:
  std::shared_ptr<runtime::UsageAccount> account_;
};

std::string error_json(const Error& error) {
  std::string message = repair_utf8(error.message.substr(0, kErrorBytesMax));
  Json what = Json::object({{"code", error.code}, {"message", std::move(message)}});
  if (error.cause) what.set("cause", repair_utf8(describe(*error.cause).substr(0, kErrorBytesMax)));
  return codec::write_json(what);
}

command::Outcome::Fail failure(FailureClass kind, const Error& error, std::optional<Micros> retry_after = {}) {
  return {.failure = kind, .error_json = error_json(error), .retry_after_us = retry_after};
}

using Result1 = decltype(command::Outcome::result);

constexpr std::string_view kTextReplaced = "\nwrench: what isn't UTF-8 in the texts of the output became U+FFFD\n";

Result<Result1> report(StepOutcome outcome, Baggage& baggage, const StepSession& session) {
  if (!std::holds_alternative<Completed>(outcome)) baggage = Baggage();  // What it kept is for its completion only.
  if (std::holds_alternative<Yielded>(outcome)) return Result1(command::Outcome::Yield{});
  if (const auto* held = std::get_if<HeldBack>(&outcome))
    return Result1(command::Outcome::HeldBack{error_json(held->reason), held->delay_us});
  if (auto* failed = std::get_if<Failed>(&outcome)) {
    auto fail = failure(failed->failure, failed->error, failed->retry_after_us);
    fail.happened = failed->happened;
    fail.judged = failed->error.code != kMissingCapability;
    if (failed->recovery) fail.recovery = std::make_shared<const RecoveryNote>(std::move(*failed->recovery));
    return Result1(std::move(fail));
  }
  auto& completed = std::get<Completed>(outcome);
  Payload output = WRENCH_TRY(payload::pack(completed.output, baggage.blobs));
  if (session.stream && holds_invalid_text(completed.output)) session.stream(kTextReplaced);
  for (const auto& finding : completed.findings)
    baggage.findings.push_back(findings_store::prepare(finding, make_id("fnd", session.clock, session.random)));
  return Result1(command::Outcome::Complete{std::move(output)});
}

/// A completion that isn't what the plan asks for is a failure, though its effects took place.
Result<Result1> ensured(Result1 result, const Json& output, const Launch& at, const StepScope& scope,
                        Baggage& baggage) {
  const PlanNode& node = node_of(at);
  const auto refusal = WRENCH_TRY(refusal_of(node, output, scope));
  if (!refusal) return result;
  baggage = Baggage();
  auto fail = failure(class_of_refusal(node), *refusal);
  fail.happened = true;
  return Result1(std::move(fail));
}

Result<Result1> carry_out(const Launch& at, StepRunner& runner, StepSession& session, Baggage& baggage) {
  SeparateReads separate(session.store);
  ReadTx& reads = session.reads == nullptr ? separate : *session.reads;
  StepScope scope(reads, session.payloads, at);
  Prepared prepared = WRENCH_TRY(prepare(reads, at, scope, session, baggage));
  if (scope.error()) return *scope.error();
  if (std::holds_alternative<SkipStep>(prepared)) return Result1(command::Outcome::WhenFalse{});
  if (auto* finished = std::get_if<Finished>(&prepared)) {
    Result1 done(command::Outcome::Complete{WRENCH_TRY(payload::pack(finished->output, baggage.blobs))});
    return ensured(std::move(done), finished->output, at, scope, baggage);
  }
  if (auto* map = std::get_if<OpenMap>(&prepared)) {
    const auto items = static_cast<std::int64_t>(map->items.as_array().size());
    return Result1(command::Outcome::OpenMap{items, WRENCH_TRY(payload::pack(map->items, baggage.blobs))});
  }
  if (auto* wait = std::get_if<command::Outcome::Wait>(&prepared)) return Result1(std::move(*wait));
  if (auto* limited = std::get_if<command::Outcome::Limits>(&prepared)) return Result1(std::move(*limited));
  if (std::holds_alternative<command::Outcome::Elsewhere>(prepared)) return Result1(command::Outcome::Elsewhere{});
  if (auto* next = std::get_if<NextIteration>(&prepared))
    return Result1(command::Outcome::Iterate{
        next->iteration, next->last ? WRENCH_TRY(payload::pack(*next->last, baggage.blobs)) : Payload{}});
  const StepInvocation& invocation = std::get<Call>(prepared).invocation;
  const Micros limit = node_of(at).timeouts.start_to_close_us;
  if (limit > 0) session.deadline = Deadline::after(session.clock, limit);
  Context context(invocation, at, scope, session, baggage);
  const ProgramsCounted counted(context, at.counts_tools);
  StepOutcome outcome = run_capability(runner, invocation, context);
  if (const auto* failed = std::get_if<Failed>(&outcome); failed != nullptr && context.refused()) {
    const Error* cause = &failed->error;
    while (cause->code != "workflow.budget_exceeded" && cause->cause) cause = cause->cause.get();
    if (cause->code == "workflow.budget_exceeded") {
      baggage = Baggage();
      return Result1(command::Outcome::OutOfBudget{*context.refused()});
    }
  }
  Json output;
  const auto* completed = std::get_if<Completed>(&outcome);
  const bool ensures = completed != nullptr && node_of(at).ensure && !completed->passed_over;
  if (ensures) output = completed->output;
  Result1 result = WRENCH_TRY(report(std::move(outcome), baggage, session));
  if (!ensures) return result;
  return ensured(std::move(result), output, at, scope, baggage);
}

}  // namespace

StepOutcome run_capability(StepRunner& runner, const StepInvocation& invocation, StepContext& context) {
  if (const auto traits = runner.traits(invocation.capability); !traits)
    return Failed{FailureClass::Permanent, Error(std::string(kMissingCapability), traits.error().message), {}};
  try {
    return runner.run(invocation, context);
  } catch (const std::exception& e) {
    return Failed{FailureClass::Permanent,
                  Error("workflow.step_threw", "the capability '" + invocation.capability + "' failed: " + e.what()),
                  {}};
  }
}

FailureClass failure_class(const Error& error) {
  constexpr std::string_view kLasting[] = {"storage.corrupt", "storage.blob_missing", "storage.schema_newer"};
  constexpr std::string_view kPassing[] = {"runtime.queue_full", "io.too_many_files"};
  const auto any = [&](const auto& codes) { return std::ranges::find(codes, error.code) != std::end(codes); };
  const bool passing = any(kPassing) || (error.code.starts_with("storage.") && !any(kLasting));
  return passing ? FailureClass::Retryable : FailureClass::Permanent;
}

Job execute_step(const Launch& launch, StepRunner& runner, StepSession session) {
  auto baggage = std::make_shared<Baggage>();
  const StepRow& step = launch.step;
  command::Outcome outcome{{step.execution_no, step.step_no}, step.epoch, {}};
  auto result = carry_out(launch, runner, session, *baggage);
  if (result.ok()) {
    outcome.result = std::move(*result);
  } else {
    *baggage = Baggage();
    outcome.result = failure(failure_class(result.error()), result.error());
  }
  return Job{.work = Command(std::move(outcome)), .baggage = std::move(baggage)};
}

Result<std::string> check_resolution(ReadTx& tx, PlanCache& plans, PayloadCache& payloads, std::int64_t task_no,
                                     std::int64_t step_no, const Json& output) {
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
  if (latest.empty()) return Error("storage.corrupt", "a task has no execution");
  const ExecutionRow execution = row_store::execution_from(latest.front());
  const Rows found = WRENCH_TRY(tx.query(sql::kStepRow, {execution.id, step_no}));
  if (found.empty())
    return Error("workflow.step_not_found", "the task's latest execution has no step " + std::to_string(step_no));
  Launch at{.step = row_store::step_from(found.front()), .plan = WRENCH_TRY(plans.get(tx, execution.plan_hash))};
  at.task_no = task_no;
  if (execution.forked_from != 0) at.fork = WRENCH_TRY(plans.fork(tx, *at.plan, execution));
  if (!is_held(at.step.state))
    return Error("workflow.invalid_transition", "step " + std::to_string(step_no) + " is " +
                                                    std::string(name(at.step.state)) +
                                                    ": only a dead or uncertain one can be given its output");
  const PlanNode& node = node_of(at);
  if (!node.ensure) return node.capability;
  StepScope scope(tx, payloads, at);
  WRENCH_TRY(scope.enter(at.step));
  const auto refusal = WRENCH_TRY(refusal_of(node, output, scope));
  if (scope.error()) return *scope.error();
  if (refusal) return *refusal;
  return node.capability;
}

Result<Job> reconcile_step(StepKey key, StepRunner& runner, storage::Store& store, PlanCache& plans) {
  struct Open {
    StepRow step;
    std::string capability;
    std::vector<std::pair<std::string, Json>> intents;
  };
  const Open open = WRENCH_TRY(store.read([&](ReadTx& tx) -> Result<Open> {
    Open out;
    const Rows step = WRENCH_TRY(tx.query(sql::kStepRow, {key.execution_no, key.step_no}));
    const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {key.execution_no}));
    if (step.empty() || execution.empty()) return Error("workflow.step_not_found", "there is no such step");
    out.step = row_store::step_from(step.front());
    const auto plan = WRENCH_TRY(plans.get(tx, row_store::execution_from(execution.front()).plan_hash));
    out.capability = plan->nodes()[out.step.node].capability;
    const Rows intents = WRENCH_TRY(tx.query(sql::kIntentsOfStep, {key.execution_no, key.step_no}));
    for (const auto row : intents) out.intents.emplace_back(row.text(0), WRENCH_TRY(codec::parse_json(row.text(1))));
    return out;
  }));
  command::Reconcile answer{key, open.step.epoch, ReconcileAnswer::Unknown, {}};
  for (const auto& [effect, intent] : open.intents) {
    const Reconciled said = runner.reconcile(open.capability, effect, intent);
    answer.answer = said.answer;
    if (said.answer != ReconcileAnswer::Done) break;
    answer.receipt.inline_json = codec::write_json(said.receipt);
  }
  if (answer.receipt.inline_json.size() > kInlineBytesMax)
    return Error("workflow.output_too_large", "a receipt is larger than " + format_bytes(kInlineBytesMax));
  return Job{.work = Command(std::move(answer))};
}

}  // namespace wrench::workflow
