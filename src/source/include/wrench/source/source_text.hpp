#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/source/language.hpp"

namespace wrench::source {

/// Line and column from 1; the column counts Unicode code points; offset in bytes from 0.
struct LineCol {
  std::uint32_t line = 1;
  std::uint32_t col = 1;
};

/// Byte offsets of line starts. LF, CRLF and lone CR end a line.
class LineTable {
 public:
  LineTable() = default;
  explicit LineTable(std::string_view text);
  std::uint32_t line_count() const { return static_cast<std::uint32_t>(starts_.size()); }
  /// `text` must be the text the table was made of.
  LineCol position(std::string_view text, std::uint64_t offset) const;
  /// Without the line end. Lines from 1; empty beyond the end.
  std::string_view line(std::string_view text, std::uint32_t number) const;
  std::uint64_t line_start(std::uint32_t number) const;

 private:
  std::vector<std::uint32_t> starts_{0};
};

/// One file's bytes, read once and shared by every analysis.
struct SourceText {
  std::string path;          ///< As reported: PATH as typed joined with the relative path, '/' separated, no "./".
  std::string project_path;  ///< Relative to the project root; what fingerprints and `paths:` of rules use.
  Language language = Language::Unknown;
  std::string text;        ///< UTF-8; UTF-16 with BOM was transcoded, a UTF-8 BOM is kept out.
  std::string content_id;  ///< "sha256:<hex>" of the bytes on disk.
  std::string encoding;    ///< "utf-8", "utf-16le", "utf-16be", "invalid-utf-8".
  LineTable lines;
};

inline constexpr std::size_t kLanguageProbeBytes = std::size_t{64} << 10;

struct DecodedText {
  std::string text;
  std::string encoding;  ///< As in SourceText.
};
/// UTF-8 with or without BOM, UTF-16 with BOM; invalid sequences become U+FFFD.
DecodedText decode_text(std::string bytes);

/// Decodes, detects the language, finds the lines. `content_id` is that of the bytes, where it is known; else they are
/// hashed.
SourceText make_source_text(std::string path, std::string project_path, std::string bytes, std::string content_id = {});

}  // namespace wrench::source
