#include "statements.hpp"

namespace wrench::storage {
namespace sql {

const Statement kLoadEventClock{.id = "storage.load_event_clock",
                                .sql = "SELECT next, last_at FROM event_clock WHERE id = 1",
                                .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kStoreEventClock{.id = "storage.store_event_clock",
                                 .access = Access::Write,
                                 .sql = "UPDATE event_clock SET next = ?1, last_at = ?2 WHERE id = 1",
                                 .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kInsertEvent{.id = "storage.insert_event",
                             .access = Access::Write,
                             .sql =
                                 "INSERT INTO events (seq, at, type, project_id, task_id, subject_kind, subject_id, "
                                 "actor, version, payload, trace_id) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"};

#define WRENCH_EVENT_COLUMNS                                                                                     \
  "SELECT seq, at, type, project_id, task_id, subject_kind, subject_id, actor, version, payload, trace_id FROM " \
  "events "
const Statement kEventsAll{.id = "storage.events_all",
                           .sql = WRENCH_EVENT_COLUMNS "WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                           .plan = "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"};
const Statement kEventsOfProject{.id = "storage.events_of_project",
                                 .sql = WRENCH_EVENT_COLUMNS "WHERE project_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2",
                                 .plan = "SEARCH events USING INDEX idx_event_project (project_id=? AND seq>?)"};
const Statement kEventsOfTask{.id = "storage.events_of_task",
                              .sql = WRENCH_EVENT_COLUMNS "WHERE task_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2",
                              .plan = "SEARCH events USING INDEX idx_event_task (task_id=? AND seq>?)"};
#undef WRENCH_EVENT_COLUMNS

const Statement kReadEventClock{.id = "storage.read_event_clock",
                                .sql = "SELECT next, pruned, epoch FROM event_clock WHERE id = 1",
                                .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};
// From the oldest on: the newest of those that go. What lies before it goes, too, so that no gap can arise.
const Statement kEventsToPrune{
    .id = "storage.events_to_prune",
    .sql =
        "SELECT max(seq) FROM (SELECT seq, at FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2) AS oldest WHERE at < "
        "?3 "
        "OR seq <= ?4",
    .plan = "CO-ROUTINE oldest; SEARCH events USING INTEGER PRIMARY KEY (rowid>?); SEARCH oldest",
    .plan_exception = "the subquery has at most LIMIT rows"};
const Statement kPruneEvents{.id = "storage.prune_events",
                             .access = Access::Write,
                             .sql = "DELETE FROM events WHERE seq > ?1 AND seq <= ?2",
                             .plan = "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"};
const Statement kMarkPruned{.id = "storage.mark_pruned",
                            .access = Access::Write,
                            .sql = "UPDATE event_clock SET pruned = ?1 WHERE id = 1 AND pruned < ?1",
                            .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kEventTime{.id = "storage.event_time",
                           .sql = "SELECT seq, at FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1",
                           .plan = "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"};

const Statement kSetEpoch{.id = "storage.set_epoch",
                          .access = Access::Write,
                          .sql = "UPDATE event_clock SET epoch = ?1 WHERE id = 1",
                          .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};

const Statement kInsertSample{
    .id = "storage.insert_sample",
    .access = Access::Write,
    .sql = "INSERT INTO db_samples (kind, at, body) VALUES (?1, ?2, ?3) ON CONFLICT (kind, at) DO NOTHING"};
const Statement kForgetSamples{.id = "storage.forget_samples",
                               .access = Access::Write,
                               .sql = "DELETE FROM db_samples WHERE kind = ?1 AND at < ?2",
                               .plan = "SEARCH db_samples USING PRIMARY KEY (kind=? AND at<?)"};
const Statement kReadSamples{.id = "storage.read_samples",
                             .sql = "SELECT at, body FROM db_samples WHERE kind = ?1 AND at >= ?2 ORDER BY at LIMIT ?3",
                             .plan = "SEARCH db_samples USING PRIMARY KEY (kind=? AND at>?)"};

const Statement kInsertBlob{.id = "storage.insert_blob",
                            .access = Access::Write,
                            .sql =
                                "INSERT INTO blobs (hash, size, codec, stored_at, body) VALUES (?1, ?2, ?3, ?4, ?5) "
                                "ON CONFLICT (hash) DO NOTHING"};
const Statement kInsertBlobRef{.id = "storage.insert_blob_ref",
                               .access = Access::Write,
                               .sql =
                                   "INSERT INTO blob_refs (hash, owner_kind, owner_id) VALUES (?1, ?2, ?3) "
                                   "ON CONFLICT (hash, owner_kind, owner_id) DO NOTHING"};
const Statement kOwnedBlobs{
    .id = "storage.owned_blobs",
    .sql =
        "SELECT r.hash, b.size FROM blob_refs r JOIN blobs b ON b.hash = r.hash WHERE r.owner_kind = ?1 AND "
        "r.owner_id = ?2 ORDER BY r.hash LIMIT ?3",
    .plan =
        "SEARCH r USING COVERING INDEX idx_blob_owner (owner_kind=? AND owner_id=?); SEARCH b USING INDEX "
        "sqlite_autoindex_blobs_1 (hash=?)"};
const Statement kBlobsOfOwner{
    .id = "storage.blobs_of_owner",
    .sql = "SELECT hash FROM blob_refs WHERE owner_kind = ?1 AND owner_id = ?2 AND hash > ?3 ORDER BY hash LIMIT ?4",
    .plan = "SEARCH blob_refs USING COVERING INDEX idx_blob_owner (owner_kind=? AND owner_id=? AND hash>?)"};
const Statement kDeleteBlobRef{.id = "storage.delete_blob_ref",
                               .access = Access::Write,
                               .sql = "DELETE FROM blob_refs WHERE hash = ?1 AND owner_kind = ?2 AND owner_id = ?3",
                               .plan = "SEARCH blob_refs USING PRIMARY KEY (hash=? AND owner_kind=? AND owner_id=?)",
                               .plan_exception = "never for many at once"};
const Statement kDeleteUnownedBlob{
    .id = "storage.delete_unowned_blob",
    .access = Access::Write,
    .sql = "DELETE FROM blobs WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM blob_refs r WHERE r.hash = blobs.hash)",
    .plan =
        "SEARCH blobs USING INDEX sqlite_autoindex_blobs_1 (hash=?); CORRELATED SCALAR SUBQUERY 1; SEARCH r USING "
        "PRIMARY KEY (hash=?)",
    .plan_exception = "never for many at once"};
const Statement kReadBlob{.id = "storage.read_blob",
                          .sql = "SELECT size, codec, body FROM blobs WHERE hash = ?1",
                          .plan = "SEARCH blobs USING INDEX sqlite_autoindex_blobs_1 (hash=?)"};
const Statement kReadStoreId{.id = "storage.read_store_id",
                             .sql = "SELECT value FROM store_meta WHERE name = 'store_id'",
                             .plan = "SEARCH store_meta USING PRIMARY KEY (name=?)"};
const Statement kInsertStoreId{
    .id = "storage.insert_store_id",
    .access = Access::Write,
    .sql = "INSERT INTO store_meta (name, value) VALUES ('store_id', ?1) ON CONFLICT (name) DO NOTHING"};

}  // namespace sql

StatementCatalogue::List own_statements() {
  static const Statement* const list[] = {
      &sql::kLoadEventClock,    &sql::kStoreEventClock, &sql::kInsertEvent,    &sql::kEventsAll,
      &sql::kEventsOfProject,   &sql::kEventsOfTask,    &sql::kReadEventClock, &sql::kEventsToPrune,
      &sql::kPruneEvents,       &sql::kMarkPruned,      &sql::kEventTime,      &sql::kSetEpoch,
      &sql::kInsertSample,      &sql::kForgetSamples,   &sql::kReadSamples,    &sql::kInsertBlob,
      &sql::kInsertBlobRef,     &sql::kOwnedBlobs,      &sql::kBlobsOfOwner,   &sql::kDeleteBlobRef,
      &sql::kDeleteUnownedBlob, &sql::kReadBlob,        &sql::kReadStoreId,    &sql::kInsertStoreId};
  return list;
}

}  // namespace wrench::storage
