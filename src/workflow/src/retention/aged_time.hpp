#pragma once

#include <optional>

#include "wrench/base/clock.hpp"

namespace wrench::workflow {

inline constexpr Micros kRetentionSettles = 3600 * kMicrosPerSecond;  ///< At most.
inline constexpr Micros kRetentionJump = 3600 * kMicrosPerSecond;     ///< Of a wall clock. Smaller ones don't matter.
inline constexpr Micros kRetentionJumpBelieved = kMicrosPerDay;       ///< After so long with the new time.

/// Which time removal may go by. A clock that was set forward once, and back again, must not make anything old: only a
/// time that a later look doesn't contradict is gone by, `settles` later or more. A wall clock that runs away from the
/// time since boot while this process looks isn't believed for a day. Pure; one thread.
class AgedTime {
 public:
  explicit AgedTime(Micros settles) : settles_(settles) {}

  struct Look {
    std::optional<Micros> until;  ///< What was old enough then may go.
    std::optional<Micros> store;  ///< To be given as `seen` to the next look, of any process.
    Micros again_at = 0;          ///< By the same clock; only without `until`.
    std::optional<Micros> jump;   ///< The clock was set forward by so much; told once.
  };
  /// `now`: wall time, `boot`: since boot, `seen`: wall time of the look before, if there was one.
  Look look(Micros now, Micros boot, std::optional<Micros> seen);

 private:
  struct Seen {
    Micros now = 0, boot = 0;
  };
  Micros settles_;
  std::optional<Seen> last_;           ///< Of this process, and believed.
  std::optional<Micros> ahead_since_;  ///< Since boot.
};

}  // namespace wrench::workflow
