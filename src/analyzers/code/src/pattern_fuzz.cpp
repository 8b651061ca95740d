#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pattern.hpp"

// The first byte chooses the grammar, the rest is the pattern.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using wrench::source::Language;
  constexpr std::array kGrammars = {Language::Python, Language::JavaScript, Language::Tsx,       Language::Java,
                                    Language::Go,     Language::C,          Language::Cpp,       Language::Json,
                                    Language::Yaml,   Language::Toml,       Language::Hcl,       Language::Html,
                                    Language::Css,    Language::Sql,        Language::Dockerfile};
  if (size == 0) return 0;
  static wrench::code::Parser parser;
  static const wrench::SystemClock clock;
  wrench::code::Atoms atoms;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const auto pattern =
      wrench::code::compile_pattern(kGrammars[bytes[0] % kGrammars.size()], text, parser, atoms, clock);
  if (pattern) (void)wrench::code::dump(*pattern, atoms);
  return 0;
}
