#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/code/rule.hpp"

/// Rules are tested by example files with marks: a comment `ruleid: a, b` or `ok: a` speaks for the next line that
/// isn't itself a mark. A rule is exact when it reports the `ruleid` lines of its targets and no others. Beside a
/// target `x.py` may stand `x.fixed.py`: its text after the fixes of all findings.
namespace wrench::code {

struct RuleTestFile {
  std::string path;
  std::string text;
};

/// A rule file and the files that show what it must and mustn't find.
struct RuleTestCase {
  RuleTestFile rules;
  std::vector<RuleTestFile> targets;
  std::vector<RuleTestFile> fixed;  ///< What targets become.
};

/// Targets of `x.yaml` are `x.*`, `x.test.*` and the files in `x/`; what `x.test.js` becomes is `x.fixed.js`.
std::vector<RuleTestCase> group_rule_tests(std::vector<RuleTestFile> files);

struct RuleTestFailure {
  std::string rule;
  std::string rule_file;
  std::string target;
  std::vector<std::uint32_t> missed;      ///< Lines marked `ruleid` that weren't reported.
  std::vector<std::uint32_t> unexpected;  ///< Reported lines without a mark, or marked `ok`.
};

/// A target that the fixes made something else of than its `.fixed` file says.
struct FixTestFailure {
  std::string rule_file;
  std::string target;
  std::string fixed;           ///< Path of the file with what was expected.
  std::uint32_t line = 0;      ///< The first that differs.
  std::string expected, made;  ///< That line; empty beyond the end.
};

inline constexpr int kFixTestRoundsMax = 10;  ///< Fixes that overlap others are applied after them.

struct RuleTestReport {
  std::size_t rules = 0;  ///< With at least one mark.
  std::size_t exact = 0;
  std::size_t missed = 0;  ///< Lines.
  std::size_t unexpected = 0;
  std::size_t skipped = 0;            ///< Rules that no target marks, and refused ones.
  std::vector<std::string> untested;  ///< Ids of the former.
  std::vector<RuleTestFailure> failures;
  std::size_t fixed = 0;           ///< Targets with a `.fixed` file.
  std::size_t fixed_equal = 0;     ///< Those that the fixes made what it says.
  std::set<std::string> fixed_by;  ///< Ids of rules whose fixes were applied there.
  std::vector<FixTestFailure> fix_failures;
  LoadReport load;
};

RuleTestReport test_rules(std::span<const RuleTestCase> cases, const Clock& clock);

}  // namespace wrench::code
