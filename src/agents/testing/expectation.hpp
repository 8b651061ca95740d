#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/test_run.hpp"
#include "wrench/base/error.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::agents {

/// What a run of a case left behind.
struct CaseFacts {
  const Capability* capability = nullptr;  ///< Whose output it is; null: nothing ran.
  codec::Json output;                      ///< With reports in the place of references to them; null: there is none.
  std::vector<findings::Finding> findings;
  std::optional<Error> error;
  std::vector<std::string> planned;   ///< Capabilities of the plan, in its order.
  std::vector<std::string> degraded;  ///< What the plan says isn't possible.
  std::int64_t gates = 0;             ///< Nodes of the plan at which a person decides.
  std::string tree_change;            ///< How the fixture differs from what it was; empty: it doesn't.
  std::int64_t effects = 0;           ///< Begun outside of the store, as the journal has it.
  Micros elapsed_us = 0;
  std::int64_t steps = 0;
  std::int64_t output_bytes = 0;
};

enum class MemberType : std::uint8_t { Text, Texts, Whole, Any };
struct MemberSpec {
  std::string_view name;
  MemberType type = MemberType::Text;
  bool required = false;
};

/// One row of the table of what a case can expect.
struct ExpectationKind {
  std::string_view word;
  std::span<const MemberSpec> members;
  std::string_view needs_missing = {};  ///< Why this program can't have it yet.
  bool needs_run = true;                ///< Says something about a run, not only about a plan.
  /// Of the members, beyond their types; empty: they are fine.
  std::string (*problem)(const codec::Json& members) = nullptr;
  /// Empty detail: it holds.
  std::string (*failure)(const codec::Json& members, const CaseFacts& facts) = nullptr;
};

std::span<const ExpectationKind> expectation_kinds();
const ExpectationKind* find_expectation_kind(std::string_view word);

CaseCheck check(const Expectation& expectation, const CaseFacts& facts);

}  // namespace wrench::agents
