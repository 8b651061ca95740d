#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "../core/fake_step_test.hpp"
#include "../core/report_test.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

class CodeAnalysisTest : public testing::Test {
 protected:
  CodeAnalysisTest() {
    std::ofstream(folder_ / "shop.py") << "def pick(items, wanted):\n  for item in items:\n"
                                          "    if item.ok and item.id in wanted:\n      return item\n\n\n"
                                          "def run(request):\n  eval(request.args['cmd'])\n";
  }
  Json tree() const {
    return Json::object({{"path", folder_.path()}, {"root", folder_.path()}, {"working_directory", folder_.path()}});
  }
  Json ask(const std::string& capability) { return caller_.call(capability, Json::object({{"tree", tree()}})); }

  runtime::TempDir folder_ = runtime::TempDir::create().value();
  Caller caller_;
};

TEST_F(CodeAnalysisTest, AnalyzeReportsCodeAndLeavesSecretsToInfosec) {
  std::ofstream(folder_ / "key.py") << "aws_secret = '" << std::string(40, 'k') << "'\n";
  const auto report = findings::report_from_json(ask("code_analysis.analyze").at("report"));
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_EQ(report->functions.size(), 2U);
  for (const auto& finding : report->findings) EXPECT_NE(finding.category, findings::Category::Secret);
}

TEST_F(CodeAnalysisTest, SaysWhatItFindsWhileItRuns) {
  const std::string secret = "AKIA" + std::string(16, 'Q');
  std::ofstream(folder_ / "key.py") << "aws_access_key_id = '" << secret << "'\n";
  const Registry registry = all_agents();
  runtime::WorkerPool pool({.threads = 2});
  const SystemClock clock;
  AgentRunner runner(registry, pool, clock);
  workflow::StepInvocation invocation;
  invocation.capability = "code_analysis.analyze";
  invocation.input = Json::object({{"tree", tree()}});
  for (int run = 0; run < 2; ++run) {  // The second time from what is known of the tree.
    FakeStep step;
    ASSERT_TRUE(std::holds_alternative<workflow::Completed>(runner.run(invocation, step)));
    ASSERT_TRUE(step.said_.ends_with('\n'));
    int found = 0;
    for (const auto line : split(trim(step.said_), '\n')) {
      const auto finding = codec::parse_json(line);
      ASSERT_TRUE(finding.ok()) << line;
      EXPECT_EQ(finding->at("path").as_string(), folder_ / "shop.py");
      EXPECT_GT(finding->at("line").as_integer(), 0);
      ++found;
    }
    EXPECT_GE(found, 1);
    EXPECT_EQ(step.said_.find(secret), std::string::npos);
  }
}

TEST_F(CodeAnalysisTest, ExplainsWhereAFunctionsComplexityComesFrom) {
  const Json output =
      caller_.call("code_analysis.explain_complexity", Json::object({{"tree", tree()}, {"symbol", "pick"}}));
  ASSERT_EQ(output.at("functions").as_array().size(), 1U);
  const Json& function = output.at("functions").as_array()[0];
  std::int64_t sum = 0;
  for (const Json& step : function.at("increments").as_array()) sum += step.at("add").as_integer();
  EXPECT_EQ(function.at("cognitive").as_integer(), sum) << "the reasons add up";
  EXPECT_EQ(sum, 4) << "for 1, if 2, and 1";
  const auto missing =
      caller_.try_call("code_analysis.explain_complexity", Json::object({{"tree", tree()}, {"symbol", "nothing"}}));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "agent.not_found");
}

TEST_F(CodeAnalysisTest, ProposesFixesThatWereTriedAndWritesNothing) {
  const std::string before =
      "def f(names, found):\n  return any([n.ok for n in names]) and found in list(names.keys())\n";
  std::ofstream(folder_ / "loops.py") << before;
  const auto proposed = ask("code_analysis.propose_fixes");
  ASSERT_EQ(proposed.at("changes").as_array().size(), 1U);
  const Json& change = proposed.at("changes").as_array()[0];
  EXPECT_NE(change.at("diff").as_string().find("+  return any(n.ok for n in names) and found in names\n"),
            std::string::npos)
      << change.at("diff").as_string();
  EXPECT_NE(change.at("inverse").as_string().find("+  return any([n.ok for n in names])"), std::string::npos);
  EXPECT_TRUE(change.at("undo").is_null());
  ASSERT_EQ(proposed.at("fixes").as_array().size(), 2U);
  for (const Json& fix : proposed.at("fixes").as_array()) EXPECT_EQ(fix.at("state").as_string(), "verified");
  std::ostringstream now;
  now << std::ifstream(folder_ / "loops.py").rdbuf();
  EXPECT_EQ(now.str(), before);

  const auto fingerprint = proposed.at("fixes").as_array()[0].at("fingerprint").as_string();
  const auto one = caller_.call("code_analysis.propose_fixes",
                                Json::object({{"tree", tree()}, {"fingerprints", Json::array({fingerprint})}}));
  EXPECT_EQ(one.at("fixes").as_array().size(), 1U);
  const auto none =
      caller_.call("code_analysis.propose_fixes", Json::object({{"tree", tree()}, {"fingerprints", Json::array()}}));
  EXPECT_TRUE(none.at("changes").as_array().empty());
  const auto unknown = caller_.try_call("code_analysis.propose_fixes",
                                        Json::object({{"tree", tree()}, {"fingerprints", Json::array({"wf1-0"})}}));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, "agent.not_found");
}

TEST_F(CodeAnalysisTest, SingleQuestionsGiveOneCategory) {
  const Json security = ask("code_analysis.check_security");
  const auto& found = security.at("security_check").as_array();
  ASSERT_FALSE(found.empty());
  for (const Json& finding : found) EXPECT_EQ(finding.at("category").as_string(), "security");
  EXPECT_TRUE(ask("code_analysis.analyze_performance").at("performance_analysis").as_array().empty());
}

}  // namespace
}  // namespace wrench::agents
