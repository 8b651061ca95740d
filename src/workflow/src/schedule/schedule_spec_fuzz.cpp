#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wrench/workflow/schedule_spec.hpp"

/// Whatever is a schedule says when it fires: later than asked, and the same of every instant before that.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench;
  static const TimeZone zones[] = {*TimeZone::find("Europe/Berlin"), *TimeZone::find("Australia/Lord_Howe")};
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto spec = workflow::ScheduleSpec::parse(text);
  if (!spec) {
    const int column = spec.error().place.column;
    if (column < 1 || static_cast<std::size_t>(column) > workflow::kScheduleSpecBytesMax + 1) std::abort();
    return 0;
  }
  for (const TimeZone& zone : zones) {
    Micros at = 1'774'000'000 * kMicrosPerSecond;  // A week before clocks change in Berlin.
    for (int i = 0; i < 20; ++i) {
      const auto next = spec->next_after(at, zone);
      if (!next) break;
      if (*next <= at || spec->next_after(*next - 1, zone) != next ||
          spec->next_after((at / 2) + (*next / 2) + 1, zone) < next)
        std::abort();
      at = *next;
    }
  }
  return 0;
}
