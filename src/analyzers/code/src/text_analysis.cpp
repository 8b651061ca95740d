#include "text_analysis.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

// --- entropy

constexpr double kBitsMin = 64;  ///< Of the whole text.
constexpr double kBitsPerCharMin = 4.8;
constexpr double kOtherCharBits = 5.95;  ///< Digits, marks, bytes beyond ASCII: one of 62 equally likely ones.

/// Per mille of English text.
constexpr std::array<double, 26> kLetterShare = {82, 15, 28, 43, 127, 22, 20, 61, 70,  1.5, 7.7, 40, 24,
                                                 67, 75, 19, 1,  60,  63, 91, 28, 9.8, 24,  1.5, 20, 0.7};

/// The commonest sequences of three letters in English, each about one in 150 to one in 700.
constexpr std::array<std::string_view, 80> kTrigrams = {
    "the", "and", "ing", "ent", "ion", "her", "for", "tha", "nth", "int", "ere", "tio", "ter", "est", "ers", "ati",
    "hat", "ate", "all", "eth", "hes", "ver", "his", "oft", "ith", "fth", "sth", "oth", "res", "ont", "dth", "are",
    "rea", "ear", "was", "sin", "sto", "tth", "sta", "thi", "tin", "ted", "ons", "edt", "wit", "san", "din", "ort",
    "con", "rth", "eve", "eco", "era", "ist", "ngt", "ast", "ill", "com", "ore", "ive", "nce", "one", "edi", "pro",
    "ess", "out", "ein", "att", "men", "hec", "esa", "hen", "ina", "eri", "ert", "ica", "str", "per", "not", "igh"};
constexpr double kTrigramBits = 8.5;  ///< All three letters together.

double char_bits(char c) {
  if (c < 'a' || c > 'z') return kOtherCharBits;
  static const std::array<double, 26> kBits = [] {
    std::array<double, 26> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = -std::log2(kLetterShare[i] / 1000);
    return out;
  }();
  return kBits[static_cast<std::size_t>(c - 'a')];
}

double bits_at(std::string_view text, std::size_t i) {
  const std::string_view part = text.substr(i, 3);
  if (std::find(kTrigrams.begin(), kTrigrams.end(), part) != kTrigrams.end()) return kTrigramBits / 3;
  double sum = 0;
  for (const char c : part) sum += char_bits(c);
  return sum / static_cast<double>(part.size());
}

// --- backtracking

constexpr int kGroupDepthMax = 50;
constexpr std::size_t kLeadMax = 8;       ///< Characters at the start of a part that are compared with another's.
constexpr std::size_t kBranchesMax = 64;  ///< Of one group that are compared with each other.
constexpr std::size_t kRegexBytesMax = 4'096;

using Chars = std::bitset<256>;

/// What of a part of a regular expression decides whether repeating it is ambiguous.
struct Part {
  Chars first;  ///< Characters it can begin with.
  /// The characters it must begin with, one after the other; `only_lead` when there is nothing else in it.
  std::vector<Chars> lead;
  bool only_lead = true;
  bool may_be_empty = true;
  bool may_fail = false;  ///< There is a text that it doesn't match, the empty one included.
  bool repeats = false;   ///< Holds, at either end, a repetition without bound whose characters are `looped`.
  Chars looped;
  bool ambiguous = false;  ///< Holds a repetition that can match the same text in exponentially many ways.
  bool dangerous = false;  ///< And what comes after it may fail, so that all of them are tried.
};

/// Whether one text may be the beginning of both.
bool overlap(const Part& a, const Part& b) {
  if ((a.first & b.first).none()) return false;
  for (std::size_t i = 0; i < std::min(a.lead.size(), b.lead.size()); ++i)
    if ((a.lead[i] & b.lead[i]).none()) return false;
  return true;
}

/// Recursive descent over the regular expression; unknown constructs give nothing.
class RegexReader {
 public:
  explicit RegexReader(std::string_view text) : text_(text) {}

  std::optional<bool> run() {
    const Part whole = alternatives(0);
    if (failed_ || at_ != text_.size()) return std::nullopt;
    return whole.dangerous;
  }

 private:
  bool more() const { return !failed_ && at_ < text_.size(); }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  Part alternatives(int depth) {
    Part out = sequence(depth);
    std::vector<Part> branches;
    while (more() && take("|")) {
      if (branches.empty()) branches.push_back(out);
      const Part other = sequence(depth);
      // Overlapping branches matter when they are repeated.
      if (std::any_of(branches.begin(), branches.end(), [&](const Part& branch) { return overlap(branch, other); })) {
        out.repeats = true;
        out.looped |= out.first & other.first;
      }
      out.first |= other.first;
      out.may_be_empty = out.may_be_empty || other.may_be_empty;
      out.may_fail = out.may_fail && other.may_fail;
      if (other.repeats) {
        out.repeats = true;
        out.looped |= other.looped;
      }
      out.ambiguous = out.ambiguous || other.ambiguous;
      out.dangerous = out.dangerous || other.dangerous;
      out.lead.clear();
      out.only_lead = false;
      if (branches.size() < kBranchesMax) branches.push_back(other);
    }
    return out;
  }

  Part sequence(int depth) {
    Part out;
    bool only = true;
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      const Part next = quantified(depth);
      const bool was_empty = out.may_be_empty;
      if (was_empty) out.first |= next.first;
      // Something that must come between repetitions tells them apart, unless the repetition takes it, too.
      if (!next.may_be_empty && !next.repeats && (next.first & out.looped).none()) out.repeats = false;
      if (next.repeats && (was_empty || only)) {
        out.repeats = true;
        out.looped |= next.looped;
      }
      out.may_be_empty = was_empty && next.may_be_empty;
      out.dangerous = out.dangerous || next.dangerous || (out.ambiguous && next.may_fail);
      out.ambiguous = out.ambiguous || next.ambiguous;
      out.may_fail = out.may_fail || next.may_fail;
      if (out.only_lead) {
        const std::size_t room = kLeadMax - out.lead.size();
        out.lead.insert(out.lead.end(), next.lead.begin(),
                        next.lead.begin() + static_cast<std::ptrdiff_t>(std::min(room, next.lead.size())));
        out.only_lead = next.only_lead && next.lead.size() <= room;
      }
      only = false;
    }
    return out;
  }

  Part quantified(int depth) {
    Part out = atom(depth);
    while (more()) {
      bool unbounded = false, optional = false;
      if (take("*")) {
        unbounded = optional = true;
      } else if (take("+")) {
        unbounded = true;
      } else if (take("?")) {
        optional = true;
      } else if (const auto bounds = braces()) {
        unbounded = bounds->second;
        optional = bounds->first;
      } else {
        break;
      }
      out.only_lead = false;
      if (optional) {
        out.may_be_empty = true;
        out.may_fail = false;
        out.lead.clear();
      }
      const bool possessive = take("+");
      if (!possessive) take("?");
      if (!unbounded || possessive) continue;
      out.ambiguous = out.ambiguous || out.repeats;
      out.repeats = true;
      out.looped |= out.first;
    }
    return out;
  }

  /// `{n,}`: whether it may be nothing, and whether it has no upper bound.
  std::optional<std::pair<bool, bool>> braces() {
    if (text_[at_] != '{') return std::nullopt;
    const std::size_t close = text_.find('}', at_);
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view body = text_.substr(at_ + 1, close - at_ - 1);
    if (body.empty() || body.find_first_not_of("0123456789,") != std::string_view::npos) return std::nullopt;
    at_ = close + 1;
    return std::pair(body.starts_with('0'), body.ends_with(','));
  }

  Part atom(int depth) {
    Part out;
    out.may_be_empty = false;
    out.may_fail = true;
    const char c = text_[at_];
    if (c == '(') return group(depth);
    if (c == '[') {
      out.first = character_class();
      out.lead.push_back(out.first);
      return out;
    }
    ++at_;
    if (c == '^' || c == '$') {
      out.may_be_empty = true;
    } else if (c == '.') {
      // Line ends only with a flag; `(.|\n)*` is how one goes over lines without it.
      out.first.set();
      out.first.reset('\n');
      out.first.reset('\r');
    } else if (c == '\\') {
      out.first = escape();
      out.may_be_empty = out.first.none();
    } else if (c == '*' || c == '+' || c == '?') {
      failed_ = true;
    } else {
      out.first.set(static_cast<unsigned char>(c));
    }
    if (!out.may_be_empty) out.lead.push_back(out.first);
    return out;
  }

  Part group(int depth) {
    ++at_;
    if (depth > kGroupDepthMax) failed_ = true;
    bool looks = false;
    if (take("?")) {
      looks = text_.substr(at_).starts_with('=') || text_.substr(at_).starts_with('!') ||
              text_.substr(at_).starts_with("<=") || text_.substr(at_).starts_with("<!");
      while (more() && std::string_view(":=!>").find(text_[at_]) == std::string_view::npos && text_[at_] != ')') ++at_;
      if (more() && text_[at_] != ')') ++at_;
    }
    Part inner = failed_ ? Part{} : alternatives(depth + 1);
    if (!take(")")) failed_ = true;
    if (looks) {
      inner.may_be_empty = true;
      inner.may_fail = true;
      inner.first.reset();
      inner.lead.clear();
      inner.repeats = false;
    }
    return inner;
  }

  static void add_range(Chars& out, char from, char to) {
    for (int c = static_cast<unsigned char>(from); c <= static_cast<unsigned char>(to); ++c)
      out.set(static_cast<std::size_t>(c));
  }

  /// After the backslash; none for what has no width.
  Chars escape() {
    Chars out;
    if (at_ >= text_.size()) {
      failed_ = true;
      return out;
    }
    const char c = text_[at_++];
    switch (c) {
      case 'd':
      case 'D':
        add_range(out, '0', '9');
        break;
      case 'w':
      case 'W':
        add_range(out, '0', '9');
        add_range(out, 'a', 'z');
        add_range(out, 'A', 'Z');
        out.set('_');
        break;
      case 's':
      case 'S':
        for (const char space : {' ', '\t', '\n', '\r', '\f', '\v'}) out.set(static_cast<unsigned char>(space));
        break;
      case 'b':
      case 'B':
      case 'A':
      case 'Z':
      case 'z':
        return out;
      default: {
        constexpr std::string_view kLetters = "nrtfv", kMeant = "\n\r\t\f\v";
        const std::size_t letter = kLetters.find(c);
        out.set(static_cast<unsigned char>(letter == std::string_view::npos ? c : kMeant[letter]));
        return out;
      }
    }
    if (c >= 'A' && c <= 'Z') out.flip();
    return out;
  }

  Chars character_class() {
    Chars out;
    ++at_;
    const bool negated = take("^");
    bool first = true;
    while (more() && (text_[at_] != ']' || first)) {
      first = false;
      if (take("\\")) {
        out |= escape();
        continue;
      }
      const char from = text_[at_++];
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        add_range(out, from, text_[at_ + 1]);
        at_ += 2;
      } else {
        out.set(static_cast<unsigned char>(from));
      }
    }
    if (!take("]")) failed_ = true;
    if (negated) out.flip();
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace

bool looks_random(std::string_view written) {
  if (written.empty()) return false;
  if (written.find_first_not_of(written.front()) == std::string_view::npos) return false;
  const std::string text = to_lower_ascii(written);
  double bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) bits += bits_at(text, i);
  return bits > kBitsMin && bits > kBitsPerCharMin * static_cast<double>(text.size());
}

std::optional<bool> may_backtrack_forever(std::string_view regex) {
  if (regex.size() > kRegexBytesMax) return std::nullopt;
  return RegexReader(regex).run();
}

}  // namespace wrench::code
