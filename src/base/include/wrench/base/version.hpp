#pragma once

#include <string>
#include <string_view>

namespace wrench {

/// "0.1.0", from the project's version in CMakeLists.txt.
std::string_view version();
/// What the linker names this executable after all that is in it (GNU build id), as lower-case hex digits: what one
/// build computed and kept, another one of the same version can tell from its own. Empty when linked without.
const std::string& build_id();

}  // namespace wrench
