#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "excerpt.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/report_writer.hpp"
#include "wrench/findings/summary.hpp"

namespace wrench::findings {

/// What each writer gets: the report with its secrets masked.
struct WriterInput {
  const Report& report;
  Excerpts& excerpts;
  ByteSink& sink;
  const ReportStyle& style;
};

Result<void> write_text(const WriterInput& input);
Result<void> write_report_json(const WriterInput& input);
Result<void> write_sarif(const WriterInput& input);
Result<void> write_semgrep_json(const WriterInput& input);
Result<void> write_junit(const WriterInput& input);
Result<void> write_markdown(const WriterInput& input);
Result<void> write_html(const WriterInput& input);

/// "1 finding", "3 findings".
std::string counted(std::uint64_t n, std::string_view singular, std::string_view plural);
/// "2 critical, 5 high, 31 medium", or "no findings".
std::string severity_sentence(const Report& report);
/// One earlier state that the report was compared with.
struct Comparison {
  std::string with;  ///< "the baseline of 2026-11-02", "main (3f2c91a)"; hostile text.
  std::uint64_t matched = 0, fixed = 0;
};
std::vector<Comparison> comparisons(const Report& report);
/// New and not suppressed, in the order of the report.
std::vector<const Finding*> counted_findings(const Report& report);

}  // namespace wrench::findings
