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
#include "wrench/workflow/expression.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kPlanNodesMax = 100'000;
inline constexpr std::size_t kPlanBytesMax = 8 * 1024 * 1024;
inline constexpr std::size_t kPlanDepthMax = 64;
inline constexpr std::size_t kMapItemsMax = 100'000;
inline constexpr int kMapParallelMax = 1'000;
inline constexpr int kRetryAttemptsMax = 100;
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

enum class NodeKind : std::uint8_t { Call, Map, Merge };
enum class OnFailure : std::uint8_t { Stop, Continue };
enum class MergeStrategy : std::uint8_t {
  Merge,   ///< Objects deeply, lists concatenated; of two scalars the later wins and its path is in `conflicts`.
  Append,  ///< {"items": […]} in order.
};

struct Need {
  std::uint32_t node = 0;  ///< Index in Plan::nodes().
  OnFailure on_failure = OnFailure::Stop;
};

/// One step of a plan. A map's body shares the node: capability and input are those of each item's step.
struct PlanNode {
  std::string id;
  NodeKind kind = NodeKind::Call;
  std::string capability;        ///< "agent.name"; empty for merge.
  std::optional<Effect> effect;  ///< Absent: what the capability declares.
  codec::Json input;             ///< May hold {"$from": "inputs.x"} at any depth.
  std::vector<Need> needs;
  std::optional<Expression> when;
  OnFailure on_failure =
      OnFailure::Stop;  ///< Continue: its failure neither fails the execution nor skips its dependents.
  RetryPolicy retry;
  Timeouts timeouts;
  std::optional<SlotClass> slot;                  ///< Absent: what the capability declares.
  bool finally = false;                           ///< Runs after all others, whatever became of them.
  std::optional<Expression> over;                 ///< map: the list.
  std::string item_name;                          ///< map: name of the item in the body's input.
  int max_parallel = 16;                          ///< map
  MergeStrategy strategy = MergeStrategy::Merge;  ///< merge and map: how the results become one output.
  std::vector<codec::Json> merge_from;  ///< merge: values, usually {"$from": …}; absent: the outputs of its needs.
};

/// An immutable graph of steps: plain data with a hash. Cheap to share: hold it by shared_ptr.
class Plan {
 public:
  /// Validates everything: shape, known needs, no cycle (message shows the path), expressions, limits.
  /// Errors: workflow.plan_invalid (message names the node and member), workflow.plan_too_large.
  static Result<std::shared_ptr<const Plan>> parse(const codec::Json& value);
  static Result<std::shared_ptr<const Plan>> parse_text(std::string_view json);

  const std::vector<PlanNode>& nodes() const { return nodes_; }
  /// Nodes that need this one, in order.
  const std::vector<std::uint32_t>& dependents(std::uint32_t node) const { return dependents_[node]; }
  std::optional<std::uint32_t> find(std::string_view id) const;
  /// A failure of this node doesn't fail the execution: it says so, or all that need it continue.
  bool tolerates_failure(std::uint32_t node) const { return tolerated_[node]; }
  std::uint32_t finally_count() const { return finally_count_; }
  /// RFC 8785 form, and its SHA-256 as 32 raw bytes.
  const std::string& body() const { return body_; }
  const std::string& hash() const { return hash_; }

 private:
  std::vector<PlanNode> nodes_;
  std::vector<std::vector<std::uint32_t>> dependents_;
  std::vector<std::uint32_t> by_id_;  // Indexes sorted by id.
  std::vector<bool> tolerated_;
  std::uint32_t finally_count_ = 0;
  std::string body_;
  std::string hash_;
};

/// Replaces every {"$from": path} in `value` by what the path means; a missing one becomes null.
/// Errors: workflow.expression_invalid.
Result<codec::Json> resolve_references(const codec::Json& value, const Scope& scope);

}  // namespace wrench::workflow
