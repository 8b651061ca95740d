#include "wrench/codec/json_schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::codec {
namespace {

std::vector<std::string> violations(std::string_view schema, std::string_view value) {
  auto compiled = JsonSchema::compile(*parse_json(schema));
  EXPECT_TRUE(compiled) << schema;
  std::vector<std::string> out;
  if (!compiled) return {"schema doesn't compile"};
  for (const auto& violation : compiled->validate(*parse_json(value)))
    out.push_back(violation.pointer + " " + violation.message);
  return out;
}

struct Case {
  const char* schema;
  const char* good;
  const char* bad;
};

TEST(JsonSchema, EachKeywordAcceptsAndRefuses) {
  for (const auto& c : {
           Case{R"({"type":"integer"})", "3", "3.5"},
           {R"({"type":"integer"})", "3.0", "\"3\""},
           {R"({"type":["string","null"]})", "null", "1"},
           {R"({"enum":[1,"a"]})", "1.0", "2"},
           {R"({"const":{"a":1}})", R"({"a":1})", R"({"a":2})"},
           {R"({"minimum":2,"maximum":4})", "4", "5"},
           {R"({"exclusiveMinimum":2})", "3", "2"},
           {R"({"minimum":2,"exclusiveMinimum":true})", "3", "2"},
           {R"({"multipleOf":0.1})", "0.3", "0.35"},
           {R"({"minLength":2})", "\"\u00e9\u00e9\"", "\"\u00e9\""},
           {R"({"pattern":"^a+$"})", "\"aa\"", "\"ab\""},
           {R"({"items":{"type":"string"}})", R"(["a"])", "[1]"},
           {R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["a"])", R"(["a",1])"},
           {R"({"items":[{"type":"string"}],"additionalItems":false})", R"(["a"])", R"(["a",1])"},
           {R"({"uniqueItems":true})", "[1,2]", "[1,1]"},
           {R"({"minItems":1,"maxItems":2})", "[1]", "[]"},
           {R"({"contains":{"type":"null"}})", "[1,null]", "[1]"},
           {R"({"required":["a"]})", R"({"a":null})", "{}"},
           {R"({"properties":{"a":{"type":"string"}},"additionalProperties":false})", R"({"a":"x"})", R"({"b":1})"},
           {R"({"additionalProperties":{"type":"integer"}})", R"({"a":1})", R"({"a":"x"})"},
           {R"({"patternProperties":{"^n":{"type":"integer"}}})", R"({"n1":1,"x":"y"})", R"({"n1":"y"})"},
           {R"({"propertyNames":{"maxLength":1}})", R"({"a":1})", R"({"ab":1})"},
           {R"({"dependentRequired":{"a":["b"]}})", R"({"a":1,"b":2})", R"({"a":1})"},
           {R"({"allOf":[{"minimum":1},{"maximum":2}]})", "1", "3"},
           {R"({"anyOf":[{"type":"string"},{"minimum":5}]})", "6", "4"},
           {R"({"oneOf":[{"minimum":1},{"minimum":5}]})", "3", "6"},
           {R"({"not":{"type":"string"}})", "1", "\"a\""},
           {R"({"if":{"minimum":5},"then":{"maximum":6},"else":{"const":1}})", "5", "7"},
           {R"({"if":{"minimum":5},"then":{"maximum":6},"else":{"const":1}})", "1", "2"},
           {R"({"$defs":{"s":{"type":"string"}},"$ref":"#/$defs/s"})", "\"a\"", "1"},
           {R"({"definitions":{"a/b":{"type":"string"}},"items":{"$ref":"#/definitions/a~1b"}})", R"(["a"])", "[1]"},
       }) {
    EXPECT_THAT(violations(c.schema, c.good), testing::IsEmpty()) << c.schema << " on " << c.good;
    EXPECT_THAT(violations(c.schema, c.bad), testing::Not(testing::IsEmpty())) << c.schema << " on " << c.bad;
  }
}

TEST(JsonSchema, NamesThePlaceAndWhatIsWrong) {
  EXPECT_THAT(violations(R"({"properties":{"a/b":{"items":{"type":"string"}}}})", R"({"a/b":["x",2]})"),
              testing::ElementsAre("/a~1b/1 must be string, is integer"));
  EXPECT_THAT(violations(R"({"required":["x"]})", "{}"), testing::ElementsAre(" needs member 'x'"));
}

TEST(JsonSchema, RefusesWhatItWouldNotCheck) {
  for (const auto* schema : {R"({"tpye":"string"})", R"({"$ref":"http://x/y"})", R"({"$ref":"#/$defs/none"})",
                             R"({"pattern":"("})", "3", R"({"allOf":{}})"}) {
    auto compiled = JsonSchema::compile(*parse_json(schema));
    ASSERT_FALSE(compiled) << schema;
    EXPECT_EQ(compiled.error().code, "codec.schema_invalid");
  }
}

TEST(JsonSchema, RefusesKeywordsWhoseValueMeansNothing) {
  const struct {
    const char *good, *bad;
  } kCases[] = {{R"({"type":"object"})", R"({"type":7})"},
                {R"({"type":["object","null"]})", R"({"type":["object",7]})"},
                {R"({"type":["null"]})", R"({"type":[]})"},
                {R"({"type":"number"})", R"({"type":"float"})"},
                {R"({"enum":[]})", R"({"enum":"a"})"},
                {R"({"required":["a"]})", R"({"required":true})"},
                {R"({"required":[]})", R"({"required":[1]})"},
                {R"({"dependentRequired":{"a":["b"]}})", R"({"dependentRequired":{"a":"b"}})"},
                {R"({"minimum":0.5})", R"({"minimum":"0"})"},
                {R"({"maximum":-1})", R"({"maximum":null})"},
                {R"({"exclusiveMinimum":true})", R"({"exclusiveMinimum":"1"})"},
                {R"({"exclusiveMaximum":1})", R"({"exclusiveMaximum":[1]})"},
                {R"({"multipleOf":0.1})", R"({"multipleOf":0})"},
                {R"({"minLength":0})", R"({"minLength":-1})"},
                {R"({"maxLength":1})", R"({"maxLength":1.5})"},
                {R"({"minItems":1})", R"({"minItems":"1"})"},
                {R"({"maxItems":1})", R"({"maxItems":[]})"},
                {R"({"minProperties":1})", R"({"minProperties":true})"},
                {R"({"maxProperties":1})", R"({"maxProperties":{}})"},
                {R"({"contains":true,"minContains":1})", R"({"contains":true,"minContains":"1"})"},
                {R"({"contains":true,"maxContains":1})", R"({"contains":true,"maxContains":-1})"},
                {R"({"uniqueItems":false})", R"({"uniqueItems":"yes"})"},
                {R"({"pattern":"a"})", R"({"pattern":7})"},
                {R"({"$ref":"#"})", R"({"$ref":7})"}};
  for (const auto& [good, bad] : kCases) {
    EXPECT_TRUE(JsonSchema::compile(*parse_json(good))) << good;
    const auto compiled = JsonSchema::compile(*parse_json(bad));
    ASSERT_FALSE(compiled) << bad;
    EXPECT_EQ(compiled.error().code, "codec.schema_invalid");
    EXPECT_THAT(compiled.error().message, testing::HasSubstr("must be ")) << bad;
  }
}

TEST(JsonSchema, WhatAReferenceLeadsToIsASchemaWhereverItStands) {
  for (const auto* schema :
       {R"({"$ref":"#/default","default":{"$ref":"#/x"}})", R"({"$ref":"#/default","default":{"pattern":"("}})",
        R"({"$ref":"#/x-y","x-y":{"type":7}})", R"({"$ref":"#/title","title":"t"})"})
    EXPECT_FALSE(JsonSchema::compile(*parse_json(schema))) << schema;
  EXPECT_THAT(
      violations(R"({"$ref":"#/x-y","x-y":{"pattern":"^a$","$ref":"#/x-z"},"x-z":{"type":"string"}})", R"("b")"),
      testing::ElementsAre(" must match \"^a$\""));
}

TEST(JsonSchema, EndlessReferencesEnd) {
  auto compiled = JsonSchema::compile(*parse_json(R"({"$ref":"#"})"));
  ASSERT_TRUE(compiled);
  EXPECT_THAT(compiled->validate(Json(1)), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace wrench::codec
