#pragma once

#include "revision.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::scan {

struct OneRun {
  findings::Report report;  ///< `edges_added` holds all edges between modules, none is compared.
  std::vector<FoundFile> files;
  std::vector<std::string> folders;  ///< See Discovery.
};

/// One run over one tree: that of `revision`, or what is on disk when that is null. `new_since` and `found` of a
/// revision's run are the caller's business. Errors as of run().
Result<OneRun> run_once(const ScanRequest& request, ScanContext& context, const StopToken& stop, Deadline deadline,
                        const Revision* revision);

}  // namespace wrench::scan
