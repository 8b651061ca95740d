#include "wrench/base/text.hpp"

#include <gtest/gtest.h>

namespace wrench {
namespace {

TEST(Utf8, AcceptsExactlyWellFormedText) {
  for (const auto* good : {"", "a", "\x7F", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "naïve 漢字 🙂"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const auto* bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xC2", "\xE2\x82", "\xF0\x9F\x99"})
    EXPECT_FALSE(is_valid_utf8(bad)) << to_hex(bad);
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
  // Eight bytes are looked at together: a fault at every place of a word is seen.
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text(20, 'a');
    text[at] = '\x80';
    EXPECT_FALSE(is_valid_utf8(text)) << at;
    EXPECT_EQ(repair_utf8(text), std::string(at, 'a') + "\xEF\xBF\xBD" + std::string(19 - at, 'a')) << at;
  }
}

TEST(Utf8, RepairsByMaximalSubparts) {
  // Unicode 15, section 3.9, tables 3-8, 3-10 and 3-11.
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(repair_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("ok ✓"), "ok ✓");
}

TEST(Utf8, DecodesOneCodePointAtATime) {
  const std::string_view text = "a\xC3\xA9\xF0\x9F\x99\x82\xE2\x82";
  std::size_t at = 0;
  EXPECT_EQ(next_code_point(text, at), U'a');
  EXPECT_EQ(next_code_point(text, at), U'\u00E9');
  EXPECT_EQ(next_code_point(text, at), U'\U0001F642');
  EXPECT_EQ(next_code_point(text, at), U'\uFFFD');
  EXPECT_EQ(at, text.size() - 1);
  EXPECT_EQ(next_code_point(text, at), U'\uFFFD');
  EXPECT_EQ(at, text.size());
  EXPECT_EQ(count_code_points(text), 5U);
}

TEST(Utf8, AppendsWhatItDecodes) {
  for (const char32_t c : {U'\u007F', U'\u0080', U'\u07FF', U'\u0800', U'\uFFFF', U'\U00010000', U'\U0010FFFF'}) {
    std::string out;
    append_utf8(out, c);
    std::size_t at = 0;
    EXPECT_EQ(next_code_point(out, at), c);
    EXPECT_EQ(at, out.size());
  }
  std::string out;
  append_utf8(out, 0xD800);
  append_utf8(out, 0x110000);
  EXPECT_EQ(out, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Text, MeasuresTerminalColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("漢字"), 4U);
  EXPECT_EQ(display_width("ｆｕ"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);
  EXPECT_EQ(display_width("🙂"), 2U);
  EXPECT_EQ(display_width("\x1b"), 0U);
  EXPECT_EQ(display_width("━━ ● ✓"), 6U);
  EXPECT_EQ(display_width("한국"), 4U);
}

TEST(Text, ShowsHostileCharacters) {
  EXPECT_EQ(escape_for_display("\x1b[31mred\r\n"), "\\x1b[31mred\\r\\n");
  EXPECT_EQ(escape_for_display("a\nb\tc", Newlines::Keep), "a\nb\tc");
  EXPECT_EQ(escape_for_display("x\u202Ey\u2066z\u200B"), "xU+202EyU+2066zU+200B");
  EXPECT_EQ(escape_for_display("\u009B31m\x7F"), "\\x9b31m\\x7f");
  EXPECT_EQ(escape_for_display("\U000E0041"), "U+E0041");
  EXPECT_EQ(escape_for_display(std::string_view("\0\xFF", 2)), "\\x00\xEF\xBF\xBD");
  EXPECT_EQ(escape_for_display("naïve 漢字"), "naïve 漢字");
}

TEST(Text, TrimsSplitsAndJoins) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(collapse_white_space("  a \n\n b\tc "), "a b c");
  EXPECT_EQ(collapse_white_space(" \n"), "");
}

TEST(Text, ReplacesWithoutRescanningItsOutput) {
  EXPECT_EQ(replace_all("aXbXc", "X", "XX"), "aXXbXXc");
  EXPECT_EQ(replace_all("abc", "", "x"), "abc");
  EXPECT_EQ(replace_all("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replace_all("abc", "z", "x"), "abc");
  EXPECT_EQ(replace_all("aa", "a", ""), "");
}

TEST(Text, IgnoresCaseOfAsciiOnly) {
  EXPECT_EQ(to_lower_ascii("AbZ[É"), "abz[É");
  EXPECT_TRUE(equals_ignoring_case_ascii("Key", "kEY"));
  EXPECT_FALSE(equals_ignoring_case_ascii("key", "keys"));
  EXPECT_TRUE(contains_ignoring_case_ascii("AuthToken", "TOKEN"));
  EXPECT_TRUE(contains_ignoring_case_ascii("", ""));
  EXPECT_FALSE(contains_ignoring_case_ascii("tok", "token"));
}

TEST(Text, FormatsNumbers) {
  EXPECT_EQ(to_hex("\x01\xAB"), "01ab");
  EXPECT_EQ(from_hex("01aB"), "\x01\xAB");
  EXPECT_EQ(from_hex(""), "");
  for (const auto* bad : {"0", "0g", "-1", " 1"}) EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1204), "1,204");
  EXPECT_EQ(format_count(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(12'900'000), "12.3 MiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16.0 EiB");
}

TEST(Text, ParsesSizes) {
  EXPECT_EQ(parse_size("64").value(), 64U);
  EXPECT_EQ(parse_size("10k").value(), 10'000U);
  EXPECT_EQ(parse_size(" 2 MiB ").value(), 2U << 20);
  EXPECT_EQ(parse_size("18446744073709551615").value(), UINT64_MAX);
  for (const auto* bad : {"", "k", "-1", "1.5M", "10 apples", "18446744073709551616", "99999999999GiB", "1 2"}) {
    const auto result = parse_size(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().code, "base.invalid_size");
  }
}

TEST(Text, MeasuresEditDistance) {
  EXPECT_EQ(edit_distance("", "", 2), 0U);
  EXPECT_EQ(edit_distance("review", "reveiw", 2), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 5), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3U);
  EXPECT_EQ(edit_distance("ca", "abc", 5), 3U);
  EXPECT_EQ(edit_distance("abcdef", "badcfe", 5), 3U);
  EXPECT_EQ(edit_distance("a", std::string(100'000, 'b'), 2), 3U);
}

TEST(Text, SuggestsTheNearestWord) {
  const std::vector<std::string_view> words{"review", "scan", "rules", "task"};
  EXPECT_EQ(nearest("reviwe", words), "review");
  EXPECT_EQ(nearest("rule", words), "rules");
  EXPECT_EQ(nearest("xy", {"ab"}), "");
  EXPECT_EQ(nearest("deploy", words), "");
}

}  // namespace
}  // namespace wrench
