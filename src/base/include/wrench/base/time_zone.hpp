#pragma once

#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"

namespace wrench {

/// A zone of the IANA database that this machine has (Debian's tzdata). A value; thread-safe.
///
/// Local times are microseconds as if the clocks of the zone showed UTC. What tzdata says of a zone goes up to 2037;
/// afterwards the last offset holds. A process sees the database as it was when it first asked.
class TimeZone {
 public:
  /// Names are those of the database, "Europe/Berlin". Errors: base.unknown_time_zone, with the nearest name;
  /// base.no_time_zones (this machine has no tzdata).
  static Result<TimeZone> find(std::string_view name);

  const std::string& name() const { return name_; }
  /// What clocks there show.
  Micros local_time(Micros utc) const;
  /// When clocks there show `local` for the first time. A time that they skip is that of the first instant after the
  /// gap.
  Micros first_instant(Micros local) const;

 private:
  TimeZone(std::string name, const void* zone) : name_(std::move(name)), zone_(zone) {}
  std::string name_;
  const void* zone_;  ///< The library's; lives as long as the process.
};

/// "2026-11-24T13:34:56.789+01:00": RFC 3339 as clocks of the zone show it.
std::string format_rfc3339(Micros at_us, const TimeZone& zone);

}  // namespace wrench
