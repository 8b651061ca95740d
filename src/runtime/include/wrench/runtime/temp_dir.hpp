#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// The folder for temporary files: $TMPDIR, or /tmp.
std::string temporary_folder();

/// A fresh folder, under $TMPDIR (or /tmp) unless told otherwise, that only this user can enter, removed with its
/// content at the end.
class TempDir {
 public:
  static Result<TempDir> create(std::string_view name_prefix = "wrench");
  /// In a folder of the caller's choice, which must exist.
  static Result<TempDir> create_in(const std::string& folder, std::string_view name_prefix);
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace wrench::runtime
