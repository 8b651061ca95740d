#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "flow.hpp"

namespace wrench::code {

/// Number of an abstract value in a ValuePool; equal values have equal numbers.
using ValueId = std::uint32_t;
/// Anything, from nowhere.
inline constexpr ValueId kUnknown = 0;

/// A set of (rule, label) pairs, by bit.
using LabelMask = std::uint64_t;
inline constexpr LabelMask kAllLabels = ~LabelMask{0};

/// Where what a value carries comes from: a parameter of the body (below kSourceOrigins; 0 is the receiver) or a
/// source.
using Origin = std::uint32_t;
inline constexpr Origin kSourceOrigins = 1U << 16;

struct Carried {
  Origin origin = 0;
  LabelMask labels = 0;
  friend bool operator==(const Carried&, const Carried&) = default;
};
/// By origin, each once, no empty labels.
using Taint = std::vector<Carried>;

/// Abstract values of one analysis: what a value may be and what it carries. All parts are shared, so that states are
/// arrays of numbers. Not for several threads.
class ValuePool {
 public:
  using TaintId = std::uint32_t;
  using ConstantsId = std::uint32_t;
  using PartsId = std::uint32_t;
  using LiteralId = std::uint32_t;
  using Selector = std::uint32_t;

  static constexpr std::size_t kConstantsMax = 8;
  static constexpr std::size_t kPartsMax = 32;
  static constexpr std::size_t kOriginsMax = 12;

  struct Parts {
    bool is_list = false;                             ///< Selectors are 0, 1, 2, …: list_selector().
    bool mixed = false;                               ///< What was where is lost: all is in `rest`, and stays there.
    std::vector<std::pair<Selector, ValueId>> known;  ///< By selector.
    ValueId rest = kUnknown;                          ///< Of parts that aren't known.
    friend bool operator==(const Parts&, const Parts&) = default;
  };
  struct Value {
    TaintId taint = 0;
    ConstantsId constants = 0;  ///< 0: any.
    PartsId parts = 0;          ///< 0: nothing known of its parts.
  };

  ValuePool();

  // --- reading
  const Value& value(ValueId id) const { return values_[id]; }
  const Taint& taint(ValueId id) const { return taints_[values_[id].taint]; }
  bool carries(ValueId id) const { return values_[id].taint != 0; }
  LabelMask labels(ValueId id) const;
  const std::vector<LiteralId>& constants(ValueId id) const { return constants_[values_[id].constants]; }
  const FlowLiteral& literal(LiteralId id) const { return literals_[id]; }
  const Parts* parts(ValueId id) const { return values_[id].parts == 0 ? nullptr : &parts_[values_[id].parts]; }
  /// The one constant that the value is, or null.
  const FlowLiteral* only(ValueId id) const;

  // --- making
  ValueId constant(const FlowLiteral& literal);
  ValueId constants_of(std::vector<LiteralId> literals);  ///< Too many or none: unknown.
  LiteralId literal_id(const FlowLiteral& literal);
  ValueId carrying(Taint taint);
  ValueId with_taint(ValueId value, TaintId taint);
  ValueId with_parts(ValueId value, Parts parts);
  ValueId without_parts(ValueId value);

  // --- taints
  TaintId taint_id(ValueId value) const { return values_[value].taint; }
  TaintId unite(TaintId a, TaintId b);
  TaintId keep(TaintId taint, LabelMask labels);
  TaintId add(TaintId taint, Carried more);
  /// The value carries `labels` only, in its parts, too.
  ValueId keep_labels(ValueId value, LabelMask labels);

  // --- whole values
  ValueId join(ValueId a, ValueId b);
  ValueId join_fresh(ValueId a, ValueId b) { return join_at(a, b, false, 0); }  ///< Without the memory; for tests.
  /// Of a loop that doesn't settle: what differs is given up.
  ValueId widen(ValueId a, ValueId b);
  Selector selector(std::string_view text);
  static Selector list_selector(std::size_t index) { return kListSelectors + static_cast<Selector>(index); }
  /// The selector that a constant key or index means; false for others.
  bool selector_of(ValueId key, Selector& out);
  ValueId part(ValueId of, Selector selector);
  ValueId any_part(ValueId of);
  ValueId set_part(ValueId of, Selector selector, ValueId to);
  ValueId set_any_part(ValueId of, ValueId to);
  ValueId list_of(const std::vector<ValueId>& parts);

 private:
  static constexpr Selector kListSelectors = 0x80000000;
  struct Hash {
    std::size_t operator()(const std::vector<std::uint64_t>& key) const;
  };
  using Index = std::unordered_map<std::vector<std::uint64_t>, std::uint32_t, Hash>;

  ValueId intern(Value value);
  TaintId intern_taint(Taint taint);
  ConstantsId intern_constants(std::vector<LiteralId> literals);
  PartsId intern_parts(Parts parts);
  ValueId join_parts(ValueId a, ValueId b, bool widen, int depth, ValueId base);
  ValueId join_at(ValueId a, ValueId b, bool widen, int depth);

  std::vector<Value> values_;
  std::vector<Taint> taints_;
  std::vector<std::vector<LiteralId>> constants_;
  std::vector<Parts> parts_;
  std::vector<FlowLiteral> literals_;
  Index taint_index_, constants_index_, parts_index_, value_keys_;
  std::unordered_map<std::string, LiteralId> literal_index_;
  std::unordered_map<std::string, Selector> selectors_;
  std::unordered_map<std::uint64_t, ValueId> joins_;
  std::unordered_map<std::uint64_t, TaintId> unions_;
};

}  // namespace wrench::code
