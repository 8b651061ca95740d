#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "file_worker.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {

/// How much older than the look at it a file's times must be: on file systems with coarse times a change right after
/// it would leave no trace.
inline constexpr Micros kSettledAfter = 2 * kMicrosPerSecond;

/// Content ids of the files that nobody touched since the last run, so that they needn't be read to be known: by
/// device, inode, size and the times of content and inode, the last of which no program can set.
class KnownContents {
 public:
  /// `now_us`: wall clock before any file of this run is read.
  KnownContents(const FactCache& cache, Micros now_us);

  std::optional<std::string> of(const FoundFile& file) const;
  /// Keeps what this run learned, `bytes[i]` of `files[i]`, unless it is what was known.
  void save(FactCache& cache, std::span<const FoundFile> files, std::span<const FileBytes> bytes) const;

 private:
  struct Known {
    runtime::FileStamp stamp;
    std::string content_id;
    bool operator==(const Known&) const = default;
  };
  using Place = std::pair<std::uint64_t, std::uint64_t>;  // Device and inode.

  Micros now_us_;
  std::map<Place, Known> known_;
};

}  // namespace wrench::scan
