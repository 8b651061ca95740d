#include "wrench/agents/decisions.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "decision_memory.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::agents {

using codec::Json;

namespace {

/// What is remembered about the finding now, if anything.
Result<std::optional<std::string>> remembered(workflow::Memory& memory, const workflow::StoredFinding& finding) {
  const Json query = Json::object({{"$kind", kDecisionKind}, {"finding_id", finding.finding_id}});
  const auto page = WRENCH_TRY(memory.retrieve(kDecisionAgent, query, 1));
  if (page.items.empty()) return std::optional<std::string>();
  return std::optional(page.items.front().memory_id);
}

workflow::MemoryDraft draft_of(const workflow::StoredFinding& finding, const workflow::TriageDecision& decision) {
  workflow::MemoryDraft draft;
  draft.agent = kDecisionAgent;
  draft.kind = kDecisionKind;
  draft.scope = finding.repository;
  draft.trust = workflow::Trust::Person;
  draft.content = Json::object({{"finding_id", finding.finding_id},
                                {"rule", finding.finding.rule},
                                {"path", finding.finding.where.path},
                                {"title", finding.finding.title},
                                {"decision", workflow::name(decision.state)},
                                {"reason", decision.reason},
                                {"by", decision.actor}});
  return draft;
}

}  // namespace

Result<storage::WriteBody> deciding(workflow::Memory& memory, const workflow::StoredFinding& finding,
                                    workflow::TriageDecision decision) {
  std::vector<storage::WriteBody> bodies;
  const auto before = WRENCH_TRY(remembered(memory, finding));
  if (workflow::is_dismissed(decision.state)) {
    workflow::MemoryDraft draft = draft_of(finding, decision);
    draft.supersedes = before.value_or("");
    bodies.push_back(WRENCH_TRY(memory.storing(std::move(draft))));
  } else if (before) {
    bodies.push_back(memory.forgetting(*before, decision.actor, "decided anew"));
  }
  return storage::WriteBody([finding = finding.id, decision = std::move(decision),
                             bodies = std::move(bodies)](storage::WriteTx& tx) -> Result<void> {
    WRENCH_TRY(workflow::triage::decide(tx, finding, decision));
    for (const auto& body : bodies) WRENCH_TRY(body(tx));
    return {};
  });
}

Result<storage::WriteBody> undoing(workflow::Memory& memory, const workflow::StoredFinding& finding,
                                   std::string actor) {
  const auto before = WRENCH_TRY(remembered(memory, finding));
  return storage::WriteBody([&memory, before, finding, actor = std::move(actor)](storage::WriteTx& tx) -> Result<void> {
    const auto standing = WRENCH_TRY(workflow::triage::undo(tx, finding.id, actor));
    if (before) WRENCH_TRY(memory.forgetting(*before, actor, "undone")(tx));
    if (!standing || !workflow::is_dismissed(standing->decision.state)) return {};
    const auto again = WRENCH_TRY(memory.storing(draft_of(finding, standing->decision)));
    return again(tx);
  });
}

}  // namespace wrench::agents
