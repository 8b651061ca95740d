#include "layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/base/text.hpp"

namespace wrench::app {
namespace {

using testing::ElementsAre;

TEST(Layout, ClipsByColumnsAndNeverInsideACharacter) {
  EXPECT_EQ(clip("short", 5, true), "short");
  EXPECT_EQ(clip("longer", 5, true), "long…");
  EXPECT_EQ(clip("longer", 5, false), "lo...");
  EXPECT_EQ(clip("日本語の名", 5, true), "日本…");  // Each takes two columns.
  EXPECT_EQ(clip_front("src/a/deep/file.py", 10, true), "…p/file.py");
  EXPECT_EQ(clip_front("日本語の名", 5, true), "…の名");
  for (std::size_t width = 0; width < 12; ++width)
    for (const bool unicode : {false, true})
      for (const auto& text : {clip("äöü日本語xyz", width, unicode), clip_front("äöü日本語xyz", width, unicode)}) {
        EXPECT_TRUE(is_valid_utf8(text)) << width;
        EXPECT_LE(display_width(text), width);
      }
}

TEST(Layout, PadsByColumns) {
  EXPECT_EQ(pad("日本", 6), "日本  ");
  EXPECT_EQ(pad_left("7", 3), "  7");
  EXPECT_EQ(pad("long", 2), "long");
}

TEST(Layout, WrapsBetweenWords) {
  EXPECT_THAT(wrap("one two  three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("a/path/that/is/longer x", 5), ElementsAre("a/path/that/is/longer", "x"));
  EXPECT_THAT(wrap("", 5), ElementsAre(""));
}

TEST(Layout, PutsTheSecondColumnBelowOnANarrowScreen) {
  const std::vector<std::pair<std::string, std::string>> rows = {{"--flag VALUE", "what it does"}};
  EXPECT_EQ(two_columns(rows, {.width = 80}), "  --flag VALUE  what it does\n");
  EXPECT_EQ(two_columns(rows, {.width = 30}), "  --flag VALUE\n      what it does\n");
}

TEST(Layout, QuotesForAShell) {
  EXPECT_EQ(quoted_for_shell("src/a-b_c.py"), "src/a-b_c.py");
  EXPECT_EQ(quoted_for_shell("two words"), "'two words'");
  EXPECT_EQ(quoted_for_shell("it's; rm -rf $HOME"), "'it'\\''s; rm -rf $HOME'");
  EXPECT_EQ(quoted_for_shell(""), "''");
}

}  // namespace
}  // namespace wrench::app
