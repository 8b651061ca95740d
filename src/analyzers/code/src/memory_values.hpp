#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

/// What a C program's variables and memory may hold, as the memory checks see it.
namespace wrench::code::memory {

inline constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// A range of integers, both ends included.
struct Range {
  std::int64_t low = kMin, high = kMax;
  bool external = false;  ///< From outside of the program: every value of the range can come.
  bool swept = false;     ///< A loop's counter: takes every value of the range in turn.
  bool nonzero = false;   ///< Not zero, though the range holds it.

  static Range only(std::int64_t value) { return {value, value, false, false, false}; }
  bool is_only() const { return low == high; }
  bool is_only(std::int64_t value) const { return low == value && high == value; }
  bool is_known() const { return low != kMin || high != kMax; }
  friend bool operator==(const Range&, const Range&) = default;
};

Range join(const Range& a, const Range& b);
Range add(const Range& a, const Range& b);
Range negate(const Range& a);
Range multiply(const Range& a, const Range& b);
Range divide(const Range& a, const Range& b);
Range remainder(const Range& a, const Range& b);

/// Number of an object of a run; 0 is one that nothing is known of.
using ObjectId = std::uint32_t;
inline constexpr ObjectId kNoObject = 0;

/// Where a pointer leads: bytes from the start of an object.
struct Target {
  ObjectId object = kNoObject;
  Range offset = Range::only(0);
  friend bool operator==(const Target&, const Target&) = default;
};

struct Value {
  enum class What : std::uint8_t { Unknown, Uninitialised, Number, Pointer };
  enum class Null : std::uint8_t { No, Unchecked, Yes };
  What what = What::Unknown;
  Range range;    ///< Number.
  Target target;  ///< Pointer, unless it is null.
  Null null = Null::No;
  std::uint32_t element = 0;  ///< Bytes of what the pointer leads to, as declared; 0: not known.
  std::uint32_t maker = 0;    ///< Pointer that may be null: byte of the call that gave it.
  bool computed = false;      ///< Number that was just added, subtracted or multiplied: it may not fit.

  static Value number(Range range) {
    Value out;
    out.what = What::Number;
    out.range = range;
    return out;
  }
  static Value pointer(Target target, std::uint32_t element = 0) {
    Value out;
    out.what = What::Pointer;
    out.target = target;
    out.element = element;
    return out;
  }
  static Value null_pointer() {
    Value out;
    out.what = What::Pointer;
    out.null = Null::Yes;
    return out;
  }
  friend bool operator==(const Value&, const Value&) = default;
};

/// Nothing that isn't so in both.
Value join(const Value& a, const Value& b);

/// A piece of memory: an array, what malloc gave, a variable whose address was taken, a literal.
struct Object {
  enum class Kind : std::uint8_t { None, Stack, Heap, Alloca, Static, Variable, Literal };
  enum class Life : std::uint8_t { Live, Freed, Maybe };
  enum class Filled : std::uint8_t { No, Maybe, Yes };
  Kind kind = Kind::None;
  Life life = Life::Live;
  Filled filled = Filled::Maybe;
  Range size;                         ///< Bytes; unknown when not computed.
  Range length;                       ///< Of the text in it, without its end; unknown unless it was written in view.
  std::uint32_t variable = 0;         ///< Variable: its slot.
  std::uint32_t made = 0, freed = 0;  ///< Bytes in the file.
  bool holds_pointer = false;         ///< Variable: as declared.
  Value content;                      ///< Of a one-element object: what was stored.
  bool escaped = false;               ///< Somebody else may keep or free it.
  friend bool operator==(const Object&, const Object&) = default;
};

/// All of one path through a function: variables by slot, objects by number.
struct State {
  std::vector<Value> variables;
  std::vector<Object> objects;
  friend bool operator==(const State&, const State&) = default;
};

State join(const State& a, const State& b);
/// Of a loop: what still moves is given up, numbers to the end they move to.
State widen(const State& before, const State& after);

}  // namespace wrench::code::memory
