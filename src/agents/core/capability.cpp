#include "wrench/agents/capability.hpp"

#include <algorithm>
#include <array>

namespace wrench::agents {

namespace {

// The tree of port types, by dotted prefix. A type that isn't here can't be wired.
constexpr std::array kPortTypes = {
    std::string_view("repo.tree"),    // a folder or file with its project root
    std::string_view("report.code"),  // code, metrics, clones, structure of a tree
    std::string_view("report.secrets"),
    std::string_view("report.final"),       // what people read
    std::string_view("findings.security"),  // assessed security findings
    std::string_view("history.facts"),
    std::string_view("inspection"),  // judgement over findings: merged, dropped, quality
    std::string_view("journey.insights"),
    std::string_view("question"),   // other agents were asked about findings
    std::string_view("testimony"),  // answers were sent to those who asked
    std::string_view("evidence"),   // what other agents said about findings
};

}  // namespace

std::string_view name(Effect effect) {
  constexpr std::string_view kNames[] = {"pure", "local_transactional", "idempotent", "guarded"};
  return kNames[static_cast<std::size_t>(effect)];
}

std::string_view name(LlmUse use) {
  constexpr std::string_view kNames[] = {"none", "optional", "required"};
  return kNames[static_cast<std::size_t>(use)];
}

std::string_view name(Risk risk) {
  constexpr std::string_view kNames[] = {"R0", "R1", "R2", "R3"};
  return kNames[static_cast<std::size_t>(risk)];
}

std::string_view agent_of(std::string_view capability_id) { return capability_id.substr(0, capability_id.find('.')); }

bool port_is_a(std::string_view type, std::string_view wanted) {
  return type == wanted || (type.size() > wanted.size() && type.starts_with(wanted) && type[wanted.size()] == '.');
}

bool is_port_type(std::string_view type) {
  return std::any_of(kPortTypes.begin(), kPortTypes.end(),
                     [&](std::string_view known) { return port_is_a(known, type); });
}

}  // namespace wrench::agents
