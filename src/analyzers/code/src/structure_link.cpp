#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "finding_maker.hpp"
#include "structure_modules.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/findings/fingerprint.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kCycleStartsMax = 50;  ///< Starts of the search for the shortest cycle of a component.

bool sorted_has(const std::vector<std::uint64_t>& sorted, std::uint64_t value) {
  return std::ranges::binary_search(sorted, value);
}

/// Import cycles: strongly connected components (Tarjan 1972, without recursion), each with its shortest cycle.
class Cycles {
 public:
  Cycles(std::span<const FileFacts* const> files, const detail::ModuleGraph& graph) : files_(files), graph_(graph) {}

  std::vector<findings::ImportCycle> run() {
    const auto count = static_cast<std::uint32_t>(files_.size());
    index_.assign(count, 0);
    low_.assign(count, 0);
    on_stack_.assign(count, false);
    component_.assign(count, UINT32_MAX);
    for (std::uint32_t i = 0; i < count; ++i)
      if (index_[i] == 0) walk(i);
    std::map<std::uint32_t, std::vector<std::uint32_t>> members;
    for (std::uint32_t i = 0; i < count; ++i) members[component_[i]].push_back(i);
    std::vector<findings::ImportCycle> out;
    for (const auto& [id, nodes] : members)
      if (nodes.size() > 1) out.push_back(shortest(nodes));
    std::ranges::sort(out, {},
                      [](const findings::ImportCycle& c) { return c.modules.empty() ? std::string() : c.modules[0]; });
    return out;
  }

 private:
  void walk(std::uint32_t start) {
    struct Frame {
      std::uint32_t node;
      std::size_t edge;
    };
    std::vector<Frame> frames{{start, 0}};
    enter(start);
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const auto& edges = graph_.edges[frame.node];
      if (frame.edge < edges.size()) {
        const std::uint32_t to = edges[frame.edge++].to;
        if (index_[to] == 0) {
          enter(to);
          frames.push_back({to, 0});
        } else if (on_stack_[to]) {
          low_[frame.node] = std::min(low_[frame.node], index_[to]);
        }
        continue;
      }
      const std::uint32_t node = frame.node;
      frames.pop_back();
      if (!frames.empty()) low_[frames.back().node] = std::min(low_[frames.back().node], low_[node]);
      if (low_[node] != index_[node]) continue;
      for (std::uint32_t member = UINT32_MAX; member != node;) {
        member = stack_.back();
        stack_.pop_back();
        on_stack_[member] = false;
        component_[member] = node;
      }
    }
  }

  void enter(std::uint32_t node) {
    index_[node] = low_[node] = ++next_;
    stack_.push_back(node);
    on_stack_[node] = true;
  }

  findings::ImportCycle shortest(const std::vector<std::uint32_t>& nodes) const {
    std::vector<const detail::ModuleEdge*> best;
    std::vector<std::uint32_t> best_from;
    for (std::size_t s = 0; s < std::min(nodes.size(), kCycleStartsMax); ++s) {
      const std::uint32_t start = nodes[s];
      std::unordered_map<std::uint32_t, std::pair<std::uint32_t, const detail::ModuleEdge*>> came;
      std::vector<std::uint32_t> queue{start};
      bool found = false;
      for (std::size_t q = 0; q < queue.size() && !found; ++q)
        for (const detail::ModuleEdge& edge : graph_.edges[queue[q]]) {
          if (component_[edge.to] != component_[start] || (edge.to != start && came.contains(edge.to))) continue;
          came.emplace(edge.to, std::pair{queue[q], &edge});
          if (edge.to == start) {
            found = true;
            break;
          }
          queue.push_back(edge.to);
        }
      if (!found) continue;
      std::vector<const detail::ModuleEdge*> path;
      std::vector<std::uint32_t> from;
      for (std::uint32_t at = start; path.empty() || at != start;) {
        const auto& [before, edge] = came.at(at);
        path.push_back(edge);
        from.push_back(before);
        at = before;
      }
      std::ranges::reverse(path);
      std::ranges::reverse(from);
      if (best.empty() || path.size() < best.size()) {
        best = path;
        best_from = from;
      }
      if (best.size() == 2) break;
    }
    findings::ImportCycle cycle;
    for (std::size_t i = 0; i < best.size(); ++i) {
      cycle.modules.push_back(files_[best_from[i]]->project_path);
      cycle.evidence.push_back(*best[i]->where);
    }
    return cycle;
  }

  std::span<const FileFacts* const> files_;
  const detail::ModuleGraph& graph_;
  std::vector<std::uint32_t> index_, low_, component_, stack_;
  std::vector<bool> on_stack_;
  std::uint32_t next_ = 0;
};

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
  return out;
}

findings::Finding cycle_finding(const findings::ImportCycle& cycle) {
  findings::Finding finding;
  finding.rule = "structure.import-cycle";
  finding.severity = findings::Severity::Medium;
  finding.confidence = findings::Confidence::High;
  finding.category = findings::Category::Structure;
  finding.title = fmt::format("{} modules import each other", cycle.modules.size());
  finding.message = fmt::format("Import cycle: {} -> {}. What both need belongs into a module of its own.",
                                joined(cycle.modules, " -> "), cycle.modules[0]);
  finding.where = cycle.evidence[0];
  for (std::size_t i = 1; i < cycle.evidence.size(); ++i)
    finding.related.push_back({cycle.evidence[i], i + 1 < cycle.modules.size() ? "which imports " + cycle.modules[i + 1]
                                                                               : "which imports " + cycle.modules[0]});
  return finding;
}

class Linker {
 public:
  Linker(std::span<const FileFacts* const> files, const findings::SourceLookup& sources, const LinkOptions& options,
         const StopToken& stop)
      : files_(files), sources_(sources), options_(options), stop_(stop) {
    for (std::uint32_t i = 0; i < files.size(); ++i) by_path_.emplace(files[i]->path, i);
  }

  ProjectResult run() {
    if (options_.structure && !stop_.stop_requested()) structure();
    if (options_.clones && !stop_.stop_requested()) clones();
    std::ranges::stable_sort(out_.findings, [](const findings::Finding& a, const findings::Finding& b) {
      if (a.where.path != b.where.path) return a.where.path < b.where.path;
      return a.where.start.offset != b.where.start.offset ? a.where.start.offset < b.where.start.offset
                                                          : a.rule < b.rule;
    });
    std::string path;
    std::optional<findings::Fingerprinter> fingerprints;
    for (findings::Finding& finding : out_.findings) {
      if (!fingerprints || finding.where.path != path) {
        path = finding.where.path;
        const auto found = by_path_.find(path);
        fingerprints.emplace(found == by_path_.end() ? path : files_[found->second]->project_path);
      }
      fingerprints->stamp(finding, finding.rule == "code.duplicate" ? finding.lines : finding.title);
    }
    return std::move(out_);
  }

 private:
  void structure() {
    const detail::ModuleGraph graph = detail::module_graph(files_);
    std::vector<std::vector<std::uint32_t>> importers(files_.size());
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      for (const detail::ModuleEdge& edge : graph.edges[i]) importers[edge.to].push_back(i);
      for (const std::uint32_t to : graph.quiet[i]) importers[to].push_back(i);
    }
    find_users();
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      for (const UnusedCandidate& candidate : files_[i]->unused)
        if (!used_by_others(i, candidate, importers)) out_.findings.push_back(candidate.finding);
    out_.cycles = Cycles(files_, graph).run();
    for (const findings::ImportCycle& cycle : out_.cycles) {
      if (cycle.evidence.empty()) continue;
      out_.findings.push_back(cycle_finding(cycle));
      add_lines(out_.findings.back());
    }
  }

  /// Up to two files that use a name: enough to know one that isn't the candidate's own.
  struct Users {
    std::uint32_t first = UINT32_MAX, second = UINT32_MAX;
    void add(std::uint32_t file) {
      if (first == UINT32_MAX) {
        first = file;
      } else if (first != file) {
        second = file;
      }
    }
    bool besides(std::uint32_t own) const { return second != UINT32_MAX || (first != UINT32_MAX && first != own); }
  };

  void find_users() {
    for (const FileFacts* file : files_)
      for (const UnusedCandidate& candidate : file->unused) {
        users_.try_emplace(candidate.name);
        if (candidate.import) member_users_.try_emplace(candidate.member);
      }
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      for (const std::uint64_t word : files_[i]->words)
        if (const auto found = users_.find(word); found != users_.end()) found->second.add(i);
      for (const std::uint64_t member : files_[i]->members)
        if (const auto found = member_users_.find(member); found != member_users_.end()) found->second.add(i);
    }
  }

  bool used_by_others(std::uint32_t own, const UnusedCandidate& candidate,
                      const std::vector<std::vector<std::uint32_t>>& importers) const {
    if (!candidate.import) return users_.at(candidate.name).besides(own);
    // Another file may take the name from here, by an import or as an attribute.
    if (member_users_.at(candidate.member).besides(own)) return true;
    return std::ranges::any_of(importers[own], [&](std::uint32_t i) {
      if (sorted_has(files_[i]->words, candidate.name)) return true;
      return std::ranges::any_of(files_[i]->imports, [](const ImportFact& import) {
        return std::ranges::find(import.names, "*") != import.names.end();
      });
    });
  }

  void clones() {
    std::vector<CloneFile> inputs;
    for (const FileFacts* file : files_)
      inputs.push_back({file->path, file->project_path, file->language, file->content_id, &file->clone_tokens});
    for (Clone& clone : find_clones(inputs, sources_, options_.clone, stop_)) {
      if (clone.mergeable) {
        out_.findings.push_back(clone_finding(clone));
        add_lines(out_.findings.back());
      }
      out_.clones.push_back(std::move(clone.whole));
    }
  }

  void add_lines(findings::Finding& finding) const {
    constexpr std::size_t kBytesMax = 2048;
    constexpr int kLinesMax = 20;
    const auto text = sources_.text(finding.where.path);
    if (!text || finding.where.start.offset > text->size()) return;
    std::size_t from = finding.where.start.offset;
    while (from > 0 && (*text)[from - 1] != '\n') --from;
    std::size_t to = from;
    for (int line = 0; line < kLinesMax && to < text->size() && to < finding.where.end.offset; ++line) {
      const std::size_t end = text->find('\n', to);
      to = end == std::string::npos ? text->size() : end + 1;
    }
    if (to > from && (*text)[to - 1] == '\n') --to;
    finding.lines = text->substr(from, std::min(to - from, kBytesMax));
  }

  std::span<const FileFacts* const> files_;
  const findings::SourceLookup& sources_;
  const LinkOptions& options_;
  const StopToken& stop_;
  std::unordered_map<std::string, std::uint32_t> by_path_;
  std::unordered_map<std::uint64_t, Users> users_, member_users_;
  ProjectResult out_;
};

}  // namespace

ProjectResult link_project(std::span<const FileFacts* const> files, const findings::SourceLookup& sources,
                           const LinkOptions& options, const StopToken& stop) {
  return Linker(files, sources, options, stop).run();
}

}  // namespace wrench::code
