#include "html_finding.hpp"

#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/text.hpp"
#include "wrench/findings/markup.hpp"
#include "wrench/findings/ranking.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

constexpr std::size_t kSnippetsMax = 2'000;
constexpr std::size_t kOpenFindings = 5;
constexpr std::uint32_t kContextLines = 5;
constexpr std::uint32_t kMatchLinesMax = 20;

std::string text(std::string_view value) { return escape_markup(value); }

class ItemWriter {
 public:
  explicit ItemWriter(Excerpts& excerpts) : excerpts_(excerpts) {}

  std::string item(const RankedGroup& group, std::size_t index, const std::string& id) {
    const Finding& f = *group.best;
    out_ += "<li id=\"" + id + "\" data-severity=\"" + std::string(name(f.severity)) + "\" data-category=\"" +
            std::string(name(f.category)) + "\" data-path=\"" + text(f.where.path) + "\"><details" +
            (index < kOpenFindings ? " open" : "") + "><summary>" + badge(f.severity) + "<div><h3>" +
            text(headline(f)) + "</h3><span class=\"where mono\">" + text(place(f.where)) +
            "</span></div><span class=\"tags\"><span>" + std::string(name(f.category)) + "</span>";
    for (const std::string& cwe : f.cwe) out_ += "<span>" + text(cwe) + "</span>";
    if (f.fix && f.fix->state != FixState::Rejected) {
      out_ += f.fix->state == FixState::Verified ? "<span>fix, verified</span>" : "<span>fix</span>";
    }
    out_ += "</span></summary>\n<div class=\"body\">\n";
    if (!f.reopened.empty()) paragraphs("Shown again: " + f.reopened);
    if (!f.message.empty() && f.message != headline(f)) paragraphs(f.message);
    if (index < kSnippetsMax) code(f);
    trace(f);
    if (!f.related.empty()) {
      out_ += "<h4>Related</h4><ul>";
      for (const Related& related : f.related) {
        out_ += "<li><span class=\"mono\">" + text(place(related.where)) + "</span> " + text(related.note) + "</li>";
      }
      out_ += "</ul>\n";
    }
    if (f.fix && f.fix->state != FixState::Rejected) fix(*f.fix, index < kSnippetsMax);
    for (const Finding* other : group.others) {
      out_ += "<p class=\"quiet\">Also reported here: " + text(headline(*other)) + " <code>" + text(other->rule) +
              "</code></p>\n";
    }
    out_ += "<p class=\"facts\"><span>Rule <code>" + text(f.rule) + "</code></span><span>Confidence " +
            std::string(name(f.confidence)) + "</span><span>Rank " + std::to_string(std::lround(f.rank)) +
            " of 100</span>";
    if (!f.symbol.empty()) out_ += "<span>In <code>" + text(f.symbol) + "</code></span>";
    out_ += "<span>Why this rank: " + text(explain_rank(f)) + "</span>";
    if (f.near_parse_error) out_ += "<span>Near a syntax error</span>";
    if (f.introduced) out_ += "<span>Introduced " + text(introduced_text(f)) + "</span>";
    if (!f.agent.empty()) out_ += "<span>Reported by " + text(f.agent) + "</span>";
    out_ += "</p>\n</div></details></li>\n";
    return std::move(out_);
  }

 private:
  void paragraphs(const std::string& message) {
    std::string paragraph;
    for (const std::string_view line : split(message, '\n')) {
      if (!trim(line).empty()) {
        if (!paragraph.empty()) paragraph += ' ';
        paragraph += trim(line);
        continue;
      }
      if (!paragraph.empty()) out_ += "<p class=\"prose\">" + text(paragraph) + "</p>\n";
      paragraph.clear();
    }
    if (!paragraph.empty()) out_ += "<p class=\"prose\">" + text(paragraph) + "</p>\n";
  }

  void code_line(const ExcerptLine& line, std::string_view css, std::string_view number) {
    const std::string_view content = line.text;
    out_ += "<span class=\"l" + std::string(css.empty() ? "" : " ") + std::string(css) + "\" data-n=\"" +
            std::string(number) + "\">" + text(content.substr(0, line.mark_begin));
    if (line.mark_end > line.mark_begin) {
      out_ += "<mark>" + text(content.substr(line.mark_begin, line.mark_end - line.mark_begin)) + "</mark>";
    }
    out_ += text(content.substr(line.mark_end)) + "\n</span>";
  }

  void code(const Finding& f) {
    const std::vector<ExcerptLine> lines = excerpts_.of(f.where, f.lines, kContextLines, kMatchLinesMax);
    if (lines.empty()) return;
    out_ += "<pre class=\"code\" tabindex=\"0\" aria-label=\"Code\"><code>";
    for (const ExcerptLine& line : lines) code_line(line, line.is_match ? "hit" : "", std::to_string(line.number));
    out_ += "</code></pre>\n";
  }

  void trace(const Finding& f) {
    if (f.trace.empty()) return;
    constexpr std::array<std::string_view, 3> kRoles = {"source", "step", "sink"};
    out_ += "<h4>How the data gets here</h4><ol class=\"trace\">";
    for (const TraceStep& step : f.trace) {
      const std::string_view role = kRoles[static_cast<std::size_t>(step.role)];
      out_ += "<li class=\"" + std::string(role) + "\"><span class=\"role\">" + std::string(role) +
              "</span><span class=\"mono\">" + text(place(step.where)) + "</span>" +
              (step.note.empty() ? "" : " " + text(step.note)) + "</li>";
    }
    out_ += "</ol>\n";
  }

  void fix(const Fix& fix, bool with_code) {
    out_ += std::string("<h4>Fix") + (fix.state == FixState::Verified ? ", verified" : "") + "</h4>\n";
    if (!fix.description.empty()) out_ += "<p class=\"prose\">" + text(fix.description) + "</p>\n";
    if (!with_code || fix.edits.empty()) return;
    out_ += "<pre class=\"code\" tabindex=\"0\" aria-label=\"Change\"><code>";
    for (const Edit& edit : fix.edits) {
      const std::vector<ExcerptLine> old = excerpts_.of(edit.where, "", 0, kMatchLinesMax);
      const bool whole = !old.empty() && edit.where.end.line >= edit.where.start.line &&
                         old.size() == edit.where.end.line - edit.where.start.line + 1;
      for (const ExcerptLine& line : old) {
        ExcerptLine plain = line;
        plain.mark_begin = plain.mark_end = 0;
        code_line(plain, "del", "−");
      }
      std::string replacement = escape_for_display(edit.text, Newlines::Keep);
      if (whole) {
        replacement = old.front().text.substr(0, old.front().mark_begin) + replacement +
                      old.back().text.substr(old.back().mark_end);
      }
      for (const std::string_view line : split(replacement, '\n')) {
        code_line({.number = 0, .text = std::string(line), .is_match = false, .mark_begin = 0, .mark_end = 0}, "add",
                  "+");
      }
    }
    out_ += "</code></pre>\n";
  }

  Excerpts& excerpts_;
  std::string out_;
};

}  // namespace

std::string place(const Location& where) { return where.path + ":" + std::to_string(where.start.line); }

std::string badge(Severity severity) {
  constexpr std::array<std::string_view, 5> kLetters = {"I", "L", "M", "H", "C"};
  const std::string word(name(severity));
  return "<span class=\"sev " + word + "\" role=\"img\" aria-label=\"" + word + "\">" +
         std::string(kLetters[static_cast<std::size_t>(severity)]) + "</span>";
}

std::string finding_item(const RankedGroup& group, std::size_t index, const std::string& id, Excerpts& excerpts) {
  return ItemWriter(excerpts).item(group, index, id);
}

}  // namespace wrench::findings
