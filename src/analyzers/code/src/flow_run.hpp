#pragma once

#include <cstdint>
#include <functional>
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
};

/// Labels that certain values don't keep, by option of their rules.
struct FlowSafety {
  LabelMask functions = 0, indexes = 0, comparisons = 0, booleans = 0, numbers = 0, only_assignments = 0;
};

/// A call on the way from a source to a sink.
struct FlowHop {
  std::uint32_t first = 0;   ///< Byte.
  std::uint32_t callee = 0;  ///< Of FlowFile::names.
};

/// A source that reaches a sink.
struct FlowHit {
  std::uint32_t sink = 0, source = 0;  ///< Marks.
  std::vector<FlowHop> hops;           ///< Calls that lead from the source's function to the sink's.
};

/// Follows values through one file: abstract interpretation of each body, calls within the file by summaries.
class FlowAnalysis {
 public:
  /// `file` and `marks` must outlive it. `budget` bounds the whole.
  FlowAnalysis(const FlowFile& file, const std::vector<FlowMark>& marks, FlowSafety safety, CpuBudget budget);
  /// Every pair once, in order of sinks.
  std::vector<FlowHit> run();
  /// Names of functions that were too large or took too long.
  const std::vector<std::uint32_t>& cut() const { return cut_; }

 private:
  struct SinkEntry {  ///< A parameter reaches a sink.
    Origin param = 0;
    LabelMask labels = 0;
    std::uint32_t sink = 0;
    std::vector<FlowHop> hops;
  };
  struct Summary {
    bool started = false, done = false;
    ValueId returned = kUnknown;
    std::vector<SinkEntry> sinks;
  };
  using State = std::vector<ValueId>;
  friend class BodyRun;

  const Summary* summary(std::size_t body, int depth);
  void run_body(std::size_t body, int depth);
  /// Bodies that a call may run, at most a few; none when that isn't known.
  std::vector<std::size_t> callees(const FlowBody& caller, const FlowOp& call) const;
  void add_hit(std::uint32_t sink, std::uint32_t source, std::vector<FlowHop> hops);

  const FlowFile& file_;
  const std::vector<FlowMark>& marks_;
  FlowSafety safety_;
  CpuBudget budget_;
  ValuePool pool_;
  std::vector<Summary> summaries_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
  std::unordered_map<std::uint32_t, ValueId> globals_;  ///< By name, once the module has run.
  std::vector<FlowHit> hits_;
  std::unordered_map<std::uint64_t, std::size_t> hit_index_;
  std::vector<std::uint32_t> cut_;
};

}  // namespace wrench::code
