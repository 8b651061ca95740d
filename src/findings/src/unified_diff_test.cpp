#include "wrench/findings/unified_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"

namespace wrench::findings {
namespace {

std::string diff(std::string_view before, std::string_view after, std::string_view name = "x") {
  const std::string old_name = "a/" + std::string(name), new_name = "b/" + std::string(name);
  return unified_diff({old_name, before, before}, {new_name, after, after});
}
constexpr std::string_view kHead = "--- a/x\n+++ b/x\n";

/// What a reader written apart makes of the text; an empty hunk list gives the text back.
std::string applied(std::string_view text, std::string_view patch) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  std::vector<std::string> rows;
  for (const auto row : split(patch, '\n')) rows.emplace_back(row);
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 2; i + 1 < rows.size(); ++i) {
    const std::string& row = rows[i];
    if (row.starts_with("@@ -")) {
      std::size_t first = std::stoul(row.substr(4));
      const auto comma = row.find(','), plus = row.find('+');
      const bool empty = comma < plus && std::stoul(row.substr(comma + 1)) == 0;
      if (!empty) --first;
      while (at < first) out += lines.at(at++);
      continue;
    }
    std::string content = row.substr(1) + "\n";
    if (i + 1 < rows.size() && rows[i + 1].starts_with("\\ ")) content.pop_back();
    if (row[0] == '+') out += content;
    if (row[0] == ' ' || row[0] == '-') {
      EXPECT_EQ(lines.at(at), content);
      if (row[0] == ' ') out += content;
      ++at;
    }
  }
  while (at < lines.size()) out += lines[at++];
  return out;
}

TEST(UnifiedDiff, ShowsThreeLinesAround) {
  EXPECT_EQ(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            std::string(kHead) + "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  EXPECT_EQ(diff("same\n", "same\n"), "");
}

TEST(UnifiedDiff, JoinsHunksThatTouch) {
  const std::string near = diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n");
  EXPECT_EQ(std::count(near.begin(), near.end(), '@'), 4) << near;
  const std::string far = diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n");
  EXPECT_EQ(std::count(far.begin(), far.end(), '@'), 8) << far;
}

TEST(UnifiedDiff, SaysWhereAnEndOfLineIsMissing) {
  EXPECT_EQ(diff("a", "b"),
            std::string(kHead) + "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
  EXPECT_EQ(diff("a\n", "a"), std::string(kHead) + "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
  EXPECT_EQ(diff("", "a\r\n"), std::string(kHead) + "@@ -0,0 +1 @@\n+a\r\n");
}

TEST(UnifiedDiff, QuotesNamesAsGitDoes) {
  EXPECT_TRUE(diff("a", "b", "x y").starts_with("--- a/x y\t\n+++ b/x y\t\n"));
  EXPECT_TRUE(diff("a", "b", "q\"\n\\").starts_with("--- \"a/q\\\"\\012\\\\\"\n"));
}

TEST(UnifiedDiff, PrintsWhatIsShownAndComparesWhatIsThere) {
  EXPECT_EQ(
      unified_diff({"a/x", "k=secret\nbad\n", "k=******\nbad\n"}, {"b/x", "k=secret\ngood\n", "k=******\ngood\n"}),
      std::string(kHead) + "@@ -1,2 +1,2 @@\n k=******\n-bad\n+good\n");
}

TEST(UnifiedDiff, LeadsFromOneTextToTheOther) {
  SeededRandom random(5);
  for (int round = 0; round < 2'000; ++round) {
    const auto made = [&] {
      std::string text;
      for (std::uint64_t i = random.below(30); i > 0; --i)
        text += std::string(1, static_cast<char>('a' + random.below(4))) + "\n";
      if (!text.empty() && random.below(4) == 0) text.pop_back();
      return text;
    };
    const std::string before = made(), after = made();
    ASSERT_EQ(applied(before, diff(before, after)), after) << before << "---\n" << after;
  }
}

TEST(UnifiedDiff, IsTheShortest) {
  // One line of three goes: two of a kind stay.
  EXPECT_EQ(diff("a\nb\na\nb\na\n", "a\nb\nb\na\n"), std::string(kHead) + "@@ -1,5 +1,4 @@\n a\n b\n-a\n b\n a\n");
}

TEST(UnifiedDiff, BeyondTheLimitReplacesTheMiddle) {
  std::string before = "first\n", after = "first\n";
  for (std::size_t i = 0; i < kDiffShortestLinesMax; ++i) {
    before += "old " + std::to_string(i) + "\nsame\n";
    after += "new " + std::to_string(i) + "\nsame\n";
  }
  const std::string patch = diff(before, after);
  EXPECT_EQ(applied(before, patch), after);
  EXPECT_EQ(patch.find("\n same\n"), patch.rfind("\n same\n")) << "only the last line, as context";
}

}  // namespace
}  // namespace wrench::findings
