#include "wrench/workflow/fork.hpp"

#include <algorithm>

#include "engine_test.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ForkTest : public EngineTest {
 protected:
  ForkTest() {
    runner_.add("t.note", [this](const StepInvocation& in, StepContext&) -> StepOutcome {
      const std::lock_guard lock(mutex_);
      ran_.push_back(in.node);
      if (broken_.contains(in.node)) return Failed{FailureClass::Permanent, Error("t.broken", "it broke"), {}};
      return Completed{in.input, {}};
    });
    runner_.add(
        "t.publish",
        [this](const StepInvocation& in, StepContext& context) -> StepOutcome {
          auto ticket = context.begin_effect(0, Json("publish"));
          EXPECT_TRUE(ticket.ok());
          if (!ticket->receipt) EXPECT_TRUE(context.end_effect(*ticket, Json("done")).ok());
          const std::lock_guard lock(mutex_);
          ran_.push_back(in.node);
          published_.insert(ticket->effect_key);
          return Completed{Json("published"), {}};
        },
        Effect::Guarded);
  }

  /// Runs the task's fork to its end and returns what ran again.
  std::vector<std::string> fork(ForkRequest request, TaskState expected = TaskState::Completed) {
    {
      const std::lock_guard lock(mutex_);
      ran_.clear();
    }
    auto e = engine("boot" + std::to_string(++boots_ + 1));
    e->start(runner_);
    auto receipt = e->fork(receipt_.task_id, std::move(request));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    if (!receipt.ok()) return {};
    receipt_ = *receipt;
    const TaskOutcome out = finish(*e, receipt->task_id);
    EXPECT_EQ(out.task.state, expected);
    EXPECT_NE(out.execution.forked_from, 0);
    EXPECT_EQ(out.execution.execution_no, receipt->execution_no);
    check();
    const std::lock_guard lock(mutex_);
    auto ran = ran_;
    std::ranges::sort(ran);
    return ran;
  }
  Error refused(ForkRequest request) {
    auto e = engine("boot99");
    auto receipt = e->fork(receipt_.task_id, std::move(request));
    EXPECT_FALSE(receipt.ok());
    return receipt.ok() ? Error("", "") : receipt.error();
  }
  void check() {
    if (on_postgres()) return;
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, IsEmpty());
  }
  std::string text(std::string_view node) { return codec::write_json(output(node)); }
  std::size_t own_steps() {
    auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, receipt_.execution_no); });
    return static_cast<std::size_t>(std::ranges::count_if(
        *steps, [&](const StepView& step) { return step.execution_no == receipt_.execution_no; }));
  }

  std::mutex mutex_;
  std::vector<std::string> ran_;
  std::set<std::string> broken_, published_;
  int boots_ = 0;
};

constexpr std::string_view kDiamond = R"([
  {"id":"a","kind":"call","capability":"t.note","input":{"n":{"$from":"inputs.n"}}},
  {"id":"b","kind":"call","capability":"t.note","needs":["a"],"input":{"b":{"$from":"steps.a.output.n"}}},
  {"id":"c","kind":"call","capability":"t.note","needs":["a"],"input":{"c":{"$from":"steps.a.output.n"},"n":{"$from":"inputs.n"}}},
  {"id":"d","kind":"merge","needs":["b","c"]},
  {"id":"e","kind":"call","capability":"t.note","finally":true}])";

TEST_F(ForkTest, RunsWhatComesAfterAndKeepsTheRest) {
  CreateTask what = task(kDiamond);
  what.inputs = Json::object({{"n", 1}});
  run(std::move(what));
  EXPECT_EQ(text("d"), R"({"b":1,"c":1,"n":1})");
  EXPECT_THAT(fork({.from = "c"}), ElementsAre("c", "e"));
  EXPECT_EQ(text("d"), R"({"b":1,"c":1,"n":1})");
  EXPECT_EQ(text("a"), R"({"n":1})") << "of the execution before";
  EXPECT_EQ(own_steps(), 3u) << "c, d, e: no rows are copied";
  EXPECT_EQ(states().size(), 5u);
  auto journal = store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no); });
  EXPECT_EQ(journal->front().kind, "forked");
  EXPECT_EQ(journal->front().data.at("from").as_string(), "c");
}

TEST_F(ForkTest, SetsInputsAndOutputs) {
  CreateTask what = task(kDiamond);
  what.inputs = Json::object({{"n", 1}});
  run(std::move(what));
  EXPECT_THAT(fork({.from = "c", .edits = {{"inputs.n", 7}, {"steps.a.output.n", 5}, {"steps.a.output.x[0].y", 1}}}),
              ElementsAre("c", "e"));
  EXPECT_EQ(text("d"), R"({"b":1,"c":5,"n":7})") << "b stays as it was";
  EXPECT_EQ(text("a"), R"({"n":5,"x":[{"y":1}]})");
  EXPECT_EQ(own_steps(), 4u);
  auto inputs = store_->read([&](storage::ReadTx& tx) { return read_inputs(tx, receipt_.task_no); });
  EXPECT_EQ(codec::write_json(*inputs), R"({"n":7})");
  // A fork of a fork: what was set stays set.
  EXPECT_THAT(fork({.from = "d"}), ElementsAre("e"));
  EXPECT_EQ(text("d"), R"({"b":1,"c":5,"n":7})");
  EXPECT_THAT(fork({.from = "2"}), ElementsAre("b", "e"));
  EXPECT_EQ(text("d"), R"({"b":5,"c":5,"n":7})");
  // Again from the beginning, without what was set in between: the inputs go on, the output is made anew.
  EXPECT_THAT(fork({.from = "a"}), ElementsAre("a", "b", "c", "e"));
  EXPECT_EQ(text("d"), R"({"b":7,"c":7,"n":7})");
}

TEST_F(ForkTest, AValueTooLargeForARowIsStoredBesides) {
  run(task(kDiamond));
  const std::string large(20'000, 'x');
  EXPECT_THAT(fork({.from = "b", .edits = {{"steps.a.output.n", large}}}), ElementsAre("b", "e"));
  EXPECT_EQ(output("b").at("b").as_string(), large);
}

TEST_F(ForkTest, WhatDidNotSucceedRunsAgainToo) {
  broken_ = {"b"};
  run(task(kDiamond));
  EXPECT_EQ(states().at("b"), StepState::Failed);
  EXPECT_EQ(states().at("d"), StepState::Skipped);
  const auto preview =
      store_->read([&](storage::ReadTx& tx) { return preview_fork(tx, receipt_.task_no, {.from = "c"}); });
  ASSERT_TRUE(preview.ok()) << describe(preview.error());
  EXPECT_THAT(preview->runs, ElementsAre("b", "c", "d", "e"));
  EXPECT_THAT(preview->unasked, ElementsAre("b"));
  EXPECT_THAT(preview->keeps, ElementsAre("a"));
  EXPECT_THAT(fork({.from = "c"}, TaskState::Failed), ElementsAre("b", "c", "e"));
  broken_.clear();
  EXPECT_THAT(fork({.from = "b"}), ElementsAre("b", "e"));
  // Or somebody says what it should have said.
  broken_ = {"b"};
  EXPECT_THAT(fork({.from = "b"}, TaskState::Failed), ElementsAre("b", "e"));
  EXPECT_THAT(fork({.from = "d", .edits = {{"steps.b.output", Json::object({{"b", 9}})}}}), ElementsAre("e"));
  EXPECT_EQ(output("d").at("b").as_integer(), 9);
}

TEST_F(ForkTest, SkippedToleratedAndSuperfluousStepsStayAsTheyEnded) {
  broken_ = {"tolerated"};
  run(task(R"([
    {"id":"a","kind":"call","capability":"t.note"},
    {"id":"no","kind":"call","capability":"t.note","needs":["a"],"when":"false"},
    {"id":"tolerated","kind":"call","capability":"t.note","needs":["a"],"on_failure":"continue"},
    {"id":"never","kind":"wait","on":"signal","name":"go","needs":["a"]},
    {"id":"first","kind":"merge","needs":["a","never"],"join":"any","cancel_rest":true},
    {"id":"after_never","kind":"call","capability":"t.note","needs":[{"id":"never","on_failure":"continue"}]},
    {"id":"any","kind":"merge","needs":["no","tolerated","last"],"join":"any"},
    {"id":"last","kind":"call","capability":"t.note","needs":["no","tolerated","first"],
     "input":{"e":{"$from":"steps.tolerated.error.code"},"n":{"$from":"steps.no.state"},"s":{"$from":"steps.tolerated.state"}}}])"));
  const std::string before = text("last");
  EXPECT_EQ(before, R"({"e":"t.broken","n":"skipped","s":"failed"})");
  EXPECT_THAT(fork({.from = "last"}), ElementsAre("last"));
  EXPECT_EQ(text("last"), before);
  EXPECT_EQ(states().at("any"), StepState::Completed);
  EXPECT_EQ(states().at("never"), StepState::Cancelled);
  EXPECT_EQ(own_steps(), 2u);
}

TEST_F(ForkTest, ACancelledOneGoesOnFromWhereItWas) {
  auto e = engine();
  e->start(runner_);
  auto receipt = e->create(task(R"([{"id":"a","kind":"call","capability":"t.note","input":{"v":3}},
    {"id":"w","kind":"wait","on":"signal","name":"go","needs":["a"]},
    {"id":"z","kind":"call","capability":"t.note","needs":["w"],"input":{"v":{"$from":"steps.a.output.v"}}}])"));
  receipt_ = *receipt;
  finish(*e, receipt->task_id);
  EXPECT_EQ(refused({.from = "z"}).code, "workflow.invalid_transition") << "it is open";
  ASSERT_TRUE(e->cancel(receipt->task_id, "enough").ok());
  finish(*e, receipt->task_id);
  e.reset();
  const Json set = Json::object({{"value", 1}});
  EXPECT_THAT(fork({.from = "z", .edits = {{"steps.w.output", set}}}), ElementsAre("z"));
  EXPECT_EQ(text("z"), R"({"v":3})");
}

TEST_F(ForkTest, MapsAndLoopsRunAnewOrNotAtAll) {
  CreateTask what = task(R"([
    {"id":"m","kind":"map","over":"inputs.list","as":"x","collect":"append",
     "body":{"capability":"t.note","input":{"v":{"$from":"x"}}}},
    {"id":"l","kind":"loop","needs":["m"],"max_iterations":3,"body":{"nodes":[
      {"id":"i","kind":"call","capability":"t.note","input":{"i":{"$from":"iteration"},"m":{"$from":"steps.m.output.items"}}}]}},
    {"id":"z","kind":"call","capability":"t.note","needs":["l"],"input":{"v":{"$from":"steps.l.output.result.i"}}}])");
  what.inputs = Json::object({{"list", Json::array({1, 2})}});
  run(std::move(what));
  EXPECT_THAT(fork({.from = "l"}), ElementsAre("i", "i", "i", "z"));
  EXPECT_EQ(text("z"), R"({"v":3})");
  EXPECT_THAT(fork({.from = "z"}), ElementsAre("z"));
  EXPECT_EQ(text("z"), R"({"v":3})");
  EXPECT_EQ(fork({.from = "m", .edits = {{"inputs.list[2]", 3}}}).size(), 3u + 3u + 1u);
  EXPECT_EQ(output("m").at("items").as_array().size(), 3u);
  const Error in_body = refused({.from = "i"});
  EXPECT_EQ(in_body.code, "workflow.fork_invalid");
  EXPECT_THAT(in_body.message, HasSubstr("'l'"));
}

TEST_F(ForkTest, ChildTasksAreBegunAgainOrKept) {
  run(task(R"([{"id":"c","kind":"child","title":"t","plan":{"v":1,"nodes":[
      {"id":"x","kind":"call","capability":"t.note","input":{"v":4}}]}},
    {"id":"z","kind":"call","capability":"t.note","needs":["c"],"input":{"v":{"$from":"steps.c.output.output.v"}}}])"));
  EXPECT_EQ(text("z"), R"({"v":4})");
  EXPECT_THAT(fork({.from = "z"}), ElementsAre("z"));
  EXPECT_EQ(text("z"), R"({"v":4})");
  EXPECT_THAT(fork({.from = "c"}), ElementsAre("x", "z"));
}

TEST_F(ForkTest, EffectsThatTookPlaceAreRepeatedOnlyIfAsked) {
  run(task(R"([{"id":"a","kind":"call","capability":"t.note"},
    {"id":"p","kind":"call","capability":"t.publish","needs":["a"]},
    {"id":"m","kind":"map","over":"[1,2]","needs":["a"],"body":{"capability":"t.publish"}},
    {"id":"z","kind":"call","capability":"t.note","needs":["p","m"]}])"));
  EXPECT_THAT(fork({.from = "z"}), ElementsAre("z")) << "nothing is repeated";
  EXPECT_EQ(published_.size(), 3u);
  const Error error = refused({.from = "a"});
  EXPECT_EQ(error.code, "workflow.fork_repeats_effects");
  EXPECT_THAT(error.message, HasSubstr("'p', 'm'")) << "of the execution before the fork, too";
  const auto preview =
      store_->read([&](storage::ReadTx& tx) { return preview_fork(tx, receipt_.task_no, {.from = "m"}); });
  ASSERT_EQ(preview->repeats.size(), 1u);
  EXPECT_EQ(preview->repeats[0].node, "m");
  EXPECT_EQ(preview->repeats[0].count, 2);
  EXPECT_THAT(fork({.from = "m", .repeat_effects = true}), UnorderedElementsAre("m", "m", "z"));
  EXPECT_EQ(published_.size(), 5u) << "a fork has effects of its own";
}

TEST_F(ForkTest, RefusesWhatMakesNoSense) {
  CreateTask what = task(kDiamond);
  what.inputs = Json::object({{"n", 1}, {"list", Json::array({1})}});
  run(std::move(what));
  EXPECT_EQ(refused({.from = "nothing"}).code, "workflow.step_not_found");
  EXPECT_EQ(refused({.from = "6"}).code, "workflow.step_not_found");
  EXPECT_EQ(refused({.from = "0"}).code, "workflow.step_not_found");
  EXPECT_EQ(refused({.from = ""}).code, "workflow.step_not_found");
  const auto edit = [&](std::string path, Json value = 1) {
    return refused({.from = "b", .edits = {{std::move(path), std::move(value)}}}).code;
  };
  for (const char* path : {"", "n", "steps", "steps.a", "steps.a.state", "steps.nothing.output", "inputs.", "inputs..n",
                           "inputs.n.x", "inputs.n[0]", "inputs[0]", "inputs.list[2]", "inputs.list[-1]",
                           "inputs.list[x]", "inputs.list[0", "steps.b.output", "steps.d.output.x", "steps.e.output"})
    EXPECT_EQ(edit(path), "workflow.fork_invalid") << path;
  EXPECT_EQ(edit("inputs", 1), "workflow.fork_invalid");
  EXPECT_EQ(edit("inputs.n", std::string(kInputsBytesMax, 'x')), "workflow.fork_invalid");
  EXPECT_EQ(edit("inputs" + std::string(33 * 2, '.')), "workflow.fork_invalid");
  ForkRequest many{.from = "b"};
  for (std::size_t i = 0; i <= kForkEditsMax; ++i) many.edits.push_back({"inputs.x" + std::to_string(i), 1});
  EXPECT_EQ(refused(many).code, "workflow.fork_invalid");
  many.edits.pop_back();
  EXPECT_THAT(fork(many), ElementsAre("b", "e"));
  EXPECT_EQ(refused({.from = "b", .edits = {{"inputs.n", 1}, {"inputs.n.x", 1}}}).code, "workflow.fork_invalid");
}

TEST_F(ForkTest, AForkOfAForkOfAForkHasAnEnd) {
  run(task(R"([{"id":"a","kind":"call","capability":"t.echo"},{"id":"b","kind":"merge","needs":["a"]}])"));
  auto e = engine();
  e->start(runner_);
  for (std::size_t i = 1; i < kForkDepthMax; ++i) {
    ASSERT_TRUE(e->fork(receipt_.task_id, {.from = "b"}).ok()) << i;
    finish(*e, receipt_.task_id);
  }
  const auto last = e->fork(receipt_.task_id, {.from = "b"});
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().code, "workflow.fork_too_deep");
  ASSERT_TRUE(e->retry(receipt_.task_id).ok());
  finish(*e, receipt_.task_id);
  EXPECT_TRUE(e->fork(receipt_.task_id, {.from = "b"}).ok());
  finish(*e, receipt_.task_id);
  check();
}

TEST_F(ForkTest, OneThatNeverBeganIsPassedOver) {
  run(task(kDiamond));
  {
    auto idle = engine("idle");  // Steps don't run there.
    auto receipt = idle->fork(receipt_.task_id, {.from = "b", .edits = {{"inputs.n", 5}}});
    ASSERT_TRUE(receipt.ok()) << describe(receipt.error());
    receipt_ = *receipt;
    ASSERT_TRUE(idle->cancel(receipt_.task_id, "").ok());
    finish(*idle, receipt_.task_id);
  }
  EXPECT_THAT(fork({.from = "c"}), ElementsAre("c", "e"));
  EXPECT_THAT(states().size(), 5u);
}

}  // namespace
}  // namespace wrench::workflow
