#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/history/summary.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {

/// What version control tells a run. Everything is optional: a folder without git is scanned, too, and `notes` says
/// what that leaves out.
class HistoryPart {
 public:
  /// Files that git tracks, relative to `project_root`; opens the repository.
  std::unordered_set<std::string> open_and_list(const std::string& project_root, const StopToken& stop);

  bool opened() const { return repo_.has_value(); }
  /// Null without one.
  const history::GitRepo* repo() const { return repo_ ? &*repo_ : nullptr; }
  const std::string& head() const { return head_; }
  /// "main@3f2c91a"; empty without commits.
  std::string revision() const;
  /// Mines the history, going on from what the cache holds.
  std::optional<history::HistorySummary> mine(FactCache* cache, runtime::WorkerPool& pool, const StopToken& stop,
                                              Deadline deadline);
  std::vector<std::string> notes;
  std::vector<findings::Partial> partial;  ///< What time or damage kept from being read.

 private:
  std::optional<history::GitRepo> repo_;
  std::string head_, branch_;
};

}  // namespace wrench::scan
