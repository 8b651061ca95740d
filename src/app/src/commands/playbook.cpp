#include <algorithm>

#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_graph.hpp"
#include "../playbooks.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::Playbook;

Json problems_json(const std::vector<Error>& problems) {
  Json out = Json::array();
  for (const Error& problem : problems)
    out.push_back(Json::object({{"line", problem.place.line},
                                {"column", problem.place.column},
                                {"code", problem.code},
                                {"message", problem.message}}));
  return out;
}

struct Loaded {
  PlaybookText text;
  Playbook playbook;
};
Result<Loaded> load(Session& session) {
  Loaded out;
  out.text = WRENCH_TRY(find_playbook(session.invocation.arguments.front()));
  const auto registry = WRENCH_TRY(builtin_agents());
  out.playbook = WRENCH_TRY(compile_or_tell(session, out.text, catalogue_of(registry)));
  return out;
}

std::string count_of(std::size_t n, const std::string& what) {
  return format_count(n) + " " + what + (n == 1 ? "" : "s");
}

Json inputs_json(const Playbook& playbook) {
  Json out = Json::array();
  for (const auto& input : playbook.inputs)
    out.push_back(Json::object({{"name", input.name},
                                {"type", input.type},
                                {"required", input.required},
                                {"default", input.default_value},
                                {"description", input.description}}));
  return out;
}

Json steps_json(const Playbook& playbook) {
  const auto strings = [](const std::vector<std::string>& words) {
    Json out = Json::array();
    for (const auto& word : words) out.push_back(word);
    return out;
  };
  Json out = Json::array();
  for (const auto& step : playbook.steps)
    out.push_back(Json::object({{"id", step.id},
                                {"type", step.type},
                                {"description", step.description},
                                {"line", step.line},
                                {"when", step.when.empty() ? Json() : Json(step.when)},
                                {"after", strings(step.after)},
                                {"calls", strings(step.calls)},
                                {"nodes", strings(step.nodes)}}));
  return out;
}

Json playbook_json(std::string_view schema, const Loaded& loaded) {
  const Playbook& playbook = loaded.playbook;
  return Json::object({{"schema", schema},
                       {"name", loaded.text.name},
                       {"file", loaded.text.file},
                       {"title", playbook.name},
                       {"description", playbook.description},
                       {"inputs", inputs_json(playbook)},
                       {"steps", steps_json(playbook)},
                       {"plan", playbook.plan}});
}

std::string input_line(const workflow::PlaybookInput& input) {
  std::string text = input.type;
  if (!input.description.empty()) text += ": " + Console::safe(input.description);
  if (input.required) return text + " (needed)";
  if (!input.default_value.is_null())
    text += " (default " + Console::safe(codec::write_json(input.default_value)) + ")";
  return text;
}

std::string described(const Loaded& loaded, const Console& console) {
  const Playbook& playbook = loaded.playbook;
  std::string text = console.styled(Style::Bold, Console::safe(loaded.text.name)) + "\n";
  for (const auto& line : wrap(Console::safe(playbook.description), std::min<std::size_t>(console.width(), 100)))
    text += line + "\n";
  if (!playbook.inputs.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& input : playbook.inputs) rows.emplace_back(Console::safe(input.name), input_line(input));
    text += "\nInputs:\n" + two_columns(rows, page_style(console));
  }
  return text + "\nSteps:\n" + draw_playbook(playbook, page_style(console));
}

}  // namespace

ExitCode run_playbook_check(Session& session) {
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  const auto catalogue = catalogue_of(*registry);
  ExitCode code = ExitCode::Done;
  std::string text;
  Json data = Json::array();
  for (const auto& argument : session.invocation.arguments) {
    const auto found = find_playbook(argument);
    if (!found) return session.fail(found.error());
    const auto compiled = compile_playbook(found->text, catalogue, playbook_options(session, found->file));
    if (!compiled.problems.empty()) code = ExitCode::Usage;
    for (const Error& problem : compiled.problems)
      text += place_of(found->file, problem) + ": " + Console::safe(problem.message) + "\n";
    if (session.format() != "json")
      for (const Error& remark : compiled.remarks)
        session.console.note(place_of(found->file, remark) + ": " + Console::safe(remark.message));
    if (compiled.playbook)
      text += Console::safe(found->file) + ": " + count_of(compiled.playbook->steps.size(), "step") + ", " +
              count_of(compiled.playbook->plan.at("nodes").as_array().size(), "node") + "\n";
    data.push_back(Json::object({{"file", found->file},
                                 {"ok", compiled.problems.empty()},
                                 {"problems", problems_json(compiled.problems)},
                                 {"remarks", problems_json(compiled.remarks)}}));
  }
  const auto written =
      session.format() == "json"
          ? delivered_json(session, Json::object({{"schema", "wrench.playbook_check/1"}, {"data", std::move(data)}}))
          : delivered(session, text);
  return more_urgent(written, code);
}

ExitCode run_playbook_list(Session& session) {
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  const auto catalogue = catalogue_of(*registry);
  std::vector<std::pair<std::string, std::string>> rows;
  Json data = Json::array();
  for (const PlaybookText& text : builtin_playbooks()) {
    const auto compiled = compile_playbook(text.text, catalogue, playbook_options(session, text.file));
    const std::string description = compiled.playbook ? compiled.playbook->description : "doesn't compile";
    rows.emplace_back(text.name, Console::safe(description));
    data.push_back(Json::object({{"name", text.name}, {"description", description}}));
  }
  if (session.format() == "json")
    return delivered_json(
        session,
        Json::object({{"schema", "wrench.playbook_list/1"}, {"data", std::move(data)}, {"next_cursor", nullptr}}));
  return delivered(session,
                   two_columns(rows, page_style(session.console)) +
                       "\nRun one: wrench playbook run NAME   its inputs and steps: wrench playbook show NAME\n");
}

ExitCode run_playbook_show(Session& session) {
  if (session.invocation.has("--source")) {
    const auto found = find_playbook(session.invocation.arguments.front());
    return found ? delivered(session, escape_for_display(found->text, Newlines::Keep)) : session.fail(found.error());
  }
  const auto loaded = load(session);
  if (!loaded) return session.fail(loaded.error());
  return session.format() == "json" ? delivered_json(session, playbook_json("wrench.playbook/1", *loaded))
                                    : delivered(session, described(*loaded, session.console));
}

ExitCode run_playbook_graph(Session& session) {
  const auto loaded = load(session);
  if (!loaded) return session.fail(loaded.error());
  if (session.format() == "dot") return delivered(session, playbook_dot(loaded->playbook));
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.playbook_graph/1"},
                                                 {"name", loaded->text.name},
                                                 {"steps", steps_json(loaded->playbook)},
                                                 {"plan", loaded->playbook.plan}}));
  return delivered(session, draw_playbook(loaded->playbook, page_style(session.console)));
}

}  // namespace wrench::app
