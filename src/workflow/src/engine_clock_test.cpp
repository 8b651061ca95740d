#include <atomic>
#include <thread>

#include "engine_test.hpp"

namespace wrench::workflow {
namespace {

/// The clock of a machine, which somebody sets. The time since boot goes on.
class SettableClock final : public Clock {
 public:
  Micros now_us() const override { return machine_.now_us() + ahead_us_.load(); }
  Micros boot_us() const override { return machine_.boot_us(); }
  Micros thread_cpu_us() const override { return machine_.thread_cpu_us(); }
  void set_by(Micros us) { ahead_us_ += us; }

 private:
  const SystemClock machine_;
  std::atomic<Micros> ahead_us_{0};
};

/// On PostgreSQL the time of the server counts, and the worker's own must do no harm.
class ClockTest : public EngineTest {
 protected:
  ClockTest() {
    runner_.add("t.set_back", [this](const StepInvocation& in, StepContext&) -> StepOutcome {
      if (in.attempt > 1) return Completed{Json("done"), {}};
      machine_.set_by(-kMicrosPerDay);
      return Failed{FailureClass::Retryable, Error("t.again", "again"), {}};
    });
    runner_.add("t.set_forward", [this](const StepInvocation&, StepContext& context) -> StepOutcome {
      context.tick({});
      machine_.set_by(kMicrosPerDay);
      for (int i = 0; i < 100 && !context.stop().stop_requested(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return Completed{Json(context.stop().stop_requested()), {}};
    });
    reopen();
  }
  void reopen() {
    store_.reset();
    storage::StoreConfig config;
    if (on_postgres() && url_.empty()) url_ = storage::testing::PostgresServer::shared().new_schema_url();
    config.directory = dir_ / "clock";
    config.database_url = url_;
    config.statements = {statements()};
    config.wal_reserve_bytes = 0;
    auto opened = storage::Store::open(std::move(config), machine_, random_);
    ASSERT_TRUE(opened.ok()) << describe(opened.error());
    store_ = std::move(*opened);
  }
  std::unique_ptr<Engine> start(const std::string& boot) {
    EngineConfig config;
    config.boot_id = boot;
    config.slots = {4, 2, 1};
    config.boot_is_live = [](std::string_view) { return false; };
    auto opened = Engine::open(*store_, std::move(config), machine_, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    (*opened)->start(runner_);
    return std::move(*opened);
  }
  void expect_completes(Engine& e, std::string_view nodes) {
    const auto receipt = e.create(task(nodes));
    ASSERT_TRUE(receipt.ok()) << describe(receipt.error());
    EXPECT_EQ(finish(e, receipt->task_id).task.state, TaskState::Completed);
  }

  SettableClock machine_;
  std::string url_;
};

constexpr std::string_view kRetryAndWait = R"([
  {"id":"a","kind":"call","capability":"t.set_back","retry":{"attempts":3,"first_ms":50}},
  {"id":"b","kind":"wait","on":"until","after_ms":200,"needs":["a"]},
  {"id":"c","kind":"call","capability":"t.echo","needs":["b"]}])";

TEST_F(ClockTest, NothingWaitsForAClockThatWasSetBack) {
  const auto e = start("boot1");
  expect_completes(*e, kRetryAndWait);
  expect_completes(*e, kRetryAndWait);
}

TEST_F(ClockTest, NothingWaitsForTheClockOfAnEarlierProcess) {
  machine_.set_by(kMicrosPerDay);
  expect_completes(*start("boot1"), R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  machine_.set_by(-kMicrosPerDay);
  reopen();
  expect_completes(*start("boot2"), kRetryAndWait);
}

TEST_F(ClockTest, WhatRunsIsNotLateBecauseTheClockWasSetForward) {
  const auto e = start("boot1");
  expect_completes(*e, R"([
    {"id":"a","kind":"call","capability":"t.set_forward","retry":{"attempts":1},"slot":"io",
     "timeouts":{"start_to_close_ms":60000,"heartbeat_ms":30000,"schedule_to_close_ms":100000}},
    {"id":"b","kind":"call","capability":"t.echo","needs":["a"],"input":{"stopped":{"$from":"steps.a.output"}}}])");
  EXPECT_FALSE(e->working().lost) << describe(*e->working().lost);
  expect_completes(*e, kRetryAndWait);
}

}  // namespace
}  // namespace wrench::workflow
