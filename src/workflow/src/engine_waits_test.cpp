#include <chrono>
#include <thread>

#include "engine_test.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

class WaitsTest : public EngineTest {
 protected:
  std::string text(std::string_view node) { return codec::write_json(output(node)); }

  std::vector<WaitView> waits() {
    auto found = store_->read([](storage::ReadTx& tx) { return list_waits(tx); });
    EXPECT_TRUE(found.ok()) << describe(found.error());
    return found.ok() ? found->waits : std::vector<WaitView>();
  }
  /// Creates the task and returns when it waits.
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
  /// A process that runs nothing, of that person.
  std::unique_ptr<Engine> person(const std::string& name) {
    EngineConfig config;
    config.boot_id = "boot of " + name;
    config.boot_is_live = [this](std::string_view boot) { return live_.contains(std::string(boot)); };
    config.actor = name;
    live_.insert(config.boot_id);
    return *Engine::open(*store_, std::move(config), clock_, random_);
  }
  std::vector<JournalEntry> journal() {
    return *store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no, 0, 100); });
  }
  static CreateTask approval(const std::string& more = "") {
    CreateTask out = task(
        R"([{"id":"gate","kind":"wait","on":"approval","title":"Deploy?","subject":{"n":{"$from":"inputs.n"}})" + more +
        R"(},{"id":"b","kind":"call","capability":"t.echo","needs":["gate"],"input":{"d":{"$from":"steps.gate.output.decision"}}}])");
    out.inputs = Json::object({{"n", 7}});
    return out;
  }
};

TEST_F(WaitsTest, AnApprovalHoldsTheTaskUntilSomebodyDecides) {
  auto e = engine();
  e->start(runner_);
  const TaskOutcome held = begin(*e, approval());
  EXPECT_EQ(held.task.state, TaskState::Waiting);
  EXPECT_EQ(held.task.wait_reason, "approval");
  ASSERT_EQ(waits().size(), 1U);
  const WaitView wait = waits()[0];
  EXPECT_EQ(wait.title, "Deploy?");
  EXPECT_EQ(codec::write_json(wait.subject), R"({"n":7})");
  EXPECT_EQ(wait.role, "maintainer");
  EXPECT_TRUE(wait.expires_at) << "a day by default";
  ASSERT_TRUE(e->answer(wait.wait_id.substr(wait.wait_id.size() - 8), WaitDecision::Approve, Json(), "go").ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(text("b"), R"({"d":"approve"})");
  EXPECT_EQ(text("gate"),
            R"({"decision":"approve","by":"system","comment":"go","edits":null,"subject":{"n":7},"subject_hash":")" +
                wait.subject_hash + "\"}");
  EXPECT_TRUE(waits().empty());
  EXPECT_EQ(e->answer(wait.wait_id, WaitDecision::Reject, Json(), "").error().code, "workflow.wait_decided");
}

TEST_F(WaitsTest, ARejectionFailsTheStepAndSaysWhy) {
  auto e = engine();
  e->start(runner_);
  begin(*e, approval());
  ASSERT_TRUE(e->answer(waits()[0].wait_id, WaitDecision::Reject, Json(), "not on a Friday").ok());
  const TaskOutcome out = finish(*e, receipt_.task_id);
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_THAT(codec::write_json(out.execution.error), HasSubstr("not on a Friday"));
  EXPECT_EQ(states().at("b"), StepState::Skipped);
}

TEST_F(WaitsTest, ADecisionOfAnotherProcessIsHeard) {
  auto e = engine();
  e->start(runner_);
  begin(*e, approval());
  auto other = engine("boot2");
  ASSERT_TRUE(other->answer(waits()[0].wait_id, WaitDecision::Approve, Json::object({{"n", 8}}), "").ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_EQ(text("b"), R"({"d":"approve_with_edits"})");
}

TEST_F(WaitsTest, ADecisionAboutATaskThatNobodyRunsCountsWhenItIsResumed) {
  auto first = engine();
  first->start(runner_);
  begin(*first, approval());
  first.reset();
  live_.clear();
  auto e = engine("boot2");
  ASSERT_TRUE(e->answer(waits()[0].wait_id, WaitDecision::Approve, Json(), "").ok());
  e->start(runner_);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
}

TEST_F(WaitsTest, ADecisionInTimeCountsThoughItsStepHearsOfItLater) {
  auto e = engine();
  e->start(runner_);
  auto other = engine("boot2");
  // The wait is over before the process that runs it looks for decisions of others.
  begin(*e, approval(R"(,"expires_ms":150)"));
  ASSERT_TRUE(other->answer(waits()[0].wait_id, WaitDecision::Approve, Json(), "").ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_EQ(text("b"), R"({"d":"approve"})");
}

TEST_F(WaitsTest, ADecisionInTimeCountsThoughTheTaskIsResumedTooLate) {
  auto first = engine();
  first->start(runner_);
  begin(*first, approval(R"(,"expires_ms":300)"));
  first.reset();
  live_.clear();
  auto e = engine("boot2");
  ASSERT_TRUE(e->answer(waits()[0].wait_id, WaitDecision::Approve, Json(), "").ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  e->start(runner_);
  ASSERT_TRUE(e->resume(receipt_.task_id).ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
}

TEST_F(WaitsTest, WhatHasExpiredIsHandedOnToNobody) {
  auto first = engine();
  first->start(runner_);
  begin(*first, approval(R"(,"expires_ms":100)"));
  first.reset();
  live_.clear();
  auto e = engine("boot2");
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(e->delegate(waits()[0].wait_id, "kim").error().code, "workflow.wait_expired");
  EXPECT_EQ(waits()[0].delegated_to, "");
}

TEST_F(WaitsTest, WhatIsDecidedAndHandedOnIsInTheEventLog) {
  auto e = engine();
  e->start(runner_);
  begin(*e, approval());
  const std::string id = waits()[0].wait_id;
  ASSERT_TRUE(e->delegate(id, "kim").ok());
  EXPECT_EQ(waits()[0].delegated_to, "kim");
  ASSERT_TRUE(person("user:kim")->answer(id, WaitDecision::Approve, Json(), "").ok());
  EXPECT_EQ(e->delegate(id, "lee").error().code, "workflow.wait_decided");
  auto page = store_->read([&](storage::ReadTx& tx) {
    return storage::event_log::read(tx, {.project_id = std::nullopt, .task_id = receipt_.task_no}, {1, 0}, 100);
  });
  ASSERT_TRUE(page.ok()) << describe(page.error());
  std::vector<std::string> types;
  for (const auto& event : page->events)
    if (event.what.subject_id == id) types.push_back(event.what.type);
  EXPECT_EQ(types, (std::vector<std::string>{"wait.delegated", "wait.decided"}));
}

TEST_F(WaitsTest, WhoeverItWasHandedOnToDecidesAndTheJournalSaysAllThat) {
  auto e = engine();
  e->start(runner_);
  begin(*e, approval());
  const std::string id = waits()[0].wait_id;
  ASSERT_TRUE(person("user:ann")->delegate(id, "kim").ok());
  ASSERT_TRUE(person("user:bob")->delegate(id, "lee").ok());
  const auto refused = person("user:kim")->answer(id, WaitDecision::Approve, Json(), "");
  EXPECT_EQ(refused.error().code, "workflow.delegated");
  EXPECT_THAT(refused.error().message, HasSubstr("lee"));
  ASSERT_TRUE(person("user:lee")->answer(id, WaitDecision::Approve, Json(), "").ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  std::vector<std::string> told;
  for (const auto& entry : journal())
    if (entry.kind == "delegated" || (entry.kind == "completed" && entry.step_no == 1) || entry.kind == "claim")
      told.push_back(entry.kind + " " + (entry.kind == "claim" ? "" : entry.actor) + " " +
                     std::string(entry.data.at("to").as_string()));
  EXPECT_EQ(told, (std::vector<std::string>{"claim  ", "delegated user:ann kim", "delegated user:bob lee",
                                            "completed user:lee ", "claim  "}));
  // What follows by itself is done by the process that does it.
  for (const auto& entry : journal())
    if (entry.kind == "claim" || entry.kind == "ended") EXPECT_EQ(entry.actor, "boot1") << entry.kind;
}

TEST_F(WaitsTest, AFourEyesApprovalIsNotHandedOnToWhomItKeepsOut) {
  auto e = engine();
  e->start(runner_);
  CreateTask what = approval(R"(,"four_eyes":true)");
  what.created_by = "user:ann";
  begin(*e, what);
  EXPECT_EQ(e->delegate(waits()[0].wait_id, "ann").error().code, "workflow.four_eyes");
  EXPECT_EQ(waits()[0].delegated_to, "");
}

TEST_F(WaitsTest, EditsMustLookLikeWhatWasShown) {
  auto e = engine();
  e->start(runner_);
  CreateTask what = task(
      R"([{"id":"gate","kind":"wait","on":"approval","title":"Deploy?","subject":{"$from":"inputs.deploy"}},
          {"id":"b","kind":"call","capability":"t.echo","needs":["gate"],"input":{"v":{"$from":"steps.gate.output.subject.version"}}}])");
  what.inputs = Json::object(
      {{"deploy", *codec::parse_json(R"({"version":"1.2","where":{"hosts":["a"],"port":80},"note":null})")}});
  begin(*e, what);
  const std::string id = waits()[0].wait_id;
  const auto refused = [&](std::string_view edits) {
    const auto out = e->answer(id, WaitDecision::Approve, *codec::parse_json(edits), "");
    EXPECT_EQ(out.ok() ? "" : out.error().code, "workflow.answer_invalid") << edits;
    return out.ok() ? std::string() : out.error().message;
  };
  EXPECT_THAT(refused(R"("garbage")"), HasSubstr("object"));
  EXPECT_THAT(refused(R"({"where":{"port":"eighty"}})"), HasSubstr("/where/port"));
  EXPECT_THAT(refused(R"({"where":{"hosts":["b",7]}})"), HasSubstr("/where/hosts/1"));
  EXPECT_THAT(refused(R"({"wehre":{"port":81}})"), HasSubstr("wehre"));
  EXPECT_THAT(refused("{\"version\":\"" + std::string(kSubjectBytesMax - 20, 'x') + "\"}"), HasSubstr("64.0 KiB"));
  EXPECT_TRUE(waits()[0].decision.empty());

  const std::string shown = waits()[0].subject_hash;
  ASSERT_TRUE(e->answer(id, WaitDecision::Approve,
                        *codec::parse_json(R"({"version":"1.3","where":{"port":81},"note":[1]})"), "")
                  .ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_EQ(text("b"), R"({"v":"1.3"})");
  const Json gate = output("gate");
  EXPECT_TRUE(gate.at("subject") ==
              *codec::parse_json(R"({"version":"1.3","where":{"hosts":["a"],"port":81},"note":[1]})"))
      << codec::write_json(gate);
  const auto wait = *store_->read([&](storage::ReadTx& tx) { return find_wait(tx, id); });
  EXPECT_EQ(wait.subject_hash, shown);
  EXPECT_EQ(wait.edited_hash, gate.at("subject_hash").as_string());
  EXPECT_EQ(wait.edited_hash, crypto::sha256_hex(codec::canonical_json(gate.at("subject"))));
}

TEST_F(WaitsTest, EditsMustFitTheSchemaOfTheApproval) {
  auto e = engine();
  e->start(runner_);
  begin(
      *e,
      approval(
          R"(,"schema":{"type":"object","properties":{"n":{"type":"integer","maximum":9},"m":true},"required":["n"]})"));
  const std::string id = waits()[0].wait_id;
  const auto code = [&](std::string_view edits) {
    const auto out = e->answer(id, WaitDecision::Approve, *codec::parse_json(edits), "");
    return out.ok() ? std::string() : out.error().code + " " + out.error().message;
  };
  EXPECT_THAT(code(R"({"n":10})"), HasSubstr("workflow.answer_invalid"));
  EXPECT_THAT(code(R"({"n":10})"), HasSubstr("/n"));
  EXPECT_THAT(code(R"({"n":null})"), HasSubstr("n")) << "which takes it away";
  EXPECT_EQ(code(R"({"n":9,"m":"more than was shown"})"), "");
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
  EXPECT_FALSE(
      Plan::parse_text(R"({"v":1,"nodes":[{"id":"g","kind":"wait","on":"approval","title":"?","schema":{"typo":7}}]})")
          .ok());
}

TEST_F(WaitsTest, WhatShowsNothingCannotBeEdited) {
  auto e = engine();
  e->start(runner_);
  begin(*e, task(R"([{"id":"gate","kind":"wait","on":"approval","title":"Deploy?"}])"));
  EXPECT_EQ(e->answer(waits()[0].wait_id, WaitDecision::Approve, Json(1), "").error().code, "workflow.answer_invalid");
  ASSERT_TRUE(e->answer(waits()[0].wait_id, WaitDecision::Approve, Json(), "").ok());
  EXPECT_EQ(finish_past_waits(*e).task.state, TaskState::Completed);
}

TEST_F(WaitsTest, TheListHasPages) {
  auto e = engine();
  e->start(runner_);
  begin(*e,
        task(R"([{"id":"a","kind":"wait","on":"input","prompt":"a"},{"id":"b","kind":"wait","on":"input","prompt":"b"},
      {"id":"c","kind":"wait","on":"input","prompt":"c"}])"));
  std::set<std::string> titles;
  std::string cursor;
  int pages = 0;
  do {
    auto page = store_->read([&](storage::ReadTx& tx) { return list_waits(tx, cursor, 2); });
    ASSERT_TRUE(page.ok()) << describe(page.error());
    for (const WaitView& wait : page->waits) titles.insert(wait.title);
    cursor = page->next_cursor;
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(titles, (std::set<std::string>{"a", "b", "c"}));
  auto bad = store_->read([](storage::ReadTx& tx) { return list_waits(tx, "yesterday"); });
  EXPECT_EQ(bad.error().code, "workflow.invalid_cursor");
}

TEST_F(WaitsTest, NobodyDecidesInTimeOrWhoMayNot) {
  auto e = engine();
  e->start(runner_);
  CreateTask own = approval(R"(,"four_eyes":true)");
  own.created_by = "system";
  begin(*e, std::move(own));
  EXPECT_EQ(e->answer(waits()[0].wait_id, WaitDecision::Approve, Json(), "").error().code, "workflow.four_eyes");
  EXPECT_EQ(e->answer(waits()[0].wait_id, WaitDecision::Answer, Json(1), "").error().code,
            "workflow.invalid_transition");
  EXPECT_EQ(e->answer("wai_nothing", WaitDecision::Answer, Json(1), "").error().code, "workflow.wait_not_found");
  ASSERT_TRUE(e->cancel(receipt_.task_id, "enough").ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Cancelled);
  EXPECT_TRUE(waits().empty());

  auto receipt = e->create(approval(R"(,"expires_ms":300)"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  const TaskOutcome out = finish_past_waits(*e);
  EXPECT_THAT(codec::write_json(out.execution.error), HasSubstr("workflow.wait_expired"));
}

TEST_F(WaitsTest, APersonAnswersAQuestion) {
  auto e = engine();
  e->start(runner_);
  const TaskOutcome held = begin(*e, task(R"([{"id":"q","kind":"wait","on":"input","prompt":"Which port?",
      "schema":{"type":"integer","minimum":1}}])"));
  EXPECT_EQ(held.task.wait_reason, "input");
  EXPECT_EQ(e->answer(waits()[0].wait_id, WaitDecision::Answer, Json("x"), "").error().code, "workflow.answer_invalid");
  ASSERT_TRUE(e->answer(waits()[0].wait_id, WaitDecision::Answer, Json(8080), "").ok());
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(text("q"), R"({"value":8080,"by":"system"})");
}

TEST_F(WaitsTest, SignalsComeBeforeOrAfterTheWait) {
  auto e = engine();
  e->start(runner_);
  const TaskOutcome held = begin(*e, task(R"([{"id":"s","kind":"wait","on":"signal","name":"go"},
      {"id":"t","kind":"wait","on":"signal","name":"stop","needs":["s"]}])"));
  EXPECT_EQ(held.task.wait_reason, "event");
  ASSERT_TRUE(e->signal(receipt_.task_id, "stop", Json("early")).ok());
  ASSERT_TRUE(e->signal(receipt_.task_id, "go", Json(std::string(5000, 'x'))).ok());
  const TaskOutcome out = finish_past_waits(*e);
  EXPECT_EQ(out.task.state, TaskState::Completed);
  EXPECT_EQ(output("s").at("value").as_string().size(), 5000U);
  EXPECT_EQ(output("t").at("value").as_string(), "early");
  EXPECT_EQ(e->signal(receipt_.task_id, "late", Json()).error().code, "workflow.invalid_transition");
}

TEST_F(WaitsTest, ATimeIsWaitedForWithoutASlot) {
  auto e = engine();
  e->start(runner_);
  const TaskOutcome out = begin(*e, task(R"([{"id":"w","kind":"wait","on":"until","after_ms":200},
      {"id":"past","kind":"wait","on":"until","at":"2001-01-01T00:00:00Z"},
      {"id":"b","kind":"call","capability":"t.echo","needs":["w"]}])"));
  EXPECT_EQ(out.task.state, TaskState::Completed) << "the engine waits for times itself";
  EXPECT_EQ(run(task(R"([{"id":"w","kind":"wait","on":"until","at":"soon"}])")).task.state, TaskState::Failed);
}

}  // namespace
}  // namespace wrench::workflow
