#include <algorithm>

#include "step.hpp"
#include "wrench/base/text.hpp"

/// A step that runs another playbook: it becomes a task of its own.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

/// Of the child's plan, when several of its steps are its result.
constexpr std::string_view kOutputsNode = "outputs";

std::string chain(const std::vector<std::string>& within, const std::string& name) {
  std::string out;
  for (const std::string& outer : within) out += outer + " -> ";
  return out + name;
}

/// The playbook, compiled. Nothing after a problem.
std::optional<Playbook> compile_named(StepBuilder& step, const YamlNode& at, const std::string& name) {
  const Surroundings& around = step.surroundings();
  PlaybookOptions options = around.options;
  options.within.push_back(around.playbook.name);
  if (options.within.size() > kPlaybookNestingMax) {
    step.problems().add(at,
                        "playbooks run each other more than " + std::to_string(kPlaybookNestingMax) +
                            " deep: " + chain(options.within, name),
                        kLimit);
    return std::nullopt;
  }
  const auto text = options.find ? options.find(name) : Error(std::string(kUnknown), "no playbook can be run here");
  if (!text.ok()) {
    step.problems().add(at, text.error().message, kUnknown);
    return std::nullopt;
  }
  auto compiled = compile_playbook(*text, around.catalogue, options);
  if (compiled.playbook) return std::move(compiled.playbook);
  const Error& first = compiled.problems.front();
  step.problems().add(at, "the playbook '" + name + "' has a problem at " + std::to_string(first.place.line) + ":" +
                              std::to_string(first.place.column) + ": " + first.message);
  return std::nullopt;
}

/// Those given, of the others those of this playbook that have the same name, then what the child says itself.
std::optional<Json> inputs_of(StepBuilder& step, const YamlNode& at, const Playbook& child, const YamlNode* written) {
  Json given = Json::object();
  if (written != nullptr) {
    if (!written->is_mapping()) {
      step.problems().add(*written, "'inputs' is a mapping of the other playbook's inputs to values");
      return std::nullopt;
    }
    auto value = step.names().value(*written, step.problems());
    if (!value) return std::nullopt;
    given = std::move(*value);
  }
  std::vector<std::string_view> known;
  for (const PlaybookInput& input : child.inputs) {
    known.push_back(input.name);
    if (!given.at(input.name).is_null()) continue;
    const auto& ours = step.surroundings().playbook.inputs;
    if (std::ranges::find(ours, input.name, &PlaybookInput::name) != ours.end()) {
      given.set(input.name, Json::object({{"$from", "inputs." + input.name}}));
    } else if (!input.default_value.is_null() && input.type != "tree") {
      given.set(input.name, input.default_value);
    } else if (input.required || input.type == "tree") {
      step.problems().add(at, "the playbook '" + child.name + "' needs the input '" + input.name + "' (" + input.type +
                                  "): put it into 'inputs', or declare it here, too");
      return std::nullopt;
    }
  }
  if (!child.inputs_declared) return given;
  for (const auto& [name, value] : given.as_object()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    step.problems().add(*written, "the playbook '" + child.name + "' has no input '" + escape_for_display(name) + "'" +
                                      suggestion(name, known));
    return std::nullopt;
  }
  return given;
}

/// One step whose output is the child's result.
std::string result_of(Playbook& child) {
  if (child.result.size() == 1) return child.result.front();
  Json needs = Json::array();
  Json outputs = Json::object();
  for (const std::string& node : child.result) {
    needs.push_back(node);
    outputs.set(node, Json::object({{"$from", output_path(node)}}));
  }
  Json nodes = child.plan.at("nodes");
  Json merge = node_of(kOutputsNode, "merge");
  merge.set("from", Json::array({std::move(outputs)}));
  merge.set("needs", std::move(needs));
  nodes.push_back(std::move(merge));
  child.plan.set("nodes", std::move(nodes));
  return std::string(kOutputsNode);
}

}  // namespace

std::optional<StepOutput> compile_child(StepBuilder& step, const YamlNode& name, Block& block) {
  Fields& fields = step.fields();
  const YamlNode* inputs = fields.get("inputs");
  const auto expires = fields.duration("expires");
  if (!name.is_scalar() || trim(name.text).empty()) {
    step.problems().add(name, "'playbook' is the name of the playbook to run");
    return std::nullopt;
  }
  auto child = compile_named(step, name, std::string(trim(name.text)));
  if (!child) return std::nullopt;
  step.also_calls("playbook " + std::string(trim(name.text)));
  auto given = inputs_of(step, name, *child, inputs);
  if (!given) return std::nullopt;
  Json node = node_of(step.id(), "child");
  node.set("title", child->name);
  node.set("inputs", std::move(*given));
  node.set("output", result_of(*child));
  node.set("plan", std::move(child->plan));
  if (expires) node.set("expires_ms", *expires / kMicrosPerMs);
  if (step.continues()) node.set("on_failure", "continue");
  block.add(std::move(node), {});
  const std::string path = output_path(step.id()) + ".output";
  return StepOutput{step.id(), path, nullptr, {{path, nullptr, true}}};
}

}  // namespace wrench::workflow::playbook
