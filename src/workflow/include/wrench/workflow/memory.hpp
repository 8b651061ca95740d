#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kMemoryContentBytesMax = 64 * 1024;
inline constexpr std::size_t kMemoryTagsMax = 16;
inline constexpr std::size_t kMemoryTagBytesMax = 64;
inline constexpr std::size_t kMemoryScopeBytesMax = 4096;
inline constexpr std::size_t kMemoryQueryBytesMax = 16 * 1024;
inline constexpr std::size_t kMemoryQueryWordsMax = 32;  ///< Of $text; further words are left out.
inline constexpr std::size_t kMemoryPageMax = 1000;
inline constexpr std::size_t kMemoryBlocksMax = 8;  ///< Of one agent.
inline constexpr std::size_t kMemoryBlockCharactersMax = 4000;
inline constexpr std::size_t kMemoryCacheBytesMax = 64 * 1024 * 1024;

/// How far what is remembered can be relied upon: who said it.
enum class Trust : std::uint8_t { Model, Tool, Person };
std::string_view name(Trust trust);

/// Something to remember.
struct MemoryDraft {
  std::string agent;    ///< "inspector"
  codec::Json content;  ///< At most kMemoryContentBytesMax as JSON.
  /// fact, procedure, decision, …: [a-z_]{1,32}. Said again, it is the same item; an "episode" is one each time.
  std::string kind = "fact";
  std::string scope;  ///< What it is about, e.g. a project's folder.
  std::vector<std::string> tags;
  Trust trust = Trust::Tool;
  std::optional<Micros> ttl;  ///< From now.
  std::string supersedes;     ///< memory_id of an item of this agent that no longer holds.
  std::string source_step;    ///< "exe_…/3"
  std::int64_t keep_max = 0;  ///< Of this agent and scope only the newest so many are kept; 0: all.
};

struct StoredMemory {
  std::string memory_id;  ///< "mem_…"
  bool existed = false;   ///< It was known already; nothing was added.
};

struct MemoryItem {
  std::string memory_id, agent, kind, scope;
  std::vector<std::string> tags;
  codec::Json content;
  Trust trust = Trust::Tool;
  std::string source_step;
  Micros created_at = 0;
  std::optional<Micros> expires_at;
  double score = 0;  ///< Of $text; higher is better.
};

struct MemoryPage {
  std::vector<MemoryItem> items;
  bool approximate = false;  ///< Only the newest of very many matches were looked at.
};

/// A small labelled text that an agent is always given.
struct MemoryBlock {
  std::string label;  ///< [a-z0-9_]{1,32}
  std::string value;
  std::int64_t version = 0;
  bool read_only = false;  ///< Only people change it.
  Micros updated_at = 0;
  std::string updated_by;
};
struct BlockChange {
  std::string label, value;
  bool read_only = false;
  std::optional<std::int64_t> expected_version;  ///< 0: must not exist. None: whatever is there.
};

struct MemoryStats {
  std::uint64_t cache_hits = 0, cache_misses = 0;
  std::size_t cache_bytes = 0;
};

/// What agents remember between tasks. Thread-safe. Error codes workflow.invalid_memory, workflow.invalid_query,
/// workflow.memory_not_found, workflow.memory_ambiguous, workflow.block_not_found, workflow.block_read_only,
/// workflow.too_many_blocks, workflow.version_conflict, storage.*.
class Memory {
 public:
  /// All must outlive this; `metrics` may be null.
  Memory(storage::Store& store, const Clock& clock, Random& random, telemetry::MetricsRegistry* metrics = nullptr);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Returns when it is durable.
  Result<StoredMemory> store(MemoryDraft draft);
  /// The same as a write for somebody else's transaction: remembered with it, or not at all.
  Result<storage::WriteBody> storing(MemoryDraft draft) const;

  /// What `agent` remembers that fits `query`, an object. Plain members must equal those of the content. $text: words
  /// to look for, best match first; without it the newest first. $kind, $scope: text; $tags: list, all of them; $since:
  /// RFC 3339. At most `limit`, kMemoryPageMax. Answers come from a cache while nothing changed, also by other
  /// processes.
  Result<MemoryPage> retrieve(std::string_view agent, const codec::Json& query, std::size_t limit = 100);
  /// By id, or by its last 6 or more characters. Of `agent` only, unless that is empty.
  Result<MemoryItem> find(std::string_view id_or_suffix, std::string_view agent = {});
  /// Deletes it for good and leaves a tombstone.
  Result<void> forget(std::string_view memory_id, std::string_view actor, std::string_view reason);
  /// The same as a write for somebody else's transaction.
  storage::WriteBody forgetting(std::string memory_id, std::string actor, std::string reason) const;

  /// By label.
  Result<std::vector<MemoryBlock>> blocks(std::string_view agent);
  Result<MemoryBlock> set_block(std::string_view agent, const BlockChange& change, std::string_view actor);
  Result<void> remove_block(std::string_view agent, std::string_view label, std::string_view actor);

  MemoryStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::workflow
