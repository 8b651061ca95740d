#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "../core/report_test.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/agents/planner.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

class Results final : public workflow::Scope {
 public:
  const Json* root(std::string_view name) const override {
    if (name == "inputs") return &inputs;
    return name == "steps" ? &steps : nullptr;
  }
  Json inputs = Json::object();
  Json steps = Json::object();
};

/// A whole review on a real repository: facts, plan, each step by the runner with what the plan binds to it.
TEST(Review, EveryStepGetsWhatThePlanBindsToIt) {
  ::setenv("WRENCH_SCAN_CACHE", "off", 1);
  const auto folder = runtime::TempDir::create().value();
  const std::string root = std::filesystem::canonical(folder.path()).string();
  const std::string secret = "ghp_" + std::string("0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX").substr(0, 36);
  std::string code = "import os\n\ndef hot(a, b):\n";
  for (int i = 0; i < 12; ++i) code += "    if a == " + std::to_string(i) + " and b:\n        os.system('ls')\n";
  ASSERT_TRUE(runtime::write_file_atomically(root + "/app.py", code).ok());
  ASSERT_TRUE(runtime::write_file_atomically(root + "/keys.py", "TOKEN = \"" + secret + "\"\n").ok());
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"init", "-q", "-b", "main"},
           {"add", "-A"},
           {"-c", "user.name=ada", "-c", "user.email=a@example.org", "commit", "-qm", "x"}}) {
    runtime::SubprocessSpec spec;
    spec.program = runtime::find_program("git").value();
    spec.arguments = arguments;
    spec.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null"};
    spec.working_directory = root;
    ASSERT_TRUE(runtime::capture_subprocess(spec)->result.succeeded());
  }

  const Registry registry = all_agents();
  const auto survey = scan::survey(root, {}, {});
  ASSERT_TRUE(survey.ok()) << describe(survey.error());
  Goal goal;
  goal.kind = "review";
  goal.available["repo.tree"] = "inputs.tree";
  const auto planned = plan_goal(goal, tree_facts(*survey, ""), registry);
  ASSERT_TRUE(planned.ok()) << describe(planned.error());
  const auto plan = workflow::Plan::parse(planned->plan);
  ASSERT_TRUE(plan.ok()) << describe(plan.error());

  Results results;
  results.inputs.set("tree", Json::object({{"path", root}, {"root", root}, {"working_directory", root}}));
  Caller caller;
  for (const workflow::PlanNode& node : (*plan)->nodes()) {
    const auto input = workflow::resolve_references(node.input, results);
    ASSERT_TRUE(input.ok()) << describe(input.error());
    for (const auto& [name, value] : input->as_object())
      EXPECT_FALSE(value.is_null()) << node.capability << " " << name;
    auto made = caller.try_call(node.capability, *input);
    ASSERT_TRUE(made.ok()) << node.capability << ": " << describe(made.error());
    EXPECT_EQ(codec::write_json(made->output).find(secret), std::string::npos)
        << node.capability << " shows the secret";
    results.steps.set(node.id, Json::object({{"output", std::move(made->output)}}));
  }
  const Json& last = results.steps.at((*plan)->nodes().back().id).at("output").at("report");
  const auto report = findings::report_from_json(last);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->revision.starts_with("main@"));
  EXPECT_TRUE(report->history.at("quality").at("score").is_number());
  EXPECT_EQ(report->history.at("journey").at("journey_id").as_string(), "journey:" + root);
  EXPECT_TRUE(report->history.at("security").at("assessment").at("grade").is_string());
  bool secret_found = false;
  for (const auto& finding : report->findings) secret_found |= finding.agent == "infosec";
  EXPECT_TRUE(secret_found);
}

}  // namespace
}  // namespace wrench::agents
