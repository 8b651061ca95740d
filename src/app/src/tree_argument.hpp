#pragma once

#include <string>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

/// The path's real, absolute one. Errors: io.*.
Result<std::string> canonical_path(const std::string& path);

/// A folder or file as agents take it: path as typed, root, working_directory. Errors: io.*, io.name_not_utf8.
Result<codec::Json> tree_argument(const std::string& path);

}  // namespace wrench::app
