#include "memory_values.hpp"

namespace wrench::code::memory {

namespace {

std::int64_t plus(std::int64_t a, std::int64_t b) {
  if (a == kMin || b == kMin) return kMin;
  if (a == kMax || b == kMax) return kMax;
  std::int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out)) return a > 0 ? kMax : kMin;
  return out;
}

std::int64_t times(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (a == 0 || b == 0) return 0;
  const bool negative = (a < 0) != (b < 0);
  if (a == kMin || a == kMax || b == kMin || b == kMax || __builtin_mul_overflow(a, b, &out))
    return negative ? kMin : kMax;
  return out;
}

Range mixed(std::int64_t low, std::int64_t high, const Range& a, const Range& b) {
  return {low, high, a.external || b.external, a.swept || b.swept};
}

}  // namespace

Range join(const Range& a, const Range& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high), a.external || b.external, a.swept && b.swept,
          a.nonzero && b.nonzero};
}
Range add(const Range& a, const Range& b) { return mixed(plus(a.low, b.low), plus(a.high, b.high), a, b); }
Range negate(const Range& a) {
  return {a.high == kMax ? kMin : -a.high, a.low == kMin ? kMax : -a.low, a.external, a.swept};
}
Range multiply(const Range& a, const Range& b) {
  const std::int64_t all[] = {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)};
  return mixed(*std::min_element(all, all + 4), *std::max_element(all, all + 4), a, b);
}
Range divide(const Range& a, const Range& b) {
  if (!b.is_only() || b.low <= 0 || a.low == kMin || a.high == kMax) return mixed(kMin, kMax, a, b);
  return mixed(a.low / b.low, a.high / b.low, a, b);
}
Range remainder(const Range& a, const Range& b) {
  if (!b.is_only() || b.low <= 0) {
    // A limit that isn't known is one all the same.
    Range out;
    if (a.low >= 0) out.low = 0;
    if (b.low > 0 && b.high != kMax) out.high = b.high - 1;
    return out;
  }
  return {a.low >= 0 ? 0 : 1 - b.low, b.low - 1, a.external, false};
}

Value join(const Value& a, const Value& b) {
  if (a == b) return a;
  Value out;
  if (a.what != b.what) return out;
  switch (a.what) {
    case Value::What::Number:
      return Value::number(join(a.range, b.range));
    case Value::What::Pointer: {
      // Null in one and not in the other: not known to be null, and not known where it leads.
      if ((a.null == Value::Null::Yes) != (b.null == Value::Null::Yes)) return out;
      if (a.null == Value::Null::Yes) return Value::null_pointer();
      if (a.target.object != b.target.object) return out;
      out = a;
      out.target.offset = join(a.target.offset, b.target.offset);
      out.null = a.null == b.null ? a.null : Value::Null::No;
      if (a.element != b.element) out.element = 0;
      return out;
    }
    default:
      return out;
  }
}

namespace {

Object join(const Object& a, const Object& b) {
  if (a == b) return a;
  Object out = a;
  if (a.kind != b.kind || a.made != b.made) return {};
  if (a.life != b.life) out.life = Object::Life::Maybe;
  if (a.filled != b.filled) out.filled = Object::Filled::Maybe;
  out.size = memory::join(a.size, b.size);
  out.length = memory::join(a.length, b.length);
  out.content = memory::join(a.content, b.content);
  out.escaped = a.escaped || b.escaped;
  return out;
}

Range widen(const Range& before, const Range& after) {
  Range out = memory::join(before, after);
  if (after.low < before.low) out.low = kMin;
  if (after.high > before.high) out.high = kMax;
  // What a loop counts from a known start to an end that its condition sets takes every value between.
  out.swept = (before.is_only() || before.swept) && (after.low == before.low || after.high == before.high);
  return out;
}

Value widen(const Value& before, const Value& after) {
  if (before.what == Value::What::Number && after.what == Value::What::Number)
    return Value::number(widen(before.range, after.range));
  if (before.what == Value::What::Pointer && after.what == Value::What::Pointer && before.null == after.null &&
      before.target.object == after.target.object) {
    Value out = memory::join(before, after);
    out.target.offset = widen(before.target.offset, after.target.offset);
    return out;
  }
  return memory::join(before, after);
}

}  // namespace

State join(const State& a, const State& b) {
  State out;
  out.variables.reserve(a.variables.size());
  for (std::size_t i = 0; i < a.variables.size() && i < b.variables.size(); ++i)
    out.variables.push_back(join(a.variables[i], b.variables[i]));
  for (std::size_t i = 0; i < std::max(a.objects.size(), b.objects.size()); ++i) {
    if (i >= a.objects.size() || i >= b.objects.size())
      out.objects.push_back(i < a.objects.size() ? a.objects[i] : b.objects[i]);
    else
      out.objects.push_back(join(a.objects[i], b.objects[i]));
  }
  return out;
}

State widen(const State& before, const State& after) {
  State out = join(before, after);
  for (std::size_t i = 0; i < out.variables.size(); ++i)
    out.variables[i] = widen(before.variables[i], after.variables[i]);
  return out;
}

}  // namespace wrench::code::memory
