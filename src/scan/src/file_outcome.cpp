#include "file_outcome.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/code/facts_record.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/findings/report_record.hpp"

namespace wrench::scan {

namespace {

struct OutcomeRecord {
  std::string content_id;
  std::uint64_t bytes = 0;
  std::uint32_t nloc = 0;
  std::uint8_t language = 0;
  bool analysed = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> directives;
  std::string_view report;
  std::optional<std::string_view> facts;
};
template <class Archive, codec::RecordOf<OutcomeRecord> R>
void fields(Archive& archive, R& r) {
  archive(r.content_id, r.bytes, r.nloc, r.language, r.analysed, r.directives, r.report, r.facts);
}

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

std::string to_record(const FileOutcome& outcome) {
  findings::Report report;  // Of one file: the module findings knows how to keep what it is made of.
  report.findings = outcome.findings;
  report.partial = outcome.partial;
  if (outcome.skipped) report.skipped.push_back(*outcome.skipped);
  if (outcome.metrics) report.files.push_back(*outcome.metrics);
  report.functions = outcome.functions;
  report.notes = outcome.followed_in_part;
  const std::string report_bytes = findings::to_record(report);
  const auto facts_bytes = outcome.facts ? std::optional(code::to_record(*outcome.facts)) : std::nullopt;
  OutcomeRecord record{outcome.content_id, outcome.bytes,
                       outcome.nloc,       static_cast<std::uint8_t>(outcome.language),
                       outcome.analysed,   {},
                       report_bytes,       facts_bytes};
  for (const auto& span : outcome.directives) record.directives.emplace_back(span.begin, span.end);
  codec::RecordWriter writer;
  writer(record);
  return std::move(writer).take();
}

Result<FileOutcome> outcome_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  OutcomeRecord record;
  reader(record);
  if (!reader.complete() || record.language > static_cast<std::uint8_t>(source::Language::Text))
    return Error("scan.cache_record", "the record is damaged");
  auto report = WRENCH_TRY(findings::report_from_record(record.report));
  FileOutcome outcome;
  outcome.content_id = std::move(record.content_id);
  outcome.bytes = record.bytes;
  outcome.nloc = record.nloc;
  outcome.language = static_cast<source::Language>(record.language);
  outcome.analysed = record.analysed;
  for (const auto& [begin, end] : record.directives) outcome.directives.push_back({begin, end});
  outcome.cached = true;
  outcome.findings = std::move(report.findings);
  outcome.partial = std::move(report.partial);
  if (!report.skipped.empty()) outcome.skipped = std::move(report.skipped.front());
  if (!report.files.empty()) outcome.metrics = std::move(report.files.front());
  outcome.functions = std::move(report.functions);
  outcome.followed_in_part = std::move(report.notes);
  if (record.facts)
    outcome.facts = std::make_shared<const code::FileFacts>(WRENCH_TRY(code::facts_from_record(*record.facts)));
  return outcome;
}

}  // namespace wrench::scan
