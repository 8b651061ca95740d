#pragma once

#include <string_view>

#include "wrench/agents/planner.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::agents {

/// Facts about a tree, from its listing alone: code.present, code.kloc, code.languages, files.count, git.present,
/// tests.present, ci.present, containers.present, manifests. `no_history_because`: empty when git has history to read.
Facts tree_facts(const scan::TreeSurvey& survey, std::string_view no_history_because);

}  // namespace wrench::agents
