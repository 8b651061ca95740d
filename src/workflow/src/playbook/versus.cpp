#include <set>

#include "step.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"

/// Contestants that don't see each other, and a choice among what they made.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

struct Contestant {
  Operation operation;
  std::string name, node;
};

std::optional<std::vector<Contestant>> add_contestants(StepBuilder& step, Block& block) {
  std::vector<Contestant> out;
  std::set<std::string> names;
  bool good = true;
  for (const YamlNode* entry : step.fields().list("agents")) {
    Fields members(*entry, "a contestant", step.problems());
    const auto approach = entry->is_mapping() ? members.text("approach") : std::nullopt;
    auto operation = step.entry(*entry, members, nullptr);
    if (entry->is_mapping()) members.finish();
    if (!operation) {
      good = false;
      continue;
    }
    Contestant next{std::move(*operation), "", ""};
    const std::string name = approach ? *approach : next.operation.agent;
    next.name = name;
    for (int n = 2; !names.insert(next.name).second; ++n) next.name = name + " " + std::to_string(n);
    next.node = step.inner_id(next.name);
    StepBuilder::CallOptions options;
    options.extra = Json::object({{"on_failure", "continue"}});  // The others are still there.
    if (approach) options.offers = {{"approach", *approach}};
    good = step.call(block, next.operation, next.node, step.names(), std::move(options)).has_value() && good;
    out.push_back(std::move(next));
  }
  if (good && out.size() < 2) {
    step.problems().add(step.where(), "step '" + step.id() + "' needs at least two 'agents' that compete");
    return std::nullopt;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

/// `[speed, {name: cost, weight: 2}]` or `{speed: 1, cost: 2}`.
std::optional<Json> read_criteria(StepBuilder& step) {
  Json out = Json::array();
  const YamlNode* written = step.fields().get("evaluation_criteria");
  if (written == nullptr) return out;
  bool good = true;
  const auto take = [&](const YamlNode& name, const YamlNode* weight) {
    const auto number = weight == nullptr ? std::optional(1.0) : weight->as_double();
    if (!name.is_scalar() || !number || !(*number > 0)) {
      step.problems().add(weight == nullptr ? name : *weight, "a criterion is a name, or a name and a weight above 0");
      good = false;
      return;
    }
    out.push_back(Json::object({{"name", std::string(trim(name.text))},
                                {"weight", *number == static_cast<double>(static_cast<std::int64_t>(*number))
                                               ? Json(static_cast<std::int64_t>(*number))
                                               : Json(*number)}}));
  };
  if (written->is_mapping()) {
    for (const auto& member : written->members) take(member.key, &member.value);
    return good ? std::optional(std::move(out)) : std::nullopt;
  }
  for (const YamlNode* item : step.fields().list("evaluation_criteria")) {
    if (!item->is_mapping()) {
      take(*item, nullptr);
      continue;
    }
    Fields members(*item, "a criterion", step.problems());
    const YamlNode* name = members.get("name");
    const YamlNode* weight = members.get("weight");
    members.finish();
    take(name == nullptr ? *item : *name, weight);
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

/// Adds the judge, if there is one; its node's id, or nothing. False after a problem.
bool add_judge(StepBuilder& step, const std::vector<Contestant>& contestants, const Json& criteria, Block& block,
               std::string& node) {
  const YamlNode* judge = step.fields().get("judge");
  if (judge == nullptr) return true;
  const auto text = text_of(*judge, "'judge'", step.problems());
  if (!text) return false;
  const bool both = text->find(':') != std::string::npos || text->find('.') != std::string::npos;
  const auto operation = both ? step.operation(*text, *judge) : step.operation(*text, *judge, "judge", *judge);
  if (!operation) return false;
  Json candidates = Json::array();
  std::vector<Need> needs;
  for (const Contestant& one : contestants) {
    candidates.push_back(Json::object({{"name", one.name}, {"output", from(output_path(one.node))}}));
    needs.push_back({one.node});
  }
  if (!operation->takes("candidates") || !operation->takes("criteria")) {
    step.problems().add(*judge, operation->id() + " can't judge: it takes no 'candidates' and 'criteria'");
    return false;
  }
  node = step.inner_id("judge");
  StepBuilder::CallOptions options{
      std::move(needs), "", {{"candidates", std::move(candidates)}, {"criteria", criteria}}, Json()};
  return step.call(block, *operation, node, step.names(), std::move(options)).has_value();
}

}  // namespace

std::optional<StepOutput> compile_versus(StepBuilder& step, Block& block) {
  step.fields().know({"agents", "evaluation_criteria", "judge", "winner_selection", "schema"});
  static const std::vector<std::string_view> kSelections = {"highest_weighted_score", "first_valid", "majority"};
  const auto selection = step.fields().one_of("winner_selection", kSelections).value_or(0);
  const YamlNode* schema = step.fields().get("schema");
  const YamlNode* criteria_at = step.fields().get("evaluation_criteria");
  const auto criteria = read_criteria(step);
  const auto contestants = add_contestants(step, block);
  if (!criteria || !contestants) return std::nullopt;

  Json choose = node_of(step.id(), "choose");
  choose.set("strategy", kSelections[selection]);
  Json candidates = Json::array();
  std::vector<Need> needs;
  Members together = just({});
  for (const Contestant& one : *contestants) {
    candidates.push_back(Json::object({{"name", one.name}, {"value", from(output_path(one.node))}}));
    needs.push_back({one.node});
    together = either_of(together, one.operation.output());
  }
  choose.set("from", std::move(candidates));
  std::string judge;
  if (!add_judge(step, *contestants, *criteria, block, judge)) return std::nullopt;
  if (!judge.empty()) needs.push_back({judge});
  if (selection == 0) {
    if (criteria->as_array().empty()) {
      step.problems().add(criteria_at == nullptr ? step.where() : *criteria_at,
                          "highest_weighted_score needs 'evaluation_criteria'");
      return std::nullopt;
    }
    choose.set("criteria", *criteria);
    if (!judge.empty()) choose.set("scores", from(output_path(judge) + ".scores"));
  } else if (!judge.empty()) {
    step.problems().add(*step.fields().get("judge"), "a judge gives scores: only highest_weighted_score asks for them");
    return std::nullopt;
  }
  if ((selection == 1) != (schema != nullptr)) {
    step.problems().add(schema == nullptr ? step.where() : *schema,
                        selection == 1 ? "first_valid needs 'schema', the JSON Schema of a valid output"
                                       : "only first_valid has a 'schema'");
    return std::nullopt;
  }
  if (schema != nullptr) {
    Json value = codec::to_json(*schema);
    if (const auto compiled = codec::JsonSchema::compile(value); !compiled.ok()) {
      step.problems().add(*schema, compiled.error().message);
      return std::nullopt;
    }
    choose.set("schema", std::move(value));
  }
  if (step.continues()) choose.set("on_failure", "continue");
  block.add(std::move(choose), needs);
  const std::string path = output_path(step.id());
  return StepOutput{
      step.id(), path, just({"winner", "index", "output", "scores", "losers"}), {{path + ".output", together, true}}};
}

}  // namespace wrench::workflow::playbook
