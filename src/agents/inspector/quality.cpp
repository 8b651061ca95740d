#include "quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Category;
using findings::Finding;
using findings::FunctionMetrics;

constexpr std::uint32_t kCognitiveMax = 15;
constexpr std::uint32_t kFunctionNlocMax = 80;
constexpr double kDefectsPerKlocWorst = 10;
constexpr std::size_t kEvidenceMax = 5;
/// By severity, info to critical.
constexpr std::array<double, 5> kSeverityWeight = {0, 0.1, 0.5, 2, 4};

struct Weights {
  static constexpr double kComplexity = 0.3, kSize = 0.15, kDuplication = 0.2, kStructure = 0.1, kDefects = 0.25;
};

double rounded(double value) { return std::round(value * 1000) / 1000; }

struct Factor {
  double share = 0;
  std::uint64_t nloc = 0;
  Json evidence = Json::array();

  void set(std::uint64_t concerned, std::uint64_t total) {
    nloc = concerned;
    share = total == 0 ? 0 : std::min(1.0, static_cast<double>(concerned) / static_cast<double>(total));
  }
  void show(std::string text) {
    if (evidence.as_array().size() < kEvidenceMax) evidence.push_back(std::move(text));
  }
  Json to_json() && {
    return Json::object({{"share", rounded(share)}, {"nloc", nloc}, {"evidence", std::move(evidence)}});
  }
};

/// Functions above a limit of one measure, the worst as evidence.
Factor over_limit(const findings::Report& code, std::uint64_t total, std::uint32_t FunctionMetrics::* measure,
                  std::uint32_t limit) {
  std::vector<const FunctionMetrics*> over;
  std::uint64_t concerned = 0;
  for (const FunctionMetrics& function : code.functions) {
    if (function.*measure <= limit) continue;
    over.push_back(&function);
    concerned += function.nloc;
  }
  std::ranges::stable_sort(over, [&](const auto* a, const auto* b) { return a->*measure > b->*measure; });
  Factor factor;
  factor.set(concerned, total);
  for (const FunctionMetrics* function : over)
    factor.show(function->path + ":" + std::to_string(function->line) + " " + function->name + " (" +
                std::to_string(function->*measure) + ")");
  return factor;
}

/// Lines that stand elsewhere already; a line in several clone classes counts once.
Factor duplicated(const findings::Report& code, std::uint64_t total) {
  std::map<std::string_view, std::set<std::uint32_t>> lines_of_path;
  std::vector<const findings::CloneClass*> classes;
  for (const findings::CloneClass& clone : code.clones) {
    classes.push_back(&clone);
    for (std::size_t i = 1; i < clone.members.size(); ++i) {
      const findings::Location& member = clone.members[i];
      std::set<std::uint32_t>& lines = lines_of_path[member.path];
      const std::uint32_t last = std::max(member.start.line, member.end.line);
      for (std::uint32_t line = member.start.line; line <= last; ++line) lines.insert(line);
    }
  }
  std::uint64_t concerned = 0;
  for (const auto& [path, lines] : lines_of_path) concerned += lines.size();
  std::ranges::stable_sort(classes, [](const auto* a, const auto* b) {
    return a->tokens * a->members.size() > b->tokens * b->members.size();
  });
  Factor factor;
  factor.set(concerned, total);
  for (const findings::CloneClass* clone : classes)
    if (!clone->members.empty())
      factor.show(clone->members[0].path + ":" + std::to_string(clone->members[0].start.line) + " " +
                  std::to_string(clone->members.size()) + " times");
  return factor;
}

Factor in_cycles(const findings::Report& code, std::uint64_t total) {
  std::set<std::string_view> modules;
  Factor factor;
  for (const findings::ImportCycle& cycle : code.cycles) {
    modules.insert(cycle.modules.begin(), cycle.modules.end());
    if (!cycle.modules.empty())
      factor.show(cycle.modules.front() + ", cycle of " + std::to_string(cycle.modules.size()));
  }
  std::uint64_t concerned = 0;
  for (const findings::FileMetrics& file : code.files)
    if (modules.contains(file.path)) concerned += file.nloc;
  factor.set(concerned, total);
  return factor;
}

bool is_defect(const Finding& finding) {
  return finding.category == Category::Security || finding.category == Category::Secret ||
         finding.category == Category::Correctness || finding.category == Category::Performance;
}

}  // namespace

Json measure_quality(const findings::Report& code, std::span<const Finding* const> standing) {
  std::uint64_t total = 0;
  for (const findings::FileMetrics& file : code.files) total += file.nloc;
  Factor complexity = over_limit(code, total, &FunctionMetrics::cognitive, kCognitiveMax);
  Factor size = over_limit(code, total, &FunctionMetrics::nloc, kFunctionNlocMax);
  Factor duplication = duplicated(code, total);
  Factor structure = in_cycles(code, total);

  double weighted = 0;
  std::vector<const Finding*> defects;
  for (const Finding* finding : standing) {
    if (!is_defect(*finding)) continue;
    defects.push_back(finding);
    weighted += kSeverityWeight[static_cast<std::size_t>(finding->severity)];
  }
  std::ranges::stable_sort(defects, [](const auto* a, const auto* b) { return a->rank > b->rank; });
  Json evidence = Json::array();
  for (std::size_t i = 0; i < std::min(defects.size(), kEvidenceMax); ++i)
    evidence.push_back("finding:" + defects[i]->fingerprint);
  const double per_kloc = total == 0 ? 0 : weighted * 1000 / static_cast<double>(total);
  const double defect_share = std::min(1.0, per_kloc / kDefectsPerKlocWorst);

  const double score = 100 * (1 - Weights::kComplexity * complexity.share - Weights::kSize * size.share -
                              Weights::kDuplication * duplication.share - Weights::kStructure * structure.share -
                              Weights::kDefects * defect_share);
  return Json::object({{"score", std::round(score * 10) / 10},
                       {"nloc", total},
                       {"factors", Json::object({{"complexity", std::move(complexity).to_json()},
                                                 {"size", std::move(size).to_json()},
                                                 {"duplication", std::move(duplication).to_json()},
                                                 {"structure", std::move(structure).to_json()},
                                                 {"defects", Json::object({{"share", rounded(defect_share)},
                                                                           {"weighted_per_kloc", rounded(per_kloc)},
                                                                           {"evidence", std::move(evidence)}})}})}});
}

}  // namespace wrench::agents
