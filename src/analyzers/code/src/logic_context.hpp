#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "code_compare.hpp"
#include "finding_maker.hpp"
#include "wrench/code/atoms.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code::detail {

/// One file and what was found in it so far, shared by the checks of `logic.*`.
struct LogicContext {
  const Ir& ir;
  const Atoms& atoms;
  const source::SourceText& text;
  std::vector<findings::Finding> found;

  struct Rule {
    std::string_view id, title, cwe;
    findings::Severity severity = findings::Severity::Medium;
    findings::Confidence confidence = findings::Confidence::High;
  };
  void report(NodeIndex at, const Rule& rule, std::string message) {
    report({ir[at].first, ir[at].end}, at, rule, std::move(message));
  }
  void report(Span span, NodeIndex at, const Rule& rule, std::string message);

  bool near_error(NodeIndex i) const { return (ir[i].flags & kFlagNearError) != 0; }
  bool same(NodeIndex a, NodeIndex b) const { return same_code(ir, text.text, a, b); }
  std::string_view source(NodeIndex i) const {
    return std::string_view(text.text).substr(ir[i].first, ir[i].end - ir[i].first);
  }
  std::uint32_t line(NodeIndex i) const { return text.lines.position(text.text, ir[i].first).line; }
  /// Whether somebody explains something there: equal code with two explanations is meant.
  bool has_comment(std::uint32_t first, std::uint32_t end) const;
  /// Whether a preprocessor chooses what stands in [first, end).
  bool has_directive(std::uint32_t first, std::uint32_t end) const {
    const bool preprocessed = ir.language == source::Language::C || ir.language == source::Language::Cpp;
    return preprocessed && end > first &&
           std::string_view(text.text).substr(first, end - first).find("\n#") != std::string_view::npos;
  }
  bool is_script() const {
    return ir.language == source::Language::JavaScript || ir.language == source::Language::TypeScript ||
           ir.language == source::Language::Tsx;
  }
  /// A block's last expression is its value there, so that no statement is known to be for nothing.
  bool last_value_counts() const {
    using source::Language;
    return ir.language == Language::Ruby || ir.language == Language::Rust || ir.language == Language::Kotlin ||
           ir.language == Language::Scala || ir.language == Language::Bash;
  }
  bool is_python() const { return ir.language == source::Language::Python; }
};

/// Conditions and branches: logic_conditions.cpp.
void check_conditions(LogicContext& context, NodeIndex i);
/// Keys, cases, definitions and tests that stand twice: logic_repeats.cpp.
void check_repeats(LogicContext& context, NodeIndex i);
/// Statements whose value nobody takes: logic_dropped.cpp.
void check_dropped(LogicContext& context, NodeIndex i);
/// Assertions, callbacks and comparisons that can't do what they are there for: logic_calls.cpp.
void check_calls(LogicContext& context, NodeIndex i);
/// Texts with places for values: logic_format.cpp.
void check_formats(LogicContext& context, NodeIndex i);
/// Handlers of exceptions behind one that takes all: logic_handlers.cpp.
void check_handlers(LogicContext& context, NodeIndex i);

}  // namespace wrench::code::detail
