#include "wrench/workflow/expression.hpp"

#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

using codec::Json;

struct Names final : Scope {
  Json inputs = codec::parse_json(
                    R"({"n":3,"s":"Ünix","list":[1,2,3,2],"flags":[true,false],"o":{"k":{"deep":[10,20]}},"half":0.5})")
                    .value();
  const Json* root(std::string_view name) const override { return name == "inputs" ? &inputs : nullptr; }
};

std::string eval(std::string_view text) {
  const auto parsed = Expression::parse(text);
  if (!parsed.ok()) return parsed.error().code;
  const auto value = parsed->eval(Names());
  return value.ok() ? codec::write_json(*value) : value.error().code;
}

struct Case {
  std::string_view text, gives;
};

TEST(Expression, Evaluates) {
  constexpr Case kCases[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 % 4", "3"},
      {"7 / 2", "3.5"},
      {"-3 + 1", "-2"},
      {"--3", "3"},
      {"10 - 3 - 2", "5"},
      {"95%", "0.95"},
      {"95% > 0.9 and true", "true"},
      {"inputs.n % 2", "1"},
      {"'a' + \"b\"", "\"ab\""},
      {"inputs.n", "3"},
      {"inputs.list[1]", "2"},
      {"inputs.list[9]", "null"},
      {"inputs.o.k.deep[0]", "10"},
      {"inputs.none.deeper", "null"},
      {"nobody", "null"},
      {"null == nobody", "true"},
      {"1 == 1.0", "true"},
      {"1 != 'x'", "true"},
      {"nobody > 1", "false"},
      {"'a' < 'b'", "true"},
      {"2 in inputs.list", "true"},
      {"'k' in inputs.o", "true"},
      {"not 1 == 2", "true"},
      {"!false && !(false || false)", "true"},
      {"true or nobody + 1", "true"},
      {"inputs.n > 2 ? 'big' : 'small'", "\"big\""},
      {"false ? 1 : false ? 2 : 3", "3"},
      {"size(inputs.list)", "4"},
      {"size(inputs.s)", "4"},
      {"size(nobody)", "0"},
      {"has(inputs.n)", "true"},
      {"has(nobody)", "false"},
      {"contains(inputs.s, 'nix')", "true"},
      {"starts_with('abc', 'ab') and ends_with('abc', 'bc')", "true"},
      {"lower('ABC')", "\"abc\""},
      {"min(3, 1, 2) + max(inputs.list)", "4"},
      {"any(inputs.flags)", "true"},
      {"all(inputs.flags)", "false"},
      {"count(inputs.list, 2)", "2"},
      {"[1, 'a', inputs.n]", "[1,\"a\",3]"},
      {"9223372036854775807 + 1 > 9000000000000000000", "true"},
      {"'it\\'s'", "\"it's\""},
  };
  for (const auto& [text, gives] : kCases) EXPECT_EQ(eval(text), gives) << text;
}

TEST(Expression, RefusesOtherTypesInsteadOfGuessing) {
  for (const std::string_view text : {"1 and true", "not 'x'", "1 + 'a'", "1 < 'a'", "'a' ? 1 : 2", "1 / 0", "5 % 0",
                                      "lower(1)", "all(1)", "any([1])", "size(true)", "1 in 2", "-'a'"})
    EXPECT_EQ(eval(text), "workflow.condition_type") << text;
}

TEST(Expression, RefusesWhatItCannotRead) {
  for (const std::string_view text : {"", " ", "1 +", "(1", "1)", "foo(1)", "size()", "size(1, 2)", "a.", "a[", "a[x]",
                                      "'open", "1 2", "a = b", "__import__('os')", "[1,", "@", "a ? b", "\xff"})
    EXPECT_EQ(eval(text), "workflow.expression_invalid") << text;
}

TEST(Expression, SaysWhereItStumbled) {
  const auto parsed = Expression::parse("inputs.n ) 1");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().place.column, 10);
}

TEST(Expression, HasLimits) {
  EXPECT_EQ(eval(std::string(kExpressionBytesMax + 1, ' ')), "workflow.expression_invalid");
  EXPECT_EQ(eval(std::string(kExpressionDepthMax + 1, '(') + "1" + std::string(kExpressionDepthMax + 1, ')')),
            "workflow.expression_invalid");
  EXPECT_EQ(eval(std::string(100, '!') + "true"), "workflow.expression_invalid");
  std::string chain = "1";
  for (int i = 0; i < 1000; ++i) chain += "+1";
  EXPECT_EQ(eval(chain), "workflow.expression_invalid");
}

TEST(Expression, AConditionIsTrueOrFalse) {
  EXPECT_TRUE(Expression::parse("inputs.n == 3")->test(Names()).value());
  EXPECT_FALSE(Expression::parse("false")->test(Names()).value());
  EXPECT_EQ(Expression::parse("inputs.n")->test(Names()).error().code, "workflow.condition_type");
  EXPECT_EQ(Expression::parse("nobody")->test(Names()).error().code, "workflow.condition_type");
}

TEST(Expression, KnowsItsPaths) {
  const auto parsed = Expression::parse("steps.a.output.x[2] + inputs.n");
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->paths().size(), 2U);
  EXPECT_EQ(parsed->paths()[0], (std::vector<std::string>{"steps", "a", "output", "x", "[2]"}));
}

}  // namespace
}  // namespace wrench::workflow
