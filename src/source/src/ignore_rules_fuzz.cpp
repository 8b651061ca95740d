#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/source/ignore_rules.hpp"

// The first line is a path, the rest an ignore file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto end = input.find('\n');
  const std::string_view path = input.substr(0, end);
  const std::string_view file = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
  const wrench::source::IgnoreRules rules(file);
  static_cast<void>(rules.decide(path, false));
  static_cast<void>(rules.decide(path, true));
  static_cast<void>(wrench::source::matches_glob(file, path));
  return 0;
}
