#pragma once

#include <string_view>

#include "wrench/base/error.hpp"

namespace wrench::storage {

/// The store's error for an SQLSTATE (PostgreSQL documentation, appendix A). `sqlstate` is empty when libpq itself
/// failed, which means the connection.
Error postgres_error(std::string_view sqlstate, std::string_view message, std::string_view doing);

/// Deadlock or serialization failure: the same transaction may well succeed when it is repeated.
bool is_conflict(std::string_view sqlstate);

}  // namespace wrench::storage
