#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::agents {

/// What a capability promises about its effects (workflow spec 3.2). Undeclared means Guarded.
enum class Effect : std::uint8_t { Pure, LocalTransactional, Idempotent, Guarded };
enum class LlmUse : std::uint8_t { None, Optional, Required };
/// R0 reads what it was given; R1 reads more of this machine; R2 writes here; R3 changes something others see.
enum class Risk : std::uint8_t { R0, R1, R2, R3 };

std::string_view name(Effect effect);
std::string_view name(LlmUse use);
std::string_view name(Risk risk);

/// A typed input or output. Types form a small tree: `findings.security` is a `findings` (capability.cpp).
struct Port {
  std::string name;  ///< Member of the input or output; of an input used only when it is there, with '?' at the end.
  std::string type;
};

/// Name of an output port that is the whole output, not one member of it.
inline constexpr std::string_view kWholeOutput = "*";

/// Declared cost, until there are runs to learn from.
struct Cost {
  std::int64_t base_ms = 0;
  double per_kloc_ms = 0;
  std::int64_t tokens = 0;
};

/// What words of a goal speak for this capability.
struct Intent {
  std::vector<std::string> verbs;
  std::vector<std::string> objects;
};

/// A typed operation of an agent. Plain data: it drives validation, planning, documentation and the remote interfaces.
struct Capability {
  std::string id;  ///< "infosec.scan_secrets": agent, dot, operation.
  int version = 1;
  std::string title;
  codec::Json input_schema;  ///< JSON Schema 2020-12, additionalProperties false.
  codec::Json output_schema;
  std::vector<Port> takes;
  std::vector<Port> gives;
  std::string
      requires_fact;  ///< A fact that must be true for the capability to make sense, e.g. "git.present"; may be empty.
  Effect effect = Effect::Guarded;
  Risk risk = Risk::R0;
  LlmUse llm = LlmUse::None;
  std::string offline_alternative;  ///< Needed when llm is Required.
  std::string slot = "cpu";         ///< Slot class: cpu, io or llm.
  Cost cost;
  Intent intent;
  std::string why;  ///< One line for the plan's explanation: what a reader gets from this step.
};

std::string_view agent_of(std::string_view capability_id);

/// True when `type` is `wanted` or below it in the tree of port types.
bool port_is_a(std::string_view type, std::string_view wanted);
/// Known port types; registration refuses others.
bool is_port_type(std::string_view type);

}  // namespace wrench::agents
