#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::workflow::sql {

using storage::Statement;

extern const Statement kRetentionNow, kRetentionRows, kRetentionLook, kNoteLook, kNoteRemoved;
/// When the first of them became old, or becomes dead.
extern const Statement kFirstStream, kFirstClosedMessage, kFirstExpiringMessage, kFirstSuperseded, kFirstExpiringMemory;
/// How many became old until then.
extern const Statement kCountStreams, kCountMessages, kCountSuperseded, kCountExpiredMemory;
extern const Statement kMemoriesSuperseded;
extern const Statement kClaimLook, kEndedTasks;
storage::StatementCatalogue::List of_retention();

}  // namespace wrench::workflow::sql
