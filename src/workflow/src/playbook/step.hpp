#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fields.hpp"
#include "names.hpp"
#include "problems.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow::playbook {

enum class StepType : std::uint8_t {
  Standard,
  WorkInParallel,
  SelfFeedbackLoop,
  PartnerFeedbackLoop,
  Process,
  Versus,
  Handoff
};
const std::vector<std::string_view>& step_type_names();

enum class AfterFailure : std::uint8_t {
  Stop,
  Anyway,  ///< {"id": …, "on_failure": "continue"}
};
struct Need {
  std::string id;
  AfterFailure after_failure = AfterFailure::Stop;
};

/// A list of nodes that is being written: the plan's own, or the body of a loop or map.
class Block {
 public:
  Block() = default;
  /// Nodes without needs of their own begin the step: they get `needs` and `join`. All get `when`: a skipped node
  /// counts as done, so skipping only the first of a step wouldn't skip the rest.
  Block(std::vector<Need> needs, std::string when, codec::Json join)
      : needs_(std::move(needs)), when_(std::move(when)), join_(std::move(join)) {}

  /// `node` has id and kind first; needs and when are put after them.
  void add(codec::Json node, const std::vector<Need>& needs, const std::string& when = {});
  const std::vector<std::string>& ids() const { return ids_; }
  const std::string& last() const { return ids_.back(); }
  bool empty() const { return ids_.empty(); }
  codec::JsonArray take() { return std::move(nodes_); }

 private:
  std::vector<Need> needs_;
  std::string when_;
  codec::Json join_;
  codec::JsonArray nodes_;
  std::vector<std::string> ids_;
};

codec::Json node_of(std::string_view id, std::string_view kind);

/// An agent's operation as a step names it.
struct Operation {
  const codec::YamlNode* at = nullptr;
  std::string agent, name;
  const CatalogueEntry* entry = nullptr;  ///< Null: a person does it.
  const codec::YamlNode* parameters = nullptr;

  std::string id() const { return agent + "." + name; }
  Members output() const;
  /// Of its input.
  bool takes(std::string_view member) const;
};

/// What is the same for all steps of a playbook.
struct Surroundings {
  const Playbook& playbook;
  const CapabilityCatalogue& catalogue;
  OnMissing on_missing = OnMissing::Error;
  std::optional<std::set<std::string>> agents;  ///< The only ones it says it uses; nothing: any.
  PlaybookOptions options;
};

/// What a step's compilers have in common. One for each step.
class StepBuilder {
 public:
  struct Place {
    const codec::YamlNode* node = nullptr;
    std::string id;
    StepType type = StepType::Standard;
  };
  /// All must outlive this.
  StepBuilder(Place place, const Surroundings& surroundings, Names names, Problems& problems);

  Fields& fields() { return fields_; }
  Problems& problems() { return problems_; }
  const Surroundings& surroundings() const { return surroundings_; }
  const Names& names() const { return names_; }
  const codec::YamlNode& where() const { return *place_.node; }
  const std::string& id() const { return place_.id; }
  /// An id for a node inside of this step.
  std::string inner_id(std::string_view part);

  /// Agent and operation, each with the place to blame. Nothing after a problem.
  std::optional<Operation> operation(std::string_view agent, const codec::YamlNode& agent_at, std::string_view name,
                                     const codec::YamlNode& name_at);
  /// "Agent:operation" or "agent.operation".
  std::optional<Operation> operation(std::string_view both, const codec::YamlNode& at);
  /// An entry of a list: text, or a mapping with operation, and the agent if `agent` gives none.
  std::optional<Operation> entry(const codec::YamlNode& node, Fields& members, const codec::YamlNode* agent);

  /// Members offered to an operation: given to it if it takes them and `parameters` don't say otherwise.
  struct Offer {
    std::string member;
    codec::Json value;
  };
  struct CallOptions {
    std::vector<Need> needs;
    std::string when;
    std::vector<Offer> offers;
    codec::Json extra;  ///< Further members of the node, e.g. ensure.
  };
  /// Adds the node that carries it out and gives its output; for a person two. Nothing after a problem.
  std::optional<Source> call(Block& block, const Operation& operation, const std::string& id, const Names& names,
                             CallOptions options);
  /// The input of an operation, with required members found by name. Nothing after a problem.
  std::optional<codec::Json> input(const Operation& operation, const Names& names, const std::vector<Offer>& offers);

  /// timeout, retry, failure_action as far as they are the same for each type.
  void read_common();
  /// After the step's own compiler: what is left over is unknown.
  void finish();
  bool continues() const { return continues_; }
  const std::vector<std::string>& calls() const { return calls_; }
  /// For people: the step does that, too.
  void also_calls(std::string what) { calls_.push_back(std::move(what)); }

 private:
  std::optional<Source> ask_person(Block& block, const Operation& operation, const std::string& id,
                                   CallOptions options);
  void read_labels();
  bool add_limit(const codec::YamlNode* written, std::string_view name, const Names& names, codec::Json& node);
  bool add_strategy(Fields& fields, const Names& names, codec::Json& limit);
  bool check_parameters(const Operation& operation, const codec::YamlNode* written, const codec::Json& input);

  Place place_;
  const Surroundings& surroundings_;
  Names names_;
  Problems& problems_;
  Fields fields_;
  const codec::YamlNode* shared_parameters_ = nullptr;
  std::set<std::string, std::less<>> taken_;    // Of the shared parameters.
  codec::Json common_ = codec::Json::object();  // timeouts, retry, requires
  const codec::YamlNode* concurrency_ = nullptr;
  const codec::YamlNode* rate_ = nullptr;
  const codec::YamlNode* labels_ = nullptr;
  bool called_ = false;
  bool continues_ = false;
  std::set<std::string> inner_ids_;
  std::vector<std::string> calls_;
};

/// Each writes the step's nodes; the one named like the step gives its output. Nothing after a problem.
std::optional<StepOutput> compile_standard(StepBuilder& step, Block& block);
/// A standard step that runs another playbook, as a task of its own.
std::optional<StepOutput> compile_child(StepBuilder& step, const codec::YamlNode& name, Block& block);
std::optional<StepOutput> compile_parallel(StepBuilder& step, Block& block);
std::optional<StepOutput> compile_self_loop(StepBuilder& step, Block& block);
std::optional<StepOutput> compile_partner_loop(StepBuilder& step, Block& block);
std::optional<StepOutput> compile_process(StepBuilder& step, Block& block);
std::optional<StepOutput> compile_versus(StepBuilder& step, Block& block);
std::optional<StepOutput> compile_handoff(StepBuilder& step, Block& block);

/// "goto:deploy" -> "deploy".
std::optional<std::string> goto_target(std::string_view failure_action);
std::string output_path(std::string_view node);

}  // namespace wrench::workflow::playbook
