#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::storage {

/// The bytes of a backup, wherever they are.
class BackupSource {
 public:
  virtual ~BackupSource() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `into` from offset `at` on. The caller stays within size(). Errors: storage.io, storage.read_only.
  virtual Result<void> read(std::uint64_t at, std::span<char> into) const = 0;
};

class FileSource final : public BackupSource {
 public:
  /// Regular files only. Errors: backup.not_found, storage.io, storage.read_only.
  static Result<FileSource> open(const std::string& path);
  FileSource(FileSource&& other) noexcept;
  FileSource& operator=(FileSource&&) = delete;
  ~FileSource() override;
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t at, std::span<char> into) const override;

 private:
  FileSource(int fd, std::uint64_t size, std::string path) : fd_(fd), size_(size), path_(std::move(path)) {}
  int fd_;
  std::uint64_t size_;
  std::string path_;
};

class MemorySource final : public BackupSource {
 public:
  /// `bytes` must outlive the source.
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t at, std::span<char> into) const override;

 private:
  std::string_view bytes_;
};

}  // namespace wrench::storage
