#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::workflow::sql {

extern const storage::Statement kUsageEntries;
extern const storage::Statement kRecoveryEntries;
extern const storage::Statement kWorkerRows;
extern const storage::Statement kQueueDepth;
extern const storage::Statement kTasksWithStatus;
extern const storage::Statement kOpenStates;

storage::StatementCatalogue::List of_monitor();

}  // namespace wrench::workflow::sql
