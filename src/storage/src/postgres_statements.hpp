#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::storage {

/// What the PostgreSQL driver itself runs: in its dialect only, on every store.
StatementCatalogue::List postgres_statements();
bool is_postgres_statement(const Statement& statement);

namespace postgres {
/// -> flush_no as committed last, epoch, store id. Waits for whoever has the row.
extern const Statement kRegisterWriter;
extern const Statement kSweepWriters;
extern const Statement kForgetWriter;
/// -> the time of the flush. The row stays locked until the flush ends.
extern const Statement kBeginFlush;
/// Takes arrays, one place for each event. -> seq of the last one.
extern const Statement kAppendEvents;
extern const Statement kTryLock;
extern const Statement kLimitTime;
extern const Statement kAllowTime;
/// Of the last minute.
extern const Statement kFreshSamples;
extern const Statement kNotedBackups;
extern const Statement kNoteBackup;
extern const Statement kNoteVerification;
extern const Statement kForgetBackup;
}  // namespace postgres

}  // namespace wrench::storage
