#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "wrench/base/text.hpp"
#include "wrench/findings/markup.hpp"

namespace wrench::findings::svg {

/// At most two decimals, no exponent, "0" for what rounds to it.
inline std::string number(double value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, 1);
  std::string text(buffer.data(), end.ptr);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

inline std::string open(double width, double height, std::string_view css_class, std::string_view label) {
  return "<svg class=\"" + std::string(css_class) + "\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" role=\"img\" aria-label=\"" + escape_markup(label) + "\">\n";
}

inline std::string rect(double x, double y, double width, double height, std::string_view css_class,
                        std::string_view title = {}) {
  std::string text = "<rect class=\"" + std::string(css_class) + "\" x=\"" + number(x) + "\" y=\"" + number(y) +
                     "\" width=\"" + number(std::max(width, 0.0)) + "\" height=\"" + number(std::max(height, 0.0)) +
                     "\"";
  if (title.empty()) return text + "/>\n";
  return text + "><title>" + escape_markup(title) + "</title></rect>\n";
}

inline std::string line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  return "<line class=\"" + std::string(css_class) + "\" x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" +
         number(x2) + "\" y2=\"" + number(y2) + "\"/>\n";
}

inline std::string text(double x, double y, std::string_view content, std::string_view css_class = {},
                        std::string_view anchor = {}) {
  std::string out = "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"";
  if (!css_class.empty()) out += " class=\"" + std::string(css_class) + "\"";
  if (!anchor.empty()) out += " text-anchor=\"" + std::string(anchor) + "\"";
  return out + ">" + escape_markup(content) + "</text>\n";
}

/// Keeps the end of a path: the beginning tells less.
inline std::string clipped_path(std::string_view path, std::size_t characters_max) {
  const std::string safe = escape_for_display(path);
  const std::size_t length = count_code_points(safe);
  if (length <= characters_max) return safe;
  std::size_t at = 0;
  for (std::size_t i = 0; i + characters_max < length + 1; ++i) next_code_point(safe, at);
  return "\xE2\x80\xA6" + safe.substr(at);
}

inline std::string clipped(std::string_view name, std::size_t characters_max) {
  const std::string safe = escape_for_display(name);
  if (count_code_points(safe) <= characters_max) return safe;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < characters_max; ++i) next_code_point(safe, at);
  return safe.substr(0, at) + "\xE2\x80\xA6";
}

}  // namespace wrench::findings::svg
