#pragma once

#include "wrench/agents/agent.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::agents {

/// The scan that an input's tree asks for.
scan::ScanRequest scan_request(const codec::Json& tree, std::vector<scan::Analysis> analyses);
/// Runs it with the shared cache of the tree's root. Errors of scan.
Result<findings::Report> scan_tree(const codec::Json& tree, std::vector<scan::Analysis> analyses,
                                   AgentContext& context);

}  // namespace wrench::agents
