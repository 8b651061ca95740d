#include <cstddef>
#include <cstdint>
#include <string_view>

#include "generic_pattern.hpp"
#include "wrench/base/assert.hpp"

// Options, a pattern, a zero byte, and the text that it is matched against: blocks are nested, matches lie in the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench::code;
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const std::size_t cut = all.find('\0');
  if (size == 0 || cut == 0 || cut == std::string_view::npos) return 0;
  static const wrench::SystemClock clock;
  Atoms atoms;
  GenericOptions options;
  options.ellipsis_span_max = bytes[0] % 16;
  options.comments = static_cast<GenericOptions::Comments>(bytes[0] / 16 % 4);
  options.caseless = bytes[0] >= 128;
  const auto pattern = compile_generic(all.substr(1, cut - 1), options, atoms);
  if (!pattern) return 0;
  const std::string_view text = all.substr(cut + 1);
  const auto tokens = read_generic(text, options.comments, GenericSyntax::Text);
  std::size_t depth = 0;
  for (const GenericToken& token : tokens) {
    WRENCH_ASSERT(token.first <= token.end && token.end <= text.size() && token.partner <= tokens.size());
    if (token.what == GenericToken::What::Open) ++depth;
    if (token.what == GenericToken::What::Close) WRENCH_ASSERT(depth-- > 0);
  }
  WRENCH_ASSERT(depth == 0);
  MatchBudget budget({.states_max = 10'000, .cpu_us_max = wrench::kMicrosPerSecond}, {}, clock, {});
  for (const Match& match : match_generic(*pattern, text, tokens, budget)) {
    WRENCH_ASSERT(match.first <= match.end && match.end <= text.size());
    for (const auto& [name, bound] : match.bindings)
      WRENCH_ASSERT(bound.first <= bound.end && bound.end <= text.size());
  }
  return 0;
}
