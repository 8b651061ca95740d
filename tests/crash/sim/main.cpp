// wrench_sim: seeded runs of the workflow engine through crashes, with a checker. A violation prints its seed; the same
// seed gives the same run.

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "guards.hpp"
#include "world.hpp"

namespace wrench::sim {
namespace {

struct Totals {
  std::uint64_t runs = 0, crashes = 0, flushes = 0;
};

std::optional<std::string> run_seed(std::uint64_t seed, const storage::testing::FaultVfs::Image& disk, Totals& totals) {
  try {
    const Program program(seed);
    World world(seed, program, disk);
    world.run();
    ++totals.runs;
    totals.crashes += world.crashes();
    totals.flushes += world.flushes();
    if (program.troubles.calm) {
      Program undisturbed(seed);
      undisturbed.troubles.crash_percent = 0;
      World reference(seed + 1, undisturbed, disk);
      reference.run();
      if (world.results() != reference.results()) return "the results differ from those of an undisturbed run";
    }
  } catch (const Violation& violation) {
    ++totals.runs;
    return violation.what;
  }
  return std::nullopt;
}

int run_all(std::uint64_t first, std::uint64_t runs) {
  const auto disk = World::empty_disk();
  Totals totals;
  int violations = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    if (const auto what = run_seed(seed, disk, totals)) {
      std::printf("VIOLATION seed %llu: %s\n", static_cast<unsigned long long>(seed), what->c_str());
      if (++violations == 10) break;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%llu runs, %llu crashes, %llu flushes, %d violations, %.1f s, %.0f runs/s\n",
              static_cast<unsigned long long>(totals.runs), static_cast<unsigned long long>(totals.crashes),
              static_cast<unsigned long long>(totals.flushes), violations, seconds,
              static_cast<double>(totals.runs) / seconds);
  return violations == 0 ? 0 : 1;
}

int run_mutations(std::uint64_t first, std::uint64_t runs) {
  const auto disk = World::empty_disk();
  int missed = 0;
  for (std::size_t guard = 0; guard < workflow::kKeepNames.size(); ++guard) {
    workflow::g_removed_guard = static_cast<workflow::Keep>(guard);
    Totals totals;
    std::optional<std::string> found;
    for (std::uint64_t seed = first; seed < first + runs && !found; ++seed) found = run_seed(seed, disk, totals);
    std::printf("%-22s %s after %llu runs: %s\n", std::string(workflow::kKeepNames[guard]).c_str(),
                found ? "caught" : "MISSED", static_cast<unsigned long long>(totals.runs),
                found ? found->c_str() : "-");
    std::fflush(stdout);
    missed += found ? 0 : 1;
  }
  workflow::g_removed_guard = workflow::Keep::kCount;
  return missed == 0 ? 0 : 1;
}

int usage() {
  std::fputs("usage: wrench_sim [--seed N] [--runs N] [--mutations]\n", stderr);
  return 2;
}

}  // namespace
}  // namespace wrench::sim

int main(int argc, char** argv) {
  // Every run builds and drops a disk in memory: giving its pages back to the kernel each time costs a sixth of the
  // run.
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_MMAP_THRESHOLD, 512 << 20);
  std::uint64_t seed = 1;
  std::uint64_t runs = 1000;
  bool mutations = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--mutations") {
      mutations = true;
    } else if ((arg == "--seed" || arg == "--runs") && i + 1 < argc) {
      (arg == "--seed" ? seed : runs) = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return wrench::sim::usage();
    }
  }
  return mutations ? wrench::sim::run_mutations(seed, runs) : wrench::sim::run_all(seed, runs);
}
