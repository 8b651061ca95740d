#pragma once

#include <memory>
#include <string>

#include "rule_formula.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::code {

/// Reads the rules of one YAML document into `state`; every problem goes to `report` with its place.
class RuleReader {
 public:
  RuleReader(RuleSet::State& state, LoadReport& report) : state_(state), report_(report) {}
  void read_file(const RuleSource& source, const codec::YamlNode& root, RuleSet::PassOver pass_over);

 private:
  Parser parser_;
  SystemClock clock_;
  RuleSet::State& state_;
  LoadReport& report_;
  const codec::YamlNode* shared_taint_ = nullptr;  ///< x-wrench.taint of the file that is read.

  friend class OneRule;
};

}  // namespace wrench::code
