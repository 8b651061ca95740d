#include <type_traits>

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

template <class T>
void write_members(JsonStream& out, const T& item) {
  each_member(item, [&]<class V>(std::string_view name, const V& value) {
    out.name(name);
    if constexpr (std::is_same_v<V, std::string>) {
      out.text(value);
    } else if constexpr (std::is_integral_v<V>) {
      out.number(value);
    } else {
      out.value(codec::Json(value));
    }
  });
}

/// Without a tree for each of what are nine tenths of a report of a large project.
void write_functions(JsonStream& out, const std::vector<FunctionMetrics>& functions) {
  out.name("functions");
  out.begin_array();
  for (const FunctionMetrics& function : functions) {
    out.begin_line();
    write_members(out, function);
    out.name("increments");
    out.begin_array();
    for (const ComplexityIncrement& increment : function.increments) {
      out.begin_object();
      write_members(out, increment);
      out.end_object();
    }
    out.end_array();
    out.end_line();
  }
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
      write_functions(out, report.functions);
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
