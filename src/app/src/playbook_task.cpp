#include "playbook_task.hpp"

#include <utility>

#include "commands/playbook_result.hpp"
#include "tree_argument.hpp"
#include "wrench/app/console.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::app {

using codec::Json;
using workflow::Playbook;

namespace {

constexpr std::size_t kInputFileBytesMax = workflow::kInputsBytesMax;

Error input_error(std::string message) { return Error("workflow.playbook_input", std::move(message)); }

/// The text of `k=v` as the type of input it is for; `any` and undeclared ones are JSON if they can be.
Result<Json> value_of(const std::string& name, std::string text, std::string_view type) {
  if (text.starts_with('@')) text = WRENCH_TRY(runtime::read_file(text.substr(1), kInputFileBytesMax));
  if (type == "string" || type == "tree") return Json(std::move(text));
  auto json = codec::parse_json(text);
  if (json.ok()) return json;
  if (type == "any") return Json(std::move(text));
  if (type != "list")
    return input_error("--input " + name + ": '" + escape_for_display(text) + "' is no " + std::string(type));
  Json items = Json::array();
  for (const auto item : split(text, ','))
    if (!trim(item).empty()) items.push_back(trim(item));
  return items;
}

}  // namespace

Result<Json> given_inputs(const std::vector<std::string>& words, const Playbook& playbook) {
  Json out = Json::object();
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return input_error("--input takes NAME=VALUE, not '" + escape_for_display(word) + "'");
    const std::string name = word.substr(0, equals);
    std::string_view type = "any";
    for (const auto& input : playbook.inputs)
      if (input.name == name) type = input.type;
    out.set(name, WRENCH_TRY(value_of(name, word.substr(equals + 1), type)));
  }
  return out;
}

Result<Json> bound_inputs(const Playbook& playbook, Json given) {
  Json inputs = WRENCH_TRY(bind_inputs(playbook, std::move(given)));
  for (const auto& input : playbook.inputs) {
    if (input.type != "tree" || !inputs.at(input.name).is_string()) continue;
    inputs.set(input.name, WRENCH_TRY(tree_argument(std::string(inputs.at(input.name).as_string()))));
  }
  return inputs;
}

Result<workflow::CreateTask> playbook_task(const Playbook& playbook, const std::string& name, Json inputs) {
  constexpr std::size_t kTitleBytesMax = 400;
  workflow::CreateTask task;
  task.title = repair_utf8(Console::safe(playbook.name).substr(0, kTitleBytesMax));
  task.description = playbook.description;
  task.kind = kPlaybookKind;
  task.plan = WRENCH_TRY(workflow::Plan::parse(playbook.plan));
  task.plan_notes = playbook.notes;
  task.metadata = playbook_metadata(playbook, name);
  for (const auto& input : playbook.inputs)
    if (input.type == "tree" && task.repository.empty()) {
      task.repository = inputs.at(input.name).at("root").as_string();
      if (auto project = scan::project_root(task.repository)) task.repository = std::move(*project);
    }
  task.inputs = std::move(inputs);
  return task;
}

}  // namespace wrench::app
