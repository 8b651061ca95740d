#pragma once

#include <string>

#include "excerpt.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/ranking.hpp"

namespace wrench::findings {

/// "src/a.py:12".
std::string place(const Location& where);
/// The letter in a square.
std::string badge(Severity severity);
/// One group as an item of the list: what is wrong, the code, the path of the data, the fix, the facts. `index` counts
/// from 0 by rank; the first ones are open, and only the first 2,000 show code.
std::string finding_item(const RankedGroup& group, std::size_t index, const std::string& id, Excerpts& excerpts);

}  // namespace wrench::findings
