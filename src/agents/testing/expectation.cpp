#include "expectation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Finding;

constexpr std::size_t kShownBytesMax = 300;
constexpr std::size_t kShownFindingsMax = 5;

std::string shortened(std::string text) {
  if (text.size() <= kShownBytesMax) return text;
  text.resize(kShownBytesMax);
  return repair_utf8(text) + "…";
}

std::vector<std::string> texts(const Json& value) {
  std::vector<std::string> out;
  for (const Json& item : value.as_array()) out.emplace_back(item.as_string());
  return out;
}

// Values at a JSON pointer (RFC 6901). "*" stands for every item or member.

std::string unescaped(std::string_view token) {
  return replace_all(replace_all(std::string(token), "~1", "/"), "~0", "~");
}

void children(const Json& value, const std::string& token, std::vector<const Json*>& out) {
  if (token == "*") {
    for (const Json& item : value.as_array()) out.push_back(&item);
    for (const auto& member : value.as_object()) out.push_back(&member.second);
    return;
  }
  if (value.is_array()) {
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(token.data(), token.data() + token.size(), index);
    if (failed == std::errc() && end == token.data() + token.size() && index < value.as_array().size())
      out.push_back(&value.as_array()[index]);
  } else if (const Json* member = value.as_object().find(token); member != nullptr) {
    out.push_back(member);
  }
}

std::vector<const Json*> values_at(const Json& root, std::string_view pointer) {
  std::vector<const Json*> at = {&root};
  if (pointer.empty()) return at;
  for (const std::string_view token : split(pointer.substr(1), '/')) {
    std::vector<const Json*> next;
    for (const Json* value : at) children(*value, unescaped(token), next);
    at = std::move(next);
  }
  return at;
}

std::string pointer_problem(const Json& members) {
  const std::string_view pointer = members.at("pointer").as_string();
  return pointer.empty() || pointer.front() == '/' ? "" : "a pointer begins with '/'";
}

/// The output's text at the pointer; of a text the text itself, else its JSON.
std::string text_at(const Json& output, std::string_view pointer) {
  std::string out;
  for (const Json* value : values_at(output, pointer))
    out += (value->is_string() ? std::string(value->as_string()) : codec::write_json(*value)) + "\n";
  return out;
}

// schema

std::string schema_problem(const Json& members) {
  if (auto wrong = pointer_problem(members); !wrong.empty()) return wrong;
  if (members.at("schema").is_null()) return "";
  const auto compiled = codec::JsonSchema::compile(members.at("schema"));
  return compiled.ok() ? "" : compiled.error().message;
}

std::string schema_failure(const Json& members, const CaseFacts& facts) {
  const bool own = !members.at("schema").is_null();
  const auto compiled = codec::JsonSchema::compile(own ? members.at("schema") : facts.capability->output_schema);
  if (!compiled) return compiled.error().message;
  const auto values = values_at(facts.output, members.at("pointer").as_string());
  if (values.empty()) return "there is nothing at " + std::string(members.at("pointer").as_string());
  for (const Json* value : values)
    if (const auto violations = compiled->validate(*value); !violations.empty())
      return violations.front().pointer + " " + violations.front().message;
  return "";
}

// finding, no_finding

std::string shown(const Finding& finding) {
  return finding.rule + " at " + finding.where.path + ":" + std::to_string(finding.where.start.line);
}

bool matches(const Finding& finding, const Json& wanted) {
  const auto equals = [&](std::string_view member, std::string_view value) {
    return wanted.at(member).is_null() || wanted.at(member).as_string() == value;
  };
  const Json& line = wanted.at("line");
  const Json& cwe = wanted.at("cwe");
  const Json& says = wanted.at("says");
  const std::string_view kind = finding.suppressed ? std::string_view(finding.suppressed->kind) : "";
  return equals("rule", finding.rule) && equals("path", finding.where.path) &&
         equals("severity", findings::name(finding.severity)) && equals("category", findings::name(finding.category)) &&
         equals("symbol", finding.symbol) && wanted.at("suppressed").as_string() == kind &&
         (line.is_null() || line.as_integer() == finding.where.start.line) &&
         (cwe.is_null() || std::ranges::find(finding.cwe, cwe.as_string()) != finding.cwe.end()) &&
         (says.is_null() || finding.message.find(says.as_string()) != std::string::npos);
}

std::string findings_problem(const Json& members) {
  if (const Json& word = members.at("severity"); !word.is_null()) {
    const auto severity = findings::parse_severity(word.as_string());
    if (!severity || findings::name(*severity) != word.as_string())
      return "severity is info, low, medium, high or critical";
  }
  if (const Json& word = members.at("category"); !word.is_null() && !findings::parse_category(word.as_string()))
    return "there is no category '" + std::string(word.as_string()) + "'";
  return "";
}

std::string finding_problem(const Json& members) {
  if (members.as_object().empty()) return "which finding? rule, path, line, severity, category, cwe, symbol, says";
  return findings_problem(members);
}

std::string list_of(const std::vector<const Finding*>& all) {
  if (all.empty()) return "none";
  std::vector<std::string> words;
  for (std::size_t i = 0; i < std::min(all.size(), kShownFindingsMax); ++i) words.push_back(shown(*all[i]));
  return join(words, ", ") +
         (all.size() > kShownFindingsMax ? " and " + std::to_string(all.size() - kShownFindingsMax) + " more" : "");
}

std::vector<const Finding*> matching(const Json& wanted, const CaseFacts& facts) {
  std::vector<const Finding*> out;
  for (const Finding& finding : facts.findings)
    if (matches(finding, wanted)) out.push_back(&finding);
  return out;
}

std::string finding_failure(const Json& members, const CaseFacts& facts) {
  const auto found = matching(members, facts);
  const Json& count = members.at("count");
  if (count.is_null() ? !found.empty() : static_cast<std::int64_t>(found.size()) == count.as_integer()) return "";
  if (!found.empty()) return std::to_string(found.size()) + " are like that: " + list_of(found);
  std::vector<const Finding*> all;
  for (const Finding& finding : facts.findings) all.push_back(&finding);
  return "none is like that; there are: " + list_of(all);
}

std::string no_finding_failure(const Json& members, const CaseFacts& facts) {
  const auto found = matching(members, facts);
  return found.empty() ? "" : "found " + list_of(found);
}

// json

using Order = bool (*)(double, double);

bool compares(const Json& left, const Json& right, Order order) {
  return left.is_number() && right.is_number() && order(left.as_double(), right.as_double());
}
bool equal(const Json& left, const Json& right) {
  return left == right || compares(left, right, [](double a, double b) { return a == b; });
}
bool contains(const Json& left, const Json& right) {
  if (left.is_string()) return right.is_string() && left.as_string().find(right.as_string()) != std::string_view::npos;
  if (left.is_object()) return right.is_string() && left.as_object().find(right.as_string()) != nullptr;
  return std::ranges::any_of(left.as_array(), [&](const Json& item) { return equal(item, right); });
}
bool has_size(const Json& left, const Json& right) {
  const std::size_t size = left.is_string()   ? count_code_points(left.as_string())
                           : left.is_object() ? left.as_object().size()
                                              : left.as_array().size();
  return (left.is_string() || left.is_object() || left.is_array()) && equal(Json(size), right);
}

struct Operator {
  std::string_view word;
  bool for_all;  ///< Must hold for every value at the pointer, else for one.
  bool (*holds)(const Json& left, const Json& right);
};
constexpr Operator kOperators[] = {
    {"eq", false, equal},
    {"ne", true, [](const Json& l, const Json& r) { return !equal(l, r); }},
    {"lt", false,
     [](const Json& l, const Json& r) { return compares(l, r, [](double a, double b) { return a < b; }); }},
    {"le", false,
     [](const Json& l, const Json& r) { return compares(l, r, [](double a, double b) { return a <= b; }); }},
    {"gt", false,
     [](const Json& l, const Json& r) { return compares(l, r, [](double a, double b) { return a > b; }); }},
    {"ge", false,
     [](const Json& l, const Json& r) { return compares(l, r, [](double a, double b) { return a >= b; }); }},
    {"contains", false, contains},
    {"lacks", true, [](const Json& l, const Json& r) { return !contains(l, r); }},
    {"size", false, has_size},
    {"exists", false, nullptr},
    {"absent", true, nullptr},
};

const Operator* find_operator(std::string_view word) {
  const auto* found = std::ranges::find(kOperators, word, &Operator::word);
  return found == std::end(kOperators) ? nullptr : found;
}

std::string json_problem(const Json& members) {
  if (auto wrong = pointer_problem(members); !wrong.empty()) return wrong;
  const Operator* op = find_operator(members.at("op").as_string());
  if (op == nullptr) return "op is eq, ne, lt, le, gt, ge, contains, lacks, size, exists or absent";
  const bool has_value = members.as_object().find("value") != nullptr;
  if (op->holds != nullptr && !has_value) return std::string(op->word) + " needs a value";
  if (op->holds == nullptr && has_value) return std::string(op->word) + " takes no value";
  return "";
}

std::string json_failure(const Json& members, const CaseFacts& facts) {
  const std::string pointer(members.at("pointer").as_string());
  const auto values = values_at(facts.output, pointer);
  const Operator& op = *find_operator(members.at("op").as_string());
  if (op.holds == nullptr) {
    if (values.empty() == op.for_all) return "";
    return op.for_all ? pointer + " is there: " + shortened(codec::write_json(*values.front()))
                      : "there is nothing at " + pointer;
  }
  if (values.empty()) return "there is nothing at " + pointer;
  const auto holds = [&](const Json* value) { return op.holds(*value, members.at("value")); };
  if (op.for_all ? std::ranges::all_of(values, holds) : std::ranges::any_of(values, holds)) return "";
  Json all = Json::array();
  for (const Json* value : values) all.push_back(*value);
  return pointer + " " + std::string(op.word) + " " + shortened(codec::write_json(members.at("value"))) +
         " doesn't hold; there is " + shortened(codec::write_json(values.size() == 1 ? *values.front() : all));
}

// text

std::string text_problem(const Json& members) {
  if (auto wrong = pointer_problem(members); !wrong.empty()) return wrong;
  return members.at("contains").is_null() && members.at("lacks").is_null() ? "which text? contains, lacks" : "";
}

std::string text_failure(const Json& members, const CaseFacts& facts) {
  const std::string pointer(members.at("pointer").as_string());
  if (values_at(facts.output, pointer).empty()) return "there is nothing at " + pointer;
  const std::string text = text_at(facts.output, pointer);
  for (const auto& part : texts(members.at("contains")))
    if (text.find(part) == std::string::npos) return "'" + part + "' isn't in: " + shortened(text);
  for (const auto& part : texts(members.at("lacks")))
    if (text.find(part) != std::string::npos) return "'" + part + "' is in it";
  return "";
}

// no_effects, budget, plan, error

std::string no_effects_failure(const Json&, const CaseFacts& facts) {
  if (!facts.tree_change.empty()) return "the fixture changed: " + facts.tree_change;
  return facts.effects == 0 ? "" : std::to_string(facts.effects) + " effects were begun outside of the store";
}

std::string budget_problem(const Json& members) {
  return members.as_object().empty() ? "which? wall_ms_max, steps_max, output_bytes_max, tokens_max" : "";
}

std::string budget_failure(const Json& members, const CaseFacts& facts) {
  const std::pair<std::string_view, std::int64_t> spent[] = {{"wall_ms_max", facts.elapsed_us / kMicrosPerMs},
                                                             {"steps_max", facts.steps},
                                                             {"output_bytes_max", facts.output_bytes},
                                                             {"tokens_max", 0}};  // There is no model to spend them.
  for (const auto& [member, amount] : spent)
    if (!members.at(member).is_null() && amount > members.at(member).as_integer())
      return std::string(member) + " is " + std::to_string(members.at(member).as_integer()) + ", used were " +
             std::to_string(amount);
  return "";
}

std::string plan_problem(const Json& members) {
  return members.as_object().empty() ? "what of the plan? steps, has, lacks, gates, degraded" : "";
}

std::string plan_failure(const Json& members, const CaseFacts& facts) {
  const auto has = [&](const std::string& step) {
    return std::ranges::find(facts.planned, step) != facts.planned.end();
  };
  const std::string plan = "; the plan is " + join(facts.planned, ", ");
  if (!members.at("steps").is_null() && texts(members.at("steps")) != facts.planned)
    return "planned were " + join(facts.planned, ", ");
  for (const auto& step : texts(members.at("has")))
    if (!has(step)) return step + " isn't planned" + plan;
  for (const auto& step : texts(members.at("lacks")))
    if (has(step)) return step + " is planned" + plan;
  if (!members.at("gates").is_null() && members.at("gates").as_integer() != facts.gates)
    return std::to_string(facts.gates) + " gates are planned";
  for (const auto& part : texts(members.at("degraded")))
    if (std::ranges::none_of(facts.degraded, [&](const std::string& d) { return d.find(part) != std::string::npos; }))
      return "not said to be impossible: " + part + "; said is: " + join(facts.degraded, ", ");
  return "";
}

std::string error_failure(const Json& members, const CaseFacts& facts) {
  if (!facts.error) return "it didn't fail";
  if (facts.error->code != members.at("code").as_string()) return "it failed with " + describe(*facts.error);
  for (const auto& part : texts(members.at("says")))
    if (facts.error->message.find(part) == std::string::npos)
      return "'" + part + "' isn't in: " + shortened(facts.error->message);
  return "";
}

constexpr MemberSpec kSchemaMembers[] = {{"schema", MemberType::Any}, {"pointer", MemberType::Text}};
constexpr MemberSpec kFindingMembers[] = {{"rule", MemberType::Text},     {"path", MemberType::Text},
                                          {"line", MemberType::Whole},    {"cwe", MemberType::Text},
                                          {"severity", MemberType::Text}, {"category", MemberType::Text},
                                          {"symbol", MemberType::Text},   {"suppressed", MemberType::Text},
                                          {"says", MemberType::Text},     {"count", MemberType::Whole}};
constexpr std::span<const MemberSpec> kNoFindingMembers(kFindingMembers, std::size(kFindingMembers) - 1);
constexpr MemberSpec kJsonMembers[] = {
    {"pointer", MemberType::Text, true}, {"op", MemberType::Text, true}, {"value", MemberType::Any}};
constexpr MemberSpec kTextMembers[] = {
    {"pointer", MemberType::Text}, {"contains", MemberType::Texts}, {"lacks", MemberType::Texts}};
constexpr MemberSpec kBudgetMembers[] = {{"wall_ms_max", MemberType::Whole},
                                         {"steps_max", MemberType::Whole},
                                         {"output_bytes_max", MemberType::Whole},
                                         {"tokens_max", MemberType::Whole}};
constexpr MemberSpec kPlanMembers[] = {{"steps", MemberType::Texts},
                                       {"has", MemberType::Texts},
                                       {"lacks", MemberType::Texts},
                                       {"gates", MemberType::Whole},
                                       {"degraded", MemberType::Texts}};
constexpr MemberSpec kErrorMembers[] = {{"code", MemberType::Text, true}, {"says", MemberType::Texts}};

constexpr std::string_view kNoTools = "agents call no tools yet";
constexpr std::string_view kNoModel = "there is no model yet";
constexpr std::string_view kNoChanges = "agents change nothing yet";
constexpr std::string_view kNoQuestions = "agents ask people nothing yet";

constexpr ExpectationKind kKinds[] = {
    {"schema", kSchemaMembers, {}, true, schema_problem, schema_failure},
    {"finding", kFindingMembers, {}, true, finding_problem, finding_failure},
    {"no_finding", kNoFindingMembers, {}, true, findings_problem, no_finding_failure},
    {"no_effects", {}, {}, false, nullptr, no_effects_failure},
    {"json", kJsonMembers, {}, true, json_problem, json_failure},
    {"text", kTextMembers, {}, true, text_problem, text_failure},
    {"budget", kBudgetMembers, {}, false, budget_problem, budget_failure},
    {"plan", kPlanMembers, {}, false, plan_problem, plan_failure},
    {"error", kErrorMembers, {}, false, nullptr, error_failure},
    // Words of the format whose part of the program isn't there. What they say isn't looked at.
    {"tools", {}, kNoTools},
    {"denied", {}, kNoTools},
    {"span_order", {}, "steps write no spans yet"},
    {"change_verified", {}, kNoChanges},
    {"question", {}, kNoQuestions},
    {"replan", {}, "plans don't change while they run yet"},
    {"injection", {}, kNoModel},
    {"judge", {}, kNoModel},
};

}  // namespace

std::span<const ExpectationKind> expectation_kinds() { return kKinds; }

const ExpectationKind* find_expectation_kind(std::string_view word) {
  const auto* found = std::ranges::find(kKinds, word, &ExpectationKind::word);
  return found == std::end(kKinds) ? nullptr : found;
}

CaseCheck check(const Expectation& expectation, const CaseFacts& facts) {
  const ExpectationKind& kind = *find_expectation_kind(expectation.word);
  CaseCheck out{std::string(kind.word), false, {}, expectation.place};
  out.detail =
      kind.needs_run && facts.output.is_null() ? "there is no output" : kind.failure(expectation.members, facts);
  out.passed = out.detail.empty();
  return out;
}

}  // namespace wrench::agents
