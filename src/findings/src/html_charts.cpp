#include "html_charts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "html_figure.hpp"
#include "svg.hpp"
#include "wrench/findings/summary.hpp"
#include "writers.hpp"

namespace wrench::findings {
std::string categories_figure(const Report& report) {
  std::map<Category, SeverityCounts> counts;
  for (const Finding* finding : counted_findings(report)) {
    ++counts[finding->category].by_severity[static_cast<std::size_t>(finding->severity)];
  }
  if (counts.empty()) return "";
  std::vector<std::pair<Category, SeverityCounts>> rows(counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.total() > b.second.total(); });
  const std::uint64_t most = rows.front().second.total();
  const std::string sentence = "Most are about " + std::string(name(rows.front().first)) + " (" + format_count(most) +
                               " of " + format_count(count_findings(report).total()) + ").";
  std::string drawings;
  for (const bool is_wide : {true, false}) {
    const double width = is_wide ? kHalf : kNarrow;
    const double left = 108, right = 36, row_height = 28;
    const double height = row_height * static_cast<double>(rows.size());
    drawings += svg::open(width, height, is_wide ? "wide" : "narrow", sentence);
    double y = 0;
    for (const auto& [category, row] : rows) {
      drawings += svg::text(0, y + 17, name(category));
      double x = left;
      const double scale = (width - left - right) / static_cast<double>(most);
      for (int i = 4; i >= 0; --i) {
        const auto severity = static_cast<Severity>(i);
        const std::uint64_t n = row.of(severity);
        if (n == 0) continue;
        const double length = static_cast<double>(n) * scale;
        drawings += svg::rect(x, y + 5, std::max(length - 1, 1.0), 16, "f-" + std::string(name(severity)),
                              format_count(n) + " " + std::string(name(severity)));
        x += length;
      }
      drawings += svg::text(x + 6, y + 17, format_count(row.total()), "t2");
      y += row_height;
    }
    drawings += "</svg>\n";
  }
  drawings += "<ul class=\"legend\" aria-label=\"Severity\">";
  for (int i = 4; i >= 0; --i) {
    const std::string word(name(static_cast<Severity>(i)));
    drawings += "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"f-" + word +
                "\" width=\"12\" height=\"12\"/></svg>" + word + "</li>";
  }
  drawings += "</ul>\n";
  std::string table =
      table_head({{"Category"}, {"Critical", true}, {"High", true}, {"Medium", true}, {"Low", true}, {"Info", true}});
  for (const auto& [category, row] : rows) {
    table += "<tr><th scope=\"row\">" + std::string(name(category)) + "</th>";
    for (int i = 4; i >= 0; --i) table += number_cell(row.of(static_cast<Severity>(i)));
    table += "</tr>\n";
  }
  return figure("What kind of problems", sentence, drawings, table + std::string(kTableEnd));
}

std::string complexity_figure(const Report& report) {
  if (report.functions.empty()) return "";
  struct Bucket {
    std::string_view label;
    std::uint32_t below;
    std::string_view css;
    std::uint64_t count;
  };
  std::array<Bucket, 7> buckets = {{{"0–2", 3, "bar", 0},
                                    {"3–5", 6, "bar", 0},
                                    {"6–10", 11, "bar", 0},
                                    {"11–15", 16, "bar", 0},
                                    {"16–25", 26, "bar over1", 0},
                                    {"26–50", 51, "bar over2", 0},
                                    {"51+", 0, "bar over2", 0}}};
  std::uint64_t over = 0;
  for (const FunctionMetrics& function : report.functions) {
    over += function.cognitive > 15 ? 1 : 0;
    for (Bucket& bucket : buckets) {
      if (bucket.below == 0 || function.cognitive < bucket.below) {
        ++bucket.count;
        break;
      }
    }
  }
  std::uint64_t most = 1;
  for (const Bucket& bucket : buckets) most = std::max(most, bucket.count);
  const std::string sentence = counted(over, "function", "functions") + " of " + format_count(report.functions.size()) +
                               (over == 1 ? " is" : " are") + " above 15, where reading becomes hard.";
  std::string drawings;
  for (const bool is_wide : {true, false}) {
    const double width = is_wide ? kHalf : kNarrow;
    constexpr double kTop = 24, kPlot = 150;
    const double step = width / static_cast<double>(buckets.size());
    drawings += svg::open(width, kTop + kPlot + 40, is_wide ? "wide" : "narrow", sentence);
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      const Bucket& bucket = buckets[i];
      const double x = step * static_cast<double>(i);
      const double height =
          bucket.count == 0 ? 0 : std::max(kPlot * static_cast<double>(bucket.count) / static_cast<double>(most), 2.0);
      drawings += svg::rect(x + 3, kTop + kPlot - height, step - 6, height, bucket.css);
      drawings += svg::text(x + step / 2, kTop + kPlot - height - 6, format_count(bucket.count), "", "middle");
      drawings += svg::text(x + step / 2, kTop + kPlot + 16, bucket.label, "t2", "middle");
    }
    drawings += svg::line(0, kTop + kPlot + .5, width, kTop + kPlot + .5, "axis");
    const double limit = step * 4;
    drawings += svg::line(limit, 8, limit, kTop + kPlot, "limit");
    drawings += svg::text(limit + 5, 16, "above 15", "t2");
    drawings += svg::text(0, kTop + kPlot + 36, "cognitive complexity of a function", "t2");
    drawings += "</svg>\n";
  }
  std::vector<const FunctionMetrics*> worst;
  for (const FunctionMetrics& function : report.functions) worst.push_back(&function);
  constexpr std::size_t kFunctionsMax = 20;
  const std::size_t shown = std::min(worst.size(), kFunctionsMax);
  std::partial_sort(worst.begin(), worst.begin() + static_cast<std::ptrdiff_t>(shown), worst.end(),
                    [](const FunctionMetrics* a, const FunctionMetrics* b) {
                      return std::tie(b->cognitive, a->path, a->line) < std::tie(a->cognitive, b->path, b->line);
                    });
  std::string table = table_head({{"Function"}, {"Where"}, {"Cognitive", true}, {"Cyclomatic", true}, {"Lines", true}});
  for (std::size_t i = 0; i < shown; ++i) {
    const FunctionMetrics& f = *worst[i];
    table += "<tr>" + path_cell(f.name) + "<td class=\"mono\">" + escape_markup(f.path) + ":" + std::to_string(f.line) +
             "</td>" + number_cell(f.cognitive) + number_cell(f.cyclomatic) + number_cell(f.nloc) + "</tr>\n";
  }
  return figure("How complex the functions are", sentence, drawings, table + std::string(kTableEnd));
}

namespace {

struct Scale {
  double from, to, most;
  double at(double value) const { return from + (to - from) * std::log1p(value) / std::log1p(most); }
};

std::vector<double> ticks_up_to(double most) {
  std::vector<double> ticks;
  for (const double tick : {0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0, 100000.0}) {
    if (tick <= most) ticks.push_back(tick);
  }
  return ticks;
}

std::string scatter_drawing(const std::vector<const Hotspot*>& spots, double width, std::string_view css,
                            std::string_view label) {
  constexpr double kHeight = 274, kLeft = 36, kBottom = 230, kTop = 26;
  constexpr std::size_t kNumbered = 5;
  double most_changes = 1, most_complexity = 1;
  for (const Hotspot* spot : spots) {
    most_changes = std::max<double>(most_changes, spot->revisions);
    most_complexity = std::max<double>(most_complexity, spot->cognitive);
  }
  const Scale x{kLeft, width - 14, most_changes};
  const Scale y{kBottom, kTop + 8, most_complexity};
  std::string out = svg::open(width, kHeight, css, label);
  for (const double tick : ticks_up_to(most_complexity)) {
    out += svg::line(kLeft, y.at(tick), width, y.at(tick), tick == 0 ? "axis" : "rule");
    out += svg::text(kLeft - 6, y.at(tick) + 4, format_count(static_cast<std::uint64_t>(tick)), "t2", "end");
  }
  for (const double tick : ticks_up_to(most_changes)) {
    out += svg::line(x.at(tick), kBottom, x.at(tick), kBottom + 4, "axis");
    out += svg::text(x.at(tick), kBottom + 18, format_count(static_cast<std::uint64_t>(tick)), "t2", "middle");
  }
  // The best ones last, on top of the others.
  for (std::size_t i = spots.size(); i-- > 0;) {
    const Hotspot& spot = *spots[i];
    const bool numbered = i < kNumbered;
    const double cx = x.at(spot.revisions), cy = y.at(spot.cognitive);
    out += std::string("<circle class=\"dot") + (numbered ? " top" : "") + "\" cx=\"" + svg::number(cx) + "\" cy=\"" +
           svg::number(cy) + "\" r=\"" + (numbered ? "9" : "3.5") + "\"><title>" +
           escape_markup(spot.path + "\n" + counted(spot.revisions, "change", "changes") + ", complexity " +
                         format_count(spot.cognitive)) +
           "</title></circle>\n";
    if (numbered) out += svg::text(cx, cy + 4, std::to_string(i + 1), "strong inverse", "middle");
  }
  out += svg::text(kLeft, kHeight - 6, "changes in the last year →", "t2");
  out += svg::text(0, 12, "↑ cognitive complexity", "t2");
  return out + "</svg>\n";
}

}  // namespace

std::string churn_figure(const Report& report) {
  if (report.hotspots.empty()) return "";
  std::vector<const Hotspot*> spots;
  for (const Hotspot& spot : report.hotspots) spots.push_back(&spot);
  constexpr std::size_t kSpotsMax = 1000;
  if (spots.size() > kSpotsMax) spots.resize(kSpotsMax);
  const Hotspot& best = *spots.front();
  const std::string sentence =
      "Top right is where bugs breed: complex and often changed. The numbers are the first five files of the list "
      "above; 1 is " +
      escape_for_display(best.path) + " with " + counted(best.revisions, "change", "changes") + " and complexity " +
      format_count(best.cognitive) + ".";
  const std::string drawings =
      scatter_drawing(spots, kHalf, "wide", sentence) + scatter_drawing(spots, kNarrow, "narrow", sentence);
  std::string table = table_head({{"File"}, {"Changes", true}, {"Complexity", true}});
  for (std::size_t i = 0; i < std::min(spots.size(), kTableRowsMax); ++i) {
    table += "<tr>" + path_cell(spots[i]->path) + number_cell(spots[i]->revisions) + number_cell(spots[i]->cognitive) +
             "</tr>\n";
  }
  return figure("Change and complexity", sentence, drawings, table + std::string(kTableEnd));
}

std::string clones_figure(const Report& report) {
  if (report.clones.empty()) return "";
  struct Block {
    std::uint32_t first, last;
    std::size_t clone;
  };
  struct Track {
    std::string path;
    std::uint32_t lines = 0;
    std::uint64_t cloned = 0;
    std::vector<Block> blocks;
  };
  std::map<std::string_view, Track> by_path;
  std::uint64_t cloned_lines = 0;
  for (std::size_t i = 0; i < report.clones.size(); ++i) {
    for (const Location& member : report.clones[i].members) {
      Track& track = by_path[member.path];
      track.path = member.path;
      const std::uint32_t last = std::max(member.start.line, member.end.line);
      track.lines = std::max(track.lines, last);
      track.cloned += last - member.start.line + 1;
      cloned_lines += last - member.start.line + 1;
      track.blocks.push_back({member.start.line, last, i});
    }
  }
  for (const FileMetrics& file : report.files) {
    const auto found = by_path.find(file.path);
    if (found != by_path.end()) found->second.lines = std::max(found->second.lines, file.lines);
  }
  std::vector<Track> tracks;
  for (auto& [path, track] : by_path) tracks.push_back(std::move(track));
  std::sort(tracks.begin(), tracks.end(),
            [](const Track& a, const Track& b) { return std::tie(b.cloned, a.path) < std::tie(a.cloned, b.path); });
  constexpr std::size_t kTracksMax = 10;
  const std::size_t file_count = tracks.size();
  if (tracks.size() > kTracksMax) tracks.resize(kTracksMax);
  std::string sentence = counted(report.clones.size(), "passage repeats", "passages repeat") + " in " +
                         counted(file_count, "file", "files") + ", " + format_count(cloned_lines) +
                         " lines in all. Blocks of one number are copies of each other";
  sentence += file_count > kTracksMax
                  ? "; shown are the " + std::to_string(kTracksMax) + " files with most copied lines."
                  : ".";
  std::string drawings;
  for (const bool is_wide : {true, false}) {
    const double width = is_wide ? kHalf : kNarrow;
    constexpr double kRow = 38;
    drawings += svg::open(width, kRow * static_cast<double>(tracks.size()), is_wide ? "wide" : "narrow", sentence);
    double y = 0;
    for (const Track& track : tracks) {
      const std::string lines = counted(track.lines, "line", "lines");
      const auto room = static_cast<std::size_t>((width - 90) / kCharacterWidth);
      drawings += svg::text(0, y + 12, svg::clipped_path(track.path, room));
      drawings += svg::text(width, y + 12, lines, "t2", "end");
      drawings += svg::rect(0, y + 17, width, 14, "track");
      const double scale = width / static_cast<double>(std::max<std::uint32_t>(track.lines, 1));
      for (const Block& block : track.blocks) {
        const double x = static_cast<double>(block.first - 1) * scale;
        const double length = std::max(static_cast<double>(block.last - block.first + 1) * scale, 2.0);
        const std::string number = std::to_string(block.clone + 1);
        drawings += svg::rect(
            x, y + 17, length, 14, "block c" + std::to_string(block.clone % 6 + 1),
            "copy " + number + ", lines " + std::to_string(block.first) + " to " + std::to_string(block.last));
        if (length > 8 * static_cast<double>(number.size()) + 4) {
          drawings += svg::text(x + length / 2, y + 28, number, "strong inverse", "middle");
        }
      }
      y += kRow;
    }
    drawings += "</svg>\n";
  }
  std::string table = table_head({{"Copy", true}, {"Type"}, {"Tokens", true}, {"Where"}, {"Proposal"}});
  for (std::size_t i = 0; i < std::min(report.clones.size(), kTableRowsMax); ++i) {
    const CloneClass& clone = report.clones[i];
    std::string where;
    constexpr std::size_t kMembersMax = 10;
    for (std::size_t k = 0; k < std::min(clone.members.size(), kMembersMax); ++k) {
      const Location& member = clone.members[k];
      if (k > 0) where += "<br>";
      where +=
          escape_markup(member.path) + ":" + std::to_string(member.start.line) + "–" + std::to_string(member.end.line);
    }
    if (clone.members.size() > kMembersMax)
      where += "<br>and " + std::to_string(clone.members.size() - kMembersMax) + " more";
    table += "<tr>" + number_cell(i + 1) +
             cell(clone.type == 1   ? "equal"
                  : clone.type == 2 ? "renamed"
                                    : "similar") +
             number_cell(clone.tokens) + "<td class=\"mono\">" + where + "</td>" + cell(clone.proposal) + "</tr>\n";
  }
  return figure("Copied code", sentence, drawings, table + std::string(kTableEnd));
}

}  // namespace wrench::findings
