#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/code/rule.hpp"

/// Rules are tested by example files with marks: a comment `ruleid: a, b` or `ok: a` speaks for the next line that
/// isn't itself a mark. A rule is exact when it reports the `ruleid` lines of its targets and no others.
namespace wrench::code {

struct RuleTestFile {
  std::string path;
  std::string text;
};

/// A rule file and the files that show what it must and mustn't find.
struct RuleTestCase {
  RuleTestFile rules;
  std::vector<RuleTestFile> targets;
};

/// Targets of `x.yaml` are `x.*`, `x.test.*` and the files in `x/`.
std::vector<RuleTestCase> group_rule_tests(std::vector<RuleTestFile> files);

struct RuleTestFailure {
  std::string rule;
  std::string rule_file;
  std::string target;
  std::vector<std::uint32_t> missed;      ///< Lines marked `ruleid` that weren't reported.
  std::vector<std::uint32_t> unexpected;  ///< Reported lines without a mark, or marked `ok`.
};

struct RuleTestReport {
  std::size_t rules = 0;  ///< With at least one mark.
  std::size_t exact = 0;
  std::size_t missed = 0;  ///< Lines.
  std::size_t unexpected = 0;
  std::size_t skipped = 0;            ///< Rules that no target marks, and refused ones.
  std::vector<std::string> untested;  ///< Ids of the former.
  std::vector<RuleTestFailure> failures;
  LoadReport load;
};

RuleTestReport test_rules(std::span<const RuleTestCase> cases, const Clock& clock);

}  // namespace wrench::code
