#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "html_charts.hpp"
#include "html_figure.hpp"
#include "svg.hpp"
#include "treemap.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

constexpr std::size_t kTreemapFilesMax = 240;
constexpr std::size_t kTreemapFoldersMax = 14;

struct Tile {
  std::string path;
  std::string note;
  double weight = 0;
  double score = 0;
};

struct Folder {
  std::string name;
  double weight = 0;
  std::vector<Tile> tiles;
};

int heat_of(double score) { return 1 + std::clamp(static_cast<int>(score * 5), 0, 4); }

std::vector<Tile> tiles_of(const Report& report) {
  std::unordered_map<std::string_view, const Hotspot*> hotspots;
  for (const Hotspot& hotspot : report.hotspots) hotspots.emplace(hotspot.path, &hotspot);
  std::uint32_t most_complex = 1;
  for (const FileMetrics& file : report.files) most_complex = std::max(most_complex, file.cognitive);
  std::vector<Tile> tiles;
  for (const FileMetrics& file : report.files) {
    const double weight = file.nloc > 0 ? file.nloc : file.lines;
    if (weight <= 0) continue;
    Tile tile{.path = file.path, .note = {}, .weight = weight, .score = 0};
    tile.note = file.path + "\n" + format_count(static_cast<std::uint64_t>(weight)) + " lines, complexity " +
                format_count(file.cognitive);
    const auto found = hotspots.find(file.path);
    if (found != hotspots.end()) {
      tile.score = found->second->score;
      tile.note += ", " + counted(found->second->revisions, "change", "changes");
    } else if (report.hotspots.empty()) {
      tile.score = static_cast<double>(file.cognitive) / most_complex;
    }
    tiles.push_back(std::move(tile));
  }
  std::sort(tiles.begin(), tiles.end(),
            [](const Tile& a, const Tile& b) { return std::tie(b.weight, a.path) < std::tie(a.weight, b.path); });
  return tiles;
}

// The files of a folder by what stands directly below it: sub-folders, and the files of its own as one.
std::vector<Folder> split_folder(Folder folder) {
  std::map<std::string, Folder> parts;
  for (Tile& tile : folder.tiles) {
    const std::size_t slash = tile.path.find('/', folder.name.size());
    const std::string name = slash == std::string::npos ? folder.name : tile.path.substr(0, slash + 1);
    Folder& part = parts[name];
    part.name = name;
    part.weight += tile.weight;
    part.tiles.push_back(std::move(tile));
  }
  std::vector<Folder> result;
  for (auto& [name, part] : parts) result.push_back(std::move(part));
  return result;
}

bool can_be_split(const Folder& folder) {
  return std::any_of(folder.tiles.begin(), folder.tiles.end(),
                     [&](const Tile& tile) { return tile.path.find('/', folder.name.size()) != std::string::npos; });
}

// Folders that tell the files apart: as long as one holds more than a third of all lines, its parts are shown instead.
std::vector<Folder> folders_of(std::vector<Tile> tiles) {
  constexpr double kShareMax = 0.34;
  double total = 0;
  for (const Tile& tile : tiles) total += tile.weight;
  std::vector<Folder> folders;
  folders.push_back({.name = "", .weight = total, .tiles = std::move(tiles)});
  while (folders.size() < kTreemapFoldersMax) {
    const auto largest = std::max_element(folders.begin(), folders.end(), [](const Folder& a, const Folder& b) {
      return (can_be_split(a) ? a.weight : 0) < (can_be_split(b) ? b.weight : 0);
    });
    if (!can_be_split(*largest) || largest->weight < kShareMax * total) break;
    std::vector<Folder> parts = split_folder(std::move(*largest));
    folders.erase(largest);
    std::move(parts.begin(), parts.end(), std::back_inserter(folders));
  }
  for (Folder& folder : folders) {
    if (folder.name.empty()) folder.name = "./";
  }
  std::sort(folders.begin(), folders.end(),
            [](const Folder& a, const Folder& b) { return std::tie(b.weight, a.name) < std::tie(a.weight, b.name); });
  if (folders.size() > kTreemapFoldersMax) {
    Folder other{.name = "other folders", .weight = 0, .tiles = {}};
    for (std::size_t i = kTreemapFoldersMax - 1; i < folders.size(); ++i) {
      other.weight += folders[i].weight;
      for (Tile& tile : folders[i].tiles) other.tiles.push_back(std::move(tile));
    }
    folders.resize(kTreemapFoldersMax - 1);
    std::sort(other.tiles.begin(), other.tiles.end(), [](const Tile& a, const Tile& b) { return a.weight > b.weight; });
    folders.push_back(std::move(other));
    std::sort(folders.begin(), folders.end(), [](const Folder& a, const Folder& b) { return a.weight > b.weight; });
  }
  return folders;
}

// Files beyond the limit become one tile at the end of their folder.
void fold_small_tiles(std::vector<Folder>& folders, std::size_t tiles_max) {
  std::vector<double> weights;
  for (const Folder& folder : folders) {
    for (const Tile& tile : folder.tiles) weights.push_back(tile.weight);
  }
  if (weights.size() <= tiles_max) return;
  std::nth_element(weights.begin(), weights.begin() + static_cast<std::ptrdiff_t>(tiles_max), weights.end(),
                   std::greater<>());
  const double limit = weights[tiles_max];
  for (Folder& folder : folders) {
    const auto small =
        std::find_if(folder.tiles.begin(), folder.tiles.end(), [&](const Tile& tile) { return tile.weight <= limit; });
    const auto count = folder.tiles.end() - small;
    if (count < 2) continue;
    Tile rest{.path = std::to_string(count) + " more",
              .note = std::to_string(count) + " smaller files in " + folder.name,
              .weight = 0,
              .score = 0};
    for (auto tile = small; tile != folder.tiles.end(); ++tile) {
      rest.weight += tile->weight;
      rest.score = std::max(rest.score, tile->score);
    }
    folder.tiles.erase(small, folder.tiles.end());
    folder.tiles.push_back(std::move(rest));
    std::sort(folder.tiles.begin(), folder.tiles.end(),
              [](const Tile& a, const Tile& b) { return a.weight > b.weight; });
  }
}

std::string tile_label(const Tile& tile, const Rect& r) {
  const int heat = heat_of(tile.score);
  const std::string css = heat == 5 ? "on5" : heat == 4 ? "on4" : "";
  const std::string score = std::to_string(std::lround(tile.score * 100));
  std::string out;
  if (r.width >= 52 && r.height >= 36) {
    out +=
        svg::text(r.x + 5, r.y + 15,
                  svg::clipped(file_name(tile.path), static_cast<std::size_t>((r.width - 8) / kCharacterWidth)), css);
    out += svg::text(r.x + 5, r.y + 30, score, css + " strong");
  } else if (r.width >= 26 && r.height >= 17) {
    out += svg::text(r.x + r.width / 2, r.y + r.height / 2 + 4, score, css, "middle");
  }
  return out;
}

std::string treemap_drawing(const std::vector<Folder>& folders, double width, double height, std::string_view css,
                            std::string_view label) {
  constexpr double kNameHeight = 18;
  std::string out = svg::open(width, height, "tm " + std::string(css), label);
  std::vector<double> weights;
  for (const Folder& folder : folders) weights.push_back(folder.weight);
  const std::vector<Rect> areas = squarify(weights, {0, 0, width, height});
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const Folder& folder = folders[i];
    Rect inner = areas[i];
    const bool named = folders.size() > 1 && inner.height > 44 && inner.width > 40;
    inner.x += 1;
    inner.y += 1;
    inner.width -= 2;
    inner.height -= 2;
    if (named) {
      const auto room = static_cast<std::size_t>((inner.width - 8) / kCharacterWidth);
      out += svg::text(inner.x + 4, inner.y + 13, svg::clipped_path(folder.name, room), "dirname");
      inner.y += kNameHeight;
      inner.height -= kNameHeight;
    }
    std::vector<double> tile_weights;
    for (const Tile& tile : folder.tiles) tile_weights.push_back(tile.weight);
    const std::vector<Rect> rects = squarify(tile_weights, inner);
    for (std::size_t k = 0; k < rects.size(); ++k) {
      const Tile& tile = folder.tiles[k];
      const Rect& r = rects[k];
      const std::string note = tile.note + "\nscore " + std::to_string(std::lround(tile.score * 100));
      out += svg::rect(r.x, r.y, r.width, r.height, "h" + std::to_string(heat_of(tile.score)), note);
      out += tile_label(tile, r);
    }
    if (folders.size() > 1) {
      out += svg::rect(areas[i].x + .5, areas[i].y + .5, areas[i].width - 1, areas[i].height - 1, "dir");
    }
  }
  return out + "</svg>\n";
}

std::string heat_legend() {
  std::string out = "<ul class=\"legend tm\" aria-label=\"Score\">";
  constexpr std::array<std::string_view, 5> kSteps = {"0–19", "20–39", "40–59", "60–79", "80–100"};
  for (int i = 1; i <= 5; ++i) {
    out += "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"h" + std::to_string(i) +
           "\" width=\"12\" height=\"12\"/></svg>" + std::string(kSteps[static_cast<std::size_t>(i - 1)]) + "</li>";
  }
  return out + "</ul>\n";
}

}  // namespace

std::string treemap_figure(const Report& report) {
  std::vector<Tile> tiles = tiles_of(report);
  if (tiles.empty()) return "";
  std::vector<const Tile*> hottest;
  for (const Tile& tile : tiles) hottest.push_back(&tile);
  std::stable_sort(hottest.begin(), hottest.end(), [](const Tile* a, const Tile* b) { return a->score > b->score; });
  std::string sentence = counted(tiles.size(), "file", "files") + ", each as large as its lines of code. ";
  sentence += report.hotspots.empty()
                  ? "There is no version history, so the colour is complexity alone, from 0 to 100."
                  : "The colour is the hotspot score from 0 to 100: how often a file changes times how complex it is.";
  if (hottest.front()->score > 0) sentence += " Hottest: " + escape_for_display(hottest.front()->path) + ".";
  std::string table = table_head({{"File"}, {"Lines", true}, {"Score", true}});
  for (std::size_t i = 0; i < std::min(hottest.size(), kTableRowsMax); ++i) {
    table += "<tr>" + path_cell(hottest[i]->path) + number_cell(static_cast<std::uint64_t>(hottest[i]->weight)) +
             number_cell(static_cast<std::uint64_t>(std::lround(hottest[i]->score * 100))) + "</tr>\n";
  }
  table += kTableEnd;
  if (hottest.size() > kTableRowsMax) {
    table += "<p class=\"quiet\">The first " + std::to_string(kTableRowsMax) + " of " + format_count(hottest.size()) +
             ".</p>";
  }
  std::vector<Folder> folders = folders_of(std::move(tiles));
  fold_small_tiles(folders, kTreemapFilesMax);
  std::string drawings = treemap_drawing(folders, kWide, 440, "wide", sentence);
  fold_small_tiles(folders, kTreemapFilesMax / 4);
  drawings += treemap_drawing(folders, kNarrow, 420, "narrow", sentence);
  return figure("Where the risk is", sentence, drawings + heat_legend(), table);
}

}  // namespace wrench::findings
