#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flow.hpp"
#include "flow_values.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::code {

/// What a Mark or Propagate operation stands for.
struct FlowMark {
  enum class What : std::uint8_t { Source, Sanitizer, Sink, Propagator };
  What what = What::Source;
  LabelMask labels = 0;   ///< Given, taken away, looked at, or carried on.
  LabelMask becomes = 0;  ///< Propagator: the label that replaces those of `labels`; 0: they stay.
  /// What must be carried for the mark to count; empty: for sinks any of `labels`, else nothing.
  std::function<bool(LabelMask carried)> required;
  /// Sources: labels one of which is all that `required` asks for; 0 when it asks for more. What a parameter brings is
  /// then asked of the callers.
  LabelMask needed = 0;
};

/// Labels that certain values don't keep, by option of their rules.
struct FlowSafety {
  LabelMask functions = 0, indexes = 0, comparisons = 0, booleans = 0, numbers = 0, only_assignments = 0;
};

/// A file and what its marks mean. Neither is owned.
struct FlowUnit {
  const FlowFile* file = nullptr;
  const std::vector<FlowMark>* marks = nullptr;
};

struct FlowMarkRef {
  std::uint32_t unit = 0, mark = 0;
  friend auto operator<=>(const FlowMarkRef&, const FlowMarkRef&) = default;
};

/// A call on the way from a source to a sink.
struct FlowHop {
  std::uint32_t unit = 0;    ///< Where the call stands.
  std::uint32_t first = 0;   ///< Byte.
  std::uint32_t callee = 0;  ///< Of that unit's names.
};

/// A source that reaches a sink.
struct FlowHit {
  FlowMarkRef sink, source;
  std::vector<FlowHop> hops;  ///< Calls that lead from the source's function to the sink's.
};

/// A body that runs on what comes from outside.
struct FlowReached {
  std::uint32_t unit = 0, body = 0;
  std::uint32_t from_unit = 0, from_body = 0;  ///< The nearest body with a source, itself or one that calls it.
};

enum class FlowScope : std::uint8_t {
  All,
  BetweenFiles,  ///< Only what can have a source, a sink or a call in between in different units is looked at.
};

/// Follows values through files: abstract interpretation of each function, calls between them by summaries, which are
/// made once, when the first caller asks.
class FlowAnalysis {
 public:
  /// What `units` points to must outlive it. `budget` bounds the whole.
  FlowAnalysis(std::vector<FlowUnit> units, FlowSafety safety, CpuBudget budget);
  /// Bodies with a source, and what they call in turn: each once, nearest first. Only sources in units that `counts`
  /// names are looked at.
  std::vector<FlowReached> reached(const std::vector<bool>& counts);
  /// Every pair once, in order of sinks.
  std::vector<FlowHit> run(FlowScope scope);
  /// Unit and name of functions that were too large or took too long.
  const std::vector<std::pair<std::uint32_t, std::uint32_t>>& cut() const { return cut_; }

 private:
  struct BodyRef {
    std::uint32_t unit = 0, body = 0;
    friend bool operator==(const BodyRef&, const BodyRef&) = default;
  };
  struct SinkEntry {  ///< A parameter reaches a sink.
    Origin param = 0;
    LabelMask labels = 0;
    FlowMarkRef sink;
    bool granted = false;  ///< What the sink requires is there once the argument carries one of `labels`.
    std::vector<FlowHop> hops;
  };
  struct Condition {  ///< A source is one when a parameter carries one of these.
    Origin source = 0, param = 0;
    LabelMask labels = 0;
  };
  struct Summary {
    bool started = false, done = false;
    ValueId returned = kUnknown;
    std::vector<SinkEntry> sinks;
    std::vector<Condition> conditions;
  };
  using State = std::vector<ValueId>;
  friend class BodyRun;

  const FlowFile& file(std::uint32_t unit) const { return *units_[unit].file; }
  const FlowMark& mark(FlowMarkRef ref) const { return (*units_[ref.unit].marks)[ref.mark]; }
  const FlowBody& body(BodyRef ref) const { return file(ref.unit).bodies[ref.body]; }
  FlowMarkRef source_of(Origin origin) const;
  const Summary* summary(BodyRef ref, int depth);
  void run_body(BodyRef ref, int depth);
  bool is_useful(std::uint32_t unit) const;
  /// Bodies that a value may go through from one unit to another; in order.
  std::vector<BodyRef> crossing_bodies();
  /// What a call may run depends on no more of it.
  struct CallKind {
    std::uint32_t unit = 0, name = 0, type = 0, caller_class = 0, arguments = 0, flags = 0;
    friend bool operator==(const CallKind&, const CallKind&) = default;
  };
  struct CallKindHash {
    std::size_t operator()(const CallKind& kind) const;
  };
  /// Bodies that a call may run, at most a few; none when that isn't known. Stays as it is.
  const std::vector<BodyRef>& callees(std::uint32_t unit, const FlowBody& caller, const FlowOp& call);
  std::vector<BodyRef> find_callees(std::uint32_t unit, const FlowBody& caller, const FlowOp& call) const;
  bool fits(std::uint32_t unit, const FlowBody& caller, const FlowOp& call, std::string_view path,
            BodyRef candidate) const;
  void add_hit(FlowMarkRef sink, FlowMarkRef source, std::vector<FlowHop> hops);

  std::vector<FlowUnit> units_;
  FlowSafety safety_;
  CpuBudget budget_;
  ValuePool pool_;
  std::vector<Origin> first_source_;  ///< Of each unit: the origin of its first mark.
  std::vector<std::vector<Summary>> summaries_;
  std::unordered_map<std::string_view, std::vector<BodyRef>> by_name_;
  std::unordered_map<CallKind, std::vector<BodyRef>, CallKindHash> callees_;
  std::vector<std::unordered_map<std::uint32_t, ValueId>> globals_;  ///< By name, once the module has run.
  std::vector<FlowHit> hits_;
  std::map<std::pair<FlowMarkRef, FlowMarkRef>, std::size_t> hit_index_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> cut_;
};

}  // namespace wrench::code
