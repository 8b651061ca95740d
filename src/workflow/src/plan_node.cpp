#include "plan_node.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kEffects[] = {"pure", "local_transactional", "idempotent", "guarded"};
constexpr std::string_view kSlots[] = {"cpu", "io", "llm"};
constexpr std::string_view kKinds[] = {"call", "map", "merge", "loop", "wait", "choose", "child"};
constexpr std::string_view kWaitNames[] = {"signal", "input", "approval", "until", "child", "budget"};
constexpr std::string_view kStrategies[] = {"queue", "cancel_newest", "round_robin", "cancel_running",
                                            "keep_newest_queued"};
constexpr std::string_view kWaitsWritten[] = {"signal", "input", "approval", "until"};
constexpr std::size_t kIdBytesMax = 64;
constexpr std::size_t kChoicesMax = 100;
constexpr Micros kApprovalExpires = kMicrosPerDay;
constexpr Micros kFinallyStartToClose = 60 * kMicrosPerSecond;

template <std::size_t N>
std::optional<std::size_t> index_in(const std::string_view (&names)[N], std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return i;
  return std::nullopt;
}

/// Reads the members of one node; the first error sticks and names the node.
class NodeReader {
 public:
  NodeReader(const Json& value, std::string place) : value_(value), place_(std::move(place)) {}

  Result<void> only(std::span<const std::string_view> known) const {
    for (const auto& [member, ignored] : value_.as_object()) {
      if (std::find(known.begin(), known.end(), member) != known.end()) continue;
      const auto near = nearest(member, std::vector<std::string_view>(known.begin(), known.end()));
      return plan_invalid(place_ + ": unknown member '" + escape_for_display(member) + "'" +
                          (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
    }
    return {};
  }
  Result<std::string> text(std::string_view member) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return std::string();
    if (!v.is_string()) return plan_invalid(place_ + "." + std::string(member) + " must be a string");
    return std::string(v.as_string());
  }
  Result<std::int64_t> integer(std::string_view member, std::int64_t fallback, std::int64_t min,
                               std::int64_t max) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return fallback;
    if (!v.is_integer() || v.as_integer() < min || v.as_integer() > max)
      return plan_invalid(place_ + "." + std::string(member) + " must be a whole number from " + std::to_string(min) +
                          " to " + std::to_string(max));
    return v.as_integer();
  }
  Result<double> number(std::string_view member, double fallback, double min, double max) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return fallback;
    if (!v.is_number() || v.as_double() < min || v.as_double() > max)
      return plan_invalid(place_ + "." + std::string(member) + " must be a number from " + codec::write_json(min) +
                          " to " + codec::write_json(max));
    return v.as_double();
  }
  Result<Micros> milliseconds(std::string_view member, Micros fallback_us) const {
    return WRENCH_TRY(integer(member, fallback_us / kMicrosPerMs, 0, kTimeoutMax / kMicrosPerMs)) * kMicrosPerMs;
  }
  Result<bool> boolean(std::string_view member) const {
    const Json& v = value_.at(member);
    if (!v.is_null() && !v.is_boolean())
      return plan_invalid(place_ + "." + std::string(member) + " must be true or false");
    return v.as_boolean();
  }
  template <std::size_t N>
  Result<std::optional<std::size_t>> one_of(std::string_view member, const std::string_view (&names)[N]) const {
    const std::string word = WRENCH_TRY(text(member));
    if (word.empty()) return std::optional<std::size_t>();
    const auto index = index_in(names, word);
    if (!index) {
      std::string list;
      for (const auto& n : names) list += (list.empty() ? "" : ", ") + std::string(n);
      return plan_invalid(place_ + "." + std::string(member) + " is '" + escape_for_display(word) +
                          "'; known: " + list);
    }
    return index;
  }
  Result<std::optional<Expression>> expression(std::string_view member) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return std::optional<Expression>();
    auto parsed = Expression::parse(v.is_boolean() ? (v.as_boolean() ? "true" : "false") : v.as_string());
    if (!parsed.ok()) return plan_invalid(place_ + "." + std::string(member)).because(std::move(parsed).error());
    return std::optional(std::move(*parsed));
  }
  /// A value in which references are resolved at run time.
  Result<Json> references(std::string_view member) const {
    WRENCH_TRY(check_references(value_.at(member), place_ + "." + std::string(member)));
    return value_.at(member);
  }
  Result<std::span<const Json>> list(std::string_view member) const {
    const Json& v = value_.at(member);
    if (!v.is_null() && !v.is_array()) return plan_invalid(place_ + "." + std::string(member) + " must be a list");
    return std::span<const Json>(v.as_array());
  }
  Result<NodeReader> object(std::string_view member) const {
    const Json& v = value_.at(member);
    if (!v.is_null() && !v.is_object()) return plan_invalid(place_ + "." + std::string(member) + " must be an object");
    return NodeReader(v, place_ + "." + std::string(member));
  }
  const Json& at(std::string_view member) const { return value_.at(member); }
  const std::string& place() const { return place_; }

 private:
  const Json& value_;
  std::string place_;
};

Result<RetryPolicy> read_retry(const NodeReader& reader) {
  static constexpr std::string_view kKnown[] = {"attempts", "first_ms", "factor", "cap_ms"};
  WRENCH_TRY(reader.only(kKnown));
  RetryPolicy out;
  out.attempts = static_cast<int>(WRENCH_TRY(reader.integer("attempts", out.attempts, 1, kRetryAttemptsMax)));
  out.first_us = WRENCH_TRY(reader.milliseconds("first_ms", out.first_us));
  out.cap_us = WRENCH_TRY(reader.milliseconds("cap_ms", out.cap_us));
  out.factor = WRENCH_TRY(reader.number("factor", out.factor, 1, 10));
  return out;
}

Result<Timeouts> read_timeouts(const NodeReader& reader, Timeouts out) {
  static constexpr std::string_view kKnown[] = {"schedule_to_start_ms", "start_to_close_ms", "schedule_to_close_ms",
                                                "heartbeat_ms"};
  WRENCH_TRY(reader.only(kKnown));
  out.schedule_to_start_us = WRENCH_TRY(reader.milliseconds("schedule_to_start_ms", out.schedule_to_start_us));
  out.start_to_close_us = WRENCH_TRY(reader.milliseconds("start_to_close_ms", out.start_to_close_us));
  out.schedule_to_close_us = WRENCH_TRY(reader.milliseconds("schedule_to_close_ms", out.schedule_to_close_us));
  out.heartbeat_us = WRENCH_TRY(reader.milliseconds("heartbeat_ms", out.heartbeat_us));
  return out;
}

Result<void> read_limits(const NodeReader& reader, PlanNode& node) {
  if (reader.at("concurrency").is_null() && reader.at("rate").is_null()) return {};
  const auto spec = std::make_shared<LimitSpec>();
  if (!reader.at("concurrency").is_null()) {
    const NodeReader concurrency = WRENCH_TRY(reader.object("concurrency"));
    static constexpr std::string_view kKnown[] = {"key", "limit", "strategy", "by"};
    WRENCH_TRY(concurrency.only(kKnown));
    spec->key = WRENCH_TRY(concurrency.expression("key"));
    if (!spec->key) return plan_invalid(concurrency.place() + ".key is missing: an expression");
    if (concurrency.at("limit").is_string()) {
      spec->cap_expression = WRENCH_TRY(concurrency.expression("limit"));
    } else {
      spec->cap = static_cast<int>(WRENCH_TRY(concurrency.integer("limit", 1, 1, kLimitMax)));
    }
    spec->strategy = static_cast<KeyStrategy>(WRENCH_TRY(concurrency.one_of("strategy", kStrategies)).value_or(0));
    spec->by = WRENCH_TRY(concurrency.expression("by"));
    if (spec->by.has_value() != (spec->strategy == KeyStrategy::RoundRobin))
      return plan_invalid(concurrency.place() + ": the strategy 'round_robin' and the sub-key 'by' belong together");
  }
  if (!reader.at("rate").is_null()) {
    const NodeReader rate = WRENCH_TRY(reader.object("rate"));
    static constexpr std::string_view kKnown[] = {"key", "per_s", "burst"};
    WRENCH_TRY(rate.only(kKnown));
    spec->rate = WRENCH_TRY(rate.expression("key"));
    if (!spec->rate) return plan_invalid(rate.place() + ".key is missing: an expression");
    if (rate.at("per_s").is_null())
      return plan_invalid(rate.place() + ".per_s is missing: how many may begin a second");
    const double per_s = WRENCH_TRY(rate.number("per_s", 1, 1e-6, 1e5));
    spec->period_us = std::max<Micros>(1, std::llround(static_cast<double>(kMicrosPerSecond) / per_s));
    spec->burst = static_cast<int>(WRENCH_TRY(rate.integer("burst", 1, 1, kLimitMax)));
  }
  node.limits = spec;
  return {};
}

Result<void> read_labels(const NodeReader& reader, PlanNode& node) {
  if (reader.at("requires").is_null()) return {};
  const NodeReader labels = WRENCH_TRY(reader.object("requires"));
  Labels out;
  for (const auto& [name, value] : reader.at("requires").as_object()) {
    if (!is_label_word(name) || !value.is_string() || !is_label_word(value.as_string()))
      return plan_invalid(labels.place() + ": a label is a name and a string, each 1 to " +
                          std::to_string(kLabelBytesMax) + " of letters, digits, _, - and ., not '" +
                          escape_for_display(name) + "': " + escape_for_display(codec::write_json(value)));
    out.emplace(name, value.as_string());
  }
  if (out.empty() || out.size() > kLabelsMax)
    return plan_invalid(labels.place() + " must have 1 to " + std::to_string(kLabelsMax) + " labels");
  node.labels = std::make_shared<const Labels>(std::move(out));
  return {};
}

Result<void> read_call(const NodeReader& reader, PlanNode& node) {
  WRENCH_TRY(read_limits(reader, node));
  WRENCH_TRY(read_labels(reader, node));
  node.capability = WRENCH_TRY(reader.text("capability"));
  const auto dot = node.capability.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == node.capability.size() || node.capability.size() > 128)
    return plan_invalid(reader.place() + ".capability must be 'agent.name', not '" +
                        escape_for_display(node.capability) + "'");
  node.input = WRENCH_TRY(reader.references("input"));
  if (node.input.is_null()) node.input = Json::object();
  if (const auto effect = WRENCH_TRY(reader.one_of("effect", kEffects))) node.effect = static_cast<Effect>(*effect);
  return {};
}

bool is_taken_name(std::string_view name) {
  static constexpr std::string_view kTaken[] = {"inputs", "steps", "output", "iteration", "previous"};
  return std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken);
}

Result<void> read_map(const NodeReader& reader, PlanNode& node) {
  node.over = WRENCH_TRY(reader.expression("over"));
  if (!node.over) return plan_invalid(reader.place() + ".over is missing: the list to map over");
  node.item_name = WRENCH_TRY(reader.text("as"));
  if (node.item_name.empty()) node.item_name = "item";
  if (!is_node_id(node.item_name) || is_taken_name(node.item_name))
    return plan_invalid(reader.place() + ".as must be a name other than inputs, steps, output, iteration, previous");
  node.max_parallel = static_cast<int>(WRENCH_TRY(reader.integer("max_parallel", 16, 1, kMapParallelMax)));
  return {};
}

Result<void> read_strategy(const NodeReader& reader, std::string_view member, PlanNode& node) {
  static constexpr std::string_view kNames[] = {"merge", "append", "filter", "combine_content"};
  node.strategy = static_cast<MergeStrategy>(WRENCH_TRY(reader.one_of(member, kNames)).value_or(0));
  node.filter = WRENCH_TRY(reader.expression("filter"));
  if (node.filter.has_value() != (node.strategy == MergeStrategy::Filter))
    return plan_invalid(reader.place() + ": the strategy 'filter' and the expression 'filter' belong together");
  return {};
}

Result<void> read_merge(const NodeReader& reader, PlanNode& node) {
  WRENCH_TRY(read_strategy(reader, "strategy", node));
  const auto from = WRENCH_TRY(reader.list("from"));
  WRENCH_TRY(reader.references("from"));
  node.merge_from.assign(from.begin(), from.end());
  node.effect = Effect::Pure;
  return {};
}

Result<void> read_loop(const NodeReader& reader, PlanNode& node) {
  if (reader.at("max_iterations").is_null())
    return plan_invalid(reader.place() + ".max_iterations is missing: a loop needs an end");
  node.max_iterations = static_cast<int>(WRENCH_TRY(reader.integer("max_iterations", 1, 1, kLoopIterationsMax)));
  node.until = WRENCH_TRY(reader.expression("until"));
  node.effect = Effect::Pure;
  return {};
}

Result<void> read_schema(const NodeReader& reader, WaitSpec& wait) {
  wait.schema = reader.at("schema");
  if (wait.schema.is_null()) return {};
  if (const auto schema = codec::JsonSchema::compile(wait.schema); !schema.ok())
    return plan_invalid(reader.place() + ".schema").because(schema.error());
  return {};
}

Result<void> read_wait(const NodeReader& reader, PlanNode& node) {
  const auto spec = std::make_shared<WaitSpec>();
  WaitSpec& wait = *spec;
  const auto kind = WRENCH_TRY(reader.one_of("on", kWaitsWritten));
  if (!kind) return plan_invalid(reader.place() + ".on is missing; known: signal, input, approval, until");
  wait.kind = static_cast<WaitKind>(*kind);
  wait.expires_us =
      WRENCH_TRY(reader.milliseconds("expires_ms", wait.kind == WaitKind::Approval ? kApprovalExpires : 0));
  static constexpr std::string_view kOnTimeout[] = {"fail", "continue"};
  wait.optional = WRENCH_TRY(reader.one_of("on_timeout", kOnTimeout)).value_or(0) == 1;
  node.effect = Effect::Pure;
  node.timeouts.schedule_to_close_us = 0;  // People take their time; `expires_ms` bounds it.
  switch (wait.kind) {
    case WaitKind::Signal:
      wait.name = WRENCH_TRY(reader.text("name"));
      if (!is_node_id(wait.name))
        return plan_invalid(reader.place() + ".name must be 1 to 64 of letters, digits, _ and -");
      break;
    case WaitKind::Input:
      wait.title = WRENCH_TRY(reader.references("prompt"));
      if (wait.title.is_null()) return plan_invalid(reader.place() + ".prompt is missing: what the person is asked");
      WRENCH_TRY(read_schema(reader, wait));
      break;
    case WaitKind::Approval:
      wait.title = WRENCH_TRY(reader.references("title"));
      wait.subject = WRENCH_TRY(reader.references("subject"));
      if (wait.title.is_null()) return plan_invalid(reader.place() + ".title is missing: what is to be approved");
      wait.role = WRENCH_TRY(reader.text("role"));
      if (wait.role.empty()) wait.role = "maintainer";
      if (!is_node_id(wait.role))
        return plan_invalid(reader.place() + ".role must be 1 to 64 of letters, digits, _ and -");
      wait.four_eyes = WRENCH_TRY(reader.boolean("four_eyes"));
      WRENCH_TRY(read_schema(reader, wait));
      break;
    case WaitKind::Until:
      wait.at = WRENCH_TRY(reader.references("at"));
      wait.after_us = WRENCH_TRY(reader.milliseconds("after_ms", 0));
      if (wait.at.is_null() == reader.at("after_ms").is_null())
        return plan_invalid(reader.place() + ": a wait until needs either at or after_ms");
      break;
    case WaitKind::Child:
    case WaitKind::Budget:
      break;
  }
  node.wait = spec;
  return {};
}

Result<void> read_choose(const NodeReader& reader, PlanNode& node) {
  const auto spec = std::make_shared<ChooseSpec>();
  ChooseSpec& choose = *spec;
  static constexpr std::string_view kNames[] = {"highest_weighted_score", "first_valid", "majority"};
  choose.strategy = static_cast<ChooseStrategy>(WRENCH_TRY(reader.one_of("strategy", kNames)).value_or(0));
  const auto from = WRENCH_TRY(reader.list("from"));
  if (from.empty() || from.size() > kChoicesMax)
    return plan_invalid(reader.place() + ".from must list 1 to " + std::to_string(kChoicesMax) + " candidates");
  for (std::size_t i = 0; i < from.size(); ++i) {
    const NodeReader candidate(from[i], reader.place() + ".from[" + std::to_string(i) + "]");
    if (!from[i].is_object()) return plan_invalid(candidate.place() + " must be an object");
    static constexpr std::string_view kKnown[] = {"name", "value"};
    WRENCH_TRY(candidate.only(kKnown));
    choose.candidates.push_back({WRENCH_TRY(candidate.text("name")), WRENCH_TRY(candidate.references("value"))});
    if (choose.candidates.back().name.empty()) return plan_invalid(candidate.place() + ".name is missing");
  }
  const auto criteria = WRENCH_TRY(reader.list("criteria"));
  if (criteria.size() > kChoicesMax)
    return plan_invalid(reader.place() + ".criteria has more than " + std::to_string(kChoicesMax));
  for (std::size_t i = 0; i < criteria.size(); ++i) {
    const NodeReader criterion(criteria[i], reader.place() + ".criteria[" + std::to_string(i) + "]");
    static constexpr std::string_view kKnown[] = {"name", "weight"};
    WRENCH_TRY(criterion.only(kKnown));
    choose.criteria.push_back({WRENCH_TRY(criterion.text("name")), WRENCH_TRY(criterion.number("weight", 1, 0, 1e6))});
    if (choose.criteria.back().name.empty()) return plan_invalid(criterion.place() + ".name is missing");
  }
  if (choose.criteria.empty() == (choose.strategy == ChooseStrategy::HighestWeightedScore))
    return plan_invalid(reader.place() + ": the strategy 'highest_weighted_score' and criteria belong together");
  choose.scores = WRENCH_TRY(reader.references("scores"));
  choose.schema = reader.at("schema");
  if (choose.schema.is_null() == (choose.strategy == ChooseStrategy::FirstValid))
    return plan_invalid(reader.place() + ": the strategy 'first_valid' and a schema belong together");
  if (!choose.schema.is_null())
    if (const auto schema = codec::JsonSchema::compile(choose.schema); !schema.ok())
      return plan_invalid(reader.place() + ".schema").because(schema.error());
  node.effect = Effect::Pure;
  node.choose = spec;
  return {};
}

Result<void> read_child(const NodeReader& reader, PlanNode& node) {
  const auto child = std::make_shared<ChildSpec>();
  if (reader.at("plan").is_null()) return plan_invalid(reader.place() + ".plan is missing: what the child task does");
  auto plan = Plan::parse(reader.at("plan"));
  if (!plan.ok()) return plan_invalid(reader.place() + ".plan").because(std::move(plan).error());
  child->plan = std::move(*plan);
  child->title = WRENCH_TRY(reader.references("title"));
  child->inputs = WRENCH_TRY(reader.references("inputs"));
  const std::string output = WRENCH_TRY(reader.text("output"));
  if (output.empty()) {
    // The last step that isn't only there to clean up.
    std::uint32_t last = child->plan->top_count();
    while (last > 1 && child->plan->nodes()[last - 1].finally) --last;
    child->output = last - 1;
  } else if (const auto index = child->plan->find(output); index && *index < child->plan->top_count()) {
    child->output = *index;
  } else {
    return plan_invalid(reader.place() + ".output: the child's plan has no step '" + escape_for_display(output) +
                        "' outside of bodies");
  }
  static constexpr std::string_view kParentClose[] = {"cancel", "abandon"};
  child->abandon = WRENCH_TRY(reader.one_of("parent_close", kParentClose)).value_or(0) == 1;
  const auto wait = std::make_shared<WaitSpec>();
  wait->kind = WaitKind::Child;
  wait->title = child->title;
  wait->expires_us = WRENCH_TRY(reader.milliseconds("expires_ms", 0));
  wait->child = child;
  node.effect = Effect::Pure;
  node.timeouts.schedule_to_close_us = 0;  // As long as the child's own steps may take.
  node.wait = wait;
  return {};
}

constexpr std::string_view kCommonMembers[] = {"id",     "kind",         "needs",   "join", "cancel_rest",
                                               "when",   "on_failure",   "retry",   "slot", "finally",
                                               "ensure", "ensure_retry", "timeouts"};

std::vector<std::string_view> members_of(NodeKind kind) {
  std::vector<std::string_view> out(std::begin(kCommonMembers), std::end(kCommonMembers));
  const auto add = [&](std::initializer_list<std::string_view> own) { out.insert(out.end(), own); };
  switch (kind) {
    case NodeKind::Call:
      add({"concurrency", "rate", "requires", "capability", "effect", "input", "budget"});
      break;
    case NodeKind::Map:
      add({"over", "as", "max_parallel", "body", "collect", "filter", "budget"});
      break;
    case NodeKind::Merge:
      add({"strategy", "from", "filter"});
      break;
    case NodeKind::Loop:
      add({"max_iterations", "until", "body", "budget"});
      break;
    case NodeKind::Wait:
      add({"on", "name", "prompt", "schema", "title", "subject", "role", "four_eyes", "at", "after_ms", "expires_ms",
           "on_timeout"});
      break;
    case NodeKind::Choose:
      add({"strategy", "from", "criteria", "scores", "schema"});
      break;
    case NodeKind::Child:
      add({"plan", "title", "inputs", "output", "parent_close", "expires_ms", "budget"});
      break;
    case NodeKind::Group:
      break;
  }
  return out;
}

Result<void> read_kind(const NodeReader& reader, PlanNode& node) {
  switch (node.kind) {
    case NodeKind::Call:
      return read_call(reader, node);
    case NodeKind::Map:
      WRENCH_TRY(read_map(reader, node));
      return read_strategy(reader, "collect", node);
    case NodeKind::Merge:
      return read_merge(reader, node);
    case NodeKind::Loop:
      return read_loop(reader, node);
    case NodeKind::Wait:
      return read_wait(reader, node);
    case NodeKind::Choose:
      return read_choose(reader, node);
    case NodeKind::Child:
      return read_child(reader, node);
    case NodeKind::Group:
      break;
  }
  return {};
}

}  // namespace

std::string_view name(Effect effect) { return kEffects[static_cast<std::size_t>(effect)]; }
std::string_view name(SlotClass slot) { return kSlots[static_cast<std::size_t>(slot)]; }
std::string_view name(NodeKind kind) {
  return kind == NodeKind::Group ? "group" : kKinds[static_cast<std::size_t>(kind)];
}
std::string_view name(KeyStrategy strategy) { return kStrategies[static_cast<std::size_t>(strategy)]; }
std::string_view name(WaitKind kind) { return kWaitNames[static_cast<std::size_t>(kind)]; }

bool is_node_id(std::string_view id) {
  if (id.empty() || id.size() > kIdBytesMax) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<void> check_plan_members(const Json& plan) {
  static constexpr std::string_view kKnown[] = {"v", "nodes", "budget"};
  return NodeReader(plan, "plan").only(kKnown);
}

Result<BudgetAmounts> read_plan_budget(const Json& value, const std::string& place) {
  auto budget = read_budget(value);
  if (!budget.ok()) return plan_invalid(place + ".budget: " + budget.error().message);
  return budget;
}

Result<PlanNode> read_plan_node(const Json& value, const std::string& place) {
  const NodeReader reader(value, place);
  PlanNode node;
  const auto kind = WRENCH_TRY(reader.one_of("kind", kKinds));
  if (!kind) return plan_invalid(place + ".kind is missing; known: call, map, merge, loop, wait, choose, child");
  node.kind = static_cast<NodeKind>(*kind);
  WRENCH_TRY(reader.only(members_of(node.kind)));
  node.id = WRENCH_TRY(reader.text("id"));
  node.finally = WRENCH_TRY(reader.boolean("finally"));
  if (node.finally && node.kind != NodeKind::Call) return plan_invalid(place + ": a finally node must be a call");
  node.when = WRENCH_TRY(reader.expression("when"));
  node.ensure = WRENCH_TRY(reader.expression("ensure"));
  node.ensure_retry = WRENCH_TRY(reader.boolean("ensure_retry"));
  static constexpr std::string_view kOnFailure[] = {"stop", "continue"};
  if (WRENCH_TRY(reader.one_of("on_failure", kOnFailure)).value_or(0) == 1) node.on_failure = OnFailure::Continue;
  if (const auto slot = WRENCH_TRY(reader.one_of("slot", kSlots))) node.slot = static_cast<SlotClass>(*slot);
  const NodeReader retry = WRENCH_TRY(reader.object("retry"));
  node.retry = WRENCH_TRY(read_retry(retry));
  Timeouts defaults;
  if (node.finally) defaults.start_to_close_us = kFinallyStartToClose;
  WRENCH_TRY(read_kind(reader, node));
  if (node.wait != nullptr || node.has_body()) defaults = node.timeouts;
  const NodeReader timeouts = WRENCH_TRY(reader.object("timeouts"));
  node.timeouts = WRENCH_TRY(read_timeouts(timeouts, defaults));
  if (!value.at("budget").is_null()) {
    node.budget = std::make_shared<const BudgetAmounts>(WRENCH_TRY(read_plan_budget(value.at("budget"), place)));
    if (node.finally) return plan_invalid(place + ".budget: a finally node runs whatever is spent");
  }
  return node;
}

Result<PlanNode> read_single_body(const PlanNode& map, const Json& body, const std::string& place) {
  const NodeReader reader(body, place);
  static constexpr std::string_view kKnown[] = {"kind",        "capability", "effect",  "input",
                                                "concurrency", "rate",       "requires"};
  WRENCH_TRY(reader.only(kKnown));
  if (!body.at("kind").is_null() && body.at("kind").as_string() != "call")
    return plan_invalid(place + ".kind must be 'call'; several nodes stand in a list 'nodes'");
  PlanNode node;
  node.id = map.id;
  node.retry = map.retry;
  node.timeouts = map.timeouts;
  node.slot = map.slot;
  WRENCH_TRY(read_call(reader, node));
  return node;
}

Result<void> read_body(const Json& body, const std::string& place, PlanNode& owner) {
  const NodeReader reader(body, place);
  static constexpr std::string_view kKnown[] = {"nodes", "output"};
  WRENCH_TRY(reader.only(kKnown));
  if (WRENCH_TRY(reader.list("nodes")).empty()) return plan_invalid(place + ".nodes must list at least one node");
  owner.body_output = WRENCH_TRY(reader.references("output"));
  return {};
}

}  // namespace wrench::workflow
