#include <gtest/gtest.h>

#include <string>

#include "generic_pattern.hpp"

namespace wrench::code {
namespace {

/// Words and marks parted by spaces, blocks in «».
std::string shape(std::string_view text, GenericOptions::Comments comments = GenericOptions::Comments::None) {
  std::string out;
  for (const GenericToken& token : read_generic(text, comments, GenericSyntax::Text)) {
    if (!out.empty()) out += ' ';
    if (token.what == GenericToken::What::Open)
      out += "«";
    else if (token.what == GenericToken::What::Close)
      out += "»";
    else
      out += text.substr(token.first, token.end - token.first);
  }
  return out;
}

std::vector<std::string> found(std::string_view pattern_text, std::string_view text, GenericOptions options = {}) {
  Atoms atoms;
  const SystemClock clock;
  const auto pattern = compile_generic(pattern_text, options, atoms);
  if (!pattern) return {describe(pattern.error())};
  MatchBudget budget({.states_max = 100'000, .cpu_us_max = kMicrosPerSecond}, {}, clock, {});
  std::vector<std::string> out;
  for (const Match& match :
       match_generic(*pattern, text, read_generic(text, options.comments, GenericSyntax::Text), budget))
    out.emplace_back(text.substr(match.first, match.end - match.first));
  EXPECT_EQ(budget.spent(), MatchBudget::Spent::No);
  return out;
}

TEST(GenericText, NestsByIndentationAndBrackets) {
  EXPECT_EQ(shape("a b\n  c\n  d\n    e\nf"), "a b « c d « e » » f");
  EXPECT_EQ(shape("f(a, [b])"), "f ( « a , [ « b » ] » )");
  EXPECT_EQ(shape("if (x {\n  y\n}"), "if ( x { « y » }");
  EXPECT_EQ(shape("a ] b )"), "a ] b )");
  EXPECT_EQ(shape("(a ] b)"), "( « a ] b » )");
  EXPECT_EQ(shape("  a\n  b\nc"), "a b c");
  EXPECT_EQ(shape("a\n\tb\n        c"), "a « b c »");
  EXPECT_EQ(shape("a\r\n\r\nüb"), "a ü b");
}

TEST(GenericText, LeavesCommentsOut) {
  using Comments = GenericOptions::Comments;
  EXPECT_EQ(shape("a # b\nc", Comments::Shell), "a c");
  EXPECT_EQ(shape("a /* b\nc */ d // e\nf", Comments::Cpp), "a d f");
  EXPECT_EQ(shape("a // b /* c", Comments::C), "a / / b");
}

TEST(GenericPattern, EndsWhereItsBlockEnds) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(found("a ...", "x\n  a b\n  c\nd"), Lines{"a b\n  c"});
  EXPECT_EQ(found("f(...)", "f(a) b)"), Lines{"f(a)"});
  EXPECT_EQ(found("f(...)", "f(\n)"), Lines{"f(\n)"});
  EXPECT_EQ(found("{ ... x ... }", "{ a x b }\n{ a }"), Lines{"{ a x b }"});
  EXPECT_EQ(found("f(a)", "f(a, b)"), Lines{});
  EXPECT_EQ(found("a b", "  a\nb"), (Lines{"a\nb"}));
  EXPECT_EQ(found("a b", "x\n  a\nb"), Lines{});
}

TEST(GenericPattern, MayBeginInABlockThatItLeaves) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(found("...\n  a\nb", "x\n  a\nb"), Lines{"a\nb"});
  EXPECT_EQ(found("...\n  a\nb", "x\n  a\n  c\nb"), Lines{});
  EXPECT_EQ(found("...\n  a\nb", "a\nb"), Lines{});
  EXPECT_EQ(found("...\n  a\nb", "x\n  y\n    a\n  c\nb"), Lines{});
}

TEST(GenericPattern, BindsWordsAndRuns) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(found("$A = $A", "x = x\ny = z"), Lines{"x = x"});
  EXPECT_EQ(found("<$...X>$...X</", "<a b>a b</ <a b>b</"), Lines{"<a b>a b</"});
  EXPECT_EQ(found("$X", "-"), Lines{});
  EXPECT_EQ(found("$_ $_", "a b"), Lines{"a b"});
  EXPECT_EQ(found("...", "a").size(), 1u);
  EXPECT_EQ(found("... a", "b a").front(), "a");
}

TEST(GenericPattern, HostileTextEndsWithinTheBudget) {
  const SystemClock clock;
  Atoms atoms;
  const auto pattern = compile_generic("(... a ... b ... c ... d ... $X ... $X)", {.ellipsis_span_max = 1'000}, atoms);
  ASSERT_TRUE(pattern.ok());
  for (const std::string& text :
       {std::string(100'000, '(') + std::string(100'000, ')'), std::string(100'000, '(') + std::string(100'000, ']'),
        [] {
          std::string out = "(";
          for (int i = 0; i < 20'000; ++i) out += "a b c d ";
          return out + ")";
        }(),
        [] {
          std::string out;
          for (std::size_t i = 0; i < 1'000; ++i) out += std::string(i, ' ') + "a\n";
          return out;
        }()}) {
    const auto tokens = read_generic(text, GenericOptions::Comments::None, GenericSyntax::Text);
    MatchBudget budget({.states_max = 100'000, .cpu_us_max = kMicrosPerSecond}, {}, clock, {});
    for (const Match& match : match_generic(*pattern, text, tokens, budget)) EXPECT_LE(match.end, text.size());
  }
}

}  // namespace
}  // namespace wrench::code
