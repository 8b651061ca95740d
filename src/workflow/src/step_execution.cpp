#include "wrench/workflow/step_execution.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "guards.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/artifact.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kChildPage = 1000;
constexpr std::size_t kMergeDepthMax = 64;  ///< Objects within objects that a merge step joins.
constexpr std::size_t kConflictsListed = 100;

/// Each query on a snapshot of its own. What a step reads to begin (plan, inputs, outputs of ended steps) never changes
/// any more, and parsing a large output between two queries may take longer than a snapshot lives.
class SeparateReads final : public ReadTx {
 public:
  explicit SeparateReads(storage::Store& store) : store_(store) {}
  Result<Rows> query(const storage::Statement& statement, storage::Binds binds) override {
    return store_.read([&](ReadTx& tx) { return tx.query(statement, binds); });
  }

 private:
  storage::Store& store_;
};

/// `inputs`, `steps.<id>.output` and the map's item, read from the store when a path asks for them.
class StepScope final : public Scope {
 public:
  StepScope(ReadTx& tx, const ExecutionRow& execution, const Plan& plan)
      : tx_(tx), execution_(execution), plan_(plan) {}

  void set_item(std::string name, Json value) { item_ = {std::move(name), std::move(value)}; }

  const Json* root(std::string_view name) const override {
    if (!item_.first.empty() && name == item_.first) return &item_.second;
    if (name == "inputs") {
      if (!inputs_) inputs_ = keep(read_inputs(tx_, execution_.task_no));
      return &*inputs_;
    }
    return nullptr;
  }

  const Json* path(const std::vector<std::string>& parts) const override {
    if (parts.size() < 2 || parts[0] != "steps") return Scope::path(parts);
    if (parts.size() < 3 || parts[2] != "output") return nullptr;
    const Json& output = output_of(parts[1]);
    Single scope{output};
    std::vector<std::string> rest(parts.begin() + 2, parts.end());
    return scope.path(rest);
  }

  const Json& output_of(const std::string& node) const {
    if (const auto it = outputs_.find(node); it != outputs_.end()) return it->second;
    Json& slot = outputs_[node];
    const auto index = plan_.find(node);
    if (!index) return slot;
    auto step = tx_.query(sql::kStepOfNode, {execution_.id, *index + 1});
    if (!step.ok()) {
      note(step.error());
    } else if (!step->empty() && step->front().integer(0) == static_cast<int>(StepState::Completed)) {
      slot = keep(payload::of_journal(tx_, execution_.id, step->front().integer(1)));
    }
    return slot;
  }

  /// The first storage error that made a name null.
  const std::optional<Error>& error() const { return error_; }

 private:
  struct Single final : Scope {
    explicit Single(const Json& only) : value(only) {}
    const Json* root(std::string_view) const override { return &value; }
    const Json& value;
  };
  Json keep(Result<Json> value) const {
    if (value.ok()) return std::move(*value);
    note(value.error());
    return Json();
  }
  void note(const Error& error) const {
    if (!error_) error_ = error;
  }

  ReadTx& tx_;
  const ExecutionRow& execution_;
  const Plan& plan_;
  std::pair<std::string, Json> item_;
  mutable std::optional<Json> inputs_;
  mutable std::map<std::string, Json> outputs_;
  mutable std::optional<Error> error_;
};

/// What a claimed step turns out to be.
struct OpenMap {
  Json items;
};
struct SkipStep {};
struct Finished {
  Json output;
};
struct Call {
  StepInvocation invocation;
  Micros start_to_close_us = 0;
};
using Prepared = std::variant<Call, OpenMap, SkipStep, Finished>;

void merge_into(Json& target, const Json& value, std::size_t depth, const std::string& path, Json& conflicts) {
  if (target.is_null()) {
    target = value;
  } else if (target.is_object() && value.is_object() && depth < kMergeDepthMax) {
    for (const auto& [member, inner] : value.as_object())
      merge_into(target[member], inner, depth + 1, path + "/" + member, conflicts);
  } else if (target.is_array() && value.is_array()) {
    for (const Json& item : value.as_array()) target.push_back(item);
  } else if (!value.is_null() && !(target == value)) {
    if (conflicts.as_array().size() < kConflictsListed) conflicts.push_back(path);
    target = value;
  }
}

Json combine(MergeStrategy strategy, std::vector<Json> values) {
  if (strategy == MergeStrategy::Append) return Json::object({{"items", Json(std::move(values))}});
  Json out;
  Json conflicts = Json::array();
  for (const Json& value : values) merge_into(out, value, 0, "", conflicts);
  if (out.is_null()) out = Json::object();
  if (!out.is_object()) out = Json::object({{"items", std::move(out)}});
  if (!conflicts.as_array().empty()) out.set("conflicts", std::move(conflicts));
  return out;
}

Result<Json> merge_node(const PlanNode& node, const Plan& plan, const StepScope& scope) {
  std::vector<Json> values;
  if (node.merge_from.empty()) {
    for (const Need& need : node.needs) values.push_back(scope.output_of(plan.nodes()[need.node].id));
  } else {
    for (const Json& from : node.merge_from) values.push_back(WRENCH_TRY(resolve_references(from, scope)));
  }
  return combine(node.strategy, std::move(values));
}

Result<Json> collect_children(ReadTx& tx, const StepRow& step, MergeStrategy strategy) {
  const MapCursor cursor = MapCursor::parse(step.cursor);
  std::vector<Json> values(static_cast<std::size_t>(cursor.items));
  std::vector<bool> have(values.size(), false);
  std::int64_t after = 0;
  for (;;) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kChildren, {step.execution_no, step.step_no, after, kChildPage}));
    for (const auto row : rows) {
      after = row.integer(1);
      const auto item = static_cast<std::size_t>(row.integer(0));
      if (row.integer(2) != static_cast<int>(StepState::Completed) || item >= values.size()) continue;
      values[item] = WRENCH_TRY(payload::of_journal(tx, step.execution_no, row.integer(3)));
      have[item] = true;
    }
    if (rows.size() < kChildPage) break;
  }
  Json failed = Json::array();
  for (std::size_t i = 0; i < have.size(); ++i)
    if (!have[i]) failed.push_back(i);
  Json out = combine(strategy, std::move(values));
  if (!failed.as_array().empty()) out.set("failed", std::move(failed));
  return out;
}

Result<Prepared> prepare(ReadTx& tx, PlanCache& plans, const StepRow& step) {
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {step.execution_no}));
  if (found.empty()) return Error("storage.corrupt", "a step has no execution");
  const ExecutionRow execution = row_store::execution_from(found.front());
  const auto plan = WRENCH_TRY(plans.get(tx, execution.plan_hash));
  const PlanNode& node = plan->nodes()[step.node];
  StepScope scope(tx, execution, *plan);
  const auto checked = [&](Prepared prepared) -> Result<Prepared> {
    if (scope.error()) return *scope.error();
    return prepared;
  };

  const bool child = step.parent_step != 0;
  if (!child && (step.flags & kFlagCollecting) != 0) {
    Json output = WRENCH_TRY(collect_children(tx, step, node.strategy));
    return Prepared(Finished{std::move(output)});
  }
  if (!child && node.when) {
    const bool go = WRENCH_TRY(node.when->test(scope));
    if (scope.error()) return *scope.error();
    if (!go) return Prepared(SkipStep{});
  }
  if (node.kind == NodeKind::Merge) return checked(Finished{WRENCH_TRY(merge_node(node, *plan, scope))});
  if (node.kind == NodeKind::Map && !child) {
    Json items = WRENCH_TRY(node.over->eval(scope));
    if (scope.error()) return *scope.error();
    if (items.is_null()) items = Json::array();
    if (!items.is_array()) return Error("workflow.bad_distribution", "'" + node.over->text() + "' isn't a list");
    if (items.as_array().size() > kMapItemsMax)
      return Error("workflow.bad_distribution", "'" + node.over->text() + "' has " +
                                                    format_count(items.as_array().size()) + " items; the limit is " +
                                                    format_count(kMapItemsMax));
    if (items.as_array().empty()) return Prepared(Finished{combine(node.strategy, {})});
    return Prepared(OpenMap{std::move(items)});
  }
  const Rows task = WRENCH_TRY(tx.query(sql::kTaskRow, {execution.task_no}));
  StepInvocation out;
  out.execution_no = step.execution_no;
  out.step_no = step.step_no;
  out.epoch = step.epoch;
  out.attempt = step.attempt;
  out.task_id = task.front().text(1);
  out.execution_id = execution.execution_id;
  out.project_id = task.front().integer(2);
  out.node = node.id;
  out.capability = node.capability;
  if (child) {
    out.item = step.iteration;
    const Rows parent = WRENCH_TRY(tx.query(sql::kStepRow, {step.execution_no, step.parent_step}));
    const StepRow map = row_store::step_from(parent.front());
    // This attempt timed out before it began, and the map has gone on without it.
    if (map.state != StepState::Waiting) return Error("workflow.fenced", "the map of this item has ended");
    const MapCursor cursor = MapCursor::parse(map.cursor);
    const Json items = WRENCH_TRY(payload::of_journal(tx, step.execution_no, cursor.items_seq));
    scope.set_item(node.item_name, items.as_array().at(static_cast<std::size_t>(step.iteration)));
  }
  out.input = WRENCH_TRY(resolve_references(node.input, scope));
  if (!step.cursor.empty()) out.checkpoint = WRENCH_TRY(codec::parse_json(step.cursor));
  return checked(Call{std::move(out), node.timeouts.start_to_close_us});
}

class Context final : public StepContext {
 public:
  Context(const StepInvocation& invocation, StepSession& session, Baggage& baggage)
      : invocation_(invocation), session_(session), baggage_(baggage) {}

  StopToken stop() const override { return session_.stop; }
  Deadline deadline() const override { return session_.deadline; }
  void tick(const Progress& progress) override { session_.tick(progress); }
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
    const Rows known = WRENCH_TRY(session_.store.read(
        [&](ReadTx& tx) { return tx.query(sql::kValue, {invocation_.execution_no, invocation_.step_no, name}); }));
    if (!known.empty()) return codec::parse_json(known.front().text(0));
    Json value = draw();
    WRENCH_TRY(record(command::Record::Kind::Value, std::string(name), codec::write_json(value)));
    return value;
  }

  Result<EffectTicket> begin_effect(int index, const Json& intent) override {
    EffectTicket ticket;
    ticket.effect_key = effect_key(invocation_.execution_id, invocation_.node, invocation_.item.value_or(-1), index);
    const Rows known =
        WRENCH_TRY(session_.store.read([&](ReadTx& tx) { return tx.query(sql::kEffect, {ticket.effect_key}); }));
    if (!known.empty() && known.front().integer(0) == 1 && keeps(Keep::ReceiptKnown)) {
      ticket.receipt = WRENCH_TRY(codec::parse_json(known.front().text_or_empty(1)));
      return ticket;
    }
    WRENCH_TRY(record(command::Record::Kind::Intent, ticket.effect_key, codec::write_json(intent)));
    return ticket;
  }

  Result<void> end_effect(const EffectTicket& ticket, const Json& receipt) override {
    return record(command::Record::Kind::Receipt, ticket.effect_key, codec::write_json(receipt));
  }

 private:
  Result<void> record(command::Record::Kind kind, std::string name, std::string json) {
    return session_.record(command::Record{
        {invocation_.execution_no, invocation_.step_no}, invocation_.epoch, kind, std::move(name), std::move(json)});
  }

  const StepInvocation& invocation_;
  StepSession& session_;
  Baggage& baggage_;
};

Result<Payload> pack(const Json& value, Baggage& baggage) {
  std::string json = codec::write_json(value);
  if (json.size() <= kInlineBytesMax) return Payload{std::move(json), {}};
  if (json.size() > kStepOutputBytesMax)
    return Error("workflow.output_too_large",
                 "the output has " + format_bytes(json.size()) + "; the limit is " + format_bytes(kStepOutputBytesMax));
  baggage.blobs.push_back(WRENCH_TRY(storage::blob_store::prepare(json)));
  return Payload{{}, baggage.blobs.back().hash};
}

command::Outcome::Fail failure(FailureClass kind, const Error& error, std::optional<Micros> retry_after = {}) {
  std::string message = repair_utf8(error.message.substr(0, kErrorBytesMax));
  Json what = Json::object({{"code", error.code}, {"message", std::move(message)}});
  if (error.cause) what.set("cause", repair_utf8(describe(*error.cause).substr(0, kErrorBytesMax)));
  return {kind, codec::write_json(what), retry_after};
}

StepOutcome call(StepRunner& runner, const StepInvocation& invocation, StepContext& context) {
  if (const auto traits = runner.traits(invocation.capability); !traits)
    return Failed{FailureClass::Permanent, Error("workflow.missing_capability", traits.error().message), {}};
  try {
    return runner.run(invocation, context);
  } catch (const std::exception& e) {
    return Failed{FailureClass::Permanent,
                  Error("workflow.step_threw", "the capability '" + invocation.capability + "' failed: " + e.what()),
                  {}};
  }
}

using Result1 = decltype(command::Outcome::result);

Result<Result1> report(StepOutcome outcome, Baggage& baggage, Random& random, const Clock& clock) {
  if (!std::holds_alternative<Completed>(outcome)) baggage = Baggage();  // What it kept is for its completion only.
  if (std::holds_alternative<Yielded>(outcome)) return Result1(command::Outcome::Yield{});
  if (auto* failed = std::get_if<Failed>(&outcome))
    return Result1(failure(failed->failure, failed->error, failed->retry_after_us));
  auto& completed = std::get<Completed>(outcome);
  Payload output = WRENCH_TRY(pack(completed.output, baggage));
  for (const auto& finding : completed.findings)
    baggage.findings.push_back(findings_store::prepare(finding, make_id("fnd", clock, random)));
  return Result1(command::Outcome::Complete{std::move(output)});
}

Result<Result1> carry_out(const StepRow& step, StepRunner& runner, StepSession& session, Baggage& baggage) {
  SeparateReads reads(session.store);
  Prepared prepared = WRENCH_TRY(prepare(reads, session.plans, step));
  if (std::holds_alternative<SkipStep>(prepared)) return Result1(command::Outcome::WhenFalse{});
  if (auto* finished = std::get_if<Finished>(&prepared))
    return Result1(command::Outcome::Complete{WRENCH_TRY(pack(finished->output, baggage))});
  if (auto* map = std::get_if<OpenMap>(&prepared)) {
    const auto items = static_cast<std::int64_t>(map->items.as_array().size());
    return Result1(command::Outcome::OpenMap{items, WRENCH_TRY(pack(map->items, baggage))});
  }
  const auto& [invocation, start_to_close_us] = std::get<Call>(prepared);
  if (start_to_close_us > 0) session.deadline = Deadline::after(session.clock, start_to_close_us);
  Context context(invocation, session, baggage);
  return report(call(runner, invocation, context), baggage, session.random, session.clock);
}

}  // namespace

FailureClass failure_class(const Error& error) {
  constexpr std::string_view kLasting[] = {"storage.corrupt", "storage.blob_missing", "storage.schema_newer"};
  constexpr std::string_view kPassing[] = {"runtime.queue_full", "io.too_many_files"};
  const auto any = [&](const auto& codes) { return std::ranges::find(codes, error.code) != std::end(codes); };
  const bool passing = any(kPassing) || (error.code.starts_with("storage.") && !any(kLasting));
  return passing ? FailureClass::Retryable : FailureClass::Permanent;
}

Job execute_step(const StepRow& step, StepRunner& runner, StepSession session) {
  auto baggage = std::make_shared<Baggage>();
  command::Outcome outcome{{step.execution_no, step.step_no}, step.epoch, {}};
  auto result = carry_out(step, runner, session, *baggage);
  if (result.ok()) {
    outcome.result = std::move(*result);
  } else {
    *baggage = Baggage();
    outcome.result = failure(failure_class(result.error()), result.error());
  }
  return Job{.work = Command(std::move(outcome)), .baggage = std::move(baggage)};
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
