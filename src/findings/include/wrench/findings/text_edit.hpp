#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Changes of one text: what a fix replaces, and where that leaves everything else.
namespace wrench::findings {

/// Bytes [first, end) become `text`; first == end inserts.
struct TextEdit {
  std::uint64_t first = 0, end = 0;
  std::string text;
  bool operator==(const TextEdit&) const = default;
};

/// Whether both can't be applied at once: a common byte, an insertion inside of the other, two at the same place.
bool overlap(const TextEdit& a, const TextEdit& b);

/// Which of `edits`, sorted by place, are applied together: in source order, each that doesn't overlap one before it.
std::vector<std::size_t> without_overlaps(std::span<const TextEdit> edits);

/// `edits` are sorted, don't overlap and lie in the text.
std::string apply_edits(std::string_view text, std::span<const TextEdit> edits);

/// The replacement with the line ends of `text`, if all of that are of one kind.
std::string with_line_ends_of(std::string_view text, std::string replacement);

/// Where places of a text stand once edits were applied to it.
class EditedPlaces {
 public:
  /// `edits` as for apply_edits().
  explicit EditedPlaces(std::span<const TextEdit> edits);

  /// Of a byte that no edit took away; inside of a replaced range its beginning.
  std::uint64_t of(std::uint64_t offset) const;
  /// The same for an exclusive end: inside of a replaced range the end of what stands there now.
  std::uint64_t of_end(std::uint64_t offset) const;

 private:
  struct Moved {
    std::uint64_t first, end, new_first, new_end;
  };
  std::vector<Moved> moved_;
};

}  // namespace wrench::findings
