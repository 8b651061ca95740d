// wrench_sim: seeded runs of the workflow engine through crashes, with a checker. A violation prints its seed; the same
// seed gives the same run.

#include <malloc.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "durability_guards.hpp"
#include "guards.hpp"
#include "world.hpp"
#include "wrench/base/version.hpp"

namespace wrench::sim {
namespace {

constexpr int kViolationsMax = 10;

constexpr std::pair<std::string_view, int Troubles::*> kTroubles[] = {
    {"fail", &Troubles::fail_percent},       {"timeout", &Troubles::timeout_percent},
    {"crash", &Troubles::crash_percent},     {"power_cut", &Troubles::power_cut_percent},
    {"kill", &Troubles::kill_percent},       {"cancel", &Troubles::cancel_percent},
    {"doubled", &Troubles::doubled_percent}, {"slow", &Troubles::slow_percent},
    {"held", &Troubles::held_percent},       {"person", &Troubles::person_percent},
    {"undone", &Troubles::undone_percent}};

struct Totals {
  std::uint64_t runs = 0, crashes = 0, flushes = 0;
};

/// What was violated, if anything.
std::optional<std::string> run_program(std::uint64_t seed, const Program& program,
                                       const storage::testing::FaultVfs::Image& disk, Totals& totals) {
  World world(seed, program, disk);
  std::optional<std::string> violated;
  try {
    world.run();
    if (program.troubles.calm) {
      Program undisturbed = program;
      undisturbed.troubles.crash_percent = 0;
      World reference(seed + 1, undisturbed, disk);
      reference.run();
      if (world.results() != reference.results()) violated = "the results differ from those of an undisturbed run";
    }
  } catch (const Violation& violation) {
    violated = violation.what;
  }
  ++totals.runs;
  totals.crashes += world.crashes();
  totals.flushes += world.flushes();
  return violated;
}

std::optional<std::string> run_seed(std::uint64_t seed, const storage::testing::FaultVfs::Image& disk, Totals& totals) {
  return run_program(seed, Program(seed), disk, totals);
}

/// The same seed with less: fewer tasks, fewer kinds of trouble. Keeps what still violates something.
void shrink(std::uint64_t seed, const storage::testing::FaultVfs::Image& disk) {
  Program least(seed);
  std::string what;
  Totals totals;
  const auto keep_if_violated = [&](Program smaller) {
    const auto violated = run_program(seed, smaller, disk, totals);
    if (!violated) return false;
    least = std::move(smaller);
    what = *violated;
    return true;
  };
  for (std::size_t i = least.tasks.size(); i-- > 0 && least.tasks.size() > 1;) {
    Program smaller = least;
    smaller.remove_task(i);
    keep_if_violated(std::move(smaller));
  }
  std::string troubles;
  for (const auto& [name, percent] : kTroubles) {
    Program smaller = least;
    smaller.troubles.*percent = 0;
    if (least.troubles.*percent != 0 && !keep_if_violated(std::move(smaller)))
      troubles += " " + std::string(name) + " " + std::to_string(least.troubles.*percent) + " %";
  }
  std::printf("  least: %zu tasks,%s: %s\n", least.tasks.size(), troubles.c_str(),
              what.empty() ? "as above" : what.c_str());
}

int run_all(std::uint64_t first, std::uint64_t runs) {
  const auto disk = World::empty_disk();
  Totals totals;
  int violations = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    if (const auto what = run_seed(seed, disk, totals)) {
      std::printf("VIOLATION wrench %s, seed %llu: %s\n", std::string(version()).c_str(),
                  static_cast<unsigned long long>(seed), what->c_str());
      shrink(seed, disk);
      std::fflush(stdout);
      if (++violations == kViolationsMax) break;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%llu runs, %llu crashes, %llu flushes, %d violations, %.1f s, %.0f runs/s\n",
              static_cast<unsigned long long>(totals.runs), static_cast<unsigned long long>(totals.crashes),
              static_cast<unsigned long long>(totals.flushes), violations, seconds,
              static_cast<double>(totals.runs) / seconds);
  return violations == 0 ? 0 : 1;
}

bool is_caught(std::string_view guard, std::uint64_t first, std::uint64_t runs,
               const storage::testing::FaultVfs::Image& disk) {
  Totals totals;
  std::optional<std::string> found;
  for (std::uint64_t seed = first; seed < first + runs && !found; ++seed) found = run_seed(seed, disk, totals);
  std::printf("%-22s %s after %llu runs, %llu crashes: %s\n", std::string(guard).c_str(), found ? "caught" : "MISSED",
              static_cast<unsigned long long>(totals.runs), static_cast<unsigned long long>(totals.crashes),
              found ? found->c_str() : "-");
  std::fflush(stdout);
  return found.has_value();
}

/// `only`: that guard; empty: each of them.
int run_mutations(std::string_view only, std::uint64_t first, std::uint64_t runs) {
  const auto disk = World::empty_disk();
  int tried = 0;
  int caught = 0;
  const auto without = [&](std::string_view guard) {
    ++tried;
    caught += is_caught(guard, first, runs, disk) ? 1 : 0;
  };
  for (std::size_t guard = 0; guard < workflow::kKeepsSimulated; ++guard) {
    workflow::g_removed_guard = static_cast<workflow::Keep>(guard);
    if (only.empty() || only == workflow::kKeepNames[guard]) without(workflow::kKeepNames[guard]);
  }
  workflow::g_removed_guard = workflow::Keep::kCount;
  for (std::size_t guard = 0; guard < storage::kKeepsSimulated; ++guard) {
    storage::g_removed_guard = static_cast<storage::Keep>(guard);
    if (only.empty() || only == storage::kKeepNames[guard]) without(storage::kKeepNames[guard]);
  }
  storage::g_removed_guard = storage::Keep::kCount;
  std::printf("%d of %d removed guards caught\n", caught, tried);
  return tried > 0 && caught == tried ? 0 : 1;
}

int usage() {
  std::fputs("usage: wrench_sim [--seed N] [--runs N] [--mutations | --without GUARD]\n", stderr);
  return 2;
}

}  // namespace
}  // namespace wrench::sim

int main(int argc, char** argv) {
  // One thread: SQLite's locks and counters around each allocation only cost time.
  sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  // Every run builds and drops a disk in memory: giving its pages back to the kernel each time costs a sixth of the
  // run.
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_MMAP_THRESHOLD, 512 << 20);
  std::uint64_t seed = 1;
  std::uint64_t runs = 1000;
  bool mutations = false;
  std::string_view without;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == "--mutations") {
      mutations = true;
    } else if (arg == "--without" && i + 1 < argc) {
      mutations = true;
      without = argv[++i];
    } else if ((arg == "--seed" || arg == "--runs") && i + 1 < argc) {
      (arg == "--seed" ? seed : runs) = std::strtoull(argv[++i], nullptr, 10);
    } else {
      return wrench::sim::usage();
    }
  }
  return mutations ? wrench::sim::run_mutations(without, seed, runs) : wrench::sim::run_all(seed, runs);
}
