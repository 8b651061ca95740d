#include "postgres_statements.hpp"

#include <algorithm>

namespace wrench::storage {
namespace postgres {

#define WRENCH_NOW_US "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"

const Statement kRegisterWriter{
    .id = "storage.register_writer",
    .access = Access::Write,
    .sql = "INSERT INTO store_writers AS w (writer, flush_no, seen_at) VALUES (?1, 0, " WRENCH_NOW_US
           ") ON CONFLICT (writer) DO UPDATE SET seen_at = excluded.seen_at "
           "RETURNING w.flush_no, (SELECT epoch FROM event_clock WHERE id = 1), "
           "(SELECT value FROM store_meta WHERE name = 'store_id')"};
const Statement kSweepWriters{.id = "storage.sweep_writers",
                              .access = Access::Write,
                              .sql = "DELETE FROM store_writers WHERE seen_at < " WRENCH_NOW_US " - ?1",
                              .plan_exception = "one row for each process that has the store open"};
const Statement kForgetWriter{
    .id = "storage.forget_writer", .access = Access::Write, .sql = "DELETE FROM store_writers WHERE writer = ?1"};
const Statement kBeginFlush{.id = "storage.begin_flush",
                            .access = Access::Write,
                            .sql = "UPDATE store_writers SET flush_no = ?2, seen_at = " WRENCH_NOW_US
                                   " WHERE writer = ?1 RETURNING greatest(seen_at, "
                                   "(SELECT last_at FROM event_clock WHERE id = 1))"};
// The numbers of events are given out last, right before COMMIT and sent with it: whoever has number n has committed,
// and can be read, before anybody gets n + 1.
const Statement kAppendEvents{
    .id = "storage.append_events",
    .access = Access::Write,
    .sql =
        "WITH clock AS (UPDATE event_clock SET next = next + cardinality(CAST(?1 AS BIGINT[])), "
        "last_at = greatest(last_at, (CAST(?1 AS BIGINT[]))[1]) WHERE id = 1 RETURNING next), "
        "added AS (INSERT INTO events (seq, at, type, project_id, task_id, subject_kind, subject_id, actor, version, "
        "payload, trace_id) SELECT clock.next - cardinality(CAST(?1 AS BIGINT[])) + e.n - 1, e.at, e.type, "
        "e.project_id, e.task_id, e.subject_kind, e.subject_id, e.actor, e.version, e.payload, e.trace_id "
        "FROM clock, (SELECT unnest(CAST(?1 AS BIGINT[])) AS at, unnest(CAST(?2 AS TEXT[])) AS type, "
        "unnest(CAST(?3 AS BIGINT[])) AS project_id, unnest(CAST(?4 AS BIGINT[])) AS task_id, "
        "unnest(CAST(?5 AS TEXT[])) AS subject_kind, unnest(CAST(?6 AS TEXT[])) AS subject_id, "
        "unnest(CAST(?7 AS TEXT[])) AS actor, unnest(CAST(?8 AS BIGINT[])) AS version, "
        "unnest(CAST(?9 AS TEXT[])) AS payload, unnest(CAST(?10 AS TEXT[])) AS trace_id, "
        "generate_subscripts(CAST(?1 AS BIGINT[]), 1) AS n) AS e) "
        "SELECT next - 1 FROM clock"};
const Statement kTryLock{
    .id = "storage.try_lock", .access = Access::Write, .sql = "SELECT pg_try_advisory_xact_lock(?1)"};
const Statement kLimitTime{.id = "storage.limit_time", .sql = "SELECT set_config('statement_timeout', ?1, true)"};
const Statement kAllowTime{.id = "storage.allow_time",
                           .sql =
                               "SELECT set_config('statement_timeout', ?1, true), "
                               "set_config('idle_in_transaction_session_timeout', ?1, true)"};

const Statement kFreshSamples{
    .id = "storage.fresh_samples",
    .sql = "SELECT count(*) FROM db_samples WHERE kind = 'minute' AND at > " WRENCH_NOW_US " - 60000000"};

#undef WRENCH_NOW_US

const Statement kNotedBackups{
    .id = "storage.noted_backups",
    .sql =
        "SELECT digest, name, host, folder, bytes, created_at, verified_at, verify_us, age_us "
        "FROM backups ORDER BY created_at DESC LIMIT ?1",
    .plan_exception = "one row for each backup that is kept"};
const Statement kNoteBackup{.id = "storage.note_backup",
                            .access = Access::Write,
                            .sql =
                                "INSERT INTO backups (digest, name, host, folder, bytes, created_at) VALUES (?1, ?2, "
                                "?3, ?4, ?5, ?6) ON CONFLICT (digest) DO NOTHING"};
const Statement kNoteVerification{
    .id = "storage.note_verification",
    .access = Access::Write,
    .sql = "UPDATE backups SET verified_at = ?2, verify_us = ?3, age_us = ?4 WHERE digest = ?1"};
const Statement kForgetBackup{
    .id = "storage.forget_backup", .access = Access::Write, .sql = "DELETE FROM backups WHERE digest = ?1"};

}  // namespace postgres

StatementCatalogue::List postgres_statements() {
  static const Statement* const list[] = {
      &postgres::kRegisterWriter, &postgres::kSweepWriters, &postgres::kForgetWriter, &postgres::kBeginFlush,
      &postgres::kAppendEvents,   &postgres::kTryLock,      &postgres::kLimitTime,    &postgres::kAllowTime,
      &postgres::kFreshSamples,   &postgres::kNotedBackups, &postgres::kNoteBackup,   &postgres::kNoteVerification,
      &postgres::kForgetBackup};
  return list;
}

bool is_postgres_statement(const Statement& statement) {
  const StatementCatalogue::List own = postgres_statements();
  return std::find(own.begin(), own.end(), &statement) != own.end();
}

}  // namespace wrench::storage
