#include "wrench/workflow/labels.hpp"

#include "engine_test.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

TEST(Labels, AreWrittenInOneWay) {
  const auto labels = parse_labels("os=linux,gpu=yes");
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(to_string(*labels), "gpu=yes,os=linux");
  EXPECT_TRUE(parse_labels("").ok());
  EXPECT_EQ(to_string({}), "");
}

TEST(Labels, HaveLimits) {
  const auto wrong = [](const std::string& text, const std::string& why) {
    const auto labels = parse_labels(text);
    ASSERT_FALSE(labels.ok()) << text;
    EXPECT_EQ(labels.error().code, "workflow.labels_invalid");
    EXPECT_THAT(labels.error().message, HasSubstr(why));
  };
  wrong("gpu", "'gpu' is no label: NAME=VALUE");
  wrong("gpu=", "is no label");
  wrong("=yes", "is no label");
  wrong("a=b,", "'' is no label");
  wrong("a=b c", "is no label");
  wrong("a=b=c", "is no label");
  wrong("a=1,a=2", "the label 'a' is given twice");
  std::string many = "n0=v";
  for (std::size_t i = 1; i < kLabelsMax; ++i) many += ",n" + std::to_string(i) + "=v";
  EXPECT_TRUE(parse_labels(many).ok());
  wrong(many + ",more=v", "more than 16 labels");
  const std::string longest(kLabelBytesMax, 'x');
  EXPECT_TRUE(parse_labels(longest + "=" + longest).ok());
  wrong(longest + "x=y", "is no label");
}

TEST(Labels, AreSatisfiedByEqualOnes) {
  const Labels offered = {{"gpu", "yes"}, {"os", "linux"}};
  EXPECT_TRUE(satisfies(offered, {}));
  EXPECT_TRUE(satisfies(offered, {{"gpu", "yes"}}));
  EXPECT_FALSE(satisfies(offered, {{"gpu", "no"}}));
  EXPECT_FALSE(satisfies(offered, {{"gpu", "yes"}, {"ram", "much"}}));
}

TEST(Labels, OfAPlanAreChecked) {
  const auto parse = [](const std::string& labels) {
    return Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y","requires":)" + labels +
                            "}]}");
  };
  const auto plan = parse(R"({"os":"linux","gpu":"yes"})");
  ASSERT_TRUE(plan.ok()) << describe(plan.error());
  EXPECT_EQ(to_string(*(*plan)->nodes()[0].labels), "gpu=yes,os=linux");
  for (const auto* wrong : {"{}", R"({"gpu":true})", R"({"g p u":"yes"})", R"({"gpu":""})", R"("gpu")"})
    EXPECT_FALSE(parse(wrong).ok()) << wrong;
  EXPECT_THAT(parse(R"({"gpu":true})").error().message, HasSubstr("requires: a label is a name and a string"));
  EXPECT_FALSE(
      Plan::parse_text(R"({"v":1,"nodes":[{"id":"w","kind":"wait","on":"until","after_ms":1,"requires":{"a":"b"}}]})")
          .ok());
}

TEST(Labels, AreInTheNamesOfQueues) {
  const Labels required = {{"gpu", "yes"}, {"os", "linux"}};
  EXPECT_EQ(queue_name(SlotClass::Io, "", &required), "requires:io:gpu=yes,os=linux");
  EXPECT_EQ(queue_name(SlotClass::Io, "boot1", &required), "io@boot1") << "there one process runs them all";
  const auto queue = labelled_queue("requires:io:gpu=yes,os=linux");
  ASSERT_TRUE(queue);
  EXPECT_EQ(queue->slot, SlotClass::Io);
  EXPECT_EQ(queue->required, required);
  for (const auto* other : {"io", "start", "requires:", "requires:io", "requires:disk:a=b", "requires:io:a"})
    EXPECT_FALSE(labelled_queue(other)) << other;
}

class LabelsTest : public EngineTest {};

/// On one machine nobody else could run it.
TEST_F(LabelsTest, WhatThisProcessDoesNotOfferFailsAtOnce) {
  if (on_postgres()) GTEST_SKIP() << "there it waits for a worker";
  const TaskOutcome done = run(task(R"([{"id":"a","kind":"call","capability":"t.echo","requires":{"gpu":"yes"}},
                   {"id":"b","kind":"call","capability":"t.echo","requires":{"gpu":"yes"},"when":"1 == 2"}])"));
  EXPECT_EQ(done.task.state, TaskState::Failed);
  EXPECT_EQ(runner_.calls, 0);
  EXPECT_THAT(
      codec::write_json(done.execution.error),
      HasSubstr("workflow.labels_missing\",\"message\":\"it requires a process with gpu=yes; this one offers no "
                "labels, and on one machine no other can take it"));
  EXPECT_EQ(states()["b"], StepState::Skipped);
}

TEST_F(LabelsTest, WhatThisProcessOffersRuns) {
  if (on_postgres()) GTEST_SKIP() << "SharedWorkTest";
  EngineConfig config;
  config.boot_id = "boot1";
  config.labels = {{"gpu", "yes"}, {"os", "linux"}};
  config.boot_is_live = [](std::string_view) { return false; };
  auto e = Engine::open(*store_, std::move(config), clock_, random_);
  ASSERT_TRUE(e.ok());
  (*e)->start(runner_);
  const auto receipt =
      (*e)->create(task(R"([{"id":"a","kind":"call","capability":"t.echo","requires":{"gpu":"yes"},"when":"1 == 1",
                "concurrency":{"key":"'k'"}}])"));
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(finish(**e, receipt->task_id).task.state, TaskState::Completed);
}

}  // namespace
}  // namespace wrench::workflow
