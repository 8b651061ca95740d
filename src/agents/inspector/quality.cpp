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

#include "../core/report_paths.hpp"
#include "wrench/source/file_class.hpp"

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

/// The report's measures without test code.
struct ProductCode {
  std::uint64_t nloc = 0, test_nloc = 0;
  std::vector<const findings::FileMetrics*> files;
  std::vector<const FunctionMetrics*> functions;
  const std::vector<findings::CloneClass>& clones;
  const std::vector<findings::ImportCycle>& cycles;

  explicit ProductCode(const findings::Report& report)
      : clones(report.clones), cycles(report.cycles), paths_(report.root) {
    for (const findings::FileMetrics& file : report.files) {
      (is_test(file.path) ? test_nloc : nloc) += file.nloc;
      if (!is_test(file.path)) files.push_back(&file);
    }
    for (const FunctionMetrics& function : report.functions)
      if (!is_test(function.path)) functions.push_back(&function);
  }
  bool is_test(std::string_view path) const { return source::is_test_path(paths_.below_root(path)); }

 private:
  ReportPaths paths_;
};

/// Functions above a limit of one measure, the worst as evidence.
Factor over_limit(const ProductCode& code, std::uint32_t FunctionMetrics::* measure, std::uint32_t limit) {
  std::vector<const FunctionMetrics*> over;
  std::uint64_t concerned = 0;
  for (const FunctionMetrics* function : code.functions) {
    if (function->*measure <= limit) continue;
    over.push_back(function);
    concerned += function->nloc;
  }
  std::ranges::stable_sort(over, [&](const auto* a, const auto* b) { return a->*measure > b->*measure; });
  Factor factor;
  factor.set(concerned, code.nloc);
  for (const FunctionMetrics* function : over)
    factor.show(function->path + ":" + std::to_string(function->line) + " " + function->name + " (" +
                std::to_string(function->*measure) + ")");
  return factor;
}

/// Lines that stand elsewhere already; a line in several clone classes counts once.
Factor duplicated(const ProductCode& code) {
  std::map<std::string_view, std::set<std::uint32_t>> lines_of_path;
  std::vector<std::pair<std::uint64_t, std::string>> worst;
  for (const findings::CloneClass& clone : code.clones) {
    std::vector<const findings::Location*> members;
    for (const findings::Location& member : clone.members)
      if (!code.is_test(member.path)) members.push_back(&member);
    if (members.size() < 2) continue;
    worst.emplace_back(std::uint64_t{clone.tokens} * members.size(), members[0]->path + ":" +
                                                                         std::to_string(members[0]->start.line) + " " +
                                                                         std::to_string(members.size()) + " times");
    for (std::size_t i = 1; i < members.size(); ++i) {
      std::set<std::uint32_t>& lines = lines_of_path[members[i]->path];
      const std::uint32_t last = std::max(members[i]->start.line, members[i]->end.line);
      for (std::uint32_t line = members[i]->start.line; line <= last; ++line) lines.insert(line);
    }
  }
  std::uint64_t concerned = 0;
  for (const auto& [path, lines] : lines_of_path) concerned += lines.size();
  std::ranges::stable_sort(worst, [](const auto& a, const auto& b) { return a.first > b.first; });
  Factor factor;
  factor.set(concerned, code.nloc);
  for (auto& [tokens, text] : worst) factor.show(std::move(text));
  return factor;
}

Factor in_cycles(const ProductCode& code) {
  std::set<std::string_view> modules;
  Factor factor;
  for (const findings::ImportCycle& cycle : code.cycles) {
    modules.insert(cycle.modules.begin(), cycle.modules.end());
    if (!cycle.modules.empty())
      factor.show(cycle.modules.front() + ", cycle of " + std::to_string(cycle.modules.size()));
  }
  std::uint64_t concerned = 0;
  for (const findings::FileMetrics* file : code.files)
    // Java's modules are packages: folders.
    if (const std::string_view path = file->path;
        modules.contains(path) || modules.contains(path.substr(0, path.rfind('/'))))
      concerned += file->nloc;
  factor.set(concerned, code.nloc);
  return factor;
}

bool is_defect(const Finding& finding) {
  return finding.category == Category::Security || finding.category == Category::Secret ||
         finding.category == Category::Correctness || finding.category == Category::Performance;
}

}  // namespace

Json measure_quality(const findings::Report& report, std::span<const Finding* const> standing) {
  const ProductCode code(report);
  Factor complexity = over_limit(code, &FunctionMetrics::cognitive, kCognitiveMax);
  Factor size = over_limit(code, &FunctionMetrics::nloc, kFunctionNlocMax);
  Factor duplication = duplicated(code);
  Factor structure = in_cycles(code);

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
  const double per_kloc = code.nloc == 0 ? 0 : weighted * 1000 / static_cast<double>(code.nloc);
  const double defect_share = std::min(1.0, per_kloc / kDefectsPerKlocWorst);

  const double score = 100 * (1 - Weights::kComplexity * complexity.share - Weights::kSize * size.share -
                              Weights::kDuplication * duplication.share - Weights::kStructure * structure.share -
                              Weights::kDefects * defect_share);
  return Json::object({{"score", std::round(score * 10) / 10},
                       {"nloc", code.nloc},
                       {"test_nloc", code.test_nloc},
                       {"factors", Json::object({{"complexity", std::move(complexity).to_json()},
                                                 {"size", std::move(size).to_json()},
                                                 {"duplication", std::move(duplication).to_json()},
                                                 {"structure", std::move(structure).to_json()},
                                                 {"defects", Json::object({{"share", rounded(defect_share)},
                                                                           {"weighted_per_kloc", rounded(per_kloc)},
                                                                           {"evidence", std::move(evidence)}})}})}});
}

}  // namespace wrench::agents
