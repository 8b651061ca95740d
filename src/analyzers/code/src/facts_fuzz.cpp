#include <cstdint>
#include <string_view>

#include "wrench/base/assert.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/code/logic.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/code/structure.hpp"

/// The first byte chooses the language, the rest is the text. Whatever it is, the tree is well formed and every
/// analysis of one file comes back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench;
  if (size == 0) return 0;
  constexpr source::Language kLanguages[] = {
      source::Language::Python, source::Language::JavaScript, source::Language::TypeScript, source::Language::Tsx,
      source::Language::Java,   source::Language::Go,         source::Language::C,          source::Language::Cpp};
  static code::Parser parser;
  source::SourceText text;
  text.path = text.project_path = "fuzz";
  text.language = kLanguages[data[0] % std::size(kLanguages)];
  text.text.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  text.lines = source::LineTable(text.text);
  code::Atoms atoms;
  const auto ir = parser.parse(text.language, text.text, atoms, {.nesting_max = 200}, {}, {});
  if (!ir) return 0;
  WRENCH_ASSERT(!ir->nodes.empty() && ir->nodes[0].subtree_end == ir->nodes.size());
  for (code::NodeIndex i = 1; i < ir->nodes.size(); ++i) {
    const code::Node& node = ir->nodes[i];
    WRENCH_ASSERT(node.first <= node.end && node.end <= text.text.size());
    WRENCH_ASSERT(node.parent < i && node.subtree_end <= ir->nodes[node.parent].subtree_end);
  }
  (void)code::dump(*ir, atoms, text.text);
  (void)code::metric_findings(code::measure(*ir, atoms, text), text);
  (void)code::structure_findings(*ir, atoms, text);
  (void)code::logic_findings(*ir, atoms, text);
  const code::FileFacts facts = code::extract_facts(*ir, atoms, text);
  const code::FileFacts* const files[] = {&facts};
  (void)code::link_project(files, findings::NoSources(), {}, {});
  return 0;
}
