#include "retention_sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

// On SQLite the machine's clock is asked instead.
const Statement kRetentionNow{
    .id = "workflow.retention_now",
    .sql = "SELECT last_at FROM event_clock WHERE id = 1",
    .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)",
    .postgres = {.sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", .plan = "Result"}};
const Statement kRetentionRows{.id = "workflow.retention_rows",
                               .sql = "SELECT kind, at, removed, total FROM retention ORDER BY kind",
                               .plan = "SCAN retention",
                               .plan_exception = "it has a row for each kind"};
const Statement kRetentionLook{.id = "workflow.retention_look",
                               .sql = "SELECT at FROM retention WHERE kind = 'look'",
                               .plan = "SEARCH retention USING PRIMARY KEY (kind=?)"};
const Statement kNoteLook{.id = "workflow.note_retention_look",
                          .access = Access::Write,
                          .sql =
                              "INSERT INTO retention (kind, at, removed, total) VALUES ('look', ?1, 0, 0) "
                              "ON CONFLICT (kind) DO UPDATE SET at = excluded.at"};
// ?2: when the turn began.
const Statement kNoteRemoved{
    .id = "workflow.note_removed",
    .access = Access::Write,
    .sql =
        "INSERT INTO retention (kind, at, removed, total) VALUES (?1, ?2, ?3, ?3) ON CONFLICT (kind) DO UPDATE SET "
        "removed = CASE WHEN retention.at = excluded.at THEN retention.removed ELSE 0 END + excluded.removed, "
        "at = excluded.at, total = retention.total + excluded.total"};

const Statement kFirstStream{.id = "workflow.first_stream",
                             .sql = "SELECT drop_at FROM streams WHERE drop_at > ?1 ORDER BY drop_at LIMIT 1",
                             .plan = "SEARCH streams USING COVERING INDEX idx_stream_drop (drop_at>?)"};
const Statement kFirstClosedMessage{
    .id = "workflow.first_closed_message",
    .sql = "SELECT closed_at FROM messages WHERE closed_at > ?1 ORDER BY closed_at LIMIT 1",
    .plan = "SEARCH messages USING COVERING INDEX idx_message_closed (closed_at>?)"};
const Statement kFirstExpiringMessage{
    .id = "workflow.first_expiring_message",
    .sql = "SELECT expires_at FROM messages WHERE state = 0 AND expires_at > ?1 ORDER BY expires_at LIMIT 1",
    .plan = "SEARCH messages USING INDEX idx_message_expiry (expires_at>?)"};
const Statement kFirstSuperseded{
    .id = "workflow.first_superseded_memory",
    .sql = "SELECT valid_to FROM memory_items WHERE valid_to > ?1 ORDER BY valid_to LIMIT 1",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_superseded (valid_to>?)"};
const Statement kFirstExpiringMemory{
    .id = "workflow.first_expiring_memory",
    .sql = "SELECT expires_at FROM memory_items WHERE expires_at > ?1 ORDER BY expires_at LIMIT 1",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_expiry (expires_at>?)"};

const Statement kCountStreams{.id = "workflow.count_old_streams",
                              .sql = "SELECT count(*) FROM streams WHERE drop_at <= ?1",
                              .plan = "SEARCH streams USING COVERING INDEX idx_stream_drop (drop_at<?)"};
const Statement kCountMessages{.id = "workflow.count_old_messages",
                               .sql = "SELECT count(*) FROM messages WHERE closed_at <= ?1",
                               .plan = "SEARCH messages USING COVERING INDEX idx_message_closed (closed_at<?)"};
const Statement kCountSuperseded{.id = "workflow.count_superseded_memory",
                                 .sql = "SELECT count(*) FROM memory_items WHERE valid_to <= ?1",
                                 .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_superseded (valid_to<?)"};
const Statement kCountExpiredMemory{
    .id = "workflow.count_expired_memory",
    .sql = "SELECT count(*) FROM memory_items WHERE expires_at <= ?1",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_expiry (expires_at<?)"};
const Statement kMemoriesSuperseded{
    .id = "workflow.memories_superseded",
    .sql = "SELECT id FROM memory_items WHERE valid_to <= ?1 ORDER BY valid_to LIMIT ?2",
    .plan = "SEARCH memory_items USING COVERING INDEX idx_memory_superseded (valid_to<?)"};

const Statement kClaimLook{.id = "workflow.claim_retention_look",
                           .access = Access::Write,
                           .sql = "UPDATE retention SET at = ?2 WHERE kind = 'look' AND at = ?1",
                           .plan = "SEARCH retention USING PRIMARY KEY (kind=?)"};
const Statement kEndedTasks{
    .id = "workflow.ended_tasks",
    .sql =
        "SELECT id, task_id, created_at, updated_at, parent_execution FROM tasks WHERE status = ?1 AND (created_at, "
        "id) "
        "> (?2, ?3) ORDER BY created_at, id LIMIT ?4",
    .plan = "SEARCH tasks USING INDEX idx_task_status_page (status=? AND created_at>?)"};

storage::StatementCatalogue::List of_retention() {
  static const Statement* const list[] = {
      &kRetentionNow, &kRetentionRows,      &kRetentionLook,        &kNoteLook,           &kNoteRemoved,
      &kFirstStream,  &kFirstClosedMessage, &kFirstExpiringMessage, &kFirstSuperseded,    &kFirstExpiringMemory,
      &kCountStreams, &kCountMessages,      &kCountSuperseded,      &kCountExpiredMemory, &kMemoriesSuperseded,
      &kClaimLook,    &kEndedTasks};
  return list;
}

}  // namespace wrench::workflow::sql
