#include "taint_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "wrench/base/text.hpp"

namespace wrench::code {

using codec::YamlNode;

namespace {

constexpr int kLabelDepthMax = 16;
constexpr std::size_t kLabelsMax = 32;  ///< Of one rule.
constexpr std::size_t kSpecsMax = 500;  ///< Entries of one list.

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  Result<LabelExpr> run() {
    LabelExpr out = WRENCH_TRY(any(0));
    skip();
    if (!text_.empty()) return fault();
    return out;
  }

 private:
  Error fault() const {
    return Error("rules.invalid", fmt::format("'requires' isn't a combination of labels at '{}'", text_.substr(0, 40)));
  }
  void skip() { text_ = trim(text_); }
  bool word(std::string_view wanted) {
    skip();
    if (!text_.starts_with(wanted) || (text_.size() > wanted.size() && is_label_char(text_[wanted.size()])))
      return false;
    text_.remove_prefix(wanted.size());
    return true;
  }
  Result<LabelExpr> any(int depth) { return list(depth, "or", LabelExpr::What::Or); }
  Result<LabelExpr> list(int depth, std::string_view joint, LabelExpr::What what) {
    if (depth > kLabelDepthMax) return fault();
    const bool is_or = what == LabelExpr::What::Or;
    LabelExpr first = WRENCH_TRY(is_or ? list(depth + 1, "and", LabelExpr::What::And) : one(depth + 1));
    if (!word(joint)) return first;
    LabelExpr out;
    out.what = what;
    out.parts.push_back(std::move(first));
    do {
      out.parts.push_back(WRENCH_TRY(is_or ? list(depth + 1, "and", LabelExpr::What::And) : one(depth + 1)));
    } while (word(joint));
    return out;
  }
  Result<LabelExpr> one(int depth) {
    if (depth > kLabelDepthMax) return fault();
    LabelExpr out;
    if (word("not")) {
      out.what = LabelExpr::What::Not;
      out.parts.push_back(WRENCH_TRY(one(depth + 1)));
      return out;
    }
    skip();
    if (text_.starts_with('(')) {
      text_.remove_prefix(1);
      out = WRENCH_TRY(any(depth + 1));
      skip();
      if (!text_.starts_with(')')) return fault();
      text_.remove_prefix(1);
      return out;
    }
    std::size_t end = 0;
    while (end < text_.size() && is_label_char(text_[end])) ++end;
    if (end == 0) return fault();
    out.label = text_.substr(0, end);
    text_.remove_prefix(end);
    return out;
  }

  std::string_view text_;
};

}  // namespace

Result<LabelExpr> parse_label_expr(std::string_view text) { return LabelParser(text).run(); }

bool is_taint_key(std::string_view key) {
  static constexpr std::array<std::string_view, 10> kKeys = {
      "label", "requires", "exact",   "by-side-effect", "not_conflicting",
      "from",  "to",       "control", "at-exit",        "replace-labels"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool read_taint_option(TaintOptions& options, std::string_view key, const YamlNode& value) {
  struct Switch {
    std::string_view name;
    bool TaintOptions::* field;
  };
  static constexpr std::array kSwitches = {
      Switch{"taint_assume_safe_functions", &TaintOptions::safe_functions},
      Switch{"taint_assume_safe_indexes", &TaintOptions::safe_indexes},
      Switch{"taint_assume_safe_comparisons", &TaintOptions::safe_comparisons},
      Switch{"taint_assume_safe_booleans", &TaintOptions::safe_booleans},
      Switch{"taint_assume_safe_numbers", &TaintOptions::safe_numbers},
      Switch{"taint_only_propagate_through_assignments", &TaintOptions::only_assignments},
      Switch{"taint_unify_mvars", &TaintOptions::unify_metavariables},
  };
  for (const Switch& entry : kSwitches)
    if (entry.name == key) {
      options.*(entry.field) = value.as_boolean().value_or(false);
      return true;
    }
  return false;
}

Result<TaintSpec> TaintReader::read_spec(const YamlNode& node) const {
  if (!node.is_mapping()) return invalid("expected an entry with 'pattern' or other operators", node);
  TaintSpec spec;
  for (const codec::YamlMember& member : node.members) {
    const std::string& key = member.key.text;
    if (key == "label") {
      spec.label = member.value.text;
    } else if (key == "requires") {
      if (!member.value.is_scalar())
        return invalid("'requires' for each metavariable isn't supported; write one combination of labels",
                       member.value);
      auto required = parse_label_expr(member.value.text);
      if (!required) return invalid(required.error().message, member.value);
      spec.required_text = member.value.text;
    } else if (key == "exact") {
      spec.exact = member.value.as_boolean().value_or(false);
    } else if (key == "by-side-effect") {
      spec.by_side_effect = member.value.text == "only" || member.value.as_boolean().value_or(false);
    } else if (key == "not_conflicting") {
      spec.not_conflicting = member.value.as_boolean().value_or(false);
    } else if (key == "from") {
      spec.from = atom(member.value.text);
    } else if (key == "to") {
      spec.to = atom(member.value.text);
    } else if (key == "control" || key == "at-exit" || key == "replace-labels") {
      return invalid(fmt::format("'{}' isn't supported", key), member.key);
    }
  }
  spec.formula = WRENCH_TRY(formula(node));
  return spec;
}

Result<std::vector<TaintSpec>> TaintReader::read_list(const YamlNode* list, std::string_view key) const {
  std::vector<TaintSpec> out;
  if (list == nullptr) return out;
  if (!list->is_sequence()) return invalid(fmt::format("'{}' is a list", key), *list);
  for (const YamlNode& item : list->items) {
    if (item.is_mapping() && item.find("use") != nullptr)
      WRENCH_TRY(add_shared(out, item));
    else
      out.push_back(WRENCH_TRY(read_spec(item)));
    if (out.size() > kSpecsMax) return invalid(fmt::format("more than {} entries", kSpecsMax), *list);
  }
  return out;
}

Result<void> TaintReader::add_shared(std::vector<TaintSpec>& out, const YamlNode& use) const {
  std::string label;
  for (const codec::YamlMember& member : use.members) {
    if (member.key.text == "label")
      label = member.value.text;
    else if (member.key.text != "use")
      return invalid(fmt::format("beside 'use' only 'label' may stand, not '{}'", member.key.text), member.key);
  }
  const std::string& name = use.find("use")->text;
  const YamlNode* list = shared != nullptr ? shared->find(name) : nullptr;
  if (list == nullptr || !list->is_sequence())
    return invalid(fmt::format("this file's x-wrench.taint has no list '{}'", name), use);
  for (const YamlNode& item : list->items) {
    TaintSpec spec = WRENCH_TRY(read_spec(item));
    if (!label.empty()) spec.label = label;
    out.push_back(std::move(spec));
  }
  return {};
}

Result<TaintFormulas> TaintReader::read(const YamlNode& rule) const {
  TaintFormulas out;
  out.sources = WRENCH_TRY(read_list(rule.find("pattern-sources"), "pattern-sources"));
  out.sinks = WRENCH_TRY(read_list(rule.find("pattern-sinks"), "pattern-sinks"));
  out.sanitizers = WRENCH_TRY(read_list(rule.find("pattern-sanitizers"), "pattern-sanitizers"));
  out.propagators = WRENCH_TRY(read_list(rule.find("pattern-propagators"), "pattern-propagators"));
  if (out.sources.empty()) return invalid("a taint rule needs 'pattern-sources'", rule);
  std::set<std::string> labels;
  for (const TaintSpec& spec : out.sources) labels.insert(spec.label);
  for (const TaintSpec& spec : out.propagators) labels.insert(spec.label);
  if (labels.size() > kLabelsMax) return invalid(fmt::format("more than {} labels", kLabelsMax), rule);
  if (out.sinks.empty()) return invalid("a taint rule needs 'pattern-sinks'", rule);
  for (const TaintSpec& spec : out.propagators)
    if (spec.from == kNoAtom || spec.to == kNoAtom) return invalid("a propagator needs 'from' and 'to'", rule);
  return out;
}

}  // namespace wrench::code
