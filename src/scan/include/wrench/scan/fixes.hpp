#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/scan/scan.hpp"

/// Fixes of findings: tried on a tree as it would be, kept when a scan of that tree finds nothing wrong with them.
namespace wrench::scan {

inline constexpr int kFixRoundsMax = 10;               ///< Each takes up fixes that overlapped others before.
inline constexpr std::size_t kFixTreeChecksMax = 64;   ///< Scans of the tree, in one call.
inline constexpr std::size_t kFixFileChecksMax = 200;  ///< Analyses of one file, in one round.

struct FixOptions {
  /// Which rules' fixes are tried. Those of the other kind stay as they are.
  enum class Which { Safe, All } which = Which::Safe;
  std::vector<std::string> fingerprints;  ///< Of the findings to fix; empty: all.
};

/// A file that verified fixes change.
struct FixedFile {
  std::string path;                       ///< As findings name it.
  std::string project_path;               ///< Below the project root.
  std::string before_id;                  ///< Content id of what was analysed.
  std::string before, after;              ///< Bytes as on disk.
  std::vector<std::string> fingerprints;  ///< Of the findings that are gone.
};

struct FixOutcome {
  std::string project_root;
  std::vector<FixedFile> files;  ///< By path.
  std::size_t verified = 0, rejected = 0;
};

/// Tries the fixes of a report on an overlay of its tree; writes nothing. In each round those that don't overlap, in
/// source order. One is verified when its file has no syntax error more than before, its finding is gone, and a scan of
/// the tree shows no finding at low or above that wasn't there; else rejected, with the reason. Only findings that are
/// new and not suppressed. Sets the states in `report` and its `changes`; `request` is what the report was made with.
/// Errors: those of run().
Result<FixOutcome> apply_fixes(const ScanRequest& request, findings::Report& report, const FixOptions& options,
                               ScanContext& context, const StopToken& stop, Deadline deadline = {});

struct WrittenFixes {
  std::string undo;  ///< File with the inverse patch, as `patch -p1` takes it; empty: nothing was written.
  std::vector<std::string> paths;         ///< Of the files that were written.
  std::vector<findings::Partial> failed;  ///< write_failed: those that weren't, and why.
};

/// Puts the files in place, one after the other, each by a rename. The patch that takes it all back is on disk before:
/// `.wrench/undo/<ULID>.diff` below the project root, which git is told to ignore. A file that isn't any more what was
/// analysed, a link, or outside the root is left alone. Errors: io.* when the patch can't be written; then nothing is.
Result<WrittenFixes> write_fixes(const FixOutcome& outcome, const Clock& clock, Random& random);

}  // namespace wrench::scan
