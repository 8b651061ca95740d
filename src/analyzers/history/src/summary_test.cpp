#include "wrench/history/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "coupling.hpp"
#include "facts_builder.hpp"
#include "ownership.hpp"

namespace wrench::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kStart = 1'700'000'000;  // 2023-11-14

/// Facts written as a list of commits: author, day, files.
class Log {
 public:
  Log& add(const std::string& author, std::int64_t day, const std::vector<std::string>& paths) {
    LoggedCommit commit;
    std::string number = std::to_string(++count_);
    commit.id = std::string(40 - number.size(), '0') + number;
    commit.author = author;
    commit.time_s = kStart + day * kDay;
    for (const std::string& path : paths) commit.changes.push_back({path, 'M'});
    builder_.add(std::move(commit));
    return *this;
  }
  HistoryFacts facts(std::vector<std::string> present) {
    return std::move(builder_).build(std::move(present), 1'000'000);
  }

 private:
  FactsBuilder builder_{{}};
  int count_ = 0;
};

/// Lines are known for every change: `added` each.
HistoryFacts counted(HistoryFacts facts, std::uint32_t added) {
  for (Commit& commit : facts.commits) commit.counted = true;
  for (Change& change : facts.changes) change.added = added;
  return facts;
}

TEST(Summary, CountsRevisionsPeopleAndBotsApart) {
  Log log;
  log.add("ann", 0, {"a"}).add("bob", 10, {"a", "b"}).add("up[bot]", 20, {"a"}).add("ann", 400, {"a"});
  const HistorySummary summary = summarise(log.facts({"a", "b"}));
  EXPECT_EQ(summary.commits, 4u);
  EXPECT_EQ(summary.bot_commits, 1u);
  ASSERT_EQ(summary.files.size(), 2u);
  const FileHistory& a = *summary.find("a");
  EXPECT_EQ(a.revisions, 3u);
  EXPECT_EQ(a.bot_revisions, 1u);
  EXPECT_EQ(a.recent_revisions, 1u);
  EXPECT_EQ(a.previous_revisions, 2u);
  EXPECT_EQ(a.authors, 2u);
  EXPECT_EQ(a.main_author, "ann");
  EXPECT_NEAR(a.main_author_percent, 66.7, 0.1);
  EXPECT_NEAR(a.fragmentation, 1 - (4.0 / 9 + 1.0 / 9), 1e-9);
  EXPECT_EQ(a.age_months, 0u);
  EXPECT_EQ(summary.find("b")->age_months, 13u);
  EXPECT_EQ(summary.find("c"), nullptr);
  EXPECT_EQ(summary.basis, OwnershipBasis::Revisions);
}

TEST(Summary, LeavesOutFilesThatAreGone) {
  Log log;
  log.add("ann", 0, {"gone", "here"});
  const HistorySummary summary = summarise(log.facts({"here"}));
  ASSERT_EQ(summary.files.size(), 1u);
  EXPECT_EQ(summary.files[0].path, "here");
}

TEST(Summary, OwnershipByLinesWhenAllAreCounted) {
  Log log;
  log.add("ann", 0, {"a"}).add("bob", 1, {"a"}).add("bob", 2, {"a"});
  HistoryFacts facts = counted(log.facts({"a"}), 1);
  facts.changes[0].added = 100;
  const HistorySummary summary = summarise(facts);
  EXPECT_EQ(summary.basis, OwnershipBasis::Lines);
  EXPECT_EQ(summary.files[0].main_author, "ann");
  EXPECT_NEAR(summary.files[0].main_author_percent, 100.0 * 100 / 102, 1e-9);
}

TEST(Summary, KnowledgeLossIsTheShareOfWhoLeft) {
  Log log;
  log.add("gone", 0, {"old"}).add("gone", 1, {"old"}).add("here", 300, {"new"});
  const HistorySummary summary = summarise(counted(log.facts({"old", "new"}), 30));
  EXPECT_NEAR(summary.knowledge_loss_percent, 100.0 * 60 / 90, 1e-9);
}

TEST(Summary, AsksThoseFirstWhoAreStillThere) {
  Log log;
  log.add("gone", 0, {"a", "b", "c"})
      .add("new", 300, {"d"})
      .add("knows", 301, {"e", "f"})
      .add("helper[bot]", 301, {"g"});
  const codec::Json summary = to_json(summarise(log.facts({"a", "b", "c", "d", "e", "f", "g"})));
  std::vector<std::string> names;
  for (const codec::Json& one : summary.at("who_to_ask").as_array()) names.emplace_back(one.at("name").as_string());
  EXPECT_THAT(names, ElementsAre("knows", "new", "gone"));
}

TEST(Summary, ActivityHasNoGapsAndSurvivesImpossibleTimes) {
  Log log;
  log.add("ann", 0, {"a"}).add("bob", 80, {"a", "b"}).add("bob", 81, {"a"});
  const HistorySummary summary = summarise(log.facts({"a"}));
  ASSERT_EQ(summary.months.size(), 4u);
  EXPECT_EQ(summary.months[0].month, "2023-11");
  EXPECT_EQ(summary.months[1].commits, 0u);
  EXPECT_EQ(summary.months[3].month, "2024-02");
  EXPECT_EQ(summary.months[3].commits, 2u);
  EXPECT_EQ(summary.months[3].authors, 1u);
  EXPECT_EQ(summary.months[3].changes, 3u);

  Log odd;
  odd.add("ann", -40'000'000, {"a"}).add("ann", 0, {"a"}).add("ann", 90'000'000, {"a"});
  EXPECT_EQ(summarise(odd.facts({"a"})).months.size(), 3u) << "gaps of decades aren't filled";
}

TEST(Summary, EmptyFacts) {
  const HistorySummary summary = summarise(HistoryFacts{});
  EXPECT_EQ(summary.commits, 0u);
  EXPECT_EQ(to_json(summary).at("truck_factor").at("value").as_integer(), 0);
}

TEST(Coupling, FollowsCodeMaatsDefinition) {
  Log log;
  for (int i = 0; i < 6; ++i) log.add("ann", i, {"a", "b"});
  for (int i = 6; i < 10; ++i) log.add("ann", i, {"a"});
  for (int i = 10; i < 14; ++i) log.add("ann", i, {"b", "c"});  // 4 shared: below the minimum.
  const HistoryFacts facts = log.facts({"a", "b", "c"});
  const CouplingResult result = find_coupling(facts, {});
  ASSERT_EQ(result.pairs.size(), 1u);
  EXPECT_EQ(result.pairs[0].first, "a");
  EXPECT_EQ(result.pairs[0].second, "b");
  EXPECT_EQ(result.pairs[0].shared, 6u);
  EXPECT_DOUBLE_EQ(result.pairs[0].percent, 60.0);
  EXPECT_EQ(result.pairs[0].evidence_commit, facts.commits[5].id);
  EXPECT_THAT(result.sum_by_file, ElementsAre(6, 10, 4));
}

TEST(Coupling, DropsHugeChangeSetsBotsAndWeakPairs) {
  SummaryOptions options;
  options.change_set_files_max = 3;
  Log log;
  for (int i = 0; i < 6; ++i) log.add("ann", i, {"a", "b", "c", "d"}).add("up[bot]", i, {"a", "b"});
  EXPECT_THAT(find_coupling(log.facts({"a", "b", "c", "d"}), options).pairs, IsEmpty());

  Log weak;
  for (int i = 0; i < 5; ++i) weak.add("ann", i, {"a", "b"});
  for (int i = 5; i < 40; ++i) weak.add("ann", i, {i % 2 == 0 ? "a" : "b"});
  EXPECT_THAT(find_coupling(weak.facts({"a", "b"}), {}).pairs, IsEmpty()) << "22 % is below the minimum";
}

TEST(Coupling, SaysWhenThereAreTooManyPairs) {
  Log log;
  for (int i = 0; i < 20; ++i) log.add("ann", i, {"a", "b"});
  const CouplingResult result = find_coupling(log.facts({"a", "b"}), {}, 10);
  EXPECT_TRUE(result.cut);
  ASSERT_EQ(result.pairs.size(), 1u);
  EXPECT_LT(result.pairs[0].shared, 20u);
}

TEST(Ownership, DegreeOfAuthorship) {
  EXPECT_NEAR(degree_of_authorship(true, 10, 0), 3.293 + 1.098 + 1.64, 1e-9);
  EXPECT_NEAR(degree_of_authorship(false, 1, 9), 3.293 + 0.164 - 0.321 * std::log(10), 1e-9);
}

TEST(Ownership, TruckFactorRemovesTopAuthorsUntilHalfIsOrphaned) {
  Log log;
  for (int i = 0; i < 6; ++i) log.add("ann", i, {"a" + std::to_string(i)});
  for (int i = 0; i < 3; ++i) log.add("bob", 10 + i, {"b" + std::to_string(i)});
  log.add("eve", 20, {"e"});
  std::vector<std::string> present = {"e"};
  for (int i = 0; i < 6; ++i) present.push_back("a" + std::to_string(i));
  for (int i = 0; i < 3; ++i) present.push_back("b" + std::to_string(i));
  const HistorySummary one = summarise(log.facts(present));
  EXPECT_EQ(one.truck_factor, 1u);
  EXPECT_THAT(one.truck_factor_authors, ElementsAre("ann"));

  Log even;
  even.add("ann", 0, {"a1", "a2"}).add("bob", 1, {"b1", "b2"}).add("eve", 2, {"e1", "e2"});
  const HistorySummary two = summarise(even.facts({"a1", "a2", "b1", "b2", "e1", "e2"}));
  EXPECT_EQ(two.truck_factor, 2u);
  EXPECT_THAT(two.truck_factor_authors, ElementsAre("ann", "bob"));
}

}  // namespace
}  // namespace wrench::history
