#include <algorithm>
#include <set>

#include "step.hpp"
#include "wrench/base/text.hpp"

/// A chain of operations with a gate after each.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

enum class Action { Stop, Continue, LogAndSkip, LogAndFix, Retry, Goto, Call };

struct Gate {
  Operation operation;
  const YamlNode* condition = nullptr;
  Action action = Action::Stop;
  std::string target;                ///< Of Goto.
  std::optional<Operation> instead;  ///< Of Call: stands in. Of LogAndFix: what mends.
  std::string node;
  std::string name;      ///< Of its output in the step's: the operation's, and a number when it isn't the first of it.
  bool certain = false;  ///< Its output is there when the step has completed.
};

class Process {
 public:
  explicit Process(StepBuilder& step) : step_(step), names_(step.names()) {}

  std::optional<StepOutput> compile(Block& block) {
    if (!read()) return std::nullopt;
    for (Gate& gate : gates_)
      if (!add(gate, block)) return std::nullopt;
    return finish(block);
  }

 private:
  bool read() {
    Fields& fields = step_.fields();
    const YamlNode* agent = fields.get("agent");
    whole_ = fields.get("condition");
    const YamlNode* otherwise = fields.get("failure_action");
    bool good = true;
    const auto entries = fields.list("process");
    for (const YamlNode* entry : entries) {
      Gate gate;
      Fields members(*entry, "an operation of a process", step_.problems());
      auto operation = step_.entry(*entry, members, agent);
      const YamlNode* action = nullptr;
      if (entry->is_mapping()) {
        gate.condition = members.get("condition");
        action = members.get("failure_action");
        members.finish();
      }
      if (!operation) {
        good = false;
        continue;
      }
      gate.operation = std::move(*operation);
      gate.node = step_.inner_id(gate.operation.name);
      gate.name = gate.operation.name;
      for (int n = 2; !used_.insert(gate.name).second; ++n) gate.name = gate.operation.name + "_" + std::to_string(n);
      if (action == nullptr) action = otherwise;
      good = (action == nullptr || read_action(*action, gate)) && good;
      gates_.push_back(std::move(gate));
    }
    if (gates_.empty() && good) {
      step_.problems().add(step_.where(), "step '" + step_.id() + "' needs 'process': a list of operations");
      return false;
    }
    return good;
  }

  bool read_action(const YamlNode& node, Gate& gate) {
    static const std::vector<std::string_view> kWords = {"stop", "continue", "log_and_skip", "log_and_fix", "retry"};
    const auto text = text_of(node, "'failure_action'", step_.problems());
    if (!text) return false;
    if (const auto word = std::ranges::find(kWords, *text); word != kWords.end()) {
      gate.action = static_cast<Action>(word - kWords.begin());
      if (gate.action == Action::LogAndFix) gate.instead = step_.operation(gate.operation.agent, node, "fix", node);
      return gate.action != Action::LogAndFix || gate.instead.has_value();
    }
    if (auto target = goto_target(*text)) {
      gate.action = Action::Goto;
      gate.target = std::move(*target);
      return true;
    }
    if (text->find(':') == std::string::npos && text->find('.') == std::string::npos) {
      step_.problems().add(node, "unknown failure_action '" + escape_for_display(*text) + "'" +
                                     suggestion(*text, kWords) + " (or goto:STEP, or agent:operation)");
      return false;
    }
    gate.action = Action::Call;
    gate.instead = step_.operation(*text, node);
    return gate.instead.has_value();
  }

  std::vector<Need> after_last() const { return last_ ? std::vector<Need>{*last_} : std::vector<Need>{}; }
  std::string while_going() const { return all_of(going_on_); }

  /// The condition about the operation's output, wherever that stands.
  std::optional<std::string> condition(const Gate& gate, const Source& output) {
    if (gate.condition == nullptr) return std::string("true");
    Names names = names_;
    names.set_current({output.path, output.members, true});
    return names.condition(*gate.condition, step_.problems());
  }

  bool add(Gate& gate, Block& block) {
    switch (gate.action) {
      case Action::LogAndFix:
        return add_mended(gate, block);
      case Action::Stop:
      case Action::Retry:
        return add_guarded(gate, block);
      default:
        return add_tolerated(gate, block);
    }
  }

  /// A false condition fails the operation, and with it the step.
  bool add_guarded(Gate& gate, Block& block) {
    StepBuilder::CallOptions options{after_last(), while_going(), {}, Json::object()};
    if (gate.condition != nullptr) {
      const auto ensure = condition(gate, {"output", gate.operation.output(), true});
      if (!ensure) return false;
      options.extra.set("ensure", *ensure);
      if (gate.action == Action::Retry) options.extra.set("ensure_retry", true);
    }
    auto source = step_.call(block, gate.operation, gate.node, names_, std::move(options));
    if (!source) return false;
    passed(gate, "true");
    last_ = Need{gate.node};
    done(gate, std::move(*source));
    return true;
  }

  /// A false condition or a failure is dealt with by what follows.
  bool add_tolerated(Gate& gate, Block& block) {
    StepBuilder::CallOptions options{after_last(), while_going(), {}, Json::object({{"on_failure", "continue"}})};
    auto source = step_.call(block, gate.operation, gate.node, names_, std::move(options));
    if (!source) return false;
    const auto holds = condition(gate, *source);  // Asked only of an operation that completed.
    if (!holds) return false;
    source->certain = false;
    const std::string pass = "steps." + gate.node + ".state == 'completed' and (" + *holds + ")";
    passed(gate, pass);
    if (gate.action == Action::Goto) {
      jumps_.emplace_back(while_going(), pass, gate.target);
      going_on_.push_back(pass);
    }
    last_ = Need{gate.node, AfterFailure::Anyway};
    if (gate.action == Action::LogAndSkip) {
      outputs_.set(gate.name, expr("(" + pass + ") ? " + source->path + " : null"));
      result_ = "((" + pass + ") ? " + source->path + " : " + result_ + ")";
      return true;
    }
    if (gate.action != Action::Call) {
      done(gate, std::move(*source));
      return true;
    }
    return add_stand_in(gate, *source, pass, block);
  }

  bool add_stand_in(const Gate& gate, const Source& source, const std::string& pass, Block& block) {
    const std::string id = step_.inner_id(gate.instead->name);
    std::vector<std::string> when = going_on_;
    when.push_back("not (" + pass + ")");
    StepBuilder::CallOptions options{{{gate.node, AfterFailure::Anyway}},
                                     all_of(when),
                                     {{"operation", gate.operation.name}, {"output", from(source.path)}},
                                     Json()};
    auto stand_in = step_.call(block, *gate.instead, id, names_, std::move(options));
    if (!stand_in) return false;
    outputs_.set(gate.name, expr(first_of({stand_in->path, source.path})));
    result_ = first_of({stand_in->path, source.path, result_});
    names_.bind(gate.name, source.path, source.members);
    names_.push(source);
    names_.push(*stand_in);
    last_ = Need{id};
    return true;
  }

  /// A loop: the operation, and before each further try the agent's `fix`.
  bool add_mended(Gate& gate, Block& block) {
    Names names = names_;
    names.bind_root("iteration");
    names.bind_root("previous");
    Block body;
    const std::string mend = step_.inner_id("fix");
    const std::string tried = step_.inner_id(gate.operation.name);
    StepBuilder::CallOptions fix{{},
                                 "iteration > 1",
                                 {{"operation", gate.operation.name},
                                  {"output", from("previous.result")},
                                  {"attempt", Json::object({{"$expr", "iteration - 1"}})}},
                                 Json()};
    if (!step_.call(body, *gate.instead, mend, names, std::move(fix))) return false;
    auto source = step_.call(body, gate.operation, tried, names, {{{mend}}, "", {}, Json()});
    if (!source) return false;
    const auto until = condition(gate, {"output.result", gate.operation.output(), true});
    if (!until) return false;
    // With the number of the try: an output that stays the same doesn't end it early.
    Json output = Json::object({{"result", from(source->path)}, {"tries", from("iteration")}});
    Json node = node_of(gate.node, "loop");
    node.set("max_iterations", 1 + kPlaybookFixesMax);
    node.set("until", *until);
    node.set("body", Json::object({{"nodes", body.take()}, {"output", std::move(output)}}));
    node.set("ensure", "output.ended_by == 'condition'");
    block.add(std::move(node), after_last(), while_going());
    passed(gate, "true");
    last_ = Need{gate.node};
    done(gate, {output_path(gate.node) + ".result.result", gate.operation.output(), while_going().empty()});
    return true;
  }

  void passed(const Gate& gate, const std::string& holds) {
    if (gate.condition == nullptr && gate.action != Action::Goto) return;
    verdicts_.set(gate.name, holds == "true" && going_on_.empty()
                                 ? Json(true)
                                 : Json::object({{"$expr", holds == "true" ? reached(gate) : holds}}));
  }
  static std::string reached(const Gate& gate) { return "steps." + gate.node + ".state == 'completed'"; }

  void done(Gate& gate, Source source) {
    gate.certain = source.certain;
    outputs_.set(gate.name, from(source.path));
    result_ = source.certain ? source.path : first_of({source.path, result_});
    names_.bind(gate.name, source.path, source.members);
    names_.push(std::move(source));
  }

  std::optional<StepOutput> finish(Block& block) {
    Json output = Json::object({{"result", expr(result_)}});
    output.set("operations", std::move(outputs_));
    if (!verdicts_.as_object().empty()) output.set("passed", std::move(verdicts_));
    if (!jumps_.empty()) output.set("goto", Json::object({{"$expr", jump()}}));
    Json merge = node_of(step_.id(), "merge");
    merge.set("from", Json::array({std::move(output)}));
    if (whole_ != nullptr) {
      Names names = names_;
      names.set_current({"output.result", nullptr, true});
      const auto ensure = names.condition(*whole_, step_.problems());
      if (!ensure) return std::nullopt;
      merge.set("ensure", *ensure);
    }
    block.add(std::move(merge), after_last());
    const std::string path = output_path(step_.id());
    StepOutput out{step_.id(), path, just({"result", "operations", "passed", "goto"}), {}};
    for (const Gate& gate : gates_)
      out.sources.push_back({path + ".operations." + gate.name, gate.operation.output(), gate.certain});
    return out;
  }

  /// Where the first gate that didn't hold leads to; null when all held.
  std::string jump() const {
    std::string out = "null";
    for (auto it = jumps_.rbegin(); it != jumps_.rend(); ++it) {
      const auto& [reached, pass, target] = *it;
      const std::string left = reached.empty() ? "not (" + pass + ")" : "(" + reached + ") and not (" + pass + ")";
      out = "(" + left + ") ? " + quoted(target) + " : " + out;
    }
    return out;
  }

  struct Jump {
    std::string reached, pass, target;
    Jump(std::string r, std::string p, std::string t)
        : reached(std::move(r)), pass(std::move(p)), target(std::move(t)) {}
  };

  StepBuilder& step_;
  Names names_;
  std::vector<Gate> gates_;
  std::set<std::string> used_;
  const YamlNode* whole_ = nullptr;
  std::optional<Need> last_;
  std::vector<std::string> going_on_;  // What must have held for the next operation to run.
  std::string result_ = "null";
  std::vector<Jump> jumps_;
  Json outputs_ = Json::object(), verdicts_ = Json::object();
};

}  // namespace

std::optional<StepOutput> compile_process(StepBuilder& step, Block& block) { return Process(step).compile(block); }

}  // namespace wrench::workflow::playbook
