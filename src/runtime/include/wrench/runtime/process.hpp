#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "wrench/base/clock.hpp"

namespace wrench::runtime {

/// A process of this machine, looked at from outside.
struct ProcessFigures {
  std::uint64_t started_ticks = 0;  ///< Since the machine's start: with the pid it names a process for good.
  Micros cpu_us = 0;
  std::uint64_t rss_bytes = 0;
};
/// Nothing if there is no such process, or it can't be seen.
std::optional<ProcessFigures> process_figures(pid_t pid);

/// The name of this machine; "unknown" if it has none.
std::string host_name();

}  // namespace wrench::runtime
