#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {

using codec::Json;

/// Capabilities by name: a function for each.
class Runner final : public StepRunner {
 public:
  using Run = std::function<StepOutcome(const StepInvocation&, StepContext&)>;
  struct Capability {
    CapabilityTraits traits;
    Run run;
  };
  std::map<std::string, Capability, std::less<>> capabilities;
  std::function<Reconciled(std::string_view)> on_reconcile;
  std::atomic<int> calls{0};

  void add(std::string name, Run run, Effect effect = Effect::Pure) {
    capabilities[std::move(name)] = {{effect, SlotClass::Cpu}, std::move(run)};
  }
  Result<CapabilityTraits> traits(std::string_view capability) const override {
    const auto it = capabilities.find(capability);
    if (it == capabilities.end()) return Error("t.none", "nobody here can do " + std::string(capability));
    return it->second.traits;
  }
  StepOutcome run(const StepInvocation& invocation, StepContext& context) override {
    ++calls;
    return capabilities.find(invocation.capability)->second.run(invocation, context);
  }
  Reconciled reconcile(std::string_view, std::string_view key, const Json&) override {
    return on_reconcile ? on_reconcile(key) : Reconciled{};
  }
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    runner_.add("t.echo", [](const StepInvocation& in, StepContext&) { return Completed{in.input, {}}; });
    runner_.add("t.fail", [](const StepInvocation&, StepContext&) {
      return Failed{FailureClass::Permanent, Error("t.broken", "it broke"), {}};
    });
    open_store();
  }

  /// Whether the tests run on PostgreSQL this time (CMakeLists.txt).
  static bool on_postgres() { return std::getenv("WRENCH_TEST_ON_POSTGRES") != nullptr; }

  /// `more`: statements beside the module's.
  void open_store(storage::StatementCatalogue::List more = {}) {
    store_.reset();
    config_ = {};
    if (on_postgres())
      config_.database_url = storage::testing::PostgresServer::shared().new_schema_url();
    else
      config_.directory = dir_ / "data";
    config_.statements = {statements(), more};
    config_.wal_reserve_bytes = 0;
    store_ = open_another();
  }
  /// The same store, as another process has it.
  std::unique_ptr<storage::Store> open_another() {
    auto opened = storage::Store::open(config_, clock_, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    return std::move(*opened);
  }

  std::unique_ptr<Engine> engine(const std::string& boot = "boot1") {
    EngineConfig config;
    config.boot_id = boot;
    config.slots = {4, 2, 1};
    config.boot_is_live = [this](std::string_view b) { return live_.contains(std::string(b)); };
    live_.insert(boot);
    auto opened = Engine::open(*store_, std::move(config), clock_, random_);
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }

  static std::shared_ptr<const Plan> plan(std::string_view nodes) {
    auto parsed = Plan::parse_text("{\"v\":1,\"nodes\":" + std::string(nodes) + "}");
    EXPECT_TRUE(parsed.ok()) << describe(parsed.error());
    return parsed.ok() ? *parsed : nullptr;
  }

  static CreateTask task(std::string_view nodes) {
    CreateTask out;
    out.title = "a task";
    out.plan = plan(nodes);
    return out;
  }

  TaskOutcome finish(Engine& engine, const std::string& id) {
    auto outcome = engine.wait(id, Deadline::after(clock_, 30 * kMicrosPerSecond), {});
    EXPECT_TRUE(outcome.ok()) << describe(outcome.error());
    return outcome.ok() ? *outcome : TaskOutcome{};
  }

  TaskOutcome run(CreateTask what) {
    auto e = engine();
    e->start(runner_);
    auto receipt = e->create(std::move(what));
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    if (!receipt.ok()) return {};
    receipt_ = *receipt;
    return finish(*e, receipt->task_id);
  }

  Json output(std::string_view node) {
    auto out = store_->read([&](storage::ReadTx& tx) { return read_output(tx, receipt_.execution_no, node); });
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : Json();
  }

  /// In the journal, of each cancel that was obeyed.
  std::vector<std::string> cancel_reasons() {
    auto journal = store_->read([&](storage::ReadTx& tx) { return read_journal(tx, receipt_.execution_no, 0, 100); });
    std::vector<std::string> out;
    for (const auto& entry : *journal)
      if (entry.kind == "cancel_requested") out.emplace_back(entry.data.at("reason").as_string());
    return out;
  }

  std::map<std::string, StepState> states() {
    auto steps = store_->read([&](storage::ReadTx& tx) { return list_steps(tx, receipt_.execution_no); });
    std::map<std::string, StepState> out;
    for (const auto& step : *steps)
      if (!step.item) out[step.node] = step.state;
    return out;
  }

  runtime::TempDir dir_ = std::move(*runtime::TempDir::create("workflow"));
  SystemClock clock_;
  SystemRandom random_;
  storage::StoreConfig config_;
  std::unique_ptr<storage::Store> store_;
  std::set<std::string> live_;
  Runner runner_;
  TaskReceipt receipt_;
};

}  // namespace wrench::workflow
