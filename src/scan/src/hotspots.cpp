#include "wrench/scan/hotspots.hpp"

#include <algorithm>

namespace wrench::scan {
namespace {

class Percentiles {
 public:
  explicit Percentiles(std::vector<std::uint32_t> values) : values_(std::move(values)) {
    std::sort(values_.begin(), values_.end());
  }
  double of(std::uint32_t value) const {
    if (values_.size() < 2) return value > 0 ? 1 : 0;
    const auto below = std::lower_bound(values_.begin(), values_.end(), value) - values_.begin();
    return static_cast<double>(below) / static_cast<double>(values_.size() - 1);
  }

 private:
  std::vector<std::uint32_t> values_;
};

}  // namespace

Hotspots find_hotspots(std::span<const HotspotInput> files, const history::HistorySummary& history) {
  Hotspots out;
  out.rank.has_history = true;
  std::vector<const history::FileHistory*> histories;
  std::vector<std::uint32_t> revisions, complexities;
  for (const auto& file : files) {
    const auto* known = history.find(file.project_path);
    histories.push_back(known);
    revisions.push_back(known == nullptr ? 0 : known->recent_revisions);
    complexities.push_back(file.cognitive);
  }
  const Percentiles by_revisions(revisions), by_complexity(complexities);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const double score = revisions[i] == 0 || complexities[i] == 0
                             ? 0
                             : by_revisions.of(revisions[i]) * by_complexity.of(complexities[i]);
    if (score <= 0) continue;
    out.rank.hotspot_percentile[files[i].path] = score;
    out.best.push_back({files[i].path, revisions[i], complexities[i], files[i].findings, histories[i]->main_author,
                        histories[i]->main_author_percent, score});
  }
  std::sort(out.best.begin(), out.best.end(),
            [](const auto& a, const auto& b) { return a.score != b.score ? a.score > b.score : a.path < b.path; });
  if (out.best.size() > kHotspotsMax) out.best.resize(kHotspotsMax);
  return out;
}

}  // namespace wrench::scan
