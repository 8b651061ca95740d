#include "wrench/source/ignore_rules.hpp"

#include <gtest/gtest.h>

namespace wrench::source {
namespace {

using Verdict = IgnoreRules::Verdict;

TEST(Ignore, GlobFollowsGitignore) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  for (const auto& c : {Case{"*.c", "a.c", true},
                        {"*.c", "d/a.c", false},
                        {"**/a", "a", true},
                        {"**/a", "x/y/a", true},
                        {"a/**", "a", false},
                        {"a/**", "a/b/c", true},
                        {"a/**/b", "a/b", true},
                        {"a/**/b", "a/x/y/b", true},
                        {"a/*/b", "a/x/y/b", false},
                        {"[a-c]x", "bx", true},
                        {"[!a-c]x", "bx", false},
                        {"[]a]x", "]x", true},
                        {"a?c", "abc", true},
                        {"a?c", "a/c", false},
                        {"\\*", "*", true},
                        {"\\*", "a", false},
                        {"[a", "[a", false},
                        {"a*b*c", "aXbYbZc", true},
                        {"a*b*c", "aXbYb", false}})
    EXPECT_EQ(matches_glob(c.pattern, c.path), c.matches) << c.pattern << " on " << c.path;
}

TEST(Ignore, LastMatchingLineDecides) {
  const IgnoreRules rules("# comment\n*.log\n!keep.log\n/build/\ndocs/*.txt\n\\#odd\nspace\\ \ntrail  \n");
  EXPECT_EQ(rules.decide("x/a.log", false), Verdict::Ignored);
  EXPECT_EQ(rules.decide("x/keep.log", false), Verdict::Kept);
  EXPECT_EQ(rules.decide("build", true), Verdict::Ignored);
  EXPECT_EQ(rules.decide("build", false), Verdict::Undecided);
  EXPECT_EQ(rules.decide("x/build", true), Verdict::Undecided);
  EXPECT_EQ(rules.decide("docs/a.txt", false), Verdict::Ignored);
  EXPECT_EQ(rules.decide("docs/x/a.txt", false), Verdict::Undecided);
  EXPECT_EQ(rules.decide("#odd", false), Verdict::Ignored);
  EXPECT_EQ(rules.decide("trail", false), Verdict::Ignored);
  EXPECT_EQ(rules.decide("other", false), Verdict::Undecided);
}

TEST(Ignore, HostileFilesAreBounded) {
  std::string many;
  for (std::size_t i = 0; i < kIgnorePatternsMax + 10; ++i) many += "p" + std::to_string(i) + "\n";
  EXPECT_TRUE(IgnoreRules(many).truncated());
  // Exponential for a backtracking matcher.
  std::string stars, text(300, 'a');
  for (int i = 0; i < 50; ++i) stars += "a*";
  EXPECT_FALSE(matches_glob(stars + "b", text));
}

}  // namespace
}  // namespace wrench::source
