#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "wrench/findings/finding.hpp"

namespace wrench::findings {

inline constexpr std::size_t kFingerprintTokensMax = 256;

/// What identifies a finding. `path` is relative to the project root; `tokens` is the matched code as token_text() or
/// line_text() gives it; `ordinal` counts equal findings in one file, from 0.
struct FingerprintInput {
  std::string_view rule;
  std::string_view path;
  std::string_view symbol;
  std::string_view tokens;
  std::uint32_t ordinal = 0;
};

/// "wf1-" + the first 32 hex digits of SHA-256 over the fields joined by 0x1F. Moved lines, indentation and comments
/// don't change it.
std::string fingerprint(const FingerprintInput& input);
/// "wm1-" + 32 hex digits over rule and tokens: what is left when a finding moves to another file or function. No
/// ordinal: baselines match it as a multiset, and a move changes ordinals.
std::string move_fingerprint(const FingerprintInput& input);

/// Leaf tokens of a match (comments left out by the caller) joined by single spaces; at most kFingerprintTokensMax.
std::string token_text(std::span<const std::string_view> tokens);
/// For regex and secret findings: the matched line with white space collapsed. `secret`, if any, is replaced by 16 bits
/// of its SHA-256: a new secret in an old place is new, and a leaked baseline gives away 16 bits at most.
std::string line_text(std::string_view line, std::string_view secret = {});

/// Stamps the findings of one file, counting equal ones. Call stamp() in source order; not thread-safe.
class Fingerprinter {
 public:
  /// `path` relative to the project root.
  explicit Fingerprinter(std::string path) : path_(std::move(path)) {}
  /// Sets fingerprint and move_fingerprint from the finding's rule and symbol and the text of its match.
  void stamp(Finding& finding, std::string_view tokens);

 private:
  std::string path_;
  std::map<std::string, std::uint32_t, std::less<>> seen_;
};

}  // namespace wrench::findings
