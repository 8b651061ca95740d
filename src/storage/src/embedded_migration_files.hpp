#pragma once

#include <span>

#include "wrench/base/embedded.hpp"

namespace wrench::storage {

/// migrations/common/*.sql, sorted by name. Written by cmake/WrenchEmbed.cmake.
std::span<const EmbeddedFile> embedded_migration_files();

}  // namespace wrench::storage
