#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::source {

inline constexpr std::size_t kRegexBytesMax = std::size_t{64} << 10;
inline constexpr std::uint32_t kRegexMatchLimit = 1'000'000;  ///< Steps of the backtracking engine for one search.

struct RegexOptions {
  bool caseless = false;
  bool multiline = true;  ///< ^ and $ match at lines, as semgrep's pattern-regex has it.
  bool dot_all = false;
};

/// A range of the searched text; `first == npos` means the group didn't take part.
struct RegexSpan {
  std::size_t first = std::string_view::npos;
  std::size_t end = std::string_view::npos;
  bool matched() const { return first != std::string_view::npos; }
};

/// PCRE syntax. Runs in linear time (RE2) wherever the pattern allows it; with look-around, back-references or
/// possessive quantifiers on PCRE2 with JIT, under a match limit. Thread-safe.
class Regex {
 public:
  /// Error code source.invalid_regex with the engine's words and the position.
  static Result<Regex> compile(std::string_view pattern, const RegexOptions& options = {});
  /// For what compiled once before (in a cache): compiled again when it is first used. Should it not compile after all,
  /// it matches nothing.
  static Regex deferred(std::string_view pattern, const RegexOptions& options);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  enum class Outcome { Match, NoMatch, LimitReached };
  /// The first match at or after `from`; `groups[0]` is the whole match.
  Outcome search(std::string_view text, std::size_t from, std::vector<RegexSpan>& groups) const;
  /// Whether the pattern matches at the very start of `text` (left anchored only).
  Outcome match_start(std::string_view text) const;
  /// Whether it matches anywhere.
  Outcome contains(std::string_view text) const;

  std::size_t group_count() const;                      ///< Without group 0.
  const std::vector<std::string>& group_names() const;  ///< By group number from 1; empty when unnamed.
  bool is_linear() const;                               ///< Runs on RE2.
  const std::string& pattern() const;                   ///< As it was given.
  const RegexOptions& options() const;

 private:
  struct State;
  explicit Regex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::source
