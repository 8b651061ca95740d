#include "wrench/workflow/schedule_spec.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../playbook/case_file_test.hpp"
#include "cron.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {
namespace {

constexpr Micros kMinute = 60 * kMicrosPerSecond;

TimeZone zone(std::string_view name) {
  auto found = TimeZone::find(name);
  EXPECT_TRUE(found.ok()) << describe(found.error());
  return found.ok() ? *found : *TimeZone::find("UTC");
}

std::string what_came_out(const std::string& text, const testing::Section& section) {
  const auto spec = ScheduleSpec::parse(text);
  if (!spec) return std::to_string(spec.error().place.column) + ": " + spec.error().message + "\n";
  const auto words = split(section.title, ' ');
  if (words.size() != 4 || words[0] != "next") return "it is a schedule\n";
  const TimeZone there = zone(words[1]);
  Micros at = *parse_rfc3339(words[3]);
  std::string out;
  for (std::size_t i = 1; i < split(section.text, '\n').size(); ++i) {
    const auto next = spec->next_after(at, there);
    out += next ? format_rfc3339(*next, there) + "\n" : "never\n";
    at = next.value_or(at);
  }
  return out;
}

TEST(ScheduleSpec, CasesGiveWhatTheySay) {
  const std::string path = WRENCH_SOURCE_DIR "/tests/workflow/schedules/specs.case";
  const auto file = testing::CaseFile::read(path);
  ASSERT_GT(file.cases.size(), 40u);
  for (const auto& one : file.cases) {
    const std::string text = one.text.substr(0, one.text.find('\n'));
    ASSERT_FALSE(one.sections.empty()) << one.name;
    for (const auto& section : one.sections)
      EXPECT_EQ(section.text, what_came_out(text, section)) << path << ":" << section.line << ": " << one.name;
  }
}

/// The C library's view of a zone: another reader of tzdata.
class LibcZone {
 public:
  explicit LibcZone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~LibcZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
  LibcZone(const LibcZone&) = delete;
  LibcZone& operator=(const LibcZone&) = delete;

  static std::tm at(std::int64_t minute) {
    const std::time_t seconds = minute * 60;
    std::tm out{};
    ::localtime_r(&seconds, &out);
    return out;
  }
};

std::int64_t minute_of(std::tm shown) { return ::timegm(&shown) / 60; }

bool matches(const Cron& cron, const std::tm& shown) {
  const auto has = [](std::uint64_t set, int bit) { return (set >> bit & 1) != 0; };
  const bool day = has(cron.days, shown.tm_mday), weekday = has(cron.weekdays, shown.tm_wday);
  return has(cron.minutes, shown.tm_min) && has(cron.hours, shown.tm_hour) && has(cron.months, shown.tm_mon + 1) &&
         (cron.either_day ? day || weekday : day && weekday);
}

/// Goes minute by minute and asks what clocks show: those minutes that are shown for the first time count, and those
/// that were skipped count as the one after them.
std::vector<Micros> slowly(const Cron& cron, std::int64_t from, const std::vector<std::tm>& clocks) {
  std::vector<Micros> out;
  std::int64_t shown_before = minute_of(clocks.front());
  std::int64_t minute = from;
  for (const std::tm& shown : std::span(clocks).subspan(1)) {
    ++minute;
    const std::int64_t now = minute_of(shown);
    bool fires = now > shown_before && matches(cron, shown);
    for (std::int64_t skipped = shown_before + 1; skipped < now && !fires; ++skipped) {
      const std::time_t seconds = skipped * 60;
      std::tm tm{};
      ::gmtime_r(&seconds, &tm);
      fires = matches(cron, tm);
    }
    if (fires) out.push_back(minute * kMinute);
    shown_before = std::max(shown_before, now);
  }
  return out;
}

constexpr std::string_view kSpecs[] = {
    "30 2 * * *",  "*/15 * * * *", "0 0 * * *", "15,45 0-3 * * sun", "59 23 28-31 * *", "5 1-3/2 1,29,31 2-11/3 fri",
    "0 3 */2 * 6",
};

/// Around each change of the clocks of ten years; WRENCH_CRON_ORACLE=1 looks at every minute (scripts/test_long.sh).
TEST(ScheduleSpec, FiresWhenASlowLookAtClocksSays) {
  const bool all = std::getenv("WRENCH_CRON_ORACLE") != nullptr;
  const std::int64_t begin = *parse_rfc3339("2026-01-01") / kMinute, end = *parse_rfc3339("2036-01-01") / kMinute;
  constexpr std::int64_t kDay = 1440;
  for (const char* name :
       {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"}) {
    const TimeZone there = zone(name);
    const LibcZone clocks(name);
    int changes = 0;
    for (std::int64_t day = begin; day < end; day += kDay) {
      const bool changed = LibcZone::at(day).tm_gmtoff != LibcZone::at(day + kDay).tm_gmtoff;
      changes += changed ? 1 : 0;
      if (!all && !changed) continue;
      // A day that the clocks of no zone change in, too, before and after.
      const std::int64_t from = all ? day : day - kDay, to = all ? day + kDay : day + 2 * kDay;
      // From before what is looked at, so that what is shown again is known to be.
      std::vector<std::tm> shown;
      for (std::int64_t minute = from - 120; minute <= to; ++minute) shown.push_back(LibcZone::at(minute));
      for (const auto text : kSpecs) {
        const auto spec = ScheduleSpec::parse(text);
        std::vector<Micros> quickly;
        for (auto at = spec->next_after(from * kMinute, there); at && *at <= to * kMinute;
             at = spec->next_after(*at, there))
          quickly.push_back(*at);
        auto slow = slowly(*parse_cron(text), from - 120, shown);
        std::erase_if(slow, [&](Micros at) { return at <= from * kMinute; });
        ASSERT_EQ(quickly, slow) << text << " in " << name << " after " << format_rfc3339(from * kMinute);
      }
    }
    EXPECT_GE(changes, 20) << name;  // Also says that tzdata tells of all ten years.
  }
}

/// From any instant, not only from those at which it fires.
TEST(ScheduleSpec, TheNextTimeIsThatOfAnyInstantBefore) {
  const TimeZone there = zone("Europe/Berlin");
  const auto spec = ScheduleSpec::parse("*/20 1-3 * * *");
  const Micros begin = *parse_rfc3339("2026-10-24T22:00:00Z");
  std::optional<Micros> expected;
  for (Micros at = begin + 6 * 60 * kMinute; at > begin; at -= 7 * kMicrosPerSecond) {
    const auto next = spec->next_after(at, there);
    ASSERT_TRUE(next && *next > at);
    if (expected) {
      ASSERT_TRUE(*next == *expected || *next <= at + 7 * kMicrosPerSecond) << format_rfc3339(at);
    }
    expected = next;
  }
}

TEST(ScheduleSpec, RareTimesAreFoundAtOnce) {
  const TimeZone utc = zone("UTC");
  const auto spec = ScheduleSpec::parse("0 0 29 2 */7");  // A Sunday.
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(spec->next_after(*parse_rfc3339("2088-03-01"), utc).has_value());
  // Each looks at 480 months; day by day it would be 14,600.
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST(ScheduleSpec, TheEndOfTimeIsNoTime) {
  const TimeZone utc = zone("UTC");
  const Micros last = *parse_rfc3339("9999-12-31T23:59:59.999999Z");
  for (const auto* text : {"* * * * *", "every 1s", "@yearly"}) {
    EXPECT_FALSE(ScheduleSpec::parse(text)->next_after(last, utc).has_value()) << text;
    EXPECT_FALSE(ScheduleSpec::parse(text)->next_after(std::numeric_limits<Micros>::max(), utc).has_value()) << text;
  }
  EXPECT_FALSE(ScheduleSpec::parse("@yearly")->next_after(*parse_rfc3339("9999-06-01"), utc).has_value());
}

TEST(ScheduleSpec, ATextHasAnEnd) {
  const std::string text = "0" + std::string(kScheduleSpecBytesMax - 9, ' ') + "* * * *";
  EXPECT_EQ(text.size(), kScheduleSpecBytesMax - 1);
  EXPECT_TRUE(ScheduleSpec::parse(text + " ").ok());
  EXPECT_EQ(ScheduleSpec::parse(text + "  ").error().code, "workflow.invalid_schedule");
}

}  // namespace
}  // namespace wrench::workflow
