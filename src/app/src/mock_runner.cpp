#include "mock_runner.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/workflow/core.hpp"

namespace wrench::app {

using codec::Json;
using codec::YamlNode;

namespace {

constexpr Micros kPartsOfDelay = 3;  ///< Of a guarded operation: before the intent, the effect and the receipt.

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

Result<workflow::Effect> read_effect(const YamlNode& written) {
  using workflow::Effect;
  for (const auto effect : {Effect::Pure, Effect::LocalTransactional, Effect::Idempotent, Effect::Guarded})
    if (workflow::name(effect) == written.text) return effect;
  return invalid(written, "effect is pure, local_transactional, idempotent or guarded");
}

Result<std::string> read_log(const YamlNode& written) {
  const std::string& file = written.text;
  if (!written.is_scalar() || file.empty() || file.ends_with('/') || file.find('\0') != std::string::npos)
    return invalid(written, "effect_log is a file");
  const auto parts = split(file, '/');
  if (file.starts_with('/') || std::ranges::find(parts, "..") != parts.end())
    return invalid(written, "effect_log: '" + escape_for_display(file) + "' isn't below the working directory");
  return file;
}

/// What stands beside 'outputs'.
Result<void> read_member(const codec::YamlMember& member, MockScript::Operation& out) {
  const std::string& name = member.key.text;
  if (name == "delay") {
    const auto delay = parse_duration(member.value.text);
    if (!delay.ok()) return invalid(member.value, delay.error().message);
    out.delay_us = *delay;
  } else if (name == "says") {
    const auto texts = codec::to_json(member.value);
    for (const Json& text : texts.as_array()) out.says.emplace_back(text.as_string());
    if (texts.as_array().empty()) return invalid(member.value, "'says' is a list of texts");
  } else if (name == "effect") {
    out.effect = WRENCH_TRY(read_effect(member.value));
  } else if (name == "effect_log") {
    out.effect_log = WRENCH_TRY(read_log(member.value));
  } else if (name == "reconcile") {
    if (member.value.text != "log") return invalid(member.value, "reconcile is 'log', or left out: nobody knows");
    out.reconciles = true;
  } else if (name != "outputs") {
    return invalid(member.key, "beside 'outputs' there are 'delay', 'says', 'effect', 'effect_log' and 'reconcile'");
  }
  return {};
}

Result<MockScript::Operation> read_operation(const YamlNode& key, const YamlNode& written) {
  using workflow::Effect;
  MockScript::Operation out;
  const auto dot = key.text.find('.');
  if (dot == std::string::npos) return invalid(key, "an operation is agent.operation");
  out.agent = workflow::normal_agent_name(std::string_view(key.text).substr(0, dot));
  out.name = key.text.substr(dot + 1);
  const YamlNode* outputs = written.is_mapping() ? written.find("outputs") : nullptr;
  if (outputs == nullptr) {
    outputs = &written;
  } else {
    for (const auto& member : written.members) WRENCH_TRY(read_member(member, out));
  }
  if (!out.effect_log.empty() && out.effect != Effect::Guarded && out.effect != Effect::Idempotent)
    return invalid(*written.find("effect_log"), "only effects that are idempotent or guarded have an effect_log");
  if (out.reconciles && (out.effect != Effect::Guarded || out.effect_log.empty()))
    return invalid(*written.find("reconcile"), "only a guarded effect with an effect_log is reconciled");
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

/// A line of an effect log.
Json effect_of(const workflow::StepInvocation& in, std::string_view key) {
  Json out = Json::object({{"key", key},
                           {"effect", workflow::name(in.effect)},
                           {"operation", in.capability},
                           {"task", in.task_id},
                           {"execution", in.execution_id},
                           {"step", in.step_no},
                           {"node", in.node},
                           {"attempt", in.attempt},
                           {"epoch", in.epoch},
                           {"pid", ::getpid()}});
  if (!in.iterations.empty()) out.set("iterations", in.iterations);
  return out;
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

Result<MockScript> MockScript::read(const std::string& file) {
  auto script = parse(WRENCH_TRY(runtime::read_file(file, kMockBytesMax)));
  if (script) return script;
  Error error = script.error();
  error.place.file = file;
  return error;
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

std::vector<std::string> MockScript::effect_logs() const {
  std::vector<std::string> out;
  for (const auto& [id, operation] : operations_)
    if (!operation.effect_log.empty() && std::ranges::find(out, operation.effect_log) == out.end())
      out.push_back(operation.effect_log);
  return out;
}

Result<std::unique_ptr<MockRunner>> MockRunner::open(MockScript script, workflow::StepRunner& others,
                                                     const std::string& folder) {
  std::optional<EffectLog> log;
  const auto files = script.effect_logs();
  if (!files.empty()) log.emplace(WRENCH_TRY(EffectLog::open(folder)));
  for (const std::string& file : files) WRENCH_TRY(log->prepare(file));
  return std::unique_ptr<MockRunner>(new MockRunner(std::move(script), others, std::move(log)));
}

Result<workflow::CapabilityTraits> MockRunner::traits(std::string_view capability) const {
  const auto* operation = script_.find(capability);
  if (operation == nullptr) return others_.traits(capability);
  return workflow::CapabilityTraits{operation->effect, workflow::SlotClass::Io};
}

workflow::Reconciled MockRunner::reconcile(std::string_view capability, std::string_view effect_key,
                                           const Json& intent) {
  using workflow::ReconcileAnswer;
  const auto* operation = script_.find(capability);
  if (operation == nullptr) return others_.reconcile(capability, effect_key, intent);
  const Json* output = intent.as_object().find("output");
  if (!operation->reconciles || output == nullptr) return {};
  const auto took_place = log_->took_place(operation->effect_log, effect_key, intent.at("epoch").as_integer());
  if (!took_place) return {};
  return *took_place ? workflow::Reconciled{ReconcileAnswer::Done, *output}
                     : workflow::Reconciled{ReconcileAnswer::NotDone, {}};
}

workflow::StepOutcome MockRunner::answer(const MockScript::Operation& operation,
                                         const workflow::StepInvocation& invocation) {
  std::size_t call = 0;
  if (const auto times = repetition(invocation)) {
    call = *times;
  } else {
    const std::lock_guard lock(mutex_);
    call = calls_[operation.agent + "." + operation.name]++;
  }
  const Json& scripted = operation.outputs[std::min(call, operation.outputs.size() - 1)];
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

/// A guarded effect. What it waits for between intent and receipt isn't stopped half-way, only cut short.
workflow::StepOutcome MockRunner::once(const MockScript::Operation& operation,
                                       const workflow::StepInvocation& invocation, workflow::StepContext& context,
                                       workflow::Completed answer) {
  const auto failed = [](Error error) {
    return workflow::Failed{workflow::FailureClass::Retryable, std::move(error), {}};
  };
  // With the output, which is what a later process has to say if only the receipt is missing.
  Json intent = Json::object({{"epoch", invocation.epoch}});
  if (operation.reconciles && codec::write_json(answer.output).size() <= workflow::kInlineBytesMax)
    intent.set("output", answer.output);
  const auto ticket = context.begin_effect(0, intent);
  if (!ticket) return failed(ticket.error());
  if (ticket->receipt) return answer;
  const Micros pause_us = operation.delay_us / kPartsOfDelay;
  static_cast<void>(rest(pause_us, context.stop()));
  if (!operation.effect_log.empty()) {
    const Json effect = effect_of(invocation, ticket->effect_key);
    bool took_place = true;
    if (operation.reconciles) {
      auto added = log_->add_unless_refused(operation.effect_log, effect);
      if (!added) return failed(std::move(added).error());
      took_place = *added;
    } else if (auto added = log_->add(operation.effect_log, effect); !added) {
      return failed(std::move(added).error());
    }
    if (!took_place) return failed(Error("mock.effect_refused", "it was asked after before it took place"));
  }
  static_cast<void>(rest(pause_us, context.stop()));
  if (auto kept = context.end_effect(*ticket, Json::object({{"epoch", invocation.epoch}})); !kept)
    return failed(std::move(kept).error());
  return answer;
}

workflow::StepOutcome MockRunner::run(const workflow::StepInvocation& invocation, workflow::StepContext& context) {
  const auto* operation = script_.find(invocation.capability);
  if (operation == nullptr) return others_.run(invocation, context);
  const bool guarded = operation->effect == workflow::Effect::Guarded;
  const Micros delay_us = guarded ? operation->delay_us / kPartsOfDelay : operation->delay_us;
  const auto pieces = static_cast<Micros>(std::max<std::size_t>(operation->says.size(), 1));
  for (Micros i = 0; i < pieces; ++i) {
    if (!operation->says.empty()) context.stream(operation->says[static_cast<std::size_t>(i)]);
    if (delay_us > 0 && !rest(delay_us / pieces, context.stop())) return workflow::Yielded{};
  }
  auto outcome = answer(*operation, invocation);
  auto* completed = std::get_if<workflow::Completed>(&outcome);
  if (completed == nullptr) return outcome;
  if (guarded) return once(*operation, invocation, context, std::move(*completed));
  if (!operation->effect_log.empty()) {
    const auto key = workflow::effect_key(invocation.execution_id, invocation.node, invocation.iterations, 0);
    if (auto added = log_->add(operation->effect_log, effect_of(invocation, key)); !added)
      return workflow::Failed{workflow::FailureClass::Retryable, std::move(added).error(), {}};
  }
  return outcome;
}

}  // namespace wrench::app
