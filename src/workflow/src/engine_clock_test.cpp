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
  std::unique_ptr<storage::Store> open_store_at(const Clock& clock) {
    storage::StoreConfig config;
    config.directory = dir_ / "clock";
    config.database_url = url_;
    config.statements = {statements()};
    config.wal_reserve_bytes = 0;
    auto opened = storage::Store::open(std::move(config), clock, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  void reopen() {
    store_.reset();
    if (on_postgres() && url_.empty()) url_ = storage::testing::PostgresServer::shared().new_schema_url();
    store_ = open_store_at(machine_);
    ASSERT_NE(store_, nullptr);
  }
  /// Another process, on a machine whose clock is right.
  std::unique_ptr<storage::Store> open_elsewhere() { return open_store_at(clock_); }
  std::unique_ptr<Engine> open(const std::string& boot, storage::Store& store, const Clock& clock) {
    EngineConfig config;
    config.boot_id = boot;
    config.slots = {4, 2, 1};
    config.boot_is_live = [](std::string_view) { return false; };
    auto opened = Engine::open(store, std::move(config), clock, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  std::unique_ptr<Engine> start(const std::string& boot) {
    auto opened = open(boot, *store_, machine_);
    if (opened) opened->start(runner_);
    return opened;
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

constexpr std::string_view kWait = R"([
  {"id":"a","kind":"wait","on":"until","after_ms":1500},
  {"id":"b","kind":"call","capability":"t.echo","needs":["a"]}])";

/// Nothing is written meanwhile from which an engine would learn what the time is.
TEST_F(ClockTest, AnIdleEngineNoticesThatTheClockWasSetBack) {
  const auto e = start("boot1");
  const auto waiting = e->create(task(kWait));
  ASSERT_TRUE(waiting.ok()) << describe(waiting.error());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  machine_.set_by(-kMicrosPerDay);
  EXPECT_EQ(finish(*e, waiting->task_id).task.state, TaskState::Completed);
  EXPECT_FALSE(e->working().lost) << describe(*e->working().lost);
}

/// A worker hears of it by its event alone.
TEST_F(ClockTest, AnIdleEngineWhoseClockWasSetBackHearsOfTasks) {
  const auto e = start("boot1");
  expect_completes(*e, R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  machine_.set_by(-kMicrosPerDay);
  const auto elsewhere = on_postgres() ? open_elsewhere() : nullptr;
  const auto person = on_postgres() ? open("person", *elsewhere, clock_) : nullptr;
  expect_completes(person ? *person : *e, R"([{"id":"a","kind":"call","capability":"t.echo"}])");
}

TEST_F(ClockTest, AClockThatIsSetBackAndForthPutsNothingOff) {
  runner_.add("t.hang", [this](const StepInvocation&, StepContext& context) -> StepOutcome {
    machine_.set_by(-kMicrosPerDay);
    std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // Longer than an engine sleeps.
    machine_.set_by(kMicrosPerDay);
    while (!context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Failed{FailureClass::Retryable, Error("t.stopped", "stopped"), {}};
  });
  const auto e = start("boot1");
  const auto hangs = e->create(task(R"([{"id":"a","kind":"call","capability":"t.hang","retry":{"attempts":1},
    "timeouts":{"start_to_close_ms":2500}}])"));
  ASSERT_TRUE(hangs.ok()) << describe(hangs.error());
  EXPECT_EQ(finish(*e, hangs->task_id).task.state, TaskState::Failed);
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
