#include "wrench/findings/markup.hpp"

#include "wrench/base/text.hpp"

namespace wrench::findings {

std::string escape_markup(std::string_view text) {
  const std::string safe = escape_for_display(text, Newlines::Keep);
  std::string out;
  out.reserve(safe.size() + safe.size() / 8);
  for (std::size_t at = 0; at < safe.size(); ++at) {
    switch (safe[at]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      case '\xEF':
        // U+FFFE and U+FFFF are UTF-8, but no XML characters.
        if (safe.compare(at, 3, "\xEF\xBF\xBE") == 0 || safe.compare(at, 3, "\xEF\xBF\xBF") == 0) {
          out += "\xEF\xBF\xBD";
          at += 2;
          break;
        }
        out += safe[at];
        break;
      default:
        out += safe[at];
    }
  }
  return out;
}

}  // namespace wrench::findings
