#include "structure_cycles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "wrench/base/text.hpp"

namespace wrench::code::detail {

namespace {

constexpr std::size_t kCycleStartsMax = 50;  ///< Starts of the search for the shortest cycle of a component.

class Cycles {
 public:
  Cycles(const ProjectPaths& paths, const ModuleGraph& graph) : paths_(paths), graph_(graph) {}

  std::vector<Cycle> run() {
    const auto count = static_cast<std::uint32_t>(paths_.files().size());
    index_.assign(count, 0);
    low_.assign(count, 0);
    on_stack_.assign(count, false);
    component_.assign(count, UINT32_MAX);
    for (std::uint32_t i = 0; i < count; ++i)
      if (index_[i] == 0) walk(i);
    std::map<std::uint32_t, std::vector<std::uint32_t>> members;
    for (std::uint32_t i = 0; i < count; ++i) members[component_[i]].push_back(i);
    std::vector<Cycle> out;
    for (const auto& [id, nodes] : members)
      if (nodes.size() > 1) out.push_back(shortest(nodes));
    std::ranges::sort(
        out, {}, [](const Cycle& c) { return c.shortest.modules.empty() ? std::string() : c.shortest.modules[0]; });
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

  Cycle shortest(const std::vector<std::uint32_t>& nodes) const {
    std::vector<const ModuleEdge*> best;
    std::vector<std::uint32_t> best_from;
    for (std::size_t s = 0; s < std::min(nodes.size(), kCycleStartsMax); ++s) {
      const std::uint32_t start = nodes[s];
      std::unordered_map<std::uint32_t, std::pair<std::uint32_t, const ModuleEdge*>> came;
      std::vector<std::uint32_t> queue{start};
      bool found = false;
      for (std::size_t q = 0; q < queue.size() && !found; ++q)
        for (const ModuleEdge& edge : graph_.edges[queue[q]]) {
          if (component_[edge.to] != component_[start] || (edge.to != start && came.contains(edge.to))) continue;
          came.emplace(edge.to, std::pair{queue[q], &edge});
          if (edge.to == start) {
            found = true;
            break;
          }
          queue.push_back(edge.to);
        }
      if (!found) continue;
      std::vector<const ModuleEdge*> path;
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
    Cycle cycle;
    cycle.group_size = nodes.size();
    for (std::size_t i = 0; i < best.size(); ++i) {
      const FileFacts& file = paths_.file(best_from[i]);
      const bool package = file.language == source::Language::Java;
      cycle.are_packages |= package;
      cycle.shortest.modules.emplace_back(package ? folder_of(file.project_path) : file.project_path);
      cycle.names.push_back(package ? file.package : file.project_path);
      cycle.shortest.evidence.push_back(*best[i]->where);
    }
    return cycle;
  }

  const ProjectPaths& paths_;
  const ModuleGraph& graph_;
  std::vector<std::uint32_t> index_, low_, component_, stack_;
  std::vector<bool> on_stack_;
  std::uint32_t next_ = 0;
};

}  // namespace

std::vector<Cycle> import_cycles(const ProjectPaths& paths, const ModuleGraph& graph) {
  return Cycles(paths, graph).run();
}

findings::Finding cycle_finding(const Cycle& cycle) {
  const std::vector<std::string>& names = cycle.names;
  const std::vector<findings::Location>& evidence = cycle.shortest.evidence;
  findings::Finding finding;
  finding.rule = "structure.import-cycle";
  // Java loads a class when it is used: a cycle costs understanding, but nothing when the program starts.
  finding.severity = cycle.are_packages ? findings::Severity::Low : findings::Severity::Medium;
  // A package and the parts that it is made of are meant for each other.
  const bool only_parts =
      cycle.are_packages && std::ranges::all_of(names, [&](const std::string& name) {
        return name == names[0] || name.starts_with(names[0] + ".") || names[0].starts_with(name + ".");
      });
  finding.confidence = only_parts ? findings::Confidence::Low : findings::Confidence::High;
  finding.category = findings::Category::Structure;
  finding.title = fmt::format("{} {} import each other", names.size(), cycle.are_packages ? "packages" : "modules");
  finding.message = fmt::format("Import cycle: {} -> {}. ", join(names, " -> "), names[0]);
  if (cycle.group_size > names.size())
    finding.message += fmt::format("It is the shortest in a group of {}. ", cycle.group_size);
  finding.message += cycle.are_packages ? "What both need belongs into a package of its own."
                                        : "What both need belongs into a module of its own.";
  finding.measure = static_cast<double>(cycle.group_size);
  finding.where = evidence[0];
  for (std::size_t i = 1; i < evidence.size(); ++i)
    finding.related.push_back({evidence[i], "which imports " + names[(i + 1) % names.size()]});
  return finding;
}

}  // namespace wrench::code::detail
