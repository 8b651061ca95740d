#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "file_worker.hpp"
#include "revision.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {

/// Finds the content ids of a commit's files with as little reading as can be: by what was learned of a blob before, by
/// the file on disk if it is the same, and at last out of the repository, all in one go.
class BlobContents {
 public:
  /// `cache` may be null. All outlive this.
  BlobContents(const Revision& revision, const FactCache* cache, const ScanLimits& limits);

  /// True when the file's content is known now: its id, perhaps its bytes. Thread-safe.
  bool from_memory_or_disk(FoundFile& file, FileBytes& bytes, const runtime::Patience& patience);
  /// Reads what is left: every file without a content id and without a reason for that.
  Result<void> from_git(std::span<FoundFile> files, std::span<FileBytes> bytes, const StopToken& stop,
                        const Deadline& deadline);
  /// Keeps what was learned.
  void save(FactCache& cache) const;

 private:
  struct Known {
    std::string content_id;
    std::uint64_t bytes = 0;
  };
  std::uint64_t bytes_max(const FoundFile& file) const;
  void take(const std::string& blob, std::string_view content, FoundFile& file, FileBytes& bytes);

  const Revision& revision_;
  const ScanLimits& limits_;
  std::mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;
  std::uint64_t held_bytes_ = 0;
  bool learned_ = false;
};

}  // namespace wrench::scan
