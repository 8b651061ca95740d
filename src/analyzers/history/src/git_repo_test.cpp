#include "wrench/history/git_repo.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "test_repo_test.hpp"
#include "wrench/history/mine.hpp"

namespace wrench::history {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kStart = 1'700'000'000;

TEST(GitRepo, FindsTheRootFromAFolderOrFileInside) {
  TestRepo repo;
  repo.write("a/b/c.txt", "x\n");
  const std::string id = repo.commit("ann", kStart);
  for (const std::string& path : {repo.path(), repo / "a/b", repo / "a/b/c.txt"}) {
    auto opened = GitRepo::open(path);
    ASSERT_TRUE(opened.ok()) << describe(opened.error());
    EXPECT_EQ(opened->root(), fs::canonical(repo.path()).string());
    EXPECT_EQ(opened->head().value(), id);
    EXPECT_EQ(opened->branch().value(), "main");
    EXPECT_FALSE(opened->bare());
    EXPECT_FALSE(opened->shallow());
  }
}

TEST(GitRepo, ListsTrackedFilesOnly) {
  TestRepo repo;
  repo.write("b.txt", "x");
  repo.write("a/\xff\n.txt", "x");
  repo.commit("ann", kStart);
  repo.write("untracked.txt", "x");
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok());
  EXPECT_THAT(opened->tracked_files().value(), ElementsAre("a/\xff\n.txt", "b.txt"));
  EXPECT_THAT(opened->files_at(opened->head().value()).value(), ElementsAre("a/\xff\n.txt", "b.txt"));
}

TEST(GitRepo, ResolvesRevisionsAndNeverOptions) {
  TestRepo repo;
  const std::string first = repo.commit("ann", kStart);
  const std::string second = repo.commit("ann", kStart + kDay);
  repo.git({"tag", "-a", "v1", "-m", "one", first});
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->resolve("HEAD~1").value(), first);
  EXPECT_EQ(opened->resolve("v1").value(), first);
  EXPECT_EQ(opened->resolve(second.substr(0, 10)).value(), second);
  for (const std::string_view bad :
       {"", "nope", "--upload-pack=touch x", "-h", "HEAD..HEAD~1", "--all", "HEAD HEAD~1", "HEAD:a"})
    EXPECT_EQ(opened->resolve(bad).error().code, "history.unknown_revision") << bad;
  EXPECT_TRUE(opened->is_ancestor(first, second).value());
  EXPECT_FALSE(opened->is_ancestor(second, first).value());
}

TEST(GitRepo, RefusesANameOfSeveralThingsWhereTheUserMustMeanOne) {
  TestRepo repo;
  const std::string first = repo.commit("ann", kStart);
  repo.commit("ann", kStart + kDay);
  repo.git({"tag", "twice", first});
  repo.git({"branch", "twice"});
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->resolve("twice").value(), first);
  repo.git({"config", "core.warnAmbiguousRefs", "false"});
  EXPECT_EQ(opened->resolve_unambiguous("twice").error().code, "history.ambiguous_revision");
  EXPECT_EQ(opened->resolve_unambiguous("refs/tags/twice").value(), first);
  EXPECT_EQ(opened->resolve_unambiguous(first).value(), first);
  for (const std::string_view bad : {"", "nope", "--upload-pack=touch x", "--all", "HEAD:a"})
    EXPECT_EQ(opened->resolve_unambiguous(bad).error().code, "history.unknown_revision") << bad;
}

TEST(GitRepo, SaysWhenThereIsNoRepositoryOrNoCommit) {
  const auto folder = runtime::TempDir::create().value();
  EXPECT_EQ(GitRepo::open(folder.path()).error().code, "history.not_a_repository");
  EXPECT_EQ(GitRepo::open(folder / "missing").error().code, "io.not_found");
  TestRepo repo;
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_EQ(opened->head().error().code, "history.no_commits");
  EXPECT_EQ(opened->branch().value(), "main");
}

TEST(GitRepo, TellsALostCommitFromNoCommit) {
  TestRepo repo;
  repo.commit("ann", kStart);
  fs::remove_all(repo / ".git/objects");
  fs::create_directory(repo / ".git/objects");
  const auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_EQ(opened->head().error().code, "history.repository_corrupt");
  EXPECT_THAT(opened->head().error().message, testing::HasSubstr("missing or damaged"));
}

TEST(GitRepo, OpensBareRepositories) {
  TestRepo repo;
  repo.write("a", "x");
  const std::string id = repo.commit("ann", kStart);
  const auto folder = runtime::TempDir::create().value();
  repo.git({"clone", "-q", "--bare", repo.path(), folder / "bare.git"});
  auto opened = GitRepo::open(folder / "bare.git");
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_TRUE(opened->bare());
  EXPECT_EQ(opened->head().value(), id);
  EXPECT_THAT(opened->tracked_files().value(), IsEmpty());
  EXPECT_THAT(opened->files_at(id).value(), ElementsAre("a"));
}

TEST(GitRepo, FollowsLinkedWorkTreesAndSubmodules) {
  TestRepo repo;
  repo.write("a", "x");
  const std::string id = repo.commit("ann", kStart);
  const auto folder = runtime::TempDir::create().value();
  repo.git({"worktree", "add", "-q", "-b", "side", folder / "linked"});
  auto linked = GitRepo::open(folder / "linked");
  ASSERT_TRUE(linked.ok()) << describe(linked.error());
  EXPECT_EQ(linked->head().value(), id);
  EXPECT_EQ(linked->branch().value(), "side");

  TestRepo outer;
  outer.git({"submodule", "--quiet", "add", repo.path(), "inner"});
  outer.commit("ann", kStart);
  auto inner = GitRepo::open(outer / "inner/a");
  ASSERT_TRUE(inner.ok()) << describe(inner.error());
  EXPECT_EQ(inner->root(), fs::canonical(outer / "inner").string());
  EXPECT_EQ(inner->head().value(), id);
  EXPECT_THAT(GitRepo::open(outer.path())->tracked_files().value(), ElementsAre(".gitmodules"));
}

TEST(GitRepo, RefusesGitFilesThatPointToSomebodyElse) {
  TestRepo victim;
  victim.write("secret", "x");
  victim.commit("ann", kStart);
  const auto folder = runtime::TempDir::create().value();
  std::ofstream(folder / ".git") << "gitdir: " << victim / ".git" << "\n";
  EXPECT_EQ(GitRepo::open(folder.path()).error().code, "history.foreign_git_folder");

  const auto linked = runtime::TempDir::create().value();
  fs::create_directory_symlink(victim / ".git", linked / ".git");
  EXPECT_EQ(GitRepo::open(linked.path()).error().code, "history.foreign_git_folder");

  TestRepo borrower;
  std::ofstream(borrower / ".git/commondir") << victim / ".git" << "\n";
  EXPECT_EQ(GitRepo::open(borrower.path()).error().code, "history.foreign_git_folder");

  const auto dangling = runtime::TempDir::create().value();
  std::ofstream(dangling / ".git") << "gitdir: ../nowhere\n";
  EXPECT_EQ(GitRepo::open(dangling.path()).error().code, "history.repository_corrupt");
}

TEST(GitRepo, SaysWhenTheGitFolderIsCorrupt) {
  TestRepo repo;
  repo.write("a", "x");
  repo.commit("ann", kStart);
  std::ofstream(repo / ".git/config") << "[core\n";
  EXPECT_EQ(GitRepo::open(repo.path()).error().code, "history.repository_corrupt");
  fs::remove(repo / ".git/HEAD");
  EXPECT_EQ(GitRepo::open(repo.path()).error().code, "history.repository_corrupt");
}

TEST(GitRepo, ACorruptIndexIsAnErrorOfTheListAlone) {
  TestRepo repo;
  repo.write("a", "x");
  const std::string id = repo.commit("ann", kStart);
  std::ofstream(repo / ".git/index") << "not an index";
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->tracked_files().error().code, "history.git_failed");
  EXPECT_EQ(opened->head().value(), id);
}

TEST(GitRepo, CoreWorktreeCannotPointGitElsewhere) {
  TestRepo repo;
  repo.write("a", "x");
  repo.commit("ann", kStart);
  repo.git({"config", "core.worktree", "/"});
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_EQ(opened->root(), fs::canonical(repo.path()).string());
  EXPECT_THAT(opened->tracked_files().value(), ElementsAre("a"));
}

/// Every way known by which a repository's own files make git run a program. None may.
TEST(GitRepo, NothingInAHostileRepositoryRuns) {
  TestRepo repo;
  repo.write("a.txt", "one\n");
  repo.write(".gitattributes", "* diff=evil filter=evil\n");
  repo.commit("ann", kStart);
  repo.write("a.txt", "two\n");
  const std::string newest = repo.commit("ann", kStart + kDay);

  const auto outside = runtime::TempDir::create().value();
  const std::string marker = outside / "marker";
  const std::string script = outside / "run";
  std::ofstream(script) << "#!/bin/sh\necho \"$0 $*\" >> " << marker << "\nexit 0\n";
  ::chmod(script.c_str(), 0700);
  for (const char* hook :
       {"post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc", "fsmonitor-watchman"})
    fs::copy(script, repo / (std::string(".git/hooks/") + hook), fs::copy_options::overwrite_existing);
  std::ofstream(repo / ".git/config", std::ios::app)
      << "[core]\n\tfsmonitor = " << script << "\n\thooksPath = " << repo / ".git/hooks" << "\n\tpager = " << script
      << "\n\tsshCommand = " << script << "\n\tgitProxy = " << script << "\n\taskPass = " << script
      << "\n\teditor = " << script << "\n\talternateRefsCommand = " << script << "\n[pager]\n\tlog = " << script
      << "\n\tls-files = " << script << "\n[diff]\n\texternal = " << script << "\n\torderFile = /nonexistent"
      << "\n[diff \"evil\"]\n\tcommand = " << script << "\n\ttextconv = " << script
      << "\n[filter \"evil\"]\n\tclean = " << script << "\n\tsmudge = " << script << "\n\tprocess = " << script
      << "\n\trequired = true\n[gpg]\n\tprogram = " << script << "\n[gpg \"ssh\"]\n\tprogram = " << script
      << "\n[log]\n\tshowSignature = true\n\tshowRoot = false"
      << "\n\tfollow = true\n[alias]\n\tlog = !" << script << "\n\tls-files = !" << script << "\n\trev-parse = !"
      << script << "\n[credential]\n\thelper = !" << script
      << "\n[protocol \"ext\"]\n\tallow = always\n[protocol]\n\tallow = always"
      << "\n[remote \"origin\"]\n\turl = ext::" << script << "\n\tpromisor = true\n\tuploadpack = " << script
      << "\n\tvcs = ext\n[extensions]\n\tpartialClone = origin\n[uploadpack]\n\tpackObjectsHook = " << script
      << "\n[mailmap]\n\tfile = /etc/passwd\n[include]\n\tpath = " << outside / "more"
      << "\n[trace2]\n\tnormalTarget = " << marker << "\n\teventTarget = " << marker << "\n";
  std::ofstream(outside / "more") << "[core]\n\tfsmonitor = " << script << "\n";

  // The control: plain git on this repository does run them.
  runtime::SubprocessSpec plain;
  plain.program = runtime::find_program("git").value();
  plain.arguments = {"-c", "safe.directory=*", "status", "--short"};
  plain.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent"};
  plain.working_directory = repo.path();
  ASSERT_TRUE(runtime::capture_subprocess(plain).ok());
  ASSERT_TRUE(fs::exists(marker)) << "the trap doesn't work, so that the test would prove nothing";
  fs::remove(marker);

  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_EQ(opened->head().value(), newest);
  EXPECT_EQ(opened->branch().value(), "main");
  EXPECT_THAT(opened->tracked_files().value(), ElementsAre(".gitattributes", "a.txt"));
  auto facts = mine(*opened, {}, nullptr, test_pool());
  ASSERT_TRUE(facts.ok()) << describe(facts.error());
  EXPECT_EQ(facts->commits.size(), 2u);
  EXPECT_EQ(facts->commits.front().changes, 2u) << "log.showRoot mustn't hide the first commit";

  // A blob that isn't there would be fetched from the promisor remote, which is a command.
  const std::string blob = repo.git({"hash-object", "--no-filters", "a.txt"});
  fs::remove(repo / ".git/objects/" + blob.substr(0, 2) + "/" + blob.substr(2));
  auto missing = mine(*opened, {}, nullptr, test_pool());
  ASSERT_TRUE(missing.ok()) << describe(missing.error());
  EXPECT_THAT(missing->degraded, ElementsAre(testing::Field(&Degraded::reason, "line_counts_missing")));
  EXPECT_FALSE(fs::exists(marker)) << std::ifstream(marker).rdbuf();
}

TEST(GitRepo, SaysWhenGitIsMissing) {
  TestRepo repo;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  auto opened = GitRepo::open(repo.path());
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "history.git_missing");
}

TEST(GitRepo, StopsWhenAsked) {
  TestRepo repo;
  repo.commit("ann", kStart);
  auto opened = GitRepo::open(repo.path());
  ASSERT_TRUE(opened.ok());
  StopSource stop;
  stop.request_stop();
  // NOLINTNEXTLINE(bugprone-string-constructor): more than a pipe holds, on purpose.
  auto facts = opened->run({"hash-object", "--stdin"}, std::string(200'000'000, 'x'), {}, stop.token());
  ASSERT_FALSE(facts.ok());
  EXPECT_EQ(facts.error().code, "history.stopped");
}

}  // namespace
}  // namespace wrench::history
