#pragma once

#include <functional>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::scan {

inline constexpr std::size_t kWatchedFoldersMax = 100'000;
/// Files are written in pieces: a run begins when nothing changed for so long, or at the latest after kWatchPatience.
inline constexpr Micros kWatchCalm = 50 * kMicrosPerMs;
inline constexpr Micros kWatchPatience = 1 * kMicrosPerSecond;

/// One run of a watched tree against the run before. Findings count that are new and not suppressed.
struct WatchedRun {
  const findings::Report& report;
  std::vector<const findings::Finding*> appeared;  ///< Of `report`, in its order. Empty for the first run.
  std::vector<findings::Finding> vanished;         ///< Of the run before.
  Micros elapsed_us = 0;                           ///< Of this run alone.
};

/// What is called for the first run and then for each that changed something that counts. The reference is good until
/// it returns. An Error ends the watching and is returned.
using WatchedRunSink = std::function<Result<void>(const WatchedRun& run)>;
/// Takes a report before it is compared: to apply a baseline.
using WatchedReportEdit = std::function<Result<void>(findings::Report& report)>;
/// A run that failed, for instance because .wrench.yaml is being edited: watching goes on.
using WatchedFault = std::function<void(const Error& error)>;

struct WatchOptions {
  WatchedRunSink on_run;
  WatchedReportEdit edit{};
  WatchedFault on_fault{};
};

/// Analyses the tree, and again whenever a file in one of its folders, or of the rules, changes (inotify(7)); rules
/// stay compiled, and unchanged files keep their results in the cache. Returns only with an Error: scan.stopped, those
/// of the first run, io.* (more folders than the system or kWatchedFoldersMax lets watch), or what `on_run` returns.
Result<void> watch(const ScanRequest& request, ScanContext& context, const WatchOptions& options,
                   const StopToken& stop);

}  // namespace wrench::scan
