#include "wrench/workflow/schedules.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "../creation.hpp"
#include "../stored_text.hpp"
#include "schedule_decision.hpp"
#include "schedule_rows.hpp"
#include "schedule_sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::size_t kTurnSchedulesMax = 100;  ///< That are due; more in the next turn.
constexpr int kPlansMax = 3;  ///< Of one schedule in one turn: others may change what it needs meanwhile.
constexpr std::size_t kIdBytesMax = 64;
constexpr Micros kAskClockEvery = 600 * kMicrosPerSecond;  ///< PostgreSQL's.

constexpr std::string_view kOverlaps[] = {"skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"};

Error invalid(std::string message) { return {"workflow.invalid_schedule", std::move(message)}; }

Error not_found(std::string_view name) {
  return Error("workflow.schedule_not_found",
               "there is no schedule '" + escape_for_display(name.substr(0, kIdBytesMax)) + "'")
      .with_help("wrench schedule list");
}

bool is_schedule_name(std::string_view name) {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kScheduleNameBytesMax && is_word(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; });
}

Result<void> check_time(std::string_view what, Micros value, Micros max) {
  if (value >= 0 && value <= max) return {};
  return invalid(std::string(what) + " is 0 to " + format_duration(max));
}

Result<void> check(const ScheduleDraft& draft) {
  if (!is_schedule_name(draft.name))
    return invalid("a schedule's name has 1 to " + std::to_string(kScheduleNameBytesMax) +
                   " of a-z, 0-9, '.', '_', '-' and begins with a letter or digit, not '" +
                   escape_for_display(draft.name.substr(0, kIdBytesMax)) + "'");
  WRENCH_TRY(check_time("the catch-up window", draft.catchup, kScheduleCatchupMax));
  WRENCH_TRY(check_time("the jitter", draft.jitter, kScheduleJitterMax));
  if (draft.failures_max < 0 || draft.failures_max > kScheduleFailuresMax)
    return invalid("the failures until it pauses are 0 (never) to " + std::to_string(kScheduleFailuresMax));
  if (holds_nul(draft.task_template)) return invalid("what is to be done holds U+0000");
  if (codec::write_json(draft.task_template).size() > kScheduleTemplateBytesMax)
    return invalid("what is to be done has more than " + format_bytes(kScheduleTemplateBytesMax));
  return {};
}

Result<Schedule> locked(WriteTx& tx, std::int64_t no) {
  const Bind key(no);
  const Rows rows = WRENCH_TRY(tx.query_many(sql::kScheduleByNo, 1, {&key, 1}, storage::RowLock::ForUpdate));
  if (rows.empty()) return not_found("#" + std::to_string(no));
  return schedule_rows::schedule_from(rows.front());
}

Result<schedule::Decision> decide(ReadTx& tx, const Schedule& one, const schedule::Asked* asked, Micros now) {
  const auto runs = WRENCH_TRY(schedule_rows::unended_runs(tx, one.no));
  Result<void> looked;
  const auto taken = [&](Micros fire_at) {
    const auto found = schedule_rows::has_run(tx, one.no, fire_at);
    if (!found && looked) looked = found.error();
    return found && *found;
  };
  auto decision = schedule::decide(one, runs, asked, taken, now);
  WRENCH_TRY(looked);
  return decision;
}

}  // namespace

struct Schedules::Asked : schedule::Asked {};

std::string_view name(Overlap overlap) { return kOverlaps[static_cast<std::size_t>(overlap)]; }

Result<Overlap> parse_overlap(std::string_view word) {
  if (const auto* found = std::ranges::find(kOverlaps, word); found != std::end(kOverlaps))
    return static_cast<Overlap>(found - std::begin(kOverlaps));
  if (word == "terminate_other")
    return invalid(
        "a step that runs is never killed under its effects, so there is no terminate_other; cancel_other asks it to "
        "stop, and after 10 s goes on without it");
  return invalid("an overlap is skip, buffer_one, buffer_all, cancel_other or allow_all, not '" +
                 escape_for_display(word) + "'");
}

Schedules::Schedules(storage::Store& store, const Clock& clock, Random& random, TaskPlanner planner)
    : store_(store), clock_(clock), random_(random), planner_(std::move(planner)) {}

Result<Schedule> Schedules::create(ScheduleDraft draft) {
  WRENCH_TRY(check(draft));
  const auto spec = WRENCH_TRY(ScheduleSpec::parse(draft.spec));
  const auto zone = WRENCH_TRY(TimeZone::find(draft.zone));
  Schedule out;
  out.schedule_id = make_id("sch", clock_, random_);
  out.what = std::move(draft);
  WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
    out.created_at = out.updated_at = tx.now();
    out.version = 1;
    schedule::move_on(out, spec, zone, tx.now());
    if (!out.fire_at) return invalid("'" + escape_for_display(out.what.spec) + "' is over: it never fires again");
    if (!WRENCH_TRY(tx.query(sql::kNthSchedule, {out.what.project_id, kSchedulesMax - 1})).empty())
      return invalid("there are " + std::to_string(kSchedulesMax) + " schedules already");
    if (!WRENCH_TRY(tx.query(sql::kScheduleByName, {out.what.project_id, out.what.name})).empty())
      return Error("workflow.schedule_exists", "there is a schedule '" + out.what.name + "' already")
          .with_help("wrench schedule show " + out.what.name);
    WRENCH_TRY(schedule_rows::insert(tx, out));
    return schedule_rows::announce(tx, out, "schedule.created", out.what.created_by,
                                   Json::object({{"spec", out.what.spec}}));
  }));
  return find(out.schedule_id);
}

Result<std::vector<Schedule>> Schedules::list() {
  return store_.read([](ReadTx& tx) -> Result<std::vector<Schedule>> {
    std::vector<Schedule> out;
    const Rows rows = WRENCH_TRY(tx.query(sql::kSchedules, {kDefaultProject, kSchedulesMax}));
    for (const auto row : rows) out.push_back(WRENCH_TRY(schedule_rows::schedule_from(row)));
    return out;
  });
}

Result<Schedule> Schedules::find(std::string_view id_or_name) {
  if (id_or_name.size() > kIdBytesMax) return not_found(id_or_name);
  return store_.read([&](ReadTx& tx) -> Result<Schedule> {
    Rows rows = WRENCH_TRY(tx.query(sql::kScheduleByName, {kDefaultProject, id_or_name}));
    if (rows.empty()) rows = WRENCH_TRY(tx.query(sql::kScheduleByPublicId, {id_or_name}));
    if (rows.empty()) return not_found(id_or_name);
    return schedule_rows::schedule_from(rows.front());
  });
}

Result<std::vector<ScheduleRun>> Schedules::runs(const Schedule& schedule, std::size_t limit) {
  return store_.read([&](ReadTx& tx) {
    return schedule_rows::last_runs(tx, schedule.no, std::min(limit, kScheduleOpenMax + kScheduleWaitingMax));
  });
}

Result<Schedule> Schedules::change(const Schedule& schedule, std::string_view event, std::string_view actor,
                                   const std::function<Result<void>(Schedule&, Micros now)>& body) {
  Schedule out = schedule;
  WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
    out = WRENCH_TRY(locked(tx, schedule.no));
    if (out.version != schedule.version)
      return Error("workflow.version_conflict", "the schedule " + out.what.name + " has changed: it is at version " +
                                                    std::to_string(out.version) + ", not " +
                                                    std::to_string(schedule.version))
          .with_help("wrench schedule show " + out.what.name);
    WRENCH_TRY(body(out, tx.now()));
    WRENCH_TRY(schedule_rows::update(tx, out));
    return schedule_rows::announce(tx, out, event, actor, Json::object({{"reason", out.pause_reason}}));
  }));
  return out;
}

Result<Schedule> Schedules::pause(const Schedule& schedule, std::string_view reason, std::string_view actor) {
  if (!is_stored_text(reason, kCommentBytesMax))
    return invalid("a reason is UTF-8 text of at most " + format_bytes(kCommentBytesMax));
  if (schedule.paused) return schedule;
  return change(schedule, "schedule.paused", actor, [&](Schedule& one, Micros) -> Result<void> {
    one.paused = true;
    one.pause_reason = reason;
    return {};
  });
}

Result<Schedule> Schedules::resume(const Schedule& schedule, std::string_view actor) {
  if (!schedule.paused) return schedule;
  return change(schedule, "schedule.resumed", actor, [](Schedule& one, Micros now) -> Result<void> {
    const auto spec = WRENCH_TRY(ScheduleSpec::parse(one.what.spec));
    const auto zone = WRENCH_TRY(TimeZone::find(one.what.zone));
    schedule::move_on(one, spec, zone, now);
    one.paused = false;
    one.pause_reason.clear();
    one.failures = 0;
    return {};
  });
}

Result<void> Schedules::remove(const Schedule& schedule, std::string_view actor) {
  return store_.write([&](WriteTx& tx) -> Result<void> {
    if (WRENCH_TRY(tx.exec(sql::kDeleteSchedule, {schedule.no, schedule.version})) == 0)
      return Error("workflow.version_conflict", "the schedule " + schedule.what.name + " was changed meanwhile");
    return schedule_rows::announce(tx, schedule, "schedule.deleted", actor, Json::object());
  });
}

Result<Micros> Schedules::now_us() {
  if (store_.dialect() == storage::Dialect::Sqlite) return clock_.now_us();
  // The database's clock is told by transactions only. Between them the time since boot goes on evenly.
  if (!database_clock_ || clock_.boot_us() - database_clock_->asked_at > kAskClockEvery)
    WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
      const Micros boot = clock_.boot_us();
      database_clock_ = DatabaseClock{tx.now() - boot, boot};
      return {};
    }));
  return clock_.boot_us() + database_clock_->since_boot;
}

Result<ScheduleReport> Schedules::fire(std::int64_t no, const Asked* asked) {
  const Ownership ownership = store_.dialect() == storage::Dialect::Postgres ? Ownership::Shared : Ownership::Exclusive;
  std::optional<Result<Creation>> planned;
  for (int tries = 0; tries <= kPlansMax; ++tries) {
    std::optional<Schedule> to_plan;
    ScheduleReport report;
    WRENCH_TRY(store_.write([&](WriteTx& tx) -> Result<void> {
      to_plan.reset();
      const Schedule before = WRENCH_TRY(locked(tx, no));
      auto decision = WRENCH_TRY(decide(tx, before, asked, tx.now()));
      if (!decision.begin.empty() && !planned) {
        to_plan = before;
        return {};
      }
      report = WRENCH_TRY(schedule_rows::write(tx, before, std::move(decision),
                                               {planned ? &*planned : nullptr, ownership, clock_, random_}));
      return {};
    }));
    if (!to_plan) return report;
    auto task = planner_(*to_plan);
    if (task) {
      task->created_by = "schedule:" + to_plan->what.name;
      task->project_id = to_plan->what.project_id;
      planned = creation::prepare(std::move(*task), clock_, random_);
    } else {
      planned = Result<Creation>(std::move(task).error());
    }
  }
  return Error("workflow.conflict", "the schedule changed again and again");
}

Result<ScheduleReport> Schedules::trigger(const Schedule& schedule, std::optional<Overlap> overlap) {
  Asked asked;
  asked.origin = schedule::kTrigger;
  asked.overlap = overlap.value_or(schedule.what.overlap);
  asked.times = {WRENCH_TRY(now_us())};
  return fire(schedule.no, &asked);
}

Result<ScheduleReport> Schedules::backfill(const Schedule& schedule, Micros from, Micros to, Overlap overlap) {
  const Micros now = WRENCH_TRY(now_us());
  if (to > now || from > to)
    return invalid("a backfill goes from an earlier time to a later one, which isn't in the future");
  const auto spec = WRENCH_TRY(ScheduleSpec::parse(schedule.what.spec));
  const auto zone = WRENCH_TRY(TimeZone::find(schedule.what.zone));
  Asked asked;
  asked.origin = schedule::kBackfill;
  asked.overlap = overlap;
  for (auto at = spec.next_after(from - 1, zone); at && *at <= to; at = spec.next_after(*at, zone)) {
    if (asked.times.size() == kBackfillTimesMax)
      return invalid("a backfill has at most " + std::to_string(kBackfillTimesMax) + " times: the last would be " +
                     format_rfc3339(asked.times.back()));
    asked.times.push_back(*at);
  }
  if (asked.times.empty()) return invalid("the schedule has no time from then to then");
  return fire(schedule.no, &asked);
}

Result<ScheduleTurn> Schedules::turn() {
  ScheduleTurn out;
  const Micros wall_since_boot = clock_.now_us() - clock_.boot_us();
  if (wall_since_boot_ && std::abs(wall_since_boot - *wall_since_boot_) > kClockJump)
    out.clock_jump = wall_since_boot - *wall_since_boot_;
  wall_since_boot_ = wall_since_boot;
  const Micros now = WRENCH_TRY(now_us());
  std::set<std::int64_t> to_fire;
  WRENCH_TRY(store_.read([&](ReadTx& tx) -> Result<void> {
    const auto add = [&](const Rows& rows) {
      for (const auto row : rows) to_fire.insert(row.integer(0));
    };
    add(WRENCH_TRY(tx.query(sql::kDueSchedules, {now, kTurnSchedulesMax})));
    add(WRENCH_TRY(tx.query(sql::kEndedRuns)));
    add(WRENCH_TRY(tx.query(sql::kIdleWaits)));
    if (!looked_) add(WRENCH_TRY(tx.query(sql::kCancellingWaits)));
    return {};
  }));
  looked_ = true;
  for (const std::int64_t no : to_fire) {
    auto report = fire(no, nullptr);
    // Deleted meanwhile.
    if (!report && report.error().code == "workflow.schedule_not_found") continue;
    if (!report) return std::move(report).error();
    if (!report->empty() || !report->cancel.empty()) out.reports.push_back(std::move(*report));
  }
  WRENCH_TRY(store_.read([&](ReadTx& tx) -> Result<void> {
    const Rows next = WRENCH_TRY(tx.query(sql::kNextSchedule));
    if (!next.empty()) out.next_at = next.front().integer(0);
    return {};
  }));
  return out;
}

}  // namespace wrench::workflow
