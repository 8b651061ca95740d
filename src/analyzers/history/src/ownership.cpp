#include "ownership.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

namespace wrench::history {
namespace {

constexpr double kAuthorDegreeMin = 3.293;
constexpr double kAuthorShareOfBest = 0.75;

}  // namespace

std::vector<Contribution> find_contributions(const HistoryFacts& facts) {
  constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> creator(facts.files.size(), kNobody);
  std::vector<Contribution> all;
  for (const Commit& commit : facts.commits) {
    if (facts.authors[commit.author].bot) continue;
    for (const Change& change : facts.changes_of(commit)) {
      if (!facts.files[change.file].present) continue;
      if (creator[change.file] == kNobody) creator[change.file] = commit.author;
      all.push_back({change.file, commit.author, 1, change.added, false});
    }
  }
  std::ranges::sort(all, [](const Contribution& a, const Contribution& b) {
    return std::tie(a.file, a.author) < std::tie(b.file, b.author);
  });
  std::vector<Contribution> merged;
  for (const Contribution& one : all) {
    if (!merged.empty() && merged.back().file == one.file && merged.back().author == one.author) {
      merged.back().revisions += one.revisions;
      merged.back().added += one.added;
      continue;
    }
    merged.push_back(one);
    merged.back().created = creator[one.file] == one.author;
  }
  return merged;
}

double degree_of_authorship(bool created, std::uint32_t own_changes, std::uint32_t others_changes) {
  return 3.293 + 1.098 * (created ? 1 : 0) + 0.164 * own_changes - 0.321 * std::log1p(others_changes);
}

TruckFactor find_truck_factor(const HistoryFacts& facts, const std::vector<Contribution>& contributions) {
  TruckFactor result;
  result.files_authored.assign(facts.authors.size(), 0);
  std::vector<std::vector<std::uint32_t>> files_of(facts.authors.size());
  std::vector<std::uint32_t> authors_left;  // By file, in the order of `contributions`.
  for (std::size_t begin = 0, end = 0; begin < contributions.size(); begin = end) {
    std::uint32_t total = 0;
    for (; end < contributions.size() && contributions[end].file == contributions[begin].file; ++end)
      total += contributions[end].revisions;
    double best = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Contribution& one = contributions[i];
      best = std::max(best, degree_of_authorship(one.created, one.revisions, total - one.revisions));
    }
    const auto file = static_cast<std::uint32_t>(authors_left.size());
    authors_left.push_back(0);
    for (std::size_t i = begin; i < end; ++i) {
      const Contribution& one = contributions[i];
      const double degree = degree_of_authorship(one.created, one.revisions, total - one.revisions);
      if (degree < kAuthorDegreeMin || degree <= kAuthorShareOfBest * best) continue;
      files_of[one.author].push_back(file);
      ++result.files_authored[one.author];
      ++authors_left[file];
    }
  }
  if (authors_left.empty()) return result;

  std::vector<std::uint32_t> order(facts.authors.size());
  std::iota(order.begin(), order.end(), 0u);
  // Authors are by name already: a stable order among equals.
  std::ranges::stable_sort(
      order, [&](std::uint32_t a, std::uint32_t b) { return result.files_authored[a] > result.files_authored[b]; });
  auto orphans = static_cast<std::size_t>(std::ranges::count(authors_left, 0u));
  for (const std::uint32_t author : order) {
    if (2 * orphans > authors_left.size() || files_of[author].empty()) break;
    for (const std::uint32_t file : files_of[author])
      if (--authors_left[file] == 0) ++orphans;
    result.authors.push_back(author);
    ++result.value;
  }
  return result;
}

}  // namespace wrench::history
