#pragma once

#include <string_view>

namespace wrench {

/// "0.1.0", from the project's version in CMakeLists.txt.
std::string_view version();

}  // namespace wrench
