#include "wrench/findings/report_writer.hpp"

#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"
#include "wrench/findings/summary.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

struct FormatEntry {
  std::string_view name;
  Format format;
  Result<void> (*write)(const WriterInput&);
};

constexpr std::array kFormats = {
    FormatEntry{"text", Format::Text, write_text},
    FormatEntry{"json", Format::Json, write_report_json},
    FormatEntry{"sarif", Format::Sarif, write_sarif},
    FormatEntry{"semgrep-json", Format::SemgrepJson, write_semgrep_json},
    FormatEntry{"junit", Format::Junit, write_junit},
    FormatEntry{"markdown", Format::Markdown, write_markdown},
    FormatEntry{"html", Format::Html, write_html},
};

constexpr std::size_t kHeadlineCharactersMax = 120;

}  // namespace

std::string_view name(Format format) { return kFormats[static_cast<std::size_t>(format)].name; }

std::optional<Format> parse_format(std::string_view text) {
  for (const FormatEntry& entry : kFormats) {
    if (entry.name == text) return entry.format;
  }
  return std::nullopt;
}

const std::vector<std::string_view>& format_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const FormatEntry& entry : kFormats) list.push_back(entry.name);
    return list;
  }();
  return names;
}

std::string introduced_text(const Finding& finding) {
  if (!finding.introduced) return {};
  constexpr std::size_t kShortIdBytes = 7;
  return finding.introduced->date + " by " + finding.introduced->author + " in " +
         finding.introduced->commit.substr(0, kShortIdBytes);
}

std::string headline(const Finding& finding) {
  std::string_view text = finding.title;
  if (text.empty()) {
    text = trim(finding.message);
    text = text.substr(0, std::min(text.find('\n'), text.find(". ")));
    while (text.ends_with('.')) text.remove_suffix(1);
  }
  if (text.empty()) return finding.rule;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kHeadlineCharactersMax && at < text.size(); ++i) next_code_point(text, at);
  return at < text.size() ? std::string(text.substr(0, at)) + "\xE2\x80\xA6" : std::string(text);
}

std::string counted(std::uint64_t n, std::string_view singular, std::string_view plural) {
  return format_count(n) + " " + std::string(n == 1 ? singular : plural);
}

std::string severity_sentence(const Report& report) {
  const SeverityCounts counts = count_findings(report);
  std::vector<std::string> parts;
  for (int i = 4; i >= 0; --i) {
    const auto severity = static_cast<Severity>(i);
    if (counts.of(severity) > 0) parts.push_back(format_count(counts.of(severity)) + " " + std::string(name(severity)));
  }
  return parts.empty() ? "no findings" : join(parts, ", ");
}

std::vector<Comparison> comparisons(const Report& report) {
  const Report::Summary& s = report.summary;
  std::vector<Comparison> out;
  if (!s.baseline_date.empty() || s.baseline_matched > 0 || s.baseline_fixed > 0)
    out.push_back({s.baseline_date.empty() ? "the baseline" : "the baseline of " + s.baseline_date, s.baseline_matched,
                   s.baseline_fixed});
  if (s.since) {
    constexpr std::size_t kShortIdBytes = 7;
    const std::string id = s.since->commit.substr(0, kShortIdBytes);
    const bool is_id = s.since->commit.starts_with(s.since->revision);
    out.push_back({is_id ? id : s.since->revision + " (" + id + ")", s.since->matched, s.since->fixed});
  }
  return out;
}

std::vector<const Finding*> counted_findings(const Report& report) {
  std::vector<const Finding*> findings;
  for (const Finding& finding : report.findings) {
    if (!finding.suppressed && finding.is_new) findings.push_back(&finding);
  }
  return findings;
}

Result<void> write_report(Format format, const Report& report, const SourceLookup& sources, ByteSink& sink,
                          const ReportStyle& style) {
  const auto write = kFormats[static_cast<std::size_t>(format)].write;
  const SecretMask mask(report.findings, sources);
  Excerpts excerpts(sources, mask);
  if (mask.empty()) return write({report, excerpts, sink, style});
  Report masked = report;
  mask_secrets(masked, sources);
  return write({masked, excerpts, sink, style});
}

}  // namespace wrench::findings
