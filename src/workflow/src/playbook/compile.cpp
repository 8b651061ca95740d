#include <algorithm>
#include <utility>

#include "fields.hpp"
#include "flow.hpp"
#include "names.hpp"
#include "problems.hpp"
#include "step.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/plan.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow {

namespace playbook {
namespace {

using codec::Json;
using codec::YamlNode;

constexpr std::string_view kResultNode = "_result";
const std::vector<std::string_view> kInputTypes = {"string", "number", "integer", "boolean",
                                                   "list",   "object", "tree",    "any"};
const std::vector<std::string_view> kReserved = {"inputs", "steps", "output", "previous", "iteration", "item", "null",
                                                 "true",   "false", "and",    "or",       "not",       "in"};

bool is_name(std::string_view text, std::size_t bytes_max) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || text.size() > bytes_max || !letter(text.front())) return false;
  return std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

bool is_of_type(const Json& value, std::string_view type) {
  if (type == "string" || (type == "tree" && !value.is_object())) return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_integer();
  if (type == "boolean") return value.is_boolean();
  if (type == "list") return value.is_array();
  return type == "any" || value.is_object();
}

Error at_offset(std::string_view text, std::size_t offset, std::string message) {
  int line = 1;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] != '\n') continue;
    ++line;
    begin = i + 1;
  }
  const auto column = count_code_points(text.substr(begin, offset - begin)) + 1;
  return Error(kInvalid, std::move(message)).at("", line, static_cast<int>(column));
}

/// What YAML itself allows or names no place for.
std::optional<Error> check_bytes(std::string_view text) {
  if (text.size() > kPlaybookBytesMax)
    return Error(kLimit,
                 "the playbook has " + format_bytes(text.size()) + "; the limit is " + format_bytes(kPlaybookBytesMax))
        .at("", 1, 1);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    if (next_code_point(text, i) == U'\uFFFD' && i == begin + 1)
      return at_offset(text, begin, "a byte that isn't UTF-8");
  }
  bool indent = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (indent && text[i] == '\t') return at_offset(text, i, "a tab in the indentation; use spaces");
    indent = text[i] == '\n' || (indent && text[i] == ' ');
  }
  return std::nullopt;
}

void check_tags(const YamlNode& root, Problems& problems) {
  std::vector<const YamlNode*> open{&root};
  while (!open.empty()) {
    const YamlNode& node = *open.back();
    open.pop_back();
    if (!node.tag.empty()) problems.add(node, "tags ('" + escape_for_display(node.tag) + "') aren't used here");
    for (const YamlNode& item : node.items) open.push_back(&item);
    for (const auto& member : node.members) {
      if (!member.key.tag.empty()) problems.add(member.key, "tags aren't used here");
      open.push_back(&member.value);
    }
  }
}

/// A step before it is compiled.
struct Draft {
  const YamlNode* node = nullptr;
  std::string id;
  StepType type = StepType::Standard;
};

bool is_header_only(const YamlNode& step) {
  return step.find("metadata") != nullptr && step.find("agent") == nullptr && step.find("agents") == nullptr;
}

class Compiler {
 public:
  Compiler(const CapabilityCatalogue& catalogue, const PlaybookOptions& options)
      : surroundings_{playbook_, catalogue, OnMissing::Error, {}, options}, options_(options) {}

  CompiledPlaybook run(std::string_view text) {
    if (auto bad = check_bytes(text)) {
      problems_.add(std::move(*bad));
      return finished();
    }
    codec::YamlLimits limits;
    limits.bytes_max = kPlaybookBytesMax;
    limits.depth_max = kPlaybookDepthMax;
    limits.nodes_max = kPlaybookNodesMax;
    limits.anchors = codec::YamlAnchors::Refused;
    const auto root = codec::parse_yaml(text, limits);
    if (!root.ok()) {
      const auto& error = root.error();
      problems_.add(Error(error.code == "codec.yaml_limit" ? kLimit : kInvalid, error.message)
                        .at("", std::max(1, error.place.line), std::max(1, error.place.column)));
      return finished();
    }
    check_tags(*root, problems_);
    read(*root);
    return finished();
  }

 private:
  CompiledPlaybook finished() {
    CompiledPlaybook out;
    // What is right as a playbook can still be too much as a plan.
    if (!problems_.any())
      if (const auto plan = Plan::parse(playbook_.plan); !plan.ok())
        problems_.add(Error(kLimit, plan.error().message).at("", 1, 1));
    if (!problems_.any()) out.playbook = std::move(playbook_);
    out.problems = problems_.take();
    out.remarks = problems_.take_remarks();
    return out;
  }

  void read(const YamlNode& root) {
    playbook_.name = "playbook";
    const YamlNode* list = &root;
    if (root.is_mapping()) {
      Fields header(root, "a playbook", problems_);
      list = header.either("steps", "workflow");
      read_header(header);
      header.finish();
      if (list == nullptr) {
        problems_.add(root, "a playbook has 'steps': a list");
        return;
      }
    }
    if (!list->is_sequence()) {
      problems_.add(*list, "a playbook is a list of steps, or a mapping with 'steps'");
      return;
    }
    read_steps(*list);
    surroundings_.on_missing = options_.on_missing.value_or(on_missing_);
    check_agents();
    if (drafts_.empty()) {
      if (!problems_.any()) problems_.add(*list, "the playbook has no step that does anything");
      return;
    }
    connect();
    compile();
  }

  void read_header(Fields& header) {
    if (auto name = header.text("name")) playbook_.name = std::move(*name);
    if (auto description = header.text("description")) playbook_.description = std::move(*description);
    header.get("version");
    if (const YamlNode* inputs = header.get("inputs")) read_inputs(*inputs);
    if (const YamlNode* sections = header.get("sections"))
      playbook_.inputs.push_back({"sections", "any", "", false, codec::to_json(*sections)});
    if (const auto word = header.one_of("on_missing", {"error", "manual"}))
      on_missing_ = *word == 1 ? OnMissing::Manual : OnMissing::Error;
    if (const YamlNode* agents = header.get("agents")) agents_ = agents;
    if (const YamlNode* models = header.get("agent_llms")) models_ = models;
    if (const YamlNode* output = header.get("output")) output_ = output;
    if (auto budget = read_budget(header, "budget", problems_)) budget_ = std::move(*budget);
    for (const auto* name : {"tools", "tools_allowed"})
      if (const YamlNode* tools = header.get(name))
        problems_.remark(*tools, "'" + std::string(name) + "' has no effect: no agent of this program calls tools");
  }

  void read_inputs(const YamlNode& inputs) {
    playbook_.inputs_declared = true;
    if (!inputs.is_mapping()) {
      problems_.add(inputs, "'inputs' is a mapping of names to {type: …, default: …}");
      return;
    }
    for (const auto& [key, written] : inputs.members) {
      PlaybookInput input;
      input.name = key.text;
      if (!is_name(key.text, kPlaybookStepIdBytesMax) || std::ranges::find(kReserved, key.text) != kReserved.end())
        problems_.add(key, "an input's name is letters, digits and _, and no word of the language");
      if (written.is_mapping()) {
        Fields fields(written, "an input", problems_);
        input.type = kInputTypes[fields.one_of("type", kInputTypes).value_or(kInputTypes.size() - 1)];
        input.description = fields.text("description").value_or("");
        const YamlNode* fallback = fields.given("default");
        input.required = fields.boolean("required").value_or(fallback == nullptr);
        if (fallback != nullptr) input.default_value = codec::to_json(*fallback);
        fields.finish();
        if (fallback != nullptr && !fallback->is_null() && !is_of_type(input.default_value, input.type))
          problems_.add(*fallback, "the default isn't of type " + input.type);
      } else {
        input.required = true;
        const auto type = std::ranges::find(kInputTypes, written.text);
        input.type = type == kInputTypes.end() ? "any" : *type;
        if (type == kInputTypes.end())
          problems_.add(written, "unknown type '" + escape_for_display(written.text) + "'" +
                                     suggestion(written.text, kInputTypes));
      }
      playbook_.inputs.push_back(std::move(input));
    }
  }

  void read_steps(const YamlNode& list) {
    if (list.items.size() > kPlaybookStepsMax) {
      problems_.add(list,
                    "the playbook has " + format_count(list.items.size()) + " steps; the limit is " +
                        format_count(kPlaybookStepsMax),
                    kLimit);
      return;
    }
    for (const YamlNode& item : list.items) {
      if (!item.is_mapping()) {
        problems_.add(item, "a step is a mapping with 'step_id'");
        continue;
      }
      if (is_header_only(item)) {
        read_header_step(item);
        continue;
      }
      read_draft(item);
    }
  }

  /// The step `metadata` of the layout that has no other place for it.
  void read_header_step(const YamlNode& step) {
    Fields fields(step, "a step that carries metadata", problems_);
    fields.text("step_id");
    fields.text("type");
    fields.text("description");
    fields.given("next");
    const YamlNode* metadata = fields.get("metadata");
    fields.finish();
    if (metadata == nullptr || !metadata->is_mapping()) {
      problems_.add(step, "'metadata' is a mapping");
      return;
    }
    Fields header(*metadata, "the metadata", problems_);
    read_header(header);
    header.finish();
  }

  void read_draft(const YamlNode& item) {
    Draft draft{&item, "", StepType::Standard};
    const YamlNode* id = item.find("step_id");
    if (id == nullptr || !id->is_scalar() || id->is_null()) {
      problems_.add(item, "a step needs 'step_id'");
      return;
    }
    draft.id = id->text;
    const bool inner = draft.id.find("__") != std::string::npos;
    if (!is_name(draft.id, kPlaybookStepIdBytesMax) || inner ||
        std::ranges::find(kReserved, draft.id) != kReserved.end()) {
      problems_.add(*id, "a step_id is 1 to " + std::to_string(kPlaybookStepIdBytesMax) +
                             " letters, digits and single _, begins with a letter, and is no word of the language");
      return;
    }
    if (!by_id_.emplace(draft.id, drafts_.size()).second) {
      problems_.add(*id, "two steps are called '" + draft.id + "'");
      return;
    }
    Fields fields(item, "a step", problems_);
    draft.type = static_cast<StepType>(fields.one_of("type", step_type_names()).value_or(0));
    drafts_.push_back(std::move(draft));
  }

  std::optional<std::size_t> find_step(const YamlNode& at, std::string_view name) {
    if (const auto found = by_id_.find(name); found != by_id_.end()) return found->second;
    std::vector<std::string_view> known;
    for (const Draft& draft : drafts_) known.push_back(draft.id);
    problems_.add(at, "there is no step '" + escape_for_display(name) + "'" + suggestion(name, known));
    return std::nullopt;
  }

  std::optional<std::size_t> later_step(const YamlNode& at, std::string_view name, std::size_t from,
                                        std::string_view what) {
    const auto found = find_step(at, name);
    if (!found || *found > from) return found;
    problems_.add(
        at, "'" + std::string(what) + "' leads back to '" + std::string(name) + "'; what repeats is a feedback loop");
    return std::nullopt;
  }

  void read_gotos(const YamlNode& node, std::size_t from, std::vector<std::size_t>& out) {
    const auto take = [&](const YamlNode* action) {
      if (action == nullptr || !action->is_scalar()) return;
      const auto target = goto_target(trim(action->text));
      if (!target) return;
      const auto found = later_step(*action, *target, from, "goto");
      if (found && std::ranges::find(out, *found) == out.end()) out.push_back(*found);
    };
    const YamlNode* process = node.find("process");
    const YamlNode* otherwise = node.find("failure_action");
    if (process == nullptr || !process->is_sequence()) return;
    for (const YamlNode& entry : process->items) {
      const YamlNode* own = entry.find("failure_action");
      take(own != nullptr ? own : otherwise);
    }
  }

  void connect() {
    std::vector<FlowStep> flow(drafts_.size());
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      const Draft& draft = drafts_[i];
      FlowStep& step = flow[i];
      step.id = draft.id;
      const YamlNode* next = draft.node->find("next");
      step.implicit_next = next == nullptr;
      if (next == nullptr) {
        if (i + 1 < drafts_.size()) step.next = i + 1;
      } else if (!next->is_null()) {
        if (const auto name = text_of(*next, "'next'", problems_)) step.next = later_step(*next, *name, i, "next");
      }
      if (draft.type == StepType::Process) read_gotos(*draft.node, i, step.gotos);
      const YamlNode* needs = draft.node->find("needs");
      if (needs == nullptr) continue;
      step.needs_given = true;
      Fields fields(*draft.node, "a step", problems_);
      for (const YamlNode* need : fields.list("needs")) {
        const auto name = text_of(*need, "an entry of 'needs'", problems_);
        const auto found = name ? find_step(*need, *name) : std::nullopt;
        if (found && *found >= i)
          problems_.add(*need, "step '" + *name + "' comes after '" + draft.id + "'; put it before");
        else if (found)
          step.needs.push_back(*found);
      }
    }
    places_ = lay_out(flow);
    if (problems_.any()) return;  // What a broken jump leaves unreached says nothing.
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      if (places_[i].too_many) {
        problems_.add(*drafts_[i].node, "too many jumps lead to '" + drafts_[i].id + "'", kLimit);
        return;
      }
      if (!places_[i].reachable) problems_.add(*drafts_[i].node, "no step leads to '" + drafts_[i].id + "'");
    }
  }

  void check_agents() {
    const auto known = [&](const YamlNode& at, std::string_view name) {
      const auto agent = surroundings_.catalogue.agent(name);
      if (!agent && surroundings_.on_missing == OnMissing::Error)
        problems_.add(at,
                      "there is no agent '" + escape_for_display(name) + "'" +
                          suggestion(normal_agent_name(name), surroundings_.catalogue.agents()),
                      kUnknown);
      return agent ? *agent : normal_agent_name(name);
    };
    if (agents_ != nullptr && !agents_->is_sequence()) problems_.add(*agents_, "'agents' is a list of names");
    if (agents_ != nullptr && agents_->is_sequence()) {
      surroundings_.agents.emplace();
      for (const YamlNode& item : agents_->items)
        if (const auto name = text_of(item, "an agent", problems_)) surroundings_.agents->insert(known(item, *name));
    }
    if (models_ == nullptr) return;
    if (!models_->is_mapping()) {
      problems_.add(*models_, "'agent_llms' is a mapping of agents to models");
      return;
    }
    for (const auto& member : models_->members) known(member.key, member.key.text);
    problems_.remark(*models_, "'agent_llms' has no effect: no agent of this program uses a language model");
  }

  Json read_join(Fields& fields) {
    const YamlNode* join = fields.get("join");
    const auto cancel = fields.boolean("cancel_rest");
    if (join == nullptr) return {};
    Json out = Json::object();
    if (const auto number = join->as_integer(); number && *number >= 1)
      out.set("join", *number);
    else if (join->text == "any" || join->text == "all")
      out.set("join", join->text);
    else
      problems_.add(*join, "'join' is all, any or a number of steps");
    if (cancel) out.set("cancel_rest", *cancel);
    return out;
  }

  void compile() {
    Json nodes = Json::array();
    Json whys = Json::array();
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      compile_step(i, nodes);
      const PlaybookStep& step = playbook_.steps.back();
      if (!step.description.empty()) whys.push_back(Json::object({{"id", step.id}, {"why", step.description}}));
    }
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      const bool followed = std::ranges::any_of(
          places_, [&](const FlowPlace& place) { return std::ranges::find(place.after, i) != place.after.end(); });
      if (!followed) playbook_.result.push_back(drafts_[i].id);
    }
    if (output_ != nullptr) add_result(nodes);
    playbook_.plan = Json::object({{"v", 1}, {"nodes", std::move(nodes)}});
    if (!budget_.empty()) playbook_.plan.set("budget", to_json(budget_));
    playbook_.notes = Json::object({{"playbook", playbook_.name}, {"steps", std::move(whys)}});
    if (models_ != nullptr) playbook_.notes.set("agent_llms", codec::to_json(*models_));
  }

  void compile_step(std::size_t index, Json& nodes) {
    const Draft& draft = drafts_[index];
    const FlowPlace& place = places_[index];
    const Names names(playbook_, outputs_, place.ended);
    StepBuilder step({draft.node, draft.id, draft.type}, surroundings_, names, problems_);
    Fields& fields = step.fields();
    for (const auto* name : {"step_id", "type", "next", "needs", "metadata"}) fields.given(name);
    PlaybookStep shown;
    shown.id = draft.id;
    shown.type = step_type_names()[static_cast<std::size_t>(draft.type)];
    shown.description = fields.text("description").value_or("");
    shown.line = static_cast<int>(draft.node->line);
    const auto alias = read_alias(fields);
    std::vector<std::string> conditions;
    if (!place.reached.empty()) conditions.push_back(place.reached);
    if (const YamlNode* when = fields.get("when")) {
      shown.when = when->text;
      if (auto own = names.condition(*when, problems_)) conditions.push_back(std::move(*own));
    }
    std::vector<Need> needs;
    for (const std::size_t before : place.after) {
      needs.push_back({drafts_[before].id});
      shown.after.push_back(drafts_[before].id);
    }
    step.read_common();
    const auto budget = read_budget(fields, "budget", problems_);
    Block block(std::move(needs), all_of(conditions), read_join(fields));
    auto output = compile_type(draft.type, step, block);
    step.finish();
    if (!output)
      output = StepOutput{draft.id, output_path(draft.id), nullptr, {{output_path(draft.id), nullptr, false}}};
    if (!conditions.empty() || step.continues())
      for (Source& source : output->sources) source.certain = false;
    outputs_.index.emplace(draft.id, outputs_.all.size());
    if (alias && !outputs_.index.emplace(*alias, outputs_.all.size()).second)
      problems_.add(*fields.get("output"), "'" + *alias + "' already names another output");
    outputs_.all.push_back(std::move(*output));
    shown.nodes = block.ids();
    shown.calls = step.calls();
    playbook_.steps.push_back(std::move(shown));
    for (Json& node : block.take()) {
      check_written_out(*draft.node, draft.id, node);
      if (budget && can_have_budget(node.at("kind").as_string())) node.set("budget", to_json(*budget));
      nodes.push_back(std::move(node));
    }
  }

  /// What only combines values or waits uses nothing.
  static bool can_have_budget(std::string_view kind) {
    return kind == "call" || kind == "map" || kind == "loop" || kind == "child";
  }

  static std::optional<StepOutput> compile_type(StepType type, StepBuilder& step, Block& block) {
    switch (type) {
      case StepType::Standard:
        return compile_standard(step, block);
      case StepType::WorkInParallel:
        return compile_parallel(step, block);
      case StepType::SelfFeedbackLoop:
        return compile_self_loop(step, block);
      case StepType::PartnerFeedbackLoop:
        return compile_partner_loop(step, block);
      case StepType::Process:
        return compile_process(step, block);
      case StepType::Versus:
        return compile_versus(step, block);
      case StepType::Handoff:
        return compile_handoff(step, block);
    }
    return std::nullopt;
  }

  /// `output: name` or `output: {destination: name}`: another name for what the step gives.
  std::optional<std::string> read_alias(Fields& fields) {
    const YamlNode* written = fields.get("output");
    if (written == nullptr) return std::nullopt;
    const YamlNode* name = written;
    if (written->is_mapping()) {
      Fields members(*written, "a step's output", problems_);
      name = members.get("destination");
      members.finish();
    }
    if (name == nullptr || !name->is_scalar() || !is_name(name->text, kPlaybookStepIdBytesMax) ||
        std::ranges::find(kReserved, name->text) != kReserved.end()) {
      problems_.add(*written, "a step's 'output' is a name for it: letters, digits and _");
      return std::nullopt;
    }
    if (by_id_.contains(name->text)) {
      problems_.add(*name, "'" + name->text + "' is the id of a step");
      return std::nullopt;
    }
    return name->text;
  }

  /// Conditions that the steps before a step add to it may become too large or too deep.
  void check_written_out(const YamlNode& at, const std::string& id, const Json& value) {
    for (const Json& item : value.as_array()) check_written_out(at, id, item);
    for (const auto& [name, member] : value.as_object()) {
      const bool expression = name == "when" || name == "until" || name == "ensure" || name == "over" ||
                              name == "filter" || name == "$expr";
      if (!expression || !member.is_string()) {
        check_written_out(at, id, member);
        continue;
      }
      if (!Expression::parse(member.as_string()).ok()) {
        problems_.add(at, "the conditions of step '" + id + "' become too large written out; make two steps of it",
                      kLimit);
        return;
      }
    }
  }

  void add_result(Json& nodes) {
    const std::vector<bool> all(drafts_.size(), true);
    const Names names(playbook_, outputs_, all);
    if (!output_->is_mapping()) {
      problems_.add(*output_, "the playbook's 'output' is a mapping of names to values");
      return;
    }
    auto value = names.value(*output_, problems_);
    if (!value) return;
    std::vector<Need> needs;
    for (const auto& id : playbook_.result) needs.push_back({id});
    Block block;
    Json node = node_of(kResultNode, "merge");
    node.set("from", Json::array({std::move(*value)}));
    block.add(std::move(node), needs);
    for (Json& made : block.take()) {
      check_written_out(*output_, "output", made);
      nodes.push_back(std::move(made));
    }
    playbook_.result = {std::string(kResultNode)};
  }

  Playbook playbook_;
  Surroundings surroundings_;
  PlaybookOptions options_;
  Problems problems_;
  OnMissing on_missing_ = OnMissing::Error;
  const YamlNode* agents_ = nullptr;
  const YamlNode* models_ = nullptr;
  const YamlNode* output_ = nullptr;
  BudgetAmounts budget_;
  std::vector<Draft> drafts_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
  std::vector<FlowPlace> places_;
  StepOutputs outputs_;
};

}  // namespace
}  // namespace playbook

CompiledPlaybook compile_playbook(std::string_view yaml, const CapabilityCatalogue& catalogue,
                                  const PlaybookOptions& options) {
  return playbook::Compiler(catalogue, options).run(yaml);
}

Result<codec::Json> bind_inputs(const Playbook& playbook, codec::Json given) {
  const auto wrong = [](std::string message) { return Error("workflow.playbook_input", std::move(message)); };
  if (given.is_null()) given = codec::Json::object();
  std::vector<std::string_view> known;
  for (const PlaybookInput& input : playbook.inputs) {
    known.push_back(input.name);
    const codec::Json& value = given.at(input.name);
    if (value.is_null()) {
      if (input.required)
        return wrong("the input '" + input.name + "' (" + input.type + ") is missing" +
                     (input.description.empty() ? "" : ": " + input.description));
      given.set(input.name, input.default_value);
    } else if (!playbook::is_of_type(value, input.type)) {
      return wrong("the input '" + input.name + "' must be of type " + input.type);
    }
  }
  if (!playbook.inputs_declared) return given;
  for (const auto& [name, value] : given.as_object())
    if (std::ranges::find(known, name) == known.end())
      return wrong("the playbook has no input '" + escape_for_display(name) + "'" + playbook::suggestion(name, known));
  return given;
}

}  // namespace wrench::workflow
