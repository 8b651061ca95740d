#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wrench::source {

inline constexpr std::size_t kIgnoreFileBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kIgnorePatternsMax = 10'000;

/// The patterns of one ignore file (gitignore(5)), for paths relative to its folder.
class IgnoreRules {
 public:
  IgnoreRules() = default;
  /// Never fails: what isn't a pattern is skipped; beyond the limits the rest is left out and `truncated` is set.
  explicit IgnoreRules(std::string_view text);

  enum class Verdict { Undecided, Ignored, Kept };
  /// The last matching pattern decides. `path` is relative to the folder of the ignore file, '/' separated.
  Verdict decide(std::string_view path, bool is_folder) const;
  bool empty() const { return patterns_.empty(); }
  bool truncated() const { return truncated_; }

 private:
  struct Pattern {
    std::string text;    // Without '!', leading '/' and trailing '/'.
    bool keeps = false;  // Written with '!'.
    bool folders_only = false;
    bool anchored = false;  // Has a '/' before its end: matches from the folder on, else the last part anywhere.
    bool literal = false;
  };
  std::vector<Pattern> patterns_;
  bool truncated_ = false;
};

/// Shell pattern as in gitignore: `*` and `?` don't match '/', `**` as a whole part does, `[a-z]` classes, `\` quotes.
/// Linear in pattern times text; exposed for tests.
bool matches_glob(std::string_view pattern, std::string_view path);

}  // namespace wrench::source
