#pragma once

#include <set>
#include <string>

#include "wrench/codec/json.hpp"

namespace wrench::agents {

/// Fingerprints that an inspection disproved, merged into others, or knows to be dismissed: they don't count on their
/// own. Null: none.
std::set<std::string> settled_by(const codec::Json& inspection);

}  // namespace wrench::agents
