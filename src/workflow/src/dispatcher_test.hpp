#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine_test.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/step_execution.hpp"

namespace wrench::workflow {

/// A dispatcher whose shell is the test: one thread, what is queued is one flush, and what was claimed waits in
/// `launched_` until the test runs it.
class DispatcherFixture : public ::testing::Test, public DispatcherShell {
 protected:
  explicit DispatcherFixture(std::array<int, kSlotClasses> slots)
      : dispatcher_({.boot = "b", .slots = slots}, clock_, random_, *this) {
    dispatcher_.set_traits([this](std::string_view name) { return *runner_.traits(name); });
    dispatcher_.allow_claims(true);
  }
  void open_store(storage::StoreConfig config) {
    config.statements = {statements()};
    config.mode = storage::WriterMode::Passive;
    config.wal_reserve_bytes = 0;
    store_ = storage::Store::open(std::move(config), clock_, random_).value();
  }

  void launch(Launch launch) override { launched_.push_back(std::move(launch)); }
  void stop(StepKey) override {}
  void released(StepKey, std::int64_t) override {}
  void reconcile(StepKey) override {}
  void notice(const Notice&) override {}
  Micros last_tick_at(StepKey) override { return clock_.now_us(); }

  /// Whether there was something to do. `flushed` sees each flush before the dispatcher hears of it.
  bool flush() {
    const auto batch = dispatcher_.next_batch();
    if (!batch) return false;
    EXPECT_TRUE(store_
                    ->submit({storage::JobLane::Completion, 0,
                              [&](storage::WriteTx& tx) { return dispatcher_.run(*batch, tx); }},
                             [&](Result<void> outcome) {
                               flushed(*batch, outcome);
                               dispatcher_.on_flushed(*batch, std::move(outcome));
                             })
                    .ok());
    store_->flush_once();
    return true;
  }
  virtual void flushed(const Dispatcher::Batch&, const Result<void>&) {}
  virtual Result<void> record(command::Record) { return {}; }

  Job run(const Launch& launch) {
    return execute_step(launch, runner_,
                        StepSession{.store = *store_,
                                    .payloads = payloads_,
                                    .clock = clock_,
                                    .random = random_,
                                    .stop = {},
                                    .deadline = {},
                                    .tick = [](const Progress&) {},
                                    .record = [this](command::Record what) { return record(std::move(what)); }});
  }

  ManualClock clock_;
  SeededRandom random_{1};
  Runner runner_;
  std::unique_ptr<storage::Store> store_;
  Dispatcher dispatcher_;
  PayloadCache payloads_;
  std::vector<Launch> launched_;
};

}  // namespace wrench::workflow
