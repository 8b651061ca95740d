#include "schedule_rows.hpp"
#include "turns.hpp"

#include <utility>

#include "../creation.hpp"
#include "../shared_work.hpp"
#include "../sql.hpp"
#include "schedule_sql.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::workflow::schedule_rows {

using codec::Json;
using schedule::Decision;
using schedule::Fire;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::string_view kNotPlanned = "not_planned";
constexpr std::size_t kErrorBytesMax = 1000;

Bind text_or_null(const std::string& text) { return text.empty() ? Bind(std::nullopt) : Bind(text); }

std::string key_of(const Schedule& schedule, Micros fire_at) {
  return "sched:" + schedule.schedule_id + ":" + std::to_string(fire_at);
}

/// The task of one time: made now, or made before its row was forgotten.
Result<TaskReceipt> create_task(WriteTx& tx, const Schedule& schedule, Micros fire_at, creation::Numbers& numbers,
                                turns::Starts& starts, const Firing& firing) {
  Creation one = **firing.planned;
  one.task.idempotency_key = key_of(schedule, fire_at);
  const Rows before = WRENCH_TRY(tx.query(sql::kTaskByKey, {one.task.project_id, one.task.idempotency_key}));
  if (!before.empty()) {
    TaskReceipt receipt;
    receipt.task_no = before.front().integer(0);
    receipt.task_id = before.front().text(1);
    receipt.existed = true;
    return receipt;
  }
  one.task_id = make_id("tsk", firing.clock, firing.random);
  one.execution_id = make_id("exe", firing.clock, firing.random);
  if (!one.task.metadata.is_object()) one.task.metadata = Json::object();
  one.task.metadata.set("schedule", Json::object({{"schedule_id", schedule.schedule_id},
                                                  {"name", schedule.what.name},
                                                  {"fire_at", format_rfc3339(fire_at)}}));
  auto created = WRENCH_TRY(creation::create(tx, one, numbers, false));
  if (firing.ownership == Ownership::Shared) starts.add(created.receipt.execution_no);
  return std::move(created.receipt);
}

Result<void> prune(WriteTx& tx, std::int64_t schedule_no) {
  const Rows old = WRENCH_TRY(tx.query(sql::kOldRun, {schedule_no, kScheduleRunsKept}));
  if (!old.empty()) WRENCH_TRY(tx.exec(sql::kDeleteOldRuns, {schedule_no, old.front().integer(0)}));
  return {};
}

Json told(const ScheduleReport& report) {
  Json tasks = Json::array();
  for (const auto& receipt : report.begun) tasks.push_back(receipt.task_id);
  Json out = Json::object({{"tasks", std::move(tasks)},
                           {"waiting", static_cast<std::int64_t>(report.waiting)},
                           {"skipped", report.skipped},
                           {"missed", report.missed}});
  if (report.not_planned) out.set("error", report.not_planned->code);
  if (!report.paused.empty()) out.set("paused", report.paused);
  return out;
}

}  // namespace

Result<Schedule> schedule_from(const Rows::Row& row) {
  Schedule out;
  out.no = row.integer(0);
  out.schedule_id = row.text(1);
  out.what.project_id = row.integer(2);
  out.what.name = row.text(3);
  out.what.spec = row.text(4);
  out.what.zone = row.text(5);
  out.what.overlap = WRENCH_TRY(parse_overlap(row.text(6)));
  out.what.catchup = row.integer(7);
  out.what.jitter = row.integer(8);
  out.what.failures_max = row.integer(9);
  out.what.task_template = WRENCH_TRY(codec::parse_json(row.text(10)));
  out.what.created_by = row.text(11);
  out.created_at = row.integer(12);
  out.updated_at = row.integer(13);
  out.fire_at = row.optional_integer(14);
  out.next_at = row.optional_integer(15);
  out.paused = row.integer(16) != 0;
  out.pause_reason = row.text_or_empty(17);
  out.failures = row.integer(18);
  out.fired = row.integer(19);
  out.skipped = row.integer(20);
  out.missed = row.integer(21);
  out.last_fire_at = row.optional_integer(22);
  out.version = row.integer(23);
  return out;
}

Result<void> insert(WriteTx& tx, const Schedule& schedule) {
  const ScheduleDraft& what = schedule.what;
  WRENCH_TRY(tx.exec(sql::kInsertSchedule,
                     {schedule.schedule_id, what.project_id, what.name, what.spec, what.zone, name(what.overlap),
                      what.catchup, what.jitter, what.failures_max, codec::write_json(what.task_template),
                      what.created_by, schedule.created_at, schedule.fire_at, schedule.next_at}));
  return {};
}

Result<void> update(WriteTx& tx, Schedule& schedule) {
  schedule.updated_at = tx.now();
  const auto changed =
      WRENCH_TRY(tx.exec(sql::kUpdateSchedule,
                         {schedule.fire_at, schedule.next_at, schedule.paused ? 1 : 0,
                          text_or_null(schedule.pause_reason), schedule.failures, schedule.fired, schedule.skipped,
                          schedule.missed, schedule.last_fire_at, schedule.updated_at, schedule.no, schedule.version}));
  if (changed == 0)
    return Error("workflow.version_conflict", "the schedule " + schedule.what.name + " was changed meanwhile");
  ++schedule.version;
  return {};
}

Result<void> announce(WriteTx& tx, const Schedule& schedule, std::string_view type, std::string_view actor,
                      Json payload) {
  payload.set("name", schedule.what.name);
  storage::EventDraft event;
  event.type = type;
  event.project_id = schedule.what.project_id;
  event.subject_kind = "schedule";
  event.subject_id = schedule.schedule_id;
  event.actor = actor;
  event.version = schedule.version;
  event.payload = codec::write_json(payload);
  return tx.append_event(event);
}

Result<std::vector<schedule::RunRow>> unended_runs(ReadTx& tx, std::int64_t schedule_no) {
  std::vector<schedule::RunRow> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kRunsOfSchedule, {schedule_no}));
  for (const auto row : rows) {
    schedule::RunRow run;
    run.fire_at = row.integer(0);
    run.state = static_cast<RunState>(row.integer(1));
    run.origin = row.text(2);
    run.cancels = row.integer(3) != 0;
    run.task_id = row.text_or_empty(4);
    if (!row.is_null(5)) run.task_state = parse_task_state(row.text(5));
    out.push_back(std::move(run));
  }
  return out;
}

Result<bool> has_run(ReadTx& tx, std::int64_t schedule_no, Micros fire_at) {
  return !WRENCH_TRY(tx.query(sql::kRun, {schedule_no, fire_at})).empty();
}

Result<std::vector<ScheduleRun>> last_runs(ReadTx& tx, std::int64_t schedule_no, std::size_t limit) {
  std::vector<ScheduleRun> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kLastRuns, {schedule_no, limit}));
  for (const auto row : rows)
    out.push_back({.fire_at = row.integer(0),
                   .state = static_cast<RunState>(row.integer(1)),
                   .origin = std::string(row.text(2)),
                   .task_id = std::string(row.text_or_empty(3)),
                   .outcome = std::string(row.text_or_empty(4)),
                   .error = std::string(row.text_or_empty(5)),
                   .at = row.integer(6)});
  return out;
}

namespace {

Result<void> insert_run(WriteTx& tx, const Schedule& schedule, const Fire& fire) {
  WRENCH_TRY(tx.exec(sql::kInsertRun, {schedule.no, fire.fire_at, static_cast<int>(RunState::Waiting), fire.origin,
                                       fire.cancels ? 1 : 0, tx.now()}));
  return {};
}

Result<void> begin_run(WriteTx& tx, Schedule& schedule, const Fire& fire, creation::Numbers& numbers,
                       turns::Starts& starts, const Firing& firing, ScheduleReport& report) {
  if (!fire.waited) WRENCH_TRY(insert_run(tx, schedule, fire));
  WRENCH_ASSERT(firing.planned != nullptr);
  if (!firing.planned->ok()) {
    const Error& error = firing.planned->error();
    const std::string why = repair_utf8((error.code + ": " + error.message).substr(0, kErrorBytesMax));
    WRENCH_TRY(tx.exec(sql::kEndRun, {kNotPlanned, why, schedule.no, fire.fire_at}));
    ++schedule.failures;
    report.not_planned = error;
    return {};
  }
  auto receipt = WRENCH_TRY(create_task(tx, schedule, fire.fire_at, numbers, starts, firing));
  WRENCH_TRY(tx.exec(sql::kBeginRun, {receipt.task_no, tx.now(), schedule.no, fire.fire_at}));
  if (!receipt.existed) report.begun.push_back(std::move(receipt));
  return {};
}

}  // namespace

Result<ScheduleReport> write(WriteTx& tx, const Schedule& before, Decision decision, const Firing& firing) {
  Schedule& after = decision.after;
  ScheduleReport report;
  report.schedule_id = after.schedule_id;
  report.name = after.what.name;
  report.cancel = std::move(decision.cancel);
  if (!decision.changed) return report;
  report.waiting = decision.wait.size();
  report.skipped = after.skipped - before.skipped;
  report.missed = after.missed - before.missed;
  for (const auto& [fire_at, state] : decision.ended)
    WRENCH_TRY(tx.exec(sql::kEndRun, {name(state), std::nullopt, after.no, fire_at}));
  for (const Micros fire_at : decision.dropped) WRENCH_TRY(tx.exec(sql::kDeleteRun, {after.no, fire_at}));
  for (const Fire& fire : decision.wait) WRENCH_TRY(insert_run(tx, after, fire));
  creation::Numbers numbers;
  turns::Starts starts;
  for (const Fire& fire : decision.begin) WRENCH_TRY(begin_run(tx, after, fire, numbers, starts, firing, report));
  WRENCH_TRY(starts.write(tx));
  schedule::pause_after_failures(decision);
  if (after.paused && !before.paused) report.paused = after.pause_reason;
  WRENCH_TRY(prune(tx, after.no));
  WRENCH_TRY(update(tx, after));
  if (!report.empty())
    WRENCH_TRY(
        announce(tx, after, report.paused.empty() ? "schedule.fired" : "schedule.paused", "system", told(report)));
  return report;
}

}  // namespace wrench::workflow::schedule_rows
