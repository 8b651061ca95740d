#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wrench/code/ir.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code::detail {

/// What one node adds to the cognitive complexity of its function.
struct ComplexityPoint {
  NodeIndex node = kNoNode;
  std::uint32_t add = 0;
  std::uint32_t nesting = 0;  ///< Part of `add`: what the structures around it cost.
  bool nests = false;         ///< Costs less where fewer structures are around it.
};

/// Looks in functions for parts that can become functions of their own: no jump leaves them, few variables go in and
/// out, and what stays is simpler. Weighing parts by what they take from the cognitive complexity is the idea of
/// R. Saborido et al., "Automatizing Software Cognitive Complexity Reduction" (IEEE Access, 2022).
class Adviser {
 public:
  Adviser(const Ir& ir, const Atoms& atoms, const source::SourceText& text) : ir_(ir), atoms_(atoms), text_(text) {}

  /// Those that take most first; none for functions with syntax errors. `points` are the function's own.
  std::vector<Simplification> advise(NodeIndex function, std::vector<ComplexityPoint> points);

 private:
  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  std::size_t visits_ = 0;  ///< Of nodes, in the whole file: nesting would make the work quadratic.
};

/// A control structure at or below `i`, outside of nested functions; ternaries aside.
bool holds_structure(const Ir& ir, NodeIndex i);

/// Points without those of code that reads straight down: conditions around one plain step, arms of a chain or switch
/// that hold no structure of their own, jumps of guards.
std::uint32_t entangled_points(const Ir& ir, const std::vector<ComplexityPoint>& points);

}  // namespace wrench::code::detail
