#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"

namespace wrench::api {

struct ReadinessCheck {
  std::string name;
  std::optional<Error> fault;
};

/// Where what monitoring asks comes from. Called on one thread, one at a time; they may take a while.
struct MonitorSources {
  std::function<Result<std::string>()> metrics;            ///< Prometheus text exposition format 0.0.4.
  std::function<std::vector<ReadinessCheck>()> readiness;  ///< Ready if none has a fault.
};

/// A listener for monitoring alone, open to whoever reaches it: /metrics, /health, /livez, /readyz.
class MonitorListener {
 public:
  /// Errors: those of net::Server::start(). `clock` must outlive it.
  static Result<std::unique_ptr<MonitorListener>> start(const std::string& address, std::uint16_t port,
                                                        MonitorSources sources, const Clock& clock);
  ~MonitorListener();
  MonitorListener(const MonitorListener&) = delete;
  MonitorListener& operator=(const MonitorListener&) = delete;

  std::uint16_t port() const;
  /// From now on /readyz says that the process ends.
  void say_that_it_ends();

 private:
  struct State;
  explicit MonitorListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::api
