// How long a fork takes, of executions with 100,000 steps, on SQLite. One JSON line on standard output.
//
//   wrench_fork_bench DIRECTORY [STEPS]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench.hpp"
#include "wrench/base/random.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {
namespace {

using bench::must;
using bench::SteadyClock;
using codec::Json;

constexpr int kTasks = 3;
constexpr int kSlots = 256;
constexpr Micros kPatience = 600 * kMicrosPerSecond;

class Runner final : public bench::Noop {
 public:
  StepOutcome run(const StepInvocation& in, StepContext&) override {
    if (in.capability == "t.fail") return Failed{FailureClass::Permanent, Error("t.broken", "it broke"), {}};
    return Completed{Json(1), {}};
  }
};

/// As many steps as that, all of which need the first, and one at the end.
std::string wide(std::int64_t steps, std::string_view last_but_one) {
  std::string nodes = R"({"id":"first","kind":"call","capability":"t.x"})";
  for (std::int64_t i = 0; i < steps - 3; ++i)
    nodes += R"(,{"id":"n)" + std::to_string(i) + R"(","kind":"call","capability":"t.x","needs":["first"]})";
  nodes += R"(,{"id":"other","kind":"call","capability":")" + std::string(last_but_one) + R"(","needs":["first"]})";
  return nodes +
         R"(,{"id":"last","kind":"call","capability":"t.x","needs":["first"],"input":{"v":{"$from":"steps.first.output"}}})";
}

std::string mapped() {
  return R"({"id":"m","kind":"map","over":"inputs.list","collect":"append","max_parallel":250,"body":{"capability":"t.x"}},)"
         R"({"id":"last","kind":"call","capability":"t.x","needs":["m"]})";
}

const storage::Statement kStepRows{.id = "bench.step_rows",
                                   .sql = "SELECT count(*) FROM steps WHERE execution_id = ?1"};
const storage::Statement* const kStatements[] = {&kStepRows};

struct Times {
  double min_ms = 0, p50_ms = 0, max_ms = 0, cpu_ms = 0, to_end_ms = 0, again_ms = 0;
  std::int64_t rows = 0;
  Json json() const {
    return Json::object({{"min_ms", min_ms},
                         {"p50_ms", p50_ms},
                         {"max_ms", max_ms},
                         {"cpu_p50_ms", cpu_ms},
                         {"to_end_p50_ms", to_end_ms},
                         {"fork_of_fork_p50_ms", again_ms},
                         {"step_rows", rows}});
  }
};

class Bench {
 public:
  explicit Bench(const std::string& directory) {
    storage::StoreConfig config;
    config.directory = directory;
    config.statements = {statements(), kStatements};
    store_ = must(storage::Store::open(std::move(config), clock_, random_));
    EngineConfig engine;
    engine.boot_id = "bench";
    engine.slots = {kSlots, kSlots, 1};
    engine.threads = 4;
    engine.boot_is_live = [](std::string_view) { return false; };
    engine_ = must(Engine::open(*store_, std::move(engine), clock_, random_));
    engine_->start(runner_);
  }

  /// Several tasks, of each the fork, and the fork of that.
  Times run(const std::string& nodes, const Json& inputs) {
    const auto plan = must(Plan::parse_text("{\"v\":1,\"nodes\":[" + nodes + "]}"));
    std::vector<double> times, cpus, ends, again;
    Times out;
    for (int i = 0; i < kTasks; ++i) {
      CreateTask task;
      task.title = "a task with many steps";
      task.plan = plan;
      task.inputs = inputs;
      const TaskReceipt receipt = must(engine_->create(std::move(task)));
      must(engine_->wait(receipt.task_id, Deadline::after(clock_, kPatience), {}));
      const auto start = SteadyClock::now();
      const double cpu = 1e3 * bench::cpu_seconds();
      const TaskReceipt fork = must(engine_->fork(receipt.task_id, {.from = "last"}));
      times.push_back(1e3 * bench::seconds_since(start));
      cpus.push_back(1e3 * bench::cpu_seconds() - cpu);
      must(engine_->wait(receipt.task_id, Deadline::after(clock_, kPatience), {}));
      ends.push_back(1e3 * bench::seconds_since(start));
      const auto rows =
          must(store_->read([&](storage::ReadTx& tx) { return tx.query(kStepRows, {fork.execution_no}); }));
      out.rows = std::max(out.rows, rows.front().integer(0));
      const auto second = SteadyClock::now();
      must(engine_->fork(receipt.task_id, {.from = "last"}));
      again.push_back(1e3 * bench::seconds_since(second));
      must(engine_->wait(receipt.task_id, Deadline::after(clock_, kPatience), {}));
    }
    for (auto* list : {&times, &cpus, &ends, &again}) std::ranges::sort(*list);
    out.min_ms = times.front();
    out.p50_ms = times[times.size() / 2];
    out.max_ms = times.back();
    out.cpu_ms = cpus[cpus.size() / 2];
    out.to_end_ms = ends[ends.size() / 2];
    out.again_ms = again[again.size() / 2];
    return out;
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  Runner runner_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  using namespace wrench;
  if (argc < 2) {
    std::fputs("usage: wrench_fork_bench DIRECTORY [STEPS]\n", stderr);
    return 2;
  }
  const std::int64_t steps = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : 100'000;
  workflow::Bench bench(argv[1]);
  codec::Json list = codec::Json::array();
  for (std::int64_t i = 0; i < steps; ++i) list.push_back(i);
  codec::Json out = codec::Json::object({{"steps", steps}});
  out.set("plan_of_so_many", bench.run(workflow::wide(steps, "t.x"), codec::Json::object()).json());
  out.set("of_which_one_failed", bench.run(workflow::wide(steps, "t.fail"), codec::Json::object()).json());
  out.set("map_of_so_many", bench.run(workflow::mapped(), codec::Json::object({{"list", std::move(list)}})).json());
  std::printf("%s\n", codec::write_json(out).c_str());
}
