#include "wrench/base/time_zone.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

namespace wrench {
namespace {

TimeZone zone(std::string_view name) {
  auto found = TimeZone::find(name);
  EXPECT_TRUE(found.ok()) << describe(found.error());
  return *found;
}

TEST(TimeZone, ShowsLocalTimes) {
  const Micros at = *parse_rfc3339("2026-07-01T12:00:00.25Z");
  EXPECT_EQ(format_rfc3339(at, zone("Europe/Berlin")), "2026-07-01T14:00:00.250+02:00");
  EXPECT_EQ(format_rfc3339(at, zone("America/St_Johns")), "2026-07-01T09:30:00.250-02:30");
  EXPECT_EQ(format_rfc3339(at, zone("UTC")), "2026-07-01T12:00:00.250+00:00");
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2036-07-01T12:00:00Z"), zone("America/New_York")),
            "2036-07-01T08:00:00.000-04:00");
}

TEST(TimeZone, KnowsGapsAndOverlaps) {
  const TimeZone berlin = zone("Europe/Berlin");
  const auto first = [&](std::string_view local) {
    return format_rfc3339(berlin.first_instant(*parse_rfc3339(local)));
  };
  EXPECT_EQ(first("2026-03-29T01:59:59.5Z"), "2026-03-29T00:59:59.500Z");
  EXPECT_EQ(first("2026-03-29T02:00:00Z"), "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(first("2026-03-29T02:59:59Z"), "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(first("2026-03-29T03:00:00Z"), "2026-03-29T01:00:00.000Z");
  EXPECT_EQ(first("2026-10-25T02:30:00Z"), "2026-10-25T00:30:00.000Z");
  EXPECT_EQ(first("2026-10-25T03:00:00Z"), "2026-10-25T02:00:00.000Z");
}

TEST(TimeZone, OldNamesLeadToTheNewOnes) { EXPECT_EQ(zone("Asia/Calcutta").name(), "Asia/Calcutta"); }

TEST(TimeZone, RefusesWhatIsNone) {
  const auto misspelt = TimeZone::find("Europe/Berln");
  ASSERT_FALSE(misspelt.ok());
  EXPECT_EQ(misspelt.error().code, "base.unknown_time_zone");
  EXPECT_NE(misspelt.error().message.find("Europe/Berlin?"), std::string::npos);
  const std::string long_name(100'000, 'x');
  for (const std::string_view name :
       {"", ".", "..", "/", "../../etc/passwd", "/etc/passwd", "Europe", "posixrules\n", "zone.tab", long_name.c_str()})
    EXPECT_EQ(TimeZone::find(name).error().code, "base.unknown_time_zone") << name;
}

TEST(TimeZone, FarTimesAreNoTrouble) {
  for (const Micros at : {std::numeric_limits<Micros>::min() / 2, Micros{0}, std::numeric_limits<Micros>::max() / 2}) {
    EXPECT_LT(std::abs(zone("Pacific/Apia").local_time(at) - at), kMicrosPerDay);
  }
}

}  // namespace
}  // namespace wrench
