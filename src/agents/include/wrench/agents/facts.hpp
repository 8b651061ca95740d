#pragma once

#include "wrench/agents/planner.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::agents {

/// Facts about a tree, from its listing alone: code.present, code.kloc, code.languages, files.count, git.present,
/// tests.present, ci.present, containers.present, manifests. `has_commits`: whether git has history to read.
Facts tree_facts(const scan::TreeSurvey& survey, bool has_commits);

}  // namespace wrench::agents
