#include "wrench/agents/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "fake_step_test.hpp"
#include "report_test.hpp"
#include "schemas.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/source_lookup.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using testing::HasSubstr;

/// An agent whose one capability does what the test says.
class Scripted final : public Agent {
 public:
  using Script = std::function<Result<AgentOutput>(const Json& input, AgentContext& context)>;
  Scripted(Script script, const std::function<void(AgentSpec&)>& change) : script_(std::move(script)) {
    spec_.name = "tester";
    spec_.charter = "Tests.";
    Capability capability;
    capability.id = "tester.run";
    capability.version = 2;
    capability.title = "Run";
    capability.why = "to see";
    capability.input_schema = schema::object({{"n?", schema::of("integer")}, {"tree?", schema::of("object")}});
    capability.output_schema = schema::object({{"n?", schema::of("integer")}, {"report?", schema::report()}});
    capability.effect = Effect::Pure;
    spec_.capabilities = {capability};
    change(spec_);
  }
  const AgentSpec& spec() const override { return spec_; }
  Result<AgentOutput> execute(const Capability&, const Json& input, AgentContext& context) const override {
    return script_(input, context);
  }

 private:
  Script script_;
  AgentSpec spec_;
};

class RunnerTest : public testing::Test {
 protected:
  void use(Scripted::Script script, const std::function<void(AgentSpec&)>& change = [](AgentSpec&) {}) {
    ASSERT_TRUE(registry_.add(std::make_unique<Scripted>(std::move(script), change)).ok());
  }
  workflow::StepOutcome run(Json input, const std::string& capability = "tester.run@2") {
    AgentRunner runner(registry_, pool_, clock_, services_);
    workflow::StepInvocation invocation;
    invocation.capability = capability;
    invocation.input = std::move(input);
    invocation.execution_id = "exe_1";
    invocation.step_no = 7;
    return runner.run(invocation, step_);
  }
  static std::string code(const workflow::StepOutcome& outcome) {
    const auto* failed = std::get_if<workflow::Failed>(&outcome);
    return failed == nullptr ? "no failure" : failed->error.code;
  }

  Registry registry_;
  runtime::WorkerPool pool_{{.threads = 1}};
  ManualClock clock_;
  RunnerServices services_;
  FakeStep step_;
};

TEST_F(RunnerTest, ChecksInputAndOutput) {
  use([](const Json& input, AgentContext&) -> Result<AgentOutput> {
    AgentOutput made;
    if (input.at("n").as_integer() == 1)
      made.output.set("n", "one");
    else
      made.output.set("n", 5);
    return made;
  });
  auto good = run(Json::object({{"n", 0}}));
  ASSERT_TRUE(std::holds_alternative<workflow::Completed>(good));
  EXPECT_EQ(std::get<workflow::Completed>(good).output.at("n").as_integer(), 5);
  const auto bad = run(Json::object({{"n", "x"}, {"m", 1}}));
  EXPECT_EQ(code(bad), "agent.input_invalid");
  EXPECT_THAT(std::get<workflow::Failed>(bad).error.message, HasSubstr("/n"));
  EXPECT_EQ(std::get<workflow::Failed>(bad).failure, workflow::FailureClass::Permanent);
  EXPECT_EQ(code(run(Json::object({{"n", 1}}))), "agent.output_invalid");
}

TEST_F(RunnerTest, ResolvesCapabilityAndVersion) {
  use([](const Json&, AgentContext&) -> Result<AgentOutput> { return AgentOutput{}; });
  EXPECT_EQ(code(run(Json::object(), "tester.run")), "no failure");
  EXPECT_EQ(code(run(Json::object(), "tester.run@1")), "agent.no_such_capability");
  EXPECT_EQ(code(run(Json::object(), "tester.run@x")), "agent.no_such_capability");
  EXPECT_EQ(code(run(Json::object(), "painter.paint")), "agent.no_such_capability");
  const AgentRunner runner(registry_, pool_, clock_);
  EXPECT_EQ(runner.traits("tester.run@2")->effect, workflow::Effect::Pure);
  EXPECT_EQ(runner.traits("painter.paint").error().message, "no capability 'painter.paint'");
  EXPECT_EQ(runner.traits("tester.run@1").error().message, "tester.run has version 2; asked for was 'tester.run@1'");
}

TEST_F(RunnerTest, AStoppedStepIsGivenBack) {
  use([](const Json&, AgentContext& context) -> Result<AgentOutput> {
    EXPECT_TRUE(context.stop.stop_requested());
    return Error("scan.stopped", "stopped");
  });
  step_.stop_.request_stop();
  EXPECT_TRUE(std::holds_alternative<workflow::Yielded>(run(Json::object())));
}

TEST_F(RunnerTest, AStepPastItsDeadlineMayBeTriedAgain) {
  std::string code;
  use([&](const Json&, AgentContext&) -> Result<AgentOutput> { return Error(code, "late"); });
  for (const auto* late : {"scan.deadline", "history.deadline"}) {
    code = late;
    EXPECT_EQ(std::get<workflow::Failed>(run(Json::object())).failure, workflow::FailureClass::Retryable) << code;
  }
}

TEST_F(RunnerTest, AnAgentsWallTimeShortensTheDeadline) {
  Micros seen_us = 0;
  use(
      [&](const Json&, AgentContext& context) -> Result<AgentOutput> {
        seen_us = context.deadline.left_us(clock_);
        return AgentOutput{};
      },
      [](AgentSpec& spec) { spec.constraints.wall_ms_max = 5; });
  run(Json::object());
  EXPECT_EQ(seen_us, 5 * kMicrosPerMs);
  step_.deadline_ = Deadline::after(clock_, 3);
  run(Json::object());
  EXPECT_EQ(seen_us, 3);
}

TEST_F(RunnerTest, RemembersForAgentsThatAskForIt) {
  const auto dir = *runtime::TempDir::create();
  SeededRandom random(1);
  storage::StoreConfig config;
  config.directory = dir.path();
  config.statements = {workflow::statements()};
  auto store = storage::Store::open(std::move(config), clock_, random);
  ASSERT_TRUE(store) << describe(store.error());
  workflow::Memory memory(**store, clock_, random);
  services_.memory = &memory;
  use(
      [](const Json&, AgentContext& context) -> Result<AgentOutput> {
        AgentOutput made;
        made.output.set("n", context.memories.size());
        workflow::MemoryDraft& draft = made.memories.emplace_back();
        draft.kind = "episode";
        draft.scope = "/x";
        draft.content = context.recall(Json::object(), 10)->size();
        return made;
      },
      [](AgentSpec& spec) {
        spec.memory.enabled = true;
        spec.memory.items_max = 2;
      });
  const Json input = Json::object({{"tree", Json::object({{"root", "/x"}})}});
  for (int i = 0; i < 4; ++i) {
    const auto outcome = run(input);
    EXPECT_EQ(std::get<workflow::Completed>(outcome).output.at("n").as_integer(), std::min(i, 2));
    ASSERT_EQ(step_.attached_.size(), 1U) << "kept by the transaction that completes the step";
    ASSERT_TRUE((*store)->write(std::exchange(step_.attached_, {})[0]));
  }
  const auto kept = memory.retrieve("tester", Json::object({{"$scope", "/x"}}));
  ASSERT_EQ(kept->items.size(), 2U);
  EXPECT_EQ(kept->items[0].content.as_integer(), 2);
  EXPECT_EQ(kept->items[0].source_step, "exe_1/7");
}

TEST_F(RunnerTest, PassesProgressOn) {
  use([](const Json&, AgentContext& context) -> Result<AgentOutput> {
    context.progress(0.5, "half");
    return AgentOutput{};
  });
  run(Json::object());
  EXPECT_EQ(step_.last_.done, 0.5);
  EXPECT_EQ(step_.last_.message, "half");
}

TEST_F(RunnerTest, LogsHowEachStepEnded) {
  std::string lines;
  telemetry::Logger logger(clock_, telemetry::LogLevel::Info, telemetry::LogFormat::Text,
                           [&](std::string_view line) { lines += line; });
  use([](const Json& input, AgentContext&) -> Result<AgentOutput> {
    if (input.at("n").as_integer() == 1) return Error("agent.not_found", "nothing there");
    return AgentOutput{};
  });
  AgentRunner runner(registry_, pool_, clock_, {.logger = &logger});
  workflow::StepInvocation invocation;
  invocation.capability = "tester.run@2";
  invocation.input = Json::object();
  runner.run(invocation, step_);
  EXPECT_THAT(lines, testing::AllOf(HasSubstr("step done"), HasSubstr("tester.run@2")));
  lines.clear();
  invocation.input = Json::object({{"n", 1}});
  runner.run(invocation, step_);
  EXPECT_THAT(lines, testing::AllOf(HasSubstr("step failed"), HasSubstr("agent.not_found")));
}

TEST_F(RunnerTest, OnlyFindingsWithEvidencePass) {
  const auto folder = runtime::TempDir::create().value();
  const std::string path = folder / "a.py";
  std::string text(600, 'x');
  ASSERT_TRUE(runtime::write_file_atomically(path, text).ok());
  std::uint32_t ghosts = 0;
  use([&](const Json&, AgentContext&) -> Result<AgentOutput> {
    AgentOutput made;
    made.report.emplace();
    for (std::uint32_t line = 1; line <= 20; ++line) {
      auto finding = some_finding("r", path, line);
      finding.where.content = "sha256:" + crypto::sha256_hex(text);
      made.report->findings.push_back(finding);
    }
    for (std::uint32_t i = 0; i < ghosts; ++i)
      made.report->findings.push_back(some_finding("ghost", folder / "gone.py", i));
    return made;
  });
  const auto clean = run(Json::object());
  ASSERT_EQ(code(clean), "no failure");
  EXPECT_EQ(std::get<workflow::Completed>(clean).output.at("report").at("findings").as_integer(), 20);
  ghosts = 2;
  const auto some = run(Json::object());
  ASSERT_EQ(code(some), "no failure");
  ReportShelf shelf;
  const auto report = StoredReports(shelf, step_).read(std::get<workflow::Completed>(some).output.at("report"));
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_EQ((*report)->findings.size(), 20u);
  ASSERT_EQ((*report)->partial.size(), 2u);
  EXPECT_EQ((*report)->partial[0].code, "evidence_missing");
  EXPECT_FALSE((*report)->run.complete);
  ghosts = 3;
  EXPECT_EQ(code(run(Json::object())), "agent.evidence_missing") << "3 of 23 are more than 10 %";
}

TEST(EvidenceGate, ChecksFileContentAndRange) {
  findings::MemorySources sources;
  sources.add("a.py", std::string(100, 'x'));
  auto good = some_finding("good", "a.py", 5);
  auto beyond = some_finding("beyond", "a.py", 5);
  beyond.where.end.offset = 101;
  auto reversed = some_finding("reversed", "a.py", 5);
  reversed.where.start.offset = 60;
  auto other = some_finding("other", "a.py", 5);
  other.where.content = "sha256:" + std::string(64, 'b');
  auto unnamed = some_finding("unnamed", "b.py", 5);
  unnamed.where.content.clear();
  findings::Report report = report_of({good, beyond, reversed, other, unnamed, some_finding("missing", "c.py", 1)});
  report.findings.push_back(some_finding("secret name", "ghp_" + std::string(36, '*') + ".py", 1));
  EXPECT_EQ(drop_without_evidence(report, sources), 5u);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].rule, "good");
  EXPECT_EQ(report.partial.size(), 5u);
  EXPECT_EQ(report.partial[0].subject, "beyond");
}

}  // namespace
}  // namespace wrench::agents
