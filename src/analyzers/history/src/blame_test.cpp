#include "wrench/history/blame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_repo_test.hpp"

namespace wrench::history {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Result<std::vector<LineOrigin>> asked(const TestRepo& repo, const std::string& path, std::vector<std::uint32_t> lines) {
  const auto git = GitRepo::open(repo.path());
  EXPECT_TRUE(git.ok());
  const auto head = git->head();
  EXPECT_TRUE(head.ok());
  return blame(*git, *head, path, lines);
}

TEST(Blame, NamesTheCommitOfEachLine) {
  TestRepo repo;
  repo.write("a b.txt", "one\ntwo\nthree\n");
  const auto first = repo.commit("Ada", 1'700'000'000, "author Eve\n\n\tboundary");
  repo.write("a b.txt", "one\nzwei\nthree\n");
  const auto second = repo.commit("Łukasz", 1'700'100'000);
  repo.write("a b.txt", "one\nzwei\nthree\nfour, not committed\n");
  const auto origins = asked(repo, "a b.txt", {1, 2, 3});
  ASSERT_TRUE(origins.ok()) << describe(origins.error());
  EXPECT_THAT(*origins,
              ElementsAre(LineOrigin{1, first, "Ada", "2023-11-14"}, LineOrigin{2, second, "Łukasz", "2023-11-16"},
                          LineOrigin{3, first, "Ada", "2023-11-14"}));
  EXPECT_EQ(asked(repo, "a b.txt", {4}).error().code, "history.no_such_lines");
  EXPECT_EQ(asked(repo, "none.txt", {1}).error().code, "history.no_such_lines");
  EXPECT_EQ(asked(repo, "--contents=/etc/passwd", {1}).error().code, "history.no_such_lines");
  EXPECT_THAT(*asked(repo, "a b.txt", {}), IsEmpty());
}

TEST(Blame, TheDateIsThatOfTheAuthorsClock) {
  TestRepo repo;
  repo.write("a.txt", "one\n");
  repo.git({"add", "-A"});
  repo.git({"commit", "-q", "-m", "x"}, {"GIT_AUTHOR_DATE=1700006399 +0200", "GIT_COMMITTER_DATE=1700006399 +0000"});
  EXPECT_EQ(asked(repo, "a.txt", {1})->at(0).date, "2023-11-15");
}

TEST(Blame, LeavesOutWhatAShallowCloneCutOff) {
  TestRepo repo;
  repo.write("a.txt", "one\n");
  repo.commit("Ada", 1'700'000'000);
  repo.write("a.txt", "one\ntwo\n");
  const auto second = repo.commit("Eve", 1'700'100'000);
  TestRepo clone;
  clone.git({"clone", "-q", "--depth", "1", "file://" + repo.path(), clone / "shallow"});
  const auto git = GitRepo::open(clone / "shallow");
  ASSERT_TRUE(git.ok());
  EXPECT_THAT(*blame(*git, *git->head(), "a.txt", std::vector<std::uint32_t>{1, 2}), IsEmpty())
      << "every line looks as if the oldest commit there had written it";
}

TEST(Blame, RunsNoProgramOfTheRepository) {
  TestRepo repo;
  repo.write("a.txt", "1\n");
  repo.write(".gitattributes", "* diff=evil filter=evil\n");
  const auto first = repo.commit("ada", 1'700'001'000);
  repo.write("ignored", first + "\n");
  const std::string trap = "touch " + (repo / "trapped");
  for (const std::string& name : std::vector<std::string>{"diff.evil.command", "diff.evil.textconv", "diff.external",
                                                          "filter.evil.smudge", "filter.evil.clean"})
    repo.git({"config", name, trap});
  repo.git({"config", "blame.ignoreRevsFile", repo / "ignored"});
  const auto origins = asked(repo, "a.txt", {1});
  ASSERT_TRUE(origins.ok()) << describe(origins.error());
  EXPECT_THAT(*origins, ElementsAre(LineOrigin{1, first, "ada", "2023-11-14"}));
  EXPECT_FALSE(std::filesystem::exists(repo / "trapped"));
}

TEST(TextAt, GivesTheBytesOfTheCommit) {
  TestRepo repo;
  repo.write("a.txt", "committed\r\n");
  repo.commit("ada", 1'700'001'000);
  repo.write("a.txt", "changed\n");
  const auto git = GitRepo::open(repo.path());
  EXPECT_EQ(*text_at(*git, *git->head(), "a.txt"), "committed\r\n");
  EXPECT_EQ(*text_at(*git, *git->head(), "none.txt"), std::nullopt);
}

}  // namespace
}  // namespace wrench::history
