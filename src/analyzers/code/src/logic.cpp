#include "wrench/code/logic.hpp"

#include <algorithm>

#include "logic_context.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code {
namespace detail {

void LogicContext::report(Span span, NodeIndex at, const Rule& rule, std::string message) {
  if (found.size() >= kFindingsPerRuleMax) return;
  // In a test it hides a mistake of the product; it isn't one.
  const auto severity =
      source::is_test_path(text.project_path) ? std::min(rule.severity, findings::Severity::Medium) : rule.severity;
  found.push_back(make_finding(text, span, rule.id, severity, rule.confidence, findings::Category::Correctness,
                               std::string(rule.title), std::move(message)));
  if (!rule.cwe.empty()) found.back().cwe.emplace_back(rule.cwe);
  found.back().symbol = enclosing_symbol(ir, atoms, at);
}

bool LogicContext::has_comment(std::uint32_t first, std::uint32_t end) const {
  return std::ranges::any_of(ir.comments, [&](const Span& c) { return c.first >= first && c.first < end; });
}

}  // namespace detail

std::vector<findings::Finding> logic_findings(const Ir& ir, const Atoms& atoms, const source::SourceText& text) {
  detail::LogicContext context{ir, atoms, text, {}};
  for (NodeIndex i = 0; i < ir.nodes.size(); ++i) {
    if (context.near_error(i)) continue;
    detail::check_conditions(context, i);
    detail::check_repeats(context, i);
    detail::check_dropped(context, i);
    detail::check_calls(context, i);
    detail::check_formats(context, i);
    detail::check_handlers(context, i);
  }
  std::ranges::stable_sort(context.found, [](const findings::Finding& a, const findings::Finding& b) {
    return a.where.start.offset != b.where.start.offset ? a.where.start.offset < b.where.start.offset : a.rule < b.rule;
  });
  findings::Fingerprinter fingerprints(text.project_path);
  for (findings::Finding& finding : context.found) fingerprints.stamp(finding, finding.lines);
  return std::move(context.found);
}

}  // namespace wrench::code
