#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>

#include "html_charts.hpp"
#include "html_finding.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/embedded.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/markup.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"
#include "writers.hpp"

namespace wrench::findings {

std::span<const EmbeddedFile> report_assets();

namespace {

constexpr std::size_t kFindingsListedMax = 10'000;  ///< In an HTML report, which says how many more there are.
constexpr std::size_t kHotspotsListed = 10;
constexpr std::size_t kRowsMax = 500;

std::string_view asset(std::string_view path) {
  for (const EmbeddedFile& file : report_assets()) {
    if (file.path == path) return file.bytes;
  }
  return {};
}

std::string base64(const crypto::Sha256Digest& bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(bytes.size() - i, 3);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = (word << 8) | (k < left ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? kAlphabet[(word >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

std::string csp_hash(std::string_view content) { return "'sha256-" + base64(crypto::sha256(content)) + "'"; }

std::string anchor(const Finding& finding, std::size_t number) {
  const std::string_view hex =
      std::string_view(finding.fingerprint).substr(std::min<std::size_t>(4, finding.fingerprint.size()));
  const bool good = hex.size() == 32 && hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return good ? "f-" + std::string(hex.substr(0, 12)) : "n-" + std::to_string(number);
}

class HtmlWriter {
 public:
  explicit HtmlWriter(const WriterInput& input)
      : input_(input), report_(input.report), groups_(ranked_groups(input.report.findings)) {}

  Result<void> write() {
    head();
    header();
    out_ += "<main>\n";
    summary();
    look_here_first();
    charts();
    WRENCH_TRY(flush());
    WRENCH_TRY(findings());
    cycles();
    not_analysed();
    suppressed();
    out_ += "</main>\n<footer><div class=\"wrap\">Made by wrench " + text(report_.tool_version) +
            ". This file holds everything it shows and loads nothing.</div></footer>\n<script>" +
            std::string(asset("report.js")) + "</script>\n</body>\n</html>\n";
    return flush();
  }

 private:
  static std::string text(std::string_view value) { return escape_markup(value); }

  Result<void> flush() {
    const Result<void> status = input_.sink.write(out_);
    out_.clear();
    return status;
  }

  std::string subject() const {
    if (!report_.repository.empty()) return report_.repository;
    return report_.root.empty() || report_.root == "." ? "this folder" : report_.root;
  }

  void head() {
    const std::string_view css = asset("report.css");
    out_ += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    out_ += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src " + csp_hash(css) +
            "; script-src " + csp_hash(asset("report.js")) + "; base-uri 'none'; form-action 'none'\">\n";
    out_ +=
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
    out_ += "<title>Review of " + text(subject()) + " · WrenchAI</title>\n<style>" + std::string(css) +
            "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#findings\">Skip to findings</a>\n";
  }

  void fact(std::string_view label, std::string_view value) {
    if (!value.empty()) facts_.emplace_back(label, value);
  }

  void header() {
    const Report::Summary& s = report_.summary;
    fact("Revision", report_.revision);
    std::string started = report_.run.started.substr(0, 16);
    if (started.size() == 16) started[10] = ' ';
    fact("Started (UTC)", started);
    if (report_.run.elapsed_ms > 0) fact("Duration", format_duration(report_.run.elapsed_ms * kMicrosPerMs));
    fact("Files", format_count(s.files_scanned + s.files_cached));
    if (s.nloc > 0) fact("Lines of code", format_count(s.nloc));
    std::vector<std::string> languages;
    for (const auto& [language, nloc] : s.by_language) {
      if (languages.size() < 3) languages.push_back(language);
    }
    fact("Languages", join(languages, ", "));

    out_ += "<header class=\"top\"><div class=\"wrap\">\n<div><p class=\"eyebrow\">WrenchAI review</p><h1><bdi>" +
            text(subject()) + "</bdi></h1><p class=\"verdict\">" + text(verdict()) +
            "</p></div>\n<dl class=\"titleblock\">";
    for (const auto& [label, value] : facts_) out_ += "<div><dt>" + label + "</dt><dd>" + text(value) + "</dd></div>";
    out_ +=
        "</dl>\n</div></header>\n<nav class=\"toc\" aria-label=\"Sections\"><div class=\"wrap\"><ul>"
        "<li><a href=\"#summary\">Summary</a></li>";
    if (has_map()) out_ += "<li><a href=\"#hotspots\">Look here first</a></li>";
    out_ +=
        "<li><a href=\"#charts\">Charts</a></li><li><a href=\"#findings\">Findings</a></li>"
        "<li><a href=\"#not-analysed\">Not analysed</a></li></ul></div></nav>\n";
  }

  bool has_map() const { return !report_.hotspots.empty() || !report_.files.empty(); }

  std::string verdict() const {
    const SeverityCounts counts = count_findings(report_);
    if (counts.total() == 0) {
      return report_.partial.empty() ? "No findings." : "No findings in what could be analysed; a part could not.";
    }
    std::string sentence = counted(counts.total(), "finding", "findings");
    const std::uint64_t urgent = counts.at_or_above(Severity::High);
    if (urgent > 0) {
      sentence += ", " + format_count(urgent) + (urgent == 1 ? " of them needs" : " of them need") + " attention now";
    } else {
      sentence += ", none of them high or critical";
    }
    if (!report_.hotspots.empty()) sentence += ". The riskiest file is " + report_.hotspots.front().path;
    return sentence + ".";
  }

  void summary() {
    const SeverityCounts counts = count_findings(report_);
    out_ +=
        "<section id=\"summary\" aria-labelledby=\"h-summary\"><div class=\"wrap\">\n<h2 "
        "id=\"h-summary\">Summary</h2>\n"
        "<ul class=\"counts\">";
    for (int i = 4; i >= 0; --i) {
      const auto severity = static_cast<Severity>(i);
      out_ += std::string("<li") + (counts.of(severity) == 0 ? " class=\"zero\"" : "") + "><span class=\"n\">" +
              format_count(counts.of(severity)) + "</span><span class=\"k\">" + badge(severity) +
              "<span class=\"word\" aria-hidden=\"true\">" + std::string(name(severity)) + "</span></span></li>";
    }
    out_ += "</ul>\n";
    for (const Comparison& comparison : comparisons(report_)) {
      const std::string line = "Only what is new since " + comparison.with + ". " +
                               counted(comparison.matched, "finding was", "findings were") + " known before, " +
                               format_count(comparison.fixed) + (comparison.fixed == 1 ? " is fixed." : " are fixed.");
      out_ += "<p class=\"lede\">" + text(line) + "</p>\n";
    }
    if (!report_.partial.empty() || !report_.run.complete) {
      out_ += "<p class=\"partial\"><strong>Partial.</strong> " +
              text(report_.partial.empty()
                       ? "The run was stopped before its end."
                       : counted(report_.partial.size(), "part of the input was", "parts of the input were") +
                             " not analysed.") +
              " <a href=\"#not-analysed\">What and why</a></p>\n";
    }
    for (const std::string& note : report_.notes) out_ += "<p class=\"lede\">Note: " + text(note) + "</p>\n";
    out_ += "</div></section>\n";
  }

  void look_here_first() {
    if (!has_map()) return;
    out_ +=
        "<section id=\"hotspots\" aria-labelledby=\"h-hotspots\"><div class=\"wrap\">\n<h2 id=\"h-hotspots\">Look here "
        "first</h2>\n";
    if (!report_.hotspots.empty()) {
      out_ +=
          "<p class=\"lede\">Files that are complex and change often: where the next bug is likely, and where tidying "
          "pays.</p>\n"
          "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Hotspots\"><table><thead><tr><th "
          "scope=\"col\" class=\"num\">No.</th>"
          "<th scope=\"col\">File</th><th scope=\"col\" class=\"num\">Score</th><th scope=\"col\" "
          "class=\"num\">Changes, 365 d</th>"
          "<th scope=\"col\" class=\"num\">Complexity</th><th scope=\"col\" class=\"num\">Findings</th><th "
          "scope=\"col\">Main author</th></tr></thead><tbody>\n";
      for (std::size_t i = 0; i < std::min(report_.hotspots.size(), kHotspotsListed); ++i) {
        const Hotspot& h = report_.hotspots[i];
        std::string author = text(h.main_author);
        if (!h.main_author.empty())
          author = "<bdi>" + author + "</bdi> " + std::to_string(std::lround(h.main_author_percent)) + " %";
        out_ += "<tr><td class=\"num\">" + std::to_string(i + 1) + "</td><th scope=\"row\" class=\"mono\">" +
                text(h.path) + "</th><td class=\"num\">" + std::to_string(std::lround(h.score * 100)) +
                "</td><td class=\"num\">" + format_count(h.revisions) + "</td><td class=\"num\">" +
                format_count(h.cognitive) + "</td><td class=\"num\">" + format_count(h.findings) +
                "</td><td class=\"keep\">" + author + "</td></tr>\n";
      }
      out_ += "</tbody></table></div>\n";
    }
    out_ += treemap_figure(report_);
    out_ += "</div></section>\n";
  }

  void charts() {
    const std::array<std::string, 4> figures = {categories_figure(report_), complexity_figure(report_),
                                                churn_figure(report_), clones_figure(report_)};
    out_ +=
        "<section id=\"charts\" aria-labelledby=\"h-charts\"><div class=\"wrap\">\n<h2 "
        "id=\"h-charts\">Charts</h2>\n<div class=\"grid\">\n";
    bool any = false;
    for (const std::string& figure : figures) {
      out_ += figure;
      any = any || !figure.empty();
    }
    out_ += "</div>\n";
    if (!any) out_ += "<p class=\"empty\">There is nothing to draw.</p>\n";
    out_ += "</div></section>\n";
  }

  void filter() {
    std::array<bool, 5> severities{};
    std::set<Category> categories;
    for (const RankedGroup& group : groups_) {
      severities[static_cast<std::size_t>(group.best->severity)] = true;
      categories.insert(group.best->category);
    }
    out_ +=
        "<form class=\"filter\" id=\"filter\" role=\"search\" aria-label=\"Filter findings\" "
        "hidden>\n<fieldset><legend>Severity</legend>";
    for (int i = 4; i >= 0; --i) {
      if (!severities[static_cast<std::size_t>(i)]) continue;
      const std::string word(name(static_cast<Severity>(i)));
      out_ += "<label><input type=\"checkbox\" name=\"severity\" value=\"" + word + "\" checked>" + word + "</label>";
    }
    out_ +=
        "</fieldset>\n<label class=\"field\"><span class=\"label\">Category</span><select name=\"category\"><option "
        "value=\"\">all</option>";
    for (const Category category : categories) {
      const std::string word(name(category));
      out_ += "<option value=\"" + word + "\">" + word + "</option>";
    }
    out_ +=
        "</select></label>\n<label class=\"field\"><span class=\"label\">Path contains</span><input type=\"search\" "
        "name=\"path\" autocomplete=\"off\"></label>\n"
        "<label class=\"field\"><span class=\"label\">Text</span><input type=\"search\" name=\"text\" "
        "autocomplete=\"off\"></label>\n"
        "<button type=\"reset\">Clear filters</button></form>\n"
        "<div class=\"tally\"><span id=\"tally\" role=\"status\">" +
        counted(groups_.size(), "place", "places") +
        "</span><button type=\"button\" id=\"toggle\" hidden>Expand all</button></div>\n";
  }

  Result<void> findings() {
    out_ +=
        "<section id=\"findings\" aria-labelledby=\"h-findings\"><div class=\"wrap\">\n<h2 "
        "id=\"h-findings\">Findings</h2>\n";
    if (groups_.empty()) {
      out_ += "<p class=\"empty\">No findings.</p>\n</div></section>\n";
      return {};
    }
    out_ +=
        "<p class=\"lede\">Most important first: severity, confidence, whether it can be reached, and how hot the file "
        "is.</p>\n";
    filter();
    out_ += "<ul class=\"findings\" id=\"finding-list\">\n";
    const std::size_t listed = std::min(groups_.size(), kFindingsListedMax);
    std::set<std::string> anchors;
    for (std::size_t i = 0; i < listed; ++i) {
      std::string id = anchor(*groups_[i].best, i + 1);
      if (!anchors.insert(id).second) id = "n-" + std::to_string(i + 1);
      out_ += finding_item(groups_[i], i, id, input_.excerpts);
      if (out_.size() > (std::size_t{1} << 20)) WRENCH_TRY(flush());
    }
    out_ += "</ul>\n";
    if (listed < groups_.size()) {
      out_ += "<p class=\"lede\">" + format_count(groups_.size() - listed) +
              " more of lower rank are not listed here; the JSON report holds all.</p>\n";
    }
    out_ += "</div></section>\n";
    return {};
  }

  void cycles() {
    if (report_.cycles.empty()) return;
    out_ +=
        "<section id=\"cycles\" aria-labelledby=\"h-cycles\"><div class=\"wrap\">\n<h2 id=\"h-cycles\">Import "
        "cycles</h2>\n"
        "<p class=\"lede\">Modules that need each other can't be understood, tested or loaded alone.</p>\n<ul "
        "class=\"findings\">";
    for (std::size_t i = 0; i < std::min(report_.cycles.size(), kRowsMax); ++i) {
      const ImportCycle& cycle = report_.cycles[i];
      out_ += "<li><div class=\"plain\"><p class=\"mono\">";
      for (const std::string& module : cycle.modules) out_ += text(module) + " → ";
      out_ += text(cycle.modules.empty() ? "" : cycle.modules.front()) + "</p>";
      std::vector<std::string> places;
      for (const Location& where : cycle.evidence) places.push_back(place(where));
      if (!places.empty()) out_ += "<p class=\"quiet\">Imports: " + text(join(places, ", ")) + "</p>";
      out_ += "</div></li>\n";
    }
    out_ += "</ul></div></section>\n";
  }

  void table_of(std::string_view label, std::initializer_list<std::string_view> columns) {
    out_ += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + std::string(label) +
            "\"><table><thead><tr>";
    for (const std::string_view column : columns) out_ += "<th scope=\"col\">" + std::string(column) + "</th>";
    out_ += "</tr></thead><tbody>\n";
  }

  void not_analysed() {
    out_ +=
        "<section id=\"not-analysed\" aria-labelledby=\"h-not\"><div class=\"wrap\">\n<h2 id=\"h-not\">Not "
        "analysed</h2>\n";
    if (report_.partial.empty() && report_.errors.empty() && report_.skipped.empty()) {
      out_ += "<p class=\"lede\">Every file was analysed.</p>\n</div></section>\n";
      return;
    }
    if (!report_.partial.empty()) {
      out_ += "<p class=\"lede\">Faults and spent budgets: findings may be missing here.</p>\n";
      table_of("Faults", {"Where", "What", "Rule or function", "Detail"});
      for (std::size_t i = 0; i < std::min(report_.partial.size(), kRowsMax); ++i) {
        const Partial& p = report_.partial[i];
        out_ += "<tr><th scope=\"row\" class=\"mono\">" + text(p.path) + "</th><td class=\"mono\">" + text(p.code) +
                "</td><td class=\"mono\">" + text(p.subject) + "</td><td>" + text(p.detail) + "</td></tr>\n";
      }
      out_ += "</tbody></table></div>\n";
    }
    if (!report_.errors.empty()) {
      table_of("Errors", {"Where", "What", "Code"});
      for (std::size_t i = 0; i < std::min(report_.errors.size(), kRowsMax); ++i) {
        const Error& e = report_.errors[i];
        out_ += "<tr><th scope=\"row\" class=\"mono\">" + text(e.place.file) +
                (e.place.line > 0 ? ":" + std::to_string(e.place.line) : "") + "</th><td>" + text(e.message) +
                "</td><td class=\"mono\">" + text(e.code) + "</td></tr>\n";
      }
      out_ += "</tbody></table></div>\n";
    }
    if (!report_.skipped.empty()) {
      std::vector<std::string> parts;
      for (const auto& [reason, count] : count_skipped(report_))
        parts.push_back(format_count(count) + " " + replace_all(reason, "_", " "));
      out_ += "<p class=\"lede\">Left out by policy: " + text(join(parts, ", ")) +
              ".</p>\n<details class=\"more\"><summary>Which files</summary>";
      table_of("Skipped files", {"File", "Reason"});
      for (std::size_t i = 0; i < std::min(report_.skipped.size(), kRowsMax); ++i) {
        out_ += "<tr><th scope=\"row\" class=\"mono\">" + text(report_.skipped[i].path) + "</th><td>" +
                text(replace_all(report_.skipped[i].reason, "_", " ")) + "</td></tr>\n";
      }
      out_ += "</tbody></table></div>";
      if (report_.skipped.size() > kRowsMax) {
        out_ += "<p class=\"quiet\">The first " + std::to_string(kRowsMax) + " of " +
                format_count(report_.skipped.size()) + ".</p>";
      }
      out_ += "</details>\n";
    }
    out_ += "</div></section>\n";
  }

  void suppressed() {
    std::vector<const Finding*> hidden;
    for (const Finding& finding : report_.findings) {
      if (finding.suppressed) hidden.push_back(&finding);
    }
    if (hidden.empty()) return;
    out_ +=
        "<section id=\"suppressed\" aria-labelledby=\"h-suppressed\"><div class=\"wrap\">\n<h2 "
        "id=\"h-suppressed\">Not shown</h2>\n<p class=\"lede\">" +
        text(join(hidden_counts(report_), ", ")) +
        ": findings that somebody decided about, or against which an agent found evidence.</p>\n";
    table_of("Findings that aren't shown", {"Where", "Finding", "Reason", "By"});
    for (std::size_t i = 0; i < std::min(hidden.size(), kRowsMax); ++i) {
      const Finding& f = *hidden[i];
      out_ += "<tr><th scope=\"row\" class=\"mono\">" + text(place(f.where)) + "</th><td>" + text(headline(f)) +
              "</td><td>" + text(f.suppressed->reason.empty() ? "none given" : f.suppressed->reason) + "</td><td>" +
              text(decided_by(*f.suppressed)) + "</td></tr>\n";
    }
    out_ += "</tbody></table></div>\n</div></section>\n";
  }

  const WriterInput& input_;
  const Report& report_;
  std::vector<RankedGroup> groups_;
  std::vector<std::pair<std::string, std::string>> facts_;
  std::string out_;
};

}  // namespace

Result<void> write_html(const WriterInput& input) { return HtmlWriter(input).write(); }

}  // namespace wrench::findings
