#include "wrench/base/version.hpp"

namespace wrench {
std::string_view version() { return WRENCH_VERSION; }
}  // namespace wrench
