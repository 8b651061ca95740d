#include "wrench/history/mine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "test_repo_test.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::history {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kStart = 1'700'000'000;

HistoryFacts mined(const std::string& path, const MineOptions& options = {}, const HistoryFacts* previous = nullptr) {
  auto repo = GitRepo::open(path);
  if (!repo.ok()) {
    ADD_FAILURE() << describe(repo.error());
    return {};
  }
  auto facts = mine(*repo, options, previous, test_pool());
  if (!facts.ok()) {
    ADD_FAILURE() << describe(facts.error());
    return {};
  }
  return *std::move(facts);
}

std::string shown(const HistoryFacts& facts) {
  std::string text;
  for (const Commit& commit : facts.commits) {
    text += facts.authors[commit.author].name + (facts.authors[commit.author].bot ? "*" : "") + ":";
    for (const Change& change : facts.changes_of(commit))
      text += std::string(" ") + change.status + facts.files[change.file].path + "+" + std::to_string(change.added) +
              "-" + std::to_string(change.deleted);
    text += "\n";
  }
  return text;
}

std::vector<std::string> reasons(const HistoryFacts& facts) {
  std::vector<std::string> words;
  for (const Degraded& entry : facts.degraded) words.push_back(entry.reason);
  return words;
}

TEST(Mine, ReadsCommitsFilesAndLines) {
  TestRepo repo;
  repo.write("a.c", "1\n2\n");
  repo.write("b.c", "1\n");
  repo.commit("ann", kStart);
  repo.write("a.c", "1\n2\n3\n");
  repo.remove("b.c");
  repo.commit("bob", kStart + kDay);
  repo.write("p.bin", std::string("\0\1\2", 3));
  repo.commit("dependabot[bot]", kStart + 2 * kDay);
  const HistoryFacts facts = mined(repo.path());
  EXPECT_EQ(shown(facts),
            "ann: Aa.c+2-0 Ab.c+1-0\n"
            "bob: Ma.c+1-0 Db.c+0-1\n"
            "dependabot[bot]*: Ap.bin+0-0\n");
  ASSERT_EQ(facts.files.size(), 3u);
  EXPECT_TRUE(facts.files[0].present);
  EXPECT_FALSE(facts.files[1].present);
  EXPECT_TRUE(facts.degraded.empty());
}

TEST(Mine, LeavesMergesOutAndHonoursTheMailmap) {
  TestRepo repo;
  repo.write(".mailmap", "Ann Right <ann@example.org>\n");
  repo.commit("ann", kStart);
  repo.git({"checkout", "-q", "-b", "side"});
  repo.write("side.c", "x\n");
  repo.commit("ann", kStart + kDay);
  repo.git({"checkout", "-q", "main"});
  repo.write("main.c", "x\n");
  repo.commit("bob", kStart + 2 * kDay);
  repo.git({"merge", "-q", "--no-ff", "-m", "merge", "side"});
  EXPECT_EQ(shown(mined(repo.path())), "Ann Right: A.mailmap+1-0\nAnn Right: Aside.c+1-0\nbob: Amain.c+1-0\n");
}

TEST(Mine, ContinuingGivesTheSameAsStartingAfresh) {
  TestRepo repo;
  MineOptions options;
  options.counted_commits_max = 4;
  std::optional<HistoryFacts> kept;
  for (int i = 0; i < 8; ++i) {
    if (i == 3) repo.git({"checkout", "-q", "-b", "side"});
    if (i == 5) repo.git({"checkout", "-q", "main"});
    repo.write("f" + std::to_string(i % 3), std::string(static_cast<std::size_t>(i) + 1, '\n'));
    repo.write("only" + std::to_string(i), "x\n");
    repo.commit(i % 2 == 0 ? "ann" : "bob", kStart + i * kDay);
    if (i == 6) repo.git({"merge", "-q", "-X", "ours", "-m", "merge", "side"});
    const HistoryFacts fresh = mined(repo.path(), options);
    // Through its stored form, as a cache would.
    if (kept) kept = facts_from_json(codec::parse_json(codec::write_json(to_json(*kept))).value()).value();
    kept = mined(repo.path(), options, kept ? &*kept : nullptr);
    EXPECT_EQ(kept->degraded.empty(), i != 5) << i;  // At 5 another branch is checked out.
    kept->degraded.clear();
    EXPECT_EQ(*kept, fresh) << "after commit " << i << "\n" << shown(*kept) << "\n" << shown(fresh);
  }
}

TEST(Mine, SaysWhenTheHistoryWasRewritten) {
  TestRepo repo;
  repo.write("a", "1\n");
  repo.commit("ann", kStart);
  const HistoryFacts before = mined(repo.path());
  repo.write("a", "2\n");
  repo.git({"add", "-A"});
  repo.git({"commit", "-q", "--amend", "-m", "other"});
  const HistoryFacts after = mined(repo.path(), {}, &before);
  EXPECT_THAT(reasons(after), ElementsAre("rewritten"));
  EXPECT_EQ(after.commits.size(), 1u);
  EXPECT_NE(after.commits[0].id, before.commits[0].id);
}

TEST(Mine, CountsLinesOfTheNewestCommitsOnly) {
  TestRepo repo;
  for (int i = 0; i < 5; ++i) {
    repo.write("a", std::string(static_cast<std::size_t>(i) + 1, '\n'));
    repo.commit("ann", kStart + i * kDay);
  }
  MineOptions options;
  options.counted_commits_max = 2;
  const HistoryFacts facts = mined(repo.path(), options);
  std::vector<bool> counted;
  for (const Commit& commit : facts.commits) counted.push_back(commit.counted);
  EXPECT_THAT(counted, ElementsAre(false, false, false, true, true));
  options.commits_max = 3;
  EXPECT_THAT(reasons(mined(repo.path(), options)), ElementsAre("commits_max"));
}

TEST(Mine, AShallowCloneIsDegradedAndItsEdgeIsNotChurn) {
  TestRepo repo;
  for (int i = 0; i < 4; ++i) {
    repo.write("a" + std::to_string(i), "x\n");
    repo.commit("ann", kStart + i * kDay);
  }
  const auto folder = runtime::TempDir::create().value();
  repo.git({"clone", "-q", "--depth", "2", "file://" + repo.path(), folder / "shallow"});
  const HistoryFacts facts = mined(folder / "shallow");
  EXPECT_THAT(reasons(facts), ElementsAre("shallow"));
  EXPECT_EQ(shown(facts), "ann: Aa3+1-0\n");
}

TEST(Mine, MissingObjectsLeaveWhatCanBeRead) {
  TestRepo repo;
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    repo.write("a", std::to_string(i));
    ids.push_back(repo.commit("ann", kStart + i * kDay));
  }
  fs::remove(repo / ".git/objects/" + ids[1].substr(0, 2) + "/" + ids[1].substr(2));
  const HistoryFacts facts = mined(repo.path());
  EXPECT_THAT(reasons(facts), testing::Contains("log_cut"));
  EXPECT_LT(facts.commits.size(), 4u);
}

TEST(Mine, AnEmptyRepositoryGivesEmptyFacts) {
  TestRepo repo;
  const HistoryFacts facts = mined(repo.path());
  EXPECT_THAT(reasons(facts), ElementsAre("no_commits"));
  EXPECT_TRUE(facts.commits.empty());
}

TEST(Mine, WorksOnBareRepositories) {
  TestRepo repo;
  repo.write(".mailmap", "Ann Right <ann@example.org>\n");
  repo.write("a", "x\n");
  repo.commit("ann", kStart);
  const auto folder = runtime::TempDir::create().value();
  repo.git({"clone", "-q", "--bare", repo.path(), folder / "bare.git"});
  EXPECT_EQ(shown(mined(folder / "bare.git")), "Ann Right: A.mailmap+1-0 Aa+1-0\n");
}

TEST(FactsJson, RefusesWhatDoesNotFit) {
  TestRepo repo;
  repo.write("a\xff%", "x\n");
  repo.commit("ann", kStart);
  const HistoryFacts facts = mined(repo.path());
  const codec::Json good = to_json(facts);
  EXPECT_EQ(facts_from_json(codec::parse_json(codec::write_json(good)).value()).value(), facts);
  const auto broken = [&](std::string_view member, codec::Json value) {
    codec::Json copy = good;
    copy.set(member, std::move(value));
    auto read = facts_from_json(copy);
    return read.ok() ? std::string("accepted") : read.error().code;
  };
  const std::string line(good.at("commits").as_string());
  EXPECT_EQ(broken("schema", "wrench.history-facts/0"), "history.facts_invalid");
  EXPECT_EQ(broken("head", "--all"), "history.facts_invalid");
  EXPECT_EQ(broken("files", codec::Json::array({"+%f"})), "history.facts_invalid");
  EXPECT_EQ(broken("files", codec::Json::array()), "history.facts_invalid") << "index out of range";
  EXPECT_EQ(broken("authors", codec::Json::array()), "history.facts_invalid");
  EXPECT_EQ(broken("commits", line.substr(0, line.size() - 1)), "history.facts_invalid");
  EXPECT_EQ(broken("commits", line + line.substr(0, 41) + "9223372036854775807 0 0\n"), "history.facts_invalid");
  EXPECT_EQ(broken("commits", line + line.substr(0, 41) + "-5 0 0\n"), "history.facts_invalid");
}

}  // namespace
}  // namespace wrench::history
