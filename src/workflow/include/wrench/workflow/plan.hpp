#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/budget_amounts.hpp"
#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/labels.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kPlanNodesMax = 100'000;
inline constexpr std::size_t kPlanBytesMax = 8 * 1024 * 1024;
inline constexpr std::size_t kPlanDepthMax = 64;
inline constexpr std::size_t kMapItemsMax = 100'000;
inline constexpr int kMapParallelMax = 1'000;
inline constexpr int kRetryAttemptsMax = 100;
inline constexpr int kLoopIterationsMax = 1'000;
/// Steps of one key that run at once, and a rate's burst.
inline constexpr std::int64_t kLimitMax = 100'000;
inline constexpr Micros kTimeoutMax = 30 * kMicrosPerDay;

/// What a capability promises about its effects (docs/reference/workflow.md#effect-classes).
enum class Effect : std::uint8_t { Pure, LocalTransactional, Idempotent, Guarded };
enum class SlotClass : std::uint8_t { Cpu, Io, Llm };
inline constexpr std::size_t kSlotClasses = 3;

std::string_view name(Effect effect);
std::string_view name(SlotClass slot);

struct RetryPolicy {
  int attempts = 5;
  Micros first_us = kMicrosPerSecond;
  double factor = 2;
  Micros cap_us = 100 * kMicrosPerSecond;
};

/// 0 = none.
struct Timeouts {
  Micros schedule_to_start_us = 0;
  Micros start_to_close_us = 600 * kMicrosPerSecond;
  Micros schedule_to_close_us = kMicrosPerDay;
  Micros heartbeat_us = 0;
};

enum class NodeKind : std::uint8_t {
  Call,    ///< A capability of an agent.
  Map,     ///< Its body once for each item of a list, some at a time.
  Merge,   ///< One value from several. Pure.
  Loop,    ///< Its body again and again until a condition holds.
  Wait,    ///< For a person, a signal or a time. Holds no slot.
  Choose,  ///< The best of several values. Pure.
  Child,   ///< Another task, with a plan of its own: it begins one and waits for its end. Holds no slot meanwhile.
  Group,   ///< What a map with several nodes in its body makes of each item. Never written in a plan.
};
enum class OnFailure : std::uint8_t { Stop, Continue };
enum class MergeStrategy : std::uint8_t {
  Merge,           ///< Objects deeply, lists concatenated; of two scalars the later wins, its path is in `conflicts`.
  Append,          ///< {"items": […]} in order.
  Filter,          ///< Append, and of that what `filter` keeps.
  CombineContent,  ///< {"content": …}: the `content` texts, a blank line between them.
};
enum class ChooseStrategy : std::uint8_t {
  HighestWeightedScore,  ///< Sum of criterion x weight; ties: the earliest.
  FirstValid,            ///< The first that conforms to the schema.
  Majority,              ///< The value that most candidates agree on; ties: the earliest.
};
/// What becomes of a call that finds its key used up, and of other calls of the key.
enum class KeyStrategy : std::uint8_t {
  Queue,             ///< It waits for its turn.
  CancelNewest,      ///< It fails.
  RoundRobin,        ///< It waits; those that wait have their turns by sub-key.
  CancelRunning,     ///< It takes the place of the oldest that runs.
  KeepNewestQueued,  ///< It waits, in the place of all that waited before it.
};

/// How many calls of one key run at once, over all executions of a project, and how often one begins.
struct LimitSpec {
  std::optional<Expression> key;
  int cap = 0;
  std::optional<Expression> cap_expression;  ///< Instead of `cap`.
  KeyStrategy strategy = KeyStrategy::Queue;
  std::optional<Expression> by;  ///< RoundRobin: the sub-key.
  std::optional<Expression> rate;
  Micros period_us = 0;  ///< Between two beginnings, on average.
  int burst = 1;
};

/// The numbers are stored (waits.kind): add at the end.
enum class WaitKind : std::uint8_t { Signal, Input, Approval, Until, Child, Budget };
inline constexpr std::size_t kWaitKinds = 6;

std::string_view name(NodeKind kind);
std::string_view name(WaitKind kind);
std::string_view name(KeyStrategy strategy);

struct Need {
  std::uint32_t node = 0;  ///< Index in Plan::nodes().
  OnFailure on_failure = OnFailure::Stop;
};

class Plan;

/// The task that a child node begins. Values may hold references; those in its plan are the child's own.
struct ChildSpec {
  std::shared_ptr<const Plan> plan;
  codec::Json title, inputs;
  std::uint32_t output = 0;  ///< Its step (a node outside of bodies) whose output it gives back.
  bool abandon = false;      ///< It goes on if the step that waits for it is cancelled.
};

/// What a wait or child node waits for. Values may hold references.
struct WaitSpec {
  WaitKind kind = WaitKind::Signal;
  std::string name;        ///< signal
  codec::Json title;       ///< What the person reads: approval's title, input's prompt.
  codec::Json subject;     ///< approval: exactly what is approved.
  std::string role;        ///< approval: who may decide.
  bool four_eyes = false;  ///< approval: not the one who asked for the task.
  codec::Json schema;      ///< JSON Schema. input: of the answer; approval: of the subject with edits; null: any.
  codec::Json at;          ///< until: RFC 3339, or microseconds since 1970; null: `after_us` counts.
  Micros after_us = 0;     ///< until: from the start of the wait.
  Micros expires_us = 0;   ///< 0: never.
  bool optional = false;   ///< When it expires the step completes with null instead of failing.
  std::shared_ptr<const ChildSpec> child;
};

struct Candidate {
  std::string name;
  codec::Json value;
};
struct Criterion {
  std::string name;
  double weight = 1;
};
struct ChooseSpec {
  ChooseStrategy strategy = ChooseStrategy::HighestWeightedScore;
  std::vector<Candidate> candidates;
  std::vector<Criterion> criteria;
  codec::Json scores;  ///< Null: the candidates' own numbers.
  codec::Json schema;
};

/// One step of a plan. Nodes of a body follow after all nodes outside of it, side by side.
struct PlanNode {
  std::string id;
  NodeKind kind = NodeKind::Call;
  std::optional<std::uint32_t> container;        ///< The map, group or loop whose body this node is in.
  std::uint32_t body_first = 0, body_count = 0;  ///< map, group, loop: the nodes of the body. A map's is one node.
  codec::Json body_output;                       ///< group, loop: the body's value; null: its last node's output.
  std::string capability;                        ///< call: "agent.name"
  std::optional<Effect> effect;                  ///< Absent: what the capability declares.
  codec::Json input;                             ///< May hold {"$from": "inputs.x"} and the like at any depth.
  std::vector<Need> needs;
  int join = 0;              ///< How many needs must complete; 0: all.
  bool cancel_rest = false;  ///< With join: the needs that are still open are cancelled then.
  std::optional<Expression> when;
  std::optional<Expression> ensure;  ///< Over `output`: false turns the completion into a failure.
  bool ensure_retry = false;         ///< That failure is tried again.
  OnFailure on_failure =
      OnFailure::Stop;  ///< Continue: its failure neither fails the execution nor skips its dependents.
  RetryPolicy retry;
  Timeouts timeouts;
  std::optional<SlotClass> slot;                  ///< Absent: what the capability declares.
  bool finally = false;                           ///< Runs after all others, whatever became of them.
  std::optional<Expression> over;                 ///< map: the list.
  std::string item_name;                          ///< map: name of the item in the body.
  int max_parallel = 16;                          ///< map
  MergeStrategy strategy = MergeStrategy::Merge;  ///< merge and map: how the results become one output.
  std::optional<Expression> filter;               ///< Over `item`.
  std::vector<codec::Json> merge_from;            ///< merge: absent: the outputs of its needs.
  int max_iterations = 1;                         ///< loop
  std::optional<Expression> until;                ///< loop: over `output`, after each iteration.
  // Of these at most one is set: that of the kind.
  std::shared_ptr<const LimitSpec> limits;  ///< call
  std::shared_ptr<const Labels> labels;     ///< call: of the worker that may run it; null: any may.
  std::shared_ptr<const WaitSpec> wait;
  std::shared_ptr<const ChooseSpec> choose;
  std::shared_ptr<const BudgetAmounts>
      budget;  ///< call, map, loop, child: of the step with all that it does; null: none.

  bool has_body() const { return body_count > 0; }
};

/// An immutable graph of steps: plain data with a hash. Cheap to share: hold it by shared_ptr.
class Plan {
 public:
  /// Validates everything: shape, known needs, no cycle (message shows the path), expressions, limits.
  /// Errors: workflow.plan_invalid (message names the node and member), workflow.plan_too_large.
  static Result<std::shared_ptr<const Plan>> parse(const codec::Json& value);
  static Result<std::shared_ptr<const Plan>> parse_text(std::string_view json);

  const std::vector<PlanNode>& nodes() const { return nodes_; }
  /// The first so many nodes stand in no body; step numbers are theirs plus 1.
  std::uint32_t top_count() const { return top_count_; }
  /// Nodes that need this one, in order.
  const std::vector<std::uint32_t>& dependents(std::uint32_t node) const { return dependents_[node]; }
  std::optional<std::uint32_t> find(std::string_view id) const;
  /// A failure of this node doesn't fail the execution: it says so, or all that need it continue.
  bool tolerates_failure(std::uint32_t node) const { return tolerated_[node]; }
  std::uint32_t finally_count() const { return finally_count_; }
  /// Of the task that runs it.
  const BudgetAmounts& budget() const { return budget_; }
  bool has_step_budgets() const { return has_step_budgets_; }
  /// RFC 8785 form, and its SHA-256 as 32 raw bytes.
  const std::string& body() const { return body_; }
  const std::string& hash() const { return hash_; }

 private:
  friend class PlanBuilder;
  std::vector<PlanNode> nodes_;
  std::vector<std::vector<std::uint32_t>> dependents_;
  std::vector<std::uint32_t> by_id_;  // Indexes sorted by id.
  std::vector<bool> tolerated_;
  std::uint32_t top_count_ = 0;
  std::uint32_t finally_count_ = 0;
  BudgetAmounts budget_;
  bool has_step_budgets_ = false;
  std::string body_;
  std::string hash_;
};

/// Replaces in `value`, at any depth, {"$from": path} and {"$expr": expression} by what they mean (a missing name is
/// null), and {"$split": {"from": path, "parts": n, "index": i, "mode": "split" | "round_robin"}} by the i-th part of a
/// list: of "split" the parts are contiguous, their sizes differ by at most 1, and the larger ones come first.
/// Errors: workflow.expression_invalid, workflow.condition_type, workflow.expression_limit, workflow.bad_distribution.
Result<codec::Json> resolve_references(const codec::Json& value, const Scope& scope);

}  // namespace wrench::workflow
