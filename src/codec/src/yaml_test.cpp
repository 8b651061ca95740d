#include "wrench/codec/yaml.hpp"

#include <gtest/gtest.h>

#include <string>

namespace wrench::codec {
namespace {

YamlNode read(std::string_view text) {
  auto node = parse_yaml(text);
  EXPECT_TRUE(node.ok()) << describe(node.error());
  return node ? std::move(*node) : YamlNode{};
}

std::string failure(std::string_view text, const YamlLimits& limits = {}) {
  const auto node = parse_yaml(text, limits);
  if (node) return "no error";
  const Error& error = node.error();
  return std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " + error.message;
}

TEST(Yaml, KeepsTheOrderAndThePlaceOfEveryNode) {
  const YamlNode root = read("rules:\n  - id: a\n    pattern: |\n      foo()\n      bar()\n");
  ASSERT_TRUE(root.is_mapping());
  const YamlNode* rules = root.find("rules");
  ASSERT_NE(rules, nullptr);
  ASSERT_EQ(rules->items.size(), 1u);
  const YamlNode* id = rules->items[0].find("id");
  ASSERT_NE(id, nullptr);
  EXPECT_EQ(id->text, "a");
  EXPECT_EQ(id->line, 2u);
  EXPECT_EQ(id->column, 9u);
  const YamlNode* pattern = rules->items[0].find("pattern");
  EXPECT_EQ(pattern->text, "foo()\nbar()\n");
  EXPECT_EQ(pattern->text_line(), 4u);
}

TEST(Yaml, TypesByTheCoreSchemaOnly) {
  const YamlNode root = read("[yes, true, 'true', 0x1F, 0o17, 010, 1.10, 1e3, ~, .inf, -.5, +7, !!str 12, 1_000, '']");
  EXPECT_FALSE(root.items[0].as_boolean());
  EXPECT_TRUE(root.items[0].is_string());
  EXPECT_EQ(root.items[1].as_boolean(), true);
  EXPECT_FALSE(root.items[2].as_boolean());
  EXPECT_EQ(root.items[3].as_integer(), 31);
  EXPECT_EQ(root.items[4].as_integer(), 15);
  EXPECT_EQ(root.items[5].as_integer(), 10);
  EXPECT_EQ(root.items[6].as_double(), 1.1);
  EXPECT_EQ(root.items[6].text, "1.10");
  EXPECT_EQ(root.items[7].as_double(), 1000.0);
  EXPECT_TRUE(root.items[8].is_null());
  EXPECT_GT(*root.items[9].as_double(), 1e308);
  EXPECT_EQ(root.items[10].as_double(), -0.5);
  EXPECT_EQ(root.items[11].as_integer(), 7);
  EXPECT_FALSE(root.items[12].as_integer());
  EXPECT_TRUE(root.items[13].is_string());
  EXPECT_FALSE(root.items[14].is_null());
}

TEST(Yaml, NamesThePlaceOfAFault) {
  EXPECT_EQ(failure("a: 1\nb: 2\na: 3\n"), "3:1: duplicate key 'a'");
  EXPECT_EQ(failure("a: [1, 2\nb: 3\n").substr(0, 4), "2:2:");
  EXPECT_EQ(failure("? [a, b]\n: 1\n"), "1:3: a key must be a scalar");
  EXPECT_EQ(failure("a: *b\n"), "1:4: unknown alias 'b'");
  EXPECT_EQ(failure("a: 1\n---\nb: 2\n"), "3:1: one document expected, another one begins here");
  EXPECT_NE(failure("a: \xff\n"), "no error");
}

TEST(Yaml, CopiesScalarsButNoCollectionsThroughAliases) {
  const YamlNode root = read("a: &x text\nb: *x\n");
  EXPECT_EQ(root.find("b")->text, "text");
  EXPECT_EQ(root.find("b")->line, 2u);
  EXPECT_EQ(failure("a: &x [1]\nb: *x\n"), "2:4: alias 'x' names a list or mapping; write it out");
  EXPECT_EQ(failure("a: &x [*x]\n"), "1:8: alias 'x' names a list or mapping; write it out");
}

TEST(Yaml, RefusesAnchorsWhereTheyAreNotUsed) {
  YamlLimits limits;
  limits.anchors = YamlAnchors::Refused;
  const std::string why = ": anchors and aliases ('x') aren't used here; write the value out";
  EXPECT_EQ(failure("a: &x 1\n", limits), "1:4" + why);
  EXPECT_EQ(failure("a: &x [1]\n", limits), "1:4" + why);
  EXPECT_EQ(failure("a: 1\nb: *x\n", limits), "2:4" + why);
  EXPECT_EQ(failure("a: 1\n", limits), "no error");
}

TEST(Yaml, StopsAtEveryLimit) {
  YamlLimits limits;
  limits.depth_max = 3;
  EXPECT_EQ(failure("[[[1]]]", limits), "no error");
  EXPECT_EQ(failure("[[[[1]]]]", limits), "1:4: nested deeper than 3 levels");
  limits = {};
  limits.nodes_max = 4;
  EXPECT_EQ(failure("[1, 2, 3]", limits), "no error");
  EXPECT_NE(failure("[1, 2, 3, 4]", limits).find("more than 4 nodes"), std::string::npos);
  limits = {};
  limits.bytes_max = 3;
  EXPECT_EQ(failure("a: ", limits), "no error");
  EXPECT_NE(failure("a: 1", limits).find("at most 3"), std::string::npos);
  limits = {};
  limits.aliases_max = 1;
  EXPECT_EQ(failure("[&a x, *a]", limits), "no error");
  EXPECT_NE(failure("[&a x, *a, *a]", limits).find("more than 1 aliases"), std::string::npos);
  limits = {};
  limits.alias_bytes_max = 5;
  EXPECT_EQ(failure("[&a 12345, *a]", limits), "no error");
  EXPECT_NE(failure("[&a 12345, *a, *a]", limits).find("repeat more than 5"), std::string::npos);
  EXPECT_NE(failure(std::string(100'000, '[')), "no error");
}

TEST(Yaml, GivesJsonByTheCoreSchema) {
  EXPECT_EQ(write_json(to_json(read("cwe: [CWE-89]\nn: 3\nf: 1.5\nok: true\nnone:\ntext: '3'\n"))),
            R"({"cwe":["CWE-89"],"n":3,"f":1.5,"ok":true,"none":null,"text":"3"})");
}

TEST(Yaml, ReadsAnEmptyTextAsNull) {
  EXPECT_TRUE(read("").is_null());
  EXPECT_TRUE(read("# only a comment\n").is_null());
}

}  // namespace
}  // namespace wrench::codec
