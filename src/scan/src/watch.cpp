#include "wrench/scan/watch.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "new_since.hpp"
#include "run_once.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/runtime/directory_watch.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {
namespace {

namespace fs = std::filesystem;

Error stopped() { return Error("scan.stopped", "stopped watching"); }

bool counts(const findings::Finding& finding) { return finding.is_new && !finding.suppressed; }

class Watch {
 public:
  Watch(const ScanRequest& request, ScanContext& context, const WatchOptions& options, const StopToken& stop)
      : request_(request), context_(context), options_(options), stop_(stop) {
    if (context_.rules == nullptr) context_.rules = &rules_;
  }

  Result<void> run() {
    WRENCH_TRY(look());
    for (;;) {
      // A folder that came is watched from now on only: what happened in it meanwhile is seen by another look.
      for (auto folders = folders_now(); folders != watched_; folders = folders_now()) {
        watch_ = std::nullopt;
        watch_.emplace(WRENCH_TRY(open(folders)));
        watched_ = std::move(folders);
        WRENCH_TRY(look_again());
      }
      WRENCH_TRY(wait());
      WRENCH_TRY(look_again());
    }
  }

 private:
  /// Where something may change: the tree's folders, and those that rules and the configuration are in.
  std::set<std::string> folders_now() const {
    std::set<std::string> out = tree_folders_;
    for (const auto& path : request_.rule_paths) {
      std::error_code fault;
      const auto whole = fs::absolute(path, fault);
      if (!fault) out.insert(fs::is_directory(whole, fault) ? whole.string() : whole.parent_path().string());
    }
    return out;
  }

  static Result<runtime::DirectoryWatch> open(const std::set<std::string>& folders) {
    if (folders.size() > kWatchedFoldersMax)
      return Error("io.too_many_entries",
                   "more than " + format_count(kWatchedFoldersMax) + " folders; name those to watch");
    std::vector<std::string> there;
    for (const auto& folder : folders) {
      std::error_code fault;
      if (fs::is_directory(folder, fault)) there.push_back(folder);  // Others went since.
    }
    auto watch = runtime::DirectoryWatch::open(there);
    if (!watch && watch.error().message.find("No space") != std::string::npos)
      return Error(watch.error().code, watch.error().message + ": the system lets nobody watch so many folders")
          .with_help("sysctl fs.inotify.max_user_watches");
    return watch;
  }

  /// Until something changed and nothing does any more.
  Result<void> wait() {
    const SystemClock clock;  // Of the world outside, whatever clock the runs have.
    if (!WRENCH_TRY(watch_->wait(clock, {}, stop_))) return stopped();
    const auto latest = Deadline::after(clock, kWatchPatience);
    while (!latest.passed(clock)) {
      const bool more = WRENCH_TRY(watch_->wait(clock, Deadline::after(clock, kWatchCalm), stop_));
      if (stop_.stop_requested()) return stopped();
      if (!more) break;
    }
    return {};
  }

  Result<void> look_again() {
    auto looked = look();
    if (looked || looked.error().code == "scan.stopped" || fault_of_sink_) return looked;
    if (options_.on_fault) options_.on_fault(looked.error());
    return {};
  }

  Result<void> look() {
    const SystemClock clock;
    const Micros started_us = clock.boot_us();
    auto one = request_.new_since.empty() ? run_once(request_, context_, stop_, {}, nullptr)
                                          : run_new_since(request_, context_, stop_, {});
    if (stop_.stop_requested()) return stopped();
    if (!one) return std::move(one).error();
    tree_folders_ = {one->folders.begin(), one->folders.end()};
    auto& report = one->report;
    if (request_.new_since.empty()) report.edges_added.clear();
    if (options_.edit) WRENCH_TRY(options_.edit(report));
    WatchedRun run{.report = report, .appeared = {}, .vanished = {}, .elapsed_us = clock.boot_us() - started_us};
    std::vector<findings::Finding> now;
    for (const auto& finding : report.findings)
      if (counts(finding)) now.push_back(finding);
    const bool is_first = std::exchange(is_first_, false);
    if (!is_first) compare(now, run);
    last_ = std::move(now);
    if (!is_first && run.appeared.empty() && run.vanished.empty()) return {};
    auto told = options_.on_run(run);
    fault_of_sink_ = !told.ok();
    return told;
  }

  void compare(const std::vector<findings::Finding>& now, WatchedRun& run) const {
    const auto is_new = findings::Baseline::of(last_).diff(now).is_new;
    std::size_t i = 0;
    for (const auto& finding : run.report.findings)
      if (counts(finding) && is_new[i++]) run.appeared.push_back(&finding);
    const auto is_gone = findings::Baseline::of(now).diff(last_).is_new;
    for (std::size_t k = 0; k < last_.size(); ++k)
      if (is_gone[k]) run.vanished.push_back(last_[k]);
  }

  const ScanRequest& request_;
  ScanContext context_;
  const WatchOptions& options_;
  const StopToken& stop_;
  ResidentRules rules_;
  std::optional<runtime::DirectoryWatch> watch_;
  std::set<std::string> watched_, tree_folders_;
  std::vector<findings::Finding> last_;
  bool is_first_ = true, fault_of_sink_ = false;
};

}  // namespace

Result<void> watch(const ScanRequest& request, ScanContext& context, const WatchOptions& options,
                   const StopToken& stop) {
  return Watch(request, context, options, stop).run();
}

}  // namespace wrench::scan
