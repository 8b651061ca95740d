#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code::detail {

/// Positions of offsets that lie near each other. Trap: LineTable counts a column from the line's start, so asking it
/// for every node of a file that is one long line takes quadratic time.
class PositionCursor {
 public:
  explicit PositionCursor(const source::SourceText& text) : text_(text) {}
  findings::Position at(std::uint32_t offset);

 private:
  const source::SourceText& text_;
  std::uint32_t offset_ = 0, line_ = 1, col_ = 1;
  std::uint64_t line_first_ = 0, line_end_ = 0;  ///< line_end_ 0: not asked yet.
};

findings::Location location(const source::SourceText& text, Span span);
findings::Location location(const source::SourceText& text, Span span, PositionCursor& cursor);

inline constexpr std::size_t kFindingsPerRuleMax = 1'000;  ///< Per rule and file.

/// A finding of a built-in analysis at `span`, with the lines of the span.
findings::Finding make_finding(const source::SourceText& text, Span span, std::string_view rule,
                               findings::Severity severity, findings::Confidence confidence,
                               findings::Category category, std::string title, std::string message);

/// The lines that [first, end) of the text are on, at most 20 and 2 KiB.
std::string first_lines(std::string_view text, std::uint64_t first, std::uint64_t end);

/// By the usual names of test folders and files.
bool is_test_path(std::string_view path);

/// Parts of a C or C++ file that are compiled for its own tests only: `#ifdef REDIS_TEST`, `#if defined(SELF_TEST)`.
/// In source order, not overlapping.
std::vector<Span> self_tests(std::string_view text, source::Language language);
bool within(const std::vector<Span>& spans, std::uint32_t offset);

/// "Store.find": names of the classes and functions around node `i`, which is left out.
std::string enclosing_symbol(const Ir& ir, const Atoms& atoms, NodeIndex i);

}  // namespace wrench::code::detail
