#include "wrench/base/text.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace wrench {

namespace {

constexpr std::size_t kNearestDistanceMax = 2;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct SizeUnit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr SizeUnit kSizeUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", 1'000},
    {"kb", 1'000},
    {"m", 1'000'000},
    {"mb", 1'000'000},
    {"g", 1'000'000'000},
    {"gb", 1'000'000'000},
    {"kib", 1ULL << 10},
    {"mib", 1ULL << 20},
    {"gib", 1ULL << 30},
    {"tib", 1ULL << 40},
};

Error invalid_size(std::string_view text, std::string_view why) {
  return Error("base.invalid_size", "'" + escape_for_display(text) + "' isn't a size: " + std::string(why));
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equals_ignoring_case_ascii(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool contains_ignoring_case_ascii(std::string_view haystack, std::string_view needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end(),
                     [](char x, char y) { return lower(x) == lower(y); }) != haystack.end() ||
         needle.empty();
}

std::string collapse_white_space(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    if (!is_space(c))
      out += c;
    else if (out.back() != ' ')
      out += ' ';
  }
  return out;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  if (from.empty()) return text;
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const auto found = text.find(from, at);
    if (found == std::string::npos) break;
    out.append(text, at, found - at);
    out += to;
    at = found + from.size();
  }
  if (at == 0) return text;
  return out.append(text, at);
}

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 0xF];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view digits) {
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = value(digits[i]), low = value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string format_count(std::uint64_t n) {
  auto digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would print as "1024.0".
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char number[32];
  std::snprintf(number, sizeof number, "%.1f ", value);
  return number + std::string(kUnits[unit]);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto trimmed = trim(text);
  std::uint64_t number = 0;
  std::size_t at = 0;
  for (; at < trimmed.size() && is_digit(trimmed[at]); ++at) {
    const auto digit = static_cast<std::uint64_t>(trimmed[at] - '0');
    if (number > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return invalid_size(text, "too large");
    number = number * 10 + digit;
  }
  if (at == 0) return invalid_size(text, "it must start with a whole number, as in 64, 10k or 2MiB");
  const auto name = to_lower_ascii(trim(trimmed.substr(at)));
  for (const auto& unit : kSizeUnits) {
    if (unit.name != name) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / unit.factor) return invalid_size(text, "too large");
    return number * unit.factor;
  }
  return invalid_size(text, "the units are B, k, M, G (1000) and KiB, MiB, GiB, TiB (1024)");
}

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const auto beyond = limit + 1;
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit) return beyond;
  std::vector<std::size_t> before_last(a.size() + 1);
  std::vector<std::size_t> last(a.size() + 1);
  std::vector<std::size_t> row(a.size() + 1);
  for (std::size_t i = 0; i <= a.size(); ++i) last[i] = i;
  for (std::size_t j = 1; j <= b.size(); ++j) {
    row[0] = j;
    auto best = row[0];
    for (std::size_t i = 1; i <= a.size(); ++i) {
      row[i] = std::min({last[i] + 1, row[i - 1] + 1, last[i - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[i] = std::min(row[i], before_last[i - 2] + 1);
      best = std::min(best, row[i]);
    }
    if (best > limit) return beyond;
    before_last.swap(last);
    last.swap(row);
  }
  return std::min(last[a.size()], beyond);
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view found;
  auto found_distance = kNearestDistanceMax + 1;
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(word, candidate, kNearestDistanceMax);
    // A distance as long as the word itself says nothing: "ab" isn't a misspelt "xy".
    if (distance < found_distance && distance < std::max(word.size(), candidate.size())) {
      found = candidate;
      found_distance = distance;
    }
  }
  return found;
}

}  // namespace wrench
