#pragma once

#include "wrench/storage/statement.hpp"

/// Every SQL statement of the module.
namespace wrench::workflow::sql {

using storage::Statement;

// rows_load.cpp, rows_write.cpp
extern const Statement kTaskRow, kExecutionRow, kExecutionWithTask, kStepRow, kOpenSteps, kOpenIntents, kJournalTail,
    kBacklog, kPlanBody, kTimersOfExecution;
extern const Statement kInsertStep, kUpdateStep, kUpdateExecution, kUpdateProgress, kUpdateTask, kInsertReady,
    kDeleteReady, kSetTimer, kDeleteTimer, kDeleteTimersOfStep, kInsertJournal, kInsertIntent, kSetReceipt,
    kCloseEffects, kVoidEffects, kInsertValue;

// creation.cpp
extern const Statement kTaskByKey, kReleaseKey, kInsertTask, kInsertPlan, kInsertExecution, kNextTask, kNextExecution,
    kNextRepository, kRepository, kInsertRepository, kInsertDependency, kDependenciesOf, kDependencyStates, kDependents,
    kLatestExecution, kReopenTask, kSubmitTask, kInsertWorker, kDeleteWorker, kWorkers;

// queries.cpp
extern const Statement kTaskById, kTasksByIdSuffix, kTasksOfStatus, kExecutionsOfTask, kStepsOfExecution, kStepOfNode,
    kOpenChildren, kJournalPage, kJournalEntry, kNextOwner, kExecutionsOfOwner, kUnownedExecutions, kTaskInputs,
    kTaskPlanNotes, kValue, kEffect, kChildren, kIntentsOfStep, kReceiptsOfStep;
extern const storage::Statement kReceiptsOfStep;

// requests.cpp
extern const Statement kInsertRequest, kRequestsOfExecution, kOwnedRequests, kDeleteRequest;

// waits.cpp
extern const Statement kOpenWaits, kWaitById, kOpenWaitsBySuffix, kInsertWait, kDecideWait, kCloseWait, kFirstSignal,
    kDeleteSignal, kLastSignal, kSignalCount, kInsertSignal, kExecutionOpen, kWaitsOfExecution, kDecisionOfStep,
    kDecisionsOfExecution, kOwnedDecisions, kDelegateWait, kTaskOfExecution;

// shared_sql.cpp, of shared_work.cpp, creation.cpp and row_store.cpp
extern const Statement kJoinWorkers, kBeat, kLostWorker, kMarkWorkerLost, kStepsOfWorker, kDueTimers, kSharedBacklog,
    kQueuedStarts, kQueueLook, kLockExecution, kLockTask, kLabelledQueues, kOfferedLabels, kUnservedQueues, kUnserved,
    kUnservedRaised, kServed;
storage::StatementCatalogue::List of_shared_work();

// turns.cpp
extern const Statement kQueueHeads, kStartHead, kQueueTails, kKeepTail, kDropTail, kFlowOfExecution;
storage::StatementCatalogue::List of_turns();

// limits.cpp
extern const Statement kDueLimits, kQueueSize, kParkedKey;
storage::StatementCatalogue::List of_limits();

// budget/budgets.cpp
extern const Statement kCheckBudgets, kCheckLedger;
storage::StatementCatalogue::List of_budgets();

// dead_letters.cpp
storage::StatementCatalogue::List of_dead_letters();

// deletion.cpp
storage::StatementCatalogue::List of_deletion();

// forks.cpp
storage::StatementCatalogue::List of_forks();

// child_tasks.cpp
extern const Statement kChildrenOfStep, kParentTask;
storage::StatementCatalogue::List of_child_tasks();

// findings_sql.cpp, of findings_store.cpp and triage.cpp
extern const Statement kUpsertFinding, kFindingByFingerprint, kInsertSighting, kFindingsOfExecution, kFindingsOfState,
    kFindingByNo, kFindingsByShortId, kFindingsByShortFingerprint;
extern const Statement kFindingDecided, kSetFindingState, kNextTriage, kInsertTriage, kUndoTriage, kTriageOf,
    kTriageHistory, kDismissalsOfRepository, kReportedFingerprints, kFindingRow, kFindingNoById, kMoveSightings,
    kDeleteFinding, kMoveFinding, kSetLatestReview, kRepositoryByNo;
storage::StatementCatalogue::List of_findings();

// memory_sql.cpp, of memory.cpp and memory_index.cpp
extern const Statement kInsertMemory, kMemoryByContent, kMemoryById, kMemoriesByShortId, kMemoryByNo, kMemoriesOfScope,
    kMemoryAtOrAfter, kMemoryTop, kMemoriesBeyond, kMemoriesExpired, kSupersedeMemory, kDeleteMemory, kInsertTombstone;
extern const Statement kInsertMemoryWords, kDeleteMemoryWords, kMemoryRowsOfWord, kMemorySearch, kMemorySearchNewest,
    kMemoryNewest;
extern const Statement kMemoryBlocks, kPutMemoryBlock, kDeleteMemoryBlock;
storage::StatementCatalogue::List of_memory();

}  // namespace wrench::workflow::sql
