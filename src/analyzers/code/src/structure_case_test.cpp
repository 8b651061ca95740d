#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "structure_modules.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/code/structure.hpp"

// A case is a project in one file. After some words about it each "=== path" starts a file of the project. Two kinds of
// comments on lines of their own speak for the next line, and aren't part of the file:
//
//   # imports: a.py, b.py      what the import there leads to; also "outside", "nothing", and "(tree)" for a file of
//                              the tree that isn't parsed
//   # finds: unused-function high      a finding of structure.* and its confidence
//
// Before the first file, "layer: <name> in <pattern>, … uses <layer>, …" declares a layer; "uses" may be left out.
// All findings must be foretold.
namespace wrench::code {
namespace {

namespace fs = std::filesystem;

class CaseProject {
 public:
  explicit CaseProject(const fs::path& path) {
    std::ifstream in(path);
    std::string line, file, content;
    std::uint32_t number = 1;
    const auto end_file = [&] {
      if (!file.empty()) contents_.emplace_back(file, content);
      content.clear();
      number = 1;
    };
    while (std::getline(in, line)) {
      if (line.starts_with("layer: ") && file.empty()) {
        layers_.push_back(layer(line.substr(7)));
      } else if (line.starts_with("=== ")) {
        end_file();
        file = line.substr(4);
      } else if (const std::string_view words = mark(line, "imports: "); !words.empty()) {
        imports_[file + ":" + std::to_string(number)] = std::string(words);
      } else if (const std::string_view finding = mark(line, "finds: "); !finding.empty()) {
        expected_.insert(file + ":" + std::to_string(number) + " structure." + std::string(finding));
      } else {
        content += line + '\n';
        ++number;
      }
    }
    end_file();
    std::ranges::sort(contents_);
    analyse();
  }

  const std::map<std::string, std::string>& expected_imports() const { return imports_; }
  const std::set<std::string>& expected_findings() const { return expected_; }

  /// "path:line" to what the import there leads to.
  std::map<std::string, std::string> imports() const {
    const detail::ProjectPaths paths(pointers_, {});
    const detail::ResolvedImports resolved = detail::resolve_imports(paths);
    std::map<std::string, std::string> out;
    for (std::uint32_t i = 0; i < facts_.size(); ++i)
      for (std::size_t k = 0; k < facts_[i].imports.size(); ++k) {
        const ImportFact& import = facts_[i].imports[k];
        std::set<std::string> targets;
        for (const detail::ImportUse& use : resolved.uses[i])
          if (use.import == &import) targets.insert(facts_[use.to].path);
        std::string text = join({targets.begin(), targets.end()}, ", ");
        const detail::Resolution resolution = resolved.graph.resolutions[i][k];
        if (resolution == detail::Resolution::Outside) text = "outside";
        if (resolution == detail::Resolution::Nothing) text = "nothing";
        out[facts_[i].path + ":" + std::to_string(import.where.start.line)] = text.empty() ? "(tree)" : text;
      }
    return out;
  }

  std::set<std::string> findings() const {
    std::set<std::string> out;
    for (const findings::Finding& finding :
         link_project(pointers_, sources_, {.clones = false, .layers = layers_}, {}).findings) {
      EXPECT_FALSE(finding.fingerprint.empty());
      EXPECT_FALSE(finding.lines.empty());
      out.insert(finding.where.path + ":" + std::to_string(finding.where.start.line) + " " + finding.rule + " " +
                 std::string(findings::name(finding.confidence)));
    }
    return out;
  }

 private:
  static std::vector<std::string> names(std::string_view list) {
    std::vector<std::string> out;
    for (const std::string_view part : split(list, ','))
      if (!trim(part).empty()) out.emplace_back(trim(part));
    return out;
  }
  static Layer layer(std::string_view text) {
    const std::size_t in = text.find(" in "), uses = text.find(" uses ");
    Layer out;
    out.name = text.substr(0, in);
    out.paths = names(text.substr(in + 4, uses == std::string_view::npos ? uses : uses - in - 4));
    if (uses != std::string_view::npos) out.may_use = names(text.substr(uses + 6));
    return out;
  }
  static std::string_view mark(std::string_view line, std::string_view word) {
    const std::string_view text = trim(line);
    for (const std::string_view comment : {"# ", "// "})
      if (text.starts_with(comment) && text.substr(comment.size()).starts_with(word))
        return text.substr(comment.size() + word.size());
    return {};
  }

  void analyse() {
    Parser parser;
    for (const auto& [path, content] : contents_) {
      const source::SourceText text = source::make_source_text(path, path, content);
      sources_.add(path, text.text);
      Atoms atoms;
      const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
      facts_.push_back(ir.ok() && !is_config(text.language) ? extract_facts(*ir, atoms, text) : text_facts(text));
    }
    for (const FileFacts& one : facts_) pointers_.push_back(&one);
  }

  std::vector<std::pair<std::string, std::string>> contents_;
  std::map<std::string, std::string> imports_;
  std::set<std::string> expected_;
  std::vector<Layer> layers_;
  std::deque<FileFacts> facts_;
  std::vector<const FileFacts*> pointers_;
  findings::MemorySources sources_;
};

TEST(Structure, CaseFiles) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/structure";
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    const CaseProject project(entry.path());
    const auto imports = project.imports();
    for (const auto& [place, expected] : project.expected_imports()) {
      const auto found = imports.find(place);
      EXPECT_EQ(found == imports.end() ? "no import" : found->second, expected) << place;
    }
    const auto lines = [](const std::set<std::string>& set) { return join({set.begin(), set.end()}, "\n"); };
    EXPECT_EQ(lines(project.findings()), lines(project.expected_findings()));
    EXPECT_FALSE(project.expected_imports().empty() && project.expected_findings().empty());
    ++cases;
  }
  EXPECT_GE(cases, 10u);
}

}  // namespace
}  // namespace wrench::code
