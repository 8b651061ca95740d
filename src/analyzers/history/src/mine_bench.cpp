#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdlib>
#include <optional>

#include "wrench/history/mine.hpp"
#include "wrench/history/summary.hpp"

// Peer: `git log --no-merges --raw` alone is the floor for paths, with --numstat for line counts; bench/run.py prints
// the ratio.
namespace wrench::history {
namespace {

std::optional<GitRepo> open_repo(benchmark::State& state) {
  const char* path = std::getenv("WRENCH_BENCH_REPO");
  auto repo = GitRepo::open(path != nullptr ? path : ".");
  if (repo.ok()) return *std::move(repo);
  state.SkipWithError(describe(repo.error()).c_str());
  return std::nullopt;
}

void report(benchmark::State& state, std::size_t commits) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["commits"] = static_cast<double>(commits);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}

void mine_repo(benchmark::State& state) {
  const auto repo = open_repo(state);
  if (!repo) return;
  runtime::WorkerPool pool({});
  MineOptions options;
  options.counted_commits_max = static_cast<std::size_t>(state.range(0));
  std::size_t commits = 0;
  for (auto _ : state) commits = mine(*repo, options, nullptr, pool).value().commits.size();
  report(state, commits);
}
BENCHMARK(mine_repo)
    ->ArgName("counted")
    ->Arg(0)
    ->Arg(kCountedCommitsDefault)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void nothing_new(benchmark::State& state) {
  const auto repo = open_repo(state);
  if (!repo) return;
  runtime::WorkerPool pool({});
  const HistoryFacts before = mine(*repo, {}, nullptr, pool).value();
  const codec::Json kept = to_json(before);
  for (auto _ : state) {
    const HistoryFacts restored = facts_from_json(kept).value();
    benchmark::DoNotOptimize(mine(*repo, {}, &restored, pool).value().commits.size());
  }
  report(state, before.commits.size());
}
BENCHMARK(nothing_new)->Unit(benchmark::kMillisecond)->UseRealTime();

void summarise_facts(benchmark::State& state) {
  const auto repo = open_repo(state);
  if (!repo) return;
  runtime::WorkerPool pool({});
  const HistoryFacts facts = mine(*repo, {}, nullptr, pool).value();
  for (auto _ : state) benchmark::DoNotOptimize(summarise(facts).coupling.size());
  report(state, facts.commits.size());
}
BENCHMARK(summarise_facts)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace wrench::history
