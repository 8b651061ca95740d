#include "value_text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "layout.hpp"
#include "wrench/base/text.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::size_t kRowsShown = 50;
constexpr std::size_t kDepthShown = 8;
constexpr std::size_t kLabelColumnsMax = 28;
constexpr std::size_t kTextColumnsMin = 20;
constexpr std::size_t kNumbersInLine = 6;
constexpr std::size_t kCellColumnsMin = 12;
constexpr std::size_t kColumnGap = 2;

bool is_plain(const Json& value) { return !value.is_array() && !value.is_object(); }

std::string number_text(double value) {
  std::string text = std::to_string(std::round(value * 100) / 100);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string plain_text(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::Null:
      return "-";
    case Json::Kind::Boolean:
      return value.as_boolean() ? "yes" : "no";
    case Json::Kind::Integer: {
      const auto number = value.as_integer();
      return number < 0 ? std::to_string(number) : format_count(static_cast<std::uint64_t>(number));
    }
    case Json::Kind::Double:
      return number_text(value.as_double());
    default:
      return Console::safe(value.as_string());
  }
}

std::string label_text(std::string_view name) { return Console::safe(replace_all(std::string(name), "_", " ")); }

class Writer {
 public:
  explicit Writer(const PageStyle& style) : style_(style) {}

  std::string write(const Json& value) {
    if (is_plain(value) && fits_line(value))
      paragraph("", plain_text(value), 0);
    else
      block(value, 0, 0);
    return std::move(out_);
  }

 private:
  void put(std::size_t indent, std::string_view text) {
    if (!trim(text).empty()) out_ += std::string(indent, ' ') + std::string(text);
    out_ += "\n";
  }

  void paragraph(std::string_view head, std::string_view text, std::size_t indent) {
    const std::size_t used = indent + display_width(head);
    const auto lines = wrap(text, std::max(kTextColumnsMin, style_.width - std::min(style_.width, used)));
    for (std::size_t i = 0; i < lines.size(); ++i)
      put(indent, (i == 0 ? std::string(head) : std::string(display_width(head), ' ')) + lines[i]);
  }

  /// A string of several lines keeps them.
  void lines(std::string_view text, std::size_t indent) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    for (const auto line : split(text, '\n')) paragraph("", Console::safe(line), indent);
  }

  void block(const Json& value, std::size_t indent, std::size_t depth) {
    if (value.is_string())
      lines(value.as_string(), indent);
    else if (depth >= kDepthShown)
      put(indent, "(more, with --json)");
    else if (value.is_object())
      members(value, indent, depth);
    else
      list(value, indent, depth);
  }

  void members(const Json& value, std::size_t indent, std::size_t depth) {
    std::size_t columns = 0;
    for (const auto& [name, member] : value.as_object())
      if (fits_line(member)) columns = std::max(columns, display_width(label_text(name)));
    columns = std::min(columns, kLabelColumnsMax);
    if (value.as_object().empty()) put(indent, "(nothing)");
    for (const auto& [name, member] : value.as_object()) {
      if (fits_line(member)) {
        paragraph(pad(label_text(name), columns) + "  ", line_text(member), indent);
        continue;
      }
      put(indent, label_text(name));
      block(member, indent + 2, depth + 1);
    }
  }

  /// A scalar, nothing, or a list of a few short scalars.
  bool fits_line(const Json& value) const {
    if (is_plain(value)) return value.as_string().find('\n') == std::string_view::npos;
    if (value.is_object()) return fits_as_numbers(value.as_object());
    const auto& items = value.as_array();
    if (!std::ranges::all_of(items, is_plain)) return false;
    std::size_t columns = 0;
    for (const Json& item : items) columns += display_width(plain_text(item)) + 2;
    return columns <= style_.width / 2;
  }

  /// A few counts by name, such as findings by severity.
  static bool fits_as_numbers(const codec::JsonObject& members) {
    return members.size() <= kNumbersInLine &&
           std::ranges::all_of(members, [](const auto& member) { return member.second.is_number(); });
  }

  static std::string line_text(const Json& value) {
    if (is_plain(value)) return plain_text(value);
    std::string out;
    for (const auto& [name, number] : value.as_object())
      out += (out.empty() ? "" : ", ") + label_text(name) + " " + plain_text(number);
    if (value.is_object()) return out.empty() ? "nothing" : out;
    for (const Json& item : value.as_array()) out += (out.empty() ? "" : ", ") + plain_text(item);
    return out.empty() ? "none" : out;
  }

  void list(const Json& value, std::size_t indent, std::size_t depth) {
    const auto& items = value.as_array();
    const std::size_t shown = std::min(items.size(), kRowsShown);
    if (!table(items, shown, indent))
      for (std::size_t i = 0; i < shown; ++i) item(items[i], indent, depth);
    if (items.size() > shown) put(indent, "... and " + format_count(items.size() - shown) + " more (--json has all)");
  }

  void item(const Json& value, std::size_t indent, std::size_t depth) {
    if (fits_line(value)) return paragraph("- ", line_text(value), indent);
    // The members stand behind the dash of the first.
    const std::size_t begin = out_.size();
    block(value, indent + 2, depth + 1);
    out_[begin + indent] = '-';
  }

  /// Rows of objects whose members are plain, or short lists where there is room. Whether it was one: else nothing is
  /// written.
  bool table(const codec::JsonArray& items, std::size_t shown, std::size_t indent) {
    std::vector<std::string> names;
    bool all_plain = true;
    for (std::size_t i = 0; i < shown; ++i) {
      if (!items[i].is_object()) return false;
      for (const auto& [name, member] : items[i].as_object()) {
        if (!fits_line(member)) return false;
        all_plain = all_plain && is_plain(member);
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
      }
    }
    if (shown == 0 || names.empty()) return false;
    std::vector<std::vector<std::string>> rows(1);
    std::vector<std::size_t> widths(names.size());
    std::vector<bool> right(names.size(), true);
    for (const auto& name : names) rows[0].push_back(label_text(name));
    for (std::size_t i = 0; i < shown; ++i) {
      auto& row = rows.emplace_back();
      for (std::size_t c = 0; c < names.size(); ++c) {
        const Json& cell = items[i].at(names[c]);
        row.push_back(cell.is_null() ? "" : line_text(cell));
        if (!cell.is_number() && !cell.is_null()) right[c] = false;
      }
    }
    std::size_t total = indent;
    for (std::size_t c = 0; c < names.size(); ++c) {
      for (const auto& row : rows) widths[c] = std::max(widths[c], display_width(row[c]));
      total += widths[c] + kColumnGap;
    }
    if (total > style_.width + kColumnGap && (!all_plain || !narrow(widths, total))) return false;
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t c = 0; c < row.size(); ++c) {
        // The end of a path says more than its beginning.
        const bool is_path = row[c].find('/') != std::string::npos && row[c].find(' ') == std::string::npos;
        const auto text =
            is_path ? clip_front(row[c], widths[c], style_.unicode) : clip(row[c], widths[c], style_.unicode);
        const bool last = c + 1 == row.size();
        line += (right[c] ? pad_left(text, widths[c]) : last ? text : pad(text, widths[c])) + (last ? "" : "  ");
      }
      put(indent, line.substr(0, line.find_last_not_of(' ') + 1));
    }
    return true;
  }

  /// Takes from the widest columns what is too much. False: that would leave too little of one.
  bool narrow(std::vector<std::size_t>& widths, std::size_t total) const {
    for (; total > style_.width + kColumnGap; --total) {
      const auto widest = std::ranges::max_element(widths);
      if (*widest <= kCellColumnsMin) return false;
      --*widest;
    }
    return true;
  }

  const PageStyle& style_;
  std::string out_;
};

}  // namespace

std::string value_text(const Json& value, const PageStyle& style) { return Writer(style).write(value); }

}  // namespace wrench::app
