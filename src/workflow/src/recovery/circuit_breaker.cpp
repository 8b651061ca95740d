#include "wrench/workflow/circuit_breaker.hpp"

#include <algorithm>

namespace wrench::workflow {

CircuitBreaker::Circuit& CircuitBreaker::circuit(std::string_view key, Micros now) {
  auto found = circuits_.find(key);
  if (found == circuits_.end()) {
    if (circuits_.size() >= settings_.keys_max)
      circuits_.erase(std::ranges::min_element(circuits_, {}, [](const auto& entry) { return entry.second.used_at; }));
    found = circuits_.emplace(std::string(key), Circuit()).first;
  }
  found->second.used_at = now;
  return found->second;
}

CircuitBreaker::Admission CircuitBreaker::admit(std::string_view key, Micros now) {
  const auto found = circuits_.find(key);
  if (found == circuits_.end() || found->second.state == State::Closed) return {};
  Circuit& known = found->second;
  known.used_at = now;
  if (now < known.retry_at) return {.admitted = false, .retry_at = known.retry_at, .reason = known.reason};
  // One probe; the others wait as if the breaker had opened anew, so that a probe that never tells blocks nobody.
  known.state = State::Probing;
  known.retry_at = now + known.open_us;
  return {.probe = true};
}

void CircuitBreaker::succeeded(std::string_view key, Micros now) {
  Circuit& known = circuit(key, now);
  if (known.state == State::Open) return;  // Admitted before it opened.
  if (known.state == State::Probing) {
    known = Circuit();
    known.used_at = now;
  }
  record(known, now, false);
}

bool CircuitBreaker::failed(std::string_view key, Micros now, std::string_view reason) {
  Circuit& known = circuit(key, now);
  if (known.state == State::Open) return false;  // Admitted before it opened.
  known.reason = reason;
  if (known.state == State::Probing) {
    known.open_us = std::min(2 * known.open_us, settings_.open_us_max);
    open(known, now);
    return true;
  }
  record(known, now, true);
  const auto failures = static_cast<std::size_t>(std::ranges::count_if(known.calls, &Call::failed));
  if (failures < settings_.failures_min ||
      static_cast<double>(failures) < settings_.failure_share * static_cast<double>(known.calls.size()))
    return false;
  known.open_us = settings_.open_us;
  open(known, now);
  return true;
}

void CircuitBreaker::given_up(std::string_view key, Micros now) {
  const auto found = circuits_.find(key);
  if (found == circuits_.end() || found->second.state != State::Probing) return;
  found->second.retry_at = now;  // The next one is the probe.
  found->second.state = State::Open;
}

std::vector<CircuitBreaker::View> CircuitBreaker::not_closed() const {
  std::vector<View> out;
  for (const auto& [key, circuit] : circuits_)
    if (circuit.state != State::Closed) out.push_back({key, circuit.reason, circuit.state, circuit.retry_at});
  return out;
}

CircuitBreaker::State CircuitBreaker::state(std::string_view key) const {
  const auto found = circuits_.find(key);
  return found == circuits_.end() ? State::Closed : found->second.state;
}

void CircuitBreaker::record(Circuit& circuit, Micros now, bool failed) {
  circuit.calls.push_back({now, failed});
  while (circuit.calls.size() > settings_.calls || circuit.calls.front().at < now - settings_.window_us)
    circuit.calls.pop_front();
}

void CircuitBreaker::open(Circuit& circuit, Micros now) {
  circuit.state = State::Open;
  circuit.retry_at = now + circuit.open_us;
  circuit.calls.clear();
}

}  // namespace wrench::workflow
