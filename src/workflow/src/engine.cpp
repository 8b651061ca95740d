#include "wrench/workflow/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "budget/budgets.hpp"
#include "creation.hpp"
#include "forks.hpp"
#include "payload.hpp"
#include "plan_node.hpp"
#include "requests.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "step_meter.hpp"
#include "stream_buffers.hpp"
#include "waits.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/steady_clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/base/version.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/dispatcher.hpp"
#include "wrench/workflow/metrics.hpp"
#include "wrench/workflow/restore.hpp"
#include "wrench/workflow/step_execution.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kPersonBytesMax = 200;
constexpr std::chrono::milliseconds kRequestPoll{500};
constexpr std::chrono::milliseconds kWaitSlice{50};
constexpr std::chrono::milliseconds kListenPause{20};
constexpr Micros kListenSlice = 60 * kMicrosPerSecond;
constexpr Micros kPauseMin = 500;  ///< Of the timekeeper.
constexpr Micros kNever = std::numeric_limits<Micros>::max();

constexpr std::size_t kOrphansLookedAt = 10'000;  ///< At once.

/// Executions that nobody runs.
struct OrphanPage {
  std::vector<decltype(Job::work)> adoptions;
  std::vector<TaskReceipt> receipts;  ///< Of these.
  std::vector<std::int64_t> expired;  ///< Executions that have waited for too long to begin.
  bool last = false;
};

/// What becomes of tasks that are paused when somebody goes on with them.
enum class HeldBackTasks : std::uint8_t { GoOn, Stay };

}  // namespace

struct Engine::State final : DispatcherShell {
  struct RunningStep {
    std::int64_t epoch = 0;
    StopSource stop;
    Micros last_tick_boot = 0;
    std::shared_ptr<const Launch> what;
    std::shared_ptr<runtime::UsageAccount> account;
    Progress progress;
    bool returned = false;
  };

  State(storage::Store& s, EngineConfig c, const Clock& k, Random& r)
      : store(s),
        config(std::move(c)),
        clock(k),
        random(r),
        shared(s.dialect() == storage::Dialect::Postgres),
        metrics(config.metrics == nullptr ? nullptr : std::make_unique<EngineMetrics>(*config.metrics)),
        dispatcher({config.boot_id, config.slots, config.losses_max, shared ? Ownership::Shared : Ownership::Exclusive,
                    config.worker_ttl_us, metrics.get(), config.labels, config.unserved_after_us},
                   clock, random, *this) {}

  // ---- DispatcherShell, under `mutex` ----

  void launch(Launch launch) override {
    const StepKey key{launch.step.execution_no, launch.step.step_no};
    const std::int64_t epoch = launch.step.epoch;
    RunningStep& run = steps[key];
    run = RunningStep{epoch, StopSource(stopping.token()), clock.boot_us(),
                      std::make_shared<const Launch>(std::move(launch)), std::make_shared<runtime::UsageAccount>()};
    ++threads_busy;
    const auto queued = pool->submit(
        [this, what = run.what, stop = run.stop.token(), account = run.account] { run_step(*what, stop, account); });
    WRENCH_ASSERT(queued.ok());  // The pool's queue is longer than there are slots.
  }
  void stop(StepKey step) override {
    if (const auto it = steps.find(step); it != steps.end()) it->second.stop.request_stop();
  }
  void released(StepKey step, std::int64_t epoch) override {
    const auto it = steps.find(step);
    if (it == steps.end() || it->second.epoch != epoch) return;
    it->second.stop.request_stop();
    streams.drop(step, epoch);
    if (!it->second.returned) ++stuck;
    steps.erase(it);
  }
  void reconcile(StepKey step) override {
    if (runner == nullptr) return;
    ++threads_busy;
    ++unreconciled;
    const auto queued = pool->submit([this, step] {
      auto job = reconcile_step(step, *runner, store, dispatcher.plans());
      const std::lock_guard lock(mutex);
      if (job.ok()) {
        job->reply = [this](const Result<TaskReceipt>&) { --unreconciled; };
        dispatcher.enqueue(std::move(*job));
      } else {
        --unreconciled;
      }
      --threads_busy;
      pump();
      wake();
    });
    WRENCH_ASSERT(queued.ok());
  }
  void notice(const Notice& what) override {
    if (subscriber) subscriber(what);
    if (what.kind == Notice::Kind::ExecutionState) ++generation;
  }
  Micros last_tick_at(StepKey step) override {
    const auto it = steps.find(step);
    return it == steps.end() ? 0 : clock.now_us() - (clock.boot_us() - it->second.last_tick_boot);
  }
  Micros cpu_us(StepKey step) override {
    const auto it = steps.find(step);
    return it == steps.end() ? 0 : it->second.account->cpu_us_now();
  }

  Result<Creation> prepare(CreateTask task);
  Result<TaskReceipt> go_on(std::string_view task_id, HeldBackTasks held);
  Result<std::vector<std::string>> open_children(std::int64_t execution_no) {
    return store.read([&](ReadTx& tx) { return list_open_children(tx, execution_no); });
  }
  Result<void> cancel_unowned_children(std::int64_t execution_no);
  Result<OrphanPage> next_orphans();
  Result<void> pause(std::string_view task_id, bool now);
  Result<void> pause_children(std::int64_t execution_no, bool now);
  /// What the execution waits for; those that another process runs, that one lets go on.
  Result<void> go_on_with_children(std::int64_t execution_no, HeldBackTasks held);
  /// By this process, or by the one that runs the task.
  Result<void> decide(const TaskView& task, std::int64_t step_no, StepDecision decision, const Payload& output,
                      std::shared_ptr<const Baggage> baggage);

  // ---- flushes ----

  /// Tells whoever has to look again. Under `mutex`; a call that wakes nobody costs no system call.
  void wake() {
    if (waiters > 0) changed.notify_all();
    if (closed || next_due() < sleeps_until || (sleeps_until == kNever && !dispatcher.active().empty()))
      timers_sooner.notify_one();
  }
  /// Looks for requests now rather than at the next poll.
  void poll_soon() {
    const std::lock_guard lock(mutex);
    last_poll = {};
    timers_sooner.notify_one();
  }
  void wait_for_change(std::unique_lock<std::mutex>& lock) {
    ++waiters;
    changed.wait_for(lock, kWaitSlice);
    --waiters;
  }

  /// Chunks wait for the flush that is under way.
  Micros next_due() const {
    const Micros due = dispatcher.next_due();
    return flushes_open > 0 ? due : std::min(due, streams.next_due());
  }

  /// Under `mutex`.
  void pump() {
    if (flushes_open == 0) add_chunks(streams.due(clock.now_us()));
    auto batch = dispatcher.next_batch();
    if (!batch) return;
    std::size_t bytes = 0;
    for (const Job& job : batch->jobs)
      if (job.baggage)
        for (const auto& blob : job.baggage->blobs) bytes += blob.body.size();
    ++flushes_open;
    const auto queued = store.submit({storage::JobLane::Completion, bytes,
                                      [this, batch](storage::WriteTx& tx) { return dispatcher.run(*batch, tx); }},
                                     [this, batch](Result<void> outcome) {
                                       const std::lock_guard lock(mutex);
                                       --flushes_open;
                                       ++flushes_done;
                                       dispatcher.on_flushed(*batch, std::move(outcome));
                                       pump();
                                       wake();
                                       if (config.on_activity) config.on_activity();
                                     });
    if (!queued.ok()) {
      --flushes_open;
      dispatcher.on_flushed(*batch, queued.error());
      wake();
    }
  }

  void add_chunks(std::vector<StreamChunk> chunks) {
    for (StreamChunk& chunk : chunks) dispatcher.enqueue(Job{.work = std::move(chunk)});
  }

  /// Queues jobs and waits for their flushes: one answer for each. `baggage`: of them all.
  std::vector<Result<TaskReceipt>> ask_all(std::vector<decltype(Job::work)> works,
                                           const std::shared_ptr<const Baggage>& baggage = nullptr) {
    struct Answers {
      std::vector<std::optional<Result<TaskReceipt>>> receipts;
      std::size_t missing = 0;
      std::promise<void> complete;
    };
    auto answers = std::make_shared<Answers>();
    answers->receipts.resize(works.size());
    answers->missing = works.size();
    {
      const std::lock_guard lock(mutex);
      if (closed) return {works.size(), Error("workflow.draining", "the engine has ended")};
      for (std::size_t i = 0; i < works.size(); ++i)
        dispatcher.enqueue(
            Job{.work = std::move(works[i]), .baggage = baggage, .reply = [answers, i](Result<TaskReceipt> receipt) {
                  answers->receipts[i] = std::move(receipt);
                  if (--answers->missing == 0) answers->complete.set_value();
                }});
      pump();
      wake();
    }
    if (!works.empty()) answers->complete.get_future().wait();
    std::vector<Result<TaskReceipt>> out;
    out.reserve(works.size());
    for (auto& receipt : answers->receipts) out.push_back(std::move(*receipt));
    return out;
  }
  Result<TaskReceipt> ask(decltype(Job::work) work, std::shared_ptr<const Baggage> baggage = nullptr) {
    std::vector<decltype(Job::work)> works;
    works.push_back(std::move(work));
    return std::move(ask_all(std::move(works), baggage).front());
  }

  // ---- threads ----

  void run_step(const Launch& launch, const StopToken& stop, std::shared_ptr<runtime::UsageAccount> account) {
    const StepRow& step = launch.step;
    const StepKey key{step.execution_no, step.step_no};
    StepSession session{.store = store,
                        .payloads = payloads,
                        .clock = clock,
                        .random = random,
                        .stop = stop,
                        .deadline = {},
                        .tick = [this, key, epoch = step.epoch,
                                 node = step.node](const Progress& progress) { on_tick(key, epoch, node, progress); },
                        .stream = [this, key, epoch = step.epoch, attempt = step.attempt](
                                      std::string_view text) { on_stream(key, epoch, attempt, text); },
                        .record = [this](command::Record record) -> Result<void> {
                          WRENCH_TRY(ask(Command(std::move(record))));
                          return {};
                        },
                        .labels = &config.labels};
    StepMeter meter(std::move(account));
    Job job = execute_step(launch, *runner, std::move(session));
    const StepMeter::Measured measured = meter.end(job);
    const std::lock_guard lock(mutex);
    if (metrics) metrics->ran(launch.plan->nodes()[step.node], measured.took_us, measured.used);
    if (const auto it = steps.find(key); it != steps.end() && it->second.epoch == step.epoch)
      it->second.returned = true;
    else
      --stuck;
    if (stopping.token().stop_requested()) give_back(job);
    add_chunks(streams.end(key, step.epoch));
    dispatcher.enqueue(std::move(job));
    --threads_busy;
    pump();
    wake();
  }

  /// While draining, a step that stopped because it was asked to has neither failed nor succeeded.
  static void give_back(Job& job) {
    auto& outcome = std::get<command::Outcome>(std::get<Command>(job.work));
    if (std::holds_alternative<command::Outcome::Fail>(outcome.result)) outcome.result = command::Outcome::Yield{};
  }

  void on_tick(StepKey key, std::int64_t epoch, std::uint32_t node, const Progress& progress) {
    const std::lock_guard lock(mutex);
    const auto it = steps.find(key);
    if (it == steps.end() || it->second.epoch != epoch) return;
    it->second.last_tick_boot = clock.boot_us();
    it->second.progress = progress;
    if (!subscriber) return;
    Notice what;
    what.kind = Notice::Kind::StepProgress;
    what.execution_no = key.execution_no;
    what.step_no = key.step_no;
    what.node_index = node;
    what.step_state = StepState::Running;
    what.progress = progress;
    subscriber(what);
  }

  void on_stream(StepKey key, std::int64_t epoch, int attempt, std::string_view text) {
    const std::lock_guard lock(mutex);
    const auto it = steps.find(key);
    if (it == steps.end() || it->second.epoch != epoch) return;
    streams.append(key, epoch, attempt, text, clock.now_us());
    wake();
  }

  /// Fires timers, and looks for requests of other processes while something runs here.
  void keep_time() {
    std::unique_lock lock(mutex);
    while (!closed) {
      dispatcher.on_time();
      pump();
      if (!shared && dispatcher.active().empty() && next_due() == kNever) {
        sleeps_until = kNever;
        timers_sooner.wait(lock);
        continue;
      }
      const Micros now_us = clock.now_us();
      const auto pause = std::min<std::chrono::microseconds>(
          kRequestPoll, std::chrono::microseconds(std::max<Micros>(next_due() - now_us, kPauseMin)));
      sleeps_until = now_us + pause.count();
      timers_sooner.wait_for(lock, pause);
      if (shared) continue;
      const auto now = std::chrono::steady_clock::now();
      if (closed || now - last_poll < kRequestPoll || dispatcher.active().empty()) continue;
      last_poll = now;
      const bool any_parked = dispatcher.any_parked();
      const std::uint64_t flushes = dispatcher.flushes();
      lock.unlock();
      auto queued = any_parked ? count_queues() : Result<std::array<int, kSlotClasses>>({0, 0, 0});
      auto requests = store.read([&](ReadTx& tx) { return requests::of_boot(tx, config.boot_id); });
      auto decisions = store.read([&](ReadTx& tx) { return tx.query(sql::kOwnedDecisions, {config.boot_id}); });
      lock.lock();
      if (any_parked && queued.ok()) dispatcher.see_queues(*queued, flushes);
      if (decisions.ok()) {
        std::vector<StepKey> decided;
        for (const auto row : *decisions) decided.push_back({row.integer(0), row.integer(1)});
        dispatcher.hear(decided);
      }
      if (requests.ok()) dispatcher.obey(std::move(*requests));
    }
  }

  Result<std::array<int, kSlotClasses>> count_queues() {
    return store.read([&](ReadTx& tx) -> Result<std::array<int, kSlotClasses>> {
      std::array<int, kSlotClasses> out = {};
      for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
        const Rows found =
            WRENCH_TRY(tx.query(sql::kQueueSize, {queue_name(static_cast<SlotClass>(slot), config.boot_id)}));
        out[slot] = static_cast<int>(found.front().integer(0));
      }
      return out;
    });
  }

  /// Wakes the dispatcher when others' events come.
  void listen() {
    std::int64_t seen = 0;
    while (!leaving.token().stop_requested()) {
      const auto grew = store.wait_for_events(seen, Deadline::after(clock, kListenSlice), leaving.token());
      if (grew.ok() && !*grew) continue;
      const auto head = store.read([](ReadTx& tx) { return storage::event_log::head(tx); });
      {
        const std::lock_guard lock(mutex);
        if (head.ok() && metrics) metrics->event_lag.set(head->seq - seen);
        if (head.ok()) seen = head->seq;
        dispatcher.wake(seen);
        changed.notify_all();
      }
      std::this_thread::sleep_for(head.ok() ? kListenPause : kRequestPoll);
    }
  }

  storage::Store& store;
  const EngineConfig config;
  const SteadyClock clock;  ///< Nothing here waits for a clock that was set back.
  Random& random;
  const bool shared;  ///< Executions belong to nobody; see Ownership.
  std::mutex mutex;
  std::condition_variable changed;         ///< For wait() and drain().
  std::condition_variable timers_sooner;   ///< For the timekeeper.
  Micros sleeps_until = kNever;            ///< The timekeeper.
  int waiters = 0;                         ///< For `changed`.
  std::unique_ptr<EngineMetrics> metrics;  ///< Null: nobody wants to know.
  Dispatcher dispatcher;
  StreamBuffers streams;
  PayloadCache payloads;
  StepRunner* runner = nullptr;
  std::function<void(const Notice&)> subscriber;
  std::map<StepKey, RunningStep> steps;
  StopSource stopping;
  std::uint64_t generation = 0;
  std::int64_t stuck = 0;  ///< Runs that haven't returned though they were released.
  int threads_busy = 0;
  int flushes_open = 0;
  std::uint64_t flushes_done = 0;
  int unreconciled = 0;  ///< Questions to reconcile hooks whose answers aren't durable.
  bool draining = false;
  bool closed = false;
  std::chrono::steady_clock::time_point last_poll;
  std::unique_ptr<runtime::WorkerPool> pool;
  std::thread timekeeper;
  OrphanPlace orphans_from;  ///< Of whoever calls adopt_orphans().
  StopSource leaving;
  std::thread listener;
};

namespace {

Result<void> register_boot(storage::Store& store, const EngineConfig& config) {
  const Rows known = WRENCH_TRY(store.read([](ReadTx& tx) { return tx.query(sql::kWorkers); }));
  return store.write([&](storage::WriteTx& tx) -> Result<void> {
    for (const auto row : known)
      if (!config.boot_is_live(row.text(0))) WRENCH_TRY(tx.exec(sql::kDeleteWorker, {row.text(0)}));
    WRENCH_TRY(tx.exec(sql::kInsertWorker, {config.boot_id, static_cast<std::int64_t>(getpid()), version(), tx.now(),
                                            to_string(config.labels)}));
    return {};
  });
}

}  // namespace

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Engine>> Engine::open(storage::Store& store, EngineConfig config, const Clock& clock,
                                             Random& random) {
  WRENCH_ASSERT(!config.boot_id.empty() && config.boot_is_live);
  for (const int slots : config.slots) WRENCH_ASSERT(slots >= 1);
  if (store.dialect() == storage::Dialect::Sqlite) WRENCH_TRY(register_boot(store, config));
  auto state = std::make_unique<State>(store, std::move(config), clock, random);
  if (state->config.traits) state->dispatcher.set_traits(state->config.traits);
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

Engine::~Engine() {
  State& s = *state_;
  static_cast<void>(drain(Deadline::after(s.clock, 0)));
  {
    std::unique_lock lock(s.mutex);
    s.closed = true;
    s.dispatcher.allow_claims(false);
    s.wake();
  }
  s.leaving.request_stop();
  if (s.listener.joinable()) s.listener.join();
  if (s.timekeeper.joinable()) s.timekeeper.join();
  // The writer may still hold a completion of ours, which may launch what was claimed before; and steps that end queue
  // another one.
  const auto await_flushes = [&s] {
    std::unique_lock lock(s.mutex);
    while (s.flushes_open > 0) s.wait_for_change(lock);
  };
  await_flushes();
  if (s.pool) s.pool->join();
  await_flushes();
}

void Engine::start(StepRunner& runner) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  WRENCH_ASSERT(s.runner == nullptr);
  s.runner = &runner;
  std::size_t slots = 0;
  for (const int of_class : s.config.slots) slots += static_cast<std::size_t>(of_class);
  // A released step may still hold its thread when another has taken its slot; and uncertain ones are asked after.
  s.pool = std::make_unique<runtime::WorkerPool>(
      runtime::WorkerPoolOptions{.threads = s.config.threads == 0 ? slots : s.config.threads,
                                 .queue_max = std::max(runtime::kPoolQueueDefault, 4 * slots),
                                 .name = "step"});
  s.dispatcher.set_traits([&runner](std::string_view capability) -> std::optional<CapabilityTraits> {
    const auto traits = runner.traits(capability);
    return traits ? std::optional(*traits) : std::nullopt;
  });
  s.dispatcher.set_recovery([&runner](StepKey, const StepFailure& failure) { return runner.recovery_of(failure); });
  s.dispatcher.allow_claims(true);
  s.timekeeper = std::thread([&s] { s.keep_time(); });
  if (s.shared) s.listener = std::thread([&s] { s.listen(); });
}

Result<Creation> Engine::State::prepare(CreateTask task) {
  Creation creation = WRENCH_TRY(creation::prepare(std::move(task), clock, random));
  dispatcher.plans().put(creation.task.plan);
  return creation;
}

Result<TaskReceipt> Engine::create(CreateTask task) {
  return state_->ask(WRENCH_TRY(state_->prepare(std::move(task))));
}

std::vector<Result<TaskReceipt>> Engine::create_all(std::vector<CreateTask> tasks) {
  std::vector<decltype(Job::work)> works;
  std::vector<std::optional<Error>> refused;
  for (CreateTask& task : tasks) {
    auto creation = state_->prepare(std::move(task));
    refused.push_back(creation.ok() ? std::nullopt : std::optional(creation.error()));
    if (creation.ok()) works.emplace_back(std::move(*creation));
  }
  auto receipts = state_->ask_all(std::move(works));
  auto next = receipts.begin();
  std::vector<Result<TaskReceipt>> out;
  out.reserve(tasks.size());
  for (auto& error : refused) out.push_back(error ? Result<TaskReceipt>(std::move(*error)) : std::move(*next++));
  return out;
}

Result<TaskReceipt> Engine::State::go_on(std::string_view task_id, HeldBackTasks held) {
  State& s = *this;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  const ExecutionView& last = executions.back();
  TaskReceipt receipt{.task_id = task.task_id,
                      .execution_id = last.execution_id,
                      .task_no = task.task_no,
                      .execution_no = last.execution_no,
                      .existed = true,
                      .state = task.state};
  if (is_terminal(last.status)) return receipt;
  if (task.state == TaskState::Draft)
    return Error("workflow.invalid_transition", "the task " + task.task_id + " is a draft: it hasn't begun")
        .with_help("wrench task run " + task.task_id);
  const bool elsewhere = !last.owner_boot.empty() && last.owner_boot != s.config.boot_id;
  const bool restored = s.shared && last.suspend_reason == kRestored;
  const bool unpause = (last.paused || restored) && held == HeldBackTasks::GoOn;
  if (unpause && last.status == ExecutionStatus::Pending) {
    WRENCH_TRY(s.ask(Command(command::SetPause{last.execution_no, Pause::No, s.config.actor})));
    receipt.state = TaskState::Queued;
    if (s.shared) return receipt;
    // It is queued again, whether it may begin or not; another process may be quicker.
    auto begun = s.ask(Command(command::Adopt{last.execution_no, {}}));
    const bool left =
        !begun.ok() && begun.error().code != "workflow.blocked" && begun.error().code != "workflow.owned_elsewhere";
    if (left) return begun;
    return receipt;
  }
  if (unpause && s.shared) {
    WRENCH_TRY(s.ask(Command(command::SetPause{last.execution_no, Pause::No, s.config.actor})));
    WRENCH_TRY(s.go_on_with_children(last.execution_no, held));
  } else if (unpause) {
    WRENCH_TRY(s.ask(Request{last.execution_no, Request::Kind::Unpause, {}, s.config.actor}));
    const bool ours = last.owner_boot == s.config.boot_id;
    if (ours) s.poll_soon();
    if (ours || (elsewhere && s.config.boot_is_live(last.owner_boot))) {
      WRENCH_TRY(s.go_on_with_children(last.execution_no, held));
      return receipt;
    }
  }
  if (s.shared || last.owner_boot == s.config.boot_id) return receipt;
  if (elsewhere && s.config.boot_is_live(last.owner_boot))
    return Error("workflow.owned_elsewhere",
                 "another process runs the task " + task.task_id + " right now (" + last.owner_boot + ")")
        .with_help("wrench task watch " + task.task_id);
  WRENCH_TRY(s.ask(Command(command::Adopt{last.execution_no, last.owner_boot})));
  // What it waits for may have lost its process, too.
  WRENCH_TRY(s.go_on_with_children(last.execution_no, held));
  return receipt;
}

Result<void> Engine::State::go_on_with_children(std::int64_t execution_no, HeldBackTasks held) {
  for (const std::string& child : WRENCH_TRY(open_children(execution_no)))
    if (const auto resumed = go_on(child, held); !resumed.ok() && resumed.error().code != "workflow.owned_elsewhere")
      return resumed.error();
  return {};
}

Result<TaskReceipt> Engine::resume(std::string_view task_id) { return state_->go_on(task_id, HeldBackTasks::GoOn); }

Result<std::vector<TaskReceipt>> Engine::adopt_orphans() {
  State& s = *state_;
  std::vector<TaskReceipt> out;
  if (s.shared) return out;  // Workers take them by themselves.
  for (std::size_t looked_at = 0; looked_at < kOrphansLookedAt; looked_at += kTaskPageMax) {
    OrphanPage page = WRENCH_TRY(s.next_orphans());
    for (const std::int64_t no : page.expired)
      WRENCH_TRY(s.ask(Command(command::TimerDue{{no, 0, TimerKind::Expiry, s.clock.now_us(), -1}, 0, 0})));
    const auto adopted = s.ask_all(std::move(page.adoptions));
    for (std::size_t i = 0; i < adopted.size(); ++i)
      if (adopted[i].ok()) out.push_back(std::move(page.receipts[i]));  // Of the others, another process was quicker.
    if (page.last) break;
  }
  return out;
}

/// Those behind the ones that were looked at last, or the first ones if these were the last.
Result<OrphanPage> Engine::State::next_orphans() {
  return store.read([&](ReadTx& tx) -> Result<OrphanPage> {
    OrphanPage page;
    const auto is_live = [&](std::string_view boot) { return boot == config.boot_id || config.boot_is_live(boot); };
    const auto orphans = WRENCH_TRY(list_orphans(tx, is_live, orphans_from));
    page.last = orphans.size() < kTaskPageMax;
    orphans_from = page.last ? OrphanPlace() : OrphanPlace{orphans.back().owner_boot, orphans.back().execution_no};
    for (const Orphan& orphan : orphans) {
      const auto executions = WRENCH_TRY(list_executions(tx, orphan.task.task_no));
      const ExecutionView& execution = executions.back();
      if (execution.execution_no != orphan.execution_no || execution.suspend_reason == kInterrupted ||
          execution.suspend_reason == kRestored || orphan.task.state == TaskState::Draft)
        continue;
      if (execution.expires_at && *execution.expires_at <= clock.now_us())
        page.expired.push_back(execution.execution_no);
      if (execution.status == ExecutionStatus::Pending) {
        const auto other = WRENCH_TRY(creation::obstacle(tx, orphan.task.task_no));
        if (execution.paused || (other && !other->for_good)) continue;
      }
      page.adoptions.emplace_back(Command(command::Adopt{orphan.execution_no, orphan.owner_boot}));
      page.receipts.push_back({.task_id = orphan.task.task_id,
                               .execution_id = execution.execution_id,
                               .task_no = orphan.task.task_no,
                               .execution_no = orphan.execution_no,
                               .existed = true,
                               .state = orphan.task.state});
    }
    return page;
  });
}

Result<TaskReceipt> Engine::submit(std::string_view task_id) {
  State& s = *state_;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  return s.ask(Submit{task.task_no, s.config.actor});
}

Result<TaskReceipt> Engine::retry(std::string_view task_id) {
  State& s = *state_;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  return s.ask(Rerun{task.task_no, make_id("exe", s.clock, s.random)});
}

Result<TaskReceipt> Engine::fork(std::string_view task_id, ForkRequest request) {
  State& s = *state_;
  request.actor = s.config.actor;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  ForkDraft draft = WRENCH_TRY(
      s.store.read([&](ReadTx& tx) { return forks::prepare(tx, s.dispatcher.plans(), task.task_no, request); }));
  if (!is_terminal(task.state))
    return Error("workflow.invalid_transition", "the task " + task.task_id + " is " + std::string(name(task.state)) +
                                                    ": a fork takes the place of an execution that has ended")
        .with_help("wrench task cancel " + task.task_id);
  return s.ask(Rerun{task.task_no, make_id("exe", s.clock, s.random), std::make_shared<ForkDraft>(std::move(draft))});
}

Result<void> Engine::cancel(std::string_view task_id, std::string_view reason) {
  State& s = *state_;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  const ExecutionView& last = executions.back();
  if (is_terminal(last.status))
    return Error("workflow.invalid_transition",
                 "the task " + task.task_id + " is " + std::string(name(task.state)) + ": there is nothing to cancel");
  const std::string why(reason.empty() ? "cancelled" : reason);
  const bool elsewhere = !last.owner_boot.empty() && last.owner_boot != s.config.boot_id;
  if (elsewhere && s.config.boot_is_live(last.owner_boot)) {
    WRENCH_TRY(s.ask(Request{last.execution_no, Request::Kind::Cancel, why, s.config.actor}));
    return {};
  }
  if (!s.shared && last.started_at && last.owner_boot != s.config.boot_id) {
    // Taken over without starting anything, so that cancelling an interrupted task doesn't run it first.
    WRENCH_TRY(s.ask(Request{last.execution_no, Request::Kind::Cancel, why, s.config.actor}));
    WRENCH_TRY(s.ask(Command(command::Adopt{last.execution_no, last.owner_boot})));
  } else {
    WRENCH_TRY(s.ask(Command(command::Cancel{last.execution_no, why, s.config.actor})));
  }
  return s.cancel_unowned_children(last.execution_no);
}

/// Steps that were given up asked their children to end; of these, those whose process is gone hear of it here.
Result<void> Engine::State::cancel_unowned_children(std::int64_t execution_no) {
  if (shared) return {};
  for (const std::string& id : WRENCH_TRY(open_children(execution_no))) {
    const TaskView task = WRENCH_TRY(store.read([&](ReadTx& tx) { return find_task(tx, id); }));
    const auto executions = WRENCH_TRY(store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
    const ExecutionView& last = executions.back();
    const auto asked =
        WRENCH_TRY(store.read([&](ReadTx& tx) { return requests::of_execution(tx, last.execution_no); }));
    const bool live = last.owner_boot == config.boot_id || config.boot_is_live(last.owner_boot);
    if (asked.empty() || live || is_terminal(last.status)) continue;
    WRENCH_TRY(ask(Command(command::Adopt{last.execution_no, last.owner_boot})));
    WRENCH_TRY(cancel_unowned_children(last.execution_no));
  }
  return {};
}

Result<void> Engine::pause(std::string_view task_id, bool now) { return state_->pause(task_id, now); }

Result<void> Engine::State::pause(std::string_view task_id, bool now) {
  State& s = *this;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  const ExecutionView& last = executions.back();
  const bool over = is_terminal(last.status);
  if (over || last.cancel_requested)
    return Error("workflow.invalid_transition", "the task " + task.task_id + " is " +
                                                    std::string(over ? name(task.state) : "being cancelled") +
                                                    ": there is nothing to pause");
  if (s.shared || last.status == ExecutionStatus::Pending) {
    WRENCH_TRY(s.ask(Command(command::SetPause{last.execution_no, now ? Pause::Now : Pause::Yes, s.config.actor})));
    return s.pause_children(last.execution_no, now);
  }
  WRENCH_TRY(
      s.ask(Request{last.execution_no, now ? Request::Kind::PauseNow : Request::Kind::Pause, {}, s.config.actor}));
  const bool elsewhere = !last.owner_boot.empty() && last.owner_boot != s.config.boot_id;
  if (last.owner_boot == s.config.boot_id) {
    s.poll_soon();
  } else if (!elsewhere || !s.config.boot_is_live(last.owner_boot)) {
    // Taken over without starting anything, so that it is paused when somebody goes on with it.
    WRENCH_TRY(s.ask(Command(command::Adopt{last.execution_no, last.owner_boot})));
  }
  return s.pause_children(last.execution_no, now);
}

Result<void> Engine::State::pause_children(std::int64_t execution_no, bool now) {
  for (const std::string& child : WRENCH_TRY(open_children(execution_no)))
    // One that just ended isn't paused.
    if (auto paused = pause(child, now); !paused.ok() && paused.error().code != "workflow.invalid_transition")
      return paused;
  return {};
}

Result<void> Engine::answer(std::string_view wait_id, WaitDecision decision, Json value, std::string_view comment) {
  State& s = *state_;
  if (codec::write_json(value).size() > kAnswerBytesMax)
    return Error("workflow.answer_invalid", "an answer has at most " + format_bytes(kAnswerBytesMax));
  if (comment.size() > kCommentBytesMax || !is_valid_utf8(comment))
    return Error("workflow.answer_invalid", "a comment is valid UTF-8 of at most " + format_bytes(kCommentBytesMax));
  WRENCH_TRY(s.ask(Answering{std::string(wait_id), decision, std::move(value), std::string(comment), s.config.actor}));
  return {};
}

Result<void> Engine::delegate(std::string_view wait_id, std::string_view to) {
  State& s = *state_;
  if (to.empty() || to.size() > kPersonBytesMax || !is_valid_utf8(to))
    return Error("workflow.answer_invalid", "name a person, in at most " + std::to_string(kPersonBytesMax) + " bytes");
  WRENCH_TRY(s.store.write([&](storage::WriteTx& tx) {
    return waits::delegate(tx, wait_id, to, s.config.actor, s.shared ? Ownership::Shared : Ownership::Exclusive);
  }));
  s.poll_soon();
  return {};
}

Result<void> Engine::signal(std::string_view task_id, std::string_view signal, Json value) {
  State& s = *state_;
  if (codec::write_json(value).size() > kAnswerBytesMax)
    return Error("workflow.answer_invalid", "a signal has at most " + format_bytes(kAnswerBytesMax));
  if (!is_node_id(signal))
    return Error("workflow.answer_invalid", "a signal's name is 1 to 64 of letters, digits, _ and -");
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  WRENCH_TRY(s.ask(Signalling{executions.back().execution_no, std::string(signal), std::move(value), s.config.actor}));
  return {};
}

Result<void> Engine::raise_budget(std::string_view task_id, std::int64_t step_no, const BudgetAmounts& by) {
  State& s = *state_;
  WRENCH_TRY(check_budget(by));
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  const auto there = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_budgets(tx, task.task_no); }));
  const ExecutionView& last = executions.back();
  const std::string shown = step_no == 0 ? "task" : "step " + std::to_string(step_no);
  for (const auto& [dimension, amount] : by) {
    const auto has = [&](const BudgetView& v) { return v.scope == shown && v.dimension == dimension && v.limit; };
    const auto it = std::ranges::find_if(there, has);
    if (it == there.end())
      return Error("workflow.budget_invalid", "the " + shown + " has no limit of " + dimension + " to raise")
          .with_help("wrench task budget show " + task.task_id);
    if (amount > kBudgetAmountMax - *it->limit)
      return Error("workflow.budget_invalid",
                   "a limit of " + dimension + " is at most " + format_count(kBudgetAmountMax));
  }
  const std::string scope =
      step_no == 0 ? budgets::task_scope(task.task_no) : budgets::step_scope({last.execution_no, step_no});
  const bool elsewhere = !last.owner_boot.empty() && last.owner_boot != s.config.boot_id;
  if (!s.shared && !is_terminal(last.status) && elsewhere && s.config.boot_is_live(last.owner_boot)) {
    const Json what = Json::object({{"scope", scope}, {"by", to_json(by)}});
    WRENCH_TRY(s.ask(Request{last.execution_no, Request::Kind::BudgetRaise, codec::write_json(what), s.config.actor}));
    return {};
  }
  WRENCH_TRY(s.ask(Command(command::Raise{last.execution_no, scope, by, s.config.actor, last.owner_boot})));
  return {};
}

Result<void> Engine::set_project_budget(std::int64_t project_id, BudgetPeriod period, const BudgetAmounts& budget) {
  State& s = *state_;
  const Ownership ownership = s.shared ? Ownership::Shared : Ownership::Exclusive;
  WRENCH_TRY(s.store.write([&](storage::WriteTx& tx) {
    return budgets::set_project(tx, project_id, period, budget, s.config.actor, ownership);
  }));
  s.poll_soon();
  return {};
}

Result<void> Engine::State::decide(const TaskView& task, std::int64_t step_no, StepDecision decision,
                                   const Payload& output, std::shared_ptr<const Baggage> baggage) {
  const auto executions = WRENCH_TRY(store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
  const ExecutionView& last = executions.back();
  const bool elsewhere = !last.owner_boot.empty() && last.owner_boot != config.boot_id;
  if (!shared && elsewhere && config.boot_is_live(last.owner_boot)) {
    static constexpr Request::Kind kKinds[] = {Request::Kind::StepRetry, Request::Kind::StepSkip,
                                               Request::Kind::StepGiveUp, Request::Kind::StepResolve};
    std::string what =
        decision == StepDecision::Resolve ? requests::resolve_reason(step_no, output) : std::to_string(step_no);
    WRENCH_TRY(
        ask(Request{last.execution_no, kKinds[static_cast<std::size_t>(decision)], std::move(what), config.actor},
            std::move(baggage)));
    return {};
  }
  const TaskReceipt receipt = WRENCH_TRY(go_on(task.task_id, HeldBackTasks::Stay));
  WRENCH_TRY(ask(Command(command::Decide{{receipt.execution_no, step_no}, decision, config.actor, 0, output}),
                 std::move(baggage)));
  return {};
}

Result<void> Engine::decide_step(std::string_view task_id, std::int64_t step_no, StepDecision decision) {
  WRENCH_ASSERT(decision != StepDecision::Resolve);
  State& s = *state_;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  return s.decide(task, step_no, decision, {}, nullptr);
}

Result<Engine::OutputCheck> Engine::resolve_step(std::string_view task_id, std::int64_t step_no, const Json& output) {
  State& s = *state_;
  const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
  const std::size_t bytes = codec::write_json(output).size();
  if (bytes > kGivenOutputBytesMax)
    return Error("workflow.output_too_large", "the output has " + format_bytes(bytes) +
                                                  "; what a person gives may have " +
                                                  format_bytes(kGivenOutputBytesMax));
  const std::string capability = WRENCH_TRY(s.store.read([&](ReadTx& tx) {
    return check_resolution(tx, s.dispatcher.plans(), s.payloads, task.task_no, step_no, output);
  }));
  const bool known =
      s.config.check_output && s.config.traits && !capability.empty() && s.config.traits(capability).has_value();
  if (known)
    if (auto fits = s.config.check_output(capability, output); !fits.ok())
      return Error("workflow.output_invalid", fits.error().message);
  auto baggage = std::make_shared<Baggage>();
  const Payload payload = WRENCH_TRY(payload::pack(output, baggage->blobs));
  WRENCH_TRY(s.decide(task, step_no, StepDecision::Resolve, payload, std::move(baggage)));
  return known ? OutputCheck::Schema : OutputCheck::Nothing;
}

Result<TaskOutcome> Engine::wait(std::string_view task_id, Deadline deadline, const StopToken& stop) {
  State& s = *state_;
  std::uint64_t seen = 0;
  auto last_read = std::chrono::steady_clock::time_point();
  std::optional<std::uint64_t> stands_since;  // That flush was the next to be acted on.
  std::unique_lock lock(s.mutex);
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (seen != s.generation || now - last_read >= kRequestPoll) {
      seen = s.generation;
      last_read = now;
      lock.unlock();
      const TaskView task = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return find_task(tx, task_id); }));
      const bool ended = is_terminal(task.state);
      const bool stands = ended || WRENCH_TRY(s.store.read([&](ReadTx& tx) { return stands_still(tx, task); }));
      lock.lock();
      // What is uncertain stands still only if its reconcile hook doesn't know either; it is asked once the flush was
      // acted on, which may be later than it can be read.
      const bool acted = s.flushes_open == 0 || (stands_since && s.flushes_done > *stands_since);
      if (ended || (stands && acted && s.unreconciled == 0)) {
        lock.unlock();
        auto executions = WRENCH_TRY(s.store.read([&](ReadTx& tx) { return list_executions(tx, task.task_no); }));
        return TaskOutcome{task, executions.back()};
      }
      if (!stands) stands_since.reset();
      if (stands && !stands_since) stands_since = s.flushes_done;
      if (stands) last_read = {};  // Look again at the next change.
      if (seen != s.generation) continue;
    }
    if (const auto& trouble = s.dispatcher.trouble();
        trouble && (trouble->final || s.clock.now_us() - trouble->since >= kStorePatience)) {
      Error error = trouble->error;
      return std::move(error).with_help("wrench task resume " + std::string(task_id));
    }
    if (s.draining) return Error("workflow.draining", "the task was given back unfinished");
    if (stop.stop_requested()) return Error("workflow.wait_stopped", "stopped waiting");
    if (deadline.passed(s.clock)) return Error("workflow.wait_deadline", "the task didn't end in time");
    s.wait_for_change(lock);
  }
}

Engine::Working Engine::working() const {
  const std::lock_guard lock(state_->mutex);
  Working out;
  out.found_nothing = state_->dispatcher.found_nothing();
  if (const auto& trouble = state_->dispatcher.trouble(); trouble && trouble->error.code == "workflow.worker_lost")
    out.lost = trouble->error;
  return out;
}

EngineView Engine::look() const {
  const State& s = *state_;
  const std::lock_guard lock(state_->mutex);
  EngineView out{
      s.config.slots, s.dispatcher.used(), s.dispatcher.backlog(), s.dispatcher.active().size(), s.stuck, {}};
  for (const auto& [key, run] : s.steps) {
    const StepRow& step = run.what->step;
    const PlanNode& node = run.what->plan->nodes()[step.node];
    out.running.push_back({run.what->task_no, key.execution_no, key.step_no, node.id, node.capability, step.attempt,
                           step.claimed_at, run.account->cpu_us_now(), run.progress});
  }
  std::sort(out.running.begin(), out.running.end(),
            [](const RunningView& a, const RunningView& b) { return a.since < b.since; });
  if (s.metrics == nullptr) return out;
  s.metrics->stands(out.slots, out.used, out.backlog, out.executions);
  s.metrics->stuck_steps.set(out.stuck);
  s.metrics->payload_hits.raise_to(s.payloads.hits());
  s.metrics->payload_misses.raise_to(s.payloads.misses());
  return out;
}

void Engine::subscribe(std::function<void(const Notice&)> subscriber) {
  const std::lock_guard lock(state_->mutex);
  state_->subscriber = std::move(subscriber);
}

Result<void> Engine::drain(Deadline deadline) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.closed) return {};
  s.draining = true;
  s.dispatcher.allow_claims(false);
  s.stopping.request_stop();
  s.wake();
  const auto calm = [&] { return s.threads_busy == 0 && s.dispatcher.idle(); };
  while (!calm() && !deadline.passed(s.clock)) {
    s.pump();
    s.wait_for_change(lock);
  }
  const std::vector<std::int64_t> open(s.dispatcher.active().begin(), s.dispatcher.active().end());
  lock.unlock();
  Result<void> out;
  for (const std::int64_t no : open)
    if (auto given =
            s.ask(Command(command::Suspend{no, std::string(s.config.drain_interrupts ? kInterrupted : kDrained)}));
        !given.ok() && out.ok())
      out = std::move(given).error();
  if (s.shared) {
    lock.lock();
    const bool left = s.pool != nullptr && s.dispatcher.running() == 0;
    if (left) s.dispatcher.leave();
    lock.unlock();
    // Else others have to wait until it is lost: something still runs.
    if (left)
      WRENCH_TRY(s.store.write([&](storage::WriteTx& tx) -> Result<void> {
        WRENCH_TRY(tx.exec(sql::kDeleteWorker, {s.config.boot_id}));
        return {};
      }));
  }
  return out;
}

}  // namespace wrench::workflow
