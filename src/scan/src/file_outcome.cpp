#include "file_outcome.hpp"

#include <algorithm>

#include "facts_record.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::scan {

using codec::Json;

namespace {

constexpr std::size_t kLengthBytes = 8;

}  // namespace

bool FileOutcome::needs_text() const {
  return !directives.empty() ||
         std::any_of(findings.begin(), findings.end(), [](const auto& finding) { return !finding.secrets.empty(); });
}

std::vector<findings::CommentSpan> directives_in(std::string_view text,
                                                 std::span<const findings::CommentSpan> comments) {
  constexpr std::string_view kWords[] = {"wrench-ignore", "nosem", "nosec", "gitleaks:allow"};
  std::vector<findings::CommentSpan> out;
  for (const auto& comment : comments) {
    const auto inside =
        text.substr(static_cast<std::size_t>(comment.begin), static_cast<std::size_t>(comment.end - comment.begin));
    if (std::any_of(std::begin(kWords), std::end(kWords),
                    [&](std::string_view word) { return contains_ignoring_case_ascii(inside, word); }))
      out.push_back(comment);
  }
  return out;
}

// Length of the JSON part, the JSON part, the facts. The JSON part is a report of one file: its reader and writer are
// tested to lose no field.
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
  Json directives = Json::array();
  for (const auto& span : outcome.directives) {
    directives.push_back(span.begin);
    directives.push_back(span.end);
  }
  json.set("directives", std::move(directives));
  const std::string text = codec::write_json(json);
  std::string out;
  for (std::size_t i = 0; i < kLengthBytes; ++i) out += static_cast<char>(text.size() >> (8 * i) & 0xFFU);
  out += text;
  if (outcome.facts) append_facts(out, *outcome.facts);
  return out;
}

Result<FileOutcome> outcome_from_record(std::string_view record) {
  const Error damaged("scan.cache_record", "the record isn't one of this version");
  if (record.size() < kLengthBytes) return damaged;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= static_cast<std::size_t>(static_cast<unsigned char>(record[i])) << (8 * i);
  record.remove_prefix(kLengthBytes);
  if (length > record.size()) return damaged;
  const auto json = WRENCH_TRY(codec::parse_json(record.substr(0, length)));
  record.remove_prefix(length);
  auto report = WRENCH_TRY(findings::report_from_json(json.at("report")));
  FileOutcome outcome;
  outcome.content_id = json.at("content").as_string();
  outcome.bytes = static_cast<std::uint64_t>(json.at("bytes").as_integer());
  outcome.nloc = static_cast<std::uint32_t>(json.at("nloc").as_integer());
  const auto language = json.at("language").as_integer();
  if (language < 0 || language > static_cast<int>(source::Language::Text)) return damaged;
  outcome.language = static_cast<source::Language>(language);
  outcome.analysed = json.at("analysed").as_boolean();
  const auto& directives = json.at("directives").as_array();
  for (std::size_t i = 0; i + 1 < directives.size(); i += 2)
    outcome.directives.push_back({static_cast<std::uint64_t>(directives[i].as_integer()),
                                  static_cast<std::uint64_t>(directives[i + 1].as_integer())});
  outcome.cached = true;
  outcome.findings = std::move(report.findings);
  outcome.partial = std::move(report.partial);
  if (!report.skipped.empty()) outcome.skipped = report.skipped.front();
  if (!report.files.empty()) outcome.metrics = report.files.front();
  outcome.functions = std::move(report.functions);
  if (!record.empty()) outcome.facts = std::make_shared<const code::FileFacts>(WRENCH_TRY(read_facts(record)));
  return outcome;
}

}  // namespace wrench::scan
