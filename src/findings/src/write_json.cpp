#include "finding_json.hpp"
#include "json_stream.hpp"
#include "writers.hpp"

namespace wrench::findings {

Result<void> write_report_json(const WriterInput& input) {
  const codec::Json shell = report_json_without_findings(input.report);
  JsonStream out(input.sink, input.style.pretty);
  out.begin_object();
  for (const auto& [name, value] : shell.as_object()) {
    if (name != "findings") {
      out.member(name, value);
      continue;
    }
    out.name(name);
    out.begin_array();
    for (const Finding& finding : input.report.findings) {
      if (finding.is_new) out.value(to_json(finding));
    }
    out.end_array();
  }
  out.end_object();
  return out.finish();
}

}  // namespace wrench::findings
