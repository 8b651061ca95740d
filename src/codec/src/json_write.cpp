#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::codec {
namespace {

// Shortest digits that read back as the same double, laid out as ECMAScript's Number::toString does.
void append_ecmascript_number(std::string& out, double value) {
  if (value == 0) {
    out += '0';
    return;
  }
  if (value < 0) out += '-';
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value), std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t e = text.find('e');
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // The value is 0.<digits> x 10^point.
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out.append(digits, 0, static_cast<std::size_t>(point));
    out += '.';
    out.append(digits, static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += 'e';
    out += exponent < 0 ? '-' : '+';
    out += std::to_string(std::abs(exponent));
  }
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), written.ptr);
}

enum class Escapes { Required, Display };

bool is_harmless(char32_t c) {
  if (c < 0xA0) return false;  // C1; the plain ASCII ones don't come here.
  if (c == 0x061C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E)) return false;
  return !(c >= 0x2060 && c <= 0x2069) && c != 0xFEFF;
}

void append_u_escape(std::string& out, char32_t c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(c >> shift) & 0xF];
}

void append_ascii_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      append_u_escape(out, static_cast<unsigned char>(c));
  }
}

constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7F; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain_table();

void append_string(std::string& out, std::string_view text, Escapes escapes) {
  out += '"';
  std::size_t copied = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (kPlain[byte]) {
      ++at;
      continue;
    }
    if (byte < 0x80) {
      if (byte == 0x7F && escapes == Escapes::Required) {
        ++at;
        continue;
      }
      out.append(text, copied, at - copied);
      append_ascii_escape(out, text[at]);
      copied = ++at;
      continue;
    }
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (escapes == Escapes::Display && !is_harmless(c)) {
      out.append(text, copied, start - copied);
      append_u_escape(out, c);
      copied = at;
    }
  }
  out.append(text, copied, text.size() - copied);
  out += '"';
}

// The callers repair what isn't UTF-8, which is rare, so that append_string needs one fast path only.
void append_any_string(std::string& out, std::string_view text, Escapes escapes) {
  if (is_valid_utf8(text)) {
    append_string(out, text, escapes);
  } else {
    append_string(out, repair_utf8(text), escapes);
  }
}

class Writer {
 public:
  Writer(std::string& out, JsonStyle style) : out_(out), style_(style), depth_(style.depth) {}

  void write(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::Null:
        out_ += "null";
        break;
      case Json::Kind::Boolean:
        out_ += value.as_boolean() ? "true" : "false";
        break;
      case Json::Kind::Integer:
        append_integer(out_, value.as_integer());
        break;
      case Json::Kind::Double:
        write_double(value.as_double());
        break;
      case Json::Kind::String:
        append_any_string(out_, value.as_string(), Escapes::Display);
        break;
      case Json::Kind::Array:
        write_array(value.as_array());
        break;
      case Json::Kind::Object:
        write_object(value.as_object());
        break;
    }
  }

 private:
  void write_double(double value) {
    if (!std::isfinite(value)) {
      out_ += "null";
      return;
    }
    const std::size_t start = out_.size();
    if (value == 0 && std::signbit(value)) out_ += '-';
    append_ecmascript_number(out_, value);
    if (out_.find_first_of(".e", start) == std::string::npos) out_ += ".0";
  }

  void write_array(const JsonArray& array) {
    out_ += '[';
    ++depth_;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (i > 0) out_ += ',';
      new_line();
      write(array[i]);
    }
    --depth_;
    if (!array.empty()) new_line();
    out_ += ']';
  }

  void write_object(const JsonObject& object) {
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const auto& [name, value] : object) {
      if (!first) out_ += ',';
      first = false;
      new_line();
      append_any_string(out_, name, Escapes::Display);
      out_ += style_.pretty ? ": " : ":";
      write(value);
    }
    --depth_;
    if (!object.empty()) new_line();
    out_ += '}';
  }

  void new_line() {
    if (!style_.pretty) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  std::string& out_;
  JsonStyle style_;
  std::size_t depth_;
};

// RFC 8785 sorts names by UTF-16 code units. For UTF-8 that is the order of bytes, except that U+E000..U+FFFF
// (lead bytes EE, EF) come after the supplementary planes (lead bytes F0..F4), whose surrogates are D800..DFFF.
bool utf16_less(std::string_view a, std::string_view b) {
  const auto [pa, pb] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (pa == a.end() || pb == b.end()) return a.size() < b.size();
  const auto ca = static_cast<unsigned char>(*pa);
  const auto cb = static_cast<unsigned char>(*pb);
  if (ca >= 0xEE && cb >= 0xEE && (ca >= 0xF0) != (cb >= 0xF0)) return ca >= 0xF0;
  return ca < cb;
}

void append_canonical(std::string& out, const Json& value) {
  switch (value.kind()) {
    case Json::Kind::Null:
      out += "null";
      break;
    case Json::Kind::Boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case Json::Kind::Integer:
      append_integer(out, value.as_integer());
      break;
    case Json::Kind::Double:
      if (std::isfinite(value.as_double())) {
        append_ecmascript_number(out, value.as_double());
      } else {
        out += "null";
      }
      break;
    case Json::Kind::String:
      append_any_string(out, value.as_string(), Escapes::Required);
      break;
    case Json::Kind::Array: {
      out += '[';
      bool first = true;
      for (const Json& item : value.as_array()) {
        if (!first) out += ',';
        first = false;
        append_canonical(out, item);
      }
      out += ']';
      break;
    }
    case Json::Kind::Object: {
      std::vector<const JsonObject::Member*> members;
      for (const auto& member : value.as_object()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return utf16_less(a->first, b->first); });
      out += '{';
      bool first = true;
      for (const auto* member : members) {
        if (!first) out += ',';
        first = false;
        append_any_string(out, member->first, Escapes::Required);
        out += ':';
        append_canonical(out, member->second);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

std::string write_json(const Json& value, const JsonStyle& style) {
  std::string out;
  Writer(out, style).write(value);
  return out;
}

void append_json_string(std::string& out, std::string_view text) { append_any_string(out, text, Escapes::Display); }

std::string canonical_json(const Json& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace wrench::codec
