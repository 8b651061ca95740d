#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/registry.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/codec/json.hpp"

/// Suites of cases for agents, in YAML (docs/reference/agent-tests.md).
namespace wrench::agents {

inline constexpr std::size_t kSuiteBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kSuiteCasesMax = 500;
inline constexpr std::size_t kCaseNameBytesMax = 200;
inline constexpr std::size_t kCaseStepsMax = 16;  ///< Of `before`.
inline constexpr std::size_t kCaseExpectationsMax = 100;
inline constexpr int kCaseRepeatMax = 100;
inline constexpr Micros kCaseTimeDefault = 60 * kMicrosPerSecond;
inline constexpr Micros kCaseTimeMax = 600 * kMicrosPerSecond;
inline constexpr std::size_t kFixtureFilesMax = 1'000;
inline constexpr std::size_t kFixtureBytesMax = std::size_t{16} << 20;
inline constexpr std::size_t kFixtureCommitsMax = 100;

/// Where something of a suite stands in its file, from 1.
struct SuitePlace {
  std::uint32_t line = 0, column = 0;
};

struct FixtureFile {
  enum class Kind : std::uint8_t { Regular, Symlink };
  std::string path;  ///< Relative, without "..", and never inside of .git.
  Kind kind = Kind::Regular;
  std::string content;  ///< Of a link its target, which may lead anywhere.
};

struct FixtureCommit {
  std::vector<FixtureFile> files;
  std::vector<std::string> removed;
  std::string message = "Change";
  std::string author_name = "Ada";
  std::string author_email = "ada@example.org";
  Micros at = 0;  ///< Since the epoch.
};

/// The tree that a case is about.
struct Fixture {
  std::string folder;  ///< Below the suite's own; copied first. Empty: none.
  SuitePlace folder_at;
  std::vector<FixtureCommit> commits;  ///< Then these, made by git. Empty: no repository.
  std::vector<FixtureFile> files;      ///< Then these, not committed.
};

/// A step that runs before the one that is tested; `steps.<id>.output` in the inputs after it.
struct CaseStep {
  std::string id;
  std::string capability;
  codec::Json input = codec::Json::object();
};

/// A goal for the SuperAgent.
struct CaseGoal {
  std::string kind;
  std::vector<std::string> wants, agents;
  bool runs = false;  ///< The plan is carried out, too; its last step's output is the case's.
};

/// What must hold after a case. `word` is a row of the table in expectation.cpp, `members` has been checked by it.
struct Expectation {
  std::string_view word;
  codec::Json members = codec::Json::object();
  SuitePlace place;
};

struct TestCase {
  std::string name;
  SuitePlace place;
  Fixture fixture;
  // One of the two.
  std::string capability;
  std::optional<CaseGoal> goal;
  codec::Json input = codec::Json::object();
  std::vector<std::string> with;  ///< Port types that are made, too, and given to the capability.
  std::vector<CaseStep> before;
  int repeat = 1;
  Micros time_max = kCaseTimeDefault;
  std::vector<Expectation> expectations;
  std::string needs_missing;  ///< Why it can't be run by this program; empty: it can.
};

struct TestSuite {
  std::string agent;
  std::string file;    ///< For places.
  std::string folder;  ///< That Fixture::folder is relative to; empty: there is none.
  std::vector<TestCase> cases;
};

/// Reads a suite; capabilities must be those of `registry`. Hostile text is safe. Error code agent.test_invalid with
/// file, line and column.
Result<TestSuite> parse_test_suite(std::string_view yaml, std::string file, std::string folder,
                                   const Registry& registry);

}  // namespace wrench::agents
