#include "selection.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../core/report_paths.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Finding;
using findings::Report;

constexpr std::int64_t kListedDefault = 20;

bool begins_path(std::string_view path, std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return folder.empty() || folder == "." || path == folder ||
         (path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/');
}

bool fits(std::string_view word, std::string_view pattern) {
  return pattern.ends_with('*') ? word.starts_with(pattern.substr(0, pattern.size() - 1)) : word == pattern;
}

template <class Test>
bool any_of(const Json& list, Test&& test) {
  return std::ranges::any_of(list.as_array(), [&](const Json& item) { return test(item.as_string()); });
}

/// Changed lines by path in the repository, as journey.changes tells them.
class ChangedLines {
 public:
  explicit ChangedLines(const Json& changes) {
    for (const Json& file : changes.at("files").as_array()) {
      auto& lines = files_[std::string(file.at("path").as_string())];
      for (const Json& range : file.at("lines").as_array())
        if (range.as_array().size() == 2)
          lines.emplace_back(range.as_array()[0].as_integer(), range.as_array()[1].as_integer());
    }
  }
  bool has_file(const std::string& path) const { return files_.contains(path); }
  bool touch(const std::string& path, const findings::Location& where) const {
    const auto file = files_.find(path);
    if (file == files_.end()) return false;
    const std::int64_t first = where.start.line;
    const std::int64_t last = std::max(where.end.line, where.start.line);
    return std::ranges::any_of(file->second,
                               [&](const auto& range) { return range.first <= last && first <= range.second; });
  }

 private:
  std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>, std::less<>> files_;
};

Json listed(const Finding& finding, std::size_t alike) {
  Json out = Json::object({{"severity", findings::name(finding.severity)},
                           {"where", finding.where.path + ":" + std::to_string(finding.where.start.line)},
                           {"what", findings::headline(finding)},
                           {"rule", finding.rule}});
  if (finding.fix && !finding.fix->description.empty()) out.set("fix", finding.fix->description);
  if (alike > 0) out.set("alike", alike);
  return out;
}

Json counts_of(const std::vector<Finding>& found) {
  std::array<std::int64_t, 5> counts{};
  for (const Finding& finding : found)
    if (!finding.suppressed) ++counts[static_cast<std::size_t>(finding.severity)];
  Json out = Json::object();
  for (std::size_t i = counts.size(); i-- > 0;) out.set(findings::name(static_cast<findings::Severity>(i)), counts[i]);
  return out;
}

}  // namespace

Result<Selection> select_findings(Report report, const Json& query) {
  auto least = findings::Severity::Info;
  if (query.at("severity").is_string()) {
    const auto parsed = findings::parse_severity(query.at("severity").as_string());
    if (!parsed.ok()) return Error("agent.input_invalid", parsed.error().message);
    least = *parsed;
  }
  const bool by_change = query.at("changes").is_object();
  const ChangedLines changed(query.at("changes"));
  const std::string place(query.at("changes").at("tree").as_string());
  const ReportPaths paths(report.root);
  std::int64_t elsewhere = 0;
  const auto asked = [&](const Finding& finding) {
    if (finding.severity < least) return false;
    const auto is_none = [&](std::string_view member, auto&& test) {
      return query.at(member).is_array() && !any_of(query.at(member), test);
    };
    if (is_none("categories", [&](std::string_view c) { return c == findings::name(finding.category); })) return false;
    if (is_none("rules", [&](std::string_view rule) { return fits(finding.rule, rule); })) return false;
    const auto below = paths.below_root(finding.where.path);
    if (is_none("paths", [&](std::string_view folder) {
          return begins_path(finding.where.path, folder) || begins_path(below, folder);
        }))
      return false;
    if (!by_change) return true;
    const auto path = paths.in_repository(finding.where.path, place);
    if (changed.touch(path, finding.where)) return true;
    if (changed.has_file(path) && !finding.suppressed) ++elsewhere;
    return false;
  };
  std::erase_if(report.findings, [&](const Finding& finding) { return !asked(finding); });
  // A report that wasn't put together yet has no ranks.
  if (std::ranges::all_of(report.findings, [](const Finding& finding) { return finding.rank == 0; }))
    findings::rank_all(report.findings, {});
  findings::assign_groups(report.findings);
  report.functions.clear();
  report.clones.clear();
  report.cycles.clear();

  Selection out;
  const auto limit = static_cast<std::size_t>(query.at("limit").as_integer(kListedDefault));
  const auto groups = findings::ranked_groups(report.findings);
  Json list = Json::array();
  for (const auto& group : groups)
    if (list.as_array().size() < limit) list.push_back(listed(*group.best, group.others.size()));
  const auto total = std::ranges::count_if(report.findings, [](const Finding& f) { return !f.suppressed.has_value(); });
  out.told = Json::object({{"total", total},
                           {"counts", counts_of(report.findings)},
                           {"left_out", groups.size() - list.as_array().size()},
                           {"findings", std::move(list)}});
  if (by_change) out.told.set("elsewhere", elsewhere);
  out.report = std::move(report);
  return out;
}

}  // namespace wrench::agents
