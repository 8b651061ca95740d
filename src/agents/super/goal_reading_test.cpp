#include "wrench/agents/goal_reading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"

namespace wrench::agents {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> wants(std::string_view goal) {
  const auto reading = read_goal(goal, all_agents());
  EXPECT_TRUE(reading.ok()) << goal << ": " << describe(reading.error());
  if (!reading.ok()) return {};
  return reading->kind == "goal" ? reading->wants : std::vector<std::string>{reading->kind};
}

Error refused(std::string_view goal) {
  const auto reading = read_goal(goal, all_agents());
  EXPECT_FALSE(reading.ok()) << goal << " was understood";
  return reading.ok() ? Error("", "") : reading.error();
}

TEST(GoalReading, WordsSayWhatIsMeant) {
  for (const auto goal : {"find secrets", "Scan for leaked credentials, please", "are there passwords? find them",
                          "audit the keys and tokens in this repo"})
    EXPECT_THAT(wants(goal), ElementsAre("report.secrets")) << goal;
  for (const auto goal : {"audit the security", "assess vulnerabilities", "scan for security weaknesses"})
    EXPECT_THAT(wants(goal), ElementsAre("findings.security")) << goal;
  for (const auto goal : {"find bugs", "analyse the code for clones and complexity", "find duplicated code"})
    EXPECT_THAT(wants(goal), ElementsAre("report.code")) << goal;
  for (const auto goal : {"explain the history", "track churn and ownership", "mine the git commits for hotspots"})
    EXPECT_THAT(wants(goal), ElementsAre("history.facts")) << goal;
  for (const auto goal : {"review this repository", "Review everything", "check the whole project"})
    EXPECT_THAT(wants(goal), ElementsAre("review")) << goal;
}

TEST(GoalReading, ThingsThatFitAboutAsWellAreAllMeant) {
  EXPECT_THAT(wants("find secrets and bugs"), UnorderedElementsAre("report.secrets", "report.code"));
}

TEST(GoalReading, WhatIsRuledOutIsNotMeant) {
  EXPECT_THAT(wants("find secrets, but don't fix bugs or change code"), ElementsAre("report.secrets"));
  EXPECT_THAT(wants("find code to remove"), ElementsAre("report.code")) << "the first verb counts";
}

TEST(GoalReading, WhatNoAgentCanDoIsSaidWithWhatTheyCan) {
  for (const auto goal : {"fix all bugs", "please refactor the parser", "deploy it to production", "add a test"}) {
    const Error error = refused(goal);
    EXPECT_EQ(error.code, "agent.no_plan");
    EXPECT_THAT(error.message, HasSubstr("without a language model"));
    EXPECT_THAT(error.help.back(), HasSubstr("wrench review PATH"));
  }
  for (const auto goal : {"do nothing", "ne rien faire", "何もしない", "make it better", "42", "?!"}) {
    const Error error = refused(goal);
    EXPECT_EQ(error.code, "agent.no_plan") << goal;
    EXPECT_THAT(error.message, HasSubstr("isn't clear enough")) << goal;
  }
}

TEST(GoalReading, BadGoalsAreRefused) {
  EXPECT_EQ(refused("").code, "agent.bad_goal");
  EXPECT_EQ(refused(" \n ").code, "agent.bad_goal");
  EXPECT_EQ(refused(std::string(kGoalBytesMax + 1, 'a')).code, "agent.bad_goal");
  EXPECT_EQ(refused(std::string("find\0secrets", 12)).code, "agent.bad_goal");
  EXPECT_EQ(refused("find \xff secrets").code, "agent.bad_goal");
  EXPECT_THAT(wants("find secrets" + std::string(kGoalBytesMax - 12, ' ')), ElementsAre("report.secrets"))
      << "at the limit";
}

TEST(GoalReading, SaysWhichWordsSpeakForIt) {
  const auto reading = read_goal("Scanning the files for passwords", all_agents());
  ASSERT_TRUE(reading.ok());
  ASSERT_FALSE(reading->readings.empty());
  EXPECT_THAT(reading->readings.front().matched, UnorderedElementsAre("scanning", "files", "passwords"));
  EXPECT_GT(reading->readings.front().score, 0.6);
}

}  // namespace
}  // namespace wrench::agents
