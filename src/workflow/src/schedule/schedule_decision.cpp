#include "schedule_decision.hpp"

#include <algorithm>
#include <utility>

#include "wrench/crypto/sha256.hpp"

namespace wrench::workflow::schedule {

namespace {

/// What is open and what waits, as the decision goes on.
class Overlaps {
 public:
  Overlaps(Decision& decision, std::span<const RunRow> runs) : decision_(decision) {
    for (const RunRow& run : runs) {
      if (run.state == RunState::Waiting) {
        waiting_.push_back({run.fire_at, run.origin, true, run.cancels});
      } else if (run.task_state && !is_terminal(*run.task_state)) {
        ++open_;
        tasks_.push_back(run.task_id);
      }
    }
  }

  /// The first of what waited, now that nothing is open.
  void go_on() {
    if (open_ > 0 || waiting_.empty()) return;
    begin(waiting_.front());
    waiting_.erase(waiting_.begin());
  }

  void admit(Fire fire, Overlap overlap) {
    const bool free = open_ == 0 && waiting_.empty();
    if (overlap == Overlap::AllowAll ? open_ < kScheduleOpenMax : free) return begin(std::move(fire));
    switch (overlap) {
      case Overlap::BufferOne:
        return waiting_.empty() ? wait(std::move(fire)) : skip();
      case Overlap::BufferAll:
        return waiting_.size() < kScheduleWaitingMax ? wait(std::move(fire)) : skip();
      case Overlap::CancelOther:
        while (!waiting_.empty()) drop();
        fire.cancels = true;
        return wait(std::move(fire));
      case Overlap::Skip:
      case Overlap::AllowAll:
        return skip();
    }
  }

  /// Also for what waited before: whoever was told then may not have lived to do it.
  void cancel() {
    if (std::ranges::any_of(waiting_, &Fire::cancels)) decision_.cancel = tasks_;
  }

 private:
  void begin(Fire fire) {
    ++open_;
    ++decision_.after.fired;
    decision_.changed = true;
    decision_.after.last_fire_at = std::max(decision_.after.last_fire_at.value_or(fire.fire_at), fire.fire_at);
    decision_.begin.push_back(std::move(fire));
  }
  void wait(Fire fire) {
    decision_.changed = true;
    waiting_.push_back(fire);
    decision_.wait.push_back(std::move(fire));
  }
  void skip() {
    decision_.changed = true;
    ++decision_.after.skipped;
  }
  void drop() {
    const Fire fire = waiting_.back();
    waiting_.pop_back();
    if (fire.waited)
      decision_.dropped.push_back(fire.fire_at);
    else
      std::erase_if(decision_.wait, [&](const Fire& other) { return other.fire_at == fire.fire_at; });
    skip();
  }

  Decision& decision_;
  std::size_t open_ = 0;
  std::vector<std::string> tasks_;
  std::vector<Fire> waiting_;  ///< By time.
};

/// Runs whose tasks have ended, and what their ends say of the next ones.
void settle(Decision& decision, std::span<const RunRow> runs) {
  Schedule& after = decision.after;
  for (const RunRow& run : runs) {
    if (run.state != RunState::Open) continue;
    const TaskState state = run.task_state.value_or(TaskState::Cancelled);
    if (!is_terminal(state)) continue;
    decision.changed = true;
    decision.ended.push_back({run.fire_at, state});
    if (state == TaskState::Completed) after.failures = 0;
    if (state == TaskState::Failed) ++after.failures;
  }
}

void pause(Decision& decision, std::string reason) {
  decision.after.paused = true;
  decision.after.pause_reason = std::move(reason);
  decision.changed = true;
}

/// Passes over what is too late for sure. Of more than kMissedCountedMax only so many are counted.
void pass_over(Schedule& schedule, const ScheduleSpec& spec, const TimeZone& zone, Micros before) {
  for (std::size_t i = 0; i < kMissedCountedMax; ++i) {
    if (!schedule.fire_at || *schedule.fire_at >= before) return;
    ++schedule.missed;
    move_on(schedule, spec, zone, *schedule.fire_at);
  }
  if (schedule.fire_at && *schedule.fire_at < before) move_on(schedule, spec, zone, before - 1);
}

void fire_due(Decision& decision, Overlaps& overlaps, const std::function<bool(Micros)>& taken, Micros now) {
  Schedule& after = decision.after;
  if (!after.next_at || *after.next_at > now) return;
  const auto spec = ScheduleSpec::parse(after.what.spec);
  if (!spec) return pause(decision, spec.error().message);
  const auto zone = TimeZone::find(after.what.zone);
  if (!zone) return pause(decision, zone.error().message);
  decision.changed = true;
  pass_over(after, *spec, *zone, now - after.what.catchup - after.what.jitter);
  for (std::size_t i = 0; i < kFireTimesMax && after.next_at && *after.next_at <= now; ++i) {
    const Micros fire_at = *after.fire_at;
    if (now - *after.next_at > after.what.catchup)
      ++after.missed;
    else if (!taken(fire_at))
      overlaps.admit({fire_at, std::string(kSchedule)}, after.what.overlap);
    move_on(after, *spec, *zone, fire_at);
  }
}

}  // namespace

Micros due_at(const Schedule& schedule, Micros fire_at) {
  if (schedule.what.jitter == 0) return fire_at;
  const auto digest = crypto::sha256(schedule.schedule_id + ":" + std::to_string(fire_at));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest[i];
  return fire_at + static_cast<Micros>(number % (static_cast<std::uint64_t>(schedule.what.jitter) + 1));
}

void move_on(Schedule& schedule, const ScheduleSpec& spec, const TimeZone& zone, Micros after) {
  schedule.fire_at = spec.next_after(after, zone);
  schedule.next_at = schedule.fire_at ? std::optional(due_at(schedule, *schedule.fire_at)) : std::nullopt;
}

void pause_after_failures(Decision& decision) {
  const Schedule& after = decision.after;
  if (after.paused || after.what.failures_max == 0 || after.failures < after.what.failures_max) return;
  pause(decision, std::to_string(after.failures) + (after.failures == 1 ? " task failed" : " tasks in a row failed"));
}

Decision decide(const Schedule& schedule, std::span<const RunRow> runs, const Asked* asked,
                const std::function<bool(Micros)>& taken, Micros now) {
  Decision out;
  out.after = schedule;
  settle(out, runs);
  pause_after_failures(out);
  Overlaps overlaps(out, runs);
  if (asked != nullptr) {
    for (const Micros time : asked->times)
      if (!taken(time)) overlaps.admit({time, std::string(asked->origin)}, asked->overlap);
  } else if (!out.after.paused) {
    overlaps.go_on();
    fire_due(out, overlaps, taken, now);
  }
  overlaps.cancel();
  return out;
}

}  // namespace wrench::workflow::schedule
