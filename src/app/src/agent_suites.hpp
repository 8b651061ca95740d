#pragma once

#include <span>
#include <string>
#include <vector>

#include "wrench/agents/test_suite.hpp"
#include "wrench/base/embedded.hpp"

namespace wrench::app {

/// The files below agent-tests/.
std::span<const EmbeddedFile> embedded_agent_tests();

/// The suites that the words name: agents whose suites come with the program, suite files, folders of suite files (not
/// those below). No words: all that come with the program. Errors: agent.test_invalid, agent.no_such_suite, io.*.
Result<std::vector<agents::TestSuite>> find_agent_suites(const std::vector<std::string>& words,
                                                         const agents::Registry& registry);

}  // namespace wrench::app
