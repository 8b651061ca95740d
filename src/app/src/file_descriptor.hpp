#pragma once

#include <string_view>

namespace wrench::app {

/// Writes all of it, waiting where the other side is slow. Returns errno of the failure, or 0.
int write_all(int fd, std::string_view text);

}  // namespace wrench::app
