#include "breakers.hpp"

#include <algorithm>
#include <utility>

#include "../text_glob.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::size_t kTargetBytesMax = 256;
constexpr std::size_t kCapabilitiesMax = 128;  ///< That metrics tell apart.

class InputScope final : public Scope {
 public:
  explicit InputScope(const Json& input) : input_(input) {}
  const Json* root(std::string_view name) const override { return name == "input" ? &input_ : nullptr; }

 private:
  const Json& input_;
};

std::string target_of(const Json& value) {
  if (value.is_null()) return {};
  const std::string text = value.is_string() ? std::string(value.as_string()) : codec::write_json(value);
  return text.substr(0, kTargetBytesMax);
}

/// A capability has no line break in its name.
std::string key_of(const Breakers::Call& call) { return call.capability + "\n" + call.target; }

}  // namespace

Breakers::Breakers(const std::vector<BreakerRule>& rules, telemetry::MetricsRegistry* metrics)
    : rules_(rules), metrics_(metrics) {
  for (const BreakerRule& rule : rules) breakers_.emplace_back(rule.settings);
  breakers_.emplace_back();
}

std::optional<Breakers::Call> Breakers::watch(std::string_view capability, Effect effect, const Json& input) const {
  const auto rule =
      std::ranges::find_if(rules_, [&](const BreakerRule& one) { return glob_fits(one.capability, capability); });
  if (rule == rules_.end()) {
    if (effect == Effect::Pure || effect == Effect::LocalTransactional) return std::nullopt;
    const Json& target = input.is_object() ? input.at("target") : Json();
    return Call{rules_.size(), std::string(capability), target.is_string() ? target_of(target) : std::string()};
  }
  if (rule->off) return std::nullopt;
  Call call{static_cast<std::size_t>(rule - rules_.begin()), std::string(capability), {}};
  if (rule->target)
    if (const auto value = rule->target->eval(InputScope(input)); value.ok()) call.target = target_of(*value);
  return call;
}

Breakers::Admission Breakers::admit(const Call& call, Micros now) {
  const std::lock_guard lock(mutex_);
  const auto admission = breakers_[call.watch].admit(key_of(call), now);
  if (metrics_ != nullptr && admission.probe) of_capability(call.capability).probes->add();
  if (metrics_ != nullptr && !admission.admitted) of_capability(call.capability).held_back->add();
  return {admission.admitted, admission.retry_at, std::string(admission.reason)};
}

void Breakers::ended(const Call& call, Ended how, std::string_view error_code, Micros now) {
  const std::lock_guard lock(mutex_);
  CircuitBreaker& breaker = breakers_[call.watch];
  const std::string key = key_of(call);
  const auto before = breaker.state(key);
  bool opened = false;
  if (how == Ended::Succeeded) breaker.succeeded(key, now);
  if (how == Ended::Failed) opened = breaker.failed(key, now, error_code);
  if (how == Ended::Unknown) breaker.given_up(key, now);
  if (metrics_ == nullptr) return;
  if (opened) of_capability(call.capability).opened->add();
  if (breaker.state(key) != before) count_open(call.capability);
}

std::vector<CircuitView> Breakers::open() const {
  const std::lock_guard lock(mutex_);
  std::vector<CircuitView> out;
  for (const CircuitBreaker& breaker : breakers_)
    for (auto& circuit : breaker.not_closed()) {
      const std::size_t line = circuit.key.find('\n');
      out.push_back({circuit.key.substr(0, line), circuit.key.substr(line + 1), std::move(circuit.reason),
                     circuit.state == CircuitBreaker::State::Probing, circuit.retry_at});
    }
  std::ranges::sort(out, [](const CircuitView& a, const CircuitView& b) {
    return std::tie(a.capability, a.target) < std::tie(b.capability, b.target);
  });
  return out;
}

Breakers::Series& Breakers::of_capability(std::string_view capability) {
  constexpr std::string_view kOther = "other";
  auto found = series_.find(capability);
  if (found == series_.end() && series_.size() >= kCapabilitiesMax) found = series_.find(capability = kOther);
  if (found != series_.end()) return found->second;
  const telemetry::Labels labels = {{"capability", std::string(capability)}};
  Series made;
  made.open = &metrics_->gauge("wrench_circuits_open", "Targets of a capability that aren't called for now", labels);
  made.opened = &metrics_->counter("wrench_circuits_opened_total", "Times that a circuit breaker opened", labels);
  made.held_back = &metrics_->counter("wrench_circuit_held_back_total", "Calls that an open circuit held back", labels);
  made.probes = &metrics_->counter("wrench_circuit_probes_total", "Calls that tried whether it works again", labels);
  return series_.emplace(std::string(capability), made).first->second;
}

/// Rare: whenever one opens or closes.
void Breakers::count_open(std::string_view capability) {
  std::int64_t open = 0;
  const Series& series = of_capability(capability);
  for (const CircuitBreaker& breaker : breakers_)
    for (const auto& circuit : breaker.not_closed()) {
      const std::string_view its = std::string_view(circuit.key).substr(0, circuit.key.find('\n'));
      open += &of_capability(its) == &series ? 1 : 0;
    }
  series.open->set(open);
}

}  // namespace wrench::workflow
