#pragma once

#include <string>
#include <string_view>

#include "wrench/agents/planner.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::agents {

/// Facts about a tree, from its listing alone: code.present, code.kloc, code.languages, files.count, git.present,
/// tests.present, ci.present, containers.present, manifests. `no_history_because`: empty when git has history to read.
Facts tree_facts(const scan::TreeSurvey& survey, std::string_view no_history_because);

/// Whether git has history of the tree at this absolute path to read: empty when it has, else why not.
std::string why_no_history(const std::string& root, const StopToken& stop);

}  // namespace wrench::agents
