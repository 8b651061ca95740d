#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "finding_maker.hpp"
#include "structure_cycles.hpp"
#include "structure_layers.hpp"
#include "structure_modules.hpp"
#include "structure_unused.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/findings/fingerprint.hpp"

namespace wrench::code {

namespace {

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
    const detail::ProjectPaths paths(files_, options_.other_paths);
    const detail::ResolvedImports imports = detail::resolve_imports(paths);
    for (findings::Finding& finding : detail::unused_findings(paths, imports, options_)) {
      if (finding.lines.empty()) add_lines(finding);
      out_.findings.push_back(std::move(finding));
    }
    detail::LayerFindings layers = detail::layer_findings(paths, imports, options_.layers);
    out_.empty_layers = std::move(layers.empty);
    for (findings::Finding& finding : layers.violations) {
      add_lines(finding);
      out_.findings.push_back(std::move(finding));
    }
    out_.edges = detail::named_edges(paths, imports);
    for (detail::Cycle& cycle : detail::import_cycles(paths, imports.graph)) {
      out_.findings.push_back(detail::cycle_finding(cycle));
      add_lines(out_.findings.back());
      out_.cycles.push_back(std::move(cycle.shortest));
    }
  }

  void clones() {
    std::vector<CloneFile> inputs;
    for (const FileFacts* file : files_)
      if (file->has_tree)
        inputs.push_back({file->path, file->project_path, file->language, file->content_id, &file->clone_tokens});
    for (Clone& clone : find_clones(inputs, sources_, stop_, options_.known_clones)) {
      if (clone.mergeable) out_.findings.push_back(clone_finding(clone));
      if (clone.in_larger) continue;
      out_.clones_with_more += clone.has_more ? 1 : 0;
      out_.clones.push_back(std::move(clone.whole));
    }
  }

  void add_lines(findings::Finding& finding) const {
    if (const auto text = sources_.text(finding.where.path))
      finding.lines = detail::first_lines(*text, finding.where.start.offset, finding.where.end.offset);
  }

  std::span<const FileFacts* const> files_;
  const findings::SourceLookup& sources_;
  const LinkOptions& options_;
  const StopToken& stop_;
  std::unordered_map<std::string, std::uint32_t> by_path_;
  ProjectResult out_;
};

}  // namespace

ProjectResult link_project(std::span<const FileFacts* const> files, const findings::SourceLookup& sources,
                           const LinkOptions& options, const StopToken& stop) {
  return Linker(files, sources, options, stop).run();
}

}  // namespace wrench::code
