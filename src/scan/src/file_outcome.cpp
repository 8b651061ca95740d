#include "file_outcome.hpp"

#include "wrench/codec/json.hpp"

namespace wrench::scan {

using codec::Json;

// A report of one file: its reader and writer exist and are tested, and lose no field.
std::string to_record(const FileOutcome& outcome) {
  findings::Report report;
  report.findings = outcome.findings;
  report.partial = outcome.partial;
  if (outcome.skipped) report.skipped.push_back(*outcome.skipped);
  if (outcome.metrics) report.files.push_back(*outcome.metrics);
  report.functions = outcome.functions;
  Json json = Json::object();
  json.set("report", findings::to_json(report));
  json.set("content", outcome.content_id);
  json.set("bytes", outcome.bytes);
  json.set("nloc", outcome.nloc);
  json.set("language", static_cast<int>(outcome.language));
  json.set("analysed", outcome.analysed);
  json.set("valid_on", outcome.valid_on);
  json.set("facts", outcome.facts);
  return codec::write_json(json);
}

Result<FileOutcome> outcome_from_record(std::string_view record) {
  const auto json = WRENCH_TRY(codec::parse_json(record));
  auto report = WRENCH_TRY(findings::report_from_json(json.at("report")));
  FileOutcome outcome;
  outcome.content_id = json.at("content").as_string();
  outcome.bytes = static_cast<std::uint64_t>(json.at("bytes").as_integer());
  outcome.nloc = static_cast<std::uint32_t>(json.at("nloc").as_integer());
  const auto language = json.at("language").as_integer();
  if (language < 0 || language > static_cast<int>(source::Language::Text))
    return Error("scan.cache_record", "no such language");
  outcome.language = static_cast<source::Language>(language);
  outcome.analysed = json.at("analysed").as_boolean();
  outcome.valid_on = json.at("valid_on").as_string();
  outcome.facts = json.at("facts").as_string();
  outcome.cached = true;
  outcome.findings = std::move(report.findings);
  outcome.partial = std::move(report.partial);
  if (!report.skipped.empty()) outcome.skipped = report.skipped.front();
  if (!report.files.empty()) outcome.metrics = report.files.front();
  outcome.functions = std::move(report.functions);
  return outcome;
}

}  // namespace wrench::scan
