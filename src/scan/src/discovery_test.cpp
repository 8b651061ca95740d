#include "wrench/scan/discovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::scan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class DiscoveryTest : public testing::Test {
 protected:
  void write(const std::string& path, std::string_view text = "x") {
    ASSERT_TRUE(runtime::make_directories(dir_ / path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(runtime::write_file_atomically(dir_ / path, text));
  }
  Discovery found(std::vector<std::string> paths) {
    DiscoveryOptions options;
    options.paths = std::move(paths);
    options.tracked_files = [this](const std::string&) { return tracked_; };
    auto result = discover(options, {});
    EXPECT_TRUE(result) << describe(result.error());
    return std::move(*result);
  }
  std::vector<std::string> names(const Discovery& discovery) const {
    std::vector<std::string> out;
    for (const auto& file : discovery.files) out.push_back(file.project_path);
    return out;
  }
  static std::vector<std::string> skipped(const Discovery& discovery) {
    std::vector<std::string> out;
    for (const auto& entry : discovery.skipped)
      out.push_back(entry.path.substr(entry.path.rfind('/', entry.path.size() - 2) + 1) + " " + entry.reason);
    return out;
  }
  runtime::TempDir dir_ = *runtime::TempDir::create();
  std::unordered_set<std::string> tracked_;
};

TEST_F(DiscoveryTest, IgnoreFilesOfEveryLevelCountAndTrackedFilesNever) {
  write("p/.git/info/exclude", "local.txt\n");
  write("p/.gitignore", "*.log\n/build/\n");
  write("p/src/.gitignore", "!keep.log\n");
  for (const auto* path :
       {"p/a.py", "p/a.log", "p/src/keep.log", "p/src/b.log", "p/build/x.py", "p/build/tracked.py", "p/local.txt"})
    write(path);
  write("p/src/.wrenchignore", "gen/\n");
  write("p/src/gen/c.py");
  EXPECT_THAT(names(found({dir_ / "p"})),
              ElementsAre(".gitignore", "a.py", "src/.gitignore", "src/.wrenchignore", "src/keep.log"));
  tracked_ = {"build/tracked.py"};
  const auto with_tracked = found({dir_ / "p"});
  EXPECT_THAT(names(with_tracked), testing::Contains("build/tracked.py"));
  EXPECT_THAT(skipped(with_tracked),
              UnorderedElementsAre("a.log ignored", "b.log ignored", "gen/ ignored", "local.txt ignored"));
}

TEST_F(DiscoveryTest, AFolderNamedAlthoughIgnoredIsLookedInto) {
  write("p/.git/HEAD");
  write("p/.gitignore", "/versions/\n*.tmp\n");
  write("p/versions/lib/a.py");
  EXPECT_THAT(names(found({dir_ / "p/versions/lib"})), ElementsAre("versions/lib/a.py"));
}

TEST_F(DiscoveryTest, TheProjectRootIsTheEnclosingWorkTree) {
  write("p/.git/HEAD");
  write("p/sub/a.py");
  const auto discovery = found({dir_ / "p/sub"});
  EXPECT_TRUE(discovery.in_git);
  EXPECT_THAT(discovery.project_root, testing::EndsWith("/p"));
  EXPECT_THAT(names(discovery), ElementsAre("sub/a.py"));
}

TEST_F(DiscoveryTest, LinksSpecialFilesAndVendoredFoldersAreSkippedWithReason) {
  write("p/a.py");
  write("p/node_modules/x/index.js");
  write("p/venv/pyvenv.cfg");
  write("p/vendor/real.go");
  write("p/deps/own/own.c");
  write("p/deps/lua/COPYRIGHT");
  write("p/deps/lua/src/lua.c");
  ASSERT_EQ(symlink("..", (dir_ / "p/loop").c_str()), 0);
  ASSERT_EQ(mkfifo((dir_ / "p/pipe").c_str(), 0600), 0);
  const auto discovery = found({dir_ / "p"});
  EXPECT_THAT(names(discovery), ElementsAre("a.py", "deps/own/own.c", "vendor/real.go"));
  EXPECT_THAT(skipped(discovery), UnorderedElementsAre("loop symlink", "lua/ vendored", "node_modules/ vendored",
                                                       "pipe special_file", "venv/ vendored"));
}

TEST_F(DiscoveryTest, EveryMissingPathIsNamed) {
  DiscoveryOptions options;
  options.paths = {dir_ / "nothing", dir_ / "neither"};
  auto result = discover(options, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "io.not_found");
  EXPECT_THAT(result.error().message, HasSubstr("nothing"));
  EXPECT_THAT(result.error().message, HasSubstr("neither"));
}

TEST_F(DiscoveryTest, NamedFilesWaivePolicyAndAreListedOnce) {
  write("p/.gitignore", "*.log\n");
  write("p/a.log");
  const auto discovery = found({dir_ / "p/a.log", dir_ / "p/a.log"});
  ASSERT_EQ(discovery.files.size(), 1U);
  EXPECT_TRUE(discovery.files[0].named);
}

TEST_F(DiscoveryTest, NamesThatAreNotUtf8AreReportedRepaired) {
  write("p/b\xFF.py");
  const auto discovery = found({dir_ / "p"});
  ASSERT_EQ(discovery.files.size(), 1U);
  EXPECT_THAT(discovery.files[0].path, testing::EndsWith("b\xEF\xBF\xBD.py"));
  EXPECT_EQ(*discovery.files[0].base->read(discovery.files[0].relative, 10, {}), "x");
}

}  // namespace
}  // namespace wrench::scan
