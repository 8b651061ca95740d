#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"

/// Records that left the store, appended to files of a folder: "2026-11.jsonl.zst", one for each month. A file is valid
/// zstd, whose content is JSON lines. Each record is a skippable frame, which zstd passes over, with its header, and a
/// frame of its own, so that records are listed without unpacking them.
namespace wrench::storage {

inline constexpr std::size_t kArchiveHeaderBytesMax = 16 * 1024;
inline constexpr std::size_t kArchiveLineBytesMax = 64 * 1024 * 1024;

/// Appends records. What a crash left half done at the end of the file goes when it is opened again. One thread at a
/// time.
class ArchiveWriter {
 public:
  /// Of the month of `now_us`. Makes the folder, and keeps others from appending to its files. Errors: runtime.locked,
  /// storage.archive_damaged, storage.full, storage.io.
  static Result<ArchiveWriter> open(const std::string& folder, Micros now_us);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;
  ~ArchiveWriter();  ///< Records that weren't synced may be gone.

  /// `header`: an object; gets "lines", "bytes" of them, "frame_bytes", "frame_sha256".
  Result<void> begin(codec::Json header);
  /// Without a line end of its own.
  Result<void> line(std::string_view json);
  Result<void> end();
  /// Takes back the record that was begun.
  Result<void> abandon();
  /// Bytes of records that ended since the last sync.
  std::uint64_t unsynced_bytes() const;
  /// From then on the records that ended are there, whatever happens. Before, none of them is.
  Result<void> sync();

 private:
  struct State;
  explicit ArchiveWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ArchiveEntry {
  std::string file;  ///< Path.
  codec::Json header;
  std::uint64_t at = 0;        ///< Of the record in the file.
  std::uint64_t frame_at = 0;  ///< Of its lines.
  std::uint64_t frame_bytes = 0;
};

/// Paths, oldest first. A folder that is missing has none.
Result<std::vector<std::string>> list_archive_files(const std::string& folder);
/// The whole records of a file, oldest first, until `visit` returns false. Half of one at the end isn't told. Errors:
/// storage.archive_damaged.
Result<void> walk_archive(const std::string& file, const std::function<bool(ArchiveEntry)>& visit);
/// Its lines. Errors: storage.archive_damaged, and those of `line`.
Result<void> read_archived(const ArchiveEntry& entry, const std::function<Result<void>(std::string_view)>& line);

struct ArchiveCheck {
  std::int64_t files = 0, records = 0, lines = 0;
  std::uint64_t bytes = 0;  ///< Of the lines.
  std::vector<std::string> problems;
};
/// Unpacks everything.
Result<ArchiveCheck> verify_archive(const std::string& folder, const StopToken& stop);

}  // namespace wrench::storage
