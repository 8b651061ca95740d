#include <chrono>
#include <future>
#include <mutex>

#include "engine_test.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

class BodiesTest : public EngineTest {
 protected:
  BodiesTest() {
    runner_.add("t.add", [](const StepInvocation& in, StepContext&) {
      return Completed{Json::object({{"n", in.input.at("a").as_integer() + in.input.at("b").as_integer()}}), {}};
    });
    runner_.add("t.note", [this](const StepInvocation& in, StepContext&) {
      const std::lock_guard lock(mutex_);
      notes_.push_back(codec::write_json(in.input));
      return Completed{in.input, {}};
    });
  }
  std::string text(std::string_view node) { return codec::write_json(output(node)); }

  std::mutex mutex_;
  std::vector<std::string> notes_;
};

TEST_F(BodiesTest, ALoopRunsItsBodyUntilTheConditionHolds) {
  run(task(R"([{"id":"l","kind":"loop","max_iterations":10,"until":"output.n >= 6","body":{"nodes":[
    {"id":"one","kind":"call","capability":"t.add","input":{"a":{"$expr":"previous.n == null ? 0 : previous.n"},"b":1}},
    {"id":"two","kind":"call","capability":"t.add","needs":["one"],
     "input":{"a":{"$from":"steps.one.output.n"},"b":{"$from":"iteration"}}}]}}])"));
  EXPECT_EQ(text("l"), R"({"result":{"n":9},"iterations":3,"ended_by":"condition"})") << "0+1+1, 2+1+2, 5+1+3";
}

TEST_F(BodiesTest, ALoopEndsWithItsIterationsOrWithoutProgress) {
  run(task(R"([{"id":"l","kind":"loop","max_iterations":3,"body":{"nodes":[
    {"id":"a","kind":"call","capability":"t.echo","input":{"i":{"$from":"iteration"}}}]}}])"));
  EXPECT_EQ(text("l"), R"({"result":{"i":3},"iterations":3,"ended_by":"iterations"})");
  run(task(R"([{"id":"l","kind":"loop","max_iterations":30,"body":{"nodes":[
    {"id":"a","kind":"call","capability":"t.echo","input":{"same":true}}]}}])"));
  EXPECT_EQ(text("l"),
            R"({"result":{"same":true},"iterations":2,"ended_by":"no_progress","partial":"workflow.no_progress"})");
}

TEST_F(BodiesTest, AFailureInABodyFailsWhatItIsIn) {
  const TaskOutcome out = run(task(R"([{"id":"l","kind":"loop","max_iterations":3,"body":{"nodes":[
    {"id":"a","kind":"call","capability":"t.fail"},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}]}}])"));
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_EQ(states().at("l"), StepState::Failed);
  EXPECT_EQ(out.execution.error.at("step").as_string(), "l");
  EXPECT_EQ(out.execution.error.at("error").at("code").as_string(), "workflow.children_failed");
  const TaskOutcome tolerant = run(task(R"([{"id":"l","kind":"loop","max_iterations":1,"body":{"nodes":[
    {"id":"a","kind":"call","capability":"t.fail"},
    {"id":"b","kind":"call","capability":"t.echo","needs":[{"id":"a","on_failure":"continue"}],
     "input":{"state":{"$from":"steps.a.state"},"code":{"$from":"steps.a.error.code"}}}]}}])"));
  EXPECT_EQ(tolerant.task.state, TaskState::Completed);
  EXPECT_EQ(text("l"), R"({"result":{"state":"failed","code":"t.broken"},"iterations":1,"ended_by":"iterations"})");
}

TEST_F(BodiesTest, AMapRunsABodyOfSeveralStepsForEachItem) {
  CreateTask what = task(R"([{"id":"m","kind":"map","over":"inputs.list","as":"x","max_parallel":2,"collect":"append",
    "body":{"nodes":[
      {"id":"a","kind":"call","capability":"t.add","input":{"a":{"$from":"x"},"b":1}},
      {"id":"in","kind":"map","over":"[1, 2]","as":"y","needs":["a"],"collect":"append",
       "body":{"capability":"t.add","input":{"a":{"$from":"x"},"b":{"$from":"y"}}}},
      {"id":"b","kind":"call","capability":"t.echo","needs":["a","in"],
       "input":{"a":{"$from":"steps.a.output.n"},"in":{"$from":"steps.in.output.items"}}}],
      "output":{"$from":"steps.b.output"}}}])");
  what.inputs = Json::object({{"list", Json::array({10, 20, 30})}});
  run(std::move(what));
  EXPECT_EQ(text("m"), R"({"items":[{"a":11,"in":[{"n":11},{"n":12}]},{"a":21,"in":[{"n":21},{"n":22}]},)"
                       R"({"a":31,"in":[{"n":31},{"n":32}]}]})");
}

TEST_F(BodiesTest, WhatStandsInABodyIsSeenInsideOfItOnly) {
  run(task(R"([{"id":"m","kind":"map","over":"[1]","body":{"nodes":[
      {"id":"a","kind":"call","capability":"t.echo","input":{"v":1}}]}},
    {"id":"z","kind":"call","capability":"t.echo","needs":["m"],"input":{"a":{"$from":"steps.a.output"}}}])"));
  EXPECT_EQ(text("z"), R"({"a":null})");
}

TEST_F(BodiesTest, JoinsOfSomeRunAsSoonAsEnoughCompleted) {
  std::promise<void> go;
  auto gate = go.get_future().share();
  runner_.add("t.slow", [gate](const StepInvocation&, StepContext& context) -> StepOutcome {
    while (!context.stop().stop_requested() &&
           gate.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    }
    return Yielded{};
  });
  const TaskOutcome out = run(task(R"([
    {"id":"fast","kind":"call","capability":"t.echo","needs":["no"],"input":{"v":1}},
    {"id":"slow","kind":"call","capability":"t.slow"},
    {"id":"no","kind":"call","capability":"t.echo","when":"false"},
    {"id":"j","kind":"merge","needs":["no","slow","fast"],"join":"any","cancel_rest":true}])"));
  EXPECT_EQ(out.task.state, TaskState::Completed);
  EXPECT_EQ(text("j"), R"({"v":1})");
  EXPECT_EQ(states().at("slow"), StepState::Cancelled);
  EXPECT_EQ(states().at("no"), StepState::Skipped);
  go.set_value();
}

TEST_F(BodiesTest, AJoinThatCannotBeReachedIsSkipped) {
  run(task(R"([
    {"id":"a","kind":"call","capability":"t.echo","when":"false"},
    {"id":"b","kind":"call","capability":"t.echo"},
    {"id":"j","kind":"merge","needs":["a","b"],"join":2},
    {"id":"after","kind":"call","capability":"t.echo","needs":["j"]}])"));
  EXPECT_EQ(states().at("j"), StepState::Skipped);
  EXPECT_EQ(states().at("after"), StepState::Completed) << "a skipped need counts as done";
}

TEST_F(BodiesTest, AnOutputThatIsNotWhatThePlanAsksForIsAFailure) {
  const TaskOutcome out = run(task(R"([
    {"id":"a","kind":"call","capability":"t.echo","input":{"n":3},"ensure":"output.n > 3","on_failure":"continue"},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"input":{"code":{"$from":"steps.a.error.code"}}}])"));
  EXPECT_EQ(out.task.state, TaskState::Completed);
  EXPECT_EQ(states().at("a"), StepState::Failed);
  EXPECT_EQ(text("b"), R"({"code":"workflow.condition_false"})");
}

TEST_F(BodiesTest, AnOutputThatWontDoIsTriedAgainIfThePlanSaysSo) {
  std::atomic<int> n{0};
  runner_.add(
      "t.count", [&](const StepInvocation&, StepContext&) { return Completed{Json::object({{"n", ++n}}), {}}; },
      Effect::Guarded);
  run(task(R"([{"id":"a","kind":"call","capability":"t.count","ensure":"output.n == 3","ensure_retry":true,
                "retry":{"attempts":5,"first_ms":1,"cap_ms":1}}])"));
  EXPECT_EQ(text("a"), R"({"n":3})");
}

TEST_F(BodiesTest, MergesFilterAndCombine) {
  run(task(R"([
    {"id":"a","kind":"call","capability":"t.echo","input":{"items":[1,5,9]}},
    {"id":"b","kind":"call","capability":"t.echo","input":{"content":"two"}},
    {"id":"f","kind":"merge","strategy":"filter","filter":"item in [5, 9]","needs":["a"]},
    {"id":"c","kind":"merge","strategy":"combine_content","from":["one",{"$from":"steps.b.output"},{"content":"three"}],"needs":["b"]}])"));
  EXPECT_EQ(text("f"), R"({"items":[5,9]})");
  EXPECT_EQ(text("c"), R"({"content":"one\n\ntwo\n\nthree","parts":3})");
}

TEST_F(BodiesTest, ChoosesTheBestCandidate) {
  run(task(R"([
    {"id":"s","kind":"choose","strategy":"highest_weighted_score","criteria":[{"name":"clear","weight":2},{"name":"short"}],
     "from":[{"name":"a","value":{"clear":1,"short":9}},{"name":"b","value":{"clear":6,"short":1}},{"name":"none","value":null}]},
    {"id":"judged","kind":"choose","criteria":[{"name":"q"}],"scores":{"a":{"q":1},"b":{"q":1}},
     "from":[{"name":"a","value":"x"},{"name":"b","value":"y"}]},
    {"id":"v","kind":"choose","strategy":"first_valid","schema":{"type":"integer"},
     "from":[{"name":"a","value":"x"},{"name":"b","value":7}]},
    {"id":"m","kind":"choose","strategy":"majority",
     "from":[{"name":"a","value":1},{"name":"b","value":{"x":1,"y":2}},{"name":"c","value":{"y":2,"x":1}}]}])"));
  EXPECT_EQ(text("s"), R"({"winner":"b","index":1,"output":{"clear":6,"short":1},"scores":[{"name":"a","score":11.0},)"
                       R"({"name":"b","score":13.0}],"losers":["a"]})");
  EXPECT_EQ(output("judged").at("winner").as_string(), "a") << "of equals the earliest";
  EXPECT_EQ(output("v").at("winner").as_string(), "b");
  EXPECT_EQ(output("m").at("winner").as_string(), "b");
  const TaskOutcome out = run(task(R"([{"id":"v","kind":"choose","strategy":"first_valid","schema":{"type":"integer"},
     "from":[{"name":"a","value":"x"}]}])"));
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_THAT(codec::write_json(out.execution.error), HasSubstr("workflow.no_winner"));
}

}  // namespace
}  // namespace wrench::workflow
