#include "fields.hpp"

#include <algorithm>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow::playbook {

using codec::YamlNode;

std::optional<std::string> text_of(const YamlNode& node, std::string_view what, Problems& problems) {
  if (node.is_scalar() && !node.is_null()) return std::string(trim(node.text));
  problems.add(node, std::string(what) + " must be text");
  return std::nullopt;
}

std::optional<BudgetAmounts> read_budget(Fields& fields, std::string_view name, Problems& problems) {
  const YamlNode* written = fields.get(name);
  if (written == nullptr) return std::nullopt;
  if (!written->is_mapping()) {
    problems.add(*written, "'" + std::string(name) + "' is a mapping such as {cost_usd: 2.50, tokens: 100000}");
    return std::nullopt;
  }
  BudgetAmounts out;
  for (const codec::YamlMember& member : written->members) {
    const std::string& key = member.key.text;
    const bool usd = key == "cost_usd";
    const std::string text(trim(member.value.text));
    const std::string word = usd ? text : key + "=" + text;
    auto amounts = member.value.is_scalar() && (!usd || text.find('=') == std::string::npos)
                       ? parse_budget({&word, 1})
                       : Result<BudgetAmounts>(Error("workflow.budget_invalid", "'" + key + "' must be a number"));
    if (!amounts.ok()) {
      problems.add(member.value, amounts.error().message);
      return std::nullopt;
    }
    for (const auto& [dimension, amount] : *amounts) out[dimension] = amount;
  }
  if (const auto whole = check_budget(out); !whole.ok()) {
    problems.add(*written, whole.error().message);
    return std::nullopt;
  }
  return out;
}

const YamlNode* Fields::given(std::string_view name) {
  if (std::ranges::find(asked_, name) == asked_.end()) asked_.push_back(name);
  return mapping_.find(name);
}

const YamlNode* Fields::get(std::string_view name) {
  const YamlNode* node = given(name);
  return node == nullptr || node->is_null() ? nullptr : node;
}

const YamlNode* Fields::either(std::string_view name, std::string_view other) {
  const YamlNode* first = get(name);
  const YamlNode* second = get(other);
  if (first != nullptr && second != nullptr)
    problems_.add(*second, "'" + std::string(other) + "' says the same as '" + std::string(name) + "'; keep one");
  return first != nullptr ? first : second;
}

std::optional<std::string> Fields::text(std::string_view name) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  return text_of(*node, "'" + std::string(name) + "'", problems_);
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  if (const auto value = node->as_boolean()) return value;
  problems_.add(*node, "'" + std::string(name) + "' must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  if (const auto value = node->as_integer(); value && *value >= min && *value <= max) return value;
  problems_.add(*node, "'" + std::string(name) + "' must be a whole number from " + std::to_string(min) + " to " +
                           std::to_string(max));
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double min, double max) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  if (const auto value = node->as_double(); value && *value >= min && *value <= max) return value;
  problems_.add(*node, "'" + std::string(name) + "' must be a number from " + codec::write_json(min) + " to " +
                           codec::write_json(max));
  return std::nullopt;
}

std::optional<Micros> Fields::duration(std::string_view name) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  const auto parsed = node->is_scalar() ? parse_duration(node->text) : Error(kInvalid, "");
  if (parsed.ok() && *parsed > 0) return *parsed;
  problems_.add(*node, "'" + std::string(name) + "' must be a duration such as 90s, 10m or 1d");
  return std::nullopt;
}

std::optional<std::size_t> Fields::one_of(std::string_view name, const std::vector<std::string_view>& words) {
  const YamlNode* node = get(name);
  if (node == nullptr) return std::nullopt;
  const auto word = text_of(*node, "'" + std::string(name) + "'", problems_);
  if (!word) return std::nullopt;
  if (const auto found = std::ranges::find(words, *word); found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  problems_.add(*node,
                "unknown " + std::string(name) + " '" + escape_for_display(*word) + "'" + suggestion(*word, words));
  return std::nullopt;
}

std::vector<const YamlNode*> Fields::list(std::string_view name) {
  const YamlNode* node = get(name);
  std::vector<const YamlNode*> out;
  if (node == nullptr) return out;
  if (!node->is_sequence()) return {node};
  if (node->items.size() > kPlaybookBranchesMax) {
    problems_.add(*node,
                  "'" + std::string(name) + "' has " + format_count(node->items.size()) + " entries; the limit is " +
                      format_count(kPlaybookBranchesMax),
                  kLimit);
  }
  for (const YamlNode& item : node->items)
    if (out.size() < kPlaybookBranchesMax) out.push_back(&item);
  return out;
}

std::vector<std::string> Fields::texts(std::string_view name) {
  std::vector<std::string> out;
  for (const YamlNode* item : list(name))
    if (auto text = text_of(*item, "an entry of '" + std::string(name) + "'", problems_))
      out.push_back(std::move(*text));
  return out;
}

void Fields::know(std::initializer_list<std::string_view> names) {
  for (const auto name : names) given(name);
}

void Fields::finish() const {
  for (const codec::YamlMember& member : mapping_.members) {
    if (std::ranges::find(asked_, member.key.text) != asked_.end()) continue;
    problems_.add(member.key, what_ + " has no '" + escape_for_display(member.key.text) + "'" +
                                  suggestion(member.key.text, asked_));
  }
}

}  // namespace wrench::workflow::playbook
