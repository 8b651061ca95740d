#pragma once

#include <string>
#include <string_view>

#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code::detail {

findings::Location location(const source::SourceText& text, Span span);

/// A finding of a built-in analysis at `span`, with the lines of the span.
findings::Finding make_finding(const source::SourceText& text, Span span, std::string_view rule,
                               findings::Severity severity, findings::Confidence confidence,
                               findings::Category category, std::string title, std::string message);

/// "Store.find": names of the classes and functions around node `i`, which is left out.
std::string enclosing_symbol(const Ir& ir, const Atoms& atoms, NodeIndex i);

}  // namespace wrench::code::detail
