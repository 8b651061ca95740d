#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/app/command.hpp"

/// Text in columns. Widths are columns of a terminal, not bytes; no function cuts a character in two.
namespace wrench::app {

/// Filled up with spaces to `width`; longer text stays as it is.
std::string pad(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);
/// Cut to `width`, with a mark where it was cut.
std::string clip(std::string_view text, std::size_t width, bool unicode);
/// The end of a path says more than its beginning.
std::string clip_front(std::string_view text, std::size_t width, bool unicode);
/// Broken between words. A word longer than `width` stands alone; no line is empty but that of an empty text.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// As one word of a POSIX shell.
std::string quoted_for_shell(const std::string& word);

/// Two columns, the right one wrapped; on a narrow screen the right one stands below.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, const PageStyle& style);

}  // namespace wrench::app
