#pragma once

#include "run_once.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::scan {

/// Analyses what is on disk and the tree of `request.new_since`, and reports the first with what is new in it. The
/// revision is looked up, and the PATHs are compared with its repository, before anything is analysed.
Result<OneRun> run_new_since(const ScanRequest& request, ScanContext& context, const StopToken& stop,
                             Deadline deadline);

}  // namespace wrench::scan
