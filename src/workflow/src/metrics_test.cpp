#include "wrench/workflow/metrics.hpp"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "engine_test.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/monitor_report.hpp"

namespace wrench::workflow {

namespace {

void burn(Micros cpu_us) {
  const std::clock_t until = std::clock() + static_cast<std::clock_t>(cpu_us * CLOCKS_PER_SEC / kMicrosPerSecond);
  while (std::clock() < until) {
  }
}

}  // namespace

class MetricsTest : public EngineTest {
 protected:
  std::unique_ptr<Engine> measured(const std::string& boot = "boot1") {
    EngineConfig config;
    config.boot_id = boot;
    config.slots = {2, 2, 1};
    config.boot_is_live = [this](std::string_view b) { return live_.contains(std::string(b)); };
    config.metrics = &metrics_;
    config.on_activity = [this] { ++flushes_; };
    live_.insert(boot);
    auto opened = Engine::open(*store_, std::move(config), clock_, random_);
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }
  std::int64_t total(std::string_view name, const telemetry::Labels& labels = {}) const {
    return metrics_.snapshot().total(name, labels);
  }
  static CreateTask of_kind(const std::string& kind, std::string_view nodes) {
    CreateTask out = task(nodes);
    out.kind = kind;
    return out;
  }
  void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 30'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(condition());
  }

  telemetry::MetricsRegistry metrics_;
  std::atomic<int> flushes_{0};
};

TEST_F(MetricsTest, CountsAKnownWorkload) {
  std::atomic<int> tries{0};
  runner_.add("t.third_time", [&](const StepInvocation&, StepContext&) -> StepOutcome {
    if (++tries < 3) return Failed{FailureClass::Retryable, Error("t.busy", "not yet"), {}};
    return Completed{Json(1), {}};
  });
  constexpr std::string_view kRetried =
      R"([{"id":"a","kind":"call","capability":"t.third_time","retry":{"attempts":5,"first_ms":1,"cap_ms":2}}])";
  auto e = measured();
  e->start(runner_);
  for (const auto& what :
       {of_kind("review", R"([{"id":"a","kind":"call","capability":"t.echo"}])"), of_kind("review", kRetried),
        of_kind("odd\"kind\n", R"([{"id":"a","kind":"call","capability":"t.fail"}])"),
        of_kind("", R"([{"id":"a","kind":"call","capability":"t.echo","when":"false"}])")})
    finish(*e, e->create(what)->task_id);
  EXPECT_EQ(total("wrench_tasks_processed_total", {{"kind", "review"}, {"outcome", "completed"}}), 2);
  EXPECT_EQ(total("wrench_tasks_processed_total", {{"kind", "odd\"kind\n"}, {"outcome", "failed"}}), 1);
  EXPECT_EQ(total("wrench_tasks_processed_total", {{"kind", "none"}}), 1);
  EXPECT_EQ(total("wrench_tasks_processed_total"), 4);
  EXPECT_EQ(total("wrench_task_execution_time_seconds", {{"kind", "review"}}), 2);
  EXPECT_EQ(total("wrench_tasks_created_total"), 4);
  EXPECT_EQ(total("wrench_step_retries_total"), 2);
  EXPECT_EQ(total("wrench_steps_processed_total", {{"capability", "t.third_time"}, {"outcome", "retry"}}), 2);
  EXPECT_EQ(total("wrench_steps_processed_total", {{"capability", "t.third_time"}, {"outcome", "completed"}}), 1);
  EXPECT_EQ(total("wrench_steps_processed_total", {{"capability", "t.fail"}, {"outcome", "failed"}}), 1);
  EXPECT_EQ(total("wrench_steps_processed_total", {{"outcome", "skipped"}}), 1);
  EXPECT_EQ(total("wrench_step_execution_time_seconds", {{"capability", "t.third_time"}}), 3);
  EXPECT_EQ(total("wrench_claim_delay_seconds"), 4) << "first claims only";
  for (const char* none : {"wrench_steps_dead_total", "wrench_lease_losses_total", "wrench_fenced_writes_total",
                           "wrench_task_pauses_total", "wrench_steps_uncertain_total"})
    EXPECT_EQ(total(none), 0) << none;
  EXPECT_GE(total("wrench_flush_commands"), 4);
  EXPECT_EQ(total("wrench_flush_commands"), flushes_.load());
  const EngineView view = e->look();
  EXPECT_EQ(view.slots, (Slots{2, 2, 1}));
  EXPECT_EQ(view.used, (Slots{0, 0, 0}));
  EXPECT_EQ(view.executions, 0U);
  EXPECT_EQ(total("wrench_slots", {{"slot", "cpu"}}), 2);
  EXPECT_NE(metrics_.snapshot().prometheus_text().find(
                "wrench_tasks_processed_total{kind=\"odd\\\"kind\\n\",outcome=\"failed\"} 1\n"),
            std::string::npos);
}

TEST_F(MetricsTest, KindsBeyondTheLimitAreCountedTogether) {
  auto e = measured();
  e->start(runner_);
  for (std::size_t i = 0; i < kKindsMeasuredMax + 5; ++i)
    finish(*e,
           e->create(of_kind("k" + std::to_string(i), R"([{"id":"a","kind":"call","capability":"t.echo"}])"))->task_id);
  EXPECT_EQ(total("wrench_tasks_processed_total", {{"kind", "other"}}), 5);
  EXPECT_EQ(total("wrench_tasks_processed_total", {{"kind", "k0"}}), 1);
}

TEST_F(MetricsTest, ShowsWhatRunsAndWhatIsStuck) {
  std::atomic<bool> let_go{false};
  runner_.add("t.deaf", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.tick({3, 10, "busy"});
    burn(5 * kMicrosPerMs);
    while (!let_go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Completed{Json(1), {}};
  });
  auto e = measured();
  e->start(runner_);
  const auto receipt = e->create(task(
      R"([{"id":"a","kind":"call","capability":"t.deaf","timeouts":{"start_to_close_ms":300},"retry":{"attempts":1}}])"));
  until([&] { return !e->look().running.empty() && e->look().running.front().cpu_us >= 4 * kMicrosPerMs; });
  const RunningView running = e->look().running.front();
  EXPECT_EQ(running.task_no, receipt->task_no);
  EXPECT_EQ(running.capability, "t.deaf");
  EXPECT_EQ(running.node, "a");
  EXPECT_EQ(running.attempt, 1);
  EXPECT_EQ(running.progress.done, 3);
  EXPECT_EQ(running.progress.message, "busy");
  EXPECT_EQ(e->look().used[0], 1);
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Failed);
  EXPECT_EQ(e->look().stuck, 1);
  EXPECT_EQ(total("wrench_stuck_steps"), 1);
  EXPECT_TRUE(e->look().running.empty());
  let_go = true;
  until([&] { return e->look().stuck == 0; });
  until([&] { return total("wrench_fenced_writes_total") == 1; });
}

TEST_F(MetricsTest, CountsStepsThatWaitForTheirKey) {
  auto e = measured();
  e->start(runner_);
  const auto receipt =
      e->create(task(R"([{"id":"m","kind":"map","over":"[1,2,3,4]","as":"i","body":{"capability":"t.echo",)"
                     R"("concurrency":{"key":"'k'"}}}])"));
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Completed);
  EXPECT_GE(total("wrench_steps_parked_total"), 1);
}

// Not on PostgreSQL: requests and losses of whole executions are of those that have owners.
TEST_F(MetricsTest, CountsStepsThatTheirProcessLost) {
  std::atomic<bool> let_go{false};
  std::atomic<int> begun{0};
  runner_.add("t.wait", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    ++begun;
    while (!let_go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return context.stop().stop_requested() ? StepOutcome(Yielded{}) : StepOutcome(Completed{Json(1), {}});
  });
  auto first = engine("boot1");
  first->start(runner_);
  const auto receipt = first->create(task(R"([{"id":"a","kind":"call","capability":"t.wait"}])"));
  until([&] { return begun == 1; });
  live_.clear();
  auto second = measured("boot2");
  second->start(runner_);
  ASSERT_TRUE(second->resume(receipt->task_id).ok());
  EXPECT_EQ(total("wrench_lease_losses_total"), 1);
  let_go = true;
  EXPECT_EQ(finish(*second, receipt->task_id).task.state, TaskState::Completed);
}

TEST_F(MetricsTest, CountsPausesAndRequests) {
  std::atomic<bool> let_go{false};
  std::atomic<int> begun{0};
  runner_.add("t.wait", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    ++begun;
    while (!let_go && !context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (context.stop().stop_requested()) return Yielded{};
    return Completed{Json(1), {}};
  });
  auto e = measured();
  e->start(runner_);
  const auto receipt = e->create(task(R"([{"id":"a","kind":"call","capability":"t.wait"}])"));
  until([&] { return begun == 1; });
  ASSERT_TRUE(e->pause(receipt->task_id, true).ok());
  EXPECT_EQ(finish(*e, receipt->task_id).task.state, TaskState::Paused);
  EXPECT_EQ(total("wrench_task_pauses_total"), 1);
  EXPECT_EQ(total("wrench_requests_total"), 1);
  until([&] { return total("wrench_steps_processed_total", {{"outcome", "released"}}) == 1; });
  let_go = true;
  ASSERT_TRUE(e->resume(receipt->task_id).ok());
  until([&] { return finish(*e, receipt->task_id).task.state == TaskState::Completed; });
  EXPECT_EQ(total("wrench_requests_total"), 2);
}

TEST_F(MetricsTest, KeepsWhatStepsUsedAndSumsItUp) {
  runner_.add("t.burn", [](const StepInvocation&, StepContext&) -> StepOutcome {
    burn(30 * kMicrosPerMs);
    return Completed{Json(1), {}};
  });
  auto e = measured();
  e->start(runner_);
  const auto receipt = e->create(task(R"([{"id":"a","kind":"call","capability":"t.burn"},
      {"id":"b","kind":"call","capability":"t.burn","needs":["a"]}])"));
  finish(*e, receipt->task_id);
  const auto seen =
      store_->read([&](storage::ReadTx& tx) { return monitor_task(tx, receipt->task_id, clock_.now_us()); });
  ASSERT_TRUE(seen.ok()) << describe(seen.error());
  EXPECT_EQ(seen->task_id, receipt->task_id);
  EXPECT_EQ(seen->steps.size(), 2U);
  EXPECT_GE(seen->resources.cpu_us, 2 * 20 * kMicrosPerMs);
  EXPECT_LT(seen->resources.cpu_us, 2 * 90 * kMicrosPerMs);
  EXPECT_GT(seen->resources.rss_bytes_max, std::uint64_t{1} << 20);
  EXPECT_GE(seen->execution_time_us, 2 * 30 * kMicrosPerMs);
  EXPECT_FALSE(seen->partial);
  const Json json = to_json(*seen);
  for (const char* key : {"cpu_ms", "rss_bytes_max", "read_bytes", "written_bytes", "children_cpu_ms"})
    EXPECT_TRUE(json.at("resources").at(key).is_integer()) << key;
  EXPECT_GE(json.at("execution_time").as_double(), 0.06);
  EXPECT_GE(total("wrench_step_cpu_microseconds_total", {{"capability", "t.burn"}}), 2 * 20 * kMicrosPerMs);
  EXPECT_EQ(store_->read([&](storage::ReadTx& tx) { return monitor_task(tx, "tsk_nothing", 0); }).error().code,
            "workflow.task_not_found");
}

TEST_F(MetricsTest, TellsWhatGoesOnInTheStore) {
  auto e = measured();
  const Micros before = clock_.now_us();
  e->start(runner_);
  for (int i = 0; i < 3; ++i)
    finish(*e, e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])"))->task_id);
  finish(*e, e->create(task(R"([{"id":"a","kind":"wait","on":"signal","name":"go"}])"))->task_id);
  const auto seen = store_->read([&](storage::ReadTx& tx) {
    return read_activity(tx, queue_names(on_postgres() ? "" : "boot1"), clock_.now_us(), 2);
  });
  ASSERT_TRUE(seen.ok()) << describe(seen.error());
  EXPECT_EQ(seen->tasks_ended, 3);
  EXPECT_EQ(seen->steps_ended, 3);
  EXPECT_EQ(seen->tasks.at("in_progress").n, 1);
  EXPECT_EQ(seen->tasks.at("pending").n, 0);
  EXPECT_EQ(seen->open_states.at("waiting"), 1);
  ASSERT_EQ(seen->ends.size(), 2U);
  EXPECT_EQ(seen->ends.front().state, "completed");
  EXPECT_EQ(seen->ends.front().title, "a task");
  EXPECT_GE(seen->ends.front().at, before);
  ASSERT_EQ(seen->workers.size(), 1U);
  EXPECT_EQ(seen->workers.front().boot, "boot1");
  EXPECT_EQ(seen->workers.front().pid, ::getpid());
  EXPECT_TRUE(seen->queues.empty());
}

TEST_F(MetricsTest, QueuesTellTheirDepthAndTheAgeOfTheirHead) {
  std::atomic<bool> let_go{false};
  runner_.add("t.wait", [&](const StepInvocation&, StepContext&) -> StepOutcome {
    while (!let_go) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Completed{Json(1), {}};
  });
  auto e = measured();
  e->start(runner_);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i)
    ids.push_back(e->create(task(R"([{"id":"a","kind":"call","capability":"t.wait"}])"))->task_id);
  const auto queues = [&] {
    return store_->read([&](storage::ReadTx& tx) {
      return read_activity(tx, queue_names(on_postgres() ? "" : "boot1"), clock_.now_us() + kMicrosPerSecond, 0);
    });
  };
  until([&] { return queues()->queues.size() == 1 && queues()->queues.front().depth.n == 3; });
  EXPECT_GE(queues()->queues.front().head_age_us, kMicrosPerSecond);
  if (!on_postgres()) {
    EXPECT_EQ(e->look().backlog[0], 3);
    EXPECT_EQ(total("wrench_queue_depth", {{"slot", "cpu"}}), 3);
  }
  let_go = true;
  for (const auto& id : ids) finish(*e, id);
}

// ---- reports ----

ProcessReport some_report(const std::string& boot) {
  ProcessReport report;
  report.boot = boot;
  report.role = "serve";
  report.pid = 42;
  report.started_ticks = 7;
  report.at = 5;
  report.work.slots = {2, 4, 4};
  report.work.used = {1, 0, 0};
  report.work.executions = 1;
  report.work.running.push_back(
      {.task_no = 9, .node = "a\x1b", .capability = "t.x", .since = 3, .progress = {1, 2, "m"}});
  telemetry::MetricsRegistry metrics;
  metrics.counter("c_total", "C.").add(3);
  report.metrics = metrics.snapshot();
  return report;
}

TEST(ProcessReport, ReadsWhatItWrote) {
  const auto back = ProcessReport::parse(*codec::parse_json(codec::write_json(some_report("boot_1").json())));
  ASSERT_TRUE(back.ok()) << describe(back.error());
  EXPECT_EQ(codec::write_json(back->json()), codec::write_json(some_report("boot_1").json()));
  EXPECT_EQ(back->work.running.front().progress.message, "m");
  EXPECT_EQ(back->metrics.total("c_total"), 3);
  for (const std::string_view text : {"{}", "[]", R"({"schema":"wrench.process/1"})",
                                      R"({"schema":"wrench.process/1","boot":"b","metrics":{"a":1}})"})
    EXPECT_FALSE(ProcessReport::parse(*codec::parse_json(text)).ok()) << text;
}

TEST(ReportPublisher, WritesOnlyWhileSomethingStirs) {
  const auto dir = std::move(*runtime::TempDir::create("reports"));
  const std::string folder = dir / "reports";
  std::atomic<int> looks{0};
  std::atomic<bool> goes_on{true};
  std::vector<Error> damaged;
  const auto look = [&] {
    // Before it counts: who sees the second look may say at once that nothing goes on.
    const bool more = goes_on;
    ++looks;
    return ReportPublisher::Looked{some_report("boot_1"), more};
  };
  const auto until = [](const std::function<bool()>& condition) {
    for (int i = 0; i < 30'000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  };
  {
    ReportPublisher publisher(folder, "boot_1", look, 5 * kMicrosPerMs);
    EXPECT_TRUE(read_reports(folder, damaged).empty());
    publisher.stir();
    publisher.stir();
    ASSERT_TRUE(until([&] { return looks >= 2; })) << "it goes on by itself";
    goes_on = false;
    ASSERT_TRUE(until([&] { return looks >= 3; }));
    const int then = looks;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_LE(looks, then + 1) << "one may have been under way";
    EXPECT_TRUE(publisher.last_outcome().ok());
    ASSERT_EQ(read_reports(folder, damaged).size(), 1U);
    publisher.stop();
    publisher.stir();
  }
  EXPECT_TRUE(read_reports(folder, damaged).empty());
  EXPECT_TRUE(damaged.empty());
}

TEST(ReportPublisher, SkipsDamagedReportsAndForgetsThoseOfTheDead) {
  const auto dir = std::move(*runtime::TempDir::create("reports"));
  const std::string folder = dir / "reports";
  ASSERT_TRUE(runtime::make_directories(folder).ok());
  ASSERT_TRUE(
      runtime::write_file_atomically(folder + "/good.json", codec::write_json(some_report("good").json())).ok());
  ASSERT_TRUE(runtime::write_file_atomically(folder + "/cut.json", "{\"schema\":").ok());
  ASSERT_TRUE(runtime::write_file_atomically(folder + "/killed.json.Ab12Cd", "x").ok());
  std::vector<Error> damaged;
  EXPECT_EQ(read_reports(folder, damaged).size(), 1U);
  ASSERT_EQ(damaged.size(), 1U);
  forget_reports(folder, [](std::string_view boot) { return boot == "good"; });
  damaged.clear();
  EXPECT_EQ(read_reports(folder, damaged).size(), 1U);
  EXPECT_TRUE(damaged.empty());
  EXPECT_FALSE(std::ifstream(folder + "/killed.json.Ab12Cd").good());
}

}  // namespace wrench::workflow
