#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "problems.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/workflow/budget_amounts.hpp"

namespace wrench::workflow::playbook {

/// Reads the members of one mapping. Whatever nobody asked for is reported by finish() as unknown.
class Fields {
 public:
  Fields(const codec::YamlNode& mapping, std::string what, Problems& problems)
      : mapping_(mapping), what_(std::move(what)), problems_(problems) {}

  const codec::YamlNode& where() const { return mapping_; }
  /// The member, or nullptr when it is absent or null.
  const codec::YamlNode* get(std::string_view name);
  /// The same of a member that has two names; both at once are a problem.
  const codec::YamlNode* either(std::string_view name, std::string_view other);
  /// As get(), but null is something: `next: null`.
  const codec::YamlNode* given(std::string_view name);
  /// Nothing when absent or, after a problem, not text.
  std::optional<std::string> text(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  std::optional<double> number(std::string_view name, double min, double max);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<Micros> duration(std::string_view name);
  /// Index in `words`; nothing when absent or unknown (a problem).
  std::optional<std::size_t> one_of(std::string_view name, const std::vector<std::string_view>& words);
  /// The items, at most kPlaybookBranchesMax; one scalar or mapping counts as a list of it.
  std::vector<const codec::YamlNode*> list(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  /// Names that are known though this reading may end before it asks for them.
  void know(std::initializer_list<std::string_view> names);
  void finish() const;

 private:
  const codec::YamlNode& mapping_;
  std::string what_;
  Problems& problems_;
  std::vector<std::string_view> asked_;
};

/// A budget: a mapping of dimensions to amounts; `cost_usd` stands for cost_nano_usd. Nothing when absent, or after a
/// problem.
std::optional<BudgetAmounts> read_budget(Fields& fields, std::string_view name, Problems& problems);

/// The scalar's text, or nothing after a problem.
std::optional<std::string> text_of(const codec::YamlNode& node, std::string_view what, Problems& problems);

}  // namespace wrench::workflow::playbook
