#pragma once

#include <cstddef>

#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::agents {

/// What a newcomer or a maintainer asks of a code base first: size, languages, hotspots, the most complex functions,
/// the largest files, copies and import cycles; of each list at most `limit`. Tests are left out of all but the size.
codec::Json outline_of(const findings::Report& report, std::size_t limit);

}  // namespace wrench::agents
