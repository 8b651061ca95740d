#include "wrench/base/clock.hpp"

#include <time.h>

#include <array>
#include <cstdio>
#include <limits>

namespace wrench {

namespace {

Micros read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return Micros{now.tv_sec} * kMicrosPerSecond + now.tv_nsec / 1000;
}

struct Civil {
  std::int64_t year;
  int month, day;
};

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": proleptic Gregorian, days since 1970-01-01.
Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = days - era * 146'097;
  const auto year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto shifted_month = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = year - era * 400;
  const auto day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

bool read_digits(std::string_view& text, std::size_t count, int& out) {
  if (text.size() < count) return false;
  out = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool skip(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

int days_in_month(std::int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

bool read_time(std::string_view& text, Micros& out) {
  int hour = 0, minute = 0, second = 0;
  if (!read_digits(text, 2, hour) || !skip(text, ':') || !read_digits(text, 2, minute) || !skip(text, ':') ||
      !read_digits(text, 2, second))
    return false;
  if (hour > 23 || minute > 59 || second > 60) return false;
  Micros fraction = 0;
  if (skip(text, '.')) {
    Micros scale = kMicrosPerSecond;
    std::size_t digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits) {
      scale /= 10;
      fraction += scale * (text.front() - '0');
    }
    if (digits == 0) return false;
  }
  out = ((hour * 60 + minute) * Micros{60} + second) * kMicrosPerSecond + fraction;
  return true;
}

bool read_offset(std::string_view& text, Micros& out) {
  out = 0;
  if (skip(text, 'Z') || skip(text, 'z')) return true;
  const bool minus = skip(text, '-');
  if (!minus && !skip(text, '+')) return false;
  int hour = 0, minute = 0;
  if (!read_digits(text, 2, hour) || !skip(text, ':') || !read_digits(text, 2, minute) || hour > 23 || minute > 59)
    return false;
  out = (hour * 60 + minute) * Micros{60} * kMicrosPerSecond * (minus ? -1 : 1);
  return true;
}

std::string printed(const char* format, std::int64_t a, const char* between, std::int64_t b, const char* end) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, static_cast<long long>(a), between, static_cast<long long>(b),
                end);
  return buffer.data();
}

}  // namespace

Micros SystemClock::now_us() const { return read_clock(CLOCK_REALTIME); }
Micros SystemClock::boot_us() const { return read_clock(CLOCK_BOOTTIME); }

std::string format_rfc3339(Micros at_us) {
  std::int64_t days = at_us / kMicrosPerDay;
  Micros rest = at_us % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  const auto date = civil_from_days(days);
  const auto ms = rest / kMicrosPerMs;
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
                static_cast<long long>(date.year), date.month, date.day, static_cast<int>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1'000 % 60), static_cast<int>(ms % 1'000));
  return buffer.data();
}

std::string format_date(Micros at_us) { return format_rfc3339(at_us).substr(0, 10); }

Result<Micros> parse_rfc3339(std::string_view text) {
  const auto fail = [whole = std::string(text)] {
    return Error("base.invalid_time",
                 "'" + whole + "' isn't a time such as 2026-11-24T12:00:00Z or a date such as 2026-11-24");
  };
  int year = 0, month = 0, day = 0;
  if (!read_digits(text, 4, year) || !skip(text, '-') || !read_digits(text, 2, month) || !skip(text, '-') ||
      !read_digits(text, 2, day))
    return fail();
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return fail();
  const Micros midnight = days_from_civil(year, month, day) * kMicrosPerDay;
  if (text.empty()) return midnight;
  if (!skip(text, 'T') && !skip(text, 't') && !skip(text, ' ')) return fail();
  Micros time = 0, offset = 0;
  if (!read_time(text, time) || !read_offset(text, offset) || !text.empty()) return fail();
  return midnight + time - offset;
}

std::string format_duration(Micros duration_us) {
  if (duration_us < 0) return "-" + format_duration(-duration_us);
  const auto ms = duration_us / kMicrosPerMs;
  if (ms < 1'000) return std::to_string(ms) + " ms";
  const auto seconds = ms / 1'000;
  if (seconds < 60) return printed("%lld%s%lld%s", seconds, ".", ms / 100 % 10, " s");
  if (seconds < 3'600) return printed("%lld%s%lld%s", seconds / 60, " m ", seconds % 60, " s");
  if (seconds < 86'400) return printed("%lld%s%lld%s", seconds / 3'600, " h ", seconds / 60 % 60, " m");
  return printed("%lld%s%lld%s", seconds / 86'400, " d ", seconds / 3'600 % 24, " h");
}

Result<Micros> parse_duration(std::string_view text) {
  const auto fail = [whole = std::string(text)] {
    return Error("base.invalid_duration", "'" + whole + "' isn't a duration such as 250ms, 90s, 1h30m or 7d");
  };
  struct Unit {
    std::string_view name;
    Micros us;
  };
  constexpr std::array<Unit, 5> kUnits = {{{"ms", kMicrosPerMs},
                                           {"s", kMicrosPerSecond},
                                           {"m", 60 * kMicrosPerSecond},
                                           {"h", 3'600 * kMicrosPerSecond},
                                           {"d", kMicrosPerDay}}};
  if (text.empty()) return fail();
  Micros total = 0;
  while (!text.empty()) {
    Micros number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
      if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, text[digits] - '0', &number))
        return fail();
    if (digits == 0) return fail();
    text.remove_prefix(digits);
    const Unit* unit = nullptr;
    for (const auto& candidate : kUnits)
      if (text.starts_with(candidate.name) && (unit == nullptr || candidate.name.size() > unit->name.size()))
        unit = &candidate;
    if (unit == nullptr) return fail();
    text.remove_prefix(unit->name.size());
    if (__builtin_mul_overflow(number, unit->us, &number) || __builtin_add_overflow(total, number, &total))
      return fail();
  }
  return total;
}

}  // namespace wrench
