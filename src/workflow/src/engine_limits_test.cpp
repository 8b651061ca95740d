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

}  // namespace
}  // namespace wrench::workflow
