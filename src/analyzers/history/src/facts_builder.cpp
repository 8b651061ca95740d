#include "facts_builder.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::history {
namespace {

constexpr std::string_view kBotSuffix = "[bot]";
constexpr std::string_view kNobody = "(unknown)";

/// For each index of `count` items its place in the order of `less`.
template <class Less>
std::vector<std::uint32_t> order_of(std::size_t count, Less&& less) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, less);
  return order;
}

}  // namespace

bool FactsBuilder::is_bot(std::string_view name, std::string_view email) const {
  return name.ends_with(kBotSuffix) || contains_ignoring_case_ascii(email, "[bot]@") ||
         bots_.contains(std::string(name));
}

std::uint32_t FactsBuilder::file_index(std::string_view path) {
  if (const auto found = file_of_path_.find(path); found != file_of_path_.end()) return found->second;
  const auto index = static_cast<std::uint32_t>(paths_.size());
  paths_.emplace_back(path);
  file_of_path_.emplace(path, index);
  return index;
}

std::uint32_t FactsBuilder::author_index(std::string_view name, bool bot) {
  if (const auto found = author_of_name_.find(name); found != author_of_name_.end()) {
    authors_[found->second].bot |= bot;
    return found->second;
  }
  const auto index = static_cast<std::uint32_t>(authors_.size());
  authors_.push_back(Author{std::string(name), bot});
  author_of_name_.emplace(name, index);
  return index;
}

void FactsBuilder::add(LoggedCommit&& logged) {
  std::string name = repair_utf8(trim(logged.author));
  if (name.empty()) name = repair_utf8(trim(logged.email));
  if (name.empty()) name = kNobody;
  Commit commit;
  commit.id = std::move(logged.id);
  commit.time_s = logged.time_s;
  commit.author = author_index(name, is_bot(name, logged.email));
  commit.first_change = static_cast<std::uint32_t>(changes_.size());
  commit.changes = static_cast<std::uint32_t>(logged.changes.size());
  for (const LoggedChange& change : logged.changes)
    changes_.push_back(Change{file_index(change.path), 0, 0, change.status});
  commits_.push_back(std::move(commit));
}

void FactsBuilder::add_all(const HistoryFacts& facts) {
  for (const Commit& commit : facts.commits) {
    const Author& author = facts.authors[commit.author];
    Commit copy = commit;
    copy.author = author_index(author.name, author.bot);
    copy.first_change = static_cast<std::uint32_t>(changes_.size());
    for (Change change : facts.changes_of(commit)) {
      change.file = file_index(facts.files[change.file].path);
      changes_.push_back(change);
    }
    commits_.push_back(std::move(copy));
  }
}

HistoryFacts FactsBuilder::build(const std::vector<std::string>& present, std::size_t commits_max) && {
  for (const std::string& path : present) file_index(path);
  const auto commit_order = order_of(commits_.size(), [this](std::uint32_t a, std::uint32_t b) {
    return std::tie(commits_[a].time_s, commits_[a].id) < std::tie(commits_[b].time_s, commits_[b].id);
  });
  const std::size_t skipped = commit_order.size() - std::min(commit_order.size(), commits_max);
  const std::span<const std::uint32_t> kept = std::span(commit_order).subspan(skipped);

  // Only what is kept is numbered, so that the same commits give the same facts whatever else was seen.
  std::vector<bool> file_used(paths_.size());
  std::vector<bool> author_used(authors_.size());
  for (const std::string& path : present) file_used[file_index(path)] = true;
  for (const std::uint32_t index : kept) {
    const Commit& commit = commits_[index];
    author_used[commit.author] = true;
    for (std::uint32_t c = 0; c < commit.changes; ++c) file_used[changes_[commit.first_change + c].file] = true;
  }
  auto file_order = order_of(paths_.size(), [this](std::uint32_t a, std::uint32_t b) { return paths_[a] < paths_[b]; });
  auto author_order = order_of(
      authors_.size(), [this](std::uint32_t a, std::uint32_t b) { return authors_[a].name < authors_[b].name; });
  std::erase_if(file_order, [&](std::uint32_t file) { return !file_used[file]; });
  std::erase_if(author_order, [&](std::uint32_t author) { return !author_used[author]; });
  std::vector<std::uint32_t> file_place(paths_.size());
  for (std::uint32_t i = 0; i < file_order.size(); ++i) file_place[file_order[i]] = i;
  std::vector<std::uint32_t> author_place(authors_.size());
  for (std::uint32_t i = 0; i < author_order.size(); ++i) author_place[author_order[i]] = i;

  HistoryFacts facts;
  facts.files.resize(file_order.size());
  for (const std::string& path : present) facts.files[file_place[file_index(path)]].present = true;
  for (std::uint32_t i = 0; i < file_order.size(); ++i) facts.files[i].path = std::move(paths_[file_order[i]]);
  for (const std::uint32_t author : author_order) facts.authors.push_back(std::move(authors_[author]));
  facts.commits.reserve(kept.size());
  facts.changes.reserve(changes_.size());
  for (const std::uint32_t index : kept) {
    Commit commit = std::move(commits_[index]);
    const std::uint32_t first = std::exchange(commit.first_change, static_cast<std::uint32_t>(facts.changes.size()));
    commit.author = author_place[commit.author];
    for (std::uint32_t c = 0; c < commit.changes; ++c) {
      Change change = changes_[first + c];
      change.file = file_place[change.file];
      facts.changes.push_back(change);
    }
    std::ranges::sort(std::span(facts.changes).subspan(commit.first_change), {}, &Change::file);
    facts.commits.push_back(std::move(commit));
  }
  return facts;
}

}  // namespace wrench::history
