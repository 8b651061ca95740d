#include "wrench/findings/text_edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/base/random.hpp"

namespace wrench::findings {
namespace {

using testing::ElementsAre;

TEST(TextEdits, AreAppliedTogether) {
  const TextEdit edits[] = {{0, 1, "AA"}, {2, 2, "+"}, {3, 5, ""}};
  EXPECT_EQ(apply_edits("abcdef", edits), "AAb+cf");
  EXPECT_EQ(apply_edits("abc", {}), "abc");
}

TEST(TextEdits, OverlapWhereTheyTouchTheSameText) {
  const auto both = [](TextEdit a, TextEdit b) {
    EXPECT_EQ(overlap(a, b), overlap(b, a));
    return overlap(a, b);
  };
  EXPECT_TRUE(both({0, 4, ""}, {3, 5, ""}));
  EXPECT_TRUE(both({0, 9, ""}, {3, 5, ""}));
  EXPECT_TRUE(both({3, 3, "x"}, {3, 3, "y"})) << "nothing says which comes first";
  EXPECT_TRUE(both({3, 3, "x"}, {3, 5, ""}));
  EXPECT_TRUE(both({2, 6, ""}, {4, 4, "x"}));
  EXPECT_FALSE(both({0, 3, ""}, {3, 5, ""}));
  EXPECT_FALSE(both({0, 3, ""}, {3, 3, "x"}));
}

TEST(TextEdits, TheFirstInTheSourceWins) {
  const TextEdit edits[] = {{0, 8, ""}, {2, 4, ""}, {8, 9, ""}, {8, 12, ""}, {12, 13, ""}};
  EXPECT_THAT(without_overlaps(edits), ElementsAre(0, 2, 4));
}

TEST(TextEdits, TakeTheLineEndsOfTheText) {
  EXPECT_EQ(with_line_ends_of("a\r\nb", "x\ny\r\nz"), "x\r\ny\r\nz");
  EXPECT_EQ(with_line_ends_of("a\nb\n", "x\r\ny"), "x\ny");
  EXPECT_EQ(with_line_ends_of("a\rb", "x\ny"), "x\ry");
  EXPECT_EQ(with_line_ends_of("a\r\nb\n", "x\ny"), "x\ny") << "mixed: as it is";
  EXPECT_EQ(with_line_ends_of("one line", "x\ny"), "x\ny");
}

TEST(EditedPlaces, FollowTheTextThatStayed) {
  SeededRandom random(11);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(40); i > 0; --i) text += static_cast<char>('a' + random.below(26));
    std::vector<TextEdit> edits;
    for (std::uint64_t at = random.below(5); at < text.size(); at += 1 + random.below(8)) {
      const std::uint64_t end = std::min<std::uint64_t>(text.size(), at + random.below(4));
      edits.push_back({at, end, std::string(random.below(4), '#')});
      at = end;
    }
    const std::string after = apply_edits(text, edits);
    const EditedPlaces places(edits);
    for (std::uint64_t at = 0; at < text.size(); ++at) {
      bool gone = false;
      for (const auto& edit : edits) gone = gone || (edit.first <= at && at < edit.end);
      if (gone) continue;
      bool inserted = false;
      for (const auto& edit : edits) inserted = inserted || edit.first == at;
      // What begins where something is put in begins with that.
      if (!inserted) ASSERT_EQ(after[places.of(at)], text[at]) << text << " -> " << after << " at " << at;
      inserted = false;
      for (const auto& edit : edits) inserted = inserted || (edit.first == at + 1 && edit.end == at + 1);
      ASSERT_EQ(after[places.of_end(at + 1) - 1], text[at]) << text << " -> " << after << " end " << at + 1;
    }
  }
}

}  // namespace
}  // namespace wrench::findings
