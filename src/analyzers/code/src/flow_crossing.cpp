#include <algorithm>
#include <cstddef>

#include "flow_run.hpp"

namespace wrench::code {

namespace {

/// What is in a body or in what it calls, in turn.
struct Within {
  LabelMask sources = 0, sinks = 0;
  LabelMask far_sources = 0, far_sinks = 0;  ///< Those of other units than the body's.

  bool crosses() const { return (far_sources & sinks) != 0 || (sources & far_sinks) != 0; }
  /// True when that is more.
  bool add(const Within& callee, bool is_far) {
    const Within before = *this;
    sources |= callee.sources;
    sinks |= callee.sinks;
    far_sources |= callee.far_sources | (is_far ? callee.sources : 0);
    far_sinks |= callee.far_sinks | (is_far ? callee.sinks : 0);
    return sources != before.sources || sinks != before.sinks || far_sources != before.far_sources ||
           far_sinks != before.far_sinks;
  }
};

}  // namespace

std::vector<FlowAnalysis::BodyRef> FlowAnalysis::crossing_bodies() {
  std::vector<std::size_t> first{0};  // Of each unit, among all bodies.
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit) first.push_back(first[unit] + file(unit).bodies.size());
  std::vector<BodyRef> refs;
  std::vector<Within> within;
  std::vector<std::vector<std::size_t>> callees_of;
  for (std::uint32_t unit = 0; unit < units_.size(); ++unit)
    for (std::uint32_t i = 0; i < file(unit).bodies.size(); ++i) {
      const FlowBody& code = file(unit).bodies[i];
      refs.push_back({unit, i});
      Within& here = within.emplace_back();
      auto& called = callees_of.emplace_back();
      // A function reads what its module left in the module's names.
      if (i > 0) called.push_back(first[unit]);
      for (const FlowOp& op : code.ops) {
        if (op.what == FlowWhat::Mark) {
          const FlowMark& found = mark({unit, op.name});
          if (found.what == FlowMark::What::Source) here.sources |= found.labels;
          if (found.what == FlowMark::What::Sink) here.sinks |= found.labels;
        } else if (op.what == FlowWhat::Call) {
          for (const BodyRef callee : callees(unit, code, op)) called.push_back(first[callee.unit] + callee.body);
        }
      }
      std::ranges::sort(called);
      called.erase(std::unique(called.begin(), called.end()), called.end());
    }
  for (bool more = true; more && !budget_.spent();) {
    more = false;
    for (std::size_t i = 0; i < refs.size(); ++i)
      for (const std::size_t callee : callees_of[i])
        more |= within[i].add(within[callee], refs[callee].unit != refs[i].unit);
  }
  std::vector<BodyRef> out;
  for (std::size_t i = 0; i < refs.size(); ++i)
    if (within[i].crosses()) out.push_back(refs[i]);
  return out;
}

}  // namespace wrench::code
