#include "wrench/source/ignore_rules.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::source {

namespace {

constexpr std::string_view kSpecial = "*?[\\";
constexpr std::size_t kPatternBytesMax = 4096;  ///< Of one line of an ignore file.

/// Matches the class that begins at pattern[at] == '['. Returns the offset behind it, or npos when it isn't closed.
std::size_t match_class(std::string_view pattern, std::size_t at, char c, bool& matched) {
  std::size_t i = at + 1;
  bool negated = false;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) {
    negated = true;
    ++i;
  }
  bool found = false;
  const auto value = static_cast<unsigned char>(c);
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    if (pattern[i] == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
      const auto close = pattern.find(":]", i + 2);
      if (close == std::string_view::npos) return std::string_view::npos;
      const auto name = pattern.substr(i + 2, close - i - 2);
      const bool digit = value >= '0' && value <= '9', lower = value >= 'a' && value <= 'z',
                 upper = value >= 'A' && value <= 'Z';
      found = found || (name == "digit" && digit) || (name == "lower" && lower) || (name == "upper" && upper) ||
              (name == "alpha" && (lower || upper)) || (name == "alnum" && (lower || upper || digit)) ||
              (name == "space" && (value == ' ' || (value >= '\t' && value <= '\r')));
      i = close + 2;
      continue;
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      i += 2;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      high = static_cast<unsigned char>(pattern[i]);
    }
    found = found || (value >= low && value <= high);
    ++i;
  }
  if (i >= pattern.size()) return std::string_view::npos;
  matched = found != negated && c != '/';
  return i + 1;
}

/// One part without '/', by the two-pointer method: only the last star is ever retried, so time is pattern x text.
bool matches_part(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size()) {
      if (pattern[p] == '*') {
        while (p < pattern.size() && pattern[p] == '*') ++p;
        star = p;
        resume = t;
        continue;
      }
      bool matched = false;
      std::size_t next = p + 1;
      if (pattern[p] == '?') {
        matched = true;
      } else if (pattern[p] == '[') {
        next = match_class(pattern, p, text[t], matched);
        if (next == std::string_view::npos) return false;
      } else {
        if (pattern[p] == '\\' && p + 1 < pattern.size()) next = ++p + 1;
        matched = pattern[p] == text[t];
      }
      if (matched) {
        p = next;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos) return false;
    p = star;
    t = ++resume;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// Parts between slashes; a slash inside a class ("[a-/x]") separates nothing.
std::vector<std::string_view> parts_of(std::string_view pattern) {
  std::vector<std::string_view> parts;
  std::size_t first = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    bool unused = false;
    if (pattern[at] == '\\') {
      at += 2;
    } else if (const auto end = pattern[at] == '[' ? match_class(pattern, at, 'x', unused) : std::string_view::npos;
               end != std::string_view::npos) {
      at = end;
    } else {
      if (pattern[at] == '/') {
        parts.push_back(pattern.substr(first, at - first));
        first = at + 1;
      }
      ++at;
    }
  }
  parts.push_back(pattern.substr(first));
  return parts;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view path) {
  const auto wanted = parts_of(pattern);
  const auto parts = split(path, '/');
  // reach[j]: the parts of the pattern so far can end before parts[j].
  std::vector<char> reach(parts.size() + 1, 0);
  reach[0] = 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::vector<char> next(parts.size() + 1, 0);
    if (wanted[i] == "**") {
      // At the end it stands for everything inside, so for at least one part; elsewhere for any number.
      const std::size_t least = i + 1 == wanted.size() ? 1 : 0;
      bool open = false;
      for (std::size_t j = 0; j <= parts.size(); ++j) {
        if (j >= least && reach[j - least] != 0) open = true;
        next[j] = open ? 1 : 0;
      }
    } else {
      for (std::size_t j = 0; j < parts.size(); ++j)
        if (reach[j] != 0 && matches_part(wanted[i], parts[j])) next[j + 1] = 1;
    }
    reach = std::move(next);
  }
  return reach[parts.size()] != 0;
}

IgnoreRules::IgnoreRules(std::string_view text) {
  if (text.size() > kIgnoreFileBytesMax) {
    text = text.substr(0, text.rfind('\n', kIgnoreFileBytesMax) + 1);
    truncated_ = true;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (auto line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
    if (line.empty() || line.front() == '#' || line.size() > kPatternBytesMax) continue;
    if (patterns_.size() >= kIgnorePatternsMax) {
      truncated_ = true;
      return;
    }
    Pattern pattern;
    if (line.front() == '!') {
      pattern.keeps = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      pattern.folders_only = true;
      while (line.ends_with('/')) line.remove_suffix(1);
    }
    pattern.anchored = line.find('/') != std::string_view::npos;
    while (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    pattern.text = line;
    pattern.literal = line.find_first_of(kSpecial) == std::string_view::npos;
    patterns_.push_back(std::move(pattern));
  }
}

IgnoreRules::Verdict IgnoreRules::decide(std::string_view path, bool is_folder) const {
  const auto slash = path.rfind('/');
  const auto last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (auto pattern = patterns_.rbegin(); pattern != patterns_.rend(); ++pattern) {
    if (pattern->folders_only && !is_folder) continue;
    const auto subject = pattern->anchored ? path : last;
    const bool hit = pattern->literal    ? subject == pattern->text
                     : pattern->anchored ? matches_glob(pattern->text, path)
                                         : matches_part(pattern->text, last);
    if (hit) return pattern->keeps ? Verdict::Kept : Verdict::Ignored;
  }
  return Verdict::Undecided;
}

}  // namespace wrench::source
