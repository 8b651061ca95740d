#pragma once

#include "wrench/agents/agent.hpp"

namespace wrench::agents {

/// For StoreConfig::statements.
storage::StatementCatalogue::List memory_statements();

/// Memory in the store's table memory_items.
class StoreMemory final : public Memory {
 public:
  explicit StoreMemory(storage::Store& store) : store_(store) {}
  Result<std::vector<MemoryItem>> recall(std::string_view agent, std::string_view scope, std::size_t limit) override;
  storage::WriteBody remembering(std::string agent, MemoryItem item, std::int64_t items_max) override;

 private:
  storage::Store& store_;
};

}  // namespace wrench::agents
