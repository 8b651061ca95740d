#include "wrench/agents/store_memory.hpp"

#include <array>

namespace wrench::agents {

namespace {

using storage::Access;
using storage::Statement;

constexpr Statement kRecall{.id = "agents.memory_recall",
                            .access = Access::Read,
                            .sql =
                                "SELECT kind, content, created_at FROM memory_items WHERE agent_id = ?1 AND scope = ?2 "
                                "ORDER BY id DESC LIMIT ?3",
                            .plan = "SEARCH memory_items USING INDEX idx_memory_agent_scope (agent_id=? AND scope=?)"};
constexpr Statement kRemember{
    .id = "agents.memory_remember",
    .access = Access::Write,
    .sql = "INSERT INTO memory_items (agent_id, scope, kind, content, created_at) VALUES (?1, ?2, ?3, ?4, ?5)"};
constexpr Statement kOldest{
    .id = "agents.memory_oldest_kept",
    .access = Access::Read,
    .sql = "SELECT id FROM memory_items WHERE agent_id = ?1 AND scope = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_agent_scope (agent_id=? AND scope=?)"};
constexpr Statement kForget{
    .id = "agents.memory_forget",
    .access = Access::Write,
    .sql = "DELETE FROM memory_items WHERE agent_id = ?1 AND scope = ?2 AND id <= ?3",
    .plan = "SEARCH memory_items USING INDEX idx_memory_agent_scope (agent_id=? AND scope=? AND id<?)"};
constexpr std::array<const Statement*, 4> kStatements = {&kRecall, &kRemember, &kOldest, &kForget};

}  // namespace

storage::StatementCatalogue::List memory_statements() { return kStatements; }

Result<std::vector<MemoryItem>> StoreMemory::recall(std::string_view agent, std::string_view scope, std::size_t limit) {
  return store_.read([&](storage::ReadTx& tx) -> Result<std::vector<MemoryItem>> {
    const auto rows = WRENCH_TRY(tx.query(kRecall, {agent, scope, limit}));
    std::vector<MemoryItem> items;
    for (const auto row : rows)
      items.push_back(
          {std::string(row.text(0)), std::string(scope), WRENCH_TRY(codec::parse_json(row.text(1))), row.integer(2)});
    return items;
  });
}

storage::WriteBody StoreMemory::remembering(std::string agent, MemoryItem item, std::int64_t items_max) {
  return [agent = std::move(agent), item = std::move(item), content = std::string(),
          items_max](storage::WriteTx& tx) mutable -> Result<void> {
    content = codec::write_json(item.content);
    WRENCH_TRY(tx.exec(kRemember, {agent, item.scope, item.kind, content, item.created_at}));
    const auto oldest = WRENCH_TRY(tx.query(kOldest, {agent, item.scope, items_max}));
    if (!oldest.empty()) WRENCH_TRY(tx.exec(kForget, {agent, item.scope, oldest.front().integer(0)}));
    return {};
  };
}

}  // namespace wrench::agents
