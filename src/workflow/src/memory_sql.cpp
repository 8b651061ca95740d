#include "sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

#define WRENCH_MEMORY_COLUMNS \
  "id, memory_id, agent_id, scope, kind, tags, content, trust, source_step, created_at, expires_at"
#define WRENCH_OF_THE_INDEX "a search in the index over words; the table itself isn't read"

const Statement kInsertMemory{
    .id = "workflow.insert_memory",
    .access = Access::Write,
    .sql =
        "INSERT INTO memory_items (memory_id, agent_id, scope, kind, tags, content, content_hash, trust, source_step, "
        "created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
        "ON CONFLICT (agent_id, content_hash) WHERE valid_to IS NULL DO NOTHING RETURNING id"};
const Statement kMemoryByContent{
    .id = "workflow.memory_by_content",
    .sql = "SELECT id, memory_id FROM memory_items WHERE agent_id = ?1 AND content_hash = ?2 AND valid_to IS NULL",
    .plan = "SEARCH memory_items USING INDEX idx_memory_content (agent_id=? AND content_hash=?)"};
const Statement kMemoryById{
    .id = "workflow.memory_by_id",
    .sql = "SELECT " WRENCH_MEMORY_COLUMNS " FROM memory_items WHERE memory_id = ?1 AND valid_to IS NULL",
    .plan = "SEARCH memory_items USING INDEX sqlite_autoindex_memory_items_1 (memory_id=?)"};
const Statement kMemoriesByShortId{
    .id = "workflow.memories_by_short_id",
    .sql = "SELECT " WRENCH_MEMORY_COLUMNS
           " FROM memory_items WHERE substr(memory_id, length(memory_id) - 5) = ?1 AND valid_to IS NULL "
           "ORDER BY id DESC LIMIT 50",
    .plan = "SEARCH memory_items USING INDEX idx_memory_short_id (<expr>=?)",
    // Left alone, PostgreSQL reads items by number until it has found 50 that fit.
    .postgres = {.sql = "SELECT * FROM (SELECT " WRENCH_MEMORY_COLUMNS
                        " FROM memory_items WHERE substr(memory_id, length(memory_id) - 5) = ?1 AND valid_to IS NULL "
                        "OFFSET 0) f ORDER BY id DESC LIMIT 50",
                 .plan = "Limit; Sort; Index Scan using idx_memory_short_id on memory_items (substr(memory_id, "
                         "(length(memory_id) - 5)) = $1)",
                 .plan_exception = "few end in the same six letters"}};
const Statement kMemoryByNo{
    .id = "workflow.memory_by_no",
    .sql = "SELECT " WRENCH_MEMORY_COLUMNS " FROM memory_items WHERE id = ?1 AND valid_to IS NULL",
    .plan = "SEARCH memory_items USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kMemoriesOfScope{
    .id = "workflow.memories_of_scope",
    .sql = "SELECT " WRENCH_MEMORY_COLUMNS
           " FROM memory_items WHERE agent_id = ?1 AND scope = ?2 AND id >= ?3 AND id < ?4 AND valid_to IS NULL "
           "ORDER BY id DESC LIMIT ?5",
    .plan = "SEARCH memory_items USING INDEX idx_memory_agent_scope (agent_id=? AND scope=? AND id>? AND id<?)"};
const Statement kMemoryAtOrAfter{.id = "workflow.memory_at_or_after",
                                 .sql = "SELECT id, created_at FROM memory_items WHERE id >= ?1 ORDER BY id LIMIT 1",
                                 .plan = "SEARCH memory_items USING INTEGER PRIMARY KEY (rowid>?)"};
const Statement kMemoryTop{
    .id = "workflow.memory_top", .sql = "SELECT coalesce(max(id), 0) FROM memory_items", .plan = "SEARCH memory_items"};
const Statement kMemoriesBeyond{
    .id = "workflow.memories_beyond",
    .sql =
        "SELECT id FROM memory_items WHERE agent_id = ?1 AND scope = ?2 AND valid_to IS NULL ORDER BY id DESC LIMIT 64 "
        "OFFSET ?3",
    .plan = "SEARCH memory_items USING INDEX idx_memory_agent_scope (agent_id=? AND scope=?)"};
const Statement kMemoriesExpired{
    .id = "workflow.memories_expired",
    .sql = "SELECT id FROM memory_items WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_expiry (expires_at<?)"};
const Statement kSupersedeMemory{.id = "workflow.supersede_memory",
                                 .access = Access::Write,
                                 .sql = "UPDATE memory_items SET valid_to = ?1, superseded_by = ?2 WHERE id = ?3",
                                 .plan = "SEARCH memory_items USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kDeleteMemory{.id = "workflow.delete_memory",
                              .access = Access::Write,
                              .sql = "DELETE FROM memory_items WHERE id = ?1",
                              .plan = "SEARCH memory_items USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kInsertTombstone{.id = "workflow.insert_tombstone",
                                 .access = Access::Write,
                                 .sql =
                                     "INSERT INTO memory_tombstones (memory_id, agent_id, forgotten_at, actor, reason) "
                                     "VALUES (?1, ?2, ?3, ?4, ?5)"};

// The index over words.
const Statement kInsertMemoryWords{
    .id = "workflow.insert_memory_words",
    .access = Access::Write,
    .sql = "INSERT INTO memory_fts (rowid, text, keys) VALUES (?1, ?2, ?3)",
    .postgres = {.sql = "INSERT INTO memory_fts (rowid, words, keys) VALUES (?1, "
                        "to_tsvector('simple', CAST(?2 AS TEXT)), array_to_tsvector(string_to_array(?3, ' ')))",
                 .plan = "Insert on memory_fts; Result"}};
const Statement kDeleteMemoryWords{.id = "workflow.delete_memory_words",
                                   .access = Access::Write,
                                   .sql = "DELETE FROM memory_fts WHERE rowid >= ?1 AND rowid < ?2",
                                   .plan = "SCAN memory_fts VIRTUAL TABLE INDEX 0:><",
                                   .plan_exception = WRENCH_OF_THE_INDEX};
const Statement kMemoryRowsOfWord{
    .id = "workflow.memory_rows_of_word",
    .sql =
        "SELECT count(*), coalesce(min(rowid), 0), coalesce(max(rowid), 0) FROM (SELECT rowid FROM memory_fts "
        "WHERE memory_fts MATCH ?1 ORDER BY rowid DESC LIMIT ?2)",
    .plan_exception = WRENCH_OF_THE_INDEX,
    .postgres = {.sql = "SELECT hits, lowest, highest FROM memory_rows_of_word(?1, ?2)",
                 .plan = "Function Scan on memory_rows_of_word"}};
const Statement kMemorySearch{.id = "workflow.memory_search",
                              .sql =
                                  "SELECT rowid, bm25_given(memory_fts, ?2, 64, 1.125) AS score FROM memory_fts "
                                  "WHERE memory_fts MATCH ?1 AND rowid >= ?3 ORDER BY score DESC, rowid DESC LIMIT ?4",
                              .plan_exception = WRENCH_OF_THE_INDEX,
                              .postgres = {.sql = "SELECT row_no, score FROM memory_search(?1, ?2, ?3, 12000, ?4)",
                                           .plan = "Function Scan on memory_search"}};
const Statement kMemorySearchNewest{
    .id = "workflow.memory_search_newest",
    .sql =
        "SELECT rowid, score FROM (SELECT rowid, bm25_given(memory_fts, ?2, 64, 1.125) AS score FROM memory_fts "
        "WHERE memory_fts MATCH ?1 AND rowid >= ?3 ORDER BY rowid DESC LIMIT ?4) "
        "ORDER BY score DESC, rowid DESC LIMIT ?5",
    .plan_exception = WRENCH_OF_THE_INDEX,
    .postgres = {.sql = "SELECT row_no, score FROM memory_search(?1, ?2, ?3, ?4, ?5)",
                 .plan = "Function Scan on memory_search"}};
const Statement kMemoryNewest{
    .id = "workflow.memory_newest",
    .sql =
        "SELECT rowid, 0.0 FROM memory_fts WHERE memory_fts MATCH ?1 AND rowid >= ?2 AND rowid < ?3 "
        "ORDER BY rowid DESC LIMIT ?4",
    .plan_exception = WRENCH_OF_THE_INDEX,
    .postgres = {.sql = "SELECT row_no, score FROM memory_newest(?1, ?2, ?3, ?4)",
                 .plan = "Function Scan on memory_newest"}};

const Statement kMemoryBlocks{.id = "workflow.memory_blocks",
                              .sql =
                                  "SELECT label, value, version, read_only, updated_at, updated_by FROM memory_blocks "
                                  "WHERE agent_id = ?1 ORDER BY label",
                              .plan = "SEARCH memory_blocks USING PRIMARY KEY (agent_id=?)"};
const Statement kPutMemoryBlock{
    .id = "workflow.put_memory_block",
    .access = Access::Write,
    .sql =
        "INSERT INTO memory_blocks (agent_id, label, value, version, read_only, updated_at, updated_by) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (agent_id, label) DO UPDATE SET value = excluded.value, "
        "version = excluded.version, read_only = excluded.read_only, updated_at = excluded.updated_at, "
        "updated_by = excluded.updated_by"};
const Statement kDeleteMemoryBlock{.id = "workflow.delete_memory_block",
                                   .access = Access::Write,
                                   .sql = "DELETE FROM memory_blocks WHERE agent_id = ?1 AND label = ?2",
                                   .plan = "SEARCH memory_blocks USING PRIMARY KEY (agent_id=? AND label=?)"};

storage::StatementCatalogue::List of_memory() {
  static const Statement* const list[] = {
      &kInsertMemory,     &kMemoryByContent,  &kMemoryById,         &kMemoriesByShortId, &kMemoryByNo,
      &kMemoriesOfScope,  &kMemoryAtOrAfter,  &kMemoryTop,          &kMemoriesBeyond,    &kMemoriesExpired,
      &kSupersedeMemory,  &kDeleteMemory,     &kInsertTombstone,    &kInsertMemoryWords, &kDeleteMemoryWords,
      &kMemoryRowsOfWord, &kMemorySearch,     &kMemorySearchNewest, &kMemoryNewest,      &kMemoryBlocks,
      &kPutMemoryBlock,   &kDeleteMemoryBlock};
  return list;
}

}  // namespace wrench::workflow::sql
