#include "lower_engine.hpp"

namespace wrench::code::detail {
std::span<const Row> javascript_rows() { return {}; }
}  // namespace wrench::code::detail
