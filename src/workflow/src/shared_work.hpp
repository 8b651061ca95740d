#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow {

/// A flush's part of SharedWork: filled by next_turn(), carried out in the transaction, read by flushed().
struct SharedTurn {
  bool works = false;  ///< Of a worker; others (a command that creates a task) only lock.
  bool joins = false;
  std::string boot;
  Micros ttl_us = 0;
  bool reaps = false;              ///< May take others for dead.
  const Labels* labels = nullptr;  ///< That this worker offers.
  bool tends = false;              ///< Sees after queues that nobody serves, if no other does.
  Micros unserved_after_us = 0;
  const Clock* clock = nullptr;
  Micros sent_boot_us = 0;
  std::vector<std::pair<StepKey, std::int64_t>> watched;  ///< Steps that run here, with their epochs.
  int starts_wanted = 0;
  bool reads_tails = false;

  // What the flush found; reset by begin().
  Micros now = 0;            ///< The database's time,
  Micros local_boot_us = 0;  ///< and how long this machine had been up.
  Micros next_due = std::numeric_limits<Micros>::max();
  std::int64_t last_event = 0;  ///< Before this flush.
  bool lost_workers = false;
  bool starts_queued = false;
  bool any_labelled = false;  ///< Some queue of steps that require labels, or a note that one isn't served.
  std::array<bool, kSlotClasses> queued = {false, false, false};
  std::array<std::int64_t, kSlotClasses> heads = {0, 0, 0};     ///< Least rank in each.
  std::optional<std::map<Ranks::Flow, std::int64_t>> tails;     ///< Nothing: they were read a moment ago.
  std::array<std::vector<std::string>, kSlotClasses> labelled;  ///< Queues of steps that require some of its labels.
  int unserved = 0;                                             ///< Queues that it told of.
  std::vector<std::pair<StepKey, std::int64_t>> gone;           ///< Watched ones that run here no more.
  std::vector<StepKey> stops;                                   ///< Watched ones that somebody cancelled or paused.

  /// Locks what `jobs` will change, and adds what else there is to do. First in the transaction.
  Result<void> begin(storage::WriteTx& tx, const std::vector<Job>& jobs, std::vector<Command>& found);

 private:
  Result<void> beat(storage::WriteTx& tx);
  /// Finds queues of steps that require labels: which of them this worker serves, and which nobody does.
  Result<void> find_labelled(storage::WriteTx& tx);
  Result<void> tend(storage::WriteTx& tx, const std::vector<LabelledQueue>& queues);
  Result<void> find_lost(storage::WriteTx& tx, std::vector<Command>& found) const;
  Result<void> find_due(storage::WriteTx& tx, std::vector<Command>& found) const;
  Result<void> find_starts(storage::WriteTx& tx, std::vector<Command>& found) const;
  Result<void> watch(storage::WriteTx& tx);
};

/// What a process does beside its jobs where executions belong to nobody (Ownership::Shared). In its flushes a worker
/// says that it lives, takes timers that are due, tasks that nobody began, steps that nobody runs, and those of workers
/// that are lost. So none of it costs a flush of its own while there is other work; an idle worker makes one every two
/// seconds, or when others' events wake it.
///
/// All of it rests on two locks of the database. A flush locks the executions that it changes, by ascending number; a
/// worker's flush also locks its own row of `workers`, first, and fails with workflow.worker_lost if others took it for
/// dead. Whoever takes a worker for dead locks that row, too: what the worker claimed was committed before, or never
/// will be.
class SharedWork {
 public:
  SharedWork(std::string boot, Micros ttl_us, Labels labels, Micros unserved_after_us)
      : boot_(std::move(boot)), ttl_us_(ttl_us), labels_(std::move(labels)), unserved_after_us_(unserved_after_us) {}

  /// Steps run here from now on: join the workers with the next flush.
  void begin_to_work(const Clock& clock);
  void stop_working();
  /// There are events up to that one: if others made some of them, perhaps there is something to do.
  void wake(std::int64_t last_event, const Clock& clock);
  /// When a flush should be made though there are no jobs.
  Micros next_flush() const { return next_flush_; }
  /// Something may be queued for this slot class.
  bool queued(std::size_t slot) const { return queued_[slot]; }
  /// The flush itself put something there.
  void put_into_queue(std::size_t slot) { queued_[slot] = true; }
  /// `running`: here, with their epochs. `free`: slots.
  SharedTurn next_turn(const Clock& clock, const std::vector<std::pair<StepKey, std::int64_t>>& running, int free);
  /// `free`: of the slot classes, after the flush. `events`: that it made, at least.
  void flushed(const SharedTurn& turn, const Clock& clock, const std::array<int, kSlotClasses>& free,
               std::size_t events);
  /// This process has set a timer: it is the first to know.
  void expect(Micros due_at);

  /// The database's clock is that much ahead of this machine's.
  /// The database's wasn't.
  void clock_set_forward(Micros by) { offset_us_ -= by; }
  Micros offset_us() const { return offset_us_; }
  /// No sign of life got through for so long that others may soon take this worker for dead: its steps had better end.
  bool must_stop(const Clock& clock) const;
  bool working() const { return works_; }
  /// Nothing was queued, due or left by the dead at the last flush.
  bool found_nothing() const { return works_ && !joins_ && found_nothing_; }

 private:
  const std::string boot_;
  const Micros ttl_us_;
  const Labels labels_;
  const Micros unserved_after_us_;
  bool works_ = false;
  bool joins_ = false;
  bool found_nothing_ = false;
  Micros next_flush_ = std::numeric_limits<Micros>::max();
  Micros last_sent_ = 0, last_beat_boot_ = 0, last_watch_ = 0, last_tails_ = 0;
  Micros steady_since_boot_ = 0;  ///< Since then the signs of life came regularly.
  Micros offset_us_ = 0;
  Micros pause_us_ = 0;
  std::int64_t heard_ = 0, known_ = 0;  ///< Newest event; up to which one the latest flush saw what there is to do.
  std::array<bool, kSlotClasses> queued_ = {false, false, false};
};

/// Something was written for the execution: some worker looks for requests and decisions, even if this one dies now.
Result<void> queue_look(storage::WriteTx& tx, std::int64_t execution_no);

}  // namespace wrench::workflow
