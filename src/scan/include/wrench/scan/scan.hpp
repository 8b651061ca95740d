#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/source/language.hpp"

/// One run over a tree: discover, read, analyse each file once, suppress, compare with the baseline, rank, report.
namespace wrench::scan {

enum class Analysis : std::uint8_t { Rules, Taint, Secrets, Metrics, Clones, Structure };
inline constexpr Analysis kAllAnalyses[] = {Analysis::Rules,   Analysis::Taint,  Analysis::Secrets,
                                            Analysis::Metrics, Analysis::Clones, Analysis::Structure};
/// "rules", "taint", "secrets", "metrics", "clones", "structure".
std::string_view name(Analysis analysis);
std::optional<Analysis> parse_analysis(std::string_view text);

/// CPU time to parse one file and match the rules of its language.
inline constexpr Micros kFileCpuMax = 5 * kMicrosPerSecond;
/// Wall time to read one file: its file system may answer slowly without end.
inline constexpr Micros kFileReadWallMax = 300 * kMicrosPerSecond;

struct ScanLimits {
  std::uint64_t file_bytes_max = std::uint64_t{1} << 20;          ///< Larger files aren't parsed.
  std::uint64_t named_file_bytes_max = std::uint64_t{64} << 20;   ///< The same for files named by the user.
  std::uint64_t secret_file_bytes_max = std::uint64_t{64} << 20;  ///< Larger files aren't read at all.
  std::uint32_t findings_max = 100'000;
  std::uint32_t findings_per_rule_and_file_max = 1'000;
  Micros file_us_max = kFileCpuMax;
  std::uint64_t memory_soft_max = 0;  ///< Bytes; 0: 70 % of what this process may use, at most 4 GiB.
};

struct ScanRequest {
  std::vector<std::string> paths = {"."};  ///< Files or folders, as typed. Named files are always taken.
  std::vector<std::string> rule_paths;     ///< Added to the built-in rules: YAML files, or folders of them.
  bool use_builtin_rules = true;
  bool use_project_config = true;  ///< .wrench.yaml of the project root.
  std::vector<Analysis> analyses{std::begin(kAllAnalyses), std::end(kAllAnalyses)};
  bool with_history = false;  ///< Mine git: the `history` section, hotspots, hotspots in the ranks.
  /// Look for secrets in all contents that the repository holds, reachable or not: findings with `historic`.
  bool history_secrets = false;
  /// A revision: findings that its tree has, too, aren't new, and `edges_added`, `edges_removed` and `summary.since` of
  /// the report say what else changed. Both trees are read with the rules and the configuration of the work tree.
  std::string new_since;
  std::optional<findings::Baseline> baseline;
  int jobs = 0;  ///< Files in flight; 0: one for each core this process may use.
  ScanLimits limits;
};

struct ScanProgress {
  enum class Phase : std::uint8_t { Discover, Analyse, Link, History, Finish } phase = Phase::Discover;
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t findings = 0;
};

class FactCache;
struct RunSetup;

inline constexpr std::size_t kResidentRuleSets = 2;

/// Compiled rules of the latest runs, for the next ones with the same rules and options: those of kResidentRuleSets
/// sets, the latest used. Thread-safe.
class ResidentRules {
 public:
  /// Null when there are none for this RunSetup::key.
  std::shared_ptr<const RunSetup> find(std::string_view key);
  void keep(std::shared_ptr<const RunSetup> setup);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<const RunSetup>> sets_;  ///< The latest used first.
};

/// Bytes that a run takes in the place of what files hold, by the path that reports show: a tree as it would be.
using FileOverlay = std::map<std::string, std::string, std::less<>>;

/// What a run is given from outside. All outlive the run.
struct ScanContext {
  runtime::WorkerPool& pool;
  const Clock& clock;
  FactCache* cache = nullptr;                           ///< Null: every file is analysed anew.
  std::function<void(const ScanProgress&)> progress{};  ///< Called from several threads, at most some times a second.
  /// Each finding when its file is done, long before the report: without rank, and perhaps dismissed later. Called from
  /// several threads.
  std::function<void(const findings::Finding&)> found{};
  ResidentRules* rules = nullptr;        ///< Null: compiled for this run alone, or taken from the cache.
  const FileOverlay* overlay = nullptr;  ///< Null: files as they are.
};

/// Errors are about the request, before any work: io.* (of a path), scan.invalid_config, scan.rules_unreadable,
/// scan.no_rules; of `new_since` history.* (GitRepo), scan.outside_project; scan.deadline; or scan.stopped, within 500
/// ms of the stop. What goes wrong with single files and rules is in the report: `partial`, `skipped`, `errors`. The
/// report is the same for every number of jobs but for its `run`.
Result<findings::Report> run(const ScanRequest& request, ScanContext& context, const StopToken& stop,
                             Deadline deadline = {});

/// Absolute path of the project that `path` belongs to: the enclosing git work tree, else the folder itself or that of
/// the file. Errors: io.*.
Result<std::string> project_root(const std::string& path);

/// The full id of the commit that `revision` means in the repository that `path` lies in, as ScanRequest::new_since.
/// Errors: history.* (GitRepo), those of project_root().
Result<std::string> commit_of(const std::string& path, const std::string& revision, const StopToken& stop);

/// Whether run() would take the project's configuration and the request's rules; its errors about them, without a scan.
Result<void> check_settings(ScanRequest request, const std::string& project_root, const Clock& clock,
                            const StopToken& stop);

/// What stands below a path, without parsing: for plans and estimates.
struct TreeSurvey {
  std::string root;  ///< The enclosing git work tree, else the folder itself.
  bool in_git = false;
  std::uint64_t files = 0;  ///< That a scan would read.
  std::uint64_t bytes = 0;
  std::vector<std::pair<source::Language, std::uint64_t>> bytes_by_language;  ///< Largest first.
  std::vector<std::string> paths;  ///< Relative to `root`, sorted; the first kSurveyPathsMax.
};
inline constexpr std::size_t kSurveyPathsMax = 50'000;
Result<TreeSurvey> survey(const std::string& path, const ScanLimits& limits, const StopToken& stop);

}  // namespace wrench::scan
