#include "doctor_speed.hpp"

#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

namespace {

using workflow::CreateTask;

constexpr Micros kMeasuredFor = kMicrosPerSecond;  ///< Each of the two.
constexpr std::size_t kBatch = 512;

/// A step that costs nothing but its place in the store.
class Nothing final : public workflow::StepRunner {
 public:
  Result<workflow::CapabilityTraits> traits(std::string_view) const override {
    return workflow::CapabilityTraits{workflow::Effect::Pure, workflow::SlotClass::Cpu};
  }
  workflow::StepOutcome run(const workflow::StepInvocation&, workflow::StepContext&) override {
    return workflow::Completed{codec::Json(true), {}};
  }
};

/// Creates so many tasks, and returns when all have ended.
Result<void> run_batch(workflow::Engine& engine, const CreateTask& task, std::size_t count, const Clock& clock,
                       const StopToken& stop) {
  for (auto& receipt : engine.create_all(std::vector<CreateTask>(count, task))) {
    const auto created = WRENCH_TRY(std::move(receipt));
    WRENCH_TRY(engine.wait(created.task_id, Deadline::after(clock, 60 * kMicrosPerSecond), stop));
  }
  return {};
}

}  // namespace

Result<TaskSpeed> measure_tasks(const std::string& directory, const StopToken& stop) {
  const auto place = WRENCH_TRY(runtime::TempDir::create_in(directory, "wrench-doctor"));
  const SystemClock clock;
  SystemRandom random;
  storage::StoreConfig config;
  config.directory = place / "data";
  config.statements = {workflow::statements()};
  const auto store = WRENCH_TRY(storage::Store::open(std::move(config), clock, random));
  workflow::EngineConfig engine_config;
  engine_config.boot_id = "boot_doctor";
  engine_config.slots = {static_cast<int>(kBatch), 1, 1};
  engine_config.threads = 2;
  engine_config.boot_is_live = [](std::string_view) { return true; };
  const auto engine = WRENCH_TRY(workflow::Engine::open(*store, std::move(engine_config), clock, random));
  Nothing runner;
  engine->start(runner);
  CreateTask task;
  task.title = "nothing";
  task.plan = WRENCH_TRY(
      workflow::Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"doctor.nothing"}]})"));
  const auto per_second = [&](std::size_t batch) -> Result<double> {
    const Micros begun = clock.boot_us();
    std::size_t done = 0;
    Micros took = 0;
    while (took < kMeasuredFor) {
      WRENCH_TRY(run_batch(*engine, task, batch, clock, stop));
      done += batch;
      took = clock.boot_us() - begun;
    }
    return static_cast<double>(done) * static_cast<double>(kMicrosPerSecond) / static_cast<double>(took);
  };
  return TaskSpeed{WRENCH_TRY(per_second(kBatch)), WRENCH_TRY(per_second(1))};
}

}  // namespace wrench::app
