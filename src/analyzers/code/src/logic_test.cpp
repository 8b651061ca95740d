#include "wrench/code/logic.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "wrench/base/text.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/source/language.hpp"

namespace wrench::code {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<findings::Finding> found_in(const fs::path& path, const std::string& content) {
  source::SourceText text;
  text.path = text.project_path = path.filename();
  text.text = content;
  text.language = source::detect_language(text.path, text.text);
  text.lines = source::LineTable(text.text);
  Atoms atoms;
  Parser parser;
  const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  EXPECT_TRUE(ir.ok()) << path;
  return logic_findings(*ir, atoms, text);
}

std::set<std::string> reported(const fs::path& path, const std::string& content) {
  std::set<std::string> out;
  std::set<std::string> fingerprints;
  for (const findings::Finding& finding : found_in(path, content)) {
    EXPECT_TRUE(fingerprints.insert(finding.fingerprint).second) << finding.message;
    EXPECT_FALSE(finding.lines.empty());
    out.insert(std::to_string(finding.where.start.line) + " " + finding.rule);
  }
  return out;
}

/// A comment `ruleid: id, id` speaks for the next line that isn't one.
std::set<std::string> marked(const std::string& content) {
  std::set<std::string> out;
  std::vector<std::string> waiting;
  std::size_t number = 0;
  for (const std::string_view line : split(content, '\n')) {
    ++number;
    if (const auto at = line.find("ruleid: "); at != std::string_view::npos) {
      for (const std::string_view id : split(line.substr(at + 8), ',')) waiting.emplace_back(trim(id));
      continue;
    }
    if (line.find(" ok: ") != std::string_view::npos) continue;
    for (const std::string& id : waiting) out.insert(std::to_string(number) + " " + id);
    waiting.clear();
  }
  return out;
}

/// testdata/logic/*: what is marked is found, and nothing else.
TEST(Logic, ExampleFilesAreExact) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/logic";
  std::set<std::string> rules;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string content = read_file(entry.path());
    const auto marks = marked(content);
    EXPECT_EQ(reported(entry.path(), content), marks) << entry.path();
    for (const std::string& mark : marks) rules.insert(mark.substr(mark.find(' ') + 1));
  }
  EXPECT_EQ(rules.size(), 23u) << join(std::vector<std::string>(rules.begin(), rules.end()), " ");
}

TEST(Logic, FilesOfTestsMayOverwriteWhatTheySet) {
  const std::string content = "def f():\n    a = 1\n    a = 2\n    return a\n";
  EXPECT_EQ(reported("overwritten.py", content), std::set<std::string>{"2 logic.overwritten-at-once"});
  EXPECT_TRUE(reported("test_overwritten.py", content).empty());
}

TEST(Logic, ATestMayRunAnOperatorForWhatItDoes) {
  const auto confidence = [](const fs::path& path, const std::string& comparison) {
    const auto found = found_in(path, "def f(a, b):\n    " + comparison + "\n    return 1\n");
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? "" : std::string(findings::name(found[0].confidence));
  };
  EXPECT_EQ(confidence("test_sql.py", "a.key == b"), "low");
  EXPECT_EQ(confidence("test_sql.py", "a.key == 'b'"), "high");
  EXPECT_EQ(confidence("sql.py", "a.key == b"), "high");
}

TEST(Logic, WhatAsksMayDoSomethingToo) {
  const auto confidence = [](const std::string& condition) {
    const auto found =
        found_in("scan.js", "function f(s, i) {\n  if (" + condition + ") {\n    return g(s, 'header');\n  } else {\n" +
                                "    return g(s, 'header');\n  }\n}\n");
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? "" : std::string(findings::name(found[0].confidence));
  };
  EXPECT_EQ(confidence("i > 3"), "high");
  EXPECT_EQ(confidence("s.match('!!')"), "low");
}

TEST(Logic, MistakesOfTestsAreNeverHigh) {
  const auto severity = [](const fs::path& path) {
    const auto found = found_in(path, "def f():\n    ValueError()\n    return 1\n");
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? findings::Severity::Info : found[0].severity;
  };
  EXPECT_EQ(severity("thrown.py"), findings::Severity::High);
  EXPECT_EQ(severity("test_thrown.py"), findings::Severity::Medium);
}

}  // namespace
}  // namespace wrench::code
