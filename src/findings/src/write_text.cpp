#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "fix_lines.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

constexpr std::uint32_t kSnippetLinesMax = 4;
constexpr std::size_t kDriftLinesMax = 20;  // Imports that came, and that went.
constexpr std::size_t kWidthMin = 40;

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::array<std::string_view, 5> kSeverityColors = {"\x1b[2m", "\x1b[34m", "\x1b[33m", "\x1b[31m",
                                                             "\x1b[1;31m"};

class TextWriter {
 public:
  explicit TextWriter(const WriterInput& input)
      : input_(input), style_(input.style), bar_(style_.ascii ? "|" : "\xE2\x94\x82") {}

  Result<void> write() {
    std::vector<RankedGroup> groups = ranked_groups(input_.report.findings);
    // Compiler order: by place, so that editors jump through a file from top to bottom.
    const auto place = [](const RankedGroup& g) {
      return std::tie(g.best->where.path, g.best->where.start.offset, g.best->rule);
    };
    std::sort(groups.begin(), groups.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
    for (const RankedGroup& group : groups) {
      finding(*group.best);
      for (const Finding* other : group.others) {
        line("  also [" + shown(other->rule) + "] " + shown(headline(*other)));
      }
      WRENCH_TRY(flush());
    }
    problems();
    counts();
    return flush();
  }

 private:
  std::string paint(std::string_view color, std::string_view text) const {
    if (!style_.color) return std::string(text);
    return std::string(color) + std::string(text) + std::string(kReset);
  }
  std::string shown(std::string_view text) const { return escape_for_display(text); }
  void line(std::string_view text) {
    out_ += text;
    out_ += '\n';
  }
  Result<void> flush() {
    const Result<void> status = input_.sink.write(out_);
    out_.clear();
    return status;
  }

  std::string place(const Location& where) const {
    return shown(where.path) + ":" + std::to_string(where.start.line) + ":" + std::to_string(where.start.col);
  }

  void finding(const Finding& f) {
    const std::string_view color = kSeverityColors[static_cast<std::size_t>(f.severity)];
    const std::string_view message = f.message.empty() ? std::string_view(f.title) : std::string_view(f.message);
    line(paint(kBold, place(f.where)) + ": " + paint(color, name(f.severity)) + " [" + shown(f.rule) + "] " +
         shown(collapse_white_space(message)));
    snippet(f);
    if (f.introduced) line("  introduced: " + shown(introduced_text(f)));
    for (const TraceStep& step : f.trace) {
      constexpr std::array<std::string_view, 3> kRoles = {"source", "step", "sink"};
      std::string text =
          "  trace: " + std::string(kRoles[static_cast<std::size_t>(step.role)]) + " " + place(step.where);
      if (!step.note.empty()) text += ": " + shown(step.note);
      line(text);
    }
    for (const Related& related : f.related) {
      line("  note: " + place(related.where) + ": " + shown(related.note));
    }
    if (f.fix) fix(f, *f.fix);
  }

  void fix(const Finding& f, const Fix& fix) {
    if (fix.state == FixState::Rejected) {
      if (!fix.reason.empty()) line("  fix rejected: " + shown(fix.reason));
      return;
    }
    if (!fix.description.empty())
      line("  fix: " + shown(fix.description) + (fix.state == FixState::Verified ? " (verified)" : std::string()));
    const LineChange change = line_change(f);
    for (const auto& [mark, lines] : {std::pair('-', &change.before), std::pair('+', &change.after)})
      for (const std::string& text : *lines)
        line("      " + paint(kDim, std::string(1, mark)) + " " + clipped(shown(text)));
  }

  std::string clipped(std::string text) const {
    const std::size_t room = std::max(style_.width, kWidthMin) - 8;
    if (display_width(text) <= room) return text;
    const std::string dots = style_.ascii ? "..." : "\xE2\x80\xA6";
    std::size_t at = 0, used = 0;
    while (at < text.size()) {
      std::size_t next = at;
      next_code_point(text, next);
      used += display_width(std::string_view(text).substr(at, next - at));
      if (used + display_width(dots) > room) break;
      at = next;
    }
    return text.substr(0, at) + dots;
  }

  void snippet(const Finding& f) {
    const std::vector<ExcerptLine> lines = input_.excerpts.of(f.where, f.lines, 0, kSnippetLinesMax);
    for (const ExcerptLine& excerpt : lines) {
      const std::string number = std::to_string(excerpt.number);
      const std::string gutter = std::string(number.size() < 6 ? 6 - number.size() : 0, ' ') + number + " ";
      const std::size_t room = std::max(style_.width, kWidthMin) - gutter.size() - 2;
      const Clipped clipped = clip(excerpt, room);
      line(paint(kDim, gutter + std::string(bar_)) + " " + clipped.text);
      if (excerpt.number != f.where.start.line || clipped.caret_columns == 0) continue;
      const std::string carets(clipped.caret_columns, '^');
      line(paint(kDim, std::string(gutter.size(), ' ') + std::string(bar_)) + " " +
           std::string(clipped.caret_indent, ' ') + paint(color_of(f), carets));
    }
  }

  std::string_view color_of(const Finding& f) const { return kSeverityColors[static_cast<std::size_t>(f.severity)]; }

  struct Clipped {
    std::string text;
    std::size_t caret_indent = 0;
    std::size_t caret_columns = 0;
  };

  // Cuts a line to `room` columns so that the mark's beginning stays in sight.
  Clipped clip(const ExcerptLine& excerpt, std::size_t room) const {
    const std::string dots = style_.ascii ? "..." : "\xE2\x80\xA6";
    const std::string_view text = excerpt.text;
    const std::size_t mark_column = display_width(text.substr(0, excerpt.mark_begin));
    const std::size_t mark_width =
        display_width(text.substr(excerpt.mark_begin, excerpt.mark_end - excerpt.mark_begin));
    std::size_t skip = 0;
    if (display_width(text) > room && mark_column + std::min(mark_width, room / 2) + 4 > room) {
      skip = mark_column > room / 3 ? mark_column - room / 3 : 0;
    }
    Clipped result;
    std::size_t column = 0;
    std::size_t used = 0;
    if (skip > 0) {
      result.text = dots;
      used = display_width(dots);
    }
    const std::size_t shift = used;
    std::size_t hidden = 0;  // Columns really left out: a wide character is never cut in half.
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      next_code_point(text, at);
      const std::string_view character = text.substr(begin, at - begin);
      const std::size_t width = display_width(character);
      if (column < skip) {
        column += width;
        hidden = column;
        continue;
      }
      if (used + width + display_width(dots) > room && display_width(text.substr(begin)) + used > room) {
        result.text += dots;
        break;
      }
      result.text += character;
      used += width;
      column += width;
    }
    if (mark_width > 0 && mark_column >= hidden) {
      result.caret_indent = mark_column - hidden + shift;
      if (result.caret_indent < room) result.caret_columns = std::min(mark_width, room - result.caret_indent);
    }
    return result;
  }

  void problems() {
    const Report& report = input_.report;
    for (const Error& error : report.errors) {
      std::string where = error.place.file.empty() ? std::string() : shown(error.place.file);
      if (error.place.line > 0) where += ":" + std::to_string(error.place.line);
      if (error.place.line > 0 && error.place.column > 0) where += ":" + std::to_string(error.place.column);
      line((where.empty() ? "" : where + ": ") + "error: " + shown(error.message) + " [" + shown(error.code) + "]");
    }
    for (const Partial& partial : report.partial) {
      std::string text = partial.path.empty() ? std::string() : shown(partial.path) + ": ";
      text += "partial: " + shown(partial.code);
      if (!partial.subject.empty()) text += " (" + shown(partial.subject) + ")";
      if (!partial.detail.empty()) text += ": " + shown(partial.detail);
      line(text);
    }
    drift("now uses", report.edges_added);
    drift("no longer uses", report.edges_removed);
    for (const std::string& note : report.notes) line("note: " + shown(note));
  }

  void drift(std::string_view verb, const std::vector<ModuleEdge>& edges) {
    for (std::size_t i = 0; i < std::min(edges.size(), kDriftLinesMax); ++i)
      line("structure: " + shown(edges[i].from) + " " + std::string(verb) + " " + shown(edges[i].to));
    if (edges.size() > kDriftLinesMax)
      line("structure: and " + format_count(edges.size() - kDriftLinesMax) + " more; see --format json");
  }

  void counts() {
    const Report& report = input_.report;
    const Report::Summary& summary = report.summary;
    const SeverityCounts found = count_findings(report);
    std::string text = counted(found.total(), "finding", "findings");
    if (found.total() > 0) text += ": " + severity_sentence(report);
    for (const std::string& hidden : hidden_counts(report)) text += "; " + hidden;
    for (const Comparison& comparison : comparisons(report))
      text += "; new since " + shown(comparison.with) + ": " + format_count(comparison.matched) + " known, " +
              format_count(comparison.fixed) + " fixed";
    text += "; " + counted(summary.files_scanned + summary.files_cached, "file", "files");
    if (!report.skipped.empty()) text += ", " + format_count(report.skipped.size()) + " skipped";
    if (!report.partial.empty()) text += ", " + format_count(report.partial.size()) + " partial";
    line(paint(kBold, text));
  }

  const WriterInput& input_;
  const ReportStyle& style_;
  std::string_view bar_;
  std::string out_;
};

}  // namespace

Result<void> write_text(const WriterInput& input) { return TextWriter(input).write(); }

}  // namespace wrench::findings
