#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "run_setup.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {

/// Contents with secrets that are looked at more closely; the first ones in the order of their ids.
inline constexpr std::size_t kHistoricBlobsMax = 20'000;

struct HistoryScan {
  const history::GitRepo& repo;
  const std::string& head;        ///< Full id of what is checked out; empty without a commit.
  const RunSetup& setup;          ///< With its rules.
  const std::string& path_front;  ///< Stands before a project path in what is reported.
  std::function<bool(const std::string& project_path)> is_excluded;
  runtime::WorkerPool& pool;
  const Clock& clock;
  FactCache* cache = nullptr;  ///< Keeps which contents hold no secret.
  int jobs = 1;
};

/// A secret of the history: one for each value, rule and path, with the first commit that had it.
struct HistoricSecret {
  findings::Finding finding;              ///< With `historic`, `introduced`.
  std::vector<std::string> fingerprints;  ///< Of this secret in every content: a finding of the tree may have one.
};
struct HistorySecrets {
  std::vector<HistoricSecret> secrets;  ///< By place.
  std::vector<findings::Partial> partial;
  std::vector<std::string> notes;
  std::uint64_t blobs = 0, bytes = 0;  ///< Contents of the repository that could be read.
};

/// Looks into every content once, in the order of the packs, on as many processes of git as there are jobs. Holds one
/// content for each job. Errors: scan.stopped, scan.deadline; what git can't read is `git_object_missing`.
Result<HistorySecrets> find_history_secrets(const HistoryScan& scan, const StopToken& stop, const Deadline& deadline);

/// Adds what the tree doesn't hold, too, ranked and in order, and gives these back. A finding of the tree learns since
/// when the repository has it.
std::vector<findings::Finding> add_to_report(HistorySecrets found, findings::Report& report);

}  // namespace wrench::scan
