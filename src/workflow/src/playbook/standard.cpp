#include "step.hpp"
#include "wrench/base/text.hpp"

/// One call, or one wait for a person, a signal or a time.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

void set_expiry(Fields& fields, Json& node) {
  if (const auto expires = fields.duration("expires")) node.set("expires_ms", *expires / kMicrosPerMs);
}

void set_value(StepBuilder& step, Fields& fields, std::string_view name, Json& node) {
  if (const YamlNode* written = fields.get(name))
    if (auto value = step.names().value(*written, step.problems())) node.set(name, std::move(*value));
}

void set_text(Fields& fields, std::string_view name, const std::string& fallback, Json& node) {
  if (auto text = fields.text(name); text || !fallback.empty()) node.set(name, text ? *text : fallback);
}

StepOutput answered(const StepBuilder& step) {
  const std::string path = output_path(step.id());
  return {step.id(), path, just({"value", "by"}), {{path + ".value", nullptr, true}}};
}

std::optional<StepOutput> compile_wait(StepBuilder& step, const YamlNode& wait, Block& block) {
  if (!wait.is_mapping()) {
    step.problems().add(wait, "'wait' says what for: {on: approval, title: …}");
    return std::nullopt;
  }
  Fields fields(wait, "a wait", step.problems());
  static const std::vector<std::string_view> kOn = {"approval", "input", "signal", "until"};
  const auto on = fields.one_of("on", kOn);
  if (!on) {
    if (fields.get("on") == nullptr) step.problems().add(wait, "'wait' needs 'on': approval, input, signal or until");
    return std::nullopt;
  }
  Json node = node_of(step.id(), "wait");
  node.set("on", kOn[*on]);
  const std::string path = output_path(step.id());
  StepOutput out = answered(step);
  switch (*on) {
    case 0: {
      set_text(fields, "title", step.id(), node);
      set_value(step, fields, "subject", node);
      set_text(fields, "role", "maintainer", node);
      if (const auto four_eyes = fields.boolean("four_eyes")) node.set("four_eyes", *four_eyes);
      if (const YamlNode* schema = fields.get("schema")) node.set("schema", codec::to_json(*schema));
      set_expiry(fields, node);
      const Members members = just({"decision", "by", "comment", "edits", "subject", "subject_hash"});
      out = {step.id(), path, members, {{path, members, true}}};
      break;
    }
    case 1:
      set_text(fields, "prompt", step.id(), node);
      if (const YamlNode* schema = fields.get("schema")) node.set("schema", codec::to_json(*schema));
      set_expiry(fields, node);
      break;
    case 2:
      set_text(fields, "name", step.id(), node);
      if (const auto late = fields.one_of("on_timeout", {"fail", "continue"}))
        node.set("on_timeout", *late == 1 ? "continue" : "fail");
      set_expiry(fields, node);
      break;
    default: {
      const bool both = (fields.get("after") != nullptr) == (fields.get("at") != nullptr);
      if (const auto after = fields.duration("after")) node.set("after_ms", *after / kMicrosPerMs);
      set_value(step, fields, "at", node);
      if (both) step.problems().add(wait, "a wait until a time has either 'after' or 'at'");
      const Members members = just({"at"});
      out = {step.id(), path, members, {{path, members, true}}};
      break;
    }
  }
  fields.finish();
  if (step.continues()) node.set("on_failure", "continue");
  block.add(std::move(node), {});
  return out;
}

}  // namespace

std::optional<StepOutput> compile_standard(StepBuilder& step, Block& block) {
  Fields& fields = step.fields();
  fields.know({"agent", "operation", "wait", "playbook", "inputs", "expires"});
  const YamlNode* agent = fields.get("agent");
  const YamlNode* name = fields.get("operation");
  if (const YamlNode* wait = fields.get("wait")) {
    if (agent != nullptr || name != nullptr)
      step.problems().add(*wait, "a step either waits or calls an operation; make two of it");
    return compile_wait(step, *wait, block);
  }
  if (const YamlNode* playbook = fields.get("playbook")) {
    if (agent != nullptr || name != nullptr)
      step.problems().add(*playbook, "a step either runs a playbook or calls an operation; make two of it");
    return compile_child(step, *playbook, block);
  }
  if (agent == nullptr || name == nullptr || !agent->is_scalar() || !name->is_scalar()) {
    step.problems().add(step.where(), "step '" + step.id() + "' needs 'agent' and 'operation'");
    return std::nullopt;
  }
  const auto operation = step.operation(trim(agent->text), *agent, trim(name->text), *name);
  if (!operation) return std::nullopt;
  StepBuilder::CallOptions options;
  if (step.continues()) options.extra = Json::object({{"on_failure", "continue"}});
  auto source = step.call(block, *operation, step.id(), step.names(), std::move(options));
  if (!source) return std::nullopt;
  return StepOutput{step.id(), output_path(step.id()), operation->output(), {std::move(*source)}};
}

}  // namespace wrench::workflow::playbook
