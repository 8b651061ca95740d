#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"

namespace wrench::workflow {

struct BreakerSettings {
  std::size_t calls = 20;                       ///< The last ones count,
  Micros window_us = 60 * kMicrosPerSecond;     ///< if they are no older than that.
  std::size_t failures_min = 5;                 ///< So many of them, and
  double failure_share = 0.5;                   ///< this share of them, open the breaker
  Micros open_us = 30 * kMicrosPerSecond;       ///< for so long; each failed probe doubles it
  Micros open_us_max = 300 * kMicrosPerSecond;  ///< up to that.
  std::size_t keys_max = 10'000;                ///< The one that was quiet for longest is forgotten.
};

/// A circuit that lets nothing through.
struct CircuitView {
  std::string capability, target;
  std::string reason;    ///< Code of the error that opened it.
  bool probing = false;  ///< One call is under way, to see whether it works again.
  Micros retry_at = 0;   ///< When the next one is let through.
};

/// Keeps calls from what fails again and again, by key (a capability and its target). While a key is open nothing is
/// let through; then one call, the probe, tells whether it goes on. Passive: times come from outside, never back. One
/// thread at a time.
class CircuitBreaker {
 public:
  explicit CircuitBreaker(BreakerSettings settings = {}) : settings_(settings) {}

  enum class State { Closed, Open, Probing };
  struct Admission {
    bool admitted = true;
    Micros retry_at = 0;      ///< Of one that wasn't.
    bool probe = false;       ///< Of one that was: it tells for all whether it goes on.
    std::string_view reason;  ///< Of one that wasn't: that of the failure that opened it; until the next call.
  };
  /// Whoever is admitted tells how it ended: succeeded(), failed(), or given_up() when nothing is known.
  Admission admit(std::string_view key, Micros now);
  void succeeded(std::string_view key, Micros now);
  /// `reason`: kept while it is open. Whether it opened now.
  bool failed(std::string_view key, Micros now, std::string_view reason = {});
  void given_up(std::string_view key, Micros now);

  State state(std::string_view key) const;
  struct View {
    std::string key, reason;
    State state = State::Open;
    Micros retry_at = 0;
  };
  /// Those that aren't closed, by key.
  std::vector<View> not_closed() const;
  std::size_t keys() const { return circuits_.size(); }

 private:
  struct Call {
    Micros at = 0;
    bool failed = false;
  };
  struct Circuit {
    std::deque<Call> calls;
    State state = State::Closed;
    Micros retry_at = 0, open_us = 0, used_at = 0;
    std::string reason;
  };
  Circuit& circuit(std::string_view key, Micros now);
  void record(Circuit& circuit, Micros now, bool failed);
  void open(Circuit& circuit, Micros now);

  BreakerSettings settings_;
  std::map<std::string, Circuit, std::less<>> circuits_;
};

}  // namespace wrench::workflow
