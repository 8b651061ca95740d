#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/schedule_spec.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kSchedulesMax = 1'000;  ///< In a project.
inline constexpr std::size_t kScheduleNameBytesMax = 64;
inline constexpr std::size_t kScheduleTemplateBytesMax = 2 * 1024 * 1024;
inline constexpr Micros kScheduleCatchup = 3600 * kMicrosPerSecond;  ///< Default.
inline constexpr Micros kScheduleCatchupMax = 366 * kMicrosPerDay;
inline constexpr Micros kScheduleJitterMax = kMicrosPerDay;
inline constexpr std::int64_t kScheduleFailuresMax = 1'000;    ///< In a row, at most, until it pauses.
inline constexpr std::size_t kScheduleOpenMax = 1'000;         ///< Tasks of one schedule; more are skipped.
inline constexpr std::size_t kScheduleWaitingMax = 1'000;      ///< Times that wait for a task to end; more are skipped.
inline constexpr std::size_t kBackfillTimesMax = 1'000;        ///< Of one backfill.
inline constexpr std::size_t kScheduleRunsKept = 100;          ///< Of those that ended.
inline constexpr std::size_t kFireTimesMax = 100;              ///< Of one schedule in one transaction.
inline constexpr std::size_t kMissedCountedMax = 10'000;       ///< In one transaction; more are counted as so many.
inline constexpr Micros kClockJump = 3600 * kMicrosPerSecond;  ///< Smaller ones aren't worth a word.

/// What happens at a time of the schedule while an earlier task of it is open.
enum class Overlap : std::uint8_t {
  Skip,         ///< Nothing; it is counted.
  BufferOne,    ///< One time waits for its end, more are skipped.
  BufferAll,    ///< All wait, in their order.
  CancelOther,  ///< What is open is cancelled, and the newest time begins when it has ended.
  AllowAll,     ///< It begins beside.
};
std::string_view name(Overlap overlap);
/// Errors: workflow.invalid_schedule; so is terminate_other, which this engine doesn't have.
Result<Overlap> parse_overlap(std::string_view word);

struct ScheduleDraft {
  std::int64_t project_id = kDefaultProject;
  std::string name;  ///< [a-z0-9][a-z0-9_.-]*, one schedule of the project.
  std::string spec;  ///< Of ScheduleSpec.
  std::string zone = "UTC";
  Overlap overlap = Overlap::Skip;
  Micros catchup = kScheduleCatchup;  ///< Times that are noticed later than this are missed: counted, not made up for.
  Micros jitter = 0;                  ///< Each time comes later by up to this, always by the same.
  std::int64_t failures_max = 0;      ///< Pauses after so many failed tasks in a row; 0: never.
  codec::Json task_template;          ///< Whatever the planner makes tasks of.
  std::string created_by = "user";
};

struct Schedule {
  std::int64_t no = 0;
  std::string schedule_id;  ///< "sch_…"
  ScheduleDraft what;
  Micros created_at = 0, updated_at = 0;
  std::optional<Micros> fire_at;  ///< The next time of the spec; none: there are no more.
  std::optional<Micros> next_at;  ///< The same with its jitter.
  bool paused = false;
  std::string pause_reason;
  std::int64_t failures = 0;  ///< In a row, up to now.
  std::int64_t fired = 0, skipped = 0, missed = 0;
  std::optional<Micros> last_fire_at;
  std::int64_t version = 0;
};

enum class RunState : std::uint8_t { Waiting = 0, Open = 1, Ended = 2 };

/// One time of a schedule, and what came of it.
struct ScheduleRun {
  Micros fire_at = 0;
  RunState state = RunState::Waiting;
  std::string origin;   ///< "schedule", "trigger", "backfill"
  std::string task_id;  ///< Empty: none yet, or it could not be made.
  std::string outcome;  ///< Of one that ended: "completed", "failed", "cancelled", "not_planned".
  std::string error;    ///< Why it could not be planned.
  Micros at = 0;        ///< When the task was made, or the time came to wait.
};

/// What was done for one schedule.
struct ScheduleReport {
  std::string schedule_id, name;
  std::vector<TaskReceipt> begun;
  std::vector<std::string> cancel;  ///< Open tasks that whoever called has to cancel (Engine::cancel()).
  std::size_t waiting = 0;          ///< Times that began to wait.
  std::int64_t skipped = 0, missed = 0;
  std::optional<Error> not_planned;
  std::string paused;  ///< Why it paused itself; empty: it didn't.
  bool empty() const {
    return begun.empty() && waiting == 0 && skipped == 0 && missed == 0 && !not_planned && paused.empty();
  }
};

struct ScheduleTurn {
  std::vector<ScheduleReport> reports;
  std::optional<Micros> next_at;     ///< The next time is due then; by the clock of now_us().
  std::optional<Micros> clock_jump;  ///< The wall clock jumped by so much since the last turn: over kClockJump.
};

/// Makes the task that is due. Called outside of transactions; may take its time.
using TaskPlanner = std::function<Result<CreateTask>(const Schedule& schedule)>;

/// Schedules and what fires them. Each time of a schedule has one task at most, with the idempotency key
/// "sched:<schedule id>:<fire_at>", made in the transaction that moves the schedule on: never twice, never lost, with
/// any number of processes. An object is of one thread.
///
/// Error codes: workflow.invalid_schedule, workflow.schedule_not_found, workflow.schedule_exists,
/// workflow.version_conflict, base.unknown_time_zone, storage.*, and those of the planner.
class Schedules {
 public:
  /// All must outlive this.
  Schedules(storage::Store& store, const Clock& clock, Random& random, TaskPlanner planner);

  Result<Schedule> create(ScheduleDraft draft);
  /// By name.
  Result<std::vector<Schedule>> list();
  /// By id or name.
  Result<Schedule> find(std::string_view id_or_name);
  /// Newest first.
  Result<std::vector<ScheduleRun>> runs(const Schedule& schedule, std::size_t limit = kScheduleRunsKept);

  /// What is paused fires no more and begins nothing that waits; what runs goes on. These three check the version.
  Result<Schedule> pause(const Schedule& schedule, std::string_view reason, std::string_view actor);
  /// Goes on with the next time from now; those meanwhile are neither made up for nor counted.
  Result<Schedule> resume(const Schedule& schedule, std::string_view actor);
  /// Its tasks stay; what waits is gone.
  Result<void> remove(const Schedule& schedule, std::string_view actor);

  /// Fires now, also when paused.
  Result<ScheduleReport> trigger(const Schedule& schedule, std::optional<Overlap> overlap = std::nullopt);
  /// Fires for the times from `from` to `to`, both included and neither after now, all together or not at all. Those
  /// that had a task keep it.
  Result<ScheduleReport> backfill(const Schedule& schedule, Micros from, Micros to, Overlap overlap);

  /// Fires what is due, begins what waited, and notices what ended. Passive: whoever runs long calls it when next_at
  /// comes and when something in the store changed. After everything was still it costs three reads.
  Result<ScheduleTurn> turn();

  /// The clock that decides: this machine's, or PostgreSQL's. Errors: storage.*.
  Result<Micros> now_us();

 private:
  struct Asked;
  Result<ScheduleReport> fire(std::int64_t no, const Asked* asked);
  Result<Schedule> change(const Schedule& schedule, std::string_view event, std::string_view actor,
                          const std::function<Result<void>(Schedule&, Micros now)>& body);

  storage::Store& store_;
  const Clock& clock_;
  Random& random_;
  const TaskPlanner planner_;
  std::optional<Micros> wall_since_boot_;
  struct DatabaseClock {
    Micros since_boot = 0;  ///< Its time less ours since boot.
    Micros asked_at = 0;    ///< Since boot.
  };
  std::optional<DatabaseClock> database_clock_;
  bool looked_ = false;  ///< The first turn looks at everything that is open.
};

}  // namespace wrench::workflow
