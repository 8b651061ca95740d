#include "mock_runner.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::app {

using codec::Json;
using codec::YamlNode;

namespace {

Error invalid(const YamlNode& at, std::string message) {
  return Error("cli.mock_invalid", std::move(message)).at("", static_cast<int>(at.line), static_cast<int>(at.column));
}

/// `input` and `call` (from 1) for references in an output.
class MockScope final : public workflow::Scope {
 public:
  MockScope(const Json& input, std::size_t call) : input_(input), call_(call) {}
  const Json* root(std::string_view name) const override {
    return name == "input" ? &input_ : name == "call" ? &call_ : nullptr;
  }

 private:
  const Json& input_;
  Json call_;
};

Result<MockScript::Operation> read_operation(const YamlNode& key, const YamlNode& written) {
  MockScript::Operation out;
  const auto dot = key.text.find('.');
  if (dot == std::string::npos) return invalid(key, "an operation is agent.operation");
  out.agent = workflow::normal_agent_name(std::string_view(key.text).substr(0, dot));
  out.name = key.text.substr(dot + 1);
  const YamlNode* outputs = written.is_mapping() ? written.find("outputs") : nullptr;
  if (outputs == nullptr) {
    outputs = &written;
  } else {
    for (const auto& member : written.members) {
      if (member.key.text == "delay") {
        const auto delay = parse_duration(member.value.text);
        if (!delay.ok()) return invalid(member.value, delay.error().message);
        out.delay_us = *delay;
      } else if (member.key.text == "says") {
        const auto texts = codec::to_json(member.value);
        for (const Json& text : texts.as_array()) out.says.emplace_back(text.as_string());
        if (texts.as_array().empty()) return invalid(member.value, "'says' is a list of texts");
      } else if (member.key.text == "effect") {
        constexpr workflow::Effect kEffects[] = {workflow::Effect::Pure, workflow::Effect::LocalTransactional,
                                                 workflow::Effect::Idempotent, workflow::Effect::Guarded};
        bool known = false;
        for (const auto effect : kEffects) {
          if (workflow::name(effect) != member.value.text) continue;
          out.effect = effect;
          known = true;
        }
        if (!known) return invalid(member.value, "effect is pure, local_transactional, idempotent or guarded");
      } else if (member.key.text != "outputs") {
        return invalid(member.key, "beside 'outputs' there are 'delay', 'says' and 'effect'");
      }
    }
  }
  if (outputs->is_sequence())
    for (const YamlNode& item : outputs->items) out.outputs.push_back(codec::to_json(item));
  else
    out.outputs.push_back(codec::to_json(*outputs));
  if (out.outputs.empty()) return invalid(*outputs, "there is no output");
  return out;
}

/// Which item of a map this is, or which round of a loop (they count from 1), from 0; nothing outside of bodies. Every
/// process knows it, so a run that was interrupted goes on as it would have.
std::optional<std::size_t> repetition(const workflow::StepInvocation& invocation) {
  if (invocation.item) return static_cast<std::size_t>(*invocation.item);
  const std::string_view all = invocation.iterations;
  const auto last = all.substr(all.rfind('/') + 1);  // npos + 1 is 0.
  std::size_t round = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), round);
  if (error != std::errc() || round == 0) return std::nullopt;
  return round - 1;
}

/// Waits, unless the step is asked to stop; whether it may go on.
bool rest(Micros delay_us, const StopToken& stop) {
  constexpr Micros kSlice = 20 * kMicrosPerMs;
  const SystemClock clock;
  std::mutex mutex;
  std::condition_variable never;
  for (const Micros until = clock.boot_us() + delay_us; clock.boot_us() < until && !stop.stop_requested();) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::microseconds(std::min(kSlice, until - clock.boot_us())));
  }
  return !stop.stop_requested();
}

}  // namespace

Result<MockScript> MockScript::parse(std::string_view yaml) {
  auto root = codec::parse_yaml(yaml);
  if (!root.ok())
    return Error("cli.mock_invalid", root.error().message).at("", root.error().place.line, root.error().place.column);
  if (!root->is_mapping()) return invalid(*root, "a mock script is a mapping of agent.operation to outputs");
  MockScript out;
  for (const auto& [key, written] : root->members) {
    auto operation = WRENCH_TRY(read_operation(key, written));
    std::string id = operation.agent + "." + operation.name;
    out.operations_.emplace(std::move(id), std::move(operation));
  }
  return out;
}

void MockScript::add_to(workflow::CapabilityCatalogue& catalogue) const {
  for (const auto& [id, operation] : operations_)
    if (catalogue.find(operation.agent, operation.name) == nullptr)
      catalogue.add({operation.agent, operation.name, 0, "scripted", Json(), Json()});
}

const MockScript::Operation* MockScript::find(std::string_view capability) const {
  const auto found = operations_.find(capability.substr(0, capability.find('@')));
  return found == operations_.end() ? nullptr : &found->second;
}

Result<workflow::CapabilityTraits> MockRunner::traits(std::string_view capability) const {
  const auto* operation = script_.find(capability);
  if (operation == nullptr) return others_.traits(capability);
  return workflow::CapabilityTraits{operation->effect, workflow::SlotClass::Io};
}

workflow::StepOutcome MockRunner::run(const workflow::StepInvocation& invocation, workflow::StepContext& context) {
  const auto* operation = script_.find(invocation.capability);
  if (operation == nullptr) return others_.run(invocation, context);
  std::size_t call = 0;
  if (const auto times = repetition(invocation)) {
    call = *times;
  } else {
    const std::lock_guard lock(mutex_);
    call = calls_[operation->agent + "." + operation->name]++;
  }
  const auto pieces = static_cast<Micros>(std::max<std::size_t>(operation->says.size(), 1));
  for (Micros i = 0; i < pieces; ++i) {
    if (!operation->says.empty()) context.stream(operation->says[static_cast<std::size_t>(i)]);
    if (operation->delay_us > 0 && !rest(operation->delay_us / pieces, context.stop())) return workflow::Yielded{};
  }
  const Json& scripted = operation->outputs[std::min(call, operation->outputs.size() - 1)];
  if (const Json& fail = scripted.at("$fail"); !fail.is_null()) {
    const auto kind =
        fail.at("retry").as_boolean() ? workflow::FailureClass::Retryable : workflow::FailureClass::Permanent;
    const std::string message(fail.is_string() ? fail.as_string()
                                               : fail.at("message").as_string("it was told to fail"));
    return workflow::Failed{kind, Error(fail.at("code").as_string("mock.failed"), message), {}};
  }
  auto output = workflow::resolve_references(scripted, MockScope(invocation.input, call + 1));
  if (!output.ok()) return workflow::Failed{workflow::FailureClass::Permanent, std::move(output).error(), {}};
  return workflow::Completed{std::move(*output), {}};
}

}  // namespace wrench::app
