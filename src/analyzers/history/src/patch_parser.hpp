#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/history/changes.hpp"

namespace wrench::history {

/// Reads `git diff-tree -p -U0` as it streams in. Content lines are counted off by the hunk header before them: one
/// that reads `+++ b/x` is content, not a header.
class PatchParser {
 public:
  explicit PatchParser(Changes& changes) : changes_(changes) {}
  void feed(std::string_view bytes);
  /// After the last byte: files by path, each once.
  void finish();

 private:
  void line(std::string_view text);
  void header(std::string_view text);
  void hunk(std::string_view text);

  Changes& changes_;
  std::string carry_;
  bool overlong_ = false;
  std::uint64_t content_left_ = 0;
  std::size_t ranges_ = 0;
};

/// The path of a `+++` or `---` line, without git's quotes and its `a/`; empty for /dev/null.
std::string patch_path(std::string_view written);

}  // namespace wrench::history
