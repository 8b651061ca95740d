#include "structure_layers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/source/ignore_rules.hpp"

namespace wrench::code::detail {

namespace {

class Layers {
 public:
  explicit Layers(std::span<const Layer> layers) : layers_(layers) {
    for (const Layer& layer : layers) patterns_.emplace_back(join(layer.paths, "\n"));
  }

  /// The first one whose patterns name the path or a folder above it.
  std::optional<std::size_t> of(std::string_view path) const {
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (holds(patterns_[i], path)) return i;
    return std::nullopt;
  }

  bool may_use(std::size_t from, std::size_t to) const {
    return from == to || std::ranges::find(layers_[from].may_use, layers_[to].name) != layers_[from].may_use.end();
  }

  const Layer& operator[](std::size_t i) const { return layers_[i]; }

 private:
  static bool holds(const source::IgnoreRules& patterns, std::string_view path) {
    using Verdict = source::IgnoreRules::Verdict;
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
      if (patterns.decide(path.substr(0, slash), true) == Verdict::Ignored) return true;
    return patterns.decide(path, false) == Verdict::Ignored;
  }

  std::span<const Layer> layers_;
  std::vector<source::IgnoreRules> patterns_;
};

findings::Finding violation(const Layer& from, const Layer& to, const ImportFact& import, std::string_view target) {
  findings::Finding out;
  out.rule = "structure.layer-violation";
  out.severity = findings::Severity::Medium;
  out.confidence = findings::Confidence::High;
  out.category = findings::Category::Structure;
  out.title = fmt::format("{} may not use {}", from.name, to.name);
  const std::string allowed = from.may_use.empty() ? "no other layer" : join(from.may_use, ", ") + " only";
  out.message = fmt::format(
      "This import leads to {} in the layer {}, but .wrench.yaml lets {} use {}. Move what is needed into a layer that "
      "both may use, or hand it in from above.",
      target, to.name, from.name, allowed);
  out.where = import.where;
  return out;
}

}  // namespace

LayerFindings layer_findings(const ProjectPaths& paths, const ResolvedImports& imports, std::span<const Layer> layers) {
  LayerFindings out;
  if (layers.empty()) return out;
  const Layers known(layers);
  std::vector<std::optional<std::size_t>> layer_of;
  for (const FileFacts* file : paths.files()) layer_of.push_back(known.of(file->project_path));
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (std::ranges::find(layer_of, i) == layer_of.end()) out.empty.push_back(layers[i].name);
  for (std::uint32_t i = 0; i < imports.uses.size(); ++i) {
    if (!layer_of[i]) continue;
    std::set<std::pair<std::uint64_t, std::size_t>> told;  // Where the import stands, and the layer that it leads to.
    for (const ImportUse& use : imports.uses[i]) {
      const auto to = layer_of[use.to];
      if (!to || known.may_use(*layer_of[i], *to)) continue;
      if (!told.emplace(use.import->where.start.offset, *to).second) continue;
      out.violations.push_back(
          violation(known[*layer_of[i]], known[*to], *use.import, paths.file(use.to).project_path));
    }
  }
  return out;
}

}  // namespace wrench::code::detail
