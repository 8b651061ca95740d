#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench {

bool is_valid_utf8(std::string_view bytes);
/// Replaces every maximal invalid subpart by U+FFFD (Unicode 15, 3.9 table 3-8).
std::string repair_utf8(std::string_view bytes);
/// Number of code points; invalid bytes count one each.
std::size_t count_code_points(std::string_view utf8);
/// Decodes the code point at `at` and moves past it; invalid bytes give U+FFFD and move by one.
char32_t next_code_point(std::string_view utf8, std::size_t& at);
void append_utf8(std::string& out, char32_t code_point);

/// Columns a terminal uses (East Asian wide = 2, combining = 0).
std::size_t display_width(std::string_view utf8);

/// Makes hostile text safe to show: C0/C1 controls, bidi and zero-width characters become visible escapes
/// ("\x1b", "U+202E"); valid UTF-8 comes out. Tab stays; newline stays only if `Newlines::Keep`.
enum class Newlines { Keep, Escape };
std::string escape_for_display(std::string_view text, Newlines newlines = Newlines::Escape);

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower_ascii(std::string_view text);
bool equals_ignoring_case_ascii(std::string_view a, std::string_view b);
bool contains_ignoring_case_ascii(std::string_view haystack, std::string_view needle);
/// Runs of white space become one space; ends trimmed.
std::string collapse_white_space(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

std::string to_hex(std::string_view bytes);
/// Nothing when it isn't an even number of hex digits, of either case.
std::optional<std::string> from_hex(std::string_view digits);
/// "1,204", "12.3 MiB".
std::string format_count(std::uint64_t n);
std::string format_bytes(std::uint64_t bytes);
/// "64", "2MiB", "10k". Error code base.invalid_size.
Result<std::uint64_t> parse_size(std::string_view text);

/// Optimal string alignment distance, stops early above `limit` (returns limit + 1).
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);
/// The candidate within distance 2 of `word`, or empty: for "did you mean".
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace wrench
