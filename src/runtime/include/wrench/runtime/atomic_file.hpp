#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// A new file that takes a path's place when it is whole: after a crash at any moment the old or the new one is there.
/// Written into a temporary file beside it, which goes away without commit(). One thread at a time.
class AtomicFile {
 public:
  /// Errors: io.*.
  static Result<AtomicFile> create(std::string path);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  ~AtomicFile();

  Result<void> write(std::string_view bytes);
  /// fsync, rename, fsync of the folder. Once, as the last call.
  Result<void> commit(unsigned mode = 0600);
  /// Only the rename: after a power loss the file may be empty or gone. For what is worth nothing then.
  Result<void> commit_without_flush(unsigned mode = 0600);

 private:
  struct State;
  explicit AtomicFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// An AtomicFile of `bytes`.
Result<void> write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode = 0600);
/// fsync of a folder: makes renames and new names in it durable.
Result<void> sync_directory(const std::string& path);
/// Like `mkdir -p`; every folder it creates gets `mode` and is made durable in its parent.
Result<void> make_directories(const std::string& path, unsigned mode = 0700);
/// Regular files only, refused with io.too_large over `bytes_max`. Errors: io.*.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace wrench::runtime
