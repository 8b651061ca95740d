#include "value_text.hpp"

#include <gtest/gtest.h>

namespace wrench::app {
namespace {

std::string shown(std::string_view json, std::size_t width = 60) {
  return value_text(codec::parse_json(json).value(), {.width = width, .unicode = true});
}

TEST(ValueText, PutsMembersBelowEachOther) {
  EXPECT_EQ(
      shown(
          R"({"grade":"C","worst_rank":58.125,"passed":false,"none":null,"files":12345,"owners":["ada","bob"],"empty":[]})"),
      "grade       C\n"
      "worst rank  58.13\n"
      "passed      no\n"
      "none        -\n"
      "files       12,345\n"
      "owners      ada, bob\n"
      "empty       none\n");
}

TEST(ValueText, MakesTablesOfLikeObjects) {
  EXPECT_EQ(shown(R"({"by_cwe":[{"cwe":"CWE-89","findings":3},{"cwe":"CWE-798","findings":12}],"x":1})"),
            "by cwe\n"
            "  cwe      findings\n"
            "  CWE-89          3\n"
            "  CWE-798        12\n"
            "x  1\n");
}

TEST(ValueText, CutsTheWidestColumnToTheScreen) {
  EXPECT_EQ(shown(R"([{"n":1,"text":"a long text that doesn't fit on the screen"},{"n":2,"text":"short"}])", 30),
            "n  text\n"
            "1  a long text that doesn't f…\n"
            "2  short\n");
}

TEST(ValueText, ListsWhatIsNoTable) {
  EXPECT_EQ(shown(R"([{"cwe":"CWE-89","evidence":[{"a":"x"}]},"plain"])"),
            "- cwe  CWE-89\n"
            "  evidence\n"
            "    a\n"
            "    x\n"
            "- plain\n");
}

TEST(ValueText, KeepsTheLinesOfAText) {
  EXPECT_EQ(shown(R"({"report":"one\ntwo words\n","n":1})"), "report\n  one\n  two words\nn  1\n");
}

TEST(ValueText, IsInertAndBounded) {
  EXPECT_EQ(shown(R"({"a":"\u001b[31mred"})").find('\x1b'), std::string::npos);
  codec::Json deep;
  for (int i = 0; i < 50; ++i)
    deep = codec::Json::object({{"x", std::move(deep)}, {"y", codec::Json::object({{"z", 1}})}});
  EXPECT_NE(value_text(deep, {}).find("more, with --json"), std::string::npos);
  codec::Json many = codec::Json::array();
  for (int i = 0; i < 60; ++i) many.push_back(codec::Json::object({{"i", i}, {"j", i}}));
  EXPECT_NE(value_text(many, {}).find("... and 10 more"), std::string::npos);
  EXPECT_EQ(shown("3"), "3\n");
  EXPECT_EQ(shown("{}"), "(nothing)\n");
  EXPECT_EQ(shown(R"({"counts":{"high":1,"low":20},"n":1})"), "counts  high 1, low 20\nn       1\n");
}

}  // namespace
}  // namespace wrench::app
