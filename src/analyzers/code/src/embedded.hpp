#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "generic_text.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/code/lower.hpp"

namespace wrench::code {

/// What a string literal or block of text holds, ready to be parsed by itself: without quotes, and without the
/// indentation that all its lines share.
struct EmbeddedText {
  std::string text;
  /// Where an offset of `text` lies in the file.
  std::uint32_t in_file(std::uint32_t offset) const;

  struct Piece {
    std::uint32_t first;  ///< In `text`.
    std::uint32_t in_file;
  };
  std::vector<Piece> pieces;  ///< Ascending; at least one.
};
EmbeddedText embedded_text(std::string_view file, std::uint32_t first, std::uint32_t end);

/// Reads parts of a file in other languages than its own, for one thread and one file at a time.
class EmbeddedReader {
 public:
  /// All must outlive the reader.
  EmbeddedReader(Parser& parser, Atoms& atoms, const ParseLimits& limits, CpuBudget budget, const StopToken& stop)
      : parser_(parser), atoms_(atoms), limits_(limits), budget_(budget), stop_(stop) {}

  Result<Ir> parse(source::Language language, std::string_view text) {
    return parser_.parse(language, text, atoms_, limits_, budget_, stop_);
  }
  Atoms& atoms() { return atoms_; }
  /// The whole file in the generic language; read once for each style of comments.
  const std::vector<GenericToken>& generic(std::string_view file, GenericOptions::Comments comments);

 private:
  Parser& parser_;
  Atoms& atoms_;
  const ParseLimits& limits_;
  CpuBudget budget_;
  const StopToken& stop_;
  std::map<GenericOptions::Comments, std::vector<GenericToken>> generic_;
};

}  // namespace wrench::code
