#include "rule_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace wrench::code {
namespace {

using codec::YamlMember;
using codec::YamlNode;

constexpr int kDepthMax = 24;  ///< Formulas within formulas; the reader of operators has the same bound.

constexpr std::array<std::string_view, 7> kFormulas = {"pattern", "all", "any", "regex", "not", "inside", "anywhere"};

Error fault(std::string message, const YamlNode& where) {
  return Error("rules.invalid", std::move(message))
      .at("", static_cast<int>(where.line), static_cast<int>(where.column));
}

YamlNode scalar(std::string_view text, const YamlNode& place) {
  YamlNode out;
  out.text = text;
  out.line = place.line;
  out.column = place.column;
  return out;
}

YamlNode mapping(YamlMember member) {
  YamlNode out;
  out.kind = YamlNode::Kind::Mapping;
  out.line = member.key.line;
  out.column = member.key.column;
  out.members.push_back(std::move(member));
  return out;
}

YamlMember member(std::string_view key, YamlNode value) {
  YamlNode name = scalar(key, value);
  return {std::move(name), std::move(value)};
}

YamlNode sequence(const YamlNode& place) {
  YamlNode out;
  out.kind = YamlNode::Kind::Sequence;
  out.line = place.line;
  out.column = place.column;
  return out;
}

Result<YamlMember> formula(const YamlNode& node, int depth);

/// What an operator holds: text as it is, anything else as a mapping with one operator.
Result<YamlNode> nested(const YamlNode& node, int depth) {
  YamlMember inner = WRENCH_TRY(formula(node, depth));
  if (inner.key.text == "pattern") return std::move(inner.value);
  return mapping(std::move(inner));
}

Result<YamlNode> list(const YamlNode& node, int depth) {
  if (!node.is_sequence()) return fault("'all' and 'any' are lists", node);
  YamlNode out = sequence(node);
  for (const YamlNode& item : node.items) out.items.push_back(mapping(WRENCH_TRY(formula(item, depth))));
  return out;
}

Result<YamlMember> negated(const YamlNode& node, int depth) {
  YamlMember inner = WRENCH_TRY(formula(node, depth));
  if (inner.key.text == "pattern-inside") return member("pattern-not-inside", std::move(inner.value));
  if (inner.key.text == "pattern-regex") return member("pattern-not-regex", std::move(inner.value));
  if (inner.key.text == "pattern") return member("pattern-not", std::move(inner.value));
  return member("pattern-not", mapping(std::move(inner)));
}

Result<YamlMember> base_of(std::string_view key, const YamlNode& value, int depth) {
  if (key == "pattern") return member("pattern", value);
  if (key == "regex") return member("pattern-regex", value);
  if (key == "all") return member("patterns", WRENCH_TRY(list(value, depth)));
  if (key == "any") return member("pattern-either", WRENCH_TRY(list(value, depth)));
  if (key == "inside") return member("pattern-inside", WRENCH_TRY(nested(value, depth)));
  if (key == "anywhere") return member("semgrep-internal-pattern-anywhere", WRENCH_TRY(nested(value, depth)));
  return negated(value, depth);
}

/// `{metavariable: $X, regex: …}` and its like: what else stands there says which condition it is.
std::string_view condition_of(const YamlNode& where) {
  if (where.find("regex") != nullptr && where.find("language") == nullptr) return "metavariable-regex";
  if (where.find("type") != nullptr || where.find("types") != nullptr) return "metavariable-type";
  if (where.find("analyzer") != nullptr) return "metavariable-analysis";
  if (where.find("module") != nullptr || where.find("modules") != nullptr) return "metavariable-name";
  return "metavariable-pattern";
}

Result<YamlMember> condition(const YamlNode& where, int depth) {
  if (!where.is_mapping()) return fault("a condition of 'where' is a mapping", where);
  if (const YamlNode* focus = where.find("focus")) return member("focus-metavariable", *focus);
  if (where.find("comparison") != nullptr) return member("metavariable-comparison", where);
  if (where.find("metavariable") == nullptr)
    return fault("a condition of 'where' has 'metavariable', 'comparison' or 'focus'", where);
  const std::string_view kind = condition_of(where);
  if (kind != "metavariable-pattern") return member(kind, where);
  YamlNode out = where;
  out.members.clear();
  YamlNode inner = out;
  for (const YamlMember& part : where.members) {
    const bool own = part.key.text == "metavariable" || part.key.text == "language";
    (own ? out : inner).members.push_back(part);
  }
  out.members.push_back(WRENCH_TRY(formula(inner, depth)));
  return member(kind, std::move(out));
}

/// Puts conditions beside the operator, in the same list where there is one.
Result<YamlMember> with_conditions(YamlMember base, std::vector<YamlNode> conditions) {
  if (conditions.empty()) return base;
  // What confines to a place goes on doing so.
  if (base.key.text == "pattern-inside" || base.key.text == "semgrep-internal-pattern-anywhere") {
    YamlMember inner = base.value.is_scalar() ? member("pattern", base.value) : base.value.members.front();
    YamlMember conditioned = WRENCH_TRY(with_conditions(std::move(inner), std::move(conditions)));
    base.value = mapping(std::move(conditioned));
    return base;
  }
  YamlNode all = sequence(base.value);
  if (base.key.text == "patterns")
    all = std::move(base.value);
  else
    all.items.push_back(mapping(std::move(base)));
  for (YamlNode& extra : conditions) all.items.push_back(std::move(extra));
  return member("patterns", std::move(all));
}

Result<YamlMember> formula(const YamlNode& node, int depth) {
  if (depth > kDepthMax) return fault("patterns are nested too deep", node);
  if (node.is_scalar()) return member("pattern", node);
  if (!node.is_mapping()) return fault("expected a pattern or a mapping such as 'all:'", node);
  const YamlMember* base = nullptr;
  std::vector<YamlNode> conditions;
  for (const YamlMember& part : node.members) {
    const std::string& key = part.key.text;
    if (key == "where") {
      if (!part.value.is_sequence()) return fault("'where' is a list", part.value);
      for (const YamlNode& where : part.value.items)
        conditions.push_back(mapping(WRENCH_TRY(condition(where, depth + 1))));
    } else if (key == "as") {
      conditions.push_back(mapping(member("as-metavariable", part.value)));
    } else if (std::find(kFormulas.begin(), kFormulas.end(), key) != kFormulas.end()) {
      if (base != nullptr)
        return fault(fmt::format("both '{}' and '{}'; write one formula", base->key.text, key), part.key);
      base = &part;
    } else if (key != "fix") {
      return fault(fmt::format("unknown operator '{}'", key), part.key);
    }
  }
  if (base == nullptr) return fault("expected one of pattern, all, any, regex, not, inside, anywhere", node);
  return with_conditions(WRENCH_TRY(base_of(base->key.text, base->value, depth + 1)), std::move(conditions));
}

}  // namespace

Result<YamlMember> to_pattern_operators(const YamlNode& match) { return formula(match, 0); }

}  // namespace wrench::code
