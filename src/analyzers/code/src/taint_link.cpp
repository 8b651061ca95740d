#include "wrench/code/taint_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "taint_facts.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/findings/report_record.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

namespace {

using findings::Finding;
using findings::TraceRole;

bool is_test(const FileFacts& file) {
  return source::is_test_path(file.project_path) || source::is_example_path(file.project_path);
}

/// Whether any rule has a source in one file and a sink in another.
bool can_cross(const std::vector<TaintFacts>& facts) {
  std::map<std::string_view, std::pair<std::set<std::size_t>, std::set<std::size_t>>> places;
  for (std::size_t i = 0; i < facts.size(); ++i)
    for (const TaintMarkFacts& mark : facts[i].unit.marks) {
      auto& [sources, sinks] = places[facts[i].unit.rules[mark.rule].key];
      if (mark.what == FlowMark::What::Source) sources.insert(i);
      if (mark.what == FlowMark::What::Sink) sinks.insert(i);
    }
  return std::any_of(places.begin(), places.end(), [](const auto& entry) {
    const auto& [sources, sinks] = entry.second;
    return !sources.empty() && !sinks.empty();
  });
}

class Linker {
 public:
  Linker(std::vector<const FileFacts*> files, std::vector<TaintFacts> facts, const findings::SourceLookup& sources)
      : files_(std::move(files)), facts_(std::move(facts)), sources_(sources) {}

  TaintLink run(const CpuBudget& budget) {
    TaintLink out;
    std::vector<const TaintUnit*> units;
    for (const TaintFacts& facts : facts_) units.push_back(&facts.unit);
    const TaintHits hits = follow_units(units, FlowScope::BetweenFiles, budget);
    for (const auto& [unit, name] : hits.cut)
      out.partial.push_back({"summary_budget", files_[unit]->path, units[unit]->flow.names[name],
                             "the function is too large to follow what goes through it into other files"});
    using Key = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::string>;
    std::map<Key, const TaintHit*> best;
    for (const TaintHit& hit : hits.hits) {
      if (!crosses(hit) || comes_from_a_test(hit)) continue;
      const TaintPlace& sink = place(hit.sink_unit, hit.sink);
      const std::string& rule = facts_[hit.sink_unit].unit.rules[facts_[hit.sink_unit].unit.marks[hit.sink].rule].key;
      auto& kept = best[{hit.sink_unit, sink.start.offset, sink.end.offset, rule}];
      if (kept == nullptr || hit.hops.size() < kept->hops.size()) kept = &hit;
    }
    std::map<std::uint32_t, findings::Fingerprinter> stamps;
    for (const auto& [key, hit] : best) {
      auto finding = make(*hit);
      if (!finding) continue;
      auto [stamp, added] = stamps.try_emplace(hit->sink_unit, files_[hit->sink_unit]->project_path);
      stamp->second.stamp(*finding, place(hit->sink_unit, hit->sink).tokens);
      out.findings.push_back(std::move(*finding));
    }
    return out;
  }

 private:
  static bool crosses(const TaintHit& hit) {
    return hit.sink_unit != hit.source_unit ||
           std::any_of(hit.hops.begin(), hit.hops.end(), [&](const FlowHop& hop) { return hop.unit != hit.sink_unit; });
  }
  /// What a test feeds to the product comes from nobody.
  bool comes_from_a_test(const TaintHit& hit) const {
    return is_test(*files_[hit.source_unit]) && !is_test(*files_[hit.sink_unit]);
  }
  const TaintPlace& place(std::uint32_t unit, std::uint32_t mark) const { return facts_[unit].places[mark]; }

  findings::Location location(std::uint32_t unit, findings::Position start, findings::Position end) const {
    findings::Location out;
    out.path = files_[unit]->path;
    out.content = files_[unit]->content_id;
    out.start = start;
    out.end = end;
    return out;
  }

  std::optional<findings::Location> hop_location(const FlowHop& hop) const {
    const auto text = sources_.text(files_[hop.unit]->path);
    if (text == nullptr || hop.first > text->size()) return std::nullopt;
    const source::LineTable lines(*text);
    const source::LineCol at = lines.position(*text, hop.first);
    const findings::Position position{at.line, at.col, hop.first};
    return location(hop.unit, position, position);
  }

  std::optional<Finding> make(const TaintHit& hit) const {
    const TaintPlace& sink = place(hit.sink_unit, hit.sink);
    const TaintPlace& source = place(hit.source_unit, hit.source);
    auto finding = findings::finding_from_record(sink.finding);
    if (!finding) return std::nullopt;
    for (const auto& [name, text] : source.metavars)
      for (std::size_t at = finding->message.find(name); at != std::string::npos;
           at = finding->message.find(name, at + text.size()))
        finding->message.replace(at, name.size(), text);
    finding->trace.push_back(
        {TraceRole::Source, location(hit.source_unit, source.start, source.end), "what comes from outside"});
    for (const FlowHop& hop : hit.hops)
      if (auto where = hop_location(hop))
        finding->trace.push_back({TraceRole::Step, std::move(*where),
                                  fmt::format("is passed to {}()", facts_[hop.unit].unit.flow.names[hop.callee])});
    const TaintUnit& unit = facts_[hit.sink_unit].unit;
    const bool inside = (unit.rules[unit.marks[hit.sink].rule].options & kFromInside) != 0;
    finding->reach = inside ? findings::Reach::Unknown : findings::Reach::Entry;
    finding->trace.push_back({TraceRole::Sink, location(hit.sink_unit, sink.start, sink.end), "is used here"});
    return std::move(*finding);
  }

  std::vector<const FileFacts*> files_;  ///< By unit.
  std::vector<TaintFacts> facts_;
  const findings::SourceLookup& sources_;
};

std::map<std::string, std::vector<CodeBody>> bodies_of(const std::vector<const FileFacts*>& files,
                                                       const std::vector<TaintFacts>& facts, const CpuBudget& budget) {
  std::vector<const TaintUnit*> units;
  for (const TaintFacts& one : facts) units.push_back(&one.unit);
  std::vector<bool> counts;
  for (const FileFacts* file : files) counts.push_back(!is_test(*file));
  std::map<std::string, std::vector<CodeBody>> out;
  for (const FlowReached& reached : reached_bodies(units, counts, budget)) {
    auto& bodies = out[files[reached.unit]->path];
    if (bodies.empty())
      for (const FlowBody& body : units[reached.unit]->flow.bodies) bodies.push_back({body.first, body.end, false, {}});
    CodeBody& here = bodies[reached.body];
    here.reached = true;
    if (reached.unit == reached.from_unit && reached.body == reached.from_body) continue;
    const FlowFile& flow = units[reached.from_unit]->flow;
    const FlowBody& from = flow.bodies[reached.from_body];
    const std::string& path = files[reached.from_unit]->project_path;
    here.from = from.is_module ? path : fmt::format("{}() in {}", flow.names[from.name], path);
  }
  return out;
}

}  // namespace

TaintLink link_taint(std::span<const FileFacts* const> files, const findings::SourceLookup& sources, CpuBudget budget) {
  TaintLink out;
  std::vector<const FileFacts*> with;
  std::vector<TaintFacts> facts;
  for (const FileFacts* file : files) {
    if (file->taint.empty()) continue;
    auto read = taint_facts_from_record(file->taint);
    if (!read) {  // The cache checks what it keeps, and nothing else writes these; silence would hide a mistake of
                  // ours.
      out.partial.push_back(
          {"summary_budget", file->path, "", "what goes through this file into others can't be read"});
      continue;
    }
    with.push_back(file);
    facts.push_back(std::move(*read));
  }
  out.bodies = bodies_of(with, facts, budget);
  if (!can_cross(facts)) return out;
  TaintLink linked = Linker(std::move(with), std::move(facts), sources).run(budget);
  out.findings = std::move(linked.findings);
  std::ranges::move(linked.partial, std::back_inserter(out.partial));
  return out;
}

}  // namespace wrench::code
