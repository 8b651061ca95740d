#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/history/facts.hpp"

namespace wrench::history {

struct SummaryOptions {
  std::int64_t window_days = 365;  ///< What "recent" means, before the newest commit.
  std::uint32_t inactive_days = 180;
  // Coupling, with the names and defaults of code-maat.
  std::uint32_t revisions_min = 5, shared_min = 5, coupling_min_percent = 30, change_set_files_max = 30;
};

/// How "most of it is theirs" was measured: by added lines when every commit is counted, else by revisions.
enum class OwnershipBasis : std::uint8_t { Lines, Revisions };

/// One file that is present at the head. Bots' revisions are counted apart and enter nothing else.
struct FileHistory {
  std::string path;
  std::uint32_t revisions = 0, bot_revisions = 0;
  std::uint32_t recent_revisions = 0;    ///< Within the window.
  std::uint32_t previous_revisions = 0;  ///< Within the window before it: the trend.
  std::uint64_t added = 0, deleted = 0;  ///< Over the counted commits.
  std::uint32_t authors = 0;
  std::int64_t first_change_s = 0, last_change_s = 0;
  std::uint32_t age_months = 0;  ///< Whole months of 30 days since the last change.
  std::string main_author;
  double main_author_percent = 0;
  double fragmentation = 0;           ///< 1 - sum((a_i/n)^2), 0 to 1.
  std::uint64_t sum_of_coupling = 0;  ///< Sum over the change sets it is in of (size - 1).
};

struct Coupling {
  std::string first, second;  ///< Both present at the head; first < second.
  std::uint32_t shared = 0, first_revisions = 0, second_revisions = 0;
  double percent = 0;           ///< Shared revisions / mean revisions of both.
  std::string evidence_commit;  ///< The newest commit that changed both.
};

struct AuthorHistory {
  std::string name;
  bool bot = false;
  bool active = false;  ///< A commit in the inactive_days before the newest one.
  std::uint32_t commits = 0, recent_commits = 0;
  std::uint64_t added = 0, deleted = 0;
  std::uint32_t files_authored = 0;  ///< By degree of authorship.
  std::int64_t first_s = 0, last_s = 0;
};

struct MonthActivity {
  std::string month;  ///< "2024-10", UTC.
  std::uint32_t commits = 0, authors = 0;
  std::uint64_t changes = 0;  ///< Files touched, counted once a commit.
};

/// The measures of a history; all pure functions of HistoryFacts.
struct HistorySummary {
  std::string head;
  std::int64_t first_commit_s = 0, newest_commit_s = 0;
  std::uint32_t commits = 0, bot_commits = 0, counted_commits = 0, recent_commits = 0;
  std::vector<FileHistory> files;      ///< By path.
  std::vector<AuthorHistory> authors;  ///< Most commits first.
  std::vector<Coupling> coupling;      ///< Strongest first.
  std::vector<MonthActivity> months;   ///< Oldest first, without gaps.
  OwnershipBasis basis = OwnershipBasis::Revisions;
  /// How many people have to leave until more than half of the files have no author (Avelino et al. 2016, "A novel
  /// approach for estimating truck factors"), and who.
  std::uint32_t truck_factor = 0;
  std::vector<std::string> truck_factor_authors;
  /// Share of what exists (lines, or revisions: `basis`) whose main author hasn't committed for inactive_days.
  double knowledge_loss_percent = 0;
  std::vector<Degraded> degraded;

  const FileHistory* find(std::string_view path) const;
};

HistorySummary summarise(const HistoryFacts& facts, const SummaryOptions& options = {});

/// Output of journey.mine_history; lists are cut at kSummaryListMax, best first.
inline constexpr std::size_t kSummaryListMax = 200;
inline constexpr std::size_t kWhoToAskMax = 5;
codec::Json to_json(const HistorySummary& summary, const SummaryOptions& options = {});

}  // namespace wrench::history
