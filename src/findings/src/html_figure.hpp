#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "wrench/base/text.hpp"
#include "wrench/findings/markup.hpp"

// What the figures of the HTML report share.
namespace wrench::findings {

inline constexpr std::size_t kTableRowsMax = 50;
inline constexpr double kWide = 1120;
inline constexpr double kHalf = 540;
inline constexpr double kNarrow = 300;
inline constexpr double kCharacterWidth = 6.7;  // Of 12 px sans-serif, on the safe side.

inline std::string cell(std::string_view text) { return "<td>" + escape_markup(text) + "</td>"; }
inline std::string path_cell(std::string_view text) {
  return "<th scope=\"row\" class=\"mono\">" + escape_markup(text) + "</th>";
}
inline std::string number_cell(std::uint64_t n) { return "<td class=\"num\">" + format_count(n) + "</td>"; }

struct Column {
  std::string_view name;
  bool is_number = false;
};

inline std::string table_head(std::initializer_list<Column> columns) {
  std::string out = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table><thead><tr>";
  for (const Column& column : columns) {
    out += std::string("<th scope=\"col\"") + (column.is_number ? " class=\"num\">" : ">") + std::string(column.name) +
           "</th>";
  }
  return out + "</tr></thead><tbody>\n";
}
inline constexpr std::string_view kTableEnd = "</tbody></table></div>";

inline std::string figure(std::string_view title, std::string_view sentence, const std::string& drawings,
                          const std::string& table) {
  return "<figure><figcaption><h3>" + escape_markup(title) + "</h3><p>" + escape_markup(sentence) +
         "</p></figcaption>\n" + drawings + "<details><summary>As a table</summary>" + table + "</details></figure>\n";
}

}  // namespace wrench::findings
