#include "step_values.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "step_scope.hpp"
#include "wrench/codec/json_schema.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::size_t kMergeDepthMax = 64;  ///< Objects within objects that a merge joins.
constexpr std::size_t kConflictsListed = 100;

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

Json merge_all(const std::vector<Json>& values) {
  Json out;
  Json conflicts = Json::array();
  for (const Json& value : values) merge_into(out, value, 0, "", conflicts);
  if (out.is_null()) out = Json::object();
  if (!out.is_object()) out = Json::object({{"items", std::move(out)}});
  if (!conflicts.as_array().empty()) out.set("conflicts", std::move(conflicts));
  return out;
}

/// The items of lists and of {"items": […]}, and other values themselves, that the filter keeps.
Result<Json> filter_all(const Expression& filter, const std::vector<Json>& values, const Scope& scope) {
  codec::JsonArray kept;
  const auto consider = [&](const Json& item) -> Result<void> {
    if (WRENCH_TRY(filter.test(ScopeWith(scope, "item", item)))) kept.push_back(item);
    return {};
  };
  for (const Json& value : values) {
    const Json& list = value.at("items").is_array() ? value.at("items") : value;
    if (value.is_null()) continue;
    if (!list.is_array()) {
      WRENCH_TRY(consider(value));
      continue;
    }
    for (const Json& item : list.as_array()) WRENCH_TRY(consider(item));
  }
  return Json::object({{"items", Json(std::move(kept))}});
}

Json combine_content(const std::vector<Json>& values) {
  std::string content;
  std::int64_t parts = 0;
  for (const Json& value : values) {
    const std::string_view text = value.is_string() ? value.as_string() : value.at("content").as_string();
    if (text.empty()) continue;
    if (parts++ > 0) content += "\n\n";
    content += text;
  }
  return Json::object({{"content", std::move(content)}, {"parts", parts}});
}

struct Runner {
  std::size_t index = 0;
  const Candidate* candidate = nullptr;
  Json value;
  std::optional<double> score;
};

/// The candidate's numbers: where the judge says them, or in its own value.
std::optional<double> weigh(const ChooseSpec& spec, const Runner& runner, const Json& scores) {
  const Json& own = runner.value.at("scores").is_object() ? runner.value.at("scores") : runner.value;
  const Json* numbers = &own;
  Json listed;
  if (scores.is_array()) {
    if (runner.index < scores.as_array().size()) listed = scores.as_array()[runner.index];
    numbers = &listed;
  } else if (scores.is_object()) {
    numbers = &scores.at(runner.candidate->name);
  }
  if (numbers->is_number() && spec.criteria.size() == 1) return numbers->as_double() * spec.criteria[0].weight;
  std::optional<double> sum;
  for (const Criterion& criterion : spec.criteria)
    if (const Json& number = numbers->at(criterion.name); number.is_number())
      sum = sum.value_or(0) + number.as_double() * criterion.weight;
  return sum;
}

Result<std::optional<std::size_t>> winner(const ChooseSpec& spec, std::vector<Runner>& runners, const Scope& scope) {
  std::optional<std::size_t> best;
  switch (spec.strategy) {
    case ChooseStrategy::HighestWeightedScore: {
      const Json scores = WRENCH_TRY(resolve_references(spec.scores, scope));
      for (std::size_t i = 0; i < runners.size(); ++i) {
        runners[i].score = weigh(spec, runners[i], scores);
        if (runners[i].score && (!best || *runners[i].score > *runners[*best].score)) best = i;
      }
      break;
    }
    case ChooseStrategy::FirstValid: {
      const auto schema = WRENCH_TRY(codec::JsonSchema::compile(spec.schema));
      for (std::size_t i = 0; i < runners.size() && !best; ++i)
        if (schema.validate(runners[i].value).empty()) best = i;
      break;
    }
    case ChooseStrategy::Majority: {
      std::map<std::string, double> votes;
      std::vector<std::string> forms;
      for (const Runner& runner : runners) ++votes[forms.emplace_back(codec::canonical_json(runner.value))];
      for (std::size_t i = 0; i < runners.size(); ++i) {
        runners[i].score = votes[forms[i]];
        if (!best || *runners[i].score > *runners[*best].score) best = i;
      }
      break;
    }
  }
  return best;
}

}  // namespace

Result<Json> combine(const PlanNode& node, std::vector<Json> values, const Scope& scope) {
  switch (node.strategy) {
    case MergeStrategy::Merge:
      return merge_all(values);
    case MergeStrategy::Append:
      return Json::object({{"items", Json(std::move(values))}});
    case MergeStrategy::Filter:
      return filter_all(*node.filter, values, scope);
    case MergeStrategy::CombineContent:
      return combine_content(values);
  }
  return Json();
}

Result<Json> choose(const PlanNode& node, const Scope& scope) {
  const ChooseSpec& spec = *node.choose;
  std::vector<Runner> runners;
  for (std::size_t i = 0; i < spec.candidates.size(); ++i) {
    Runner runner{i, &spec.candidates[i], WRENCH_TRY(resolve_references(spec.candidates[i].value, scope)), {}};
    if (!runner.value.is_null()) runners.push_back(std::move(runner));
  }
  const auto best = WRENCH_TRY(winner(spec, runners, scope));
  if (!best)
    return Error("workflow.no_winner", "none of the " + std::to_string(runners.size()) + " candidates qualifies");
  Json scores = Json::array();
  Json losers = Json::array();
  for (std::size_t i = 0; i < runners.size(); ++i) {
    const std::string& name = runners[i].candidate->name;
    if (runners[i].score) scores.push_back(Json::object({{"name", name}, {"score", *runners[i].score}}));
    if (i != *best) losers.push_back(name);
  }
  Runner& first = runners[*best];
  return Json::object({{"winner", first.candidate->name},
                       {"index", first.index},
                       {"output", std::move(first.value)},
                       {"scores", std::move(scores)},
                       {"losers", std::move(losers)}});
}

}  // namespace wrench::workflow
