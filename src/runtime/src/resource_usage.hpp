#pragma once

#include <sys/resource.h>

#include "wrench/runtime/usage.hpp"

namespace wrench::runtime {

inline Micros cpu_us_of(const rusage& usage) {
  const auto micros = [](const timeval& t) { return t.tv_sec * kMicrosPerSecond + t.tv_usec; };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

/// All but whose CPU time it is.
inline Usage usage_of(const rusage& usage) {
  constexpr std::uint64_t kBlockBytes = 512;
  Usage out;
  out.rss_bytes_max = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  out.read_bytes = static_cast<std::uint64_t>(usage.ru_inblock) * kBlockBytes;
  out.written_bytes = static_cast<std::uint64_t>(usage.ru_oublock) * kBlockBytes;
  return out;
}

}  // namespace wrench::runtime
