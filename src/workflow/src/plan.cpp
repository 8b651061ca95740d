#include "wrench/workflow/plan.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "plan_node.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::size_t kCyclePathShown = 20;

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
    if (depth > kPlanDepthMax) return plan_invalid("the plan is nested deeper than " + std::to_string(kPlanDepthMax));
    for (const auto& item : value->as_array()) open.emplace_back(&item, depth + 1);
    for (const auto& [ignored, member] : value->as_object()) open.emplace_back(&member, depth + 1);
  }
  return deepest;
}

/// A body that waits to be read.
struct OpenBody {
  std::uint32_t owner = 0;
  const Json* value = nullptr;
  std::string place;
};

}  // namespace

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
  if (!value.ok()) return plan_invalid("the plan isn't JSON").because(std::move(value).error());
  return parse(*value);
}

/// Reads the nodes of a plan: those outside of bodies first, then body by body, so that a body's nodes stand together.
class PlanBuilder {
 public:
  explicit PlanBuilder(Plan& plan) : plan_(plan) {}

  Result<void> build(const Json& list) {
    WRENCH_TRY(read_list(list, "nodes", std::nullopt));
    plan_.top_count_ = static_cast<std::uint32_t>(plan_.nodes_.size());
    while (!bodies_.empty()) {
      const OpenBody body = std::move(bodies_.front());
      bodies_.pop_front();
      WRENCH_TRY(read_body_of(body));
    }
    WRENCH_TRY(index());
    WRENCH_TRY(connect());
    if (const auto cycle = find_cycle(plan_.nodes_); !cycle.empty()) {
      std::string path;
      for (std::size_t i = 0; i < cycle.size() && i < kCyclePathShown; ++i) path += plan_.nodes_[cycle[i]].id + " -> ";
      if (cycle.size() > kCyclePathShown) path += "… (" + std::to_string(cycle.size()) + " nodes) -> ";
      return plan_invalid("the plan has a cycle: " + path + plan_.nodes_[cycle[0]].id);
    }
    tolerate();
    return {};
  }

 private:
  Result<void> read_list(const Json& list, const std::string& where, std::optional<std::uint32_t> container) {
    for (std::size_t i = 0; i < list.as_array().size(); ++i) {
      const Json& value = list.as_array()[i];
      std::string place = where + "[" + std::to_string(i) + "]";
      if (!value.is_object()) return plan_invalid(place + " must be an object");
      const std::string_view id = value.at("id").as_string();
      if (!is_node_id(id)) return plan_invalid(place + ".id must be 1 to 64 of letters, digits, _ and -");
      place += " (" + std::string(id) + ")";
      PlanNode node = WRENCH_TRY(read_plan_node(value, place));
      if (container && node.finally) return plan_invalid(place + ": a finally node stands outside of bodies");
      plan_.finally_count_ += node.finally ? 1 : 0;
      plan_.has_step_budgets_ = plan_.has_step_budgets_ || node.budget != nullptr;
      if (node.kind == NodeKind::Map || node.kind == NodeKind::Loop)
        bodies_.push_back({static_cast<std::uint32_t>(plan_.nodes_.size()), &value.at("body"), place + ".body"});
      WRENCH_TRY(add(std::move(node), &value, std::move(place), container));
    }
    return {};
  }

  Result<void> add(PlanNode node, const Json* source, std::string place, std::optional<std::uint32_t> container) {
    if (plan_.nodes_.size() >= kPlanNodesMax)
      return Error("workflow.plan_too_large",
                   "the plan has more nodes than the limit of " + format_count(kPlanNodesMax));
    node.container = container;
    plan_.nodes_.push_back(std::move(node));
    sources_.push_back(source);
    places_.push_back(std::move(place));
    return {};
  }

  Result<void> read_body_of(const OpenBody& body) {
    auto first = static_cast<std::uint32_t>(plan_.nodes_.size());
    if (!body.value->is_object()) return plan_invalid(body.place + " must be an object");
    const bool several = !body.value->at("nodes").is_null();
    PlanNode& owner = plan_.nodes_[body.owner];
    if (owner.kind == NodeKind::Loop && !several) return plan_invalid(body.place + ".nodes is missing");
    if (owner.kind == NodeKind::Map) {
      owner.body_first = first;
      owner.body_count = 1;
      if (!several)
        return add(WRENCH_TRY(read_single_body(owner, *body.value, body.place)), nullptr, body.place, body.owner);
      PlanNode group;
      group.id = owner.id;
      group.kind = NodeKind::Group;
      group.effect = Effect::Pure;
      group.timeouts = owner.timeouts;
      WRENCH_TRY(add(std::move(group), nullptr, body.place, body.owner));
      bodies_.push_back({first, body.value, body.place});
      return {};
    }
    WRENCH_TRY(read_body(*body.value, body.place, owner));
    WRENCH_TRY(read_list(body.value->at("nodes"), body.place + ".nodes", body.owner));
    plan_.nodes_[body.owner].body_first = first;
    plan_.nodes_[body.owner].body_count = static_cast<std::uint32_t>(plan_.nodes_.size()) - first;
    return {};
  }

  /// Nodes by id. What a map's items run goes by the map's.
  Result<void> index() {
    const auto& nodes = plan_.nodes_;
    auto& by_id = plan_.by_id_;
    for (std::uint32_t i = 0; i < nodes.size(); ++i)
      if (sources_[i] != nullptr) by_id.push_back(i);
    std::sort(by_id.begin(), by_id.end(), [&](std::uint32_t a, std::uint32_t b) { return nodes[a].id < nodes[b].id; });
    for (std::size_t i = 1; i < by_id.size(); ++i)
      if (nodes[by_id[i - 1]].id == nodes[by_id[i]].id)
        return plan_invalid("two nodes have the id '" + nodes[by_id[i]].id + "'");
    return {};
  }

  Result<void> connect() {
    plan_.dependents_.resize(plan_.nodes_.size());
    for (std::uint32_t i = 0; i < plan_.nodes_.size(); ++i) {
      if (sources_[i] == nullptr) continue;
      WRENCH_TRY(connect(i, sources_[i]->at("needs"), places_[i] + ".needs"));
      WRENCH_TRY(join(plan_.nodes_[i], *sources_[i], places_[i]));
    }
    return {};
  }

  Result<void> connect(std::uint32_t at, const Json& needs, const std::string& place) {
    auto& nodes = plan_.nodes_;
    PlanNode& node = nodes[at];
    if (!needs.is_null() && !needs.is_array()) return plan_invalid(place + " must be a list");
    for (const auto& item : needs.as_array()) {
      const std::string_view id = item.is_object() ? item.at("id").as_string() : item.as_string();
      const auto need = plan_.find(id);
      if (!need) return plan_invalid(place + ": there is no node '" + escape_for_display(id) + "'");
      if (nodes[*need].container != node.container)
        return plan_invalid(place + ": '" + std::string(id) + "' stands in another body");
      if (nodes[*need].finally && !node.finally)
        return plan_invalid(place + ": '" + std::string(id) + "' is a finally node, which runs after this one");
      const std::string_view word = item.at("on_failure").as_string("stop");
      if (word != "stop" && word != "continue") return plan_invalid(place + ": on_failure is stop or continue");
      if (std::any_of(node.needs.begin(), node.needs.end(), [&](const Need& n) { return n.node == *need; }))
        return plan_invalid(place + ": '" + std::string(id) + "' stands there twice");
      node.needs.push_back({*need, word == "continue" ? OnFailure::Continue : OnFailure::Stop});
      plan_.dependents_[*need].push_back(at);
    }
    return {};
  }

  static Result<void> join(PlanNode& node, const Json& source, const std::string& place) {
    const Json& join = source.at("join");
    const auto most = static_cast<std::int64_t>(node.needs.size());
    if (join.is_integer()) {
      node.join = static_cast<int>(std::clamp<std::int64_t>(join.as_integer(), 0, most + 1));
    } else if (join.as_string() == "any") {
      node.join = 1;
    } else if (!join.is_null() && join.as_string() != "all") {
      return plan_invalid(place + ".join is all, any or a number");
    }
    const bool counted = join.is_integer() || join.as_string() == "any";
    if (counted && (node.join < 1 || node.join > most))
      return plan_invalid(place + ".join: the node has " + std::to_string(most) + " needs");
    if (counted && node.finally) return plan_invalid(place + ": a finally node waits for all that it needs");
    const Json& rest = source.at("cancel_rest");
    if (!rest.is_null() && !rest.is_boolean()) return plan_invalid(place + ".cancel_rest must be true or false");
    node.cancel_rest = rest.as_boolean();
    if (node.cancel_rest && !counted) return plan_invalid(place + ".cancel_rest goes with join: any or a number");
    return {};
  }

  void tolerate() {
    const auto& nodes = plan_.nodes_;
    plan_.tolerated_.resize(nodes.size());
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
      bool all_continue = !plan_.dependents_[i].empty();
      for (const std::uint32_t dependent : plan_.dependents_[i]) {
        if (nodes[dependent].join > 0) continue;  // Others may do in its place.
        for (const Need& need : nodes[dependent].needs)
          if (need.node == i && need.on_failure == OnFailure::Stop) all_continue = false;
      }
      plan_.tolerated_[i] = nodes[i].on_failure == OnFailure::Continue || all_continue;
    }
  }

  Plan& plan_;
  std::vector<const Json*> sources_;  ///< Null: made by this class.
  std::vector<std::string> places_;
  std::deque<OpenBody> bodies_;
};

Result<std::shared_ptr<const Plan>> Plan::parse(const Json& value) {
  if (!value.is_object()) return plan_invalid("a plan is an object with the members v and nodes");
  WRENCH_TRY(check_depth(value));
  WRENCH_TRY(check_plan_members(value));
  if (value.at("v").as_integer() != 1) return plan_invalid("plan.v must be 1");
  if (value.at("nodes").as_array().empty()) return plan_invalid("plan.nodes must be a list with at least one node");
  auto plan = std::make_shared<Plan>();
  plan->body_ = codec::canonical_json(value);
  if (plan->body_.size() > kPlanBytesMax)
    return Error("workflow.plan_too_large",
                 "the plan has " + format_bytes(plan->body_.size()) + "; the limit is " + format_bytes(kPlanBytesMax));
  const auto digest = crypto::sha256(plan->body_);
  plan->hash_.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  WRENCH_TRY(PlanBuilder(*plan).build(value.at("nodes")));
  if (!value.at("budget").is_null()) plan->budget_ = WRENCH_TRY(read_plan_budget(value.at("budget"), "plan"));
  return std::shared_ptr<const Plan>(std::move(plan));
}

}  // namespace wrench::workflow
