#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

constexpr std::size_t kGroupsMax = 200;    ///< Groups of findings in a Markdown report.
constexpr std::size_t kDriftRowsMax = 50;  ///< Imports that came, and that went, in a Markdown report.
constexpr std::uint32_t kContextLines = 2;
constexpr std::uint32_t kSnippetLinesMax = 20;
constexpr std::size_t kListedMax = 50;  ///< Places of one group in a Markdown report.

// Text of a repository in running Markdown: no markup, no HTML, no mention, no link comes out of it.
std::string plain(std::string_view text) {
  constexpr std::string_view kEscaped = "\\`*_[]()#!|~>+-.={}$^";
  std::string out;
  for (const char c : escape_for_display(collapse_white_space(text))) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";
    } else if (c == ':') {
      out += "&#58;";
    } else {
      if (kEscaped.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::size_t longest_run_of_backticks(std::string_view text) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

// A code span; in tables '|' needs a backslash even there.
std::string code(std::string_view text) {
  const std::string safe = replace_all(escape_for_display(text), "|", "\\|");
  if (safe.empty()) return "";
  const std::string fence(longest_run_of_backticks(safe) + 1, '`');
  const std::string pad = safe.front() == '`' || safe.back() == '`' || fence.size() > 1 ? " " : "";
  return fence + pad + safe + pad + fence;
}

class MarkdownWriter {
 public:
  explicit MarkdownWriter(const WriterInput& input) : input_(input), report_(input.report) {}

  Result<void> write() {
    heading();
    summary();
    hotspots();
    drift();
    const std::vector<RankedGroup> groups = ranked_groups(report_.findings);
    if (groups.empty()) {
      out_ += "\nNo findings.\n";
    } else {
      out_ += "\n## Findings\n";
    }
    const std::size_t shown = std::min(groups.size(), kGroupsMax);
    for (std::size_t i = 0; i < shown; ++i) {
      group(i + 1, groups[i]);
      WRENCH_TRY(flush());
    }
    if (shown < groups.size()) {
      out_ += "\n" + format_count(groups.size() - shown) +
              " more of lower rank are not shown here; the JSON and HTML reports hold all.\n";
    }
    problems();
    return flush();
  }

 private:
  void heading() {
    out_ += "# Review";
    if (!report_.repository.empty()) out_ += " of " + plain(report_.repository);
    out_ += "\n\n";
    std::string line = counted(report_.summary.files_scanned + report_.summary.files_cached, "file", "files");
    if (report_.summary.nloc > 0) line += ", " + format_count(report_.summary.nloc) + " lines of code";
    if (!report_.revision.empty()) line += ", " + code(report_.revision);
    if (!report_.run.started.empty()) line += ", " + plain(report_.run.started);
    out_ += line + ".\n";
    if (!report_.run.complete || !report_.partial.empty()) {
      out_ += "\n**Partial**: a part of the input was not analysed; see the end.\n";
    }
  }

  void summary() {
    const SeverityCounts counts = count_findings(report_);
    out_ += "\n| critical | high | medium | low | info |\n| ---: | ---: | ---: | ---: | ---: |\n|";
    for (int i = 4; i >= 0; --i) out_ += " " + format_count(counts.of(static_cast<Severity>(i))) + " |";
    out_ += "\n";
    for (const Comparison& comparison : comparisons(report_))
      out_ += "\nNew since " + plain(comparison.with) + "; " + format_count(comparison.matched) + " known, " +
              format_count(comparison.fixed) + " fixed.\n";
  }

  void drift() {
    if (report_.edges_added.empty() && report_.edges_removed.empty()) return;
    out_ += "\n## Imports that changed\n\n| module | | module |\n| --- | --- | --- |\n";
    const auto rows = [&](std::string_view verb, const std::vector<ModuleEdge>& edges) {
      for (std::size_t i = 0; i < std::min(edges.size(), kDriftRowsMax); ++i)
        out_ += "| " + code(edges[i].from) + " | " + std::string(verb) + " | " + code(edges[i].to) + " |\n";
      if (edges.size() > kDriftRowsMax) out_ += "| … | " + std::string(verb) + " | … |\n";
    };
    rows("now uses", report_.edges_added);
    rows("no longer uses", report_.edges_removed);
  }

  void hotspots() {
    if (report_.hotspots.empty()) return;
    out_ +=
        "\n## Look here first\n\n| file | changes | complexity | findings | main author |\n"
        "| --- | ---: | ---: | ---: | --- |\n";
    constexpr std::size_t kHotspotsMax = 10;
    for (std::size_t i = 0; i < std::min(report_.hotspots.size(), kHotspotsMax); ++i) {
      const Hotspot& h = report_.hotspots[i];
      out_ += "| " + code(h.path) + " | " + format_count(h.revisions) + " | " + format_count(h.cognitive) + " | " +
              format_count(h.findings) + " | " + plain(h.main_author) + " |\n";
    }
  }

  void group(std::size_t number, const RankedGroup& group) {
    const Finding& f = *group.best;
    out_ += "\n### " + std::to_string(number) + "\\. " + plain(headline(f)) + "\n\n";
    std::string line =
        "**" + std::string(name(f.severity)) + "** " +
        code(f.where.path + ":" + std::to_string(f.where.start.line) + ":" + std::to_string(f.where.start.col)) + " " +
        code(f.rule);
    for (const std::string& cwe : f.cwe) line += " " + plain(cwe);
    line += ", confidence " + std::string(name(f.confidence));
    if (f.introduced) line += ", introduced " + plain(introduced_text(f));
    out_ += line + "\n";
    if (!f.reopened.empty()) out_ += "\nShown again: " + plain(f.reopened) + "\n";
    if (!f.message.empty()) out_ += "\n" + plain(f.message) + "\n";
    snippet(f);
    if (!f.trace.empty()) {
      out_ += "\nPath:\n\n";
      std::size_t step_number = 1;
      for (const TraceStep& step : f.trace) {
        out_ += std::to_string(step_number++) + ". " +
                code(step.where.path + ":" + std::to_string(step.where.start.line)) + " " + plain(step.note) + "\n";
      }
    }
    if (f.fix && f.fix->state != FixState::Rejected && !f.fix->description.empty()) {
      out_ += "\nFix: " + plain(f.fix->description) + (f.fix->state == FixState::Verified ? " (verified)" : "") + "\n";
    }
    for (const Finding* other : group.others) {
      out_ += "\nAlso here: " + code(other->rule) + " " + plain(headline(*other)) + "\n";
    }
  }

  void snippet(const Finding& f) {
    const std::vector<ExcerptLine> lines = input_.excerpts.of(f.where, f.lines, kContextLines, kSnippetLinesMax);
    if (lines.empty()) return;
    std::string text;
    for (const ExcerptLine& excerpt : lines) {
      std::string number = std::to_string(excerpt.number);
      if (number.size() < 5) number.insert(0, 5 - number.size(), ' ');
      text += (excerpt.is_match ? "> " : "  ") + number + "  " + excerpt.text + "\n";
    }
    const std::string fence(std::max<std::size_t>(3, longest_run_of_backticks(text) + 1), '`');
    out_ += "\n" + fence + "text\n" + text + fence + "\n";
  }

  void problems() {
    if (!report_.partial.empty() || !report_.errors.empty()) out_ += "\n## Not analysed\n\n";
    std::size_t listed = 0;
    for (const Partial& partial : report_.partial) {
      if (++listed > kListedMax) break;
      out_ += "- " + code(partial.code) + (partial.path.empty() ? "" : " " + code(partial.path)) +
              (partial.subject.empty() ? "" : " " + code(partial.subject)) + " " + plain(partial.detail) + "\n";
    }
    for (const Error& error : report_.errors) {
      if (++listed > kListedMax) break;
      out_ += "- " + code(error.code) +
              (error.place.file.empty() ? "" : " " + code(error.place.file + ":" + std::to_string(error.place.line))) +
              " " + plain(error.message) + "\n";
    }
    const std::size_t all = report_.partial.size() + report_.errors.size();
    if (all > kListedMax) out_ += "- and " + format_count(all - kListedMax) + " more\n";
    if (!report_.skipped.empty()) {
      out_ += "\nSkipped by policy:";
      for (const auto& [reason, count] : count_skipped(report_)) {
        out_ += " " + format_count(count) + " " + plain(reason) + ";";
      }
      out_.back() = '.';
      out_ += "\n";
    }
    for (const std::string& note : report_.notes) out_ += "\nNote: " + plain(note) + "\n";
  }

  Result<void> flush() {
    const Result<void> status = input_.sink.write(out_);
    out_.clear();
    return status;
  }

  const WriterInput& input_;
  const Report& report_;
  std::string out_;
};

}  // namespace

Result<void> write_markdown(const WriterInput& input) { return MarkdownWriter(input).write(); }

}  // namespace wrench::findings
