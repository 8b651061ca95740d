#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/base/assert.hpp"
#include "wrench/code/lower.hpp"

// The Dockerfile and YAML readers, which no grammar stands behind: every node lies in its parent, within the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench::code;
  static Parser parser;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const ParseLimits limits{.nodes_max = 100'000, .nesting_max = 200};
  for (const auto language : {wrench::source::Language::Dockerfile, wrench::source::Language::Yaml}) {
    Atoms atoms;
    const auto ir = parser.parse(language, text, atoms, limits, {}, {});
    if (!ir.ok()) continue;
    WRENCH_ASSERT(!ir->nodes.empty() && ir->nodes[0].subtree_end == ir->nodes.size());
    for (std::uint32_t i = 0; i < ir->nodes.size(); ++i) {
      const Node& node = ir->nodes[i];
      WRENCH_ASSERT(node.first <= node.end && node.end <= size && node.subtree_end > i);
      WRENCH_ASSERT(i == 0 || (node.parent < i && node.subtree_end <= ir->nodes[node.parent].subtree_end));
    }
    for (const Span& comment : ir->comments) WRENCH_ASSERT(comment.first <= comment.end && comment.end <= size);
  }
  return 0;
}
