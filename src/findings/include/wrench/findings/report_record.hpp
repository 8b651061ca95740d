#pragma once

#include <string>
#include <string_view>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// Reports and findings in a flat binary form, for caches and for what steps of a plan hand on: a tenth of the cost of
/// JSON, and every byte is kept, UTF-8 or not. `Report::run` is left out: equal results have equal bytes.
/// Reading: error code findings.record_invalid for damaged bytes and for a form that this program doesn't know.
std::string to_record(const Finding& finding);
Result<Finding> finding_from_record(std::string_view bytes);
std::string to_record(const Report& report);
Result<Report> report_from_record(std::string_view bytes);

}  // namespace wrench::findings
