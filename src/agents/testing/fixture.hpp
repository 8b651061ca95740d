#pragma once

#include <map>
#include <string>

#include "wrench/agents/test_suite.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::agents {

/// Makes the fixture's tree in `root`, an empty folder. `suite_folder`: what Fixture::folder is below. Errors:
/// agent.test_invalid (the folder), io.*, runtime.program_not_found (git), agent.test_fixture (git failed).
Result<void> build_fixture(const Fixture& fixture, const std::string& suite_folder, const std::string& root,
                           const StopToken& stop, const Deadline& deadline);

/// Every name below `root` with kind, permissions and content (a hash). Links aren't followed.
using TreeState = std::map<std::string, std::string>;
Result<TreeState> tree_state(const std::string& root);
/// The first difference in words; empty: none.
std::string difference(const TreeState& before, const TreeState& after);

}  // namespace wrench::agents
