#pragma once

#include "wrench/agents/agent.hpp"

namespace wrench::agents {

/// journey.testify: answers what other agents ask about findings of this tree: which commit made the line what it is.
/// {questions, answered, unknown}: how many.
Result<AgentOutput> testify(const codec::Json& input, AgentContext& context);
/// The same for one question, about the tree that it names.
Result<AgentOutput> answer_question(const workflow::Message& question, AgentContext& context);

}  // namespace wrench::agents
