#include "review_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"

namespace wrench::app {

namespace {

using findings::Finding;
using findings::Report;
using findings::Severity;

constexpr std::size_t kIndent = 10;
constexpr std::size_t kLookHereRows = 5;
constexpr std::size_t kSnippetLinesMax = 5;
constexpr std::size_t kTraceStepsMax = 8;
constexpr std::size_t kMessageLinesMax = 4;
constexpr std::size_t kSameRuleMax = 3;

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

std::string pad(std::string text, std::size_t width, std::size_t shown) {
  if (shown < width) text.append(width - shown, ' ');
  return text;
}
std::string pad(const std::string& text, std::size_t width) { return pad(text, width, display_width(text)); }
std::string pad_left(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

std::string clip(std::string_view text, std::size_t width, bool unicode) {
  if (display_width(text) <= width) return std::string(text);
  const std::string_view mark = unicode ? "…" : "...";
  const std::size_t room = width > mark.size() ? width - (unicode ? 1 : 3) : 0;
  std::string out;
  for (std::size_t at = 0, used = 0; at < text.size();) {
    const std::size_t begin = at;
    next_code_point(text, at);
    const auto step = display_width(text.substr(begin, at - begin));
    if (used + step > room) break;
    used += step;
    out += text.substr(begin, at - begin);
  }
  return out + std::string(mark);
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    auto& line = lines.back();
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.emplace_back(word);
    } else {
      if (!line.empty()) line += ' ';
      line += word;
    }
  }
  return lines;
}

std::string place(const findings::Location& where) {
  return Console::safe(where.path) + ":" + std::to_string(where.start.line);
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
    gate();
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

  void header() {
    std::string text = styled(Style::Bold, "WrenchAI " + std::string(version()));
    if (!report_.repository.empty()) text += std::string(dot()) + Console::safe(report_.repository);
    if (!report_.revision.empty()) text += std::string(dot()) + Console::safe(report_.revision);
    const auto files = report_.summary.files_scanned + report_.summary.files_cached;
    text += std::string(dot()) + format_count(files) + (files == 1 ? " file" : " files");
    const auto nloc = report_.summary.nloc;
    if (nloc > 0)
      text += ", " + (nloc < 1000 ? std::to_string(nloc) + " lines" : format_count((nloc + 500) / 1000) + " kLoC");
    text += std::string(dot()) + "no LLM";
    line(text);
    for (const auto& note : report_.notes) line(styled(Style::Dim, "note: " + Console::safe(note)));
    line();
  }

  void findings() {
    std::vector<const Finding*> shown;
    std::set<std::string> groups;
    for (const auto& finding : report_.findings) {
      if (!counts(finding)) continue;
      if (!finding.group.empty() && !groups.insert(finding.group).second) continue;
      shown.push_back(&finding);
    }
    std::stable_sort(shown.begin(), shown.end(), [](const Finding* a, const Finding* b) { return a->rank > b->rank; });
    if (shown.empty()) {
      line(report_.summary.files_scanned + report_.summary.files_cached == 0 ? "Nothing to analyse" : "No findings");
      line();
      return;
    }
    // Ten times the same rule says less than ten different things: beyond three of a kind the next best comes first.
    std::vector<const Finding*> listed;
    std::map<std::string_view, std::size_t> of_rule;
    for (const auto* finding : shown) {
      if (screen_.all || (listed.size() < screen_.top && ++of_rule[finding->rule] <= kSameRuleMax))
        listed.push_back(finding);
    }
    for (const auto* finding : listed) one(*finding);
    if (listed.size() < shown.size()) {
      line(styled(Style::Dim, "  " + format_count(shown.size() - listed.size()) + " more: wrench " + screen_.command +
                                  " --all, or --format html --output report.html"));
      line();
    }
  }

  void one(const Finding& finding) {
    const std::string word = upper(findings::name(finding.severity));
    std::string title =
        finding.title.empty() ? finding.message.substr(0, finding.message.find_first_of(".\n")) : finding.title;
    title = Console::safe(title);
    const std::string id(short_id(finding.fingerprint));
    const std::string tail = (report_.summary.baseline_date.empty() ? "" : "new  ") + id;
    const std::size_t room = width_ > kIndent + tail.size() + 2 ? width_ - kIndent - tail.size() - 2 : 20;
    line(styled(style_of(finding.severity), pad(word, kIndent)) +
         styled(Style::Bold, pad(clip(title, room, unicode_), room)) + "  " + styled(Style::Dim, tail));

    std::string about = Console::safe(finding.where.path) + ":" + std::to_string(finding.where.start.line) + ":" +
                        std::to_string(finding.where.start.col);
    about += "     " + Console::safe(finding.rule);
    for (const auto& cwe : finding.cwe) about += "  " + Console::safe(cwe);
    about += "  confidence " + std::string(findings::name(finding.confidence));
    line(std::string(kIndent, ' ') + about);
    snippet(finding);
    if (finding.message != finding.title) {
      const auto lines =
          wrap(Console::safe(collapse_white_space(finding.message)), width_ > kIndent + 20 ? width_ - kIndent - 6 : 40);
      for (std::size_t i = 0; i < lines.size() && i < kMessageLinesMax; ++i)
        labelled(i == 0 ? "why" : "",
                 i + 1 == kMessageLinesMax && lines.size() > kMessageLinesMax ? lines[i] + " …" : lines[i]);
    }
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
    line();
  }

  void labelled(std::string_view label, const std::string& text) {
    line(std::string(5, ' ') + styled(Style::Dim, pad(std::string(label), 5)) + text);
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
           clip(text, width_ > 20 ? width_ - 13 : 20, unicode_));
    }
    if (lines.size() > kSnippetLinesMax) line(std::string(9, ' ') + styled(Style::Dim, bar) + (unicode_ ? "…" : "..."));
  }

  void look_here_first() {
    if (report_.hotspots.empty()) return;
    line(styled(Style::Bold, pad("Look here first", 44)) +
         styled(Style::Dim, "changes 365 d   complexity   findings   main author"));
    for (std::size_t i = 0; i < report_.hotspots.size() && i < kLookHereRows; ++i) {
      const auto& spot = report_.hotspots[i];
      std::string author = Console::safe(spot.main_author);
      if (!author.empty()) author += " " + std::to_string(std::lround(spot.main_author_percent)) + " %";
      line("  " + pad(clip(Console::safe(spot.path), 41, unicode_), 42) + pad_left(std::to_string(spot.revisions), 13) +
           pad_left(std::to_string(spot.cognitive), 13) + pad_left(std::to_string(spot.findings), 11) + "   " + author);
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
      text += text.empty() ? "  " : "   ";
      const auto severity = static_cast<Severity>(i);
      text += styled(style_of(severity), format_count(by_severity[i]) + " " + std::string(findings::name(severity)));
    }
    if (text.empty()) text = "  0 findings";
    if (report_.summary.suppressed > 0) text += "   " + format_count(report_.summary.suppressed) + " suppressed";
    if (!report_.summary.baseline_date.empty())
      text += "      new since baseline of " + report_.summary.baseline_date + " (" +
              format_count(report_.summary.baseline_matched) + " known, " +
              format_count(report_.summary.baseline_fixed) + " fixed)";
    line(text);
    not_analysed();
  }

  void not_analysed() {
    std::map<std::string, std::size_t> reasons;
    for (const auto& skipped : report_.skipped) ++reasons[skipped.reason];
    if (!reasons.empty()) {
      std::string text = "  Not analysed: " + format_count(report_.skipped.size()) +
                         (report_.skipped.size() == 1 ? " file (" : " files (");
      bool first = true;
      for (const auto& [reason, count] : reasons) {
        text += (first ? "" : ", ") + format_count(count) + " " + replace_all(reason, "_", " ");
        first = false;
      }
      text += ")";
      if (!screen_.explain_skipped) text += "     wrench " + screen_.command + " --explain-skipped";
      line(text);
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
      }
    }
    const std::size_t gap = width_ > text.size() + time.size() + 2 ? width_ - text.size() - time.size() : 2;
    line(styled(style, text) + std::string(gap, ' ') + time);
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
