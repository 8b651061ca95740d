#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/history/summary.hpp"

namespace wrench::history {
namespace {

using codec::Json;

/// One decimal is what people read; more would only make reports differ in noise.
double rounded(double value) { return std::round(value * 10) / 10; }
double share(double value) { return std::round(value * 1000) / 1000; }
std::string day(std::int64_t time_s) { return format_date(time_s * kMicrosPerSecond); }

/// The first kSummaryListMax of the files by `better`.
std::vector<const FileHistory*> best_files(const HistorySummary& summary,
                                           const std::function<bool(const FileHistory&, const FileHistory&)>& better) {
  std::vector<const FileHistory*> files;
  for (const FileHistory& file : summary.files) files.push_back(&file);
  std::ranges::stable_sort(files, [&](const FileHistory* a, const FileHistory* b) { return better(*a, *b); });
  files.resize(std::min(files.size(), kSummaryListMax));
  return files;
}

Json churn(const HistorySummary& summary) {
  Json list = Json::array();
  for (const FileHistory* file :
       best_files(summary, [](const auto& a, const auto& b) { return a.revisions > b.revisions; })) {
    list.push_back(Json::object({{"path", repair_utf8(file->path)},
                                 {"revisions", file->revisions},
                                 {"recent_revisions", file->recent_revisions},
                                 {"previous_revisions", file->previous_revisions},
                                 {"bot_revisions", file->bot_revisions},
                                 {"added", file->added},
                                 {"deleted", file->deleted},
                                 {"sum_of_coupling", file->sum_of_coupling}}));
  }
  return list;
}

Json ownership(const HistorySummary& summary) {
  Json list = Json::array();
  for (const FileHistory* file :
       best_files(summary, [](const auto& a, const auto& b) { return a.revisions > b.revisions; })) {
    list.push_back(Json::object({{"path", repair_utf8(file->path)},
                                 {"main_author", file->main_author},
                                 {"percent", rounded(file->main_author_percent)},
                                 {"authors", file->authors},
                                 {"fragmentation", share(file->fragmentation)}}));
  }
  return list;
}

Json age(const HistorySummary& summary) {
  Json list = Json::array();
  for (const FileHistory* file :
       best_files(summary, [](const auto& a, const auto& b) { return a.last_change_s < b.last_change_s; })) {
    list.push_back(Json::object({{"path", repair_utf8(file->path)},
                                 {"months", file->age_months},
                                 {"first_change", day(file->first_change_s)},
                                 {"last_change", day(file->last_change_s)}}));
  }
  return list;
}

Json authors(const HistorySummary& summary) {
  Json list = Json::array();
  for (const AuthorHistory& author : summary.authors) {
    if (list.as_array().size() == kSummaryListMax) break;
    list.push_back(Json::object({{"name", author.name},
                                 {"bot", author.bot},
                                 {"commits", author.commits},
                                 {"recent_commits", author.recent_commits},
                                 {"added", author.added},
                                 {"deleted", author.deleted},
                                 {"files_authored", author.files_authored},
                                 {"first", day(author.first_s)},
                                 {"last", day(author.last_s)}}));
  }
  return list;
}

/// People, not bots, who know the code and still work on it; then those who left.
Json who_to_ask(const HistorySummary& summary) {
  std::vector<const AuthorHistory*> people;
  for (const AuthorHistory& author : summary.authors)
    if (!author.bot) people.push_back(&author);
  std::ranges::stable_sort(people, std::ranges::greater{}, [&](const AuthorHistory* author) {
    return std::tuple(author->active, author->files_authored, author->recent_commits);
  });
  people.resize(std::min(people.size(), kWhoToAskMax));
  Json list = Json::array();
  for (const AuthorHistory* author : people)
    list.push_back(Json::object({{"name", author->name},
                                 {"files_authored", author->files_authored},
                                 {"recent_commits", author->recent_commits},
                                 {"last_commit", day(author->last_s)}}));
  return list;
}

Json coupling(const HistorySummary& summary) {
  Json list = Json::array();
  for (const Coupling& pair : summary.coupling) {
    if (list.as_array().size() == kSummaryListMax) break;
    list.push_back(Json::object({{"files", Json::array({repair_utf8(pair.first), repair_utf8(pair.second)})},
                                 {"percent", rounded(pair.percent)},
                                 {"shared", pair.shared},
                                 {"revisions", Json::array({pair.first_revisions, pair.second_revisions})},
                                 {"evidence", "commit:" + pair.evidence_commit}}));
  }
  return list;
}

Json months(const HistorySummary& summary) {
  Json list = Json::array();
  for (const MonthActivity& month : summary.months)
    list.push_back(Json::object(
        {{"month", month.month}, {"commits", month.commits}, {"authors", month.authors}, {"changes", month.changes}}));
  return list;
}

}  // namespace

Json to_json(const HistorySummary& summary, const SummaryOptions& options) {
  Json people = Json::array();
  for (const std::string& name : summary.truck_factor_authors) people.push_back(name);
  Json degraded = Json::array();
  for (const Degraded& entry : summary.degraded)
    degraded.push_back(Json::object({{"reason", entry.reason}, {"detail", entry.detail}}));
  Json commits = Json::object({{"total", summary.commits},
                               {"by_bots", summary.bot_commits},
                               {"recent", summary.recent_commits},
                               {"with_line_counts", summary.counted_commits}});
  if (summary.commits > 0) {
    commits.set("first", day(summary.first_commit_s));
    commits.set("newest", day(summary.newest_commit_s));
  }
  return Json::object(
      {{"head", summary.head},
       {"window_days", options.window_days},
       {"commits", std::move(commits)},
       {"authors", authors(summary)},
       {"authors_total", summary.authors.size()},
       {"who_to_ask", who_to_ask(summary)},
       {"churn", churn(summary)},
       {"coupling", coupling(summary)},
       {"coupling_total", summary.coupling.size()},
       {"ownership_basis", summary.basis == OwnershipBasis::Lines ? "lines" : "revisions"},
       {"ownership", ownership(summary)},
       {"age", age(summary)},
       {"truck_factor", Json::object({{"value", summary.truck_factor}, {"authors", std::move(people)}})},
       {"knowledge_loss",
        Json::object({{"percent", rounded(summary.knowledge_loss_percent)}, {"inactive_days", options.inactive_days}})},
       {"activity", months(summary)},
       {"degraded", std::move(degraded)}});
}

}  // namespace wrench::history
