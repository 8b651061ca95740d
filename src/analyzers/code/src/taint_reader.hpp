#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "rule_formula.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::code {

/// Reads what `mode: taint` adds to a rule: lists of sources, sinks, sanitizers and propagators.
struct TaintReader {
  std::function<Result<Formula>(const codec::YamlNode& spec)> formula;  ///< From the operators of one entry.
  std::function<Error(std::string message, const codec::YamlNode& where)> invalid;
  std::function<Atom(std::string_view name)> atom;
  const codec::YamlNode* shared = nullptr;  ///< Lists of entries by name, for all rules of the file; may be null.

  Result<TaintFormulas> read(const codec::YamlNode& rule) const;

 private:
  Result<std::vector<TaintSpec>> read_list(const codec::YamlNode* list, std::string_view key) const;
  Result<TaintSpec> read_spec(const codec::YamlNode& node) const;
  Result<void> add_shared(std::vector<TaintSpec>& out, const codec::YamlNode& use) const;
};

/// Whether an entry's key isn't an operator but says how its matches are meant.
bool is_taint_key(std::string_view key);
/// False for options that aren't about taint.
bool read_taint_option(TaintOptions& options, std::string_view key, const codec::YamlNode& value);

}  // namespace wrench::code
