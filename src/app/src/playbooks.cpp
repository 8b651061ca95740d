#include "playbooks.hpp"

#include <algorithm>
#include <filesystem>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::app {

namespace {

constexpr std::string_view kEnding = ".yaml";
/// Read of one file; the compiler, which can say where, refuses more than kPlaybookBytesMax.
constexpr std::size_t kReadBytesMax = 16 * workflow::kPlaybookBytesMax;

std::string without_ending(std::string_view path) {
  for (const std::string_view ending : {kEnding, std::string_view(".yml")})
    if (path.ends_with(ending)) path.remove_suffix(ending.size());
  return std::string(path);
}

}  // namespace

std::vector<PlaybookText> builtin_playbooks() {
  std::vector<PlaybookText> out;
  for (const EmbeddedFile& file : embedded_playbooks())
    out.push_back({without_ending(file.path), "playbooks/" + std::string(file.path), std::string(file.bytes)});
  // Those for use before those that show a shape.
  std::ranges::stable_sort(out, {}, [](const PlaybookText& text) { return text.name.find('/') != std::string::npos; });
  return out;
}

Result<PlaybookText> find_builtin_playbook(std::string_view name) {
  for (PlaybookText& candidate : builtin_playbooks())
    if (candidate.name == name) return std::move(candidate);
  return Error("workflow.playbook_not_found", "no playbook '" + escape_for_display(name) + "' comes with this version")
      .with_help("wrench playbook list");
}

Result<PlaybookText> find_playbook(const std::string& name_or_file) {
  const auto builtin = builtin_playbooks();
  for (const PlaybookText& candidate : builtin)
    if (candidate.name == name_or_file) return candidate;
  auto text = runtime::read_file(name_or_file, kReadBytesMax);
  if (text.ok())
    return PlaybookText{without_ending(name_or_file.substr(name_or_file.rfind('/') + 1)), name_or_file,
                        std::move(*text)};
  const bool is_name = name_or_file.find('.') == std::string::npos;
  if (!is_name || text.error().code != "io.not_found") return std::move(text).error();
  std::vector<std::string_view> known;
  for (const PlaybookText& candidate : builtin) known.push_back(candidate.name);
  const auto near = nearest(name_or_file, known);
  return Error("workflow.playbook_not_found", "no playbook and no file '" + escape_for_display(name_or_file) + "'")
      .with_help(near.empty() ? "wrench playbook list" : "wrench playbook show " + std::string(near));
}

workflow::PlaybookOptions playbook_options(const Session& session, const std::string& file) {
  workflow::PlaybookOptions options;
  options.find = [folder = std::filesystem::path(file).parent_path()](const std::string& name) -> Result<std::string> {
    if (auto builtin = find_builtin_playbook(name)) return std::move(builtin->text);
    const std::filesystem::path beside(name);
    const bool below = beside.is_relative() && std::ranges::find(beside, "..") == beside.end();
    if (!below || (beside.extension() != ".yaml" && beside.extension() != ".yml"))
      return Error("workflow.playbook_not_found", "no playbook '" + escape_for_display(name) +
                                                      "' comes with wrench; one of your own is a .yaml file " +
                                                      "beside this one or below");
    return runtime::read_file(folder / beside, kReadBytesMax);
  };
  if (session.invocation.has("--on-missing"))
    options.on_missing =
        session.invocation.value("--on-missing") == "manual" ? workflow::OnMissing::Manual : workflow::OnMissing::Error;
  return options;
}

std::string place_of(const std::string& file, const Error& problem) {
  return Console::safe(file) + ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
}

Result<workflow::Playbook> compile_or_tell(Session& session, const PlaybookText& text,
                                           const workflow::CapabilityCatalogue& catalogue) {
  auto compiled = compile_playbook(text.text, catalogue, playbook_options(session, text.file));
  if (compiled.playbook) return std::move(*compiled.playbook);
  for (std::size_t i = 1; i < compiled.problems.size(); ++i)
    session.console.err(place_of(text.file, compiled.problems[i]) + ": " + Console::safe(compiled.problems[i].message) +
                        "\n");
  Error first = compiled.problems.front();
  first.place.file = text.file;
  return first;
}

workflow::CapabilityCatalogue catalogue_of(const agents::Registry& registry) {
  workflow::CapabilityCatalogue out;
  for (const auto* capability : registry.capabilities()) {
    const std::string agent(agents::agent_of(capability->id));
    out.add({agent, capability->id.substr(agent.size() + 1), capability->version, capability->title,
             capability->input_schema, capability->output_schema});
  }
  return out;
}

}  // namespace wrench::app
