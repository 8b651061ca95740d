#pragma once

#include <span>

#include "wrench/base/embedded.hpp"

namespace wrench::storage {

/// The .sql files of migrations, as "common/0001_store.sql", sorted. Written by cmake/WrenchEmbed.cmake.
std::span<const EmbeddedFile> embedded_migration_files();

}  // namespace wrench::storage
