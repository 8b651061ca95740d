#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

#include "history_secrets.hpp"
#include "run_setup.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/history/blobs.hpp"

// Peer: `git cat-file --batch` alone, in the same number of processes and over the same contents in the same order, is
// the floor. WRENCH_BENCH_REPO names the repository.
namespace wrench::scan {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Reads all contents and looks at none; the seconds that it takes.
double read_alone(const history::GitRepo& repo, const history::BlobList& blobs, std::uint64_t bytes_max, int jobs,
                  runtime::WorkerPool& pool) {
  const auto start = std::chrono::steady_clock::now();
  constexpr std::size_t kRange = 5'000;
  std::atomic<std::size_t> next{0};
  runtime::TaskGroup group(pool);
  for (int job = 0; job < jobs; ++job) {
    group.run([&]() -> Result<void> {
      for (std::size_t at = next.fetch_add(kRange); at < blobs.size(); at = next.fetch_add(kRange)) {
        std::vector<std::string> ids;
        for (std::size_t i = at; i < std::min(at + kRange, blobs.size()); ++i) ids.emplace_back(blobs.id(i));
        WRENCH_TRY(history::read_blobs(
            repo, ids, bytes_max, [](std::size_t, history::BlobState, std::string_view) { return Result<void>(); }));
      }
      return {};
    });
  }
  static_cast<void>(group.wait().ok());
  return seconds_since(start);
}

void secrets_of_a_history(benchmark::State& state) {
  const char* path = std::getenv("WRENCH_BENCH_REPO");
  const auto repo = history::GitRepo::open(path != nullptr ? path : ".");
  if (!repo.ok()) return state.SkipWithError(describe(repo.error()).c_str());
  const SystemClock clock;
  ScanRequest request;
  request.analyses = {Analysis::Secrets};
  request.use_project_config = false;
  auto setup = make_setup(request, repo->root(), clock, {}).value();
  if (!load_rules(request, nullptr, setup).ok()) return state.SkipWithError("no rules");
  const auto jobs = static_cast<int>(state.range(0));
  runtime::WorkerPool pool({.threads = static_cast<std::size_t>(jobs)});
  const auto head = repo->head();
  const std::string head_id = head.ok() ? *head : std::string(), front;
  const HistoryScan scan{.repo = *repo,
                         .head = head_id,
                         .setup = setup,
                         .path_front = front,
                         .is_excluded = [](const std::string&) { return false; },
                         .pool = pool,
                         .clock = clock,
                         .jobs = jobs};
  const auto blobs = history::all_blobs(*repo, setup.limits.secret_file_bytes_max).value();
  double git_s = 0, own_s = 0;
  HistorySecrets found;
  for (auto _ : state) {
    git_s += read_alone(*repo, blobs, setup.limits.secret_file_bytes_max, jobs, pool);
    const auto start = std::chrono::steady_clock::now();
    found = find_history_secrets(scan, {}, {}).value();
    own_s += seconds_since(start);
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto megabytes = static_cast<double>(found.bytes) / 1e6 * static_cast<double>(state.iterations());
  state.counters["blobs"] = static_cast<double>(found.blobs);
  state.counters["secrets"] = static_cast<double>(found.secrets.size());
  state.counters["git_MB_per_s"] = megabytes / git_s;
  state.counters["MB_per_s"] = megabytes / own_s;
  state.counters["ratio_to_git"] = own_s / git_s;
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}
BENCHMARK(secrets_of_a_history)->ArgName("jobs")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace wrench::scan
