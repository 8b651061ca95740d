#include "fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "wrench/history/git_repo.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::agents {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Kind = FixtureFile::Kind;

class FixtureTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(root()); }
  std::string root() const { return dir_ / "tree"; }
  Result<void> build(const Fixture& fixture) { return build_fixture(fixture, dir_ / "suite", root(), {}, {}); }
  std::string head() const { return history::GitRepo::open(root(), {})->head({}).value(); }

  runtime::TempDir dir_ = *runtime::TempDir::create();
};

TEST_F(FixtureTest, CommitsHaveTheSameIdsEverywhere) {
  Fixture fixture;
  fixture.commits.resize(2);
  fixture.commits[0].files = {{"a.py", Kind::Regular, "x = 1\n"}, {"old/b.py", Kind::Regular, "y\n"}};
  fixture.commits[1].files = {{"a.py", Kind::Regular, "x = 2\n"}};
  fixture.commits[1].removed = {"old/b.py"};
  fixture.commits[1].at = kMicrosPerDay;
  fixture.files = {{"new.py", Kind::Regular, "not committed\n"}};
  ASSERT_TRUE(build(fixture));
  EXPECT_EQ(head(), "de86dd157c9a9e1eda662a0c3c4af9cdbd85033f");
  EXPECT_EQ(runtime::read_file(root() + "/a.py", 100).value(), "x = 2\n");
  EXPECT_FALSE(fs::exists(root() + "/old/b.py"));
  EXPECT_TRUE(fs::exists(root() + "/new.py"));
}

TEST_F(FixtureTest, NothingIsWrittenThroughLinks) {
  fs::create_directory(dir_ / "outside");
  Fixture fixture;
  fixture.commits.resize(1);
  fixture.commits[0].files = {{"out", Kind::Symlink, dir_ / "outside"}, {"file", Kind::Symlink, dir_ / "outside/f"}};
  fixture.files = {{"file", Kind::Regular, "x"}};
  ASSERT_TRUE(build(fixture));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(root() + "/file")));
  EXPECT_FALSE(fs::exists(dir_ / "outside/f"));
  const auto refused = build_fixture(
      {.folder = "", .folder_at = {}, .commits = {}, .files = {{"out/x", Kind::Regular, "x"}}}, "", root(), {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "agent.test_fixture");
  EXPECT_TRUE(fs::is_empty(dir_ / "outside"));
}

TEST_F(FixtureTest, AFolderIsCopiedButNoLinksAndNoRepository) {
  fs::create_directories(dir_ / "suite/shop/src");
  std::ofstream(dir_ / "suite/shop/src/a.py") << "x = 1\n";
  Fixture fixture;
  fixture.folder = "shop";
  ASSERT_TRUE(build(fixture));
  EXPECT_EQ(runtime::read_file(root() + "/src/a.py", 100).value(), "x = 1\n");

  fs::create_symlink("/etc", dir_ / "suite/link");
  fixture.folder = "link";
  EXPECT_FALSE(build(fixture));
  fixture.folder = "nowhere";
  EXPECT_EQ(build(fixture).error().code, "io.not_found");
  fs::create_symlink("/etc/passwd", dir_ / "suite/shop/passwd");
  fixture.folder = "shop";
  EXPECT_THAT(build(fixture).error().message, HasSubstr("passwd is no file"));
  fs::remove(dir_ / "suite/shop/passwd");
  fs::create_directory(dir_ / "suite/shop/.git");
  std::ofstream(dir_ / "suite/shop/.git/config") << "x";
  EXPECT_THAT(build(fixture).error().message, HasSubstr(".git"));
  EXPECT_EQ(build_fixture(fixture, "", root(), {}, {}).error().code, "agent.test_invalid");
}

TEST_F(FixtureTest, EveryChangeOfATreeIsSeen) {
  Fixture fixture;
  fixture.files = {{"a", Kind::Regular, "1"}, {"f/b", Kind::Regular, "2"}, {"l", Kind::Symlink, "nowhere"}};
  ASSERT_TRUE(build(fixture));
  const auto before = *tree_state(root());
  const auto change = [&] { return difference(before, *tree_state(root())); };
  EXPECT_EQ(change(), "");
  fs::permissions(root() + "/a", fs::perms::owner_exec, fs::perm_options::add);
  EXPECT_EQ(change(), "a is different");
  fs::permissions(root() + "/a", fs::perms::owner_exec, fs::perm_options::remove);
  std::ofstream(root() + "/f/new") << "";
  EXPECT_EQ(change(), "f/new is new");
  fs::remove(root() + "/f/new");
  fs::remove(root() + "/l");
  EXPECT_EQ(change(), "l is gone");
  fs::create_symlink("elsewhere", root() + "/l");
  EXPECT_EQ(change(), "l is different");
  fs::remove(root() + "/l");
  fs::create_symlink("nowhere", root() + "/l");
  EXPECT_EQ(change(), "");
  std::ofstream(root() + "/f/b") << "3";
  EXPECT_EQ(change(), "f/b is different");
}

}  // namespace
}  // namespace wrench::agents
