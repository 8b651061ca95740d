#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kPlaybookBytesMax = 256 * 1024;
inline constexpr std::size_t kPlaybookDepthMax = 32;
/// Scalars, lists and mappings in the text.
inline constexpr std::size_t kPlaybookNodesMax = 20'000;
inline constexpr std::size_t kPlaybookStepsMax = 500;
/// Agents, operations or handoff conditions of one step.
inline constexpr std::size_t kPlaybookBranchesMax = 100;
/// Of a loop; more would be a loop that nothing ends.
inline constexpr int kPlaybookIterationsMax = 1'000;
inline constexpr int kPlaybookIterationsDefault = 10;
/// Times that `failure_action: log_and_fix` lets an agent mend.
inline constexpr int kPlaybookFixesMax = 3;
/// Playbooks that run playbooks that run playbooks …
inline constexpr std::size_t kPlaybookNestingMax = 5;
/// Reported of one text.
inline constexpr std::size_t kPlaybookProblemsMax = 50;
inline constexpr std::size_t kPlaybookStepIdBytesMax = 40;

/// One operation that a playbook can call, as data: this module names no agent.
struct CatalogueEntry {
  std::string agent, operation;
  int version = 0;  ///< Pinned in the plan; 0: any.
  std::string title;
  codec::Json input_schema;  ///< Null: takes anything.
  codec::Json output_schema;

  std::string id() const { return agent + "." + operation; }
};

/// What a playbook can call where it is compiled.
class CapabilityCatalogue {
 public:
  void add(CatalogueEntry entry);  ///< Replaces one of the same id.
  const CatalogueEntry* find(std::string_view agent, std::string_view operation) const;
  /// The agent that is meant: `InfoSecAgent`, `infosec` and `info_sec` are one. Nothing: there is none.
  std::optional<std::string> agent(std::string_view written) const;
  std::vector<std::string_view> agents() const;
  std::vector<std::string_view> operations(std::string_view agent) const;

 private:
  std::map<std::string, std::map<std::string, CatalogueEntry, std::less<>>, std::less<>> agents_;
};

/// `CodeGeneratorAgent` -> `code_generator`, `UXDesigner` -> `ux_designer`.
std::string normal_agent_name(std::string_view written);

enum class OnMissing : std::uint8_t {
  Error,
  Manual,  ///< A person does what no agent can, and answers with the output.
};

/// A value that the playbook is run with.
struct PlaybookInput {
  std::string name, type, description;  ///< type: string, number, integer, boolean, list, object, tree, any.
  bool required = false;
  codec::Json default_value;
};

/// One step as its author sees it; `nodes` are those of the plan that it became.
struct PlaybookStep {
  std::string id, type, description;
  int line = 0;
  std::vector<std::string> nodes;
  std::vector<std::string> calls;  ///< "code_analysis.analyze", in order; of a loop those of one round.
  std::vector<std::string> after;  ///< Ids of the steps that it follows.
  std::string when;                ///< As written; empty: always.
};

struct Playbook {
  std::string name, description;
  std::vector<PlaybookInput> inputs;
  bool inputs_declared = false;  ///< Else it takes whatever it is given.
  std::vector<PlaybookStep> steps;
  codec::Json plan;
  codec::Json notes;                ///< For CreateTask::plan_notes.
  std::vector<std::string> result;  ///< Nodes whose outputs are the playbook's result; one: its output is.
};

struct PlaybookOptions {
  std::optional<OnMissing> on_missing;  ///< Overrules what the text says.
  /// The text of a playbook that a step runs; empty: none can be run.
  std::function<Result<std::string>(const std::string& name)> find;
  std::vector<std::string> within;  ///< Names of the playbooks whose steps run this one, from the outermost.
};

struct CompiledPlaybook {
  std::optional<Playbook> playbook;  ///< Nothing when there are problems.
  /// By place, at most kPlaybookProblemsMax. Codes: workflow.playbook_invalid, workflow.playbook_unknown (an agent or
  /// operation that isn't there), workflow.playbook_limit. `place` has line and column, no file.
  std::vector<Error> problems;
  std::vector<Error> remarks;  ///< What is allowed but has no effect.
};

/// Turns the YAML of a playbook (docs/reference/playbooks.md) into a plan. Pure; bounded by the limits above.
CompiledPlaybook compile_playbook(std::string_view yaml, const CapabilityCatalogue& catalogue,
                                  const PlaybookOptions& options = {});

/// The inputs of a run: those given, checked against what the playbook declares, and defaults for the others.
/// Errors: workflow.playbook_input naming the input.
Result<codec::Json> bind_inputs(const Playbook& playbook, codec::Json given);

}  // namespace wrench::workflow
