#include "wrench/history/blobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "blob_parser.hpp"
#include "test_repo_test.hpp"

namespace wrench::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kStart = 1'700'000'000;

std::vector<std::string> read_all(const GitRepo& repo, const std::vector<std::string>& ids,
                                  std::uint64_t bytes_max = 1 << 20) {
  std::vector<std::string> out;
  const auto done = read_blobs(repo, ids, bytes_max, [&](std::size_t i, BlobState state, std::string_view bytes) {
    EXPECT_EQ(i, out.size());
    out.push_back(state == BlobState::Read       ? std::string(bytes)
                  : state == BlobState::TooLarge ? "(too large)"
                                                 : "(missing)");
    return Result<void>();
  });
  EXPECT_TRUE(done.ok()) << describe(done.error());
  return out;
}

TEST(Blobs, FilesOfACommitAreNamedByKind) {
  TestRepo repo;
  repo.write("b/c.txt", "x");
  repo.write("b.txt", "x");
  std::filesystem::create_symlink("b.txt", repo / "a\n\xff");
  const std::string first = repo.commit("ann", kStart);
  repo.git({"update-index", "--add", "--cacheinfo", "160000," + first + ",sub"});
  repo.git({"commit", "-q", "-m", "submodule"});
  const auto git = GitRepo::open(repo.path()).value();
  std::vector<std::string> found;
  const auto files = commit_files(git, git.head().value()).value();
  for (const auto& file : files) found.push_back(std::to_string(static_cast<int>(file.kind)) + " " + file.path);
  EXPECT_THAT(found, ElementsAre("1 a\n\xff", "0 b.txt", "0 b/c.txt", "2 sub"));
  EXPECT_THAT(unfetched_objects(git, first).value(), IsEmpty());
  EXPECT_EQ(commit_files(git, std::string(40, '0')).error().code, "history.repository_corrupt");
}

TEST(Blobs, AreReadInTheOrderAsked) {
  TestRepo repo;
  const std::string large(3'000'000, 'x');
  repo.write("a", "one\n");
  repo.write("b", "");
  repo.write("c", large);
  const std::string commit = repo.commit("ann", kStart);
  const auto id = [&](const std::string& path) { return repo.git({"rev-parse", "HEAD:" + path}); };
  const auto git = GitRepo::open(repo.path()).value();
  const std::vector<std::string> ids = {id("c"), id("a"), std::string(40, '1'), id("b"), commit, id("a")};
  EXPECT_THAT(read_all(git, ids, 4'000'000), ElementsAre(large, "one\n", "(missing)", "", "(missing)", "one\n"));
  EXPECT_THAT(read_all(git, ids, 3),
              ElementsAre("(too large)", "(too large)", "(missing)", "", "(missing)", "(too large)"));
  EXPECT_THAT(read_all(git, ids, 4), ElementsAre("(too large)", "one\n", "(missing)", "", "(missing)", "one\n"));
  EXPECT_THAT(read_all(git, {}), IsEmpty());
}

TEST(Blobs, ADamagedOneDoesNotHideThoseBehindIt) {
  TestRepo repo;
  for (int i = 0; i < 6; ++i) {
    std::string text;
    for (int k = 0; k < 4'000; ++k) text += std::to_string(k * k * (i + 1)) + "\n";
    repo.write(std::to_string(i), text);
  }
  repo.commit("ann", kStart);
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(repo.git({"rev-parse", "HEAD:" + std::to_string(i)}));
  const auto file_of = [&](const std::string& id) {
    return repo / (".git/objects/" + id.substr(0, 2) + "/" + id.substr(2));
  };
  for (const int i : {1, 3, 4}) std::filesystem::permissions(file_of(ids[i]), std::filesystem::perms::owner_all);
  std::ofstream(file_of(ids[1]), std::ios::binary) << "garbage";  // git calls it missing.
  for (const int i : {3, 4})                                      // git begins, and dies.
    std::filesystem::resize_file(file_of(ids[i]), std::filesystem::file_size(file_of(ids[i])) / 2);
  const auto git = GitRepo::open(repo.path()).value();
  std::string found;
  for (const auto& text : read_all(git, ids)) found += text == "(missing)" ? '-' : text.starts_with("0\n") ? '+' : '?';
  EXPECT_EQ(found, "+-+--+");
}

TEST(Blobs, APartialCloneSaysWhatItLacks) {
  TestRepo origin;
  origin.write("a.txt", "one\n");
  origin.write("b.txt", "two\n");
  const std::string commit = origin.commit("ann", kStart);
  origin.git({"config", "uploadpack.allowFilter", "true"});
  const auto folder = runtime::TempDir::create().value();
  origin.git({"clone", "-q", "--filter=blob:none", "--no-checkout", "file://" + origin.path(), folder / "copy"});
  const auto git = GitRepo::open(folder / "copy").value();
  const auto unfetched = unfetched_objects(git, commit).value();
  EXPECT_EQ(unfetched.size(), 2U);
  EXPECT_TRUE(unfetched.contains(origin.git({"rev-parse", "HEAD:a.txt"})));
}

// Every way to cut git's output gives the same objects.
TEST(BlobParser, TakesPiecesOfAnySize) {
  const std::string id(40, 'a');
  const std::string output = id + " blob 4\none\n\n" + id + " missing\n" + id + " blob 0\n\n" + id + " tree 3\nxyz\n" +
                             id + " blob 9\n123456789\n" + id + " blob 2\n\n\n\n";
  for (std::size_t piece = 1; piece <= output.size(); ++piece) {
    BlobParser parser(5);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < output.size(); at += piece) {
      const auto done = parser.feed(
          std::string_view(output).substr(at, piece), [&](const BlobParser::Object& object) -> Result<void> {
            found.push_back(object.too_large ? "large" : object.is_blob ? std::string(object.bytes) : "none");
            return {};
          });
      ASSERT_TRUE(done.ok());
    }
    EXPECT_THAT(found, ElementsAre("one\n", "none", "", "none", "large", "\n\n")) << piece;
    EXPECT_TRUE(parser.at_boundary());
  }
}

TEST(BlobParser, RefusesWhatGitWouldNotSay) {
  const std::string id(40, 'a');
  for (const std::string& text :
       {std::string("nonsense\n"), id + " blob\n", id + " blob -1\n", id + " blob 99999999999999\n", id + " blob 1 2\n",
        std::string(300, 'a'), std::string("zz blob 1\n")}) {
    BlobParser parser(5);
    EXPECT_FALSE(parser.feed(text, [](const BlobParser::Object&) { return Result<void>(); }).ok()) << text;
  }
}

}  // namespace
}  // namespace wrench::history
