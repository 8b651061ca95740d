#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::storage {

/// The statements of this module itself; every store has them.
StatementCatalogue::List own_statements();

namespace sql {
extern const Statement kLoadEventClock;
extern const Statement kStoreEventClock;
extern const Statement kInsertEvent;
extern const Statement kEventsAll;
extern const Statement kEventsOfProject;
extern const Statement kEventsOfTask;
extern const Statement kReadEventClock;
extern const Statement kEventsToPrune;
extern const Statement kPruneEvents;
extern const Statement kMarkPruned;
extern const Statement kEventTime;
extern const Statement kSetEpoch;
extern const Statement kInsertSample, kForgetSamples, kReadSamples;
extern const Statement kInsertBlob;
extern const Statement kInsertBlobRef;
extern const Statement kOwnedBlobs, kBlobsOfOwner, kDeleteBlobRef, kDeleteUnownedBlob;
extern const Statement kReadBlob;
extern const Statement kReadStoreId;
extern const Statement kInsertStoreId;
}  // namespace sql

}  // namespace wrench::storage
