#include "wrench/history/changes.hpp"

#include <gmock/gmock.h>

#include "patch_parser.hpp"
#include "test_repo_test.hpp"

namespace wrench::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Changes parsed(std::string_view patch, std::size_t piece) {
  Changes out;
  PatchParser parser(out);
  for (std::size_t at = 0; at < patch.size(); at += piece) parser.feed(patch.substr(at, piece));
  parser.finish();
  return out;
}

constexpr std::string_view kPatch =
    "diff --git a/b.py b/b.py\n"
    "index 1..2 100644\n"
    "--- a/b.py\n"
    "+++ b/b.py\n"
    "@@ -1 +1,2 @@ def f():\n"
    "-x\n"
    "+++ b/evil\n"
    "+y\n"
    "@@ -9,2 +10,0 @@\n"
    "-p\n"
    "--- a/evil\n"
    "diff --git a/a.bin b/a.bin\n"
    "Binary files a/a.bin and b/a.bin differ\n"
    "diff --git \"a/sp\\303\\244t\\tx\" \"b/sp\\303\\244t\\tx\"\n"
    "deleted file mode 100644\n"
    "--- \"a/sp\\303\\244t\\tx\"\n"
    "+++ /dev/null\n"
    "@@ -1 +0,0 @@\n"
    "-z\n"
    "\\ No newline at end of file\n";

TEST(PatchParser, TellsContentFromHeaders) {
  for (const std::size_t piece : {1U, 7U, 10'000U}) {
    const Changes changes = parsed(kPatch, piece);
    EXPECT_THAT(changes.files,
                ElementsAre(ChangedFile{"a.bin", false, 0, 0, {}}, ChangedFile{"b.py", false, 2, 3, {{1, 2}}},
                            ChangedFile{"sp\xc3\xa4t\tx", true, 0, 1, {}}))
        << piece;
    EXPECT_FALSE(changes.cut);
  }
}

TEST(PatchParser, TakesWhatIsNoPatch) {
  EXPECT_THAT(parsed("@@ -1 +1 @@\n+++ b/x\n@@ -a\n@@ \n\n", 3).files, IsEmpty());
  EXPECT_THAT(parsed(std::string(300'000, '+') + "\n", 1000).files, IsEmpty());
}

TEST(Changes, AreThoseOfThePullRequest) {
  TestRepo repo;
  repo.write("kept.py", "a\nb\nc\n");
  repo.write("gone.py", "x\n");
  repo.commit("ada", 1'700'001'000);
  repo.git({"checkout", "-q", "-b", "topic"});
  repo.write("kept.py", "a\nB\nc\nd\n");
  repo.write("with space.py", "n\n");
  repo.remove("gone.py");
  const std::string head = repo.commit("ada", 1'700'002'000);
  repo.git({"checkout", "-q", "main"});
  repo.write("other.py", "not ours\n");
  const std::string other = repo.commit("bob", 1'700'003'000);
  repo.git({"checkout", "-q", "topic"});
  repo.write("kept.py", "not committed\n");

  const auto git = GitRepo::open(repo.path());
  ASSERT_TRUE(git.ok());
  const auto changes = changes_since(*git, "main");
  ASSERT_TRUE(changes.ok()) << describe(changes.error());
  EXPECT_EQ(changes->head, head);
  EXPECT_NE(changes->base, other);
  EXPECT_EQ(changes->commits, 1u);
  EXPECT_THAT(changes->files,
              ElementsAre(ChangedFile{"gone.py", true, 0, 1, {}}, ChangedFile{"kept.py", false, 2, 1, {{2, 2}, {4, 4}}},
                          ChangedFile{"with space.py", false, 1, 0, {{1, 1}}}));
}

TEST(Changes, SayWhyThereAreNone) {
  TestRepo repo;
  repo.write("a", "1\n");
  repo.commit("ada", 1'700'001'000);
  repo.git({"checkout", "-q", "--orphan", "alone"});
  repo.commit("ada", 1'700'002'000);
  const auto git = GitRepo::open(repo.path());
  ASSERT_TRUE(git.ok());
  EXPECT_EQ(changes_since(*git, "nowhere").error().code, "history.unknown_revision");
  EXPECT_EQ(changes_since(*git, "--help").error().code, "history.unknown_revision");
  EXPECT_EQ(changes_since(*git, "main").error().code, "history.no_merge_base");
  const auto none = changes_since(*git, "HEAD");
  ASSERT_TRUE(none.ok());
  EXPECT_THAT(none->files, IsEmpty());
}

/// git must not run what a repository names to show a difference.
TEST(Changes, RunNoProgramOfTheRepository) {
  TestRepo repo;
  repo.write("a.txt", "1\n");
  repo.write(".gitattributes", "* diff=evil filter=evil\n");
  repo.commit("ada", 1'700'001'000);
  repo.write("a.txt", "2\n");
  repo.commit("ada", 1'700'002'000);
  const std::string trap = "touch " + (repo / "trapped");
  for (const std::string& name :
       std::vector<std::string>{"diff.evil.command", "diff.evil.textconv", "diff.external", "filter.evil.clean"})
    repo.git({"config", name, trap});
  const auto git = GitRepo::open(repo.path());
  ASSERT_TRUE(git.ok());
  const auto changes = changes_since(*git, "HEAD~1");
  ASSERT_TRUE(changes.ok());
  EXPECT_THAT(changes->files, ElementsAre(ChangedFile{"a.txt", false, 1, 1, {{1, 1}}}));
  EXPECT_FALSE(std::filesystem::exists(repo / "trapped"));
}

}  // namespace
}  // namespace wrench::history
