#pragma once

#include <optional>
#include <span>
#include <string>

#include "file_outcome.hpp"
#include "run_setup.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/code/file_analyzer.hpp"
#include "wrench/findings/suppression.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/secrets/secret_scanner.hpp"

namespace wrench::scan {

/// A file's bytes and their id, or why there are none.
struct FileBytes {
  std::string bytes;
  std::string content_id;
  std::optional<findings::Skipped> skipped;
  std::optional<findings::Partial> partial;
};
FileBytes read_bytes(const FoundFile& file, const ScanLimits& limits, const Clock& clock, const StopToken& stop);

/// Analyses one file after the other; one for each thread.
class FileWorker {
 public:
  FileWorker(const RunSetup& setup, const Clock& clock);

  /// `bytes` were read by read_bytes() and are there.
  FileOutcome analyse(const FoundFile& file, FileBytes bytes, const StopToken& stop);

 private:
  /// Whether there was something to analyse it with.
  bool analyse_code(source::SourceText& text, const FoundFile& file, const StopToken& stop, FileOutcome& outcome,
                    std::vector<findings::CommentSpan>& comments);
  void find_secrets(const source::SourceText& text, FileOutcome& outcome);
  void finish(const source::SourceText& text, FileOutcome& outcome);

  const RunSetup& setup_;
  const Clock& clock_;
  std::optional<secrets::SecretScanner> secrets_;
  std::optional<code::FileAnalyzer> code_;
};

/// Marks what the file's directives cover and adds what is wrong with them, after linking added its findings. True when
/// the answer holds for today only.
bool settle_suppressions(const FoundFile& file, const RunSetup& setup, FileOutcome& outcome);

}  // namespace wrench::scan
