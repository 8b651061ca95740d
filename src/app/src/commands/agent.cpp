#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kCapabilityColumns = 34;

Json ports_json(const std::vector<agents::Port>& ports) {
  Json out = Json::array();
  for (const auto& port : ports) out.push_back(Json::object({{"name", port.name}, {"type", port.type}}));
  return out;
}

Json to_json(const agents::Capability& capability) {
  return Json::object({{"id", capability.id},
                       {"version", capability.version},
                       {"title", capability.title},
                       {"why", capability.why},
                       {"effect", agents::name(capability.effect)},
                       {"risk", agents::name(capability.risk)},
                       {"llm", agents::name(capability.llm)},
                       {"requires", capability.requires_fact.empty() ? Json() : Json(capability.requires_fact)},
                       {"takes", ports_json(capability.takes)},
                       {"gives", ports_json(capability.gives)},
                       {"input_schema", capability.input_schema},
                       {"output_schema", capability.output_schema}});
}

Json to_json(const agents::AgentSpec& spec) {
  Json capabilities = Json::array();
  for (const auto& capability : spec.capabilities) capabilities.push_back(to_json(capability));
  return Json::object({{"name", spec.name},
                       {"version", spec.version},
                       {"charter", spec.charter},
                       {"constraints", Json::object({{"network", spec.constraints.network},
                                                     {"output_bytes_max", spec.constraints.output_bytes_max}})},
                       {"capabilities", std::move(capabilities)}});
}

std::string port_text(const std::vector<agents::Port>& ports) {
  std::vector<std::string> words;
  for (const auto& port : ports) words.push_back(port.name + ": " + port.type);
  return join(words, ", ");
}

}  // namespace

ExitCode run_agent_list(Session& session) {
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& agent : registry->agents()) data.push_back(to_json(agent->spec()));
    return delivered(
        session,
        codec::write_json(
            Json::object({{"schema", "wrench.agent_list/1"}, {"data", std::move(data)}, {"next_cursor", nullptr}}),
            {.pretty = true}) +
            "\n");
  }
  std::string text;
  for (const auto& agent : registry->agents()) {
    text += session.console.styled(Style::Bold, agent->spec().name) + "\n";
    for (const auto& capability : agent->spec().capabilities)
      text += "  " + pad(capability.id, kCapabilityColumns) + "  " + capability.title + "\n";
  }
  return delivered(session, text);
}

ExitCode run_agent_show(Session& session) {
  auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  const auto& name = session.invocation.arguments.front();
  const auto* agent = registry->find(name);
  if (agent == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& candidate : registry->agents()) known.push_back(candidate->spec().name);
    const auto guess = nearest(name, known);
    return session.fail(
        Error("agent.no_such_agent", "no agent '" + name + "'")
            .with_help(guess.empty() ? "wrench agent list" : "wrench agent show " + std::string(guess)));
  }
  if (session.format() == "json") {
    auto json = to_json(agent->spec());
    json.set("schema", "wrench.agent/1");
    return delivered(session, codec::write_json(json, {.pretty = true}) + "\n");
  }
  std::string text = session.console.styled(Style::Bold, agent->spec().name) + "\n" + agent->spec().charter + "\n";
  for (const auto& capability : agent->spec().capabilities) {
    text += "\n" + session.console.styled(Style::Accent, capability.id) + "  " + capability.title + "\n  why     " +
            capability.why + "\n";
    if (!capability.takes.empty()) text += "  takes   " + port_text(capability.takes) + "\n";
    if (!capability.gives.empty()) text += "  gives   " + port_text(capability.gives) + "\n";
    if (!capability.requires_fact.empty()) text += "  needs   " + capability.requires_fact + "\n";
    text += "  effect  " + std::string(agents::name(capability.effect)) + "   risk " +
            std::string(agents::name(capability.risk)) + "   LLM " + std::string(agents::name(capability.llm)) + "\n";
    text += "  input   " + codec::write_json(capability.input_schema) + "\n";
  }
  return delivered(session, text);
}

}  // namespace wrench::app
