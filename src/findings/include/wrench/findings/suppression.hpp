#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

/// A comment's bytes in the file, delimiters included; `end` is exclusive.
struct CommentSpan {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

inline constexpr std::uint32_t kFileDirectiveLinesMax = 20;
inline constexpr std::size_t kDirectivesPerFileMax = 10'000;

/// The suppression directives of one file:
/// - `wrench-ignore: id[, id] [until YYYY-MM-DD] [-- reason]`, on the finding's first line or alone on the line before;
/// - `wrench-ignore-file: id[, id] [until YYYY-MM-DD] [-- reason]`, in the first kFileDirectiveLinesMax lines;
/// - `nosemgrep`, `nosem`, with or without `: id, id`, as semgrep: places as for wrench-ignore;
/// - `nosec`, as bandit and gosec: security findings of this line;
/// - `gitleaks:allow`: secrets of this line.
///
/// An id is exact, a last dotted part, or `prefix.*`. Directives count only inside comments. Not thread-safe.
class Suppressions {
 public:
  /// `today` is "YYYY-MM-DD"; a directive counts through its `until` day. For text files without comment syntax give
  /// one span over the whole text.
  Suppressions(std::string_view text, std::span<const CommentSpan> comments, std::string_view today);

  bool empty() const { return directives_.empty(); }

  /// The directive that covers the finding, if any; it is then used.
  std::optional<Suppressed> match(const Finding& finding);

  enum class Unused { Report, Keep };
  /// Info findings about own directives: malformed, expired, and (if asked for: only when every analysis ran)
  /// those that covered nothing. `path` as findings show it, `project_path` for the fingerprint.
  std::vector<Finding> complaints(const std::string& path, const std::string& project_path, Unused unused) const;

 private:
  enum class Kind : std::uint8_t { Line, File, Semgrep, Security, Secret };
  struct Directive {
    Kind kind = Kind::Line;
    std::vector<std::string> ids;  // None: all rules.
    std::string until;
    std::string reason;
    std::string problem;  // Not empty: malformed, covers nothing.
    std::string source;
    Position start, end;
    bool alone_on_line = false;
    bool expired = false;
    bool used = false;
  };

  void read_comment(std::string_view text, CommentSpan comment, std::string_view today);
  static bool covers(const Directive& directive, const Finding& finding);
  static void parse_ids(std::string_view body, std::string_view today, Directive& directive);

  std::vector<std::uint64_t> line_starts_;
  std::vector<Directive> directives_;
};

/// Whether a directive's id names the rule: equal, its last dotted part, or "prefix.*".
bool names_rule(std::string_view id, std::string_view rule);

}  // namespace wrench::findings
