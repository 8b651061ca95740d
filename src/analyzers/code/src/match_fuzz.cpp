#include <cstddef>
#include <cstdint>
#include <string_view>

#include "match.hpp"

// A pattern, a zero byte, and the Python program that it is matched against: every match lies inside the program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench::code;
  const std::string_view all(reinterpret_cast<const char*>(bytes), size);
  const std::size_t cut = all.find('\0');
  if (cut == std::string_view::npos) return 0;
  static Parser parser;
  static const wrench::SystemClock clock;
  Atoms atoms;
  const auto pattern = compile_pattern(wrench::source::Language::Python, all.substr(0, cut), parser, atoms, clock);
  if (!pattern) return 0;
  const std::string_view text = all.substr(cut + 1);
  const auto ir = parser.parse(wrench::source::Language::Python, text, atoms, {}, {}, {});
  if (!ir) return 0;
  const FileIndex index(*ir, atoms, text);
  MatchOptions options;
  options.symbolic_propagation = size % 2 == 0;
  MatchBudget budget({.states_max = 10'000, .cpu_us_max = wrench::kMicrosPerSecond}, {}, clock, {});
  for (const Match& match : match_pattern(index, *pattern, options, budget))
    WRENCH_ASSERT(match.first <= match.end && match.end <= text.size());
  return 0;
}
