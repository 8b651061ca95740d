#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "../settings_file.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/recovery_policies.hpp"

namespace wrench::workflow {

using codec::YamlNode;
using settings_file::invalid;
using settings_file::only;

namespace {

constexpr settings_file::Format kFormat{"workflow.recovery_invalid", kRecoveryBytesMax, 8};
constexpr std::size_t kGlobBytesMax = 128;
constexpr std::size_t kChangesMax = 16;  ///< Members of an input that one row changes.
constexpr Micros kWindowMax = 3600 * kMicrosPerSecond;
constexpr std::int64_t kCallsMax = 1'000;

constexpr RecoveryStrategy kStrategies[] = {
    RecoveryStrategy::Retry,      RecoveryStrategy::RetryChanged, RecoveryStrategy::Fallback, RecoveryStrategy::Skip,
    RecoveryStrategy::Compensate, RecoveryStrategy::Escalate,     RecoveryStrategy::Abort};

/// A member of a row, and whose it is.
struct Member {
  std::string_view name;
  std::vector<RecoveryStrategy> of;
  std::string_view help;
};
const Member kMembers[] = {
    {"attempts", {RecoveryStrategy::Retry, RecoveryStrategy::RetryChanged}, "'delay' and 'attempts' are for retries"},
    {"delay", {RecoveryStrategy::Retry, RecoveryStrategy::RetryChanged}, "'delay' and 'attempts' are for retries"},
    {"to", {RecoveryStrategy::Fallback}, "'to' is the capability of a fallback"},
    {"inverse", {RecoveryStrategy::Compensate}, "'inverse' is the capability that undoes what compensate undoes"},
    {"then", {RecoveryStrategy::Compensate}, "'then' is for compensate: fail or skip"},
    {"input", {RecoveryStrategy::RetryChanged}, "'input' and 'smaller_input' are for retry_changed"},
    {"smaller_input", {RecoveryStrategy::RetryChanged}, "'input' and 'smaller_input' are for retry_changed"},
    {"model", {RecoveryStrategy::RetryChanged}, "'model' is for retry_changed"},
};

Result<std::string> glob_of(const YamlNode& node) {
  if (!node.is_scalar() || node.is_null() || node.text.empty() || node.text.size() > kGlobBytesMax)
    return invalid(node, "a glob is a text of 1 to 128 bytes, e.g. scan.*");
  return node.text;
}

Result<std::string> capability_of(const YamlNode& node) {
  std::string out = WRENCH_TRY(glob_of(node));
  if (out.find_first_of("*?") != std::string::npos || out.find('.') == std::string::npos)
    return invalid(node, "this names one capability: agent.operation");
  return out;
}

Result<Micros> duration_of(const YamlNode& node, Micros max, std::string_view what) {
  const auto time = parse_duration(node.text);
  if (!node.is_scalar() || !time || *time < 0 || *time > max) return invalid(node, std::string(what));
  return *time;
}

Result<std::int64_t> count_of(const YamlNode& node, std::int64_t least, std::int64_t most) {
  const auto count = node.is_scalar() ? node.as_integer() : std::nullopt;
  if (!count || *count < least || *count > most)
    return invalid(node, "this is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return *count;
}

/// 0.5 or 50%
Result<double> share_of(const YamlNode& node) {
  constexpr double kPercent = 100;
  std::string_view text = node.is_scalar() ? std::string_view(node.text) : std::string_view();
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (percent) number /= kPercent;
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) || number <= 0 || number > 1)
    return invalid(node, "a share is a number above 0 and up to 1, or as much in percent, e.g. 50%");
  return number;
}

Result<InputChange> change_of(const YamlNode& row) {
  InputChange out;
  const YamlNode* input = row.find("input");
  const YamlNode* smaller = row.find("smaller_input");
  if (const YamlNode* model = row.find("model"))
    return invalid(*model, "'model' isn't implemented: there is no interface to language models yet");
  if (input == nullptr && smaller == nullptr) return invalid(row, "retry_changed needs 'input' or 'smaller_input'");
  if (input != nullptr) {
    if (!input->is_mapping() || input->members.empty() || input->members.size() > kChangesMax)
      return invalid(*input, "'input' is a mapping of 1 to 16 members of the step's input");
    for (const auto& member : input->members) out.set[member.key.text] = codec::to_json(member.value);
  }
  if (smaller != nullptr) {
    if (!smaller->is_sequence() || smaller->items.empty() || smaller->items.size() > kChangesMax)
      return invalid(*smaller, "'smaller_input' is a list of 1 to 16 names of lists in the step's input");
    for (const YamlNode& item : smaller->items) out.halve.push_back(WRENCH_TRY(glob_of(item)));
  }
  return out;
}

}  // namespace

class RecoveryReader {
 public:
  using Policy = RecoveryPolicies::Policy;

  static Result<void> read(const YamlNode& root, RecoveryPolicies& out) {
    WRENCH_TRY(only(root, {"policies", "breakers"}));
    const YamlNode* breakers = root.find("breakers");
    const YamlNode* policies = root.find("policies");
    if (policies == nullptr && breakers == nullptr) return invalid(root, "'policies' is a list");
    if (policies != nullptr)
      for (const YamlNode& item : *WRENCH_TRY(list_of(*policies, "policies", kRecoveryPoliciesMax)))
        out.policies_.push_back(WRENCH_TRY(policy_of(item)));
    if (breakers != nullptr)
      for (const YamlNode& item : *WRENCH_TRY(list_of(*breakers, "breakers", kBreakerRulesMax)))
        out.breakers_.push_back(WRENCH_TRY(breaker_of(item)));
    return {};
  }

 private:
  static Result<const std::vector<YamlNode>*> list_of(const YamlNode& node, const std::string& name, std::size_t most) {
    if (!node.is_sequence()) return invalid(node, "'" + name + "' is a list");
    if (node.items.size() > most) return invalid(node, "at most " + std::to_string(most) + " " + name + " are read");
    return &node.items;
  }

  static Result<RecoveryStrategy> strategy_of(const YamlNode& node) {
    for (const auto strategy : kStrategies)
      if (node.is_scalar() && node.text == name(strategy)) return strategy;
    return invalid(node, "a strategy is retry, retry_changed, fallback, skip, compensate, escalate or abort");
  }

  static Result<Policy> policy_of(const YamlNode& node) {
    WRENCH_TRY(only(node, {"error", "capability", "strategy", "attempts", "delay", "to", "inverse", "then", "input",
                           "smaller_input", "model"}));
    Policy out;
    out.line = static_cast<int>(node.line);
    if (const auto* error = node.find("error")) out.error = WRENCH_TRY(glob_of(*error));
    if (const auto* capability = node.find("capability")) out.capability = WRENCH_TRY(glob_of(*capability));
    const YamlNode* strategy = node.find("strategy");
    if (strategy == nullptr) return invalid(node, "a policy needs a strategy");
    out.strategy = WRENCH_TRY(strategy_of(*strategy));
    for (const Member& member : kMembers)
      if (const YamlNode* given = node.find(member.name);
          given != nullptr && std::ranges::find(member.of, out.strategy) == member.of.end())
        return invalid(*given, std::string(member.help));
    if (const YamlNode* attempts = node.find("attempts"))
      out.attempts = static_cast<int>(WRENCH_TRY(count_of(*attempts, 2, kRecoveryAttemptsMax)));
    if (const YamlNode* delay = node.find("delay"))
      out.delay_us = WRENCH_TRY(duration_of(*delay, kRecoveryDelayMax, "a delay is a duration up to 1d, e.g. 30s"));
    if (out.strategy == RecoveryStrategy::RetryChanged) out.change = WRENCH_TRY(change_of(node));
    for (const auto& [of, member] :
         {std::pair{RecoveryStrategy::Fallback, "to"}, {RecoveryStrategy::Compensate, "inverse"}}) {
      if (out.strategy != of) continue;
      const YamlNode* other = node.find(member);
      if (other == nullptr)
        return invalid(node, "'" + std::string(member) + "' is the capability of a " + std::string(name(of)));
      out.other = WRENCH_TRY(capability_of(*other));
    }
    if (const YamlNode* then = node.find("then")) {
      out.then_skips = then->is_scalar() && then->text == "skip";
      if (!out.then_skips && !(then->is_scalar() && then->text == "fail"))
        return invalid(*then, "'then' is fail or skip");
    }
    return out;
  }

  static Result<BreakerRule> breaker_of(const YamlNode& node) {
    WRENCH_TRY(only(node, {"capability", "target", "off", "failures", "share", "calls", "window", "open", "open_max"}));
    BreakerRule out;
    if (const auto* capability = node.find("capability")) out.capability = WRENCH_TRY(glob_of(*capability));
    if (const auto* target = node.find("target")) {
      auto expression = target->is_scalar() ? Expression::parse(target->text)
                                            : Result<Expression>(Error("workflow.expression_invalid", "not a text"));
      if (!expression) return invalid(*target, "a target is an expression over 'input': " + expression.error().message);
      out.target = std::move(*expression);
    }
    if (const auto* off = node.find("off")) {
      const auto value = off->as_boolean();
      if (!value) return invalid(*off, "'off' is true or false");
      out.off = *value;
    }
    BreakerSettings& its = out.settings;
    const auto size_of = [&](const char* member, std::size_t& into) -> Result<void> {
      if (const auto* given = node.find(member))
        into = static_cast<std::size_t>(WRENCH_TRY(count_of(*given, 1, kCallsMax)));
      return {};
    };
    const auto time_of = [&](const char* member, Micros& into) -> Result<void> {
      if (const auto* given = node.find(member)) {
        into = WRENCH_TRY(duration_of(*given, kWindowMax, "this is a duration up to 1h, e.g. 30s"));
        if (into == 0) return invalid(*given, "this is a duration above 0");
      }
      return {};
    };
    WRENCH_TRY(size_of("failures", its.failures_min));
    WRENCH_TRY(size_of("calls", its.calls));
    if (const auto* share = node.find("share")) its.failure_share = WRENCH_TRY(share_of(*share));
    WRENCH_TRY(time_of("window", its.window_us));
    WRENCH_TRY(time_of("open", its.open_us));
    WRENCH_TRY(time_of("open_max", its.open_us_max));
    if (its.failures_min > its.calls) return invalid(node, "more failures than calls never happen");
    its.open_us_max = std::max(its.open_us_max, its.open_us);
    return out;
  }
};

Result<RecoveryPolicies> RecoveryPolicies::parse(std::string_view yaml, std::string file) {
  RecoveryPolicies out;
  WRENCH_TRY(
      settings_file::read(yaml, file, kFormat, [&](const YamlNode& root) { return RecoveryReader::read(root, out); }));
  out.file_ = file.substr(file.rfind('/') + 1);
  return out;
}

}  // namespace wrench::workflow
