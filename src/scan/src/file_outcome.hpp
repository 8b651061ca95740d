#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/language.hpp"

namespace wrench::scan {

/// What one file gave: plain data, kept in the cache under its content id.
struct FileOutcome {
  std::string content_id;
  std::uint64_t bytes = 0;
  std::uint32_t nloc = 0;  ///< Lines that aren't blank, where no metrics say better.
  source::Language language = source::Language::Unknown;
  bool analysed = false;  ///< Some analysis looked at it: "scanned".
  bool cached = false;
  std::string valid_on;  ///< The day it holds for, when a suppression with a last day had a say; else empty.
  std::vector<findings::Finding> findings;  ///< Suppressed ones marked; secrets masked.
  std::vector<findings::Partial> partial;
  std::optional<findings::Skipped> skipped;
  std::optional<findings::FileMetrics> metrics;
  std::vector<findings::FunctionMetrics> functions;
  std::string facts;  ///< What linking needs, as the code analyzer wrote it.
  /// Held while the run lasts for files with secrets: their values are masked in every other text.
  std::shared_ptr<const std::string> text_with_secrets;
};

std::string to_record(const FileOutcome& outcome);
Result<FileOutcome> outcome_from_record(std::string_view record);

}  // namespace wrench::scan
