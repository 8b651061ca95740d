#pragma once

#include "wrench/storage/statement.hpp"

namespace wrench::workflow::sql {

using storage::Statement;

// Of schedule_rows.cpp and schedules.cpp.
extern const Statement kInsertSchedule, kScheduleByNo, kScheduleByPublicId, kScheduleByName, kSchedules, kNthSchedule,
    kUpdateSchedule, kDeleteSchedule;
extern const Statement kDueSchedules, kNextSchedule, kEndedRuns, kIdleWaits, kCancellingWaits;
extern const Statement kRunsOfSchedule, kRun, kInsertRun, kBeginRun, kEndRun, kDeleteRun, kLastRuns, kOldRun,
    kDeleteOldRuns;
storage::StatementCatalogue::List of_schedules();

}  // namespace wrench::workflow::sql
