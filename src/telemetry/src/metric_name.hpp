#pragma once

#include <algorithm>
#include <string_view>

namespace wrench::telemetry {

/// [a-z_][a-z0-9_]*
inline bool is_metric_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace wrench::telemetry
