#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow.hpp"
#include "memory_values.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::code::memory {

enum class Fault : std::uint8_t {
  WriteBeyond,
  WriteBefore,
  ReadBeyond,
  ReadBefore,
  NullUse,
  UncheckedUse,
  FailureMissed,  ///< A pointer that may be null is compared as if it were a number.
  UseAfterFree,
  DoubleFree,
  FreeInside,
  FreeOfOther,
  Leak,
  Uninitialised,
  DivisionByZero,
  Overflow,
  Underflow,
  NegativeSize,
  ExternalSize,
  ExternalPointer,
  TooLarge,  ///< Two known numbers give one that the variable's type can't hold.
  TooSmall,
  EndlessLoop,
  EndlessRecursion,
};

struct Hit {
  Fault fault = Fault::NullUse;
  std::uint32_t first = 0;    ///< Byte of the operation.
  std::uint32_t related = 0;  ///< Byte where the memory was made or freed, the null came from; 0: none.
  Object::Kind kind = Object::Kind::None;
  friend auto operator<=>(const Hit&, const Hit&) = default;
};

struct Hits {
  std::vector<Hit> hits;
  std::vector<std::uint32_t> cut;               ///< Of FlowFile::names: functions that weren't followed to the end.
  std::vector<std::uint32_t> followed_in_part;  ///< The same: functions of more than kStepsMax operations.
};

/// Runs every function of a C or C++ file over abstract memory, along separate paths up to a few, functions of the same
/// file called in place, and tells what goes wrong on one of them for certain, or with a value from outside.
/// `flow` is of FlowMemory::Pointers. What was found before a budget was spent stays.
Hits run_memory(const FlowFile& flow, CpuBudget budget);

}  // namespace wrench::code::memory
