#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "structure_modules.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/source/file_class.hpp"

// WRENCH_BENCH_TREE names the tree. With WRENCH_BENCH_IMPORTS set every import is printed with what it leads to.
namespace wrench::code {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileBytesMax = std::uintmax_t{1} << 20;

/// The facts of a tree, read once.
class Tree {
 public:
  explicit Tree(const fs::path& root) {
    std::vector<fs::path> paths;
    for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator(); ++at) {
      if (at->is_directory() && at->path().filename() == ".git") at.disable_recursion_pending();
      if (at->is_regular_file() && !at->is_symlink()) paths.push_back(at->path());
    }
    std::ranges::sort(paths);
    for (const fs::path& path : paths) add(path, fs::relative(path, root).generic_string());
    for (const FileFacts& one : facts) pointers.push_back(&one);
  }

  std::deque<FileFacts> facts;
  std::vector<const FileFacts*> pointers;
  std::vector<std::string> others;

 private:
  void add(const fs::path& path, const std::string& name) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const auto file_class = source::classify(name, bytes);
    if (bytes.size() > kFileBytesMax || file_class == source::FileClass::Binary) return others.push_back(name);
    const source::SourceText text = source::make_source_text(name, name, std::move(bytes));
    atoms_.clear();
    if (file_class == source::FileClass::Code && can_parse(text.language) && !is_config(text.language))
      if (const auto ir = parser_.parse(text.language, text.text, atoms_, {}, {}, {}); ir.ok()) {
        facts.push_back(extract_facts(*ir, atoms_, text));
        return;
      }
    facts.push_back(text_facts(text));
  }

  Parser parser_;
  Atoms atoms_;
};

const Tree& tree() {
  static const Tree tree(std::getenv("WRENCH_BENCH_TREE") != nullptr ? std::getenv("WRENCH_BENCH_TREE") : ".");
  return tree;
}

void link_tree(benchmark::State& state) {
  std::size_t findings = 0;
  (void)tree();
  for (auto _ : state)
    findings = link_project(tree().pointers, findings::NoSources(), {.clones = false, .other_paths = tree().others}, {})
                   .findings.size();
  state.counters["files"] = static_cast<double>(tree().facts.size());
  state.counters["findings"] = static_cast<double>(findings);
}
BENCHMARK(link_tree)->Unit(benchmark::kMillisecond);

void resolve_tree(benchmark::State& state) {
  detail::ResolvedImports resolved;
  const detail::ProjectPaths paths(tree().pointers, tree().others);
  for (auto _ : state) resolved = detail::resolve_imports(paths);
  const bool print = std::getenv("WRENCH_BENCH_IMPORTS") != nullptr;
  constexpr std::string_view kWords[] = {"inside", "outside", "nothing"};
  std::map<detail::Resolution, double> counts;
  double imports = 0;
  for (std::uint32_t i = 0; i < tree().facts.size(); ++i)
    for (std::size_t k = 0; k < resolved.graph.resolutions[i].size(); ++k) {
      ++imports;
      ++counts[resolved.graph.resolutions[i][k]];
      if (!print) continue;
      const ImportFact& import = tree().facts[i].imports[k];
      const auto word = kWords[static_cast<std::size_t>(resolved.graph.resolutions[i][k])];
      std::printf("%s %s:%u %s", word.data(), import.where.path.c_str(), import.where.start.line,
                  import.module.c_str());
      for (const detail::ImportUse& use : resolved.uses[i])
        if (use.import == &import) std::printf(" -> %s", tree().facts[use.to].path.c_str());
      std::printf("\n");
    }
  state.counters["imports"] = imports;
  state.counters["inside"] = counts[detail::Resolution::Inside];
  state.counters["outside"] = counts[detail::Resolution::Outside];
  state.counters["nothing"] = counts[detail::Resolution::Nothing];
}
BENCHMARK(resolve_tree)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace wrench::code
