#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// Replaces `path` by `bytes` so that after a crash at any moment it is the old or the new file, whole: temporary file
/// beside it, fsync, rename, fsync of the folder. Errors: io.*; the temporary file is removed.
Result<void> write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode = 0600);
/// fsync of a folder: makes renames and new names in it durable.
Result<void> sync_directory(const std::string& path);
/// Like `mkdir -p`; every folder it creates gets `mode` and is made durable in its parent.
Result<void> make_directories(const std::string& path, unsigned mode = 0700);
/// Regular files only, refused with io.too_large over `bytes_max`. Errors: io.*.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace wrench::runtime
