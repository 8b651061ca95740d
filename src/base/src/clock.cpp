#include "wrench/base/clock.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include "wrench/base/text.hpp"

namespace wrench {

namespace {

constexpr Micros kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr Micros kMicrosPerHour = 60 * kMicrosPerMinute;
// RFC 3339 knows the years 0000 to 9999.
constexpr Micros kFirstMoment = -62'167'219'200 * kMicrosPerSecond;
constexpr Micros kLastMoment = 253'402'300'800 * kMicrosPerSecond - 1;

Micros read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<Micros>(now.tv_sec) * kMicrosPerSecond + now.tv_nsec / 1'000;
}

struct Moment {
  int year;
  unsigned month;
  unsigned day;
  Micros of_day;
};

Moment split_moment(Micros at_us) {
  const std::chrono::sys_time<std::chrono::microseconds> at{
      std::chrono::microseconds{std::clamp(at_us, kFirstMoment, kLastMoment)}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
          (at - day).count()};
}

/// Reads fixed-width fields from the front of a text.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}
  std::optional<int> number(std::size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return std::nullopt;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  bool literal(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
};

std::optional<Micros> parse_date(Fields& in) {
  const auto year = in.number(4);
  if (!year || !in.literal("-")) return std::nullopt;
  const auto month = in.number(2);
  if (!month || !in.literal("-")) return std::nullopt;
  const auto day = in.number(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count() * kMicrosPerDay;
}

std::optional<Micros> parse_time_of_day(Fields& in) {
  const auto hour = in.number(2);
  if (!hour || *hour > 23 || !in.literal(":")) return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || *minute > 59 || !in.literal(":")) return std::nullopt;
  const auto second = in.number(2);
  // 60 is a leap second; Unix time has none, so it becomes the first moment after it.
  if (!second || *second > 60) return std::nullopt;
  Micros fraction = 0;
  if (in.literal(".")) {
    auto digit = in.number(1);
    if (!digit) return std::nullopt;
    for (Micros unit = kMicrosPerSecond / 10; digit; unit /= 10, digit = in.number(1)) fraction += unit * *digit;
  }
  return *hour * kMicrosPerHour + *minute * kMicrosPerMinute + *second * kMicrosPerSecond + fraction;
}

std::optional<Micros> parse_offset(Fields& in) {
  if (in.literal("Zz")) return 0;
  const Micros sign = in.front() == '-' ? -1 : 1;
  if (!in.literal("+-")) return std::nullopt;
  const auto hour = in.number(2);
  if (!hour || *hour > 23 || !in.literal(":")) return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || *minute > 59) return std::nullopt;
  return sign * (*hour * kMicrosPerHour + *minute * kMicrosPerMinute);
}

std::optional<Micros> parse_moment(std::string_view text) {
  Fields in(text);
  const auto date = parse_date(in);
  if (!date || in.at_end()) return date;
  if (!in.literal("Tt ")) return std::nullopt;
  const auto time_of_day = parse_time_of_day(in);
  if (!time_of_day) return std::nullopt;
  const auto offset = parse_offset(in);
  if (!offset || !in.at_end()) return std::nullopt;
  return *date + *time_of_day - *offset;
}

std::string two_units(std::uint64_t large, const char* large_name, std::uint64_t small, const char* small_name) {
  return std::to_string(large) + " " + large_name + " " + std::to_string(small) + " " + small_name;
}

struct DurationUnit {
  std::string_view name;
  Micros length_us;
};
constexpr DurationUnit kDurationUnits[] = {
    {"us", 1},
    {"ms", kMicrosPerMs},
    {"s", kMicrosPerSecond},
    {"m", kMicrosPerMinute},
    {"h", kMicrosPerHour},
    {"d", kMicrosPerDay},
    {"w", 7 * kMicrosPerDay},
};

Error invalid_duration(std::string_view text, std::string_view why) {
  return Error("base.invalid_duration", "'" + escape_for_display(text) + "' isn't a duration: " + std::string(why));
}

}  // namespace

Micros SystemClock::now_us() const { return read_clock(CLOCK_REALTIME); }
Micros SystemClock::boot_us() const { return read_clock(CLOCK_BOOTTIME); }
Micros SystemClock::thread_cpu_us() const { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

std::string format_rfc3339(Micros at_us) {
  const auto moment = split_moment(at_us);
  const auto ms = static_cast<unsigned>(moment.of_day / kMicrosPerMs);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", moment.year, moment.month, moment.day,
                ms / 3'600'000, ms / 60'000 % 60, ms / 1'000 % 60, ms % 1'000);
  return buffer;
}

std::string format_date(Micros at_us) { return format_rfc3339(at_us).substr(0, 10); }

Result<Micros> parse_rfc3339(std::string_view text) {
  const auto moment = parse_moment(text);
  if (!moment) {
    return Error("base.invalid_time", "'" + escape_for_display(text) +
                                          "' isn't a time: write 2026-11-24 or 2026-11-24T12:34:56Z (RFC 3339)");
  }
  return *moment;
}

std::string format_duration(Micros duration_us) {
  if (duration_us < 0) {
    return "-" + format_duration(duration_us == std::numeric_limits<Micros>::min() ? std::numeric_limits<Micros>::max()
                                                                                   : -duration_us);
  }
  // Rounded in the unit that is shown, so that 59.97 s is "1 m 0 s" and never "60.0 s".
  const auto us = static_cast<std::uint64_t>(duration_us);
  const auto tenths_of_ms = (us + 50) / 100;
  if (tenths_of_ms == 0 || tenths_of_ms >= 100) {
    const auto ms = (us + 500) / 1'000;
    if (ms < 1'000) return std::to_string(ms) + " ms";
  } else {
    return std::to_string(tenths_of_ms / 10) + "." + std::to_string(tenths_of_ms % 10) + " ms";
  }
  const auto tenths = (us + 50'000) / 100'000;
  if (tenths < 600) return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  const auto seconds = (us + 500'000) / 1'000'000;
  if (seconds < 3'600) return two_units(seconds / 60, "m", seconds % 60, "s");
  const auto minutes = (us + 30'000'000) / 60'000'000;
  if (minutes < 24 * 60) return two_units(minutes / 60, "h", minutes % 60, "m");
  const auto hours = (us + 1'800'000'000) / 3'600'000'000;
  return two_units(hours / 24, "d", hours % 24, "h");
}

Result<Micros> parse_duration(std::string_view text) {
  auto rest = trim(text);
  if (rest.empty()) return invalid_duration(text, "it is empty; write for instance 90s, 1h30m or 250ms");
  Micros total = 0;
  while (!rest.empty()) {
    Micros number = 0;
    std::size_t digits = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
      if (__builtin_mul_overflow(number, Micros{10}, &number) ||
          __builtin_add_overflow(number, Micros{rest[digits] - '0'}, &number))
        return invalid_duration(text, "too long");
    }
    if (digits == 0) return invalid_duration(text, "a whole number must stand before each unit, as in 1h30m");
    rest.remove_prefix(digits);
    const auto name = rest.substr(0, rest.find_first_of("0123456789"));
    const auto* unit = std::find_if(std::begin(kDurationUnits), std::end(kDurationUnits),
                                    [name](const DurationUnit& u) { return u.name == name; });
    if (unit == std::end(kDurationUnits)) return invalid_duration(text, "the units are us, ms, s, m, h, d and w");
    Micros part = 0;
    if (__builtin_mul_overflow(number, unit->length_us, &part) || __builtin_add_overflow(total, part, &total))
      return invalid_duration(text, "too long");
    rest.remove_prefix(name.size());
  }
  return total;
}

}  // namespace wrench
