#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/suppression.hpp"
#include "wrench/source/language.hpp"

namespace wrench::scan {

/// What one file gave: plain data, kept in the cache under its content id. Suppressions are settled after linking,
/// because a directive may be meant for a finding that only linking makes.
struct FileOutcome {
  std::string content_id;
  std::uint64_t bytes = 0;
  std::uint32_t nloc = 0;  ///< Lines that aren't blank, where no metrics say better.
  source::Language language = source::Language::Unknown;
  bool analysed = false;  ///< Some analysis looked at it: "scanned".
  bool cached = false;
  std::vector<findings::Finding> findings;  ///< Secrets masked.
  std::vector<findings::Partial> partial;
  std::optional<findings::Skipped> skipped;
  std::optional<findings::FileMetrics> metrics;
  std::vector<findings::FunctionMetrics> functions;
  std::vector<std::string> followed_in_part;      ///< Functions; code::FileResult says more.
  std::vector<findings::CommentSpan> directives;  ///< Comments that may hold suppressions.
  std::shared_ptr<const code::FileFacts> facts;   ///< What linking needs; null without a tree.
  /// A file's flow is made of its texts. With secrets among them the outcome is for this run only.
  bool flow_holds_secrets = false;
  /// Held while the run lasts: secrets are masked in every other text, directives are read after linking.
  std::shared_ptr<const std::string> text;

  bool needs_text() const;
};

/// Comments of the text that may hold a suppression.
std::vector<findings::CommentSpan> directives_in(std::string_view text,
                                                 std::span<const findings::CommentSpan> comments);

std::string to_record(const FileOutcome& outcome);
Result<FileOutcome> outcome_from_record(std::string_view record);

}  // namespace wrench::scan
