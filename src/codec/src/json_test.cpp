#include "wrench/codec/json.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "wrench/base/text.hpp"

namespace wrench::codec {
namespace {

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value.ok()) << text << ": " << (value.ok() ? "" : describe(value.error()));
  return value.ok() ? std::move(value).value() : Json();
}

Error refused(std::string_view text, const JsonLimits& limits = {}) {
  auto value = parse_json(text, limits);
  EXPECT_FALSE(value.ok()) << text;
  return value.ok() ? Error("", "") : std::move(value).error();
}

TEST(JsonReader, ReadsEveryKind) {
  const Json value = parsed(
      R"( {"n":null,"t":true,"i":-9223372036854775808,"d":2.5e-3,"s":"a\u00e9\ud83d\ude00\n","a":[1,[]],"o":{}} )");
  EXPECT_TRUE(value.at("n").is_null());
  EXPECT_TRUE(value.at("t").as_boolean());
  EXPECT_EQ(value.at("i").as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value.at("d").as_double(), 0.0025);
  EXPECT_EQ(value.at("s").as_string(), "a\xC3\xA9\xF0\x9F\x98\x80\n");
  EXPECT_EQ(value.at("a").as_array().size(), 2U);
  EXPECT_TRUE(value.at("o").is_object());
  EXPECT_TRUE(value.at("missing").at("deeper").is_null());
}

TEST(JsonReader, TakesScalarsAtTheTop) {
  EXPECT_EQ(parsed("12").as_integer(), 12);
  EXPECT_EQ(parsed(" 1.5 ").as_double(), 1.5);
  EXPECT_EQ(parsed("\"x\"").as_string(), "x");
  EXPECT_TRUE(parsed("null").is_null());
}

TEST(JsonReader, KeepsIntegersExactAndRoundsNumbersCorrectly) {
  EXPECT_EQ(parsed("9007199254740993").as_integer(), 9007199254740993);
  EXPECT_EQ(parsed("9223372036854775808").as_double(), 9223372036854775808.0);
  EXPECT_EQ(parsed("18446744073709551616").kind(), Json::Kind::Double);
  EXPECT_EQ(parsed("1.0").kind(), Json::Kind::Double);
  // Numbers that naive digit-by-digit parsers get wrong by one unit in the last place.
  EXPECT_EQ(parsed("8.10109172351e-10").as_double(), 8.10109172351e-10);
  EXPECT_EQ(parsed("2.2250738585072011e-308").as_double(), 2.2250738585072011e-308);
  EXPECT_EQ(parsed("0.1e-1").as_double(), 0.01);
  EXPECT_EQ(parsed("123456789012345678901234567890.5").as_double(), 123456789012345678901234567890.5);
  EXPECT_EQ(parsed("1e-400").as_double(), 0.0);
  EXPECT_TRUE(std::signbit(parsed("-0").as_double()));
  EXPECT_EQ(refused("[1e400]").code, "codec.json_invalid");
  EXPECT_EQ(refused("1e99999999999").code, "codec.json_invalid");
}

TEST(JsonReader, RefusesWhatIsNotStrictJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "NaN",
                           "Infinity",
                           "tru",
                           "[1] x",
                           "1 2",
                           "/* c */ 1",
                           "\"\x01\"",
                           "\"\\x\"",
                           "\"\xFF\"",
                           "\"\xED\xA0\x80\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"unterminated",
                           "[",
                           "\xEF\xBB\xBF{}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{\"a\":}"}) {
    EXPECT_EQ(refused(text).code, "codec.json_invalid") << text;
  }
}

TEST(JsonReader, NamesThePlace) {
  const Error error = refused("{\n  \"a\": 1,\n  \"\xC3\xA9\": tru\n}");
  EXPECT_EQ(error.place.line, 3);
  EXPECT_GE(error.place.column, 8);
  EXPECT_LE(error.place.column, 12);
  const Error trailing = refused("{}\n]");
  EXPECT_EQ(trailing.place.line, 2);
  EXPECT_EQ(trailing.place.column, 1);
}

TEST(JsonReader, RefusesDuplicateNamesAtTheSecondOne) {
  const Error error = refused("{\"a\":1,\n \"b\":{\"x\":1,\"y\":2,\n\"x\":3}}");
  EXPECT_NE(error.message.find("\"x\" twice"), std::string::npos) << error.message;
  EXPECT_EQ(error.place.line, 3);
  EXPECT_EQ(refused(R"({"a":1,"\u0061":2})").code, "codec.json_invalid");
  std::string wide = "{\"k0\":0";
  for (int i = 1; i < 40; ++i) wide += ",\"k" + std::to_string(i) + "\":0";
  EXPECT_TRUE(parse_json(wide + "}").ok());
  EXPECT_NE(refused(wide + ",\"k7\":1}").message.find("\"k7\" twice"), std::string::npos);
}

TEST(JsonReader, HoldsItsLimitsAtTheEdge) {
  JsonLimits limits;
  limits.depth_max = 3;
  EXPECT_TRUE(parse_json("[[[1]]]", limits).ok());
  EXPECT_EQ(refused("[[[[1]]]]", limits).code, "codec.json_limit");
  limits = {};
  limits.values_max = 4;
  EXPECT_TRUE(parse_json("[1,2,3]", limits).ok());
  EXPECT_EQ(refused("[1,2,3,4]", limits).code, "codec.json_limit");
  EXPECT_EQ(refused("[[],[],[],[]]", limits).code, "codec.json_limit");
  limits = {};
  limits.bytes_max = 4;
  EXPECT_TRUE(parse_json("\"ab\"", limits).ok());
  EXPECT_EQ(refused("\"abc\"", limits).code, "codec.json_limit");
}

TEST(JsonReader, SurvivesNestingWhateverTheLimitSays) {
  JsonLimits limits;
  limits.depth_max = 10'000'000;
  EXPECT_EQ(refused(std::string(200'000, '['), limits).code, "codec.json_limit");
}

TEST(JsonReader, KeepsOnlyTheMembersAskedForButChecksAll) {
  const std::array<std::string_view, 3> names = {"a", "list", "id"};
  auto value = parse_json_members(
      R"({"x":{"a":1,"y":[1,2,{"id":3}]},"a":2,"list":[{"id":1,"z":[[]]},{"z":{"id":9}},5],"w":"s"})", names);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(write_json(*value), R"({"a":2,"list":[{"id":1},{},5]})");
  EXPECT_FALSE(parse_json_members(R"({"x":[1,}})", names).ok());
  EXPECT_FALSE(parse_json_members(R"({"a":1,"x":0,"a":2})", names).ok());
  EXPECT_EQ(write_json(*parse_json_members("[[1],{}]", names)), "[[1],{}]");
}

TEST(JsonWriter, RoundTrips) {
  const std::string text = R"({"a":[1,-2,3.5,1.0,-0.0,1e+21,true,null,"x\"\\\n\u0001"],"b":{"":{}},"c":[]})";
  EXPECT_EQ(write_json(parsed(text)), text);
  const Json value = parsed(text);
  EXPECT_EQ(parsed(write_json(value, {.pretty = true})), value);
  EXPECT_EQ(write_json(parsed(R"({"a":[1,{}],"b":[]})"), {.pretty = true}),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(JsonWriter, MakesValidInertUtf8OfAnything) {
  Json value = Json::object({{"k\xFF", "bad \xC3( \xE2\x80\xAE rtl \x7F \xC2\x9B csi \xE2\x80\xA8 sep \x1b[31m"}});
  const std::string text = write_json(value);
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(text, "{\"k\xEF\xBF\xBD\":\"bad \xEF\xBF\xBD( \\u202e rtl \\u007f \\u009b csi \\u2028 sep \\u001b[31m\"}");
  EXPECT_EQ(write_json(Json(std::nan(""))), "null");
  EXPECT_EQ(write_json(Json(HUGE_VAL)), "null");
}

TEST(JsonValue, ConvertsUnsignedAboveTheSignedRange) {
  EXPECT_EQ(Json(std::uint64_t{1} << 63).as_double(), 9223372036854775808.0);
  EXPECT_EQ(Json(std::uint32_t{7}).as_integer(), 7);
}

TEST(JsonObject, FindsSetsAndErasesInSmallAndLargeObjects) {
  for (const int count : {3, 16, 17, 5000}) {
    JsonObject object;
    for (int i = 0; i < count; ++i) object["k" + std::to_string(i * 7919 % count)] = i;
    ASSERT_EQ(object.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const Json* found = object.find("k" + std::to_string(i * 7919 % count));
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->as_integer(), i);
    }
    EXPECT_EQ(object.find("k"), nullptr);
    EXPECT_TRUE(object.erase("k1"));
    EXPECT_FALSE(object.erase("k1"));
    EXPECT_EQ(object.find("k1"), nullptr);
    ASSERT_NE(object.find("k2"), nullptr);
    object.set("k2", "new");
    EXPECT_EQ(object.find("k2")->as_string(), "new");
    EXPECT_EQ(object.size(), static_cast<std::size_t>(count - 1));
  }
}

TEST(JsonObject, ComparesWithoutOrderAndWritesInOrder) {
  EXPECT_EQ(parsed(R"({"a":1,"b":2})"), parsed(R"({"b":2,"a":1})"));
  EXPECT_FALSE(parsed(R"({"a":1,"b":2})") == parsed(R"({"b":2,"c":1})"));
  EXPECT_EQ(write_json(parsed(R"({"z":1,"a":2})")), R"({"z":1,"a":2})");
}

// RFC 8785, appendix B: IEEE 754 bits and the number they are written as.
TEST(CanonicalJson, FormatsNumbersAsEcmascript) {
  const std::vector<std::pair<std::uint64_t, std::string_view>> samples = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : samples) EXPECT_EQ(canonical_json(Json(std::bit_cast<double>(bits))), text);
  EXPECT_EQ(canonical_json(Json(9007199254740993)), "9007199254740993");
}

TEST(CanonicalJson, SortsByUtf16UnitsAndEscapesMinimally) {
  // RFC 8785, section 3.2.3.
  const Json value = parsed(
      R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
          "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})");
  EXPECT_EQ(canonical_json(value),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
            "\"\xC3\xB6\":\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
            "\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\",\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
  // RFC 8785, section 3.2.4 (from 3.2.2's example).
  EXPECT_EQ(canonical_json(parsed(
                R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                    "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})")),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

}  // namespace
}  // namespace wrench::codec
