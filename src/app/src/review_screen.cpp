#include "review_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "layout.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"
#include "wrench/findings/dismissal.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"

namespace wrench::app {

namespace {

using findings::Finding;
using findings::Report;
using findings::Severity;

constexpr std::size_t kIndent = 10;
constexpr std::size_t kProseMin = 20;
constexpr std::size_t kLookHereRows = 5;
constexpr std::size_t kSnippetLinesMax = 5;
constexpr std::size_t kSnippetIndent = 12;
constexpr std::size_t kTraceStepsMax = 8;
/// Over all lines: a narrow screen gets more of them.
constexpr std::size_t kMessageColumnsMax = 360;
constexpr std::size_t kLabelledColumnsMax = 1'000;
constexpr std::size_t kAlikeMax = 5;

Style style_of(Severity severity) {
  switch (severity) {
    case Severity::Critical:
      return Style::Critical;
    case Severity::High:
      return Style::High;
    case Severity::Medium:
      return Style::Medium;
    case Severity::Low:
      return Style::Low;
    case Severity::Info:
      return Style::Dim;
  }
  return Style::Plain;
}

std::string upper(std::string_view word) {
  std::string out(word);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string place(const findings::Location& where) {
  return Console::safe(where.path) + ":" + std::to_string(where.start.line);
}

/// Columns of text that may hold our own colour sequences.
std::size_t styled_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto escape = std::min(text.find('\x1b', at), text.size());
    width += display_width(text.substr(at, escape - at));
    const auto end = text.find('m', escape);
    at = end == std::string_view::npos ? text.size() : end + 1;
  }
  return width;
}

class Painter {
 public:
  Painter(const Report& report, const ReviewScreen& screen, const Console& console)
      : report_(report), screen_(screen), console_(console), width_(console.width()), unicode_(console.unicode()) {}

  std::string paint() {
    header();
    findings();
    look_here_first();
    totals();
    if (screen_.tells_gate) gate();
    return std::move(out_);
  }

 private:
  std::string_view dot() const { return unicode_ ? " · " : " - "; }
  std::string styled(Style style, std::string_view text) const { return console_.styled(style, text); }
  void line(std::string_view text = {}) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    out_ += text;
    out_ += '\n';
  }

  /// Prose behind a label, under which it goes on.
  void paragraph(std::string_view label, std::string_view text, Style style = Style::Plain) {
    const auto indent = display_width(label);
    const auto lines = wrap(text, std::max(kProseMin, width_ - std::min(width_, indent)));
    for (std::size_t i = 0; i < lines.size(); ++i)
      line(styled(style, (i == 0 ? std::string(label) : std::string(indent, ' ')) + lines[i]));
  }

  /// Parts that belong together, as many on a line as fit.
  void parts(std::size_t indent, std::string_view gap, const std::vector<std::string>& texts) {
    std::string text;
    for (const auto& part : texts) {
      if (!text.empty() && indent + styled_width(text) + display_width(gap) + styled_width(part) > width_) {
        line(std::string(indent, ' ') + text);
        text.clear();
      }
      text += (text.empty() ? "" : std::string(gap)) + part;
    }
    if (!text.empty()) line(std::string(indent, ' ') + text);
  }

  void header() {
    std::vector<std::string> texts = {styled(Style::Bold, "WrenchAI " + std::string(version()))};
    if (!report_.repository.empty()) texts.push_back(Console::safe(report_.repository));
    if (!report_.revision.empty()) texts.push_back(Console::safe(report_.revision));
    const auto files = report_.summary.files_scanned + report_.summary.files_cached;
    std::string size = format_count(files) + (files == 1 ? " file" : " files");
    const auto nloc = report_.summary.nloc;
    if (nloc > 0)
      size += ", " + (nloc >= 1000 ? format_count((nloc + 500) / 1000) + " kLoC"
                                   : std::to_string(nloc) + (nloc == 1 ? " line" : " lines"));
    texts.push_back(std::move(size));
    texts.emplace_back("no LLM");
    parts(0, dot(), texts);
    for (const auto& note : report_.notes) paragraph("note: ", Console::safe(note), Style::Dim);
    line();
  }

  void findings() {
    const auto chosen = choose();
    if (chosen.shown.empty() && chosen.left_out == 0) {
      line(report_.summary.files_scanned + report_.summary.files_cached == 0 ? "Nothing to analyse" : "No findings");
      line();
      return;
    }
    if (chosen.shown.empty()) line("Nothing that needs attention");
    for (const auto& highlight : chosen.shown) one(highlight);
    if (chosen.left_out > 0) {
      paragraph("  ",
                format_count(chosen.left_out) + (chosen.shown.empty() ? " of" : " more, of") + " lower rank: wrench " +
                    screen_.command + " --all, or --format html --output report.html",
                Style::Dim);
      line();
    }
  }

  findings::Highlights choose() const {
    if (!screen_.all) return findings::highlights(report_.findings, screen_.top);
    findings::Highlights every;
    for (const auto& group : findings::ranked_groups(report_.findings)) every.shown.push_back({group.best, {}});
    return every;
  }

  void one(const findings::Highlight& highlight) {
    const Finding& finding = *highlight.finding;
    const std::string word = upper(findings::name(finding.severity));
    std::string title =
        finding.title.empty() ? finding.message.substr(0, finding.message.find_first_of(".\n")) : finding.title;
    title = Console::safe(title);
    const std::string id(short_id(finding.fingerprint));
    const std::string tail = (report_.summary.baseline_date.empty() ? "" : "new  ") + id;
    const std::size_t room = std::max(kProseMin, width_ - std::min(width_, kIndent + tail.size() + 2));
    line(styled(style_of(finding.severity), pad(word, kIndent)) +
         styled(Style::Bold, pad(clip(title, room, unicode_), room)) + "  " + styled(Style::Dim, tail));

    // The place is never cut or broken: editors and people copy it.
    const std::string where = place(finding.where) + ":" + std::to_string(finding.where.start.col);
    std::vector<std::string> about = {Console::safe(finding.rule)};
    for (const auto& cwe : finding.cwe) about.push_back(Console::safe(cwe));
    about.push_back("confidence " + std::string(findings::name(finding.confidence)));
    if (const auto together = where + "     " + join(about, "  "); kIndent + display_width(together) <= width_) {
      line(std::string(kIndent, ' ') + together);
    } else {
      line(std::string(kIndent, ' ') + where);
      parts(kIndent, "  ", about);
    }
    if (!finding.reopened.empty()) labelled("again", Console::safe(collapse_white_space(finding.reopened)));
    snippet(finding);
    if (finding.message != finding.title)
      labelled("why", Console::safe(collapse_white_space(finding.message)), kMessageColumnsMax);
    if (!finding.trace.empty()) {
      std::string path;
      std::size_t number = 0;
      for (const auto& step : finding.trace) {
        if (++number > kTraceStepsMax) {
          path += unicode_ ? " → …" : " -> ...";
          break;
        }
        if (!path.empty()) path += unicode_ ? " → " : " -> ";
        path += place(step.where);
      }
      labelled("path", path);
    }
    if (finding.introduced) labelled("since", Console::safe(introduced_text(finding)));
    if (finding.fix && !finding.fix->description.empty()) {
      std::string fix = Console::safe(finding.fix->description);
      if (finding.fix->state == findings::FixState::Verified) fix += std::string(dot()) + "verified";
      labelled("fix", fix);
    }
    if (!finding.related.empty()) {
      std::string also;
      for (std::size_t i = 0; i < finding.related.size() && i < 3; ++i)
        also += (also.empty() ? "" : ", ") + place(finding.related[i].where);
      if (finding.related.size() > 3) also += " and " + std::to_string(finding.related.size() - 3) + " more";
      labelled("also", also);
    }
    if (!highlight.alike.empty()) {
      std::string lines;
      for (std::size_t i = 0; i < highlight.alike.size() && i < kAlikeMax; ++i)
        lines += (lines.empty() ? "" : ", ") + std::to_string(highlight.alike[i]->where.start.line);
      if (highlight.alike.size() > kAlikeMax)
        lines += " and " + std::to_string(highlight.alike.size() - kAlikeMax) + " more";
      labelled("same", (highlight.alike.size() == 1 ? "in line " : "in lines ") + lines);
    }
    line();
  }

  void labelled(std::string_view label, std::string_view text, std::size_t columns_max = kLabelledColumnsMax) {
    const std::size_t room = std::max(kProseMin, width_ - std::min(width_, kIndent));
    auto lines = wrap(text, room);
    if (const auto lines_max = (columns_max + room - 1) / room; lines.size() > lines_max) {
      lines.resize(lines_max);
      lines.back() = clip(lines.back() + (unicode_ ? " …" : " ..."), room, unicode_);
    }
    for (std::size_t i = 0; i < lines.size(); ++i)
      line(std::string(4, ' ') + styled(Style::Dim, pad(i == 0 ? label : "", kIndent - 4)) + lines[i]);
  }

  void snippet(const Finding& finding) {
    if (finding.lines.empty()) return;
    const auto lines = split(finding.lines, '\n');
    const std::string bar = unicode_ ? " │ " : " | ";
    for (std::size_t i = 0; i < lines.size() && i < kSnippetLinesMax; ++i) {
      if (i + 1 == lines.size() && lines[i].empty()) break;
      const auto number = std::to_string(finding.where.start.line + i);
      const std::string mark = i == 0 ? (unicode_ ? "▶ " : "> ") : "  ";
      const std::string text = Console::safe(replace_all(std::string(lines[i]), "\t", "    "));
      line("   " + mark + pad_left(number, 4) + styled(Style::Dim, bar) +
           clip(text, std::max(kProseMin, width_ - std::min(width_, kSnippetIndent)), unicode_));
    }
    if (lines.size() > kSnippetLinesMax) line(std::string(9, ' ') + styled(Style::Dim, bar) + (unicode_ ? "…" : "..."));
  }

  /// On a narrow screen the last columns go, then the path shrinks; its end says more than its beginning.
  void look_here_first() {
    if (report_.hotspots.empty()) return;
    struct Column {
      std::string_view title;
      std::size_t width;
      std::string (*text)(const findings::Hotspot&);
    };
    static constexpr Column kColumns[] = {
        {"changes 365 d", 13, [](const findings::Hotspot& spot) { return std::to_string(spot.revisions); }},
        {"complexity", 13, [](const findings::Hotspot& spot) { return std::to_string(spot.cognitive); }},
        {"findings", 11, [](const findings::Hotspot& spot) { return std::to_string(spot.findings); }},
    };
    constexpr std::size_t kPathMin = 15, kPathMax = 64, kAuthorMin = 20;
    const auto rows = std::min<std::size_t>(report_.hotspots.size(), kLookHereRows);
    std::size_t path_columns = std::string_view("Look here first").size();
    for (std::size_t i = 0; i < rows; ++i)
      path_columns = std::max(path_columns, 2 + display_width(Console::safe(report_.hotspots[i].path)));
    std::size_t shown = 0, used = 0;
    for (const auto& column : kColumns) {
      if (kPathMin + used + column.width > width_) break;
      used += column.width;
      ++shown;
    }
    path_columns = std::min({path_columns, kPathMax, std::max(kPathMin, width_ - std::min(width_, used + 1))});
    const std::size_t author_columns = width_ - std::min(width_, path_columns + used + 3);
    const bool with_author = shown == std::size(kColumns) && author_columns >= kAuthorMin;
    std::string titles;
    for (std::size_t i = 0; i < shown; ++i) titles += pad_left(kColumns[i].title, kColumns[i].width);
    if (with_author) titles += "   main author";
    line(styled(Style::Bold, pad("Look here first", path_columns)) + styled(Style::Dim, titles));
    for (std::size_t i = 0; i < rows; ++i) {
      const auto& spot = report_.hotspots[i];
      std::string text = "  " + pad(clip_front(Console::safe(spot.path), path_columns - 2, unicode_), path_columns - 2);
      for (std::size_t c = 0; c < shown; ++c) text += pad_left(kColumns[c].text(spot), kColumns[c].width);
      if (with_author && !spot.main_author.empty()) {
        const auto share = " " + std::to_string(std::lround(spot.main_author_percent)) + " %";
        text += "   " + clip(Console::safe(spot.main_author), author_columns - share.size(), unicode_) + share;
      }
      line(text);
    }
    line();
  }

  void totals() {
    std::array<std::size_t, 5> by_severity{};
    for (const auto& finding : report_.findings)
      if (counts(finding)) ++by_severity[static_cast<std::size_t>(finding.severity)];
    std::string text;
    for (std::size_t i = by_severity.size(); i-- > 0;) {
      if (by_severity[i] == 0) continue;
      text += text.empty() ? "" : "   ";
      const auto severity = static_cast<Severity>(i);
      text += styled(style_of(severity), format_count(by_severity[i]) + " " + std::string(findings::name(severity)));
    }
    std::vector<std::string> texts = {text.empty() ? "0 findings" : text};
    for (auto& hidden : findings::hidden_counts(report_)) texts.push_back(std::move(hidden));
    if (!report_.summary.baseline_date.empty())
      texts.push_back("   new since baseline of " + report_.summary.baseline_date + " (" +
                      format_count(report_.summary.baseline_matched) + " known, " +
                      format_count(report_.summary.baseline_fixed) + " fixed)");
    if (const auto& since = report_.summary.since)
      texts.push_back("   new since " + Console::safe(since->revision) + " (" + format_count(since->matched) +
                      " known, " + format_count(since->fixed) + " fixed)");
    parts(2, "   ", texts);
    dismissed();
    not_analysed();
  }

  /// What a person decided about, best rank first.
  void dismissed() {
    std::vector<const Finding*> all;
    for (const auto& finding : report_.findings)
      if (finding.suppressed && findings::is_dismissal(finding.suppressed->kind)) all.push_back(&finding);
    if (all.empty()) return;
    if (!screen_.show_dismissed) {
      paragraph("  ", "What was dismissed, and why: wrench " + screen_.command + " --show-dismissed", Style::Dim);
      return;
    }
    std::ranges::stable_sort(all, [](const Finding* a, const Finding* b) { return a->rank > b->rank; });
    line("  Dismissed:");
    for (const Finding* finding : all) {
      line("    " + styled(style_of(finding->severity), pad(upper(findings::name(finding->severity)), kIndent)) +
           place(finding->where) + "  " + Console::safe(finding->rule) + "  " +
           styled(Style::Dim, std::string(short_id(finding->fingerprint))));
      const auto& why = *finding->suppressed;
      paragraph(std::string(4 + kIndent, ' '),
                Console::safe(collapse_white_space(why.reason + " (" + findings::decided_by(why) + ")")));
    }
  }

  void not_analysed() {
    std::map<std::string, std::size_t> reasons;
    for (const auto& skipped : report_.skipped) ++reasons[skipped.reason];
    if (!reasons.empty()) {
      std::string text = "Not analysed: " + format_count(report_.skipped.size()) +
                         (report_.skipped.size() == 1 ? " file (" : " files (");
      bool first = true;
      for (const auto& [reason, count] : reasons) {
        text += (first ? "" : ", ") + format_count(count) + " " + replace_all(reason, "_", " ");
        first = false;
      }
      text += ")";
      const std::string command = screen_.explain_skipped ? "" : "wrench " + screen_.command + " --explain-skipped";
      if (2 + display_width(text) + 5 + display_width(command) <= width_ || command.empty()) {
        line("  " + text + "     " + command);
      } else {
        paragraph("  ", text);
        paragraph("  ", command);
      }
    }
    if (screen_.explain_skipped)
      for (const auto& skipped : report_.skipped) line("    " + pad(skipped.reason, 18) + Console::safe(skipped.path));
    if (!report_.partial.empty()) {
      line("  " + styled(Style::Medium, "Partial: ") + format_count(report_.partial.size()) +
           (report_.partial.size() == 1 ? " place was" : " places were") + " not fully analysed");
      const std::size_t limit = screen_.all || screen_.explain_skipped
                                    ? report_.partial.size()
                                    : std::min<std::size_t>(5, report_.partial.size());
      for (std::size_t i = 0; i < limit; ++i) {
        const auto& partial = report_.partial[i];
        line("    " + pad(partial.code, 18) + Console::safe(partial.path) +
             (partial.subject.empty() ? "" : "  " + Console::safe(partial.subject)) +
             (partial.detail.empty() ? "" : "  " + Console::safe(partial.detail)));
      }
      if (limit < report_.partial.size())
        line("    and " + format_count(report_.partial.size() - limit) + " more: --explain-skipped");
    }
  }

  void gate() {
    const std::string time = format_duration(report_.run.elapsed_ms * kMicrosPerMs);
    std::string text;
    Style style = Style::Good;
    if (!screen_.gate) {
      text = "No gate (--fail-on none)";
      style = Style::Plain;
    } else {
      const auto failing = at_or_above(report_, *screen_.gate);
      const std::string level(findings::name(*screen_.gate));
      const std::string level_text = *screen_.gate == Severity::Critical ? " at " + level : " at or above " + level;
      if (failing > 0) {
        text = "Gate FAILED: " + format_count(failing) + (failing == 1 ? " finding" : " findings") + level_text;
        style = Style::High;
      } else {
        text = "Gate passed: nothing" + level_text;
        if (!report_.partial.empty()) text += ", but the result is partial";
      }
    }
    auto lines = wrap(text, width_);
    if (lines.back().size() + 2 + time.size() > width_) lines.emplace_back();
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) line(styled(style, lines[i]));
    line(styled(style, lines.back()) + pad_left(time, width_ - lines.back().size()));
  }

  const Report& report_;
  const ReviewScreen& screen_;
  const Console& console_;
  std::size_t width_;
  bool unicode_;
  std::string out_;
};

}  // namespace

bool counts(const findings::Finding& finding) { return !finding.suppressed && finding.is_new; }

std::size_t at_or_above(const findings::Report& report, findings::Severity gate) {
  return static_cast<std::size_t>(
      std::count_if(report.findings.begin(), report.findings.end(),
                    [&](const Finding& finding) { return counts(finding) && finding.severity >= gate; }));
}

std::string render_review(const Report& report, const ReviewScreen& screen, const Console& console) {
  return Painter(report, screen, console).paint();
}

}  // namespace wrench::app
