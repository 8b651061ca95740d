#pragma once

#include "expectation.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::agents {

/// What all cases share. Must outlive them.
struct CaseWorld {
  const Registry& registry;
  runtime::WorkerPool& pool;  ///< That analyses run on.
  const Clock& clock;
};

struct CaseEnd {
  CaseFacts facts;
  codec::Json trace;   ///< The steps: node, capability, state, attempt.
  std::string normal;  ///< Equal for equal outputs: what differs between any two runs is left out.
};

/// One run: the tree, the store, the engine are made, and gone again when it returns. An error is of the case's
/// surroundings (its tree can't be made, its time is over); what the agents fail with is in the facts. Errors:
/// agent.test_timeout, agent.test_fixture, runtime.stopped, storage.*, io.*.
Result<CaseEnd> run_case(const TestCase& test, const std::string& suite_folder, const CaseWorld& world,
                         const StopToken& stop);

}  // namespace wrench::agents
