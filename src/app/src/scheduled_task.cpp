#include "scheduled_task.hpp"

#include <utility>

#include "playbook_task.hpp"
#include "tree_argument.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::string_view kReview = "review", kPlaybook = "playbook";
constexpr std::string_view kManual = "manual", kError = "error", kDead = "dead_letter";

Json texts(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const auto& word : words) out.push_back(word);
  return out;
}

std::vector<std::string> texts_of(const Json& array) {
  std::vector<std::string> out;
  for (const Json& word : array.as_array()) out.emplace_back(word.as_string());
  return out;
}

Result<std::string> stored_path(const std::string& path) {
  std::string out = WRENCH_TRY(canonical_path(path));
  if (!is_valid_utf8(out))
    return Error("io.name_not_utf8", escape_for_display(path) + ": the path isn't UTF-8, which a schedule can't hold");
  return out;
}

Result<workflow::CreateTask> review(const Json& from, const agents::Registry& registry, const StopToken& stop) {
  ReviewRequest request;
  request.path = from.at("path").as_string();
  request.agents = texts_of(from.at("agents"));
  request.rules = texts_of(from.at("rules"));
  request.builtin_rules = from.at("builtin_rules").as_boolean(true);
  request.project_config = from.at("project_config").as_boolean(true);
  return WRENCH_TRY(plan_review(request, registry, stop)).task;
}

Result<workflow::CreateTask> playbook(const Json& from, const agents::Registry& registry) {
  PlaybookText text;
  text.name = from.at("name").as_string();
  text.file = from.at("file").as_string();
  if (from.at("text").is_string())
    text.text = from.at("text").as_string();
  else
    text = WRENCH_TRY(find_builtin_playbook(text.name));
  workflow::PlaybookOptions options;
  options.find = [&](const std::string& name) -> Result<std::string> {
    if (const Json& kept = from.at("texts").at(name); kept.is_string()) return std::string(kept.as_string());
    return WRENCH_TRY(find_builtin_playbook(name)).text;
  };
  if (from.at("on_missing").is_string())
    options.on_missing =
        from.at("on_missing").as_string() == kManual ? workflow::OnMissing::Manual : workflow::OnMissing::Error;
  const auto compiled = compile_playbook(text.text, catalogue_of(registry), options);
  if (!compiled.playbook) {
    Error first = compiled.problems.front();
    first.place.file = text.file;
    return first;
  }
  Json inputs = WRENCH_TRY(bound_inputs(*compiled.playbook, from.at("inputs")));
  auto task = WRENCH_TRY(playbook_task(*compiled.playbook, text.name, std::move(inputs)));
  if (from.at("on_exhausted").as_string() == kDead) task.on_exhausted = workflow::OnExhausted::Dead;
  return task;
}

}  // namespace

Result<Json> template_of(const ReviewRequest& request) {
  std::vector<std::string> rules;
  for (const auto& path : request.rules) rules.push_back(WRENCH_TRY(stored_path(path)));
  return Json::object({{"kind", kReview},
                       {"path", WRENCH_TRY(stored_path(request.path))},
                       {"agents", texts(request.agents)},
                       {"rules", texts(rules)},
                       {"builtin_rules", request.builtin_rules},
                       {"project_config", request.project_config}});
}

Json template_of(const PlaybookRequest& request) {
  Json out = Json::object({{"kind", kPlaybook}, {"name", request.playbook.name}, {"inputs", request.inputs}});
  if (!request.builtin) {
    out.set("file", request.playbook.file);
    out.set("text", request.playbook.text);
    out.set("texts", request.texts);
  }
  if (request.on_missing) out.set("on_missing", *request.on_missing == workflow::OnMissing::Manual ? kManual : kError);
  if (request.on_exhausted == workflow::OnExhausted::Dead) out.set("on_exhausted", kDead);
  return out;
}

Result<workflow::CreateTask> scheduled_task(const Json& task_template, const agents::Registry& registry,
                                            const StopToken& stop) {
  const auto kind = task_template.at("kind").as_string();
  if (kind == kReview) return review(task_template, registry, stop);
  if (kind == kPlaybook) return playbook(task_template, registry);
  return Error("workflow.invalid_schedule",
               "this version of wrench doesn't know how to do '" + escape_for_display(kind) + "'");
}

std::string what_it_does(const Json& task_template) {
  const auto kind = task_template.at("kind").as_string();
  if (kind == kReview) return "review " + std::string(task_template.at("path").as_string());
  std::string out = std::string(kind) + " " + std::string(task_template.at("name").as_string());
  for (const auto& [name, value] : task_template.at("inputs").as_object())
    out += " " + name + "=" + (value.is_string() ? std::string(value.as_string()) : codec::write_json(value));
  return out;
}

}  // namespace wrench::app
