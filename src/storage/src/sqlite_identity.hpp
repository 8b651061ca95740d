#pragma once

#include <cstdint>

namespace wrench::storage {

/// "WRNC" in the header of every store.db; so no other program's database is ever mistaken for one.
inline constexpr std::int64_t kApplicationId = 0x57524E43;

}  // namespace wrench::storage
