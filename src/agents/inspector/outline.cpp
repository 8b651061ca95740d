#include "outline.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../core/report_paths.hpp"
#include "wrench/base/text.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Report;

/// Below it a function isn't complex, whatever else there is (the metric's own threshold).
constexpr std::uint32_t kCognitiveMin = 15;
constexpr std::uint32_t kLargeFileLinesMin = 300;

std::string at_line(const std::string& path, std::uint32_t line) { return path + ":" + std::to_string(line); }

std::uint32_t lines_of(const findings::Location& where) {
  return where.end.line >= where.start.line ? where.end.line - where.start.line + 1 : 1;
}

/// The first `limit` of those that `wanted` lets through, by `key`, largest first; ties in the order of the report.
template <class Item, class Wanted, class Key>
std::vector<const Item*> largest(const std::vector<Item>& items, std::size_t limit, Wanted&& wanted, Key&& key) {
  std::vector<const Item*> out;
  for (const Item& item : items)
    if (wanted(item)) out.push_back(&item);
  std::ranges::stable_sort(out, [&](const Item* a, const Item* b) { return key(*a) > key(*b); });
  out.resize(std::min(out.size(), limit));
  return out;
}

class Outline {
 public:
  Outline(const Report& report, std::size_t limit) : report_(report), limit_(limit), paths_(report.root) {}

  Json json() const {
    return Json::object({{"size", size()},
                         {"languages", languages()},
                         {"hotspots", hotspots()},
                         {"hotspot_paths", hotspot_paths()},
                         {"complex_functions", complex_functions()},
                         {"large_files", large_files()},
                         {"copies", copies()},
                         {"cycles", cycles()}});
  }

 private:
  bool is_test(const std::string& path) const { return source::is_test_path(paths_.below_root(path)); }

  Json size() const {
    std::uint64_t tests = 0;
    for (const auto& file : report_.files)
      if (is_test(file.path)) tests += file.nloc;
    return Json::object({{"files", report_.files.size()},
                         {"functions", report_.functions.size()},
                         {"lines_of_code", report_.summary.nloc},
                         {"of_them_tests", tests}});
  }

  Json languages() const {
    Json out = Json::array();
    for (const auto& [language, nloc] : report_.summary.by_language)
      out.push_back(Json::object({{"language", language}, {"lines", nloc}}));
    return out;
  }

  /// Where change meets complexity; needs a report that was put together with the history.
  Json hotspots() const {
    Json out = Json::array();
    for (const auto& hotspot : report_.hotspots) {
      if (out.as_array().size() == limit_) break;
      if (is_test(hotspot.path) || hotspot.cognitive == 0) continue;
      Json row = Json::object({{"path", hotspot.path},
                               {"changes", hotspot.revisions},
                               {"complexity", hotspot.cognitive},
                               {"findings", hotspot.findings},
                               {"main_author", hotspot.main_author}});
      const findings::FunctionMetrics* worst = nullptr;
      for (const auto& function : report_.functions)
        if (function.path == hotspot.path && (worst == nullptr || function.cognitive > worst->cognitive))
          worst = &function;
      if (worst != nullptr && worst->cognitive > 0)
        row.set("worst_function", worst->name + ":" + std::to_string(worst->line));
      out.push_back(std::move(row));
    }
    return out;
  }

  /// For inspector.select.
  Json hotspot_paths() const {
    Json out = Json::array();
    const Json shown = hotspots();
    for (const Json& hotspot : shown.as_array()) out.push_back(hotspot.at("path"));
    return out;
  }

  Json complex_functions() const {
    Json out = Json::array();
    const auto wanted = [&](const auto& f) { return f.cognitive > kCognitiveMin && !is_test(f.path); };
    for (const auto* function : largest(report_.functions, limit_, wanted, [](const auto& f) { return f.cognitive; }))
      out.push_back(Json::object({{"where", at_line(function->path, function->line)},
                                  {"function", function->name},
                                  {"complexity", function->cognitive},
                                  {"branches", function->cyclomatic},
                                  {"lines", function->nloc}}));
    return out;
  }

  Json large_files() const {
    Json out = Json::array();
    const auto wanted = [&](const auto& f) { return f.nloc >= kLargeFileLinesMin && !is_test(f.path); };
    for (const auto* file : largest(report_.files, limit_, wanted, [](const auto& f) { return f.nloc; }))
      out.push_back(Json::object({{"path", file->path},
                                  {"lines", file->nloc},
                                  {"functions", file->functions},
                                  {"complexity", file->cognitive}}));
    return out;
  }

  /// By the lines that one copy instead of all would save.
  Json copies() const {
    const auto saved = [](const findings::CloneClass& clone) {
      std::uint64_t lines = 0;
      for (std::size_t i = 1; i < clone.members.size(); ++i) lines += lines_of(clone.members[i]);
      return lines;
    };
    const auto wanted = [&](const findings::CloneClass& clone) {
      return clone.members.size() > 1 &&
             std::ranges::none_of(clone.members, [&](const auto& where) { return is_test(where.path); });
    };
    Json out = Json::array();
    for (const auto* clone : largest(report_.clones, limit_, wanted, saved)) {
      Json places = Json::array();
      for (const auto& where : clone->members)
        if (places.as_array().size() < limit_) places.push_back(at_line(where.path, where.start.line));
      out.push_back(Json::object({{"lines", lines_of(clone->members.front())},
                                  {"copies", clone->members.size()},
                                  {"saves", saved(*clone)},
                                  {"places", std::move(places)}}));
    }
    return out;
  }

  /// Those of tests and examples among themselves are nobody's burden.
  Json cycles() const {
    Json out = Json::array();
    const auto is_beside = [&](const std::string& module) {
      return is_test(module) || source::is_example_path(paths_.below_root(module));
    };
    for (const auto& cycle : report_.cycles) {
      if (out.as_array().size() == limit_) break;
      if (std::ranges::all_of(cycle.modules, is_beside)) continue;
      out.push_back(Json::object({{"length", cycle.modules.size()}, {"modules", join(cycle.modules, " -> ")}}));
    }
    return out;
  }

  const Report& report_;
  std::size_t limit_;
  ReportPaths paths_;
};

}  // namespace

Json outline_of(const Report& report, std::size_t limit) { return Outline(report, limit).json(); }

}  // namespace wrench::agents
