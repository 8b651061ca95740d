#include "wrench/findings/suppression.hpp"

#include <gtest/gtest.h>

#include "wrench/findings/fingerprint.hpp"

namespace wrench::findings {
namespace {

constexpr std::string_view kToday = "2026-11-24";

// Comments: from every '#' to the end of its line.
std::vector<CommentSpan> hash_comments(std::string_view text) {
  std::vector<CommentSpan> spans;
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at)) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    spans.push_back({at, end});
    at = end;
  }
  return spans;
}

Finding on_line(std::uint32_t line, std::string rule = "python.sql.injection", Category category = Category::Security) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.category = category;
  finding.where.path = "a.py";
  finding.where.start.line = line;
  return finding;
}

struct Case {
  std::string_view text;
  std::uint32_t line;
  bool covered;
};

TEST(Suppression, CoversItsLineOrTheLineAfterACommentOfItsOwn) {
  for (const Case& c : std::initializer_list<Case>{
           {"x() # wrench-ignore: injection -- checked\n", 1, true},
           {"# wrench-ignore: injection -- checked\nx()\n", 2, true},
           {"  # wrench-ignore: python.sql.injection\n  x()\n", 2, true},
           {"# wrench-ignore: python.sql.*\nx()\n", 2, true},
           {"# wrench-ignore: other, injection -- two\nx()\n", 2, true},
           {"# wrench-ignore: injection\n\nx()\n", 3, false},
           {"y() # wrench-ignore: injection\nx()\n", 2, false},
           {"# wrench-ignore: python.sql\nx()\n", 2, false},
           {"# wrench-ignore: sql.injection\nx()\n", 2, false},
           {"# wrench-ignore: *\nx()\n", 2, false},
           {"# wrench-ignore: other -- injection\nx()\n", 2, false},
           {"# wrench-ignore\nx()\n", 2, false},
           {"# xwrench-ignore: injection\nx()\n", 2, false},
           {"x = 'wrench-ignore: injection'\n", 1, false},
           {"# wrench-ignore: injection until 2026-11-24 -- today counts\nx()\n", 2, true},
           {"# wrench-ignore: injection until 2026-11-23 -- past\nx()\n", 2, false},
           {"# wrench-ignore: injection until 2026-02-30 -- no such day\nx()\n", 2, false},
           {"# wrench-ignore: injection because I say so\nx()\n", 2, false},
           {"# wrench-ignore-file: injection -- generated\n\n\n\nx()\n", 5, true},
           {"x() # nosemgrep\n", 1, true},
           {"# nosem: injection\nx()\n", 2, true},
           {"# nosemgrep: other\nx()\n", 2, false},
           {"x() # nosec B608 -- ours\n", 1, true},
           {"# nosec\nx()\n", 2, false},
           {"x() # nosecurity\n", 1, false},
           {"x() # gitleaks:allow\n", 1, false},
       }) {
    Suppressions suppressions(c.text, hash_comments(c.text), kToday);
    EXPECT_EQ(suppressions.match(on_line(c.line)).has_value(), c.covered) << c.text;
  }
}

TEST(Suppression, CategoriesOfForeignDirectives) {
  const std::string_view text = "a # nosec\nb # gitleaks:allow\n";
  Suppressions suppressions(text, hash_comments(text), kToday);
  EXPECT_FALSE(suppressions.match(on_line(1, "r", Category::Performance)));
  EXPECT_FALSE(suppressions.match(on_line(1, "r", Category::Secret)));
  EXPECT_TRUE(suppressions.match(on_line(2, "r", Category::Secret)));
  EXPECT_TRUE(suppressions.complaints("a.py", "a.py", Suppressions::Unused::Report).empty());
}

TEST(Suppression, KeepsReasonAndSource) {
  const std::string_view text = "/* wrench-ignore: r until 2027-01-01 -- vendor bug 12 */ x()\n";
  Suppressions suppressions(text, std::vector<CommentSpan>{{0, 56}}, kToday);
  const auto suppressed = suppressions.match(on_line(1, "a.r"));
  ASSERT_TRUE(suppressed);
  EXPECT_EQ(suppressed->kind, "inline");
  EXPECT_EQ(suppressed->reason, "vendor bug 12");
  EXPECT_EQ(suppressed->source, "wrench-ignore: r until 2027-01-01 -- vendor bug 12");
}

TEST(Suppression, FileDirectiveOnlyInTheFirstTwentyLines) {
  for (const std::uint32_t line : {20U, 21U}) {
    const std::string text = std::string(line - 1, '\n') + "# wrench-ignore-file: r -- why\nx\n";
    Suppressions suppressions(text, hash_comments(text), kToday);
    EXPECT_EQ(suppressions.match(on_line(99, "r")).has_value(), line == 20);
    EXPECT_EQ(suppressions.complaints("p", "p", Suppressions::Unused::Keep).size(), line == 20 ? 0U : 1U);
  }
}

TEST(Suppression, ComplainsAboutUnusedExpiredAndMalformed) {
  const std::string_view text =
      "x # wrench-ignore: used -- a\n"
      "y # wrench-ignore: unused -- b\n"
      "z # wrench-ignore: old until 2026-01-01 -- c\n"
      "w # wrench-ignore:\n";
  Suppressions suppressions(text, hash_comments(text), kToday);
  EXPECT_TRUE(suppressions.match(on_line(1, "a.used")));
  EXPECT_FALSE(suppressions.match(on_line(3, "a.old")));
  const auto all = suppressions.complaints("src/a.py", "a.py", Suppressions::Unused::Report);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].rule, "wrench.suppression.unused");
  EXPECT_EQ(all[0].where.start.line, 2U);
  EXPECT_EQ(all[0].where.start.col, 5U);
  EXPECT_EQ(all[0].severity, Severity::Info);
  EXPECT_TRUE(all[0].fingerprint.starts_with("wf1-"));
  EXPECT_EQ(all[1].rule, "wrench.suppression.expired");
  EXPECT_EQ(all[2].rule, "wrench.suppression.malformed");
  EXPECT_EQ(suppressions.complaints("a.py", "a.py", Suppressions::Unused::Keep).size(), 2U);
}

TEST(Suppression, SurvivesHostileSpansAndText) {
  const std::string text = "wrench-ignore: \xFF\xFE until until -- \x1b[31m\xC3";
  const std::vector<CommentSpan> spans = {{0, 1'000'000}, {50, 3}, {1'000'000, 2'000'000}};
  Suppressions suppressions(text, spans, kToday);
  EXPECT_FALSE(suppressions.match(on_line(1)));
  EXPECT_EQ(suppressions.complaints("p", "p", Suppressions::Unused::Report).size(), 1U);
}

}  // namespace
}  // namespace wrench::findings
