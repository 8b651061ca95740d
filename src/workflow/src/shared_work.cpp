#include "shared_work.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <type_traits>
#include <utility>

#include "creation.hpp"
#include "guards.hpp"
#include "requests.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "turns.hpp"
#include "waits.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/runtime/process.hpp"
#include "wrench/workflow/monitor.hpp"

namespace wrench::workflow {

using storage::Bind;
using storage::RowLock;
using storage::Rows;
using storage::WriteTx;

namespace {

/// Parts of the time after which a worker is lost: how often it says that it lives, and when it gives up by itself.
constexpr Micros kBeatsOfTtl = 5;
constexpr double kFenceOfTtl = 0.6;
/// After a silence of its own, e.g. because the database was away, a worker gives the others that part of it to be
/// heard.
constexpr Micros kGracesOfTtl = 2;
constexpr Micros kWatchEvery = kMicrosPerSecond;
constexpr Micros kLookFirst = 20 * kMicrosPerMs;  ///< After a flush, before looking again for what it left.
constexpr Micros kLookLast = 200 * kMicrosPerMs;
constexpr int kDueMax = 100;           ///< Timers of one flush.
constexpr int kLostStepsMax = 200;     ///< Steps of a lost worker in one flush.
constexpr int kStartsMax = 64;         ///< Tasks that one flush begins.
constexpr std::int64_t kLookStep = 1;  ///< Step of a row in the queue of starts whose task has begun before.
/// Such rows come before all starts, by their age.
constexpr std::int64_t kLookRank = -(std::int64_t{1} << 62);
/// What others add to a flow meanwhile, and what is added here, may change places.
constexpr Micros kTailsEvery = 100 * kMicrosPerMs;

template <class T>
std::int64_t execution_of(const T& what) {
  if constexpr (requires { what.execution_no; }) {
    return what.execution_no;
  } else if constexpr (requires { what.timer; }) {
    return what.timer.execution_no;
  } else if constexpr (requires { what.key; }) {
    return 0;  // Of none in particular.
  } else {
    return what.step.execution_no;
  }
}

std::int64_t execution_of(const Command& command) {
  return std::visit([](const auto& c) { return execution_of(c); }, command);
}

/// What the jobs will change.
Result<std::set<std::int64_t>> executions_of(WriteTx& tx, const std::vector<Job>& jobs) {
  std::set<std::int64_t> out;
  for (const Job& job : jobs) {
    if (const auto* answering = std::get_if<Answering>(&job.work)) {
      // An id that isn't there is refused later.
      if (const auto wait = find_wait(tx, answering->wait_id); wait.ok()) out.insert(wait->execution_no);
      continue;
    }
    std::visit(
        [&]<class Work>(const Work& work) {
          if constexpr (!std::is_same_v<Work, Creation> && !std::is_same_v<Work, Rerun> &&
                        !std::is_same_v<Work, Submit> && !std::is_same_v<Work, Answering>)
            out.insert(execution_of(work));
        },
        job.work);
  }
  return out;
}

}  // namespace

// ---- in the transaction ----

Result<void> SharedTurn::begin(WriteTx& tx, const std::vector<Job>& jobs, std::vector<Command>& found) {
  now = tx.now();
  local_boot_us = clock->boot_us();
  next_due = std::numeric_limits<Micros>::max();
  lost_workers = starts_queued = any_labelled = false;
  queued.fill(false);
  labelled = {};
  unserved = 0;
  gone.clear();
  stops.clear();
  tails.reset();
  if (works) {
    WRENCH_TRY(beat(tx));
    // A flush that waited for the database would find that everybody was silent.
    const bool timely = clock->boot_us() - sent_boot_us < ttl_us / kGracesOfTtl;
    if (lost_workers && reaps && timely && keeps(Keep::LoseSilent)) WRENCH_TRY(find_lost(tx, found));
    if (next_due <= now) WRENCH_TRY(find_due(tx, found));
    if (any_labelled) WRENCH_TRY(find_labelled(tx));
  } else if (!jobs.empty()) {
    heads = WRENCH_TRY(turns::heads(tx));
  }
  if (reads_tails && (works || !jobs.empty())) tails = WRENCH_TRY(turns::tails(tx, heads, any_labelled));
  std::set<std::int64_t> executions = WRENCH_TRY(executions_of(tx, jobs));
  for (const Command& command : found) executions.insert(execution_of(command));
  const std::vector<Bind> keys(executions.begin(), executions.end());
  WRENCH_TRY(tx.query_many(sql::kLockExecution, 1, keys, RowLock::ForUpdate));
  std::vector<Bind> timers;
  for (const Command& command : found)
    if (const auto* due = std::get_if<command::TimerDue>(&command))
      timers.insert(timers.end(),
                    {Bind(due->timer.execution_no), Bind(due->timer.step_no), Bind(static_cast<int>(due->timer.kind))});
  WRENCH_TRY(tx.send_many(sql::kDeleteTimer, 3, timers));
  if (starts_queued && starts_wanted > 0) WRENCH_TRY(find_starts(tx, found));
  return watch(tx);
}

Result<void> SharedTurn::beat(WriteTx& tx) {
  if (joins)
    WRENCH_TRY(tx.exec(sql::kJoinWorkers, {boot, static_cast<std::int64_t>(getpid()), runtime::host_name(), version(),
                                           now, to_string(*labels)}));
  const Rows rows = WRENCH_TRY(tx.query(sql::kBeat, {boot, now, now - ttl_us}));
  if (rows.empty() && !keeps(Keep::SilentIsOut)) return {};
  if (rows.empty())
    return Error("workflow.worker_lost", "others took this worker for dead, because it gave no sign of life for " +
                                             format_duration(ttl_us) + ": they run its steps now");
  const auto row = rows.front();
  next_due = row.optional_integer(0).value_or(next_due);
  lost_workers = row.integer(1) != 0;
  starts_queued = row.integer(2) != 0;
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
    queued[slot] = !row.is_null(3 + slot);
    heads[slot] = row.optional_integer(3 + slot).value_or(0);
  }
  last_event = row.integer(3 + kSlotClasses);
  any_labelled = row.integer(4 + kSlotClasses) != 0;
  return {};
}

Result<void> SharedTurn::find_labelled(WriteTx& tx) {
  std::vector<LabelledQueue> queues;
  const Rows rows = WRENCH_TRY(tx.query(sql::kLabelledQueues, {kLabelledQueuesMax}));
  for (const auto row : rows) {
    auto queue = labelled_queue(row.text(0));
    if (!queue) continue;
    const auto slot = static_cast<std::size_t>(queue->slot);
    if (satisfies(*labels, queue->required)) {
      const std::int64_t rank = row.integer(1);
      heads[slot] = queued[slot] ? std::min(heads[slot], rank) : rank;
      queued[slot] = true;
      labelled[slot].push_back(queue->name);
    }
    queues.push_back(std::move(*queue));
  }
  return tends ? tend(tx, queues) : Result<void>();
}

/// One worker for all.
Result<void> SharedTurn::tend(WriteTx& tx, const std::vector<LabelledQueue>& queues) {
  if (!WRENCH_TRY(tx.try_lock("unserved_queues"))) return {};
  std::vector<Labels> offered;
  const Rows live = WRENCH_TRY(tx.query(sql::kOfferedLabels, {now - ttl_us}));
  for (const auto row : live)
    if (auto its = parse_labels(row.text(0)); its.ok()) offered.push_back(std::move(*its));
  std::map<std::string, const LabelledQueue*> nobodys;
  for (const LabelledQueue& queue : queues)
    if (std::ranges::none_of(offered, [&](const Labels& its) { return satisfies(its, queue.required); }))
      nobodys[queue.name] = &queue;
  const Rows known = WRENCH_TRY(tx.query(sql::kUnservedQueues, {kLabelledQueuesMax}));
  for (const auto row : known) {
    const auto it = nobodys.find(std::string(row.text(0)));
    if (it == nobodys.end()) {
      WRENCH_TRY(tx.exec(sql::kServed, {row.text(0)}));
      continue;
    }
    const LabelledQueue& queue = *it->second;
    nobodys.erase(it);
    const Micros since = row.integer(1);
    const Micros due = row.is_null(2) ? since + unserved_after_us : row.integer(2) + kUnservedAgain;
    if (now < due) continue;
    codec::Json required = codec::Json::object();
    for (const auto& [name, value] : queue.required) required.set(name, value);
    const codec::Json payload = codec::Json::object(
        {{"queue", queue.name}, {"slot", name(queue.slot)}, {"requires", std::move(required)}, {"since", since}});
    WRENCH_TRY(tx.append_event({.type = "queue.unserved",
                                .subject_kind = "queue",
                                .subject_id = queue.name,
                                .actor = "system",
                                .payload = codec::write_json(payload)}));
    WRENCH_TRY(tx.exec(sql::kUnservedRaised, {queue.name, now}));
    ++unserved;
  }
  for (const auto& [name, queue] : nobodys) WRENCH_TRY(tx.exec(sql::kUnserved, {name, now}));
  return {};
}

Result<void> SharedTurn::find_lost(WriteTx& tx, std::vector<Command>& found) const {
  if (!WRENCH_TRY(tx.try_lock("lost_workers"))) return {};
  // One whose row is locked just writes: it lives.
  const Rows lost = WRENCH_TRY(tx.query(sql::kLostWorker, {now - ttl_us}));
  if (lost.empty()) return {};
  const std::string its_boot(lost.front().text(0));
  WRENCH_TRY(tx.exec(sql::kMarkWorkerLost, {its_boot, now}));
  const Rows steps = WRENCH_TRY(tx.query(sql::kStepsOfWorker, {its_boot, kLostStepsMax}));
  for (const auto row : steps) found.emplace_back(command::LoseLease{{row.integer(0), row.integer(1)}, its_boot});
  if (steps.empty()) WRENCH_TRY(tx.exec(sql::kDeleteWorker, {its_boot}));
  return {};
}

Result<void> SharedTurn::find_due(WriteTx& tx, std::vector<Command>& found) const {
  const Rows rows = WRENCH_TRY(tx.query(sql::kDueTimers, {now, kDueMax}));
  for (const auto row : rows)
    found.emplace_back(command::TimerDue{
        {row.integer(0), row.integer(1), static_cast<TimerKind>(row.integer(2)), row.integer(3), row.integer(4)}, 0});
  const Rows limits = WRENCH_TRY(tx.query(sql::kDueLimits, {now, kDueMax}));
  for (const auto row : limits) found.emplace_back(command::Refill{std::string(row.text(0))});
  return {};
}

Result<void> SharedTurn::find_starts(WriteTx& tx, std::vector<Command>& found) const {
  const Rows rows = WRENCH_TRY(tx.query(sql::kQueuedStarts, {starts_wanted, 4 * starts_wanted}));
  std::vector<Bind> taken, looks;
  for (const auto row : rows) {
    taken.insert(taken.end(),
                 {Bind(turns::kStartQueue), Bind(row.integer(0)), Bind(row.integer(1)), Bind(row.integer(3))});
    if (row.integer(3) == kLookStep)
      looks.emplace_back(row.integer(1));
    else
      found.emplace_back(command::Start{row.integer(1)});
  }
  for (Command& command : WRENCH_TRY(requests::of_executions(tx, looks))) found.push_back(std::move(command));
  for (Command& command : WRENCH_TRY(waits::decisions_of(tx, looks))) found.push_back(std::move(command));
  WRENCH_TRY(tx.send_many(sql::kDeleteReady, 4, taken));
  return {};
}

Result<void> SharedTurn::watch(WriteTx& tx) {
  std::vector<Bind> keys;
  for (const auto& [step, epoch] : watched) keys.insert(keys.end(), {Bind(step.execution_no), Bind(step.step_no)});
  const Rows rows = WRENCH_TRY(tx.query_many(sql::kStepRow, 2, keys));
  std::map<StepKey, StepRow> found;
  for (const auto row : rows) {
    StepRow step = row_store::step_from(row);
    const StepKey key{step.execution_no, step.step_no};
    found.emplace(key, std::move(step));
  }
  for (const auto& [key, epoch] : watched) {
    const auto it = found.find(key);
    if (it == found.end() || it->second.state != StepState::Running || it->second.epoch != epoch) {
      gone.emplace_back(key, epoch);
    } else if ((it->second.flags & (kFlagCancelRequested | kFlagAskedToYield)) != 0) {
      stops.push_back(key);
    }
  }
  return {};
}

Result<void> queue_look(WriteTx& tx, std::int64_t execution_no) {
  WRENCH_TRY(tx.exec(sql::kQueueLook, {turns::kStartQueue, kLookRank + tx.now(), execution_no, kLookStep}));
  return {};
}

// ---- between flushes ----

void SharedWork::begin_to_work(const Clock& clock) {
  works_ = joins_ = true;
  next_flush_ = clock.now_us();
  last_beat_boot_ = steady_since_boot_ = clock.boot_us();
}

void SharedWork::stop_working() {
  works_ = joins_ = false;
  next_flush_ = std::numeric_limits<Micros>::max();
}

void SharedWork::wake(std::int64_t last_event, const Clock& clock) {
  heard_ = std::max(heard_, last_event);
  if (!works_ || heard_ <= known_) return;
  last_watch_ = 0;
  next_flush_ = std::min(next_flush_, std::max(clock.now_us(), last_sent_ + std::max(kLookFirst, pause_us_)));
}

SharedTurn SharedWork::next_turn(const Clock& clock, const std::vector<std::pair<StepKey, std::int64_t>>& running,
                                 int free) {
  SharedTurn turn;
  turn.works = works_;
  turn.joins = joins_;
  turn.boot = boot_;
  turn.ttl_us = ttl_us_;
  turn.clock = &clock;
  last_sent_ = clock.now_us();
  turn.sent_boot_us = clock.boot_us();
  turn.reaps = turn.sent_boot_us - steady_since_boot_ >= ttl_us_ / kGracesOfTtl;
  turn.labels = &labels_;
  turn.unserved_after_us = unserved_after_us_;
  turn.reads_tails = !works_ || last_sent_ - last_tails_ >= kTailsEvery;
  turn.starts_wanted = works_ ? std::min(free, kStartsMax) : 0;
  if (works_ && last_sent_ - last_watch_ >= kWatchEvery) {
    turn.watched = running;
    turn.tends = true;
    last_watch_ = last_sent_;
  }
  return turn;
}

void SharedWork::flushed(const SharedTurn& turn, const Clock& clock, const std::array<int, kSlotClasses>& free,
                         std::size_t events) {
  if (!turn.works || !works_) return;
  joins_ = false;
  if (turn.tails) last_tails_ = last_sent_;
  if (clock.boot_us() - last_beat_boot_ > ttl_us_ / kGracesOfTtl) steady_since_boot_ = clock.boot_us();
  last_beat_boot_ = turn.sent_boot_us;
  const Micros now = clock.now_us();
  offset_us_ = turn.now - (now - (clock.boot_us() - turn.local_boot_us));
  queued_ = turn.queued;
  const bool any_free = std::any_of(free.begin(), free.end(), [](int n) { return n > 0; });
  bool left = turn.starts_queued && any_free;
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) left = left || (turn.queued[slot] && free[slot] > 0);
  const bool due = turn.next_due <= turn.now;
  found_nothing_ = !turn.lost_workers && !turn.starts_queued && !due &&
                   std::none_of(turn.queued.begin(), turn.queued.end(), [](bool any) { return any; });
  next_flush_ = now + ttl_us_ / kBeatsOfTtl;
  if (turn.next_due != std::numeric_limits<Micros>::max())
    next_flush_ = std::min(next_flush_, due ? now : turn.next_due - offset_us_);
  pause_us_ = left || turn.lost_workers ? std::clamp(2 * pause_us_, kLookFirst, kLookLast) : 0;
  if (pause_us_ > 0) next_flush_ = std::min(next_flush_, now + pause_us_);
  known_ = turn.last_event + static_cast<std::int64_t>(events);
  wake(heard_, clock);
}

void SharedWork::expect(Micros due_at) {
  if (works_) next_flush_ = std::min(next_flush_, due_at - offset_us_);
}

bool SharedWork::must_stop(const Clock& clock) const {
  return works_ && !joins_ &&
         static_cast<double>(clock.boot_us() - last_beat_boot_) > kFenceOfTtl * static_cast<double>(ttl_us_);
}

}  // namespace wrench::workflow
