#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "plan_node.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::int64_t kPartsMax = 1000;

Result<void> check_expression(const Json& text, std::string_view word, const std::string& place) {
  if (!text.is_string()) return plan_invalid(place + ": {\"" + std::string(word) + "\": …} takes a text");
  const auto parsed = Expression::parse(text.as_string());
  if (!parsed.ok()) return plan_invalid(place + ": bad reference").because(parsed.error());
  return {};
}

Result<void> check_split(const Json& split, const std::string& place) {
  for (const auto& [member, ignored] : split.as_object()) {
    static constexpr std::string_view kKnown[] = {"from", "parts", "index", "mode"};
    if (std::find(std::begin(kKnown), std::end(kKnown), member) == std::end(kKnown))
      return plan_invalid(place + ": $split has no member '" + escape_for_display(member) + "'");
  }
  WRENCH_TRY(check_expression(split.at("from"), "from", place));
  const std::int64_t parts = split.at("parts").as_integer();
  const std::int64_t index = split.at("index").as_integer(-1);
  if (parts < 1 || parts > kPartsMax || index < 0 || index >= parts)
    return plan_invalid(place + ": $split needs parts from 1 to " + std::to_string(kPartsMax) +
                        " and an index below that");
  const std::string_view mode = split.at("mode").as_string("split");
  if (mode != "split" && mode != "round_robin") return plan_invalid(place + ": $split's mode is split or round_robin");
  return {};
}

/// The one member of an object whose name begins with "$", if it is such an object.
const codec::JsonObject::Member* reference_in(const Json& value) {
  for (const auto& member : value.as_object())
    if (member.first.starts_with('$')) return &member;
  return nullptr;
}

Result<Json> split_part(const Json& split, const Scope& scope) {
  const std::string_view from = split.at("from").as_string();
  const Expression expression = WRENCH_TRY(Expression::parse(from));
  const Json list = WRENCH_TRY(expression.eval(scope));
  if (!list.is_array()) return Error("workflow.bad_distribution", "'" + std::string(from) + "' isn't a list");
  const auto parts = static_cast<std::size_t>(split.at("parts").as_integer());
  const auto index = static_cast<std::size_t>(split.at("index").as_integer());
  const auto& items = list.as_array();
  codec::JsonArray out;
  if (split.at("mode").as_string() == "round_robin") {
    for (std::size_t i = index; i < items.size(); i += parts) out.push_back(items[i]);
  } else {
    const std::size_t each = items.size() / parts;
    const std::size_t larger = items.size() % parts;
    const std::size_t begin = index * each + std::min(index, larger);
    const std::size_t end = begin + each + (index < larger ? 1 : 0);
    for (std::size_t i = begin; i < end; ++i) out.push_back(items[i]);
  }
  return Json(std::move(out));
}

Result<Json> resolve(const Json& value, const Scope& scope, std::size_t depth) {
  if (depth > kPlanDepthMax) return plan_invalid("an input is nested deeper than " + std::to_string(kPlanDepthMax));
  if (value.is_array()) {
    codec::JsonArray out;
    for (const auto& item : value.as_array()) out.push_back(WRENCH_TRY(resolve(item, scope, depth + 1)));
    return Json(std::move(out));
  }
  if (!value.is_object()) return value;
  if (const auto* reference = reference_in(value)) {
    if (reference->first == "$split") return split_part(reference->second, scope);
    const Expression expression = WRENCH_TRY(Expression::parse(reference->second.as_string()));
    return expression.eval(scope);
  }
  codec::JsonObject out;
  for (const auto& [member, inner] : value.as_object()) out.set(member, WRENCH_TRY(resolve(inner, scope, depth + 1)));
  return Json(std::move(out));
}

}  // namespace

Result<void> check_references(const Json& value, const std::string& place) {
  std::vector<const Json*> open{&value};
  while (!open.empty()) {
    const Json* at = open.back();
    open.pop_back();
    for (const auto& item : at->as_array()) open.push_back(&item);
    const auto* reference = reference_in(*at);
    if (reference == nullptr) {
      for (const auto& [member, inner] : at->as_object()) open.push_back(&inner);
      continue;
    }
    const auto& [word, what] = *reference;
    if (at->as_object().size() != 1)
      return plan_invalid(place + ": nothing may stand beside '" + escape_for_display(word) + "'");
    if (word == "$split") {
      WRENCH_TRY(check_split(what, place));
    } else if (word == "$from" || word == "$expr") {
      WRENCH_TRY(check_expression(what, word, place));
    } else {
      return plan_invalid(place + ": unknown reference '" + escape_for_display(word) +
                          "'; known: $from, $expr, $split");
    }
  }
  return {};
}

Result<Json> resolve_references(const Json& value, const Scope& scope) { return resolve(value, scope, 1); }

}  // namespace wrench::workflow
