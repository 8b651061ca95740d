#include "treemap.hpp"

#include <algorithm>
#include <numeric>

namespace wrench::findings {
namespace {

// The worst ratio of sides in a row of rectangles of total area `sum` along a side.
double worst_ratio(double largest, double smallest, double sum, double side) {
  const double square = side * side;
  return std::max(square * largest / (sum * sum), sum * sum / (square * smallest));
}

}  // namespace

std::vector<Rect> squarify(std::span<const double> weights, Rect area) {
  std::vector<Rect> result;
  result.reserve(weights.size());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (total <= 0 || area.width <= 0 || area.height <= 0) return std::vector<Rect>(weights.size());
  const double scale = area.width * area.height / total;
  std::size_t first = 0;
  while (first < weights.size()) {
    const double side = std::max(std::min(area.width, area.height), 1e-9);
    double sum = weights[first] * scale;
    std::size_t last = first + 1;
    double worst = worst_ratio(sum, sum, sum, side);
    while (last < weights.size()) {
      const double next_sum = sum + weights[last] * scale;
      const double next = worst_ratio(weights[first] * scale, weights[last] * scale, next_sum, side);
      if (next > worst) break;
      worst = next;
      sum = next_sum;
      ++last;
    }
    // The row lies along the shorter side and takes sum / side of the longer one.
    const bool is_column = area.width >= area.height;
    const double depth = std::min(sum / side, is_column ? area.width : area.height);
    double at = is_column ? area.y : area.x;
    for (std::size_t i = first; i < last; ++i) {
      const double length = weights[i] * scale / sum * side;
      result.push_back(is_column ? Rect{area.x, at, depth, length} : Rect{at, area.y, length, depth});
      at += length;
    }
    if (is_column) {
      area.x += depth;
      area.width -= depth;
    } else {
      area.y += depth;
      area.height -= depth;
    }
    first = last;
  }
  return result;
}

}  // namespace wrench::findings
