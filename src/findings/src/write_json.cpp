#include "finding_json.hpp"
#include "json_stream.hpp"
#include "writers.hpp"

namespace wrench::findings {

namespace {

template <class T>
void write_list(JsonStream& out, std::string_view name, const std::vector<T>& items) {
  out.name(name);
  out.begin_array();
  for (const T& item : items) out.value(to_json(item));
  out.end_array();
}

}  // namespace

Result<void> write_report_json(const WriterInput& input) {
  const Report& report = input.report;
  const codec::Json shell = report_shell_json(report);
  JsonStream out(input.sink, input.style.pretty);
  out.begin_object();
  for (const auto& [name, value] : shell.as_object()) {
    if (name == "findings") {
      out.name(name);
      out.begin_array();
      for (const Finding& finding : report.findings) {
        if (finding.is_new) out.value(to_json(finding));
      }
      out.end_array();
    } else if (name == "metrics") {
      out.name(name);
      out.begin_object();
      write_list(out, "files", report.files);
      write_list(out, "functions", report.functions);
      out.end_object();
    } else if (name == "clones") {
      write_list(out, name, report.clones);
    } else {
      out.member(name, value);
    }
  }
  out.end_object();
  return out.finish();
}

}  // namespace wrench::findings
