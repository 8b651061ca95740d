#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/code/lower.hpp"
#include "wrench/code/metrics.hpp"

namespace wrench::code {
namespace {

using source::Language;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

source::SourceText make_text(std::string content, Language language) {
  source::SourceText text;
  text.path = text.project_path = "file";
  text.language = language;
  text.text = std::move(content);
  text.lines = source::LineTable(text.text);
  return text;
}

FunctionMeasure measure_first(const std::string& content, Language language) {
  const source::SourceText text = make_text(content, language);
  Atoms atoms;
  Parser parser;
  auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  EXPECT_TRUE(ir.ok());
  FileMeasures measures = measure(*ir, atoms, text);
  EXPECT_FALSE(measures.functions.empty());
  return measures.functions.empty() ? FunctionMeasure{} : std::move(measures.functions[0]);
}

std::vector<std::string> rules(const std::string& content, Language language) {
  const source::SourceText text = make_text(content, language);
  Atoms atoms;
  Parser parser;
  auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  EXPECT_TRUE(ir.ok());
  std::vector<std::string> out;
  for (const findings::Finding& finding : metric_findings(measure(*ir, atoms, text), text)) out.push_back(finding.rule);
  return out;
}

/// A nest worth extracting, 15 points on six lines, and three loops.
std::string nest(const std::string& statement) {
  return "  for (;1;) g(); for (;1;) g(); for (;1;) g();\n"
         "  if (a) {\n    for (;b;) {\n      if (c) { if (d) { if (e) {\n        " +
         statement + "\n      } } }\n    }\n  }\n";
}

TEST(Advice, NamesLinesAndWhatGoesInAndOut) {
  const FunctionMeasure f = measure_first(
      "int f(int a, int b, int c, int d, int e, int unused) {\n"
      "  int sum = 0, i;\n" +
          nest("i = b; sum += i;") + "  return sum;\n}\n",
      Language::C);
  ASSERT_FALSE(f.simplifications.empty());
  const Simplification& one = f.simplifications[0];
  EXPECT_EQ(one.kind, Simplification::Kind::ExtractFunction);
  EXPECT_EQ(one.what, "the body of the loop");
  EXPECT_EQ(one.first_line, 6u);
  EXPECT_EQ(one.last_line, 8u);
  EXPECT_EQ(one.points, 12u);
  EXPECT_THAT(one.takes, ElementsAre("c", "d", "e", "b", "sum")) << "i is only used in it, a not at all";
  EXPECT_THAT(one.gives, ElementsAre("sum"));
  EXPECT_FALSE(one.reports_exit);
}

TEST(Advice, SetBeforeItIsReadDoesNotGoIn) {
  const auto takes = [](const std::string& statement) {
    const FunctionMeasure f = measure_first(
        "int f(int a, int b, int c, int d, int e) {\n  int x = 1;\n" + nest(statement) + "  return 0;\n}\n",
        Language::C);
    return f.simplifications.empty() ? std::vector<std::string>{"none"} : f.simplifications[0].takes;
  };
  EXPECT_THAT(takes("x = 2; g(x);"), ElementsAre("c", "d", "e"));
  EXPECT_THAT(takes("b && (x = 2); g(x);"), ElementsAre("c", "d", "e", "b", "x")) << "not set in every case";
}

TEST(Advice, SetAgainBeforeItIsReadDoesNotComeOut) {
  const auto gives = [](const std::string& after) {
    const FunctionMeasure f = measure_first(
        "int f(int a, int b, int c, int d, int e) {\n  int x = 1;\n" + nest("x = 2;") + after + "}\n", Language::C);
    return f.simplifications.empty() ? std::vector<std::string>{"none"} : f.simplifications[0].gives;
  };
  EXPECT_THAT(gives("  return x;\n"), ElementsAre("x"));
  EXPECT_THAT(gives("  x = 3;\n  return x;\n"), IsEmpty());
  EXPECT_THAT(gives("  if (a) x = 3;\n  return x;\n"), ElementsAre("x")) << "not set in every case";
}

TEST(Advice, TheOtherArmOfAConditionDoesNotReadIt) {
  const FunctionMeasure f = measure_first("int f(int a, int b, int c, int d, int e) {\n  int x = 1;\n" +
                                              nest("x = 2;") + "  else\n    g(x);\n  return 0;\n}\n",
                                          Language::C);
  ASSERT_FALSE(f.simplifications.empty());
  EXPECT_THAT(f.simplifications[0].gives, IsEmpty());
}

TEST(Advice, WhatIsNotAlwaysSetGoesInToComeBack) {
  const FunctionMeasure f = measure_first(
      "int f(int a, int b, int c, int d, int e) {\n  int x = 1;\n" + nest("x = 2;") + nest("g();") + "  return x;\n}\n",
      Language::C);
  ASSERT_EQ(f.simplifications.size(), 2u) << "the one that takes less comes first";
  EXPECT_THAT(f.simplifications[1].takes, ElementsAre("c", "d", "e", "x"));
  EXPECT_THAT(f.simplifications[1].gives, ElementsAre("x"));
}

TEST(Advice, WhatNothingHasSetDoesNotGoIn) {
  const FunctionMeasure f = measure_first("int f(int a, int b, int c, int d, int e) {\n  int x;\n" +
                                              nest("d && (x = 2); g(x);") + nest("g();") + "  return 0;\n}\n",
                                          Language::C);
  ASSERT_FALSE(f.simplifications.empty());
  EXPECT_EQ(f.simplifications[0].what, "the if");
  EXPECT_THAT(f.simplifications[0].takes, ElementsAre("a", "b", "c", "d", "e"));
}

TEST(Advice, WhatJumpsOutStaysWhereItIs) {
  const auto advice = [](const std::string& statement) {
    const FunctionMeasure f = measure_first(
        "int f(int a, int b, int c, int d, int e) {\n" + nest(statement) + "out:\n  return 0;\n}\n", Language::C);
    std::vector<std::string> out;
    for (const Simplification& one : f.simplifications) out.push_back(one.what + (one.reports_exit ? " exits" : ""));
    return out;
  };
  EXPECT_THAT(advice("goto out;"), IsEmpty());
  EXPECT_THAT(advice("return 1;"), ElementsAre("the body of the loop exits"));
  EXPECT_THAT(advice("break;"), ElementsAre("the body of the loop exits"));
  EXPECT_THAT(advice("continue;"), ElementsAre("the body of the loop"));
  EXPECT_THAT(advice("for (;c;) break;"), ElementsAre("the branch")) << "the inner loop lies in the part";
}

TEST(Advice, TooManyVariablesAreNoFunction) {
  const FunctionMeasure f = measure_first("int f(int a, int b, int c, int d, int e, int g, int h, int i) {\n" +
                                              nest("b = g; c = h; d = i; e = b;") + "  return b + c + d + e;\n}\n",
                                          Language::C);
  EXPECT_THAT(f.simplifications, IsEmpty());
}

TEST(Advice, TheLastConditionCanExitEarly) {
  const FunctionMeasure f = measure_first(
      "def f(a, b, c, d, e, g, h, i):\n"
      "    if a:\n"
      "        for x in b:\n"
      "            yield x\n"
      "            if c: yield 1\n"
      "            if d: yield 2\n"
      "            if e: yield 3\n"
      "            if g: yield 4\n",
      Language::Python);
  ASSERT_EQ(f.simplifications.size(), 1u) << "a generator's parts can't be cut out";
  EXPECT_EQ(f.simplifications[0].kind, Simplification::Kind::ExitEarly);
  EXPECT_EQ(f.simplifications[0].what, "return");
  EXPECT_EQ(f.simplifications[0].points, 5u);
}

TEST(Advice, FunctionsWithSyntaxErrorsGetNone) {
  const std::string broken = "int f(int a, int b, int c, int d, int e) {\n" + nest("g();") + "  return ) 0;\n}\n";
  EXPECT_THAT(measure_first(broken, Language::C).simplifications, IsEmpty());
}

TEST(Advice, StandsInTheFinding) {
  const std::string content = "int f(int a, int b, int c, int d, int e) {\n" + nest("g();") + nest("h();") + "}\n";
  const source::SourceText text = make_text(content, Language::C);
  Atoms atoms;
  Parser parser;
  auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  ASSERT_TRUE(ir.ok());
  const auto found = metric_findings(measure(*ir, atoms, text), text);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].rule, "code.cognitive-complexity");
  EXPECT_THAT(found[0].message, HasSubstr("Extract lines 3 to 9, the if (15 points; needs a, b, c, d, e); lines 13 to "
                                          "15, the body of the loop (12 points; "
                                          "needs c, d, e)."));
  ASSERT_TRUE(found[0].fix);
  EXPECT_EQ(found[0].fix->description, "extract the if in lines 3 to 9 into a function");
  ASSERT_FALSE(found[0].related.empty());
  EXPECT_EQ(found[0].related[0].where.start.line, 3u);
}

// --- code that reads straight down

std::string many(int count, const std::string& line) {
  std::string out;
  for (int i = 0; i < count; ++i) out += line;
  return out;
}

TEST(StraightDown, GuardsAndFlatChainsAreNoFindings) {
  EXPECT_THAT(rules("int f(int a) {\n" + many(30, "  if (a == 1) return 0;\n") + "}\n", Language::C), IsEmpty());
  EXPECT_THAT(
      rules("int f(int a) {\n" + many(30, "  if (g(a) < 0) goto fail;\n") + "fail:\n  return 1;\n}\n", Language::C),
      IsEmpty());
  EXPECT_THAT(rules("int f(int a) {\n  if (!a) g();\n" + many(30, "  else if (a == 1) g();\n") + "}\n", Language::C),
              IsEmpty());
}

TEST(Advice, LeavesNoEmptyShell) {
  // The loop is the function: its body under another name would be as hard.
  const FunctionMeasure f = measure_first(
      "int f(int a, int b, int c, int d, int e) {\n  while (1) {\n" + nest("g();") + nest("h();") + "  }\n}\n",
      Language::C);
  ASSERT_FALSE(f.simplifications.empty());
  for (const Simplification& one : f.simplifications) EXPECT_NE(one.what, "the body of the loop");
}

TEST(StraightDown, DispatchersAreNoFindings) {
  std::string arms;
  for (int i = 0; i < 60; ++i) arms += "    case " + std::to_string(i) + ":\n      return g(a);\n";
  EXPECT_THAT(rules("int f(int a) {\n  switch (a) {\n" + arms + "  }\n}\n", Language::C), IsEmpty());
  std::string nested;
  for (int i = 0; i < 20; ++i)
    nested += "    case " + std::to_string(i) + ":\n      for (;a;) if (b) g(a);\n      break;\n";
  EXPECT_THAT(rules("int f(int a, int b) {\n  switch (a) {\n" + nested + "  }\n}\n", Language::C),
              testing::Contains("code.cyclomatic-complexity"));
}

TEST(StraightDown, SelfTestsAreNoFindings) {
  const std::string long_one = "int f(int a, int b, int c, int d, int e) {\n" + nest("g();") + nest("g();") + "}\n";
  EXPECT_THAT(rules(long_one, Language::C), testing::Contains("code.cognitive-complexity"));
  EXPECT_THAT(rules("#ifdef REDIS_TEST\n" + long_one + "#endif\n", Language::C), IsEmpty());
  EXPECT_THAT(rules("#if defined(SELF_TEST)\n#if 1\n#endif\n" + long_one + "#endif\n", Language::C), IsEmpty());
  EXPECT_THAT(rules("#ifdef REDIS_TEST\nint x;\n#else\n" + long_one + "#endif\n", Language::C),
              testing::Contains("code.cognitive-complexity"));
  EXPECT_THAT(rules("#ifndef NO_TEST\n" + long_one + "#endif\n", Language::C),
              testing::Contains("code.cognitive-complexity"));
}

}  // namespace
}  // namespace wrench::code
