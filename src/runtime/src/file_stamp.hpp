#pragma once

#include <sys/stat.h>

#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::runtime {

inline FileStamp stamp_of(const struct stat& status) {
  const auto ns = [](const timespec& at) { return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec; };
  return {static_cast<std::uint64_t>(status.st_size), ns(status.st_mtim), ns(status.st_ctim), status.st_dev,
          status.st_ino};
}

}  // namespace wrench::runtime
