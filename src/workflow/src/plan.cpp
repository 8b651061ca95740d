#include "wrench/workflow/plan.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kEffects[] = {"pure", "local_transactional", "idempotent", "guarded"};
constexpr std::string_view kSlots[] = {"cpu", "io", "llm"};
constexpr std::string_view kKinds[] = {"call", "map", "merge"};
constexpr std::size_t kIdBytesMax = 64;
constexpr std::size_t kCyclePathShown = 20;
constexpr Micros kFinallyStartToClose = 60 * kMicrosPerSecond;

Error invalid(std::string what) { return Error("workflow.plan_invalid", std::move(what)); }

template <std::size_t N>
std::optional<std::size_t> index_in(const std::string_view (&names)[N], std::string_view text) {
  for (std::size_t i = 0; i < N; ++i)
    if (names[i] == text) return i;
  return std::nullopt;
}

bool valid_id(std::string_view id) {
  if (id.empty() || id.size() > kIdBytesMax) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

/// Reads the members of one node; the first error sticks and names the node.
class NodeReader {
 public:
  NodeReader(const Json& value, std::string place) : value_(value), place_(std::move(place)) {}

  Result<void> only(std::initializer_list<std::string_view> known) const {
    for (const auto& [member, ignored] : value_.as_object()) {
      if (std::find(known.begin(), known.end(), member) != known.end()) continue;
      const auto near = nearest(member, std::vector<std::string_view>(known));
      return invalid(place_ + ": unknown member '" + escape_for_display(member) + "'" +
                     (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
    }
    return {};
  }
  Result<std::string> text(std::string_view member) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return std::string();
    if (!v.is_string()) return invalid(place_ + "." + std::string(member) + " must be a string");
    return std::string(v.as_string());
  }
  Result<std::int64_t> integer(std::string_view member, std::int64_t fallback, std::int64_t min,
                               std::int64_t max) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return fallback;
    if (!v.is_integer() || v.as_integer() < min || v.as_integer() > max)
      return invalid(place_ + "." + std::string(member) + " must be a whole number from " + std::to_string(min) +
                     " to " + std::to_string(max));
    return v.as_integer();
  }
  Result<Micros> milliseconds(std::string_view member, Micros fallback_us) const {
    return WRENCH_TRY(integer(member, fallback_us / kMicrosPerMs, 0, kTimeoutMax / kMicrosPerMs)) * kMicrosPerMs;
  }
  Result<bool> boolean(std::string_view member) const {
    const Json& v = value_.at(member);
    if (!v.is_null() && !v.is_boolean()) return invalid(place_ + "." + std::string(member) + " must be true or false");
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
      return invalid(place_ + "." + std::string(member) + " is '" + escape_for_display(word) + "'; known: " + list);
    }
    return index;
  }
  Result<std::optional<Expression>> expression(std::string_view member) const {
    const Json& v = value_.at(member);
    if (v.is_null()) return std::optional<Expression>();
    auto parsed = Expression::parse(v.is_boolean() ? (v.as_boolean() ? "true" : "false") : v.as_string());
    if (!parsed.ok()) return invalid(place_ + "." + std::string(member)).because(std::move(parsed).error());
    return std::optional(std::move(*parsed));
  }
  Result<NodeReader> object(std::string_view member) const {
    const Json& v = value_.at(member);
    if (!v.is_null() && !v.is_object()) return invalid(place_ + "." + std::string(member) + " must be an object");
    return NodeReader(v, place_ + "." + std::string(member));
  }
  const Json& at(std::string_view member) const { return value_.at(member); }
  const std::string& place() const { return place_; }

 private:
  const Json& value_;
  std::string place_;
};

Result<RetryPolicy> read_retry(const NodeReader& reader) {
  WRENCH_TRY(reader.only({"attempts", "first_ms", "factor", "cap_ms"}));
  RetryPolicy out;
  out.attempts = static_cast<int>(WRENCH_TRY(reader.integer("attempts", out.attempts, 1, kRetryAttemptsMax)));
  out.first_us = WRENCH_TRY(reader.milliseconds("first_ms", out.first_us));
  out.cap_us = WRENCH_TRY(reader.milliseconds("cap_ms", out.cap_us));
  const Json& factor = reader.at("factor");
  if (!factor.is_null()) {
    if (!factor.is_number() || factor.as_double() < 1 || factor.as_double() > 10)
      return invalid(reader.place() + ".factor must be a number from 1 to 10");
    out.factor = factor.as_double();
  }
  return out;
}

Result<Timeouts> read_timeouts(const NodeReader& reader, Timeouts out) {
  WRENCH_TRY(reader.only({"schedule_to_start_ms", "start_to_close_ms", "schedule_to_close_ms", "heartbeat_ms"}));
  out.schedule_to_start_us = WRENCH_TRY(reader.milliseconds("schedule_to_start_ms", out.schedule_to_start_us));
  out.start_to_close_us = WRENCH_TRY(reader.milliseconds("start_to_close_ms", out.start_to_close_us));
  out.schedule_to_close_us = WRENCH_TRY(reader.milliseconds("schedule_to_close_ms", out.schedule_to_close_us));
  out.heartbeat_us = WRENCH_TRY(reader.milliseconds("heartbeat_ms", out.heartbeat_us));
  return out;
}

Result<void> read_call(const NodeReader& reader, PlanNode& node) {
  node.capability = WRENCH_TRY(reader.text("capability"));
  const auto dot = node.capability.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == node.capability.size() || node.capability.size() > 128)
    return invalid(reader.place() + ".capability must be 'agent.name', not '" + escape_for_display(node.capability) +
                   "'");
  node.input = reader.at("input").is_null() ? Json::object() : reader.at("input");
  if (const auto effect = WRENCH_TRY(reader.one_of("effect", kEffects))) node.effect = static_cast<Effect>(*effect);
  return {};
}

Result<void> read_map(const NodeReader& reader, PlanNode& node) {
  node.over = WRENCH_TRY(reader.expression("over"));
  if (!node.over) return invalid(reader.place() + ".over is missing: the list to map over");
  node.item_name = WRENCH_TRY(reader.text("as"));
  if (node.item_name.empty()) node.item_name = "item";
  if (!valid_id(node.item_name) || node.item_name == "inputs" || node.item_name == "steps")
    return invalid(reader.place() + ".as must be a name other than inputs and steps");
  node.max_parallel = static_cast<int>(WRENCH_TRY(reader.integer("max_parallel", 16, 1, kMapParallelMax)));
  const NodeReader body = WRENCH_TRY(reader.object("body"));
  WRENCH_TRY(body.only({"kind", "capability", "effect", "input"}));
  if (!body.at("kind").is_null() && body.at("kind").as_string() != "call")
    return invalid(body.place() + ".kind must be 'call'");
  return read_call(body, node);
}

Result<MergeStrategy> read_strategy(const NodeReader& reader, std::string_view member) {
  static constexpr std::string_view kNames[] = {"merge", "append"};
  const auto index = WRENCH_TRY(reader.one_of(member, kNames));
  return index && *index == 1 ? MergeStrategy::Append : MergeStrategy::Merge;
}

Result<PlanNode> read_node(const NodeReader& reader) {
  WRENCH_TRY(
      reader.only({"id", "kind", "capability", "effect", "input", "needs", "when", "on_failure", "retry", "timeouts",
                   "slot", "finally", "over", "as", "max_parallel", "body", "collect", "strategy", "from"}));
  PlanNode node;
  node.id = WRENCH_TRY(reader.text("id"));
  node.finally = WRENCH_TRY(reader.boolean("finally"));
  node.when = WRENCH_TRY(reader.expression("when"));
  static constexpr std::string_view kOnFailure[] = {"stop", "continue"};
  if (const auto word = WRENCH_TRY(reader.one_of("on_failure", kOnFailure)); word && *word == 1)
    node.on_failure = OnFailure::Continue;
  if (const auto slot = WRENCH_TRY(reader.one_of("slot", kSlots))) node.slot = static_cast<SlotClass>(*slot);
  const NodeReader retry = WRENCH_TRY(reader.object("retry"));
  node.retry = WRENCH_TRY(read_retry(retry));
  Timeouts defaults;
  if (node.finally) defaults.start_to_close_us = kFinallyStartToClose;
  const NodeReader timeouts = WRENCH_TRY(reader.object("timeouts"));
  node.timeouts = WRENCH_TRY(read_timeouts(timeouts, defaults));

  const auto kind = WRENCH_TRY(reader.one_of("kind", kKinds));
  if (!kind) return invalid(reader.place() + ".kind is missing; known: call, map, merge");
  node.kind = static_cast<NodeKind>(*kind);
  switch (node.kind) {
    case NodeKind::Call:
      WRENCH_TRY(read_call(reader, node));
      break;
    case NodeKind::Map:
      if (node.finally) return invalid(reader.place() + ": a finally node must be a call");
      WRENCH_TRY(read_map(reader, node));
      node.strategy = WRENCH_TRY(read_strategy(reader, "collect"));
      break;
    case NodeKind::Merge:
      if (node.finally) return invalid(reader.place() + ": a finally node must be a call");
      node.strategy = WRENCH_TRY(read_strategy(reader, "strategy"));
      if (!reader.at("from").is_null() && !reader.at("from").is_array())
        return invalid(reader.place() + ".from must be a list");
      node.merge_from = reader.at("from").as_array();
      node.effect = Effect::Pure;
      break;
  }
  return node;
}

/// The nodes of one cycle, in order, if there is one. Iterative: plans are hostile input.
std::vector<std::uint32_t> find_cycle(const std::vector<PlanNode>& nodes) {
  enum : std::uint8_t { kNew, kOpen, kDone };
  std::vector<std::uint8_t> color(nodes.size(), kNew);
  std::vector<std::pair<std::uint32_t, std::size_t>> path;
  for (std::uint32_t start = 0; start < nodes.size(); ++start) {
    if (color[start] != kNew) continue;
    path.emplace_back(start, 0);
    color[start] = kOpen;
    while (!path.empty()) {
      auto& [node, next] = path.back();
      if (next == nodes[node].needs.size()) {
        color[node] = kDone;
        path.pop_back();
        continue;
      }
      const std::uint32_t need = nodes[node].needs[next++].node;
      if (color[need] == kDone) continue;
      if (color[need] == kNew) {
        color[need] = kOpen;
        path.emplace_back(need, 0);
        continue;
      }
      std::vector<std::uint32_t> cycle;
      for (auto it = path.rbegin(); it != path.rend(); ++it) {
        cycle.push_back(it->first);
        if (it->first == need) break;
      }
      return cycle;
    }
  }
  return {};
}

Result<std::size_t> check_depth(const Json& root) {
  std::vector<std::pair<const Json*, std::size_t>> open{{&root, 1}};
  std::size_t deepest = 0;
  while (!open.empty()) {
    const auto [value, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    if (depth > kPlanDepthMax) return invalid("the plan is nested deeper than " + std::to_string(kPlanDepthMax));
    for (const auto& item : value->as_array()) open.emplace_back(&item, depth + 1);
    for (const auto& [ignored, member] : value->as_object()) open.emplace_back(&member, depth + 1);
  }
  return deepest;
}

Result<void> check_references(const Json& value, const std::string& place) {
  std::vector<const Json*> open{&value};
  while (!open.empty()) {
    const Json* at = open.back();
    open.pop_back();
    for (const auto& item : at->as_array()) open.push_back(&item);
    for (const auto& [member, inner] : at->as_object()) open.push_back(&inner);
    const Json& from = at->at("$from");
    if (from.is_null()) continue;
    if (at->as_object().size() != 1 || !from.is_string())
      return invalid(place + ": {\"$from\": path} takes one path and nothing beside it");
    const auto parsed = Expression::parse(from.as_string());
    if (!parsed.ok()) return invalid(place + ": bad reference").because(parsed.error());
  }
  return {};
}

}  // namespace

std::string_view name(Effect effect) { return kEffects[static_cast<std::size_t>(effect)]; }
std::string_view name(SlotClass slot) { return kSlots[static_cast<std::size_t>(slot)]; }

std::optional<std::uint32_t> Plan::find(std::string_view id) const {
  const auto it = std::lower_bound(by_id_.begin(), by_id_.end(), id,
                                   [&](std::uint32_t index, std::string_view key) { return nodes_[index].id < key; });
  if (it == by_id_.end() || nodes_[*it].id != id) return std::nullopt;
  return *it;
}

Result<std::shared_ptr<const Plan>> Plan::parse_text(std::string_view json) {
  if (json.size() > kPlanBytesMax)
    return Error("workflow.plan_too_large",
                 "the plan has " + format_bytes(json.size()) + "; the limit is " + format_bytes(kPlanBytesMax));
  auto value = codec::parse_json(json);
  if (!value.ok()) return invalid("the plan isn't JSON").because(std::move(value).error());
  return parse(*value);
}

Result<std::shared_ptr<const Plan>> Plan::parse(const Json& value) {
  if (!value.is_object()) return invalid("a plan is an object with the members v and nodes");
  WRENCH_TRY(check_depth(value));
  WRENCH_TRY(NodeReader(value, "plan").only({"v", "nodes"}));
  if (value.at("v").as_integer() != 1) return invalid("plan.v must be 1");
  const auto& list = value.at("nodes").as_array();
  if (list.empty()) return invalid("plan.nodes must be a list with at least one node");
  if (list.size() > kPlanNodesMax)
    return Error("workflow.plan_too_large",
                 "the plan has " + format_count(list.size()) + " nodes; the limit is " + format_count(kPlanNodesMax));
  auto plan = std::make_shared<Plan>();
  plan->body_ = codec::canonical_json(value);
  if (plan->body_.size() > kPlanBytesMax)
    return Error("workflow.plan_too_large",
                 "the plan has " + format_bytes(plan->body_.size()) + "; the limit is " + format_bytes(kPlanBytesMax));
  const auto digest = crypto::sha256(plan->body_);
  plan->hash_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());

  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string place = "nodes[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return invalid(place + " must be an object");
    const std::string_view id = list[i].at("id").as_string();
    if (!valid_id(id)) return invalid(place + ".id must be 1 to 64 of letters, digits, _ and -");
    place += " (" + std::string(id) + ")";
    PlanNode node = WRENCH_TRY(read_node(NodeReader(list[i], place)));
    WRENCH_TRY(check_references(node.input, place + ".input"));
    for (const auto& from : node.merge_from) WRENCH_TRY(check_references(from, place + ".from"));
    plan->finally_count_ += node.finally ? 1 : 0;
    plan->nodes_.push_back(std::move(node));
  }
  auto& nodes = plan->nodes_;
  plan->by_id_.resize(nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) plan->by_id_[i] = i;
  std::sort(plan->by_id_.begin(), plan->by_id_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return nodes[a].id < nodes[b].id; });
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (nodes[plan->by_id_[i - 1]].id == nodes[plan->by_id_[i]].id)
      return invalid("two nodes have the id '" + nodes[plan->by_id_[i]].id + "'");

  plan->dependents_.resize(nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const Json& needs = list[i].at("needs");
    const std::string place = "nodes[" + std::to_string(i) + "] (" + nodes[i].id + ").needs";
    if (!needs.is_null() && !needs.is_array()) return invalid(place + " must be a list");
    for (const auto& item : needs.as_array()) {
      const std::string_view id = item.is_object() ? item.at("id").as_string() : item.as_string();
      const auto need = plan->find(id);
      if (!need) return invalid(place + ": there is no node '" + escape_for_display(id) + "'");
      if (nodes[*need].finally && !nodes[i].finally)
        return invalid(place + ": '" + std::string(id) + "' is a finally node, which runs after this one");
      const std::string_view word = item.at("on_failure").as_string("stop");
      if (word != "stop" && word != "continue") return invalid(place + ": on_failure is stop or continue");
      if (std::any_of(nodes[i].needs.begin(), nodes[i].needs.end(), [&](const Need& n) { return n.node == *need; }))
        return invalid(place + ": '" + std::string(id) + "' stands there twice");
      nodes[i].needs.push_back({*need, word == "continue" ? OnFailure::Continue : OnFailure::Stop});
      plan->dependents_[*need].push_back(i);
    }
  }
  if (const auto cycle = find_cycle(nodes); !cycle.empty()) {
    std::string path;
    for (std::size_t i = 0; i < cycle.size() && i < kCyclePathShown; ++i) path += nodes[cycle[i]].id + " -> ";
    if (cycle.size() > kCyclePathShown) path += "… (" + std::to_string(cycle.size()) + " nodes) -> ";
    return invalid("the plan has a cycle: " + path + nodes[cycle[0]].id);
  }
  plan->tolerated_.resize(nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    bool all_continue = !plan->dependents_[i].empty();
    for (const std::uint32_t dependent : plan->dependents_[i])
      for (const Need& need : nodes[dependent].needs)
        if (need.node == i && need.on_failure == OnFailure::Stop) all_continue = false;
    plan->tolerated_[i] = nodes[i].on_failure == OnFailure::Continue || all_continue;
  }
  return std::shared_ptr<const Plan>(std::move(plan));
}

namespace {
Result<Json> resolve(const Json& value, const Scope& scope, std::size_t depth) {
  if (depth > kPlanDepthMax) return invalid("an input is nested deeper than " + std::to_string(kPlanDepthMax));
  if (value.is_array()) {
    codec::JsonArray out;
    for (const auto& item : value.as_array()) out.push_back(WRENCH_TRY(resolve(item, scope, depth + 1)));
    return Json(std::move(out));
  }
  if (!value.is_object()) return value;
  if (const Json& from = value.at("$from"); from.is_string() && value.as_object().size() == 1)
    return WRENCH_TRY(Expression::parse(from.as_string())).eval(scope);
  codec::JsonObject out;
  for (const auto& [member, inner] : value.as_object()) out.set(member, WRENCH_TRY(resolve(inner, scope, depth + 1)));
  return Json(std::move(out));
}
}  // namespace

Result<Json> resolve_references(const Json& value, const Scope& scope) { return resolve(value, scope, 1); }

}  // namespace wrench::workflow
