#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/discovery.hpp"

namespace wrench::scan {
namespace {

constexpr int kTrees = 30;

class AgainstGit : public testing::Test {
 protected:
  void SetUp() override {
    auto git = runtime::find_program("git");
    ASSERT_TRUE(git.ok()) << describe(git.error());
    git_ = *git;
  }
  std::string run_git(const std::string& folder, std::vector<std::string> arguments) const {
    const runtime::SubprocessSpec spec{.program = git_,
                                       .arguments = std::move(arguments),
                                       .environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
                                                       "HOME=/nonexistent", "PATH=/usr/bin:/bin"},
                                       .working_directory = folder};
    const auto output = runtime::capture_subprocess(spec).value();
    EXPECT_TRUE(output.result.succeeded()) << output.err;
    return output.out;
  }
  std::string git_;
};

std::string made_name(Random& random) {
  static const std::vector<std::string> names = {"a",        "b",   "ab", "abc",  "build", "x.log", "y.log",
                                                 "keep.log", "[z]", "A",  ".hid", "t~",    "a b",   "foo.txt"};
  return names[random.below(names.size())];
}

std::string made_pattern(Random& random) {
  static const std::vector<std::string> parts = {
      "a",     "b",        "*",       "**",          "?",   "a*", "*b", "*.log", "[ab]", "[!a]*",
      "build", "keep.log", "\\[z\\]", "[[:alpha:]]", "[a-", ".*", "*~", "foo.*", "a b"};
  std::string out = random.below(5) == 0 ? "!" : "";
  if (random.below(4) == 0) out += '/';
  const auto count = 1 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i) out += (i == 0 ? "" : "/") + parts[random.below(parts.size())];
  if (random.below(4) == 0) out += '/';
  if (random.below(10) == 0) out += "  ";
  return out;
}

// False where a file has the name.
bool made(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return !error && std::filesystem::is_directory(folder);
}

// The files that git would add, against the files that discovery finds, over random trees and ignore files.
TEST_F(AgainstGit, TheSameFilesAreIgnored) {
  for (int round = 0; round < kTrees; ++round) {
    SeededRandom random(static_cast<std::uint64_t>(round) + 1);
    const auto dir = std::move(runtime::TempDir::create().value());
    const std::string root = dir / "r";
    ASSERT_TRUE(runtime::make_directories(root));
    run_git(root, {"init", "-q"});
    std::vector<std::string> folders = {""};
    for (int i = 0; i < 12; ++i) {
      const std::string parent = folders[random.below(folders.size())];
      const std::string folder = parent + made_name(random) + "/";
      if (made(root + "/" + folder.substr(0, folder.size() - 1))) folders.push_back(folder);
    }
    std::string said;
    for (const auto& folder : folders) {
      for (int i = 0; i < 5; ++i) std::ofstream(root + "/" + folder + made_name(random)) << "x";
      if (folder.empty() || random.below(4) == 0) {
        std::string ignore;
        const auto lines = 1 + random.below(6);
        for (std::uint64_t i = 0; i < lines; ++i) ignore += made_pattern(random) + "\n";
        std::ofstream(root + "/" + folder + ".gitignore") << ignore;
        said += "--- " + folder + ".gitignore\n" + ignore;
      }
    }
    std::set<std::string> by_git, by_us;
    const std::string listed = run_git(root, {"ls-files", "-z", "--others", "--exclude-standard"});
    for (const auto name : split(listed, '\0'))
      if (!name.empty()) by_git.insert(std::string(name));
    DiscoveryOptions options;
    options.paths = {root};
    const auto found = discover(options, {}).value();
    for (const auto& file : found.files) by_us.insert(file.project_path);
    EXPECT_THAT(by_us, testing::ContainerEq(by_git)) << "round " << round << "\n" << said;
  }
}

}  // namespace
}  // namespace wrench::scan
