#pragma once

#include <span>
#include <vector>

namespace wrench::findings {

struct Rect {
  double x = 0, y = 0, width = 0, height = 0;
};

/// Squarified treemap (Bruls, Huizing, van Wijk 2000): one rectangle per weight, in order, areas proportional, as
/// square as rows allow. Weights must be positive and fall.
std::vector<Rect> squarify(std::span<const double> weights, Rect area);

}  // namespace wrench::findings
