#include "memory_checks.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "flow.hpp"
#include "memory_values.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/source/language.hpp"

namespace wrench::code {
namespace {

namespace fs = std::filesystem;

MemoryFindings found_in(const std::string& content) {
  source::SourceText text;
  text.path = text.project_path = "memory.c";
  text.text = content;
  text.language = source::Language::C;
  text.lines = source::LineTable(text.text);
  Atoms atoms;
  Parser parser;
  const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  EXPECT_TRUE(ir.ok());
  const FileIndex index(*ir, atoms, text.text);
  return memory_findings(index, text, {});
}

/// testdata/memory/*: what a comment `ruleid: id, id` marks is found on the next line that isn't one, and nothing else.
TEST(MemoryChecks, ExampleFilesAreExact) {
  std::set<std::string> rules;
  for (const auto& entry : fs::directory_iterator(fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/memory")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream content;
    content << in.rdbuf();
    std::set<std::string> marked, reported;
    std::vector<std::string> waiting;
    std::size_t number = 0;
    const std::string text = content.str();
    for (const std::string_view line : split(text, '\n')) {
      ++number;
      if (const auto at = line.find("ruleid: "); at != std::string_view::npos) {
        for (const std::string_view id : split(line.substr(at + 8), ',')) waiting.emplace_back(trim(id));
        continue;
      }
      if (line.find(" ok: ") != std::string_view::npos) continue;
      for (const std::string& id : waiting) {
        marked.insert(std::to_string(number) + " " + id);
        rules.insert(id);
      }
      waiting.clear();
    }
    for (const auto& finding : found_in(text).findings) {
      reported.insert(std::to_string(finding.where.start.line) + " " + finding.rule);
      EXPECT_FALSE(finding.cwe.empty());
      EXPECT_EQ(finding.message.find("{}"), std::string::npos);
    }
    EXPECT_EQ(reported, marked) << entry.path();
  }
  EXPECT_EQ(rules.size(), 24u);
}

TEST(MemoryChecks, OfALargeFunctionOnlyWhatOneWayShowsIsTold) {
  std::string ways;
  for (int i = 0; i < 1'000; ++i)
    ways += "  if (a) b = c; else c = b + " + std::to_string(i) + ";\n  while (b) { b--; a = c; }\n";
  const auto rules = [](const std::string& text) {
    std::vector<std::string> out;
    for (const auto& finding : found_in(text).findings) out.push_back(finding.rule);
    return out;
  };
  const std::string before =
      "void f(int a, int b, int c) {\n  char *p = malloc(4);\n  free(p);\n  free(p);\n  int x;\n  int y = x;\n";
  EXPECT_EQ(rules(before + "}\n"), (std::vector<std::string>{"c.double-free", "c.uninitialised-use"}));
  EXPECT_EQ(rules(before + ways + "}\n"), (std::vector<std::string>{"c.double-free"}));
  EXPECT_TRUE(found_in(before + "}\n").followed_in_part.empty());
  EXPECT_EQ(found_in(before + ways + "}\n").followed_in_part, (std::vector<std::string>{"f"}));
}

TEST(MemoryChecks, AnEnormousFunctionIsNamed) {
  std::string text = "void f(int a) {\n";
  for (std::uint32_t i = 0; i < kFlowOpsMax; ++i) text += "  a = a + 1;\n";
  const MemoryFindings found = found_in(text + "}\n");
  ASSERT_EQ(found.cut.size(), 1u);
  EXPECT_EQ(found.cut[0], "f");
}

TEST(MemoryValues, RangesDontWrap) {
  using memory::kMax;
  using memory::kMin;
  using memory::Range;
  EXPECT_EQ(memory::add(Range::only(kMax - 1), Range::only(5)), Range::only(kMax));
  EXPECT_EQ(memory::multiply({-2, 3}, {-5, 7}), (Range{-15, 21}));
  EXPECT_EQ(memory::multiply(Range::only(kMax), Range::only(2)), Range::only(kMax));
  EXPECT_EQ(memory::multiply(Range(), Range::only(0)), Range::only(0));
  EXPECT_EQ(memory::negate({kMin, 5}), (Range{-5, kMax}));
  EXPECT_EQ(memory::divide({0, 100}, Range::only(0)), Range());
  EXPECT_EQ(memory::remainder({0, 100}, Range::only(10)), (Range{0, 9}));
}

}  // namespace
}  // namespace wrench::code
