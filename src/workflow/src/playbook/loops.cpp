#include <algorithm>

#include "step.hpp"
#include "wrench/base/text.hpp"

/// A loop of one agent's operations, or of several agents in roles.
namespace wrench::workflow::playbook {

using codec::Json;
using codec::YamlNode;

namespace {

constexpr std::string_view kReviewer = "reviewer";

struct LoopOperation {
  Operation operation;
  std::string role, node;
  bool once = false;  ///< Only in the first round.
};

void know_loop(Fields& fields) {
  fields.know({"operations", "operation", "iterations", "termination_condition", "exit_condition", "pause"});
}

std::optional<std::vector<LoopOperation>> read_operations(StepBuilder& step, const YamlNode* agents) {
  Fields& fields = step.fields();
  const YamlNode* agent = agents == nullptr ? fields.get("agent") : nullptr;
  std::vector<LoopOperation> out;
  bool good = true;
  auto entries = fields.list("operations");
  if (entries.empty() && agents == nullptr)
    if (const YamlNode* one = fields.get("operation")) entries.push_back(one);
  for (const YamlNode* entry : entries) {
    Fields members(*entry, "an operation", step.problems());
    LoopOperation next;
    const YamlNode* whose = agent;
    if (agents != nullptr) {
      const auto role = members.text("role");
      const YamlNode* of_role = role ? agents->find(*role) : nullptr;
      if (of_role == nullptr) {
        std::vector<std::string_view> known;
        for (const auto& member : agents->members) known.push_back(member.key.text);
        step.problems().add(
            *entry, role ? "no agent has the role '" + escape_for_display(*role) + "'" + suggestion(*role, known)
                         : "an operation names its 'role' and its 'name'");
        good = false;
        continue;
      }
      next.role = *role;
      whose = of_role;
    }
    if (entry->is_mapping()) next.once = members.boolean("once").value_or(false);
    auto operation = step.entry(*entry, members, whose);
    if (entry->is_mapping()) members.finish();
    if (!operation) {
      good = false;
      continue;
    }
    next.operation = std::move(*operation);
    next.node = step.inner_id(next.operation.name);
    out.push_back(std::move(next));
  }
  if (out.empty() && good) {
    step.problems().add(step.where(), "step '" + step.id() + "' needs operations to repeat");
    return std::nullopt;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

/// The newest output of the operations with this role, as one value; null when none ran.
std::string newest_of(const std::vector<LoopOperation>& operations, std::size_t count, std::string_view role,
                      const std::string& before) {
  std::vector<std::string> paths;
  for (std::size_t i = count; i-- > 0;)
    if ((operations[i].role == kReviewer) == (role == kReviewer)) paths.push_back(output_path(operations[i].node));
  paths.push_back(before);
  return first_of(paths);
}

class Loop {
 public:
  Loop(StepBuilder& step, std::vector<LoopOperation> operations)
      : step_(step), operations_(std::move(operations)), names_(step.names()) {
    pauses_ = step.fields().get("pause") != nullptr;
    before_ = pauses_ ? "previous.result" : "previous";
    partners_ = std::ranges::any_of(operations_, [](const LoopOperation& one) { return !one.role.empty(); });
    names_.bind_root("iteration");
    names_.bind("previous", before_, nullptr);
    Members last = partners_ ? nullptr : operations_.back().operation.output();
    if (partners_) {
      names_.push({before_ + ".review", members_of_role(true), false});
      names_.push({before_ + ".work", members_of_role(false), false});
    } else {
      names_.push({before_, std::move(last), false});
    }
  }

  std::optional<StepOutput> compile(Block& block) {
    const auto iterations = step_.fields().integer("iterations", 1, kPlaybookIterationsMax);
    const YamlNode* until = step_.fields().either("termination_condition", "exit_condition");
    if (!add_pause() || !add_operations()) return std::nullopt;
    std::vector<std::string> ends;
    if (!accepted_.empty()) ends.push_back(accepted_);
    if (until != nullptr) {
      auto condition = names_.condition(*until, step_.problems());
      if (!condition) return std::nullopt;
      ends.push_back(std::move(*condition));
    }
    Json result = output();
    // Whoever waits for something sees the same until it comes: with a number the rounds aren't equal.
    if (pauses_) result = Json::object({{"result", std::move(result)}, {"round", from("iteration")}});
    Json body = Json::object({{"nodes", body_.take()}, {"output", std::move(result)}});
    Json node = node_of(step_.id(), "loop");
    node.set("max_iterations", iterations.value_or(kPlaybookIterationsDefault));
    node.set("until", ends.empty() ? "false" : any_of(ends));
    node.set("body", std::move(body));
    if (step_.continues()) node.set("on_failure", "continue");
    block.add(std::move(node), {});
    return seen_from_outside();
  }

 private:
  Members members_of_role(bool reviewer) const {
    Members out = just({});
    bool any = false;
    for (const LoopOperation& one : operations_) {
      if ((one.role == kReviewer) != reviewer) continue;
      out = either_of(out, one.operation.output());
      any = true;
    }
    return any ? out : just({});
  }

  /// Rests between two rounds.
  bool add_pause() {
    if (!pauses_) return true;
    const auto pause = step_.fields().duration("pause");
    if (!pause) return false;
    Json wait = node_of(step_.inner_id("pause"), "wait");
    wait.set("on", "until");
    wait.set("after_ms", *pause / kMicrosPerMs);
    body_.add(std::move(wait), {}, "iteration > 1");
    return true;
  }

  bool add_operations() {
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const LoopOperation& one = operations_[i];
      StepBuilder::CallOptions options;
      if (!body_.empty()) options.needs = {{body_.last()}};
      std::vector<std::string> conditions;
      if (one.once) conditions.emplace_back("iteration == 1");
      // Nobody goes on with what was accepted.
      if (!accepted_.empty()) conditions.push_back("not (" + accepted_ + ")");
      options.when = all_of(conditions);
      if (partners_)
        options.offers = {{"input", expr(step_.names().newest())},
                          {"work", expr(newest_of(operations_, i, "", before_ + ".work"))},
                          {"review", expr(newest_of(operations_, i, kReviewer, before_ + ".review"))}};
      auto source = step_.call(body_, one.operation, one.node, names_, std::move(options));
      if (!source) return false;
      names_.bind(one.operation.name, source->path, source->members);
      names_.push(*source);
      if (one.role == kReviewer) accepted_ += (accepted_.empty() ? "" : " or ") + source->path + ".accepted == true";
    }
    return true;
  }

  Json output() const {
    if (partners_)
      return Json::object(
          {{"work", expr(newest_of(operations_, operations_.size(), "", before_ + ".work"))},
           {"review", expr(newest_of(operations_, operations_.size(), kReviewer, before_ + ".review"))}});
    std::vector<std::string> paths;
    for (auto it = operations_.rbegin(); it != operations_.rend(); ++it) {
      paths.push_back(output_path(it->node));
      if (!it->once) break;
    }
    if (operations_.front().once && paths.size() == operations_.size()) paths.push_back(before_);
    return expr(first_of(paths));
  }

  StepOutput seen_from_outside() const {
    const std::string path = output_path(step_.id());
    const std::string result = path + (pauses_ ? ".result.result" : ".result");
    StepOutput out{step_.id(), path, just({"result", "iterations", "ended_by"}), {}};
    if (partners_) {
      out.sources = {{result + ".review", members_of_role(true), false},
                     {result + ".work", members_of_role(false), true}};
    } else {
      out.sources = {{result, operations_.back().operation.output(), true}};
    }
    return out;
  }

  StepBuilder& step_;
  std::vector<LoopOperation> operations_;
  Names names_;
  Block body_;
  std::string accepted_;
  bool partners_ = false;
  bool pauses_ = false;
  std::string before_;  ///< The output of the round before.
};

}  // namespace

std::optional<StepOutput> compile_self_loop(StepBuilder& step, Block& block) {
  step.fields().know({"agent"});
  know_loop(step.fields());
  auto operations = read_operations(step, nullptr);
  return operations ? Loop(step, std::move(*operations)).compile(block) : std::nullopt;
}

std::optional<StepOutput> compile_partner_loop(StepBuilder& step, Block& block) {
  know_loop(step.fields());
  const YamlNode* agents = step.fields().get("agents");
  if (agents == nullptr || !agents->is_mapping() || agents->members.empty()) {
    step.problems().add(agents == nullptr ? step.where() : *agents,
                        "step '" + step.id() + "' needs 'agents' by role: {creator: …, reviewer: …}");
    return std::nullopt;
  }
  auto operations = read_operations(step, agents);
  return operations ? Loop(step, std::move(*operations)).compile(block) : std::nullopt;
}

}  // namespace wrench::workflow::playbook
