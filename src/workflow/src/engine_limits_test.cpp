#include <functional>
#include <set>
#include <thread>

#include "engine_test.hpp"
#include "limits.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

TEST(Limits, LetABurstBeginAndThenOneInEachPeriod) {
  LimitRow row{.key = "r:1:x", .period_us = 1'000, .burst = 3};
  const Micros start = 1'000'000;
  EXPECT_EQ(limits::available(row, start), 3);
  for (int i = 0; i < 3; ++i) limits::take(row, start);
  EXPECT_EQ(limits::available(row, start), 0);
  EXPECT_EQ(limits::next_at(row), start + 1'000);
  EXPECT_EQ(limits::available(row, start + 999), 0);
  EXPECT_EQ(limits::available(row, start + 1'000), 1);
  EXPECT_EQ(limits::available(row, start + 2'500), 2);
  EXPECT_EQ(limits::available(row, start + 60'000'000), 3);  // What isn't used isn't saved beyond the burst.
}

TEST(Limits, SurviveBeingWritten) {
  limits::Evaluated its{"c:1:\"x\"", 3, "r:1:y", 250'000, 7};
  EXPECT_EQ(limits::Evaluated::parse(its.str()).str(), its.str());
  its.rate.clear();
  EXPECT_EQ(limits::Evaluated::parse(its.str()).rate, "");
}

class LimitsTest : public EngineTest {
 protected:
  LimitsTest() {
    runner_.add("t.count", [this](const StepInvocation& in, StepContext& context) -> StepOutcome {
      const std::string key(in.input.at("k").as_string("one"));
      {
        const std::lock_guard lock(mutex_);
        most_[key] = std::max(most_[key], ++now_[key]);
        began_.push_back(clock_.now_us());
      }
      for (int i = 0; i < 5 && !context.stop().stop_requested(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      while (hold_ && !context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      const std::lock_guard lock(mutex_);
      --now_[key];
      if (context.stop().stop_requested()) return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
      return Completed{Json(1), {}};
    });
  }

  void expect_sound() {
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, IsEmpty());
    const auto use = store_->read([](storage::ReadTx& tx) { return limits::in_use(tx); });
    EXPECT_EQ(use.ok() ? *use : -1, 0);
  }

  std::mutex mutex_;
  std::map<std::string, int> now_, most_;
  std::vector<Micros> began_;
  std::atomic<bool> hold_{false};
};

/// `count` items, each with the key and the other members of `limits`.
std::string map_of(int count, std::string_view limits, std::string_view input = R"({"k":"one"})") {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
  return R"({"id":"m","kind":"map","over":"[)" + list + R"(]","as":"i","max_parallel":50,"collect":"append","body":)" +
         R"({"capability":"t.count","input":)" + std::string(input) + "," + std::string(limits) + "}}";
}

TEST_F(LimitsTest, NoMoreOfAKeyRunThanItsLimit) {
  const TaskOutcome done = run(task("[" + map_of(12, R"("concurrency":{"key":"'one'","limit":2})") + "]"));
  EXPECT_EQ(done.task.state, TaskState::Completed);
  EXPECT_EQ(most_["one"], 2);
  expect_sound();
}

TEST_F(LimitsTest, AKeyThatIsUsedUpHoldsUpNobodyElse) {
  hold_ = true;
  auto e = engine();
  e->start(runner_);
  const auto held = e->create(task("[" + map_of(8, R"("concurrency":{"key":"'one'"})") + "]"));
  ASSERT_TRUE(held.ok());
  const auto other = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(finish(*e, other->task_id).task.state, TaskState::Completed);
  std::size_t parked = 0;
  for (int i = 0; i < 1'000 && parked < 7; ++i) {
    const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, held->execution_no); });
    parked = static_cast<std::size_t>(
        std::count_if(steps->begin(), steps->end(), [](const StepView& step) { return step.parked_for == "one"; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(parked, 7U);  // People see what they wait for.
  hold_ = false;
  EXPECT_EQ(finish(*e, held->task_id).task.state, TaskState::Completed);
  EXPECT_EQ(most_["one"], 1);
  expect_sound();
}

TEST_F(LimitsTest, KeysAreValuesOfTheRun) {
  const TaskOutcome done = run(task("[" +
                                    map_of(9, R"("concurrency":{"key":"i % 3","limit":"1 + 0"})",
                                           R"j({"k":{"$expr":"i % 3 == 0 ? 'a' : i % 3 == 1 ? 'b' : 'c'"}})j") +
                                    "]"));
  EXPECT_EQ(done.task.state, TaskState::Completed) << codec::write_json(done.execution.error);
  for (const auto& [key, most] : most_) EXPECT_EQ(most, 1) << key;
  expect_sound();
}

TEST_F(LimitsTest, NoMoreBeginThanTheRate) {
  const TaskOutcome done = run(task("[" + map_of(8, R"("rate":{"key":"'r'","per_s":50,"burst":2})") + "]"));
  EXPECT_EQ(done.task.state, TaskState::Completed);
  std::sort(began_.begin(), began_.end());
  ASSERT_EQ(began_.size(), 8U);
  EXPECT_GE(began_.back() - began_.front(), 5 * 20 * kMicrosPerMs);  // The first two at once, then one in 20 ms.
  expect_sound();
}

TEST_F(LimitsTest, WhatIsNotToWaitIsRefused) {
  hold_ = true;
  auto e = engine();
  e->start(runner_);
  constexpr std::string_view kOne =
      R"([{"id":"a","kind":"call","capability":"t.count","concurrency":{"key":"'one'","strategy":"cancel_newest"}}])";
  const auto first = e->create(task(kOne));
  ASSERT_TRUE(first.ok());
  for (int i = 0; i < 1'000 && most_["one"] == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto second = e->create(task(kOne));
  ASSERT_TRUE(second.ok());
  const TaskOutcome refused = finish(*e, second->task_id);
  EXPECT_EQ(refused.task.state, TaskState::Failed);
  EXPECT_THAT(codec::write_json(refused.execution.error), HasSubstr("workflow.key_busy"));
  hold_ = false;
  EXPECT_EQ(finish(*e, first->task_id).task.state, TaskState::Completed);
  expect_sound();
}

TEST_F(LimitsTest, WhatIsCancelledOrPausedGivesWay) {
  hold_ = true;
  auto e = engine();
  e->start(runner_);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const auto receipt = e->create(task("[" + map_of(3, R"("concurrency":{"key":"'one'"})") + "]"));
    ASSERT_TRUE(receipt.ok());
    ids.push_back(receipt->task_id);
  }
  for (int i = 0; i < 1'000 && most_["one"] == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(e->pause(ids[1], false).ok());
  ASSERT_TRUE(e->cancel(ids[0], "no").ok());
  EXPECT_EQ(finish(*e, ids[0]).task.state, TaskState::Cancelled);
  hold_ = false;
  EXPECT_EQ(finish(*e, ids[2]).task.state, TaskState::Completed);
  ASSERT_TRUE(e->resume(ids[1]).ok());
  for (int i = 0; i < 1'000; ++i) {
    if (finish(*e, ids[1]).task.state == TaskState::Completed) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(finish(*e, ids[1]).task.state, TaskState::Completed);
  EXPECT_EQ(most_["one"], 1);
  expect_sound();
}

TEST_F(LimitsTest, ProcessesShareTheLimits) {
  auto one = engine("boot1");
  auto two = engine("boot2");
  one->start(runner_);
  two->start(runner_);
  std::vector<std::pair<Engine*, std::string>> all;
  for (int i = 0; i < 4; ++i) {
    Engine* e = i % 2 == 0 ? one.get() : two.get();
    const auto receipt = e->create(task("[" + map_of(4, R"("concurrency":{"key":"'one'","limit":2})") + "]"));
    ASSERT_TRUE(receipt.ok());
    all.emplace_back(e, receipt->task_id);
  }
  for (const auto& [e, id] : all) EXPECT_EQ(finish(*e, id).task.state, TaskState::Completed);
  EXPECT_THAT(most_["one"], Le(2));
  expect_sound();
}

TEST_F(LimitsTest, WhoTakesOverTakesTheKeysToo) {
  hold_ = true;
  std::string id;
  {
    auto e = engine("boot1");
    e->start(runner_);
    const auto receipt = e->create(task("[" + map_of(5, R"("concurrency":{"key":"'one'"})") + "]"));
    ASSERT_TRUE(receipt.ok());
    id = receipt->task_id;
    for (int i = 0; i < 1'000 && most_["one"] == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  live_.clear();
  hold_ = false;
  auto e = engine("boot2");
  e->start(runner_);
  ASSERT_TRUE(e->resume(id).ok());
  EXPECT_EQ(finish(*e, id).task.state, TaskState::Completed);
  expect_sound();
}

/// What becomes of its steps is told in the order of their beginnings.
class StrategiesTest : public LimitsTest {
 protected:
  StrategiesTest() {
    runner_.add("t.named", [this](const StepInvocation& in, StepContext& context) -> StepOutcome {
      const std::string name(in.input.at("name").as_string());
      begun(name);
      while (!released(name) && !context.stop().stop_requested())
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (context.stop().stop_requested() && !deaf_.contains(name))
        return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
      while (!released(name)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return Completed{Json(name), {}};
    });
  }

  void begun(const std::string& name) {
    const std::lock_guard lock(mutex_);
    order_.push_back(name);
  }
  bool released(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return released_.contains("*") || released_.contains(name);
  }
  void release(const std::string& name) {
    const std::lock_guard lock(mutex_);
    released_.insert(name);
  }
  std::vector<std::string> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  bool wait_for(const std::function<bool()>& what) {
    for (int i = 0; i < 2'000; ++i) {
      if (what()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  bool has_begun(const std::string& name) {
    return wait_for([&] { return std::ranges::count(order(), name) > 0; });
  }

  /// A task of one step within the key 'one'; `concurrency`: what else there is to say.
  TaskReceipt create(Engine& e, const std::string& name, std::string_view concurrency, std::string_view node = {}) {
    CreateTask what =
        task(R"([{"id":"a","kind":"call","capability":"t.named","input":{"name":")" + name +
             R"("},"concurrency":{"key":"'one'")" + std::string(concurrency) + "}" + std::string(node) + "}]");
    what.title = name;
    auto receipt = e.create(std::move(what));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    return receipt.ok() ? *receipt : TaskReceipt{};
  }
  bool is_parked(const TaskReceipt& of) {
    return wait_for([&] {
      const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, of.execution_no); });
      return steps.ok() && !steps->empty() && steps->front().parked_for == "one";
    });
  }
  StepState state_of(const TaskReceipt& of) {
    const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, of.execution_no); });
    return steps->front().state;
  }
  void expect_superseded(Engine& e, const TaskReceipt& of) {
    const TaskOutcome lost = finish(e, of.task_id);
    EXPECT_EQ(lost.task.state, TaskState::Failed);
    EXPECT_EQ(state_of(of), StepState::Cancelled);
    EXPECT_THAT(
        codec::write_json(lost.execution.error),
        HasSubstr(R"({"code":"workflow.superseded","message":"a newer step of its key 'one' took its place"})"));
  }

  std::vector<std::string> order_;
  std::set<std::string> released_, deaf_;
};

TEST_F(StrategiesTest, SubKeysTakeTurns) {
  auto e = engine();
  e->start(runner_);
  const auto turn = [&](const std::string& name) {
    return create(*e, name, R"(,"strategy":"round_robin","by":"')" + name.substr(0, 1) + R"('")");
  };
  std::vector<TaskReceipt> all = {turn("x0")};
  ASSERT_TRUE(has_begun("x0"));
  for (const auto* name : {"a1", "a2", "a3", "b1", "c1", "a4", "b2"}) {
    all.push_back(turn(name));
    ASSERT_TRUE(is_parked(all.back())) << name;
  }
  release("*");
  for (const TaskReceipt& one : all) EXPECT_EQ(finish(*e, one.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("x0", "a1", "b1", "c1", "a2", "b2", "a3", "a4"));
  expect_sound();
}

TEST_F(StrategiesTest, WhoComesLaterHasNoTurnsToCatchUpOn) {
  auto e = engine();
  e->start(runner_);
  const auto turn = [&](const std::string& name) {
    return create(*e, name, R"(,"strategy":"round_robin","by":"')" + name.substr(0, 1) + R"('")");
  };
  std::vector<TaskReceipt> all = {turn("a0")};
  ASSERT_TRUE(has_begun("a0"));
  const auto add = [&](const std::string& name) {
    all.push_back(turn(name));
    ASSERT_TRUE(is_parked(all.back())) << name;
  };
  for (const auto* name : {"a1", "a2", "a3", "a4", "a5"}) add(name);
  for (const auto* name : {"a0", "a1"}) {
    release(name);
    ASSERT_TRUE(has_begun(std::string("a") + static_cast<char>(name[1] + 1)));
  }
  for (const auto* name : {"b1", "b2", "b3"}) add(name);  // While a2 runs: from now on they alternate.
  release("*");
  for (const TaskReceipt& one : all) EXPECT_EQ(finish(*e, one.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("a0", "a1", "a2", "a3", "b1", "a4", "b2", "a5", "b3"));
  expect_sound();
}

TEST_F(StrategiesTest, TheNewestTakesThePlaceOfTheOldestThatRuns) {
  auto e = engine();
  e->start(runner_);
  constexpr std::string_view kTake = R"(,"limit":2,"strategy":"cancel_running")";
  const TaskReceipt oldest = create(*e, "oldest", kTake);
  ASSERT_TRUE(has_begun("oldest"));
  const TaskReceipt old = create(*e, "old", kTake);
  ASSERT_TRUE(has_begun("old"));
  const TaskReceipt newest = create(*e, "newest", kTake);
  ASSERT_TRUE(has_begun("newest"));
  expect_superseded(*e, oldest);
  EXPECT_EQ(state_of(old), StepState::Running);
  release("*");
  EXPECT_EQ(finish(*e, old.task_id).task.state, TaskState::Completed);
  EXPECT_EQ(finish(*e, newest.task_id).task.state, TaskState::Completed);
  expect_sound();
}

TEST_F(StrategiesTest, APlaceIsFreeOnlyWhenWhoHadItIsGone) {
  deaf_ = {"deaf"};
  auto e = engine();
  e->start(runner_);
  constexpr std::string_view kTake = R"(,"strategy":"cancel_running")";
  const TaskReceipt deaf = create(*e, "deaf", kTake);
  ASSERT_TRUE(has_begun("deaf"));
  const TaskReceipt second = create(*e, "second", kTake);
  ASSERT_TRUE(is_parked(second));
  const TaskReceipt third = create(*e, "third", kTake);  // The second would be stopped as soon as it began.
  expect_superseded(*e, second);
  EXPECT_TRUE(is_parked(third));
  EXPECT_EQ(state_of(deaf), StepState::Running);
  EXPECT_THAT(order(), ::testing::ElementsAre("deaf"));
  release("*");
  EXPECT_EQ(finish(*e, deaf.task_id).task.state, TaskState::Completed) << "it completed before it was stopped";
  EXPECT_EQ(finish(*e, third.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("deaf", "third"));
  expect_sound();
}

TEST_F(StrategiesTest, AGuardedEffectThatWasBegunIsNotForgotten) {
  runner_.add(
      "t.pay",
      [this](const StepInvocation&, StepContext& context) -> StepOutcome {
        const auto ticket = context.begin_effect(0, Json::object());
        begun("pay");
        while (!context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
      },
      Effect::Guarded);
  auto e = engine();
  e->start(runner_);
  const auto paying =
      e->create(task(R"([{"id":"a","kind":"call","capability":"t.pay","concurrency":{"key":"'one'"}}])"));
  ASSERT_TRUE(paying.ok());
  ASSERT_TRUE(has_begun("pay"));
  const TaskReceipt next = create(*e, "next", R"(,"strategy":"cancel_running")");
  ASSERT_TRUE(has_begun("next"));
  ASSERT_TRUE(wait_for([&] { return state_of(*paying) == StepState::Uncertain; }));
  release("*");
  EXPECT_EQ(finish(*e, next.task_id).task.state, TaskState::Completed);
  ASSERT_TRUE(e->decide_step(paying->task_id, 1, StepDecision::Skip).ok());
  EXPECT_EQ(finish(*e, paying->task_id).task.state, TaskState::Completed) << "what a person says counts";
  expect_sound();
}

TEST_F(StrategiesTest, OnlyTheNewestWaits) {
  auto e = engine();
  e->start(runner_);
  constexpr std::string_view kNewest = R"(,"strategy":"keep_newest_queued")";
  const TaskReceipt runs = create(*e, "runs", kNewest);
  ASSERT_TRUE(has_begun("runs"));
  const TaskReceipt first = create(*e, "first", kNewest);
  ASSERT_TRUE(is_parked(first));
  const TaskReceipt second = create(*e, "second", kNewest);
  expect_superseded(*e, first);
  EXPECT_TRUE(is_parked(second));
  release("*");
  EXPECT_EQ(finish(*e, runs.task_id).task.state, TaskState::Completed) << "what runs is left alone";
  EXPECT_EQ(finish(*e, second.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("runs", "second"));
  expect_sound();
}

TEST_F(StrategiesTest, LosingAPlaceIsAFailureThatAPlanCanTolerate) {
  auto e = engine();
  e->start(runner_);
  const TaskReceipt runs = create(*e, "runs", "");
  ASSERT_TRUE(has_begun("runs"));
  const auto lost = e->create(task(R"([
    {"id":"a","kind":"call","capability":"t.named","input":{"name":"lost"},"on_failure":"continue",
     "concurrency":{"key":"'one'","strategy":"keep_newest_queued"}},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"],
     "input":{"state":{"$from":"steps.a.state"},"code":{"$from":"steps.a.error.code"}}}])"));
  ASSERT_TRUE(lost.ok());
  ASSERT_TRUE(is_parked(*lost));
  const TaskReceipt newest = create(*e, "newest", R"(,"strategy":"keep_newest_queued")");
  EXPECT_EQ(finish(*e, lost->task_id).task.state, TaskState::Completed);
  receipt_ = *lost;
  EXPECT_EQ(codec::canonical_json(output("b")), R"({"code":"workflow.superseded","state":"cancelled"})");
  release("*");
  EXPECT_EQ(finish(*e, newest.task_id).task.state, TaskState::Completed);
  expect_sound();
}

TEST_F(StrategiesTest, OfAMapItCountsAsAnItemThatFailed) {
  runner_.add("t.hold", [this](const StepInvocation&, StepContext&) {
    while (!released("hold")) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return Completed{Json(1), {}};
  });
  auto e = engine();
  e->start(runner_);
  const auto map = e->create(task(
      R"([{"id":"m","kind":"map","over":"[1,2,3]","as":"i","collect":"append","on_failure":"continue","body":
      {"capability":"t.hold","concurrency":{"key":"'one'","strategy":"keep_newest_queued"}}}])"));
  ASSERT_TRUE(map.ok());
  ASSERT_TRUE(wait_for([&] {
    const auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, map->execution_no); });
    return std::ranges::count_if(*steps, [](const StepView& s) { return s.state == StepState::Cancelled; }) == 1;
  }));
  release("hold");
  EXPECT_EQ(finish(*e, map->task_id).task.state, TaskState::Completed);
  receipt_ = *map;
  EXPECT_EQ(output("m").at("items").as_array().size(), 3U);
  EXPECT_EQ(output("m").at("failed").as_array().size(), 1U);
  expect_sound();
}

/// The strategy of who comes counts, whatever those before it said; each begins within its own limit.
TEST_F(StrategiesTest, OfSeveralStrategiesThatOfTheNewcomerCounts) {
  auto e = engine();
  e->start(runner_);
  const TaskReceipt runs = create(*e, "runs", R"(,"limit":2)");
  ASSERT_TRUE(has_begun("runs"));
  const TaskReceipt queued = create(*e, "queued", "");  // Only while nobody else runs.
  ASSERT_TRUE(is_parked(queued));
  const TaskReceipt beside = create(*e, "beside", R"(,"limit":2)");
  ASSERT_TRUE(has_begun("beside")) << "a smaller limit is only its own";
  const TaskReceipt alone = create(*e, "alone", R"(,"strategy":"keep_newest_queued")");
  expect_superseded(*e, queued);
  ASSERT_TRUE(is_parked(alone));
  const TaskReceipt last = create(*e, "last", "");
  ASSERT_TRUE(is_parked(last)) << "and one that only waits leaves those before it alone";
  const TaskReceipt takes = create(*e, "takes", R"(,"strategy":"cancel_running")");
  expect_superseded(*e, runs);
  expect_superseded(*e, beside);
  ASSERT_TRUE(has_begun("takes")) << "before those that wait: the place was made free for it";
  EXPECT_TRUE(is_parked(alone));
  release("*");
  for (const TaskReceipt& one : {alone, last, takes})
    EXPECT_EQ(finish(*e, one.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("runs", "beside", "takes", "alone", "last"));
  expect_sound();
}

TEST_F(StrategiesTest, AnotherProcessHearsOfItThroughTheStore) {
  auto one = engine("boot1");
  auto two = engine("boot2");
  one->start(runner_);
  two->start(runner_);
  const TaskReceipt runs = create(*one, "runs", R"(,"strategy":"cancel_running")");
  ASSERT_TRUE(has_begun("runs"));
  const TaskReceipt takes = create(*two, "takes", R"(,"strategy":"cancel_running")");
  ASSERT_TRUE(has_begun("takes"));
  expect_superseded(*one, runs);
  const TaskReceipt first = create(*one, "first", R"(,"strategy":"keep_newest_queued")");
  ASSERT_TRUE(is_parked(first));
  const TaskReceipt second = create(*two, "second", R"(,"strategy":"keep_newest_queued")");
  expect_superseded(*one, first);
  release("*");
  for (const TaskReceipt& of : {takes, second}) EXPECT_EQ(finish(*two, of.task_id).task.state, TaskState::Completed);
  expect_sound();
}

TEST_F(StrategiesTest, WhoseProcessDiedHearsOfItWhenItIsTakenOver) {
  if (on_postgres()) GTEST_SKIP() << "any worker hears of it";
  auto two = engine("boot2");
  two->start(runner_);
  auto one = engine("boot1");
  one->start(runner_);
  const TaskReceipt runs = create(*one, "runs", R"(,"strategy":"cancel_running")");
  ASSERT_TRUE(has_begun("runs"));
  const TaskReceipt takes = create(*two, "takes", R"(,"strategy":"cancel_running")");
  ASSERT_TRUE(is_parked(takes));
  one.reset();  // Most likely before it heard of it; what ran there could begin again.
  live_.erase("boot1");
  EXPECT_TRUE(two->resume(runs.task_id).ok());
  expect_superseded(*two, runs);
  release("*");
  EXPECT_EQ(finish(*two, takes.task_id).task.state, TaskState::Completed);
  EXPECT_THAT(order(), ::testing::ElementsAre("runs", "takes"));
  expect_sound();
}

TEST(KeyStrategies, BelongTogetherWithTheirSubKeys) {
  const auto parse = [](const std::string& concurrency) {
    return Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y","concurrency":)" +
                            concurrency + "}]}");
  };
  EXPECT_TRUE(parse(R"({"key":"'k'","strategy":"round_robin","by":"inputs.user"})").ok());
  const auto without = parse(R"({"key":"'k'","strategy":"round_robin"})");
  ASSERT_FALSE(without.ok());
  EXPECT_THAT(without.error().message, HasSubstr("the strategy 'round_robin' and the sub-key 'by' belong together"));
  EXPECT_FALSE(parse(R"({"key":"'k'","by":"inputs.user"})").ok());
  const auto unknown = parse(R"({"key":"'k'","strategy":"lifo"})");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message,
              HasSubstr("known: queue, cancel_newest, round_robin, cancel_running, keep_newest_queued"));
}

}  // namespace
}  // namespace wrench::workflow
