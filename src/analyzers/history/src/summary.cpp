#include "wrench/history/summary.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "coupling.hpp"
#include "ownership.hpp"
#include "wrench/base/clock.hpp"

namespace wrench::history {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kMonthDays = 30;
constexpr std::size_t kQuietMonthsMax = 120;  ///< A longer gap is a wrong clock, and isn't drawn.

/// Times in commits are what their authors' machines said: any 64 bits.
constexpr std::int64_t kEarliestS = 0;
constexpr std::int64_t kLatestS = 253'402'300'799;  ///< 9999-12-31
std::int64_t plausible(std::int64_t time_s) { return std::clamp(time_s, kEarliestS, kLatestS); }

std::string month_of(std::int64_t time_s) { return format_date(plausible(time_s) * kMicrosPerSecond).substr(0, 7); }

std::string next_month(const std::string& month) {
  int year = std::stoi(month.substr(0, 4));
  int number = std::stoi(month.substr(5, 2)) + 1;
  if (number > 12) number = 1, ++year;
  std::string text = std::to_string(year);
  text.insert(0, 4 - std::min<std::size_t>(4, text.size()), '0');
  return text + (number < 10 ? "-0" : "-") + std::to_string(number);
}

bool all_counted(const HistoryFacts& facts) { return std::ranges::all_of(facts.commits, &Commit::counted); }

struct Window {
  std::int64_t recent_from_s, previous_from_s;
  explicit Window(const HistoryFacts& facts, std::int64_t days)
      : recent_from_s(plausible(facts.newest_s()) - days * kDaySeconds),
        previous_from_s(recent_from_s - days * kDaySeconds) {}
};

/// Revisions, times and lines of every file, by its index in the facts.
std::vector<FileHistory> walk_files(const HistoryFacts& facts, const Window& window) {
  std::vector<FileHistory> files(facts.files.size());
  for (const Commit& commit : facts.commits) {
    const std::int64_t time_s = plausible(commit.time_s);
    for (const Change& change : facts.changes_of(commit)) {
      FileHistory& file = files[change.file];
      if (facts.authors[commit.author].bot) {
        ++file.bot_revisions;
        continue;
      }
      if (file.revisions++ == 0) file.first_change_s = time_s;
      file.last_change_s = time_s;
      if (time_s > window.recent_from_s)
        ++file.recent_revisions;
      else if (time_s > window.previous_from_s)
        ++file.previous_revisions;
      file.added += change.added;
      file.deleted += change.deleted;
    }
  }
  return files;
}

std::vector<AuthorHistory> walk_authors(const HistoryFacts& facts, const Window& window) {
  std::vector<AuthorHistory> authors(facts.authors.size());
  for (std::size_t i = 0; i < authors.size(); ++i) {
    authors[i].name = facts.authors[i].name;
    authors[i].bot = facts.authors[i].bot;
  }
  for (const Commit& commit : facts.commits) {
    AuthorHistory& author = authors[commit.author];
    const std::int64_t time_s = plausible(commit.time_s);
    if (author.commits++ == 0) author.first_s = time_s;
    author.last_s = time_s;
    if (time_s > window.recent_from_s) ++author.recent_commits;
    for (const Change& change : facts.changes_of(commit)) {
      author.added += change.added;
      author.deleted += change.deleted;
    }
  }
  return authors;
}

std::vector<MonthActivity> walk_months(const HistoryFacts& facts) {
  std::vector<MonthActivity> months;
  std::vector<std::size_t> last_month_of(facts.authors.size(), ~std::size_t{0});
  for (const Commit& commit : facts.commits) {
    if (facts.authors[commit.author].bot) continue;
    const std::string month = month_of(commit.time_s);
    // A commit dated 1970 in a young repository would make hundreds of empty months: then the gap isn't drawn.
    if (!months.empty() && months.back().month != month) {
      const std::size_t before = months.size();
      std::string filler = next_month(months.back().month);
      while (filler != month && months.size() - before < kQuietMonthsMax) {
        months.push_back({filler, 0, 0, 0});
        filler = next_month(filler);
      }
      if (filler != month) months.resize(before);
    }
    if (months.empty() || months.back().month != month) months.push_back({month, 0, 0, 0});
    MonthActivity& activity = months.back();
    ++activity.commits;
    activity.changes += commit.changes;
    if (std::exchange(last_month_of[commit.author], months.size()) != months.size()) ++activity.authors;
  }
  return months;
}

/// Main author and fragmentation of each file from one file's contributions.
void set_ownership(const HistoryFacts& facts, const std::vector<Contribution>& contributions, OwnershipBasis basis,
                   std::vector<FileHistory>& files, std::vector<std::uint32_t>& main_author) {
  for (std::size_t begin = 0, end = 0; begin < contributions.size(); begin = end) {
    FileHistory& file = files[contributions[begin].file];
    const bool by_lines = basis == OwnershipBasis::Lines && file.added > 0;
    const Contribution* best = nullptr;
    const auto weight = [&](const Contribution& one) { return by_lines ? one.added : one.revisions; };
    double squares = 0;
    for (; end < contributions.size() && contributions[end].file == contributions[begin].file; ++end) {
      const Contribution& one = contributions[end];
      ++file.authors;
      const double share = static_cast<double>(one.revisions) / file.revisions;
      squares += share * share;
      if (best == nullptr || std::tuple(weight(one), one.revisions) > std::tuple(weight(*best), best->revisions))
        best = &one;
    }
    file.fragmentation = 1 - squares;
    const double total = by_lines ? static_cast<double>(file.added) : file.revisions;
    file.main_author = facts.authors[best->author].name;
    file.main_author_percent = 100.0 * static_cast<double>(weight(*best)) / total;
    main_author[best->file] = best->author;
  }
}

double knowledge_loss(const HistoryFacts& facts, const std::vector<FileHistory>& files,
                      const std::vector<std::uint32_t>& main_author, const std::vector<AuthorHistory>& authors,
                      OwnershipBasis basis) {
  double total = 0;
  double lost = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FileHistory& file = files[i];
    if (!facts.files[i].present || file.revisions == 0) continue;
    const bool by_lines = basis == OwnershipBasis::Lines;
    const double weight =
        by_lines ? static_cast<double>(file.added - std::min(file.added, file.deleted)) : file.revisions;
    total += weight;
    if (!authors[main_author[i]].active) lost += weight;
  }
  return total > 0 ? 100.0 * lost / total : 0;
}

}  // namespace

const FileHistory* HistorySummary::find(std::string_view path) const {
  const auto found =
      std::ranges::lower_bound(files, path, {}, [](const FileHistory& f) { return std::string_view(f.path); });
  return found != files.end() && found->path == path ? &*found : nullptr;
}

HistorySummary summarise(const HistoryFacts& facts, const SummaryOptions& options) {
  HistorySummary summary;
  summary.head = facts.head;
  summary.degraded = facts.degraded;
  summary.commits = static_cast<std::uint32_t>(facts.commits.size());
  if (facts.commits.empty()) return summary;
  const Window window(facts, options.window_days);
  summary.first_commit_s = plausible(facts.commits.front().time_s);
  summary.newest_commit_s = plausible(facts.newest_s());
  for (const Commit& commit : facts.commits) {
    summary.bot_commits += facts.authors[commit.author].bot;
    summary.counted_commits += commit.counted;
    summary.recent_commits += plausible(commit.time_s) > window.recent_from_s;
  }
  summary.basis = all_counted(facts) ? OwnershipBasis::Lines : OwnershipBasis::Revisions;
  summary.months = walk_months(facts);

  std::vector<FileHistory> files = walk_files(facts, window);
  std::vector<AuthorHistory> authors = walk_authors(facts, window);
  const std::vector<Contribution> contributions = find_contributions(facts);
  std::vector<std::uint32_t> main_author(files.size(), 0);
  set_ownership(facts, contributions, summary.basis, files, main_author);
  const TruckFactor truck = find_truck_factor(facts, contributions);
  summary.truck_factor = truck.value;
  for (const std::uint32_t author : truck.authors) summary.truck_factor_authors.push_back(facts.authors[author].name);
  const std::int64_t active_from_s = summary.newest_commit_s - std::int64_t{options.inactive_days} * kDaySeconds;
  for (std::size_t i = 0; i < authors.size(); ++i) {
    authors[i].files_authored = truck.files_authored[i];
    authors[i].active = authors[i].last_s >= active_from_s;
  }
  summary.knowledge_loss_percent = knowledge_loss(facts, files, main_author, authors, summary.basis);

  CouplingResult coupling = find_coupling(facts, options);
  summary.coupling = std::move(coupling.pairs);
  if (coupling.cut)
    summary.degraded.push_back({"pairs_max", "coupling looks at the newest change sets only: too many pairs of files"});

  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!facts.files[i].present || files[i].revisions + files[i].bot_revisions == 0) continue;
    files[i].path = facts.files[i].path;
    files[i].sum_of_coupling = coupling.sum_by_file[i];
    files[i].age_months =
        static_cast<std::uint32_t>((summary.newest_commit_s - files[i].last_change_s) / (kMonthDays * kDaySeconds));
    summary.files.push_back(std::move(files[i]));
  }
  std::ranges::stable_sort(authors,
                           [](const AuthorHistory& a, const AuthorHistory& b) { return a.commits > b.commits; });
  summary.authors = std::move(authors);
  return summary;
}

}  // namespace wrench::history
