#include "wrench/agents/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "../core/report_test.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::agents {
namespace {

using testing::Contains;
using testing::HasSubstr;

Facts facts(bool git) {
  scan::TreeSurvey survey;
  survey.in_git = git;
  survey.files = 2;
  survey.bytes_by_language = {{source::Language::Python, 3'800'000}};
  survey.paths = {"a.py", "tests/test_a.py"};
  return tree_facts(survey, git ? "" : "HEAD doesn't resolve");
}

Goal review() {
  Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  return goal;
}

std::vector<std::string> capabilities(const PlannedGoal& planned) {
  std::vector<std::string> out;
  for (const auto& step : planned.steps) out.push_back(step.capability->id);
  return out;
}

TEST(Planner, ReviewOfARepositoryUsesEveryFittingAgent) {
  const auto registry = all_agents();
  auto planned = plan_goal(review(), facts(true), registry);
  ASSERT_TRUE(planned) << describe(planned.error());
  EXPECT_THAT(capabilities(*planned),
              testing::UnorderedElementsAre("code_analysis.analyze", "infosec.scan_secrets", "infosec.scan_code",
                                            "journey.mine_history", "journey.track", "inspector.inspect",
                                            "inspector.ask", "journey.testify", "inspector.weigh", "super.synthesise"));
  auto plan = workflow::Plan::parse(planned->plan);
  ASSERT_TRUE(plan) << describe(plan.error());
  EXPECT_TRUE(planned->degraded.empty());
}

TEST(Planner, AgentsThatWereAskedForBringWhomTheyNeed) {
  const auto registry = all_agents();
  Goal goal = review();
  goal.agents = {"infosec"};
  const auto planned = plan_goal(goal, facts(true), registry);
  ASSERT_TRUE(planned) << describe(planned.error());
  EXPECT_THAT(capabilities(*planned),
              testing::UnorderedElementsAre("code_analysis.analyze", "infosec.scan_secrets", "infosec.scan_code",
                                            "inspector.inspect", "super.synthesise"));
  EXPECT_THAT(explain_text(*planned), HasSubstr("agent journey wasn't asked for"));
}

/// What a review is, readable: testdata/review_plan.txt. After a meant change, replace the file by the actual text.
TEST(Planner, ReviewPlanAsWritten) {
  const auto registry = all_agents();
  const auto planned = plan_goal(review(), facts(true), registry);
  ASSERT_TRUE(planned) << describe(planned.error());
  std::ifstream file(WRENCH_SOURCE_DIR "/src/agents/testdata/review_plan.txt");
  const std::string expected((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(explain_text(*planned) + codec::write_json(planned->plan, {.pretty = true}) + "\n", expected);
}

TEST(Planner, WithoutGitItSaysWhatIsLeftOutAndWhy) {
  const auto registry = all_agents();
  auto planned = plan_goal(review(), facts(false), registry);
  ASSERT_TRUE(planned);
  EXPECT_THAT(capabilities(*planned), testing::Not(Contains("journey.mine_history")));
  std::string why;
  for (const auto& entry : planned->left_out)
    if (entry.capability == "journey.mine_history") why = entry.why_not;
  EXPECT_THAT(why, HasSubstr("git.commits=false"));
  EXPECT_THAT(why, HasSubstr("no .git"));
  EXPECT_THAT(planned->degraded, Contains("Read the version history (no .git in the folder or above it)"));
  for (const auto& entry : planned->degraded) EXPECT_THAT(entry, testing::Not(HasSubstr("evidence"))) << "said already";
}

TEST(Planner, EveryCapabilityIsChosenOrExplained) {
  const auto registry = all_agents();
  const auto planned = *plan_goal(review(), facts(true), registry);
  EXPECT_EQ(planned.steps.size() + planned.left_out.size(), registry.capabilities().size());
  for (const auto& entry : planned.left_out) EXPECT_FALSE(entry.why_not.empty()) << entry.capability;
  for (const auto& step : planned.steps) {
    EXPECT_FALSE(step.why.empty());
    EXPECT_FALSE(step.needed_by.empty());
  }
}

TEST(Planner, SameInputsGiveTheSameBytes) {
  const auto registry = all_agents();
  EXPECT_EQ(codec::write_json(plan_goal(review(), facts(true), registry)->plan),
            codec::write_json(plan_goal(review(), facts(true), registry)->plan));
}

TEST(Planner, OnlyTheAgentsAskedFor) {
  const auto registry = all_agents();
  auto goal = review();
  goal.agents = {"code_analysis", "inspector"};
  auto planned = plan_goal(goal, facts(true), registry);
  ASSERT_TRUE(planned) << describe(planned.error());
  EXPECT_THAT(capabilities(*planned),
              testing::UnorderedElementsAre("code_analysis.analyze", "inspector.inspect", "super.synthesise"));
  goal.agents = {"inspektor"};
  auto unknown = plan_goal(goal, facts(true), registry);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, "agent.no_such_agent");
  EXPECT_THAT(unknown.error().help, Contains(HasSubstr("inspector")));
}

TEST(Planner, SaysWhatIsMissing) {
  const auto registry = all_agents();
  Goal goal;
  goal.kind = "paint";
  EXPECT_EQ(plan_goal(goal, facts(true), registry).error().code, "agent.no_plan");
  auto no_tree = plan_goal(Goal{.kind = "review"}, facts(true), registry);
  ASSERT_FALSE(no_tree);
  EXPECT_THAT(no_tree.error().message, HasSubstr("report.code"));
}

}  // namespace
}  // namespace wrench::agents
