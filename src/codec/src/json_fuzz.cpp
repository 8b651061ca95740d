#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

// What is read must come back equal from every form it is written in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench::codec;
  const auto value = parse_json({reinterpret_cast<const char*>(data), size});
  if (!value.ok()) return 0;
  for (const bool pretty : {false, true}) {
    const auto again = parse_json(write_json(*value, {.pretty = pretty}));
    if (!again.ok() || !(*again == *value)) std::abort();
  }
  const std::string canonical = canonical_json(*value);
  const auto again = parse_json(canonical);
  if (!again.ok() || canonical_json(*again) != canonical || !wrench::is_valid_utf8(canonical)) std::abort();
  return 0;
}
