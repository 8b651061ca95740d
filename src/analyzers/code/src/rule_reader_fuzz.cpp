#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/code/rule.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const wrench::code::RuleSource source{"fuzz.yaml", std::string_view(reinterpret_cast<const char*>(bytes), size)};
  wrench::code::LoadReport report;
  (void)wrench::code::RuleSet::load({&source, 1}, report);
  return 0;
}
