#include "coupling.hpp"

#include <algorithm>
#include <tuple>

namespace wrench::history {
namespace {

struct Pair {
  std::uint64_t key = 0;     ///< First file << 32 | second file.
  std::uint32_t commit = 0;  ///< Index of the commit that changed both.
};

std::uint32_t first_of(std::uint64_t key) { return static_cast<std::uint32_t>(key >> 32); }
std::uint32_t second_of(std::uint64_t key) { return static_cast<std::uint32_t>(key); }

bool is_kept(const HistoryFacts& facts, const Commit& commit, const SummaryOptions& options) {
  return commit.changes > 0 && commit.changes <= options.change_set_files_max && !facts.authors[commit.author].bot;
}

}  // namespace

CouplingResult find_coupling(const HistoryFacts& facts, const SummaryOptions& options, std::size_t pairs_max) {
  CouplingResult result;
  result.sum_by_file.assign(facts.files.size(), 0);
  std::vector<std::uint32_t> revisions(facts.files.size(), 0);
  for (const Commit& commit : facts.commits) {
    if (!is_kept(facts, commit, options)) continue;
    for (const Change& change : facts.changes_of(commit)) {
      ++revisions[change.file];
      result.sum_by_file[change.file] += commit.changes - 1;
    }
  }

  // A file with fewer revisions than must be shared can't be in a pair; neither can one that is gone be shown.
  const auto can_pair = [&](std::uint32_t file) {
    return revisions[file] >= options.shared_min && facts.files[file].present;
  };
  std::vector<Pair> pairs;
  std::vector<std::uint32_t> files;
  for (std::size_t c = facts.commits.size(); c-- > 0 && !result.cut;) {
    const Commit& commit = facts.commits[c];
    if (!is_kept(facts, commit, options)) continue;
    files.clear();
    for (const Change& change : facts.changes_of(commit))
      if (can_pair(change.file)) files.push_back(change.file);
    result.cut = pairs.size() + files.size() * files.size() / 2 > pairs_max;
    if (result.cut) break;
    for (std::size_t a = 0; a < files.size(); ++a)
      for (std::size_t b = a + 1; b < files.size(); ++b)
        pairs.push_back({std::uint64_t{files[a]} << 32 | files[b], static_cast<std::uint32_t>(c)});
  }
  std::ranges::sort(pairs,
                    [](const Pair& a, const Pair& b) { return std::tie(a.key, b.commit) < std::tie(b.key, a.commit); });

  for (std::size_t begin = 0, end = 0; begin < pairs.size(); begin = end) {
    const std::uint64_t key = pairs[begin].key;
    while (end < pairs.size() && pairs[end].key == key) ++end;
    Coupling coupling;
    coupling.shared = static_cast<std::uint32_t>(end - begin);
    coupling.first_revisions = revisions[first_of(key)];
    coupling.second_revisions = revisions[second_of(key)];
    const double mean = (coupling.first_revisions + coupling.second_revisions) / 2.0;
    coupling.percent = 100.0 * coupling.shared / mean;
    if (coupling.shared < options.shared_min || mean < options.revisions_min ||
        coupling.percent < options.coupling_min_percent)
      continue;
    coupling.first = facts.files[first_of(key)].path;
    coupling.second = facts.files[second_of(key)].path;
    coupling.evidence_commit = facts.commits[pairs[begin].commit].id;
    result.pairs.push_back(std::move(coupling));
  }
  std::ranges::sort(result.pairs, [](const Coupling& a, const Coupling& b) {
    return std::tie(b.percent, b.shared, a.first, a.second) < std::tie(a.percent, a.shared, b.first, b.second);
  });
  return result;
}

}  // namespace wrench::history
