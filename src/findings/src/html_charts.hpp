#pragma once

#include <string>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// Each gives a whole <figure>: title, a sentence that says what is to be seen, the drawing for wide and for narrow
/// screens, and the same as a table. Empty when there is nothing to draw.
std::string treemap_figure(const Report& report);
std::string categories_figure(const Report& report);
std::string complexity_figure(const Report& report);
std::string churn_figure(const Report& report);
std::string clones_figure(const Report& report);

}  // namespace wrench::findings
