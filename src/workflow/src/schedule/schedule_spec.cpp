#include "wrench/workflow/schedule_spec.hpp"

#include <algorithm>
#include <utility>

#include "cron.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {

namespace {

constexpr Micros kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr Micros kLastMoment = 253'402'300'800 * kMicrosPerSecond - 1;  ///< Of RFC 3339.
constexpr std::string_view kEvery = "every ";
constexpr std::string_view kAt = "at ";

struct Word {
  std::string_view name, fields;
};
constexpr Word kWords[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

Result<Cron> parse_word(std::string_view text) {
  for (const auto& [name, fields] : kWords)
    if (name == text) return parse_cron(fields);
  if (text == "@reboot") return invalid_schedule(0, "@reboot is no time");
  return invalid_schedule(
      0, "'" + escape_for_display(text) + "' is unknown: @hourly, @daily, @weekly, @monthly or @yearly");
}

Result<Micros> parse_period(std::string_view text) {
  auto period = parse_duration(text);
  if (!period) return invalid_schedule(kEvery.size(), period.error().message);
  if (*period < kScheduleEveryMin || *period > kScheduleEveryMax)
    return invalid_schedule(kEvery.size(), "a period is " + format_duration(kScheduleEveryMin) + " to " +
                                               format_duration(kScheduleEveryMax));
  return period;
}

Result<Micros> parse_moment(std::string_view text) {
  auto at = parse_rfc3339(text);
  // A bare date would be midnight of UTC, whatever the schedule's zone is.
  if (!at || text.size() < std::string_view("2026-11-24T12:34:56Z").size())
    return invalid_schedule(kAt.size(), "'" + escape_for_display(text) +
                                            "' isn't a time with its offset, such as 2026-12-24T18:00:00+01:00");
  return at;
}

}  // namespace

Result<ScheduleSpec> ScheduleSpec::parse(std::string_view text) {
  if (text.size() > kScheduleSpecBytesMax)
    return invalid_schedule(kScheduleSpecBytesMax, "it has more than " + format_bytes(kScheduleSpecBytesMax));
  ScheduleSpec out;
  out.text_ = text;
  if (text.starts_with('@')) {
    out.when_ = WRENCH_TRY(parse_word(text));
  } else if (text.starts_with(kEvery)) {
    out.when_ = Every{WRENCH_TRY(parse_period(text.substr(kEvery.size())))};
  } else if (text.starts_with(kAt)) {
    out.when_ = At{WRENCH_TRY(parse_moment(text.substr(kAt.size())))};
  } else {
    out.when_ = WRENCH_TRY(parse_cron(text));
  }
  return out;
}

std::optional<Micros> ScheduleSpec::next_after(Micros after, const TimeZone& zone) const {
  if (after >= kLastMoment) return std::nullopt;
  if (const auto* at = std::get_if<At>(&when_)) return at->at > after ? std::optional(at->at) : std::nullopt;
  if (const auto* every = std::get_if<Every>(&when_)) {
    const Micros since = after % every->period;
    return after - since + (since < 0 ? 0 : every->period);
  }
  const Micros local = zone.local_time(after);
  const Micros past = local % kMicrosPerMinute;
  std::int64_t minute = (local - past - (past < 0 ? kMicrosPerMinute : 0)) / kMicrosPerMinute;
  // In autumn the minutes that come were shown before: they are passed over one by one, a day of them at most.
  while (const auto next = next_minute(std::get<Cron>(when_), minute)) {
    minute = *next;
    if (minute > kLastMoment / kMicrosPerMinute) break;
    const Micros at = zone.first_instant(minute * kMicrosPerMinute);
    if (at > after) return at;
  }
  return std::nullopt;
}

}  // namespace wrench::workflow
