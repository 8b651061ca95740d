#include "wrench/code/lower.hpp"

#include <array>
#include <cstdint>

#include "wrench/base/assert.hpp"

using wrench::source::Language;

namespace {

// What everything that walks the tree relies on.
void check(const wrench::code::Ir& ir, std::size_t bytes, const wrench::code::ParseLimits& limits) {
  WRENCH_ASSERT(!ir.nodes.empty() && ir.nodes.size() <= limits.nodes_max);
  WRENCH_ASSERT(ir.nodes[0].parent == wrench::code::kNoNode && ir.nodes[0].subtree_end == ir.nodes.size());
  for (std::uint32_t i = 0; i < ir.nodes.size(); ++i) {
    const auto& node = ir.nodes[i];
    WRENCH_ASSERT(node.first <= node.end && node.end <= bytes);
    WRENCH_ASSERT(node.subtree_end > i);
    if (i == 0) continue;
    WRENCH_ASSERT(node.parent < i);
    WRENCH_ASSERT(node.subtree_end <= ir.nodes[node.parent].subtree_end);
  }
  for (const auto& comment : ir.comments) WRENCH_ASSERT(comment.first <= comment.end && comment.end <= bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::array kLanguages = {
      Language::Python, Language::JavaScript, Language::TypeScript, Language::Tsx,    Language::Java, Language::Go,
      Language::C,      Language::Cpp,        Language::Json,       Language::Toml,   Language::Hcl,  Language::Html,
      Language::Css,    Language::Sql,        Language::Php,        Language::CSharp, Language::Ruby, Language::Rust,
      Language::Kotlin, Language::Scala,      Language::Bash};
  static wrench::code::Parser parser;
  wrench::code::Atoms atoms;
  const wrench::code::ParseLimits limits;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  // By the content, so that the seeds need no header of their own.
  const auto language = kLanguages[(size + (size > 0 ? bytes[size / 2] : 0U)) % kLanguages.size()];
  const auto ir = parser.parse(language, text, atoms, limits, {}, {});
  if (ir.ok()) check(*ir, size, limits);
  return 0;
}
