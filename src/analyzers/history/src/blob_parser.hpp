#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::history {

/// What `git cat-file --batch` prints, piece by piece: "<id> blob <size>", a newline, the bytes, a newline; or
/// "<id> missing". Holds one object at most, and none that is larger than the limit.
class BlobParser {
 public:
  explicit BlobParser(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  struct Object {
    bool is_blob = false;  ///< False: missing, or of another type.
    bool too_large = false;
    std::string_view bytes;
  };
  /// Calls on_object(const Object&) -> Result<void> for every object that is complete. Error code history.git_failed
  /// when git says something else.
  template <class OnObject>
  Result<void> feed(std::string_view piece, OnObject&& on_object) {
    while (!piece.empty()) {
      if (!in_object_) {
        if (!take_head(piece)) return head_fault();
        if (!in_object_) continue;
        if (is_missing_) {
          in_object_ = false;
          WRENCH_TRY(on_object(Object{}));
        }
        continue;
      }
      const Object object = take_bytes(piece);
      if (left_ > 0) continue;
      in_object_ = false;
      WRENCH_TRY(on_object(object));
      held_.clear();
    }
    return {};
  }
  /// Whether the output ended between two objects.
  bool at_boundary() const { return !in_object_ && head_.empty(); }

 private:
  /// False for a head that makes no sense. `in_object_` is set when the head is complete.
  bool take_head(std::string_view& piece);
  /// Takes what belongs to the object; it is complete when nothing is left of it.
  Object take_bytes(std::string_view& piece);
  static Error head_fault();

  std::uint64_t bytes_max_;
  std::string head_, held_;
  bool in_object_ = false, is_missing_ = false, is_blob_ = false;
  std::uint64_t size_ = 0, left_ = 0;  // Of the object; with the newline behind it.
};

}  // namespace wrench::history
