#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/storage/archive.hpp"

/// What a record looks like in its file (RFC 8878, 3.1.2: skippable frames).
namespace wrench::storage {

inline constexpr std::uint32_t kArchiveMagic = 0x184D2A57;  ///< One of the sixteen of skippable frames.
inline constexpr std::uint64_t kArchivePrefixBytes = 8;     ///< Magic, and bytes of the header; little endian.
inline constexpr std::string_view kArchiveSuffix = ".jsonl.zst";

/// An open file.
class ArchiveFile {
 public:
  enum class For { Reading, Appending };
  /// Errors: storage.io, storage.full.
  static Result<ArchiveFile> open(std::string path, For what);
  ArchiveFile(ArchiveFile&& other) noexcept;
  ArchiveFile& operator=(ArchiveFile&& other) noexcept;
  ~ArchiveFile();

  const std::string& path() const { return path_; }
  Result<std::uint64_t> size() const;
  /// All of them, or less at the end of the file.
  Result<std::string> read(std::uint64_t at, std::size_t bytes) const;
  Result<void> write(std::uint64_t at, std::string_view bytes);
  Result<void> truncate(std::uint64_t size);
  Result<void> flush();

 private:
  ArchiveFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

/// Where the whole records end. Errors: storage.archive_damaged: what stands there isn't the beginning of one.
Result<std::uint64_t> walk_records(const ArchiveFile& file, const std::function<bool(ArchiveEntry)>& visit);

Error archive_damaged(const std::string& file, std::uint64_t at, std::string_view why);

}  // namespace wrench::storage
