#include <algorithm>
#include <set>

#include "finding_json.hpp"
#include "json_stream.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

using codec::Json;

std::string_view severity_word(const Finding& finding) {
  if (!finding.rule_severity.empty()) return finding.rule_severity;
  switch (finding.severity) {
    case Severity::Critical:
    case Severity::High:
      return "ERROR";
    case Severity::Medium:
      return "WARNING";
    default:
      return "INFO";
  }
}

// As the rule wrote it, but `cwe` always a list of texts that begin with "CWE-<n>".
Json metadata(const Finding& finding) {
  Json result = finding.metadata.is_object() ? finding.metadata : Json::object();
  Json cwe = Json::array();
  const Json& written = result.at("cwe");
  if (written.is_string()) {
    cwe.push_back(written);
  } else if (written.is_array()) {
    cwe = written;
  } else {
    for (const std::string& id : finding.cwe) cwe.push_back(id);
  }
  if (!cwe.as_array().empty()) result.set("cwe", std::move(cwe));
  return result;
}

Json metavars(const std::vector<Metavar>& list) {
  Json result = Json::object();
  for (const Metavar& metavar : list) {
    Json entry = Json::object({{"start", position_json(metavar.start)},
                               {"end", position_json(metavar.end)},
                               {"abstract_content", metavar.text}});
    if (metavar.value) entry.set("propagated_value", Json::object({{"svalue_abstract_content", *metavar.value}}));
    result.set(metavar.name, std::move(entry));
  }
  return result;
}

Json result(const Finding& f) {
  Json extra = Json::object({{"message", f.message},
                             {"severity", severity_word(f)},
                             {"metadata", metadata(f)},
                             {"fingerprint", f.fingerprint},
                             {"lines", f.lines},
                             {"metavars", metavars(f.metavars)},
                             {"is_ignored", false}});
  if (f.fix && f.fix->state != FixState::Rejected && f.fix->edits.size() == 1) extra.set("fix", f.fix->edits[0].text);
  return Json::object({{"check_id", f.rule},
                       {"path", f.where.path},
                       {"start", position_json(f.where.start)},
                       {"end", position_json(f.where.end)},
                       {"extra", std::move(extra)}});
}

Json errors(const Report& report) {
  Json list = Json::array();
  for (const Partial& partial : report.partial) {
    Json entry = Json::object({{"code", 2},
                               {"level", "warn"},
                               {"type", partial.code},
                               {"message", partial.detail.empty() ? partial.code : partial.detail}});
    if (!partial.path.empty()) entry.set("path", partial.path);
    if (!partial.subject.empty()) entry.set("rule_id", partial.subject);
    list.push_back(std::move(entry));
  }
  for (const Error& error : report.errors) {
    Json entry = Json::object({{"code", 4}, {"level", "error"}, {"type", error.code}, {"message", error.message}});
    if (!error.place.file.empty()) entry.set("path", error.place.file);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Result<void> write_semgrep_json(const WriterInput& input) {
  const Report& report = input.report;
  std::set<std::string_view> paths;
  for (const FileMetrics& file : report.files) paths.insert(file.path);
  for (const Finding& finding : report.findings) paths.insert(finding.where.path);
  Json scanned = Json::array();
  for (const std::string_view path : paths) scanned.push_back(path);

  JsonStream out(input.sink, input.style.pretty);
  out.begin_object();
  out.member("version", report.tool_version);
  out.name("results");
  out.begin_array();
  for (const Finding* finding : counted_findings(report)) out.value(result(*finding));
  out.end_array();
  out.member("errors", errors(report));
  out.member("paths", Json::object({{"scanned", std::move(scanned)}}));
  out.member("skipped_rules", Json::array());
  out.end_object();
  return out.finish();
}

}  // namespace wrench::findings
