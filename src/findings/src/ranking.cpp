#include "wrench/findings/ranking.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace wrench::findings {
namespace {

constexpr std::array kSeverityWeight = {0.1, 0.25, 0.5, 0.8, 1.0};
constexpr std::array kConfidenceWeight = {0.4, 0.7, 1.0};
constexpr double kUnknownHotspot = 0.5;
/// By category: security, secret, correctness, performance, maintainability, structure, style. ADR 0009.
constexpr std::array kKindWeight = {1.0, 1.0, 1.0, 0.8, 0.5, 0.6, 0.3};
static_assert(kKindWeight.size() == static_cast<std::size_t>(Category::Style) + 1);

double reach_weight(Reach reach) {
  switch (reach) {
    case Reach::Entry:
      return 1;
    case Reach::TestOrDead:
      return 0;
    case Reach::Unknown:
      break;
  }
  return 0.5;
}

auto place_key(const Finding& f) {
  return std::tie(f.where.path, f.where.start.offset, f.rule, f.where.end.offset, f.rule_file, f.message,
                  f.fingerprint);
}

class DisjointSets {
 public:
  explicit DisjointSets(std::size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) {
      parent_[i] = parent_[parent_[i]];
      i = parent_[i];
    }
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

double rank(const Finding& finding, std::optional<double> hotspot_percentile) {
  const double severity = kSeverityWeight[static_cast<std::size_t>(finding.severity)];
  const double confidence = kConfidenceWeight[static_cast<std::size_t>(finding.confidence)];
  const double kind = kKindWeight[static_cast<std::size_t>(finding.category)];
  const double hotspot = std::clamp(hotspot_percentile.value_or(kUnknownHotspot), 0.0, 1.0);
  return 100 * severity * confidence * kind * (0.6 + 0.4 * reach_weight(finding.reach)) * (0.7 + 0.3 * hotspot);
}

void rank_all(std::span<Finding> findings, const RankInputs& inputs) {
  for (Finding& finding : findings) {
    std::optional<double> percentile;
    if (inputs.has_history) {
      const auto found = inputs.hotspot_percentile.find(finding.where.path);
      percentile = found == inputs.hotspot_percentile.end() ? 0 : found->second;
    }
    finding.rank = rank(finding, percentile);
    finding.hotspot_percentile.reset();
    if (percentile)
      finding.hotspot_percentile = static_cast<std::uint8_t>(std::lround(std::clamp(*percentile, 0.0, 1.0) * 100));
  }
}

std::string explain_rank(const Finding& finding) {
  std::string out =
      std::string(name(finding.severity)) + " severity, " + std::string(name(finding.confidence)) + " confidence";
  if (kKindWeight[static_cast<std::size_t>(finding.category)] < 1)
    out += ", " + std::string(name(finding.category)) + " counts for less than defects";
  if (finding.reach == Reach::TestOrDead) out += "; only in tests, examples or unused code";
  if (finding.reach == Reach::Entry) {
    if (!finding.reached_from.empty())
      out += "; " + finding.reached_from + " reads input from outside and calls this";
    else
      out +=
          finding.trace.empty() ? "; the code around it reads input from outside" : "; input from outside gets there";
  }
  if (finding.hotspot_percentile) {
    const int percent = *finding.hotspot_percentile;
    out += percent == 0 ? "; its file is rarely changed, or simple"
                        : "; its file is changed more often and more complex than " + std::to_string(percent) +
                              " % of the others";
  }
  return out;
}

void assign_groups(std::span<Finding> findings) {
  // For each (path, CWE) the ranges that overlap, directly or in a chain, are one run of the sorted list.
  struct Entry {
    std::string_view path, cwe;
    std::uint64_t start, end;
    std::size_t index;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    findings[i].group.clear();
    if (findings[i].suppressed) continue;
    const Location& where = findings[i].where;
    for (const std::string& cwe : findings[i].cwe) {
      entries.push_back({where.path, cwe, where.start.offset, where.end.offset, i});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.path, a.cwe, a.start, a.end, a.index) < std::tie(b.path, b.cwe, b.start, b.end, b.index);
  });
  DisjointSets sets(findings.size());
  std::uint64_t run_end = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const bool same_list = i > 0 && entries[i - 1].path == entry.path && entries[i - 1].cwe == entry.cwe;
    if (same_list && (entry.start < run_end || entry.start == entries[i - 1].start)) {
      sets.join(entries[i - 1].index, entry.index);
      run_end = std::max(run_end, entry.end);
    } else {
      run_end = entry.end;
    }
  }
  std::unordered_map<std::size_t, std::size_t> sizes;
  for (std::size_t i = 0; i < findings.size(); ++i) ++sizes[sets.find(i)];
  std::unordered_map<std::size_t, std::string> names;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const std::size_t root = sets.find(i);
    if (sizes[root] < 2) continue;
    std::string& group = names[root];
    if (group.empty()) group = "g" + std::to_string(names.size());
    findings[i].group = group;
  }
}

void sort_by_place(std::span<Finding> findings) {
  std::sort(findings.begin(), findings.end(),
            [](const Finding& a, const Finding& b) { return place_key(a) < place_key(b); });
}

std::vector<RankedGroup> ranked_groups(std::span<const Finding> findings) {
  std::vector<const Finding*> shown;
  for (const Finding& finding : findings) {
    if (!finding.suppressed && finding.is_new) shown.push_back(&finding);
  }
  std::sort(shown.begin(), shown.end(), [](const Finding* a, const Finding* b) {
    if (a->rank != b->rank) return a->rank > b->rank;
    return place_key(*a) < place_key(*b);
  });
  std::vector<RankedGroup> groups;
  std::unordered_map<std::string_view, std::size_t> by_name;
  for (const Finding* finding : shown) {
    if (finding->group.empty()) {
      groups.push_back({finding, {}});
      continue;
    }
    const auto [entry, is_first] = by_name.emplace(finding->group, groups.size());
    if (is_first) {
      groups.push_back({finding, {}});
    } else {
      groups[entry->second].others.push_back(finding);
    }
  }
  return groups;
}

Highlights highlights(std::span<const Finding> findings, std::size_t count_max) {
  Highlights chosen;
  std::unordered_map<std::string_view, std::size_t> of_rule;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> of_rule_and_file;
  for (const RankedGroup& group : ranked_groups(findings)) {
    const Finding* finding = group.best;
    if (finding->rank < kWorthALookMin) {
      ++chosen.left_out;
      continue;
    }
    // The second of a kind in a file is found by whoever mends the first.
    const auto [known, is_first] =
        of_rule_and_file.try_emplace({finding->rule, finding->where.path}, chosen.shown.size());
    if (!is_first && known->second < chosen.shown.size()) {
      chosen.shown[known->second].alike.push_back(finding);
    } else if (!is_first || chosen.shown.size() >= count_max || of_rule[finding->rule] >= kSameRuleMax) {
      known->second = SIZE_MAX;
      ++chosen.left_out;
    } else {
      ++of_rule[finding->rule];
      chosen.shown.push_back({finding, {}});
    }
  }
  return chosen;
}

}  // namespace wrench::findings
