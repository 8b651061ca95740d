#include "lower_engine.hpp"

namespace wrench::code::detail {
std::span<const Row> go_rows() { return {}; }
}  // namespace wrench::code::detail
