#include "wrench/findings/unified_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "wrench/base/assert.hpp"

namespace wrench::findings {
namespace {

using Lines = std::vector<std::string_view>;  // With their line ends.

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

/// Lines [first, end) of the one text become [new_first, new_end) of the other.
struct Replaced {
  std::size_t first, end, new_first, new_end;
};

/// The shortest edit script (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986), or nothing when it
/// has over kDiffShortestLinesMax lines.
class ShortestScript {
 public:
  ShortestScript(std::span<const std::string_view> a, std::span<const std::string_view> b) : a_(a), b_(b) {}

  bool find() {
    const auto n = static_cast<std::ptrdiff_t>(a_.size()), m = static_cast<std::ptrdiff_t>(b_.size());
    const auto max = std::min<std::ptrdiff_t>(n + m, kDiffShortestLinesMax);
    std::vector<std::ptrdiff_t> furthest(static_cast<std::size_t>(2 * max + 3), 0);
    const auto at = [&](std::ptrdiff_t k) -> std::ptrdiff_t& {
      return furthest[static_cast<std::size_t>(k + max + 1)];
    };
    for (std::ptrdiff_t d = 0; d <= max; ++d) {
      for (std::ptrdiff_t k = -d; k <= d; k += 2) {
        std::ptrdiff_t x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
        std::ptrdiff_t y = x - k;
        while (x < n && y < m && a_[static_cast<std::size_t>(x)] == b_[static_cast<std::size_t>(y)]) ++x, ++y;
        at(k) = x;
        if (x >= n && y >= m) {
          keep(furthest, d, max);
          walk_back(d, n, m);
          return true;
        }
      }
      keep(furthest, d, max);
    }
    return false;
  }

  /// Last first.
  const std::vector<Replaced>& steps() const { return steps_; }

 private:
  // Of each round what it reached on diagonals -d to d.
  void keep(const std::vector<std::ptrdiff_t>& furthest, std::ptrdiff_t d, std::ptrdiff_t max) {
    const auto first = furthest.begin() + (max + 1 - d);
    rounds_.emplace_back(first, first + 2 * d + 1);
  }

  void walk_back(std::ptrdiff_t d, std::ptrdiff_t x, std::ptrdiff_t y) {
    for (; d > 0; --d) {
      const auto& before = rounds_[static_cast<std::size_t>(d - 1)];
      const auto at = [&](std::ptrdiff_t k) {
        return k < -(d - 1) || k > d - 1 ? std::ptrdiff_t{-1} : before[static_cast<std::size_t>(k + d - 1)];
      };
      const std::ptrdiff_t k = x - y;
      const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      const std::ptrdiff_t from_x = down ? at(k + 1) : at(k - 1);
      const std::ptrdiff_t from_y = from_x - (down ? k + 1 : k - 1);
      const auto size = [](std::ptrdiff_t n) { return static_cast<std::size_t>(n); };
      steps_.push_back(down ? Replaced{size(from_x), size(from_x), size(from_y), size(from_y + 1)}
                            : Replaced{size(from_x), size(from_x + 1), size(from_y), size(from_y)});
      x = from_x;
      y = from_y;
    }
  }

  std::span<const std::string_view> a_, b_;
  std::vector<std::vector<std::ptrdiff_t>> rounds_;
  std::vector<Replaced> steps_;
};

std::vector<Replaced> changes_between(const Lines& a, const Lines& b) {
  std::size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  while (tail < a.size() - head && tail < b.size() - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  if (head == a.size() && head == b.size()) return {};
  ShortestScript script(std::span(a).subspan(head, a.size() - head - tail),
                        std::span(b).subspan(head, b.size() - head - tail));
  if (!script.find()) return {{head, a.size() - tail, head, b.size() - tail}};
  std::vector<Replaced> out;
  for (auto step = script.steps().rbegin(); step != script.steps().rend(); ++step) {
    const Replaced moved{step->first + head, step->end + head, step->new_first + head, step->new_end + head};
    if (!out.empty() && out.back().end == moved.first && out.back().new_end == moved.new_first) {
      out.back().end = moved.end;
      out.back().new_end = moved.new_end;
    } else {
      out.push_back(moved);
    }
  }
  return out;
}

/// As git: in double quotes with escapes when a control character, a quote or a backslash stands in it. A tab after a
/// name with a blank tells `patch` where it ends.
std::string header_name(std::string_view name) {
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == '\x7f';
  });
  if (plain) return std::string(name) + (name.find(' ') == std::string_view::npos ? "" : "\t");
  std::string out = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += '\\';
      for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string range_text(std::size_t first, std::size_t count) {
  // An empty range names the line before it.
  const std::string start = std::to_string(count == 0 ? first : first + 1);
  return count == 1 ? start : start + "," + std::to_string(count);
}

void add_lines(std::string& out, char mark, const Lines& lines, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i) {
    out += mark;
    out += lines[i];
    if (!lines[i].ends_with('\n')) out += "\n\\ No newline at end of file\n";
  }
}

}  // namespace

std::string unified_diff(const DiffSide& before, const DiffSide& after) {
  const Lines a = lines_of(before.text), b = lines_of(after.text);
  const Lines shown_a = lines_of(before.shown), shown_b = lines_of(after.shown);
  WRENCH_ASSERT(shown_a.size() == a.size() && shown_b.size() == b.size());
  const std::vector<Replaced> changes = changes_between(a, b);
  if (changes.empty()) return {};
  std::string out = "--- " + header_name(before.name) + "\n+++ " + header_name(after.name) + "\n";
  for (std::size_t i = 0; i < changes.size();) {
    std::size_t last = i;
    while (last + 1 < changes.size() && changes[last + 1].first - changes[last].end <= 2 * kDiffContextLines) ++last;
    const std::size_t lead = std::min(changes[i].first, kDiffContextLines);
    const std::size_t trail = std::min(a.size() - changes[last].end, kDiffContextLines);
    const std::size_t first = changes[i].first - lead, end = changes[last].end + trail;
    const std::size_t new_first = changes[i].new_first - lead, new_end = changes[last].new_end + trail;
    out += "@@ -" + range_text(first, end - first) + " +" + range_text(new_first, new_end - new_first) + " @@\n";
    std::size_t at = first;
    for (; i <= last; ++i) {
      add_lines(out, ' ', shown_a, at, changes[i].first);
      add_lines(out, '-', shown_a, changes[i].first, changes[i].end);
      add_lines(out, '+', shown_b, changes[i].new_first, changes[i].new_end);
      at = changes[i].end;
    }
    add_lines(out, ' ', shown_a, at, end);
  }
  return out;
}

}  // namespace wrench::findings
