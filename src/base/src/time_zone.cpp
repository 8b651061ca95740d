#include "wrench/base/time_zone.hpp"

#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "wrench/base/text.hpp"

namespace wrench {

namespace {

constexpr std::size_t kNameBytesMax = 64;  ///< The longest names have 32.

// No time that this program can name lies outside, and what the library does there overflows.
constexpr Micros kFirstMoment = -62'167'219'200 * kMicrosPerSecond;
constexpr Micros kLastMoment = 253'402'300'800 * kMicrosPerSecond - 1;

std::chrono::seconds whole_seconds(Micros at_us) {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::microseconds{std::clamp(at_us, kFirstMoment, kLastMoment)});
}

Micros micros(std::chrono::seconds seconds) { return seconds.count() * kMicrosPerSecond; }

const date::time_zone& zone_of(const void* zone) { return *static_cast<const date::time_zone*>(zone); }

Error unknown(std::string_view name, const date::tzdb& database) {
  std::vector<std::string_view> known;
  for (const auto& zone : database.zones) known.push_back(zone.name());
  const auto near = nearest(name, known);
  return {"base.unknown_time_zone", "this machine knows no time zone '" + escape_for_display(name) + "'" +
                                        (near.empty() ? "; write one of tzdata, such as Europe/Berlin"
                                                      : "; did you mean " + std::string(near) + "?")};
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  const date::tzdb* database = nullptr;
  try {
    database = &date::get_tzdb();
  } catch (const std::exception& failure) {
    return Error("base.no_time_zones",
                 "the time zones of this machine can't be read: " + escape_for_display(failure.what()))
        .with_help("apt install tzdata");
  }
  if (name.empty() || name.size() > kNameBytesMax) return unknown(name.substr(0, kNameBytesMax), *database);
  try {
    const date::time_zone* zone = date::locate_zone(name);
    zone->get_info(date::sys_seconds{});  // Reads the zone's file: now, not when a time is wanted.
    return TimeZone(zone->name(), zone);
  } catch (const std::exception&) {
    return unknown(name, *database);
  }
}

Micros TimeZone::local_time(Micros utc) const {
  return utc + micros(zone_of(zone_).get_info(date::sys_seconds{whole_seconds(utc)}).offset);
}

Micros TimeZone::first_instant(Micros local) const {
  const date::local_info info = zone_of(zone_).get_info(date::local_seconds{whole_seconds(local)});
  if (info.result == date::local_info::nonexistent) return micros(info.first.end.time_since_epoch());
  return local - micros(info.first.offset);
}

std::string format_rfc3339(Micros at_us, const TimeZone& zone) {
  const Micros local = zone.local_time(at_us);
  std::string out = format_rfc3339(local);
  out.pop_back();
  const Micros minutes = (local - at_us) / (60 * kMicrosPerSecond);
  char offset[16];
  std::snprintf(offset, sizeof offset, "%c%02d:%02d", minutes < 0 ? '-' : '+', static_cast<int>(std::abs(minutes) / 60),
                static_cast<int>(std::abs(minutes) % 60));
  return out + offset;
}

}  // namespace wrench
