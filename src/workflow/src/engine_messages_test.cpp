#include "engine_test.hpp"
#include "message_address.hpp"
#include "messages_test.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

using ::testing::SizeIs;

/// Messages that steps send, and that they wait for.
class EngineMessagesTest : public EngineTest {
 protected:
  TaskOutcome begin(Engine& engine, CreateTask what) {
    auto receipt = engine.create(std::move(what));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    receipt_ = *receipt;
    return finish(engine, receipt->task_id);
  }
  TaskOutcome finish_past_waits(Engine& engine) {
    TaskOutcome out = finish(engine, receipt_.task_id);
    while (out.task.state == TaskState::Waiting) out = finish(engine, receipt_.task_id);
    return out;
  }
  static CreateTask waiting() {
    return task(R"([{"id":"s","kind":"wait","on":"signal","name":"go"},
      {"id":"b","kind":"call","capability":"t.echo","needs":["s"],"input":{"v":{"$from":"steps.s.output"}}}])");
  }
  std::string send(std::int64_t step_no, codec::Json content) {
    MessageDraft draft;
    draft.receiver = step_address(receipt_.execution_id, step_no);
    draft.type = "x.go";
    draft.content = std::move(content);
    const auto sent = messages_.send({"user:ada"}, std::move(draft));
    return sent.ok() ? "ok" : sent.error().code;
  }
  std::vector<Message> list(MessageQuery query) {
    auto page = messages_.list(query);
    EXPECT_TRUE(page.ok()) << describe(page.error());
    return page.ok() ? page->messages : std::vector<Message>();
  }

  const MessageTypes types_ = test_types();
  Messages messages_{*store_, types_, [](std::string_view) { return true; }, clock_, random_};
};

TEST_F(EngineMessagesTest, AMessageToAWaitingStepIsItsSignal) {
  auto e = engine();
  e->start(runner_);
  EXPECT_EQ(begin(*e, waiting()).task.wait_reason, "event");
  ASSERT_EQ(send(1, Json(7)), "ok");
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("s")), R"({"value":7,"by":"user:ada"})");
  const auto sent = list({});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].state, MessageState::Acknowledged);
  EXPECT_EQ(sent[0].closed_by, step_address(receipt_.execution_id, 1));
  EXPECT_EQ(send(1, Json(8)), "workflow.invalid_transition") << "it has ended";
  EXPECT_EQ(send(9, Json(8)), "workflow.receiver_not_found");
}

TEST_F(EngineMessagesTest, AMessageThatComesBeforeTheStepWaitsIsKeptForIt) {
  auto e = engine();
  e->start(runner_);
  begin(*e, task(R"([{"id":"s","kind":"wait","on":"signal","name":"go"},
      {"id":"t","kind":"wait","on":"signal","name":"on","needs":["s"]}])"));
  ASSERT_EQ(send(2, Json("early")), "ok");
  ASSERT_EQ(send(2, Json("second")), "ok");
  EXPECT_THAT(list({.receiver = step_address(receipt_.execution_id, 2), .state = MessageState::Open}), SizeIs(2));
  ASSERT_EQ(send(1, Json()), "ok");
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("t")), R"({"value":"early","by":"user:ada"})");
  EXPECT_THAT(list({.receiver = step_address(receipt_.execution_id, 2), .state = MessageState::Open}), SizeIs(1));
}

TEST_F(EngineMessagesTest, NoMessageDecidesAnApproval) {
  auto e = engine();
  e->start(runner_);
  begin(*e, task(R"([{"id":"gate","kind":"wait","on":"approval","title":"Deploy?","subject":{"n":1}}])"));
  ASSERT_EQ(send(1, codec::Json::object({{"decision", "approve"}})), "ok");
  EXPECT_EQ(finish(*e, receipt_.task_id).task.wait_reason, "approval");
  const auto waits = store_->read([](storage::ReadTx& tx) { return list_waits(tx); });
  ASSERT_THAT(waits->waits, SizeIs(1));
  EXPECT_EQ(waits->waits[0].decision, "");
  ASSERT_TRUE(e->answer(waits->waits[0].wait_id, WaitDecision::Reject, Json(), "no").ok());
}

TEST_F(EngineMessagesTest, WhatASignalCantHoldIsRefused) {
  auto e = engine();
  e->start(runner_);
  begin(*e, waiting());
  EXPECT_EQ(send(1, Json(std::string(kAnswerBytesMax, 'x'))), "workflow.invalid_message");
  ASSERT_EQ(send(1, Json(std::string(5000, 'x'))), "ok");
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
}

TEST_F(EngineMessagesTest, AStepSendsOnceHoweverOftenItIsTried) {
  int tries = 0;
  runner_.add("t.send", [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
    MessageDraft draft;
    draft.receiver = "user:ada";
    draft.type = "x.done";
    draft.content = Json(++tries);
    auto body = messages_.sending({"agent:t", in.execution_no, in.execution_id + "/1"}, std::move(draft));
    if (!body.ok()) return Failed{FailureClass::Permanent, body.error(), {}};
    context.attach(std::move(*body));
    if (tries < 3) return Failed{FailureClass::Retryable, Error("t.busy", "again"), {}};
    return Completed{Json(tries), {}};
  });
  CreateTask what = task(
      R"([{"id":"a","kind":"call","capability":"t.send","retry":{"attempts":5,"first_ms":1,"factor":1,"cap_ms":1}}])");
  EXPECT_EQ(run(std::move(what)).task.state, TaskState::Completed);
  const auto sent = list({.execution_no = receipt_.execution_no});
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].content, Json(3));
  EXPECT_EQ(sent[0].sender, "agent:t");
}

}  // namespace
}  // namespace wrench::workflow
