#include "step.hpp"
#include "wrench/base/text.hpp"

/// An operation, others that its output may call for, and what makes one of their outputs.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

class Handoff {
 public:
  explicit Handoff(StepBuilder& step) : step_(step), names_(step.names()) {}

  std::optional<StepOutput> compile(Block& block) {
    static const std::vector<std::string_view> kModes = {"all", "first"};
    Fields& fields = step_.fields();
    fields.know({"agent", "primary_agent", "operation", "handoff_conditions", "mode", "completion_action"});
    const bool first_only = fields.one_of("mode", kModes) == 1;
    const YamlNode* agent = fields.either("agent", "primary_agent");
    const YamlNode* name = fields.get("operation");
    const YamlNode* completion = fields.get("completion_action");
    const auto conditions = fields.list("handoff_conditions");
    if (agent == nullptr || name == nullptr || !agent->is_scalar() || !name->is_scalar()) {
      step_.problems().add(step_.where(), "step '" + step_.id() + "' needs 'agent' and 'operation'");
      return std::nullopt;
    }
    const auto primary = step_.operation(trim(agent->text), *agent, trim(name->text), *name);
    if (!primary) return std::nullopt;
    const std::string id = step_.inner_id(primary->name);
    auto source = step_.call(block, *primary, id, names_, {});
    if (!source) return std::nullopt;
    primary_ = *source;
    take_output(id, *primary, std::move(*source));
    bool good = true;
    for (const YamlNode* entry : conditions) good = add_target(*entry, first_only, block) && good;
    if (!good) return std::nullopt;
    return finish(completion, *agent, block);
  }

 private:
  void take_output(const std::string& node, const Operation& operation, Source source) {
    outputs_.push_back(from(source.path));
    paths_.push_back(source.path);
    together_ = either_of(together_, source.members);
    names_.bind(operation.name, source.path, source.members);
    names_.push(std::move(source));
    last_ = node;
  }

  bool add_target(const YamlNode& entry, bool first_only, Block& block) {
    if (!entry.is_mapping()) {
      step_.problems().add(entry, "a handoff is {condition: …, target_agent: …, operation: …}");
      return false;
    }
    Fields fields(entry, "a handoff condition", step_.problems());
    const YamlNode* condition = fields.get("condition");
    const YamlNode* agent = fields.either("agent", "target_agent");
    const YamlNode* name = fields.get("operation");
    const YamlNode* parameters = fields.get("parameters");
    fields.finish();
    if (condition == nullptr || agent == nullptr || name == nullptr || !agent->is_scalar() || !name->is_scalar()) {
      step_.problems().add(entry, "a handoff needs 'condition', 'target_agent' and 'operation'");
      return false;
    }
    Names asked = names_;
    asked.set_current(primary_);
    auto when = asked.condition(*condition, step_.problems());
    auto operation = step_.operation(trim(agent->text), *agent, trim(name->text), *name);
    if (!when || !operation) return false;
    operation->parameters = parameters;
    const std::string own = *when;
    if (first_only && !before_.empty()) when = "(" + own + ") and not (" + any_of(before_) + ")";
    before_.push_back(own);
    const std::string id = step_.inner_id(operation->name);
    StepBuilder::CallOptions options{{{last_}}, *when, {}, Json()};
    auto source = step_.call(block, *operation, id, names_, std::move(options));
    if (!source) return false;
    take_output(id, *operation, std::move(*source));
    return true;
  }

  std::optional<StepOutput> finish(const YamlNode* completion, const YamlNode& agent, Block& block) {
    const std::string path = output_path(step_.id());
    if (completion == nullptr) {
      // The newest output that there is.
      Json merge = node_of(step_.id(), "merge");
      const std::vector<std::string> newest_first(paths_.rbegin(), paths_.rend());
      merge.set("from", Json::array({expr(first_of(newest_first))}));
      block.add(std::move(merge), {{last_}});
      return StepOutput{step_.id(), path, together_, {{path, together_, true}}};
    }
    const auto text = text_of(*completion, "'completion_action'", step_.problems());
    if (!text) return std::nullopt;
    const bool built_in = *text == "merge_results";
    Json merge = node_of(built_in ? step_.id() : step_.inner_id("merge_results"), "merge");
    merge.set("from", std::move(outputs_));
    const std::string merged(merge.at("id").as_string());
    block.add(std::move(merge), {{last_}});
    const Members members = either_of(together_, just({"conflicts"}));
    if (built_in) return StepOutput{step_.id(), path, members, {{path, members, true}}};

    const bool both = text->find(':') != std::string::npos || text->find('.') != std::string::npos;
    const auto operation =
        both ? step_.operation(*text, *completion) : step_.operation(trim(agent.text), *completion, *text, *completion);
    if (!operation) return std::nullopt;
    Names names = names_;
    names.push({output_path(merged), members, true});
    StepBuilder::CallOptions options;
    options.needs = {{merged}};
    auto source = step_.call(block, *operation, step_.id(), names, std::move(options));
    if (!source) return std::nullopt;
    return StepOutput{step_.id(), path, operation->output(), {std::move(*source)}};
  }

  StepBuilder& step_;
  Names names_;
  Source primary_;
  Members together_ = just({});
  Json outputs_ = Json::array();
  std::vector<std::string> paths_;
  std::vector<std::string> before_;
  std::string last_;
};

}  // namespace

std::optional<StepOutput> compile_handoff(StepBuilder& step, Block& block) { return Handoff(step).compile(block); }

}  // namespace wrench::workflow::playbook
