#include "wrench/agents/registry.hpp"

#include <algorithm>
#include <set>

#include "wrench/codec/json_schema.hpp"

namespace wrench::agents {

namespace {

constexpr std::size_t kCharterBytesMax = 2048;  ///< Of an agent.
constexpr std::size_t kNameCharsMax = 32;       ///< Of an agent or a capability.

bool valid_name(std::string_view name) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return name.size() >= 2 && name.size() <= kNameCharsMax && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), word);
}

Error invalid(std::string_view agent, std::string what) {
  return Error("agent.invalid_spec", std::string(agent) + ": " + std::move(what));
}

Result<void> check(const AgentSpec& spec, const Capability& capability) {
  const auto at = [&](std::string what) { return invalid(spec.name, capability.id + ": " + std::move(what)); };
  if (agent_of(capability.id) != spec.name ||
      !valid_name(std::string_view(capability.id).substr(std::min(capability.id.size(), spec.name.size() + 1))))
    return at("a capability's id is <agent>.<operation>");
  if (capability.title.empty() || capability.why.empty()) return at("needs a title and a why");
  for (const auto& ports : {capability.takes, capability.gives})
    for (const auto& port : ports)
      if (!is_port_type(port.type)) return at("unknown port type '" + port.type + "'");
  if (capability.llm == LlmUse::Required && capability.offline_alternative.empty())
    return at("needs an LLM but names no offline alternative");
  for (const auto* schema : {&capability.input_schema, &capability.output_schema})
    if (auto compiled = codec::JsonSchema::compile(*schema); !compiled)
      return at("schema doesn't compile").because(std::move(compiled).error());
  return {};
}

}  // namespace

Result<void> Registry::add(std::unique_ptr<Agent> agent) {
  const auto& spec = agent->spec();
  if (!valid_name(spec.name)) return invalid(spec.name, "a name is [a-z][a-z0-9_]{1,31}");
  if (find(spec.name) != nullptr) return invalid(spec.name, "registered twice");
  if (spec.charter.empty() || spec.charter.size() > kCharterBytesMax)
    return invalid(spec.name, "a charter has 1 to 2048 bytes");
  std::set<std::string_view> ids;
  for (const auto& capability : spec.capabilities) {
    if (!ids.insert(capability.id).second) return invalid(spec.name, "capability '" + capability.id + "' stands twice");
    WRENCH_TRY(check(spec, capability));
  }
  agents_.push_back(std::move(agent));
  std::sort(agents_.begin(), agents_.end(),
            [](const auto& a, const auto& b) { return a->spec().name < b->spec().name; });
  return {};
}

const Agent* Registry::find(std::string_view agent) const {
  for (const auto& candidate : agents_)
    if (candidate->spec().name == agent) return candidate.get();
  return nullptr;
}

const Capability* Registry::capability(std::string_view id) const {
  const Agent* agent = find(agent_of(id));
  if (agent == nullptr) return nullptr;
  for (const auto& capability : agent->spec().capabilities)
    if (capability.id == id) return &capability;
  return nullptr;
}

std::vector<const Capability*> Registry::capabilities() const {
  std::vector<const Capability*> all;
  for (const auto& agent : agents_)
    for (const auto& capability : agent->spec().capabilities) all.push_back(&capability);
  std::sort(all.begin(), all.end(), [](const Capability* a, const Capability* b) { return a->id < b->id; });
  return all;
}

}  // namespace wrench::agents
