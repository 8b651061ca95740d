#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::storage {

/// One way of writing followed by fdatasync, repeated.
struct FsyncSample {
  bool overwrites = false;  ///< Else the file grows each time.
  std::size_t bytes = 0;    ///< Written before each fdatasync.
  std::uint64_t operations = 0;
  double per_second = 0;
  Micros p50_us = 0;
  Micros p99_us = 0;
};

enum class Durability {
  Durable,
  Suspicious,  ///< Quicker than any disk: a cache may be answering.
  NotDurable,  ///< Memory, a network, or a mount option that switches flushing off.
};

struct FsyncReport {
  std::vector<FsyncSample> samples;
  std::string filesystem;     ///< "ext4"
  std::string mount_options;  ///< As in /proc/self/mountinfo.
  Durability verdict = Durability::Durable;
  std::string reason;  ///< Of a verdict other than Durable.
};

/// Measures what a durable commit costs in `directory`, with a file that is removed at the end, in about `duration_us`.
/// Errors: storage.read_only, storage.full, storage.io.
Result<FsyncReport> probe_fsync(const std::string& directory, Micros duration_us, const Clock& clock,
                                const StopToken& stop = {});

/// The verdict on file system, mount options and fastest median. Pure.
Durability judge_durability(std::string_view filesystem, std::string_view mount_options, Micros fastest_p50_us,
                            std::string& reason);

/// The mount that `absolute_path` is on, from the text of /proc/self/mountinfo (proc(5)).
struct MountPoint {
  std::string filesystem;
  std::string options;
};
MountPoint find_mount(std::string_view mountinfo, std::string_view absolute_path);

}  // namespace wrench::storage
