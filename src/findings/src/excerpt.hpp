#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::findings {

/// One line of source, ready to show: masked, control characters visible, tabs as spaces, clipped when very long.
struct ExcerptLine {
  std::uint32_t number = 0;
  std::string text;
  bool is_match = false;
  std::size_t mark_begin = 0, mark_end = 0;  ///< Bytes of `text` inside the finding's range; equal when none.
};

/// Cuts lines out of sources. Remembers the line tables of some files.
class Excerpts {
 public:
  Excerpts(const SourceLookup& sources, const SecretMask& mask) : sources_(sources), mask_(mask) {}

  /// The lines of `where` and up to `around` on each side; at most `lines_max` of the range itself. From
  /// `fallback` (Finding::lines) when the file isn't there or isn't the one that was analysed; then nothing around.
  std::vector<ExcerptLine> of(const Location& where, const std::string& fallback, std::uint32_t around,
                              std::uint32_t lines_max);

 private:
  struct Text {
    std::shared_ptr<const std::string> bytes;
    std::vector<std::uint64_t> line_starts;
    std::string content;
  };
  const Text* text_of(const Location& where);

  const SourceLookup& sources_;
  const SecretMask& mask_;
  std::map<std::string, Text, std::less<>> texts_;
};

}  // namespace wrench::findings
