#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::findings {

/// The secret with every character but the first four as '*'; under 16 characters without those four. Line breaks
/// stay: a masked text has the lines and columns of the plain one.
std::string masked_secret(std::string_view secret);

/// Whether the text holds what masked_secret() makes of a secret that is hidden by value. A path that does no longer
/// names its file.
bool holds_masked_secret(std::string_view text);

/// Hides the secrets of a report: by place in the files they were found in, and by value (from kValueBytesMin bytes on)
/// in every other text, because another rule's snippet, a message or a fix can hold the same secret.
class SecretMask {
 public:
  static constexpr std::size_t kValueBytesMin = 8;

  SecretMask() = default;
  SecretMask(std::span<const Finding> findings, const SourceLookup& sources);

  bool empty() const { return spans_.empty(); }
  std::string in_text(std::string_view text) const;
  /// The same without a copy of the many texts that hold none.
  void hide_in(std::string& text) const;
  /// `part` begins at byte `offset` of the file.
  std::string in_source(std::string_view path, std::string_view part, std::uint64_t offset) const;

 private:
  using Span = std::pair<std::uint64_t, std::uint64_t>;

  void add_value(std::string_view value);
  std::size_t value_at(std::string_view text, std::size_t at) const;
  std::size_t next_value(std::string_view text, std::size_t at) const;

  std::map<std::string, std::vector<Span>, std::less<>> spans_;  // Sorted, not overlapping.
  std::vector<std::string> values_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> by_first_bytes_;
  std::bitset<65536> first_bytes_;
};

/// Masks every text of the report in place. Done once when a report is made, before anything is stored or sent;
/// doing it again changes nothing.
void mask_secrets(Report& report, const SourceLookup& sources);

}  // namespace wrench::findings
