// What metrics cost: the same tasks through two engines in turns, one measured and one not. CPU time of the process,
// because the disk differs more between two rounds than anything that is measured here. One JSON line on standard
// output.
//
//   wrench_metrics_bench DIRECTORY TASKS ROUNDS

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench.hpp"
#include "wrench/base/random.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {
namespace {

using bench::must;
using codec::Json;

constexpr std::size_t kTasksAtOnce = 500;

/// One engine on a store of its own.
class Side {
 public:
  Side(const std::string& directory, telemetry::MetricsRegistry* metrics) {
    storage::StoreConfig config;
    config.directory = directory;
    config.statements = {statements()};
    config.metrics = metrics;
    store_ = must(storage::Store::open(std::move(config), clock_, random_));
    EngineConfig engine;
    engine.boot_id = "bench";
    engine.boot_is_live = [](std::string_view) { return true; };
    engine.slots = {2, 64, 2};
    engine.threads = 2;
    engine.metrics = metrics;
    engine_ = must(Engine::open(*store_, std::move(engine), clock_, random_));
    engine_->start(runner_);
  }

  void round(std::size_t tasks) {
    CreateTask task;
    task.title = "a task of ordinary length";
    task.kind = "bench";
    task.plan = must(
        Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"bench.noop","effect":"pure"}]})"));
    const std::uint64_t flushes_before = store_->stats().flushes;
    const double before = 1e6 * bench::cpu_seconds();
    std::string last;
    for (std::size_t left = tasks; left > 0; left -= std::min(left, kTasksAtOnce)) {
      std::vector<CreateTask> some(std::min(kTasksAtOnce, left), task);
      for (auto& receipt : engine_->create_all(std::move(some))) last = must(std::move(receipt)).task_id;
    }
    must(engine_->wait(last, Deadline::after(clock_, 600 * kMicrosPerSecond), {}));
    const double used = 1e6 * bench::cpu_seconds() - before;
    per_task_us_.push_back(used / static_cast<double>(tasks));
    per_flush_us_.push_back(used / static_cast<double>(store_->stats().flushes - flushes_before));
  }

  static double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  }
  double per_task_us() const { return median(per_task_us_); }
  double per_flush_us() const { return median(per_flush_us_); }

 private:
  SystemClock clock_;
  SystemRandom random_;
  bench::Noop runner_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Engine> engine_;
  std::vector<double> per_task_us_, per_flush_us_;
};

int run(const std::string& directory, std::size_t tasks, int rounds) {
  telemetry::MetricsRegistry metrics;
  Side without(directory + "/without", nullptr), with(directory + "/with", &metrics);
  for (Side* side : {&without, &with}) side->round(tasks / 4);  // Not counted for much: the median is asked.
  for (int i = 0; i < rounds; ++i) {
    // Who comes first changes, should a round leave anything to the next.
    for (Side* side : i % 2 == 0 ? std::array{&without, &with} : std::array{&with, &without}) side->round(tasks);
  }
  const Json result = Json::object({{"bench", "metrics"},
                                    {"tasks", tasks},
                                    {"rounds", rounds},
                                    {"cpu_us_per_task_without", without.per_task_us()},
                                    {"cpu_us_per_task_with", with.per_task_us()},
                                    {"cpu_us_per_flush_without", without.per_flush_us()},
                                    {"cpu_us_per_flush_with", with.per_flush_us()},
                                    {"ratio_per_task", with.per_task_us() / without.per_task_us()}});
  std::printf("%s\n", codec::write_json(result).c_str());
  return 0;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: wrench_metrics_bench DIRECTORY TASKS ROUNDS\n");
    return 2;
  }
  return wrench::workflow::run(argv[1], static_cast<std::size_t>(std::atoll(argv[2])), std::atoi(argv[3]));
}
