#pragma once

#include <fcntl.h>

#include <string>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// Open file description locks (fcntl(2), Linux 3.15) on one byte.
enum class OfdAnswer { Locked, HeldByOther, Failed /* errno says why */ };
OfdAnswer try_lock_byte(int fd, off_t byte);
void unlock_byte(int fd, off_t byte);
/// Whether somebody else holds the byte.
Result<bool> byte_is_locked(int fd, off_t byte, const std::string& path);

Result<int> open_lock_file(const std::string& path);
/// The holder writes its pid into the file, because the kernel doesn't tell whose such a lock is.
void write_holder(int fd);
Error locked_error(int fd, const std::string& path);

}  // namespace wrench::runtime
