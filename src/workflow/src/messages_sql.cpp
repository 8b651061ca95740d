#include "messages_sql.hpp"

namespace wrench::workflow::sql {

using storage::Access;

#define WRENCH_MESSAGE_COLUMNS                                                                                         \
  "id, message_id, sender, receiver, seq, message_type, content, reply_to, idem_key, source_step, state, created_at, " \
  "expires_at, closed_at, closed_by, reason, content_hash"

const Statement kMailbox{.id = "workflow.mailbox",
                         .sql = "SELECT open FROM mailboxes WHERE receiver = ?1",
                         .plan = "SEARCH mailboxes USING PRIMARY KEY (receiver=?)"};
const Statement kCountMessage{
    .id = "workflow.count_message",
    .access = Access::Write,
    .sql =
        "INSERT INTO mailboxes (receiver, last_seq, open) VALUES (?1, 1, ?2) ON CONFLICT (receiver) DO UPDATE SET "
        "last_seq = mailboxes.last_seq + 1, open = mailboxes.open + excluded.open RETURNING last_seq, open"};
const Statement kUncountMessage{.id = "workflow.uncount_message",
                                .access = Access::Write,
                                .sql = "UPDATE mailboxes SET open = open - 1 WHERE receiver = ?1",
                                .plan = "SEARCH mailboxes USING PRIMARY KEY (receiver=?)"};
const Statement kInsertMessage{
    .id = "workflow.insert_message",
    .access = Access::Write,
    .sql =
        "INSERT INTO messages (message_id, sender, receiver, seq, message_type, content, reply_to, idem_key, "
        "content_hash, execution_id, source_step, state, created_at, expires_at, closed_at, closed_by) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"};
const Statement kMessageByKey{
    .id = "workflow.message_by_key",
    .sql = "SELECT message_id, content_hash FROM messages WHERE receiver = ?1 AND sender = ?2 AND idem_key = ?3",
    .plan = "SEARCH messages USING INDEX idx_message_idem (receiver=? AND sender=? AND idem_key=?)"};
const Statement kMessageById{.id = "workflow.message_by_id",
                             .sql = "SELECT " WRENCH_MESSAGE_COLUMNS " FROM messages WHERE message_id = ?1",
                             .plan = "SEARCH messages USING INDEX sqlite_autoindex_messages_1 (message_id=?)"};
const Statement kMessagesByShortId{
    .id = "workflow.messages_by_short_id",
    .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
           " FROM messages WHERE substr(message_id, length(message_id) - 5) = ?1 ORDER BY id DESC LIMIT 50",
    .plan = "SEARCH messages USING INDEX idx_message_short_id (<expr>=?)",
    // Left alone, PostgreSQL reads messages by number until it has found 50 that fit.
    .postgres = {.sql = "SELECT * FROM (SELECT " WRENCH_MESSAGE_COLUMNS
                        " FROM messages WHERE substr(message_id, length(message_id) - 5) = ?1 OFFSET 0) f "
                        "ORDER BY id DESC LIMIT 50",
                 .plan = "Limit; Sort; Index Scan using idx_message_short_id on messages (substr(message_id, "
                         "(length(message_id) - 5)) = $1)",
                 .plan_exception = "few end in the same six letters"}};
const Statement kCloseMessage{
    .id = "workflow.close_message",
    .access = Access::Write,
    .sql = "UPDATE messages SET state = ?1, closed_at = ?2, closed_by = ?3, reason = ?4 WHERE id = ?5 AND state = 0",
    .plan = "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kMessagesExpired{.id = "workflow.messages_expired",
                                 .sql =
                                     "SELECT " WRENCH_MESSAGE_COLUMNS
                                     " FROM messages WHERE state = 0 AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
                                 .plan = "SEARCH messages USING INDEX idx_message_expiry (expires_at<?)"};
const Statement kMessagesToDelete{.id = "workflow.messages_to_delete",
                                  .sql = "SELECT id FROM messages WHERE closed_at <= ?1 ORDER BY closed_at LIMIT ?2",
                                  .plan = "SEARCH messages USING COVERING INDEX idx_message_closed (closed_at<?)"};
const Statement kDeleteMessage{.id = "workflow.delete_message",
                               .access = Access::Write,
                               .sql = "DELETE FROM messages WHERE id = ?1",
                               .plan = "SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kExecutionByPublicId{
    .id = "workflow.execution_by_public_id",
    .sql = "SELECT id FROM task_executions WHERE execution_id = ?1",
    .plan = "SEARCH task_executions USING COVERING INDEX sqlite_autoindex_task_executions_1 (execution_id=?)"};
const Statement kProjectByName{.id = "workflow.project_by_name",
                               .sql = "SELECT id FROM projects WHERE org_id = ?1 AND name = ?2",
                               .plan =
                                   "SEARCH projects USING COVERING INDEX sqlite_autoindex_projects_1 "
                                   "(org_id=? AND name=?)"};

// Lists. An empty type, or a state below 0: all.
const Statement kMessagesOf{.id = "workflow.messages_of",
                            .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
                                   " FROM messages WHERE receiver = ?1 AND seq > ?2 AND (?3 = '' OR message_type = ?3) "
                                   "AND (?4 < 0 OR state = ?4) ORDER BY seq LIMIT ?5",
                            .plan = "SEARCH messages USING INDEX idx_message_order (receiver=? AND seq>?)"};
const Statement kOpenMessagesOf{
    .id = "workflow.open_messages_of",
    .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
           " FROM messages WHERE state = 0 AND receiver = ?1 AND seq > ?2 AND (?3 = '' OR message_type = ?3) "
           "ORDER BY seq LIMIT ?4",
    .plan = "SEARCH messages USING INDEX idx_message_open (receiver=? AND seq>?)"};
const Statement kDeadMessagesOf{
    .id = "workflow.dead_messages_of",
    .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
           " FROM messages WHERE state = 2 AND receiver = ?1 AND seq > ?2 AND (?3 = '' OR message_type = ?3) "
           "ORDER BY seq LIMIT ?4",
    .plan = "SEARCH messages USING INDEX idx_message_dead (receiver=? AND seq>?)"};
const Statement kMessagesOfExecution{
    .id = "workflow.messages_of_execution",
    .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
           " FROM messages WHERE execution_id = ?1 AND id > ?2 AND (?3 = '' OR message_type = ?3) "
           "AND (?4 < 0 OR state = ?4) AND (?5 = '' OR receiver = ?5) ORDER BY id LIMIT ?6",
    .plan = "SEARCH messages USING INDEX idx_message_execution (execution_id=? AND id>?)"};
const Statement kNewestMessages{
    .id = "workflow.newest_messages",
    .sql = "SELECT " WRENCH_MESSAGE_COLUMNS
           " FROM messages WHERE id < ?1 AND (?2 = '' OR message_type = ?2) ORDER BY id DESC LIMIT ?3",
    .plan = "SEARCH messages USING INTEGER PRIMARY KEY (rowid<?)"};

// Subscriptions.
const Statement kSubscription{
    .id = "workflow.subscription",
    .sql = "SELECT cursor, attempts, retry_at FROM subscriptions WHERE receiver = ?1 AND subscriber = ?2",
    .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=? AND subscriber=?)"};
const Statement kSubscriptionsBehind{
    .id = "workflow.subscriptions_behind",
    .sql = "SELECT subscriber FROM subscriptions WHERE receiver = ?1 AND cursor < ?2 LIMIT 1",
    .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=?)"};
const Statement kInsertSubscription{
    .id = "workflow.insert_subscription",
    .access = Access::Write,
    .sql =
        "INSERT INTO subscriptions (receiver, subscriber, cursor, attempts, retry_at) VALUES (?1, ?2, 0, 0, 0) "
        "ON CONFLICT (receiver, subscriber) DO NOTHING"};
const Statement kMoveSubscription{
    .id = "workflow.move_subscription",
    .access = Access::Write,
    .sql =
        "UPDATE subscriptions SET cursor = ?1, attempts = 0, retry_at = 0 WHERE receiver = ?2 AND subscriber = ?3 "
        "AND cursor = ?4",
    .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=? AND subscriber=?)"};
const Statement kDelaySubscription{
    .id = "workflow.delay_subscription",
    .access = Access::Write,
    .sql =
        "UPDATE subscriptions SET attempts = ?1, retry_at = ?2 WHERE receiver = ?3 AND subscriber = ?4 AND cursor = ?5",
    .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=? AND subscriber=?)"};
const Statement kDeleteSubscription{.id = "workflow.delete_subscription",
                                    .access = Access::Write,
                                    .sql = "DELETE FROM subscriptions WHERE receiver = ?1 AND subscriber = ?2",
                                    .plan = "SEARCH subscriptions USING PRIMARY KEY (receiver=? AND subscriber=?)"};

storage::StatementCatalogue::List of_messages() {
  static const Statement* const list[] = {&kMailbox,           &kCountMessage,        &kUncountMessage,
                                          &kInsertMessage,     &kMessageByKey,        &kMessageById,
                                          &kMessagesByShortId, &kCloseMessage,        &kMessagesExpired,
                                          &kMessagesToDelete,  &kDeleteMessage,       &kExecutionByPublicId,
                                          &kProjectByName,     &kMessagesOf,          &kOpenMessagesOf,
                                          &kDeadMessagesOf,    &kMessagesOfExecution, &kNewestMessages,
                                          &kSubscription,      &kSubscriptionsBehind, &kInsertSubscription,
                                          &kMoveSubscription,  &kDelaySubscription,   &kDeleteSubscription};
  return list;
}

}  // namespace wrench::workflow::sql
