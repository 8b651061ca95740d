#pragma once

#include <span>
#include <vector>

#include "schedule_decision.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

/// Schedules to and from SQL.
namespace wrench::workflow::schedule_rows {

Result<Schedule> schedule_from(const storage::Rows::Row& row);
Result<void> insert(storage::WriteTx& tx, const Schedule& schedule);
/// Raises the version. Errors: workflow.version_conflict.
Result<void> update(storage::WriteTx& tx, Schedule& schedule);
Result<void> announce(storage::WriteTx& tx, const Schedule& schedule, std::string_view type, std::string_view actor,
                      codec::Json payload);

/// Those that wait or are open.
Result<std::vector<schedule::RunRow>> unended_runs(storage::ReadTx& tx, std::int64_t schedule_no);
Result<bool> has_run(storage::ReadTx& tx, std::int64_t schedule_no, Micros fire_at);
Result<std::vector<ScheduleRun>> last_runs(storage::ReadTx& tx, std::int64_t schedule_no, std::size_t limit);

/// What the times that begin get.
struct Firing {
  const Result<Creation>* planned = nullptr;  ///< A task, or why there is none; null: nothing begins.
  Ownership ownership = Ownership::Exclusive;
  const Clock& clock;
  Random& random;
};
/// Writes a decision about a schedule whose row is locked: its runs and their tasks, the row, one event.
Result<ScheduleReport> write(storage::WriteTx& tx, const Schedule& before, schedule::Decision decision,
                             const Firing& firing);

}  // namespace wrench::workflow::schedule_rows
