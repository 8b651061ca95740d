#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/recovering_runner.hpp"

namespace wrench::workflow {

/// The circuit breakers of one process. Where no rule fits they watch what has effects outside of the store, by the
/// text in the input's member "target" if there is one. Thread-safe.
class Breakers {
 public:
  /// `rules` and `metrics` (may be null) must outlive it.
  Breakers(const std::vector<BreakerRule>& rules, telemetry::MetricsRegistry* metrics);

  struct Call {
    std::size_t watch = 0;
    std::string capability, target;
  };
  /// Nothing: nobody watches it. A target that can't be told is the empty one.
  std::optional<Call> watch(std::string_view capability, Effect effect, const codec::Json& input) const;

  struct Admission {
    bool admitted = true;
    Micros retry_at = 0;     ///< Of one that wasn't.
    std::string error_code;  ///< Of the failure that it opened for.
  };
  Admission admit(const Call& call, Micros now);
  enum class Ended : std::uint8_t { Succeeded, Failed, Unknown };
  /// Of each call that was admitted, once.
  void ended(const Call& call, Ended how, std::string_view error_code, Micros now);

  std::vector<CircuitView> open() const;

 private:
  struct Series {
    telemetry::Gauge* open = nullptr;
    telemetry::Counter *opened = nullptr, *held_back = nullptr, *probes = nullptr;
  };
  Series& of_capability(std::string_view capability);
  void count_open(std::string_view capability);

  const std::vector<BreakerRule>& rules_;
  telemetry::MetricsRegistry* metrics_;
  mutable std::mutex mutex_;
  std::vector<CircuitBreaker> breakers_;  ///< One for each rule, and the last for what none fits.
  std::map<std::string, Series, std::less<>> series_;
};

}  // namespace wrench::workflow
