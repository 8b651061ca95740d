#include "wrench/base/text.hpp"

#include <cstdint>

#include "wrench/base/assert.hpp"
#include "wrench/base/clock.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto shown = wrench::escape_for_display(text);
  WRENCH_ASSERT(wrench::is_valid_utf8(shown));
  for (const char c : shown) WRENCH_ASSERT(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
  WRENCH_ASSERT(wrench::escape_for_display(shown) == shown);
  WRENCH_ASSERT(wrench::is_valid_utf8(text) == (wrench::repair_utf8(text) == text));
  WRENCH_ASSERT(wrench::count_code_points(text) <= size);
  static_cast<void>(wrench::display_width(text));
  if (const auto at = wrench::parse_rfc3339(text); at.ok())
    WRENCH_ASSERT(wrench::parse_rfc3339(wrench::format_rfc3339(*at)).ok());
  static_cast<void>(wrench::parse_size(text));
  if (const auto duration = wrench::parse_duration(text); duration.ok()) WRENCH_ASSERT(*duration >= 0);
  return 0;
}
