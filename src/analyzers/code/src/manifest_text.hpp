#pragma once

#include <string_view>

#include "wrench/code/manifest.hpp"

namespace wrench::code::detail {

/// go.mod and go.work (https://go.dev/ref/mod#go-mod-file).
void read_go(std::string_view text, Manifest& out);

/// What pyproject.toml and setup.cfg say about packages: sections, keys and strings of both formats are read alike.
void read_python(std::string_view text, Manifest& out);

}  // namespace wrench::code::detail
