#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::runtime {

inline constexpr std::size_t kDirEntriesMax = 1'000'000;

enum class FileKind : std::uint8_t { Regular, Folder, Symlink, Special };

/// What tells two states of a file apart without reading it.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;  ///< Since the epoch: mtime, ctime.
  std::uint64_t device = 0, inode = 0;
  bool operator==(const FileStamp&) const = default;
};

struct DirEntry {
  std::string name;  ///< Bytes as the file system has them.
  FileKind kind = FileKind::Special;
  FileStamp stamp;
};

/// How long to wait for a file's bytes; by default until they are there. `clock` is for the deadline.
struct Patience {
  const Clock* clock = nullptr;
  Deadline deadline{};
  StopToken stop{};
};

class StagedFile;

/// Access to everything below one folder and to nothing else. Symbolic links are never followed, FIFOs, sockets and
/// devices are never opened, `..` and absolute paths are refused (openat2(2) with RESOLVE_BENEATH and
/// RESOLVE_NO_SYMLINKS). Thread-safe.
class RootedDir {
 public:
  /// `path` itself may be a symbolic link: the user named it. Errors: io.*.
  static Result<RootedDir> open(const std::string& path);
  RootedDir(RootedDir&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RootedDir& operator=(RootedDir&&) = delete;
  ~RootedDir();

  /// Entries of a folder ("" is the root), sorted by name. Errors: io.*, io.too_many_entries.
  Result<std::vector<DirEntry>> list(const std::string& relative) const;
  Result<DirEntry> stat(const std::string& relative) const;
  /// A regular file's bytes, in memory: a mapped file that somebody truncates would kill the process. Errors: io.*,
  /// io.too_large over `bytes_max`, io.not_regular, io.too_slow, io.stopped.
  Result<std::string> read(const std::string& relative, std::size_t bytes_max, const Patience& patience = {}) const;

  /// Makes one folder, whose parent is there; one that is there already is taken. Errors: io.*.
  Result<void> make_folder(const std::string& relative, unsigned mode) const;
  /// A file of `bytes` in the place of whatever has the name, whole and durable or not there at all. Errors: io.*.
  Result<void> write(const std::string& relative, std::string_view bytes, unsigned mode) const;
  /// Appends `line` and a line end to a regular file, which is made if it isn't there. Durable when this returns; no
  /// line of another process comes in between, and what a killed one left half-written gets a line of its own. An empty
  /// line only makes the file. Errors: io.*, io.not_regular.
  Result<void> append_line(const std::string& relative, std::string_view line, unsigned mode) const;
  /// The same with what `next` says, if anything, when it is shown what is there; nobody appends meanwhile. Errors:
  /// those, io.too_large if more than `bytes_max` is there.
  using NextLine = std::function<std::optional<std::string>(std::string_view there)>;
  Result<void> append_line_after(const std::string& relative, std::size_t bytes_max, const NextLine& next,
                                 unsigned mode) const;
  Result<void> remove(const std::string& relative) const;
  /// The next content of a regular file, written beside it and flushed; the file itself stays as it is until
  /// StagedFile::commit(). Errors: io.*, io.not_regular, io.not_owner when the new file couldn't belong to whom the old
  /// one does.
  Result<StagedFile> stage(const std::string& relative, std::string_view bytes) const;

 private:
  explicit RootedDir(int fd) : fd_(fd) {}
  Result<int> open_at(const std::string& relative, int flags) const;
  int fd_ = -1;
};

/// The next content of a file, durable beside it. Goes away without commit(). One thread at a time.
class StagedFile {
 public:
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&& other) noexcept;
  ~StagedFile();

  /// Puts it in the file's place, with the file's mode and owner, by a rename that is made durable: after a crash at
  /// any moment the old or the new one is there. Error code io.changed when the file isn't what stat said of it when
  /// this was staged. Once.
  Result<void> commit();

 private:
  friend class RootedDir;
  StagedFile(int folder, std::string name, std::string temporary, FileStamp stamp)
      : folder_(folder), name_(std::move(name)), temporary_(std::move(temporary)), stamp_(stamp) {}
  int folder_ = -1;
  std::string name_, temporary_;
  FileStamp stamp_;
};

}  // namespace wrench::runtime
