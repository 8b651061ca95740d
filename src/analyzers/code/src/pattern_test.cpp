#include "pattern.hpp"

#include <gtest/gtest.h>

namespace wrench::code {
namespace {

using source::Language;

std::string compiled(Language grammar, std::string_view text) {
  Parser parser;
  Atoms atoms;
  const auto pattern = compile_pattern(grammar, text, parser, atoms, SystemClock());
  return pattern ? dump(*pattern, atoms) : describe(pattern.error());
}

TEST(Pattern, TurnsStandInsBackIntoPatternNodes) {
  EXPECT_EQ(compiled(Language::Python, "foo($X, ..., $...REST, k=\"$S\")"),
            "Call\n"
            "  Name role=Callee atom=foo\n"
            "  Metavar role=Arg var=$X\n"
            "  Ellipsis role=Arg\n"
            "  MetavarEllipsis role=Arg var=$...REST\n"
            "  KeywordArg role=Arg atom=k\n"
            "    String role=Value var=$S\n");
}

TEST(Pattern, ReadsStatementsMembersAndParameters) {
  EXPECT_EQ(compiled(Language::Java, "class $A { ... void $M(..., int $I) { ... } }"),
            "Class var=$A\n"
            "  Metavar role=Name var=$A\n"
            "  Block role=Body\n"
            "    Ellipsis role=Element\n"
            "    Function role=Element var=$M\n"
            "      Type role=Type atom=void\n"
            "      Metavar role=Name var=$M\n"
            "      Ellipsis role=Param\n"
            "      Param role=Param var=$I\n"
            "        Type role=Type atom=int\n"
            "        Metavar role=Name var=$I\n"
            "      Block role=Body\n"
            "        Ellipsis role=Element\n");
}

TEST(Pattern, ReadsGoCallsAsCallsNotConversions) {
  EXPECT_EQ(compiled(Language::Go, "md5.Sum(...)").substr(0, 5), "Call\n");
}

TEST(Pattern, ReadsCppOperatorsAsExpressionsNotDeclarations) {
  EXPECT_EQ(compiled(Language::Cpp, "$X && $X").substr(0, 7), "Binary\n");
  EXPECT_EQ(compiled(Language::C, "$X * $Y").substr(0, 7), "Binary\n");
}

TEST(Pattern, ReadsObjectsAndMembersOfScripts) {
  EXPECT_EQ(compiled(Language::JavaScript, "{a: $X}").substr(0, 5), "Dict\n");
  EXPECT_EQ(compiled(Language::JavaScript, "a: $X").substr(0, 4), "Pair");
}

TEST(Pattern, FindsDeepExpressions) {
  EXPECT_EQ(compiled(Language::Python, "if <... f() ...>:\n  ..."),
            "If\n"
            "  Deep role=Condition\n"
            "    Call role=Arg\n"
            "      Name role=Callee atom=f\n"
            "  Block role=Then\n"
            "    Ellipsis role=Element\n");
}

TEST(Pattern, WritesStandInsAsEachLanguageLikes) {
  EXPECT_EQ(compiled(Language::Php, "function $F($X) { $Y->run($_GET[$X]); }"),
            "Function var=$F\n"
            "  Metavar role=Name var=$F\n"
            "  Param role=Param var=$X\n"
            "    Metavar role=Name var=$X\n"
            "  Block role=Body\n"
            "    ExprStmt role=Element\n"
            "      Call role=Value\n"
            "        Member role=Callee atom=run\n"
            "          Metavar role=Object var=$Y\n"
            "        Index role=Arg\n"
            "          Name role=Object atom=$_GET\n"
            "          Metavar role=Index var=$X\n");
  EXPECT_EQ(compiled(Language::Ruby, "$X.each do |$Y|\n  ...\nend"),
            "Call\n"
            "  Member role=Callee atom=each\n"
            "    Metavar role=Object var=$X\n"
            "  Lambda role=Arg\n"
            "    Param role=Param var=$Y\n"
            "      Metavar role=Name var=$Y\n"
            "    Block role=Body\n"
            "      Ellipsis role=Element\n");
  EXPECT_EQ(compiled(Language::Bash, "$V=$(ls ... \"$X\")"),
            "Assign\n"
            "  Metavar role=Left var=$V\n"
            "  Other role=Right\n"
            "    Call role=Element\n"
            "      Name role=Callee atom=ls\n"
            "      Ellipsis role=Arg\n"
            "      Interp role=Arg\n"
            "        Metavar role=Element var=$X\n");
  EXPECT_EQ(compiled(Language::CSharp, "... <= $X").substr(0, 7), "Binary\n");
  EXPECT_EQ(compiled(Language::Kotlin, "val $X: $T = \"$Y\"").substr(0, 13), "VarDef var=$X");
  EXPECT_EQ(compiled(Language::Rust, "unsafe { ... }").substr(0, 5), "With\n");
  EXPECT_EQ(compiled(Language::Php, "\"\"").substr(0, 6), "String");
}

TEST(Pattern, AKeywordAsksForThatKeyword) {
  EXPECT_EQ(compiled(Language::Python, "f(k=...)"),
            "Call\n"
            "  Name role=Callee atom=f\n"
            "  KeywordArg role=Arg atom=k\n"
            "    Ellipsis role=Value\n");
}

TEST(Pattern, SaysWhereItDoesNotParse) {
  Parser parser;
  Atoms atoms;
  const auto pattern = compile_pattern(Language::Python, "x = 1\ny = = 2", parser, atoms, SystemClock());
  ASSERT_FALSE(pattern.ok());
  EXPECT_EQ(pattern.error().code, "rules.invalid_pattern");
  EXPECT_EQ(pattern.error().message, "pattern doesn't parse as Python: x = 1 y = = 2");
  EXPECT_EQ(pattern.error().place.line, 2);
}

TEST(Pattern, RefusesWhatIsTooLarge) {
  std::string many = "f(";
  for (int i = 0; i < 1'000; ++i) many += "a,";
  Parser parser;
  Atoms atoms;
  const auto pattern = compile_pattern(Language::Python, many + "a)", parser, atoms, SystemClock());
  ASSERT_FALSE(pattern.ok());
  EXPECT_EQ(pattern.error().code, "rules.pattern_limit");
  EXPECT_FALSE(
      compile_pattern(Language::Python, std::string(kPatternBytesMax + 1, 'a'), parser, atoms, SystemClock()).ok());
  EXPECT_FALSE(compile_pattern(Language::Python, std::string(3'000, '('), parser, atoms, SystemClock()).ok());
}

TEST(Pattern, KnowsMetavariables) {
  for (const char* yes : {"$X", "$FOO_1", "$_", "$1", "$12"}) EXPECT_TRUE(is_metavariable(yes)) << yes;
  for (const char* no : {"$", "X", "$x", "$1A", "$X-Y", "$Xy"}) EXPECT_FALSE(is_metavariable(no)) << no;
}

}  // namespace
}  // namespace wrench::code
