#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// Above these a function or file becomes a finding.
struct MetricThresholds {
  std::uint32_t cognitive_low = 15;
  std::uint32_t cognitive_medium = 25;
  std::uint32_t cyclomatic = 15;
  std::uint32_t nloc = 80;
  std::uint32_t nesting = 4;
  std::uint32_t parameters = 7;
  std::uint32_t file_nloc = 1'000;
};

/// What would make a function simpler.
struct Simplification {
  enum class Kind : std::uint8_t {
    ExtractFunction,  ///< The lines become a function of their own.
    ExitEarly,        ///< The condition is turned round, and its body moves one level out.
  };
  Kind kind = Kind::ExtractFunction;
  Span span;
  std::uint32_t first_line = 0, last_line = 0;
  std::string what;                       ///< "the loop", "the branch"; for ExitEarly how to exit: "return".
  std::uint32_t points = 0;               ///< Of cognitive complexity that it takes from the function.
  std::uint32_t cost = 0;                 ///< What the part weighs as a function of its own.
  std::vector<std::string> takes, gives;  ///< Variables that go in and out.
  bool reports_exit = false;              ///< The part returns or ends a loop, which its caller has to be told.
};

/// One function with where its name stands.
struct FunctionMeasure {
  findings::FunctionMetrics metrics;  ///< `path` is left empty; cognitive includes nested functions.
  Span name;
  std::uint32_t own_cognitive = 0;  ///< Without the nested functions that have an entry of their own.
  /// own_cognitive without code that reads straight down: conditions around one plain step, flat arms of a chain,
  /// `goto`. What decides whether the function is a finding.
  std::uint32_t entangled = 0;
  std::uint32_t required_parameters = 0;  ///< Without those that have a default or take the rest.
  std::uint32_t flat_arms = 0;  ///< Cases of switches, counted by cyclomatic, that hold no structure of their own.
  std::vector<Simplification> simplifications;  ///< Of functions that are worth it; what helps most first.
  double halstead_volume = 0;
};

struct FileMeasures {
  findings::FileMetrics file;
  std::vector<FunctionMeasure> functions;  ///< In source order.
};

/// Metrics of every function that has a body: named ones, and JavaScript function values that are given a name.
/// - cyclomatic: 1 + if/elif, loop, catch, arm that isn't the default, ternary, && || ??, comprehension for and if;
///   Python also assert and the else of loops and try, as radon counts.
/// - cognitive: G. Ann Campbell, "Cognitive Complexity" (SonarSource, 2018); `increments` says where each point is
/// from.
/// - nloc: lines with a token, without comments and docstrings.
/// - maintainability: max(0, 100 (171 - 5.2 ln V - 0.23 CC - 16.2 ln NLoC) / 171), V = Halstead volume over the
///   operators of expressions and their operands.
FileMeasures measure(const Ir& ir, const Atoms& atoms, const source::SourceText& text);

/// Findings code.cognitive-complexity, .cyclomatic-complexity, .long-function, .deep-nesting, .many-parameters and
/// .long-file; stamped with fingerprints.
std::vector<findings::Finding> metric_findings(const FileMeasures& measures, const source::SourceText& text,
                                               const MetricThresholds& thresholds = {});

}  // namespace wrench::code
