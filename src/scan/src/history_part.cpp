#include "history_part.hpp"

#include <utility>

#include "wrench/history/mine.hpp"

namespace wrench::scan {
namespace {

constexpr std::string_view kFactsKey = "history/1";

}  // namespace

std::unordered_set<std::string> HistoryPart::open_and_list(const std::string& project_root, const StopToken& stop) {
  auto repo = history::GitRepo::open(project_root, stop);
  if (!repo.ok()) {
    notes.push_back("git can't be asked (" + repo.error().message + "): ignore files decide alone");
    return {};
  }
  // A repository found further up than the project would speak of other paths.
  if (repo->root() != project_root) {
    notes.push_back("the git work tree is " + repo->root() + ", not " + project_root + ": its history isn't used");
    return {};
  }
  repo_ = std::move(*repo);
  if (auto head = repo_->head(stop); head.ok())
    head_ = std::move(*head);
  else if (head.error().code != "history.no_commits")
    notes.push_back("git can't say what is checked out (" + head.error().message + ")");
  if (auto branch = repo_->branch(stop); branch.ok()) branch_ = std::move(*branch);
  auto files = repo_->tracked_files(stop);
  if (!files.ok()) {
    notes.push_back("git can't list its files (" + files.error().message + "): ignore files decide alone");
    return {};
  }
  return {std::make_move_iterator(files->begin()), std::make_move_iterator(files->end())};
}

std::string HistoryPart::revision() const {
  if (head_.empty()) return {};
  constexpr std::size_t kShortId = 7;
  return (branch_.empty() ? std::string("HEAD") : branch_) + "@" + head_.substr(0, kShortId);
}

std::optional<history::HistorySummary> HistoryPart::mine(FactCache* cache, runtime::WorkerPool& pool,
                                                         const StopToken& stop, Deadline deadline) {
  if (!repo_) {
    notes.emplace_back(notes.empty() ? "not a git repository: no history, no hotspots" : "no history, no hotspots");
    return std::nullopt;
  }
  std::optional<history::HistoryFacts> previous;
  if (cache != nullptr)
    if (const auto kept = cache->get(kFactsKey)) {
      const codec::JsonLimits limits{.bytes_max = std::size_t{1} << 30, .values_max = 200'000'000};
      if (const auto json = codec::parse_json(*kept, limits); json.ok())
        if (auto facts = history::facts_from_json(*json); facts.ok()) previous = std::move(*facts);
    }
  if (previous && previous->head == head_ && !head_.empty()) return history::summarise(*previous);
  auto facts = history::mine(*repo_, {}, previous ? &*previous : nullptr, pool, stop, deadline);
  if (!facts.ok()) {
    if (stop.stop_requested()) return std::nullopt;
    notes.push_back("no history: " + facts.error().message);
    const bool late = facts.error().code == "history.deadline";
    partial.push_back({late ? "file_timeout" : "git_object_missing", "", "history", facts.error().message});
    return std::nullopt;
  }
  for (const auto& degraded : facts->degraded) {
    notes.push_back("history: " + degraded.detail);
    if (degraded.reason == "log_cut") partial.push_back({"git_object_missing", "", "history", degraded.detail});
  }
  if (cache != nullptr) cache->put(kFactsKey, codec::write_json(history::to_json(*facts)));
  return history::summarise(*facts);
}

}  // namespace wrench::scan
