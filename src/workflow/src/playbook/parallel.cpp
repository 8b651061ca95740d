#include "step.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/plan.hpp"

/// Branches side by side and their outputs as one; or one branch for each item of a list.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

enum class Aggregation { Merge, Append, Filter };

/// How the outputs of branches become one, and what is in the result.
struct Aggregated {
  std::string_view strategy = "merge";
  std::string filter;  ///< Of the strategy `filter`.
  Members output;

  /// A merge calls it `strategy`, a map `collect`.
  void write(Json& node, std::string_view member) const {
    if (strategy != "merge") node.set(member, strategy);
    if (!filter.empty()) node.set("filter", filter);
  }
};

std::optional<Aggregated> read_aggregation(StepBuilder& step, const Members& of_branches) {
  Aggregated out;
  const YamlNode* written = step.fields().get("output_aggregation");
  static const std::vector<std::string_view> kTypes = {"merge", "append", "filter"};
  static const std::vector<std::string_view> kStrategies = {"combine_content"};
  auto type = Aggregation::Merge;
  bool combine = false;
  const YamlNode* condition = nullptr;
  if (written != nullptr && written->is_mapping()) {
    Fields fields(*written, "an output_aggregation", step.problems());
    type = static_cast<Aggregation>(fields.one_of("type", kTypes).value_or(0));
    combine = fields.one_of("strategy", kStrategies).has_value();
    condition = fields.get("condition");
    fields.finish();
  } else if (written != nullptr) {
    type = static_cast<Aggregation>(step.fields().one_of("output_aggregation", kTypes).value_or(0));
  }
  if ((type == Aggregation::Filter) != (condition != nullptr)) {
    step.problems().add(condition != nullptr ? *condition : *written, type == Aggregation::Filter
                                                                          ? "a filter needs a 'condition' over 'item'"
                                                                          : "only type: filter has a condition");
    return std::nullopt;
  }
  if (combine) {
    out.strategy = "combine_content";
    out.output = just({"content", "parts"});
    return out;
  }
  if (type == Aggregation::Merge) {
    auto members = either_of(of_branches, just({"conflicts"}));
    out.output = members;
    return out;
  }
  out.strategy = "append";
  out.output = just({"items"});
  if (type == Aggregation::Filter) {
    Names names = step.names();
    names.bind_root("item");
    // Of a branch that gives {"items": […]} each of these is asked, and nobody knows what is in them.
    const bool lists = of_branches != nullptr && of_branches->contains("items");
    names.set_current({"item", lists ? nullptr : of_branches, true});
    auto filter = names.condition(*condition, step.problems());
    if (!filter) return std::nullopt;
    out.strategy = "filter";
    out.filter = std::move(*filter);
  }
  return out;
}

/// How the list that is shared out gets to each branch.
struct Distribution {
  std::string member, path, mode;  ///< mode empty: each branch gets the whole.
};

std::optional<Distribution> read_distribution(StepBuilder& step) {
  Distribution out;
  const YamlNode* written = step.fields().get("input_distribution");
  if (written == nullptr) return out;
  static const std::vector<std::string_view> kTypes = {"duplicate", "split", "round_robin"};
  if (!written->is_mapping()) {
    const auto type = step.fields().one_of("input_distribution", kTypes);
    if (type && *type != 0)
      step.problems().add(*written, "say which list: {type: " + std::string(kTypes[*type]) + ", field: …}");
    return type == 0 ? std::optional(out) : std::nullopt;
  }
  Fields fields(*written, "an input_distribution", step.problems());
  const auto type = fields.one_of("type", kTypes);
  const YamlNode* field = fields.get("field");
  const auto as = fields.text("as");
  fields.finish();
  if (!type && fields.get("type") != nullptr) return std::nullopt;
  const std::size_t kind = type.value_or(0);
  if (field == nullptr) {
    if (kind == 0) return out;
    step.problems().add(*written, "'field' is missing: the list that is shared out");
    return std::nullopt;
  }
  const auto text = text_of(*field, "'field'", step.problems());
  if (!text) return std::nullopt;
  out.member = as ? *as : text->substr(text->find_last_of('.') + 1);  // npos + 1 is 0.
  auto path = step.names().path(*text, *field, step.problems());
  if (!path) return std::nullopt;
  out.path = std::move(*path);
  if (kind != 0) out.mode = kTypes[kind];
  return out;
}

Json part_of(const Distribution& distribution, std::size_t index, std::size_t parts) {
  if (distribution.mode.empty()) return from(distribution.path);
  return Json::object(
      {{"$split",
        Json::object({{"from", distribution.path}, {"parts", parts}, {"index", index}, {"mode", distribution.mode}})}});
}

/// `agents: [A:op, {agent, operation, parameters}]`, or one `agent` with `operations`.
std::optional<std::vector<Operation>> read_branches(StepBuilder& step) {
  Fields& fields = step.fields();
  const YamlNode* agent = fields.get("agent");
  const auto* list = agent != nullptr ? "operations" : "agents";
  const auto entries = fields.list(list);
  std::vector<Operation> out;
  bool good = true;
  if (agent != nullptr && entries.empty()) {
    const YamlNode* one = fields.get("operation");
    if (one != nullptr && one->is_scalar() && agent->is_scalar()) {
      auto operation = step.operation(trim(agent->text), *agent, trim(one->text), *one);
      good = operation.has_value();
      if (operation) out.push_back(std::move(*operation));
    }
  }
  for (const YamlNode* entry : entries) {
    Fields members(*entry, "a branch", step.problems());
    auto operation = step.entry(*entry, members, agent);
    if (entry->is_mapping()) members.finish();
    good = good && operation.has_value();
    if (operation) out.push_back(std::move(*operation));
  }
  if (out.empty() && good) {
    step.problems().add(step.where(), "step '" + step.id() + "' needs 'agents': [agent:operation, …]");
    return std::nullopt;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<StepOutput> compile_for_each(StepBuilder& step, const YamlNode& list,
                                           const std::vector<Operation>& branches, Block& block) {
  Fields& fields = step.fields();
  const auto as = fields.text("as").value_or("item");
  const auto max_parallel = fields.integer("max_parallel", 1, kMapParallelMax);
  const auto over = step.names().expression(list, step.problems());
  if (branches.size() != 1 || fields.get("input_distribution") != nullptr) {
    step.problems().add(list, "with 'for_each' there is one operation, which gets one item at a time");
    return std::nullopt;
  }
  const auto aggregated = read_aggregation(step, branches[0].output());
  if (!over || !aggregated) return std::nullopt;
  Names names = step.names();
  names.bind_root(as);
  Block body;
  StepBuilder::CallOptions options;
  options.offers = {{as, from(as)}};
  if (!step.call(body, branches[0], step.inner_id(branches[0].name), names, std::move(options))) return std::nullopt;
  Json node = node_of(step.id(), "map");
  node.set("over", *over);
  node.set("as", as);
  if (max_parallel) node.set("max_parallel", *max_parallel);
  aggregated->write(node, "collect");
  node.set("body", Json::object({{"nodes", body.take()}}));
  if (step.continues()) node.set("on_failure", "continue");
  block.add(std::move(node), {});
  const std::string path = output_path(step.id());
  const Members members = either_of(aggregated->output, just({"failed"}));
  return StepOutput{step.id(), path, members, {{path, members, true}}};
}

}  // namespace

std::optional<StepOutput> compile_parallel(StepBuilder& step, Block& block) {
  step.fields().know({"agents", "agent", "operations", "operation", "input_distribution", "output_aggregation",
                      "for_each", "as", "max_parallel"});
  const auto branches = read_branches(step);
  if (!branches) return std::nullopt;
  if (const YamlNode* list = step.fields().get("for_each")) return compile_for_each(step, *list, *branches, block);
  const auto distribution = read_distribution(step);
  if (!distribution) return std::nullopt;

  std::vector<Need> needs;
  Json outputs = Json::array();
  Members together = just({});
  for (std::size_t i = 0; i < branches->size(); ++i) {
    const Operation& branch = (*branches)[i];
    StepBuilder::CallOptions options;
    if (!distribution->member.empty()) {
      if (!branch.takes(distribution->member)) {
        step.problems().add(*branch.at,
                            branch.id() + " takes no '" + distribution->member + "'; say 'as' in input_distribution");
        return std::nullopt;
      }
      options.offers = {{distribution->member, part_of(*distribution, i, branches->size())}};
    }
    if (step.continues()) options.extra = Json::object({{"on_failure", "continue"}});
    const std::string id = step.inner_id(branch.name);
    if (!step.call(block, branch, id, step.names(), std::move(options))) return std::nullopt;
    needs.push_back({id});
    outputs.push_back(from(output_path(id)));
    together = either_of(together, branch.output());
  }
  const auto aggregated = read_aggregation(step, together);
  if (!aggregated) return std::nullopt;
  Json merge = node_of(step.id(), "merge");
  aggregated->write(merge, "strategy");
  merge.set("from", std::move(outputs));
  block.add(std::move(merge), needs);
  const std::string path = output_path(step.id());
  return StepOutput{step.id(), path, aggregated->output, {{path, aggregated->output, true}}};
}

}  // namespace wrench::workflow::playbook
