#include "lower_engine.hpp"

namespace wrench::code::detail {
std::span<const Row> c_rows() { return {}; }
}  // namespace wrench::code::detail
