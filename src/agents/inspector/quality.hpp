#pragma once

#include <span>

#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::agents {

/// {score, nloc, test_nloc, factors}, over product code: suites are long and repeat themselves on purpose. 100 x (1 -
/// .3 complexity - .15 size - .2 duplication - .1 structure - .25 defects). The first four are the share of code lines
/// concerned: functions with cognitive complexity over 15; functions over 80 lines; repeats of clone classes; files in
/// import cycles. Defects is min(1, severity-weighted findings per kLoC / 10). Each factor names its worst places as
/// evidence.
codec::Json measure_quality(const findings::Report& report, std::span<const findings::Finding* const> standing);

}  // namespace wrench::agents
