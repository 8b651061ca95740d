#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// A fresh folder under $TMPDIR (or /tmp) that only this user can enter, removed with its content at the end.
class TempDir {
 public:
  static Result<TempDir> create(std::string_view name_prefix = "wrench");
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
