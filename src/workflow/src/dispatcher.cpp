#include "wrench/workflow/dispatcher.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "budget/budgets.hpp"
#include "child_tasks.hpp"
#include "creation.hpp"
#include "guards.hpp"
#include "limits.hpp"
#include "refill_queue.hpp"
#include "requests.hpp"
#include "row_store.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "stream_store.hpp"
#include "timer_queue.hpp"
#include "turns.hpp"
#include "waits.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/workflow/findings_store.hpp"
#include "wrench/workflow/metrics.hpp"

namespace wrench::workflow {

using storage::WriteTx;

namespace {

constexpr std::size_t kBatchJobsMax = 512;
constexpr Micros kFlushRetryDelay = 250 * kMicrosPerMs;
constexpr int kDecideRoundsMax = 100'000;
constexpr int kConflictTriesMax = 3;
constexpr int kNoJob = -1;
constexpr std::size_t kTailsMax = 1'024;
constexpr std::size_t kRowsCachedMax = 16'384;  ///< Executions, and as many steps.

/// Another process did the same at the same time: the next try sees it.
bool is_conflict(const Error& error) {
  return error.code == "workflow.conflict" || error.code == "storage.constraint_unique";
}

/// Going on later can succeed: nothing is wrong with the job.
bool is_transient(const Error& error) {
  return error.code == "storage.busy" || error.code == "storage.full" || error.code == "storage.deadline" ||
         error.code == "storage.unreachable";
}

/// Whoever sets the clock of the machine forward makes nothing that runs late.
void watch_clock(TimerQueue& timers, SharedWork* shared) {
  const Micros by = timers.clock_set_forward();
  if (by == 0) return;
  if (shared != nullptr)
    shared->clock_set_forward(by);
  else
    timers.put_off_durations(by);
}

const command::Outcome* outcome_of(const Job& job) {
  const auto* any = std::get_if<Command>(&job.work);
  return any == nullptr ? nullptr : std::get_if<command::Outcome>(any);
}

/// Nobody waits for the answer, or a running step depends on it: it must get into the store in the end.
bool must_be_kept(const Job& job) {
  if (std::holds_alternative<StreamChunk>(job.work)) return true;
  const auto* any = std::get_if<Command>(&job.work);
  return any != nullptr && !std::holds_alternative<command::Cancel>(*any) &&
         !std::holds_alternative<command::SetPause>(*any) && !std::holds_alternative<command::Adopt>(*any) &&
         !std::holds_alternative<command::Raise>(*any) && !std::holds_alternative<command::Decide>(*any) &&
         !std::holds_alternative<command::Suspend>(*any);
}

Result<void> store_blobs(WriteTx& tx, std::int64_t execution_no, const Baggage& baggage) {
  for (const auto& blob : baggage.blobs) WRENCH_TRY(storage::blob_store::put(tx, blob, {"execution", execution_no}));
  return {};
}

Result<void> store_baggage(WriteTx& tx, const command::Outcome& outcome, const Baggage& baggage,
                           const LoadedRows& rows) {
  WRENCH_TRY(store_blobs(tx, outcome.step.execution_no, baggage));
  const auto& task = rows.tasks.at(rows.executions.at(outcome.step.execution_no).task_no);
  const findings_store::Seen seen{task.project_id, task.repo_id, outcome.step.execution_no, outcome.step.step_no};
  WRENCH_TRY(findings_store::upsert(tx, seen, baggage.findings));
  for (const auto& body : baggage.attached) WRENCH_TRY(body(tx));
  return {};
}

/// A request that was read again before the flush that obeyed it was durable, or twice in this one, counts once.
Result<void> drop_obeyed(WriteTx& tx, std::vector<Command>& commands, std::vector<int>& job_of_command) {
  const auto is_request = [](const Command& command) { return requests::request_of(command).has_value(); };
  if (std::ranges::none_of(commands, is_request)) return {};
  auto open = WRENCH_TRY(requests::open_of(tx, commands));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto request = requests::request_of(commands[i]);
    if (request && open.erase(*request) == 0) continue;
    if (kept != i) commands[kept] = std::move(commands[i]);
    job_of_command[kept++] = job_of_command[i];
  }
  commands.erase(commands.begin() + static_cast<std::ptrdiff_t>(kept), commands.end());
  job_of_command.resize(kept);
  return {};
}

/// Not if the step was asked to stop before, or another command of the flush cancelled it: then nobody is asked.
bool begins_to_wait(const FlushPlan& plan, StepKey step) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Change<StepRow>& change) {
    const StepRow& row = change.after;
    return row.execution_no == step.execution_no && row.step_no == step.step_no && (row.flags & kFlagWaitsOutside) != 0;
  });
}

}  // namespace

Dispatcher::Dispatcher(DispatcherConfig config, const Clock& clock, Random& random, DispatcherShell& shell)
    : config_(std::move(config)),
      clock_(clock),
      random_(random),
      shell_(shell),
      plans_(std::make_unique<PlanCache>()),
      refills_(std::make_unique<RefillQueue>()),
      timers_(std::make_unique<TimerQueue>(clock)),
      cache_(std::make_unique<RowCache>()),
      ranks_(std::make_unique<Ranks>()) {
  if (config_.ownership == Ownership::Shared)
    shared_ =
        std::make_unique<SharedWork>(config_.boot, config_.worker_ttl_us, config_.labels, config_.unserved_after_us);
}

Dispatcher::~Dispatcher() = default;

void Dispatcher::set_traits(std::function<std::optional<CapabilityTraits>(std::string_view)> traits) {
  traits_ = std::move(traits);
}

void Dispatcher::set_recovery(std::function<Recovery(StepKey, const StepFailure&)> recovery) {
  recovery_ = std::move(recovery);
}

void Dispatcher::allow_claims(bool allowed) {
  if (allowed && shared_ && !begun_) shared_->begin_to_work(clock_);
  begun_ = begun_ || allowed;
  claims_allowed_ = allowed;
  claim_pass_wanted_ = allowed;
}

void Dispatcher::enqueue(Job job) { jobs_.push_back(std::move(job)); }

bool Dispatcher::can_claim() const {
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    if ((shared_ ? shared_->queued(slot) : backlog_[slot] > 0) && used_[slot] < config_.slots[slot]) return true;
  return false;
}

std::array<int, kSlotClasses> Dispatcher::free_slots() const {
  std::array<int, kSlotClasses> free = {};
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) free[slot] = config_.slots[slot] - used_[slot];
  return free;
}

Micros Dispatcher::now() const {
  return clock_.now_us() + (shared_ ? shared_->offset_us() : timers_->store_ahead_us());
}

void Dispatcher::wake(std::int64_t last_event) {
  if (shared_) shared_->wake(last_event, clock_);
}

void Dispatcher::leave() {
  if (shared_) shared_->stop_working();
}

bool Dispatcher::found_nothing() const { return shared_ && shared_->found_nothing() && running_.empty() && idle(); }

std::shared_ptr<Dispatcher::Batch> Dispatcher::next_batch() {
  const bool claim_pass = claim_pass_wanted_ && can_claim();
  const bool look = shared_ && shared_->next_flush() <= clock_.now_us();
  if (flushing_ || (jobs_.empty() && !claim_pass && !look) || clock_.now_us() < not_before_) return nullptr;
  claim_pass_wanted_ = false;
  flushing_ = true;
  auto batch = std::make_shared<Batch>();
  batch->jobs.reserve(std::min(jobs_.size(), kBatchJobsMax));
  while (!jobs_.empty() && batch->jobs.size() < kBatchJobsMax) {
    if (jobs_.front().alone && !batch->jobs.empty()) break;
    const bool alone = jobs_.front().alone;
    batch->jobs.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
    if (alone) break;
  }
  batch->context.boot = config_.boot;
  batch->context.ownership = config_.ownership;
  batch->context.losses_max = config_.losses_max;
  batch->context.claims_allowed = claims_allowed_;
  batch->context.traits = traits_;
  batch->context.recovery = recovery_;
  batch->context.labels = config_.labels;
  batch->context.free = free_slots();
  batch->context.ranks = ranks_.get();
  // No more than will be free as far as one can tell: each that is looked at costs, and of shared ones nobody else can
  // change the executions. Slots that commands free besides get their steps in the next flush.
  const int ending =
      static_cast<int>(std::ranges::count_if(batch->jobs, [](const Job& job) { return outcome_of(job) != nullptr; }));
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    if (claims_allowed_ && (shared_ || backlog_[slot] > 0))
      batch->backlog_wanted[slot] = std::min(config_.slots[slot], batch->context.free[slot] + ending);
  if (shared_) {
    std::vector<std::pair<StepKey, std::int64_t>> running;
    for (const auto& [step, run] : running_) running.emplace_back(step, run.epoch);
    const auto& free = batch->context.free;
    const int starts = claims_allowed_ ? std::accumulate(free.begin(), free.end(), 0) : 0;
    batch->shared = std::make_shared<SharedTurn>(shared_->next_turn(clock_, running, starts));
  }
  batch->seed = random_.next();
  return batch;
}

Result<void> Dispatcher::run(Batch& batch, WriteTx& tx) const {
  batch.receipts.assign(batch.jobs.size(), std::nullopt);
  batch.job_of_command.clear();
  batch.timers_loaded.clear();
  batch.follow_ups.clear();
  batch.rows = LoadedRows();
  timers_->store_is_at(tx.now());
  LoadedRows& rows = batch.rows;
  turns::Starts starts;
  creation::Numbers numbers;
  WRENCH_TRY(numbers.reserve(
      tx, static_cast<std::size_t>(std::count_if(batch.jobs.begin(), batch.jobs.end(), [](const Job& job) {
        return std::holds_alternative<Creation>(job.work);
      }))));
  std::map<std::int64_t, const Creation*> unwritten;
  std::set<std::int64_t> independent;  // Executions that this flush creates.
  std::vector<Command> commands;
  const auto add = [&](Command command, int job) {
    commands.push_back(std::move(command));
    batch.job_of_command.push_back(job);
  };
  const auto add_all = [&](std::vector<Command> more, int job) {
    for (Command& command : more) add(std::move(command), job);
  };
  const auto take = [&](const Command& command, int i) -> Result<void> {
    const auto* due = std::get_if<command::TimerDue>(&command);
    if (due != nullptr && due->timer.kind == TimerKind::WaitOver) {
      // A decision that came in time counts, though its step hears of it only now.
      std::vector<Command> heard;
      WRENCH_TRY(carry(tx, {due->timer.execution_no, due->timer.step_no}, heard));
      add_all(std::move(heard), i);
    }
    add(command, i);
    if (const auto* adopt = std::get_if<command::Adopt>(&command)) {
      const storage::Bind key(adopt->execution_no);
      add_all(WRENCH_TRY(waits::decisions_of(tx, {&key, 1})), i);
      add_all(WRENCH_TRY(requests::of_execution(tx, adopt->execution_no)), i);
    }
    return {};
  };
  std::array<int, kSlotClasses> backlog_wanted = batch.backlog_wanted;
  if (batch.shared) {
    std::vector<Command> found;
    WRENCH_TRY(batch.shared->begin(tx, batch.jobs, found));
    for (const Command& command : found) WRENCH_TRY(take(command, kNoJob));
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
      if (!batch.shared->queued[slot]) backlog_wanted[slot] = 0;
    batch.context.heads = batch.shared->heads;
    if (batch.shared->tails) batch.context.tails = &*batch.shared->tails;
    batch.context.labelled = batch.shared->labelled;
  }
  for (std::size_t job_no = 0; job_no < batch.jobs.size(); ++job_no) {
    const Job& job = batch.jobs[job_no];
    const int i = static_cast<int>(job_no);
    if (const auto* command = std::get_if<Command>(&job.work)) {
      WRENCH_TRY(take(*command, i));
      continue;
    }
    if (const auto* decided = std::get_if<Decided>(&job.work)) {
      std::vector<Command> heard;
      WRENCH_TRY(carry(tx, decided->step, heard));
      add_all(std::move(heard), i);
      batch.receipts[i] = TaskReceipt{};
      continue;
    }
    if (const auto* answering = std::get_if<Answering>(&job.work)) {
      const StepKey step = WRENCH_TRY(waits::decide(tx, *answering));
      std::vector<Command> heard;
      WRENCH_TRY(carry(tx, step, heard));
      add_all(std::move(heard), i);
      batch.receipts[i] = TaskReceipt{};
      continue;
    }
    if (const auto* signalling = std::get_if<Signalling>(&job.work)) {
      std::vector<Command> heard;
      if (const auto step = WRENCH_TRY(waits::signal(tx, *signalling))) WRENCH_TRY(carry(tx, *step, heard));
      add_all(std::move(heard), i);
      batch.receipts[i] = TaskReceipt{};
      continue;
    }
    if (const auto* chunk = std::get_if<StreamChunk>(&job.work)) {
      batch.receipts[i] = WRENCH_TRY(stream_store::write(tx, *chunk))
                              ? Result<TaskReceipt>(TaskReceipt{})
                              : Error("workflow.fenced", "the step has gone on without this run");
      continue;
    }
    if (const auto* request = std::get_if<Request>(&job.work)) {
      WRENCH_TRY(requests::add(tx, *request));
      if (job.baggage) WRENCH_TRY(store_blobs(tx, request->execution_no, *job.baggage));
      batch.receipts[i] = TaskReceipt{};
      continue;
    }
    const auto* creation = std::get_if<Creation>(&job.work);
    const auto* submit = std::get_if<Submit>(&job.work);
    auto created = creation != nullptr ? creation::create(tx, *creation, numbers, begun_)
                   : submit != nullptr ? creation::submit(tx, *submit)
                                       : creation::rerun(tx, std::get<Rerun>(job.work), numbers);
    if (!created.ok()) {
      // Rows may have been written before the refusal: only a flush of its own can be undone for it alone.
      return std::move(created).error();
    }
    batch.receipts[i] = created->receipt;
    if (created->unwritten) {
      const std::int64_t no = created->receipt.execution_no;
      unwritten[no] = creation;
      rows.unwritten[no] = creation->task.created_by;
      rows.plans[no] = creation->task.plan;
      rows.journal_next[no] = 1;
      rows.tasks[created->receipt.task_no] = std::move(created->unwritten->task);
      rows.executions[no] = std::move(created->unwritten->execution);
    }
    if (creation != nullptr && creation->task.depends_on.empty()) independent.insert(created->receipt.execution_no);
    // One that makes no sense any more is cancelled rather than begun, by whomever.
    const bool in_vain = created->obstacle.has_value();
    if (created->start && (begun_ || (in_vain && !batch.shared)))
      add(command::Start{created->receipt.execution_no}, i);
    else if (created->start && batch.shared && creation != nullptr)
      starts.add(created->receipt.execution_no, creation->task.project_id,
                 parse_priority(creation->task.priority).value_or(Priority::Medium));
    else if (created->start && batch.shared)
      starts.add(created->receipt.execution_no);
  }

  WRENCH_TRY(drop_obeyed(tx, commands, batch.job_of_command));

  const row_store::Source source{tx, *plans_, *cache_};
  WRENCH_TRY(row_store::load(source, commands, batch.context, backlog_wanted, rows));
  WRENCH_TRY(creation::load_obstacles(tx, commands, independent, rows));
  std::set<std::string> keys;
  for (const Command& command : commands)
    if (const auto* refill = std::get_if<command::Refill>(&command)) keys.insert(refill->key);
  WRENCH_TRY(limits::load(tx, keys, rows));
  WRENCH_TRY(budgets::load(tx, {}, {}, rows));
  for (int round = 0;; ++round) {
    SeededRandom same(batch.seed);
    batch.plan = Core::decide(commands, rows, batch.context, tx.now(), same);
    if (batch.plan.complete()) break;
    WRENCH_ASSERT(round < kDecideRoundsMax);
    // A skip that runs through a long plan would need one round for each step: load everything instead.
    if (round >= 3)
      for (const StepKey& key : batch.plan.missing_steps) batch.plan.missing_executions.insert(key.execution_no);
    WRENCH_TRY(row_store::load_missing(source, batch.plan, rows));
    WRENCH_TRY(limits::load(tx, batch.plan.missing_limits, rows));
    WRENCH_TRY(budgets::load(tx, batch.plan.missing_budgets, batch.plan.missing_entries, rows));
  }
  WRENCH_TRY(row_store::write(tx, batch.plan, unwritten, config_.ownership));
  batch.moved = WRENCH_TRY(limits::write(tx, batch.plan, shared_ ? std::string_view() : config_.boot));
  for (Command& command : batch.moved.told) batch.follow_ups.push_back(std::move(command));
  for (Command& command : WRENCH_TRY(budgets::write(tx, batch.plan, config_.boot, config_.ownership)))
    batch.follow_ups.push_back(std::move(command));

  for (std::size_t c = 0; c < commands.size(); ++c) {
    if (batch.job_of_command[c] == kNoJob) continue;
    const Job& job = batch.jobs[static_cast<std::size_t>(batch.job_of_command[c])];
    const auto* outcome = std::get_if<command::Outcome>(&commands[c]);
    const bool accepted = batch.plan.verdicts[c].ok() || !keeps(Keep::BaggageOfAccepted);
    if (!job.baggage || !accepted) continue;
    if (const auto* decide = std::get_if<command::Decide>(&commands[c]))
      WRENCH_TRY(store_blobs(tx, decide->step.execution_no, *job.baggage));
    if (outcome == nullptr) continue;
    WRENCH_TRY(store_baggage(tx, *outcome, *job.baggage, rows));
    if (!job.baggage->wait || !begins_to_wait(batch.plan, outcome->step)) continue;
    WRENCH_TRY(waits::open(tx, outcome->step, *job.baggage->wait));
    if (job.baggage->child) WRENCH_TRY(begin_child(tx, outcome->step, *job.baggage->child, numbers, starts, batch));
    WRENCH_TRY(carry(tx, outcome->step, batch.follow_ups));
  }
  for (const std::int64_t no : batch.plan.adopted) {
    if (!keeps(Keep::LoadTimers)) break;
    for (const TimerRow& timer : WRENCH_TRY(row_store::timers_of(tx, no))) batch.timers_loaded.push_back(timer);
  }
  if (shared_)
    for (const auto& [before, row] : batch.plan.executions) {
      const bool let_go = before != nullptr && before->paused != Pause::No && row.paused == Pause::No;
      const auto obstacle = rows.obstacles.find(row.id);
      const bool may = obstacle == rows.obstacles.end() || obstacle->second.for_good;
      if (let_go && may && row.status == ExecutionStatus::Pending)
        starts.add(row.id, rows.tasks.at(row.task_no).project_id, rows.tasks.at(row.task_no).priority);
    }
  std::set<std::int64_t> ended;
  for (const std::int64_t no : batch.plan.ended) ended.insert(rows.executions.at(no).task_no);
  for (Command& command : WRENCH_TRY(creation::unblock(tx, ended, shared_ ? &starts : nullptr)))
    batch.follow_ups.push_back(std::move(command));
  WRENCH_TRY(carry_between_tasks(tx, batch));
  if (shared_ && !batch.plan.ready_insert.empty()) WRENCH_TRY(turns::keep(tx, batch.plan.ranks.tails));
  WRENCH_TRY(starts.write(tx));
  if (!keeps(Keep::CommitBeforeAck))
    for (std::size_t i = 0; i < batch.jobs.size(); ++i)
      if (batch.receipts[i] && batch.jobs[i].reply) std::exchange(batch.jobs[i].reply, nullptr)(*batch.receipts[i]);
  return {};
}

Result<void> Dispatcher::begin_child(WriteTx& tx, StepKey step, const Creation& child, creation::Numbers& numbers,
                                     turns::Starts& starts, Batch& batch) const {
  const LoadedRows& rows = batch.rows;
  const TaskRow& parent = rows.tasks.at(rows.executions.at(step.execution_no).task_no);
  const auto created = WRENCH_TRY(child_tasks::begin(tx, child, parent, step, numbers));
  if (shared_)
    starts.add(created.receipt.execution_no);
  else
    batch.follow_ups.emplace_back(command::Start{created.receipt.execution_no});
  return {};
}

Result<void> Dispatcher::carry_between_tasks(WriteTx& tx, Batch& batch) const {
  for (const std::int64_t no : batch.plan.ended) {
    const TaskRow& task = batch.rows.tasks.at(batch.rows.executions.at(no).task_no);
    if (!keeps(Keep::ChildEndKept)) continue;
    if (!WRENCH_TRY(child_tasks::ended(tx, task, no, config_.ownership))) continue;
    WRENCH_TRY(carry(tx, {task.parent_execution, task.parent_step}, batch.follow_ups));
  }
  if (!keeps(Keep::ChildGivenUp)) return {};
  for (const StepKey& step : batch.plan.children_over)
    for (Command& command : WRENCH_TRY(child_tasks::give_up(tx, step, config_.boot, config_.ownership)))
      batch.follow_ups.push_back(std::move(command));
  return {};
}

Result<void> Dispatcher::carry(WriteTx& tx, StepKey step, std::vector<Command>& commands) const {
  const storage::Rows owner = WRENCH_TRY(tx.query(sql::kExecutionOpen, {step.execution_no}));
  if (owner.empty() || (!shared_ && owner.front().text_or_empty(0) != config_.boot)) return {};
  auto command = WRENCH_TRY(waits::decision_of(tx, step));
  if (!command) return {};
  for (Command& note : WRENCH_TRY(requests::notes_of(tx, step.execution_no))) commands.push_back(std::move(note));
  commands.push_back(std::move(*command));
  return {};
}

void Dispatcher::on_flushed(Batch& batch, Result<void> outcome) {
  WRENCH_ASSERT(flushing_);
  flushing_ = false;
  ++flushes_;
  if (!outcome.ok()) {
    failed(batch, outcome.error());
    return;
  }
  not_before_ = 0;
  if (trouble_ && !trouble_->final) trouble_.reset();
  watch_clock(*timers_, shared_.get());
  if (shared_) shared_->flushed(*batch.shared, clock_, free_slots(), batch.plan.events.size());
  if (config_.metrics != nullptr) config_.metrics->flushed(batch, *cache_);
  carry_out(batch);
  // The flush saw only the heads of its queues, and its commands may have cancelled just these. A pass without commands
  // fills every slot that it can, so none has to follow it.
  // And what was parked left its slot to the next; what found its key free again is queued.
  const bool looked_again = !batch.jobs.empty() || !batch.plan.parks.empty() || !batch.plan.unparks.empty() ||
                            !batch.plan.budgets.refusals.empty();
  if (looked_again && keeps(Keep::ClaimAgain)) claim_pass_wanted_ = claims_allowed_;
  for (std::size_t c = 0; c < batch.job_of_command.size(); ++c) {
    if (batch.job_of_command[c] == kNoJob) continue;
    const auto job = static_cast<std::size_t>(batch.job_of_command[c]);
    if (batch.receipts[job] && !batch.receipts[job]->ok()) continue;  // The first refusal says why.
    const Result<void>& verdict = batch.plan.verdicts[c];
    // Another process took the step away from here: its slot is free all the same.
    if (const auto* ended = outcome_of(batch.jobs[job]);
        shared_ && ended != nullptr && !verdict.ok() && verdict.error().code == "workflow.fenced")
      release(ended->step, ended->epoch);
    // What it depends on began anew in this very flush: the task is there all the same, and waits for it.
    const bool waits = !verdict.ok() && verdict.error().code == "workflow.blocked" && batch.receipts[job] &&
                       !std::holds_alternative<Command>(batch.jobs[job].work);
    if (!verdict.ok() && !waits) {
      batch.receipts[job] = Result<TaskReceipt>(verdict.error());
    } else if (!batch.receipts[job]) {
      batch.receipts[job] = TaskReceipt{};
    }
  }
  for (std::size_t i = 0; i < batch.jobs.size(); ++i)
    if (batch.jobs[i].reply) std::exchange(batch.jobs[i].reply, nullptr)(std::move(*batch.receipts[i]));
}

void Dispatcher::release(StepKey step, std::int64_t epoch) {
  const auto it = running_.find(step);
  if (it == running_.end() || it->second.epoch != epoch) return;
  --used_[static_cast<std::size_t>(it->second.slot)];
  running_.erase(it);
  if (shared_) timers_->erase({step, std::nullopt});
  shell_.released(step, epoch);
}

void Dispatcher::worker_lost(Batch& batch, const Error& error) {
  trouble_ = Trouble{error, clock_.now_us(), true};
  shared_->stop_working();
  claims_allowed_ = false;
  while (!running_.empty()) release(running_.begin()->first, running_.begin()->second.epoch);
  for (Job& job : batch.jobs)
    if (job.reply) std::exchange(job.reply, nullptr)(Result<TaskReceipt>(error));
}

void Dispatcher::remember(Batch& batch) {
  if (shared_) return;  // Others change these rows as well.
  // Of a long queue the rows at its head are kept: those that came first are wanted first.
  const auto remember_in = [](auto& rows, const auto& key) {
    const auto it = rows.size() < kRowsCachedMax ? rows.try_emplace(key).first : rows.find(key);
    return it == rows.end() ? nullptr : &it->second;
  };
  FlushPlan& plan = batch.plan;
  LoadedRows& rows = batch.rows;
  for (auto& [before, row] : plan.executions)
    if (const auto it = rows.executions.find(row.id); it != rows.executions.end()) it->second = std::move(row);
  for (auto& [before, task] : plan.tasks)
    if (const auto it = rows.tasks.find(task.id); it != rows.tasks.end()) it->second = std::move(task);
  for (auto& [no, row] : rows.executions) {
    // What stands still takes no room from what goes on.
    RowCache::Known* known = active_.contains(no) && row.status != ExecutionStatus::Suspended
                                 ? remember_in(cache_->executions, no)
                                 : nullptr;
    // Whoever gets it now changes its steps.
    if (!active_.contains(no) && !is_terminal(row.status)) cache_->steps.clear();
    if (known == nullptr) {
      cache_->executions.erase(no);
      continue;
    }
    const auto journal = plan.journal_next.find(no);
    TaskRow& task = rows.tasks.at(row.task_no);
    *known = {std::move(row), std::move(task), std::move(rows.plans.at(no)),
              journal == plan.journal_next.end() ? rows.journal_next.at(no) : journal->second};
  }
  for (auto& [before, row] : plan.steps) {
    const StepKey key{row.execution_no, row.step_no};
    const bool wanted =
        row.state == StepState::Ready || (row.state == StepState::Running && row.worker_boot == config_.boot);
    if (StepRow* known = wanted ? remember_in(cache_->steps, key) : nullptr)
      *known = std::move(row);
    else
      cache_->steps.erase(key);
  }
}

void Dispatcher::failed(Batch& batch, const Error& error) {
  if (error.code == "workflow.worker_lost") return worker_lost(batch, error);
  cache_->clear();
  claim_pass_wanted_ = claims_allowed_;
  const bool transient = is_transient(error);
  if (batch.jobs.empty()) not_before_ = clock_.now_us() + kFlushRetryDelay;
  if (transient) {
    not_before_ = clock_.now_us() + kFlushRetryDelay;
    if (!trouble_) trouble_ = Trouble{error, clock_.now_us(), false};
  }
  std::vector<Job> again;
  for (Job& job : batch.jobs) {
    ++job.tries;
    if (transient && must_be_kept(job)) {
      again.push_back(std::move(job));
    } else if (!transient && batch.jobs.size() > 1) {
      job.alone = true;
      again.push_back(std::move(job));
    } else if (is_conflict(error) && job.tries < kConflictTriesMax) {
      again.push_back(std::move(job));
    } else if (const auto* outcome = outcome_of(job);
               outcome != nullptr && std::holds_alternative<command::Outcome::Complete>(outcome->result)) {
      // The result can't be stored as it is: that is the step's failure, not a reason to hold its slot for ever.
      command::Outcome refused{outcome->step, outcome->epoch, {}};
      codec::Json what = codec::Json::object({{"code", error.code}, {"message", error.message}});
      refused.result = command::Outcome::Fail{FailureClass::Permanent, codec::write_json(what), std::nullopt};
      again.push_back(Job{.work = Command(std::move(refused)), .reply = std::move(job.reply)});
    } else {
      if (must_be_kept(job) && !std::holds_alternative<StreamChunk>(job.work))
        trouble_ = Trouble{error, clock_.now_us(), true};
      if (job.reply) std::exchange(job.reply, nullptr)(Result<TaskReceipt>(error));
    }
  }
  jobs_.insert(jobs_.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
}

void Dispatcher::carry_out(Batch& batch) {
  const FlushPlan& plan = batch.plan;
  for (const auto& [step, epoch] : plan.released) release(step, epoch);
  if (batch.shared) {
    for (const auto& [step, epoch] : batch.shared->gone) release(step, epoch);
    for (const StepKey& step : batch.shared->stops) shell_.stop(step);
  }
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot)
    backlog_[slot] += plan.backlog_delta[slot] + batch.moved.backlog_delta[slot];
  ranks_->now = plan.ranks.now;
  if (batch.shared && batch.shared->tails) ranks_->tails = std::move(*batch.shared->tails);
  for (const auto& [flow, tail] : plan.ranks.tails) ranks_->tails[flow] = tail;
  // What lies in the past says nothing more: the flow has been idle since.
  if (ranks_->tails.size() > kTailsMax)
    std::erase_if(ranks_->tails, [this](const auto& entry) {
      return entry.second <= ranks_->now[static_cast<std::size_t>(entry.first.slot)];
    });
  for (std::size_t slot = 0; shared_ && slot < kSlotClasses; ++slot)
    if (batch.moved.backlog_delta[slot] > 0) shared_->put_into_queue(slot);
  parked_ += batch.moved.parked_delta;
  for (const auto& [key, at] : batch.moved.refills) {
    if (at == 0) refills_->erase(key);
    if (at != 0 && !shared_) refills_->set(key, at);
    if (at != 0 && shared_) shared_->expect(at);
  }
  for (const TimerDelete& timer : plan.timers_delete) timers_->erase(timer);
  for (const TimerRow& timer : plan.timers_kept) timers_->set(timer);
  for (const TimerRow& timer : plan.timers_set) {
    // Those of a shared store fire in whichever process looks first.
    if (!shared_)
      timers_->set(timer);
    else
      shared_->expect(timer.due_at);
  }
  for (const TimerRow& timer : batch.timers_loaded) timers_->set(timer);
  for (const auto& [before, row] : plan.executions) {
    if (is_terminal(row.status) || row.owner_boot != config_.boot) {
      active_.erase(row.id);
      // A shared one has no owner: whoever runs a step of it sees to the step's time.
      if (!shared_ || is_terminal(row.status)) timers_->erase_execution(row.id);
    } else {
      active_.insert(row.id);
    }
  }
  for (const StepKey& step : plan.stops) shell_.stop(step);
  for (Launch& launch : batch.plan.launches) {
    running_[{launch.step.execution_no, launch.step.step_no}] = {launch.step.epoch, launch.slot};
    ++used_[static_cast<std::size_t>(launch.slot)];
    shell_.launch(std::move(launch));
  }
  for (const StepKey& step : plan.uncertain) shell_.reconcile(step);
  for (Command& command : batch.follow_ups) jobs_.push_back(Job{.work = std::move(command)});
  notices(batch);
  remember(batch);
}

void Dispatcher::notices(const Batch& batch) {
  const FlushPlan& plan = batch.plan;
  for (const auto& [before, row] : plan.steps) {
    if (before && before->state == row.state && before->attempt == row.attempt) continue;
    Notice notice;
    notice.kind = Notice::Kind::StepState;
    notice.execution_no = row.execution_no;
    notice.step_no = row.step_no;
    notice.node_index = row.node;
    notice.step_state = row.state;
    notice.attempt = row.attempt;
    shell_.notice(notice);
  }
  for (const auto& [before, row] : plan.executions) {
    Notice notice;
    notice.kind = Notice::Kind::ExecutionState;
    notice.execution_no = row.id;
    notice.execution_status = row.status;
    notice.steps_done = row.steps_done;
    notice.steps_total = row.steps_total;
    shell_.notice(notice);
  }
}

void Dispatcher::on_time() {
  if (shared_ && shared_->must_stop(clock_))
    for (const auto& [step, run] : running_) shell_.stop(step);
  watch_clock(*timers_, shared_.get());
  const Micros at = now();
  while (auto key = refills_->pop(at)) jobs_.push_back(Job{.work = Command(command::Refill{std::move(*key)})});
  while (const auto timer = timers_->pop(at)) {
    const StepKey step{timer->execution_no, timer->step_no};
    if (shared_ ? !running_.contains(step) : !active_.contains(timer->execution_no)) continue;
    command::TimerDue due{*timer};
    if (timer->kind == TimerKind::BudgetShare) due.cpu_us = shell_.cpu_us(step);
    if (timer->kind == TimerKind::Heartbeat) due.last_tick_at = shell_.last_tick_at(step) + at - clock_.now_us();
    jobs_.push_back(Job{.work = Command(due)});
  }
}

Micros Dispatcher::next_due() const {
  Micros due = timers_->next_due();
  due = std::min(due, refills_->next_due());
  if (due != std::numeric_limits<Micros>::max()) due -= shared_ ? shared_->offset_us() : timers_->store_ahead_us();
  if (shared_ && !flushing_) due = std::min(due, std::max(shared_->next_flush(), not_before_));
  if (not_before_ != 0 && !jobs_.empty()) due = std::min(due, not_before_);
  return due;
}

void Dispatcher::see_queues(const std::array<int, kSlotClasses>& queued, std::uint64_t after_flush) {
  if (flushing_ || after_flush != flushes_) return;
  backlog_ = queued;
  claim_pass_wanted_ = claims_allowed_;
}

void Dispatcher::hear(const std::vector<StepKey>& decided) {
  for (const StepKey& step : decided)
    if (active_.contains(step.execution_no)) jobs_.push_back(Job{.work = Decided{step}});
}

void Dispatcher::obey(std::vector<Command> requests) {
  for (Command& command : requests) jobs_.push_back(Job{.work = std::move(command)});
}

}  // namespace wrench::workflow
