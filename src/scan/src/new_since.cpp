#include "new_since.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "revision.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/scan/discovery.hpp"

namespace wrench::scan {
namespace {

Error about_revision(Error error, const std::string& name) {
  if (error.code == "history.stopped") return Error("scan.stopped", "the scan was stopped");
  if (error.code == "history.deadline") return Error("scan.deadline", error.message);
  if (error.code == "history.unknown_revision" || error.code == "history.ambiguous_revision") {
    error.message = "--new-since: " + error.message;
    return error;
  }
  error.message = "--new-since " + escape_for_display(name) + ": " + error.message;
  return error;
}

Result<std::shared_ptr<const Revision>> open_revision(const ScanRequest& request, const StopToken& stop,
                                                      const Deadline& deadline) {
  DiscoveryOptions options;
  options.paths = request.paths;
  const auto root = project_root(request.paths.empty() ? "." : request.paths.front());
  if (!root) {
    static_cast<void>(WRENCH_TRY(discover(options, stop)));  // Its error names all PATHs that can't be read.
    return root.error();
  }
  auto revision = Revision::open(*root, request.new_since, stop, deadline);
  if (!revision) return about_revision(std::move(revision).error(), request.new_since);
  options.commit = (*revision)->tree();
  static_cast<void>(WRENCH_TRY(discover(options, stop)));  // Are all PATHs in the repository?
  return revision;
}

using Edges = std::vector<findings::ModuleEdge>;

/// Edges of `all` that `others` doesn't have. Both are sorted.
Edges without(const Edges& all, const Edges& others) {
  const auto before = [](const findings::ModuleEdge& a, const findings::ModuleEdge& b) {
    return std::tie(a.from, a.to) < std::tie(b.from, b.to);
  };
  Edges out;
  std::ranges::set_difference(all, others, std::back_inserter(out), before);
  return out;
}

/// What the history of REV holds is old, wherever it stands in today's.
Result<void> settle_historic(findings::Report& report, const Revision& revision, const StopToken& stop,
                             const Deadline& deadline) {
  const auto has_commit = [](const findings::Finding& finding) { return finding.historic && finding.introduced; };
  if (std::ranges::none_of(report.findings, has_commit)) return {};
  const auto old = WRENCH_TRY(history::ancestors(revision.repo(), revision.commit(), stop, deadline));
  for (auto& finding : report.findings)
    if (has_commit(finding) && old.contains(finding.introduced->commit)) finding.is_new = false;
  return {};
}

/// What a submodule holds is in another repository: whether it is new can't be told here.
void leave_out_submodules(findings::Report& report, const std::vector<FoundFile>& files, const Revision& revision) {
  if (revision.submodules().empty()) return;
  std::set<std::string_view> inside;
  for (const auto& file : files)
    if (std::ranges::any_of(revision.submodules(),
                            [&](const std::string& folder) { return file.project_path.starts_with(folder); }))
      inside.insert(file.path);
  if (inside.empty()) return;
  std::size_t left_out = 0;
  for (auto& finding : report.findings) {
    if (!inside.contains(finding.where.path)) continue;
    left_out += finding.is_new && !finding.suppressed ? 1 : 0;
    finding.is_new = false;
  }
  report.notes.push_back(format_count(inside.size()) + (inside.size() == 1 ? " file" : " files") +
                         " of submodules aren't compared: " + format_count(left_out) +
                         (left_out == 1 ? " finding" : " findings") + " there may be old or new");
}

}  // namespace

Result<std::string> commit_of(const std::string& path, const std::string& revision, const StopToken& stop) {
  const auto repo = history::GitRepo::open(WRENCH_TRY(project_root(path)), stop);
  auto commit = repo ? repo->resolve_unambiguous(revision, stop) : Result<std::string>(repo.error());
  if (!commit) return about_revision(std::move(commit).error(), revision);
  return commit;
}

Result<OneRun> run_new_since(const ScanRequest& request, ScanContext& context, const StopToken& stop,
                             Deadline deadline) {
  const auto revision = WRENCH_TRY(open_revision(request, stop, deadline));
  ResidentRules rules;  // Compiled once for both trees.
  ScanContext shared = context;
  if (shared.rules == nullptr) shared.rules = &rules;
  auto now = WRENCH_TRY(run_once(request, shared, stop, deadline, nullptr));

  ScanRequest then_request = request;
  then_request.with_history = then_request.history_secrets = false;
  then_request.baseline.reset();
  ScanContext quiet = shared;
  quiet.found = {};
  quiet.overlay = nullptr;  // Of what is on disk.
  auto then = WRENCH_TRY(run_once(then_request, quiet, stop, deadline, revision.get()));

  auto& report = now.report;
  const auto diff = findings::Baseline::of(then.report.findings).diff(report.findings);
  for (std::size_t i = 0; i < report.findings.size(); ++i)
    report.findings[i].is_new = report.findings[i].is_new && diff.is_new[i];
  report.summary.since = findings::Since{request.new_since, revision->commit(), diff.matched, diff.fixed};
  if (auto settled = settle_historic(report, *revision, stop, deadline); !settled)
    return about_revision(std::move(settled).error(), request.new_since);
  leave_out_submodules(report, now.files, *revision);
  auto edges = std::exchange(report.edges_added, {});
  report.edges_added = without(edges, then.report.edges_added);
  report.edges_removed = without(then.report.edges_added, edges);
  // What wasn't analysed then may make findings look new.
  for (auto& partial : then.report.partial) {
    const bool is_told = std::ranges::any_of(report.partial, [&](const findings::Partial& told) {
      return told.code == partial.code && told.path == partial.path && told.subject == partial.subject;
    });
    if (is_told) continue;
    partial.detail = "in " + request.new_since + ": " + partial.detail;
    report.partial.push_back(std::move(partial));
  }
  report.run.complete = report.partial.empty();
  report.run.elapsed_ms += then.report.run.elapsed_ms;
  return now;
}

}  // namespace wrench::scan
