#include "world.hpp"

#include <algorithm>
#include <utility>

#include "creation.hpp"
#include "forks.hpp"
#include "payload.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/workflow/queries.hpp"
#include "wrench/workflow/step_execution.hpp"
#include "wrench/workflow/streams.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::sim {

using namespace workflow;
using codec::Json;
using storage::ReadTx;
using storage::Rows;
using storage::testing::Fault;
using storage::testing::FaultVfs;

namespace {

constexpr int kTurnsMax = 40'000;
constexpr int kFaultTurns = 150;
constexpr int kTurnsBetweenChecks = 40;
/// A fault hits one of so many calls of the disk; the early ones more often, because most flushes are short.
constexpr unsigned kFaultCallsLog2 = 8;
/// The first flush of a process has four fsyncs, others have one or two.
constexpr std::uint64_t kSyncsOfAFlush = 4;
constexpr int kIdlePercent = 20;
constexpr int kInterleavePercent = 20;
constexpr std::uint64_t kSlowTurns = 60;
constexpr Micros kStuckAfter = 3600 * kMicrosPerSecond;

const storage::Statement kHeld{
    .id = "sim.held",
    .sql =
        "SELECT s.execution_id, s.step_no, s.state, (SELECT effect_key FROM effects e WHERE e.execution_id = "
        "s.execution_id AND e.step_no = s.step_no AND e.state = 0) FROM steps s JOIN task_executions x ON "
        "x.id = s.execution_id WHERE s.state IN (10, 11) AND x.completed_at IS NULL"};
const storage::Statement kOpenOwners{
    .id = "sim.open_owners",
    .sql = "SELECT id, coalesce(owner_boot, '') FROM task_executions WHERE completed_at IS NULL"};
const storage::Statement kPaused{.id = "sim.paused",
                                 .sql = "SELECT id FROM task_executions WHERE completed_at IS NULL AND paused <> 0"};
const storage::Statement kInVain{
    .id = "sim.in_vain",
    .sql =
        "SELECT DISTINCT x.id FROM task_executions x JOIN task_dependencies d ON d.task_id = x.task_id JOIN tasks t ON "
        "t.id = d.depends_on_id WHERE x.status = 'pending' AND d.policy = 'block' AND t.state IN ('failed', "
        "'cancelled', 'expired')"};
const storage::Statement kPending{
    .id = "sim.pending", .sql = "SELECT id, task_id FROM task_executions WHERE status = 'pending' AND paused = 0"};
const storage::Statement kOpenTasks{
    .id = "sim.open_tasks",
    .sql = "SELECT count(*) FROM tasks WHERE state NOT IN ('completed', 'failed', 'cancelled', 'expired')"};
const storage::Statement kOpenSteps{
    .id = "sim.open_steps",
    .sql =
        "SELECT x.id, x.status, x.owner_boot, s.step_no, s.state, s.attempt FROM task_executions x LEFT JOIN steps s "
        "ON s.execution_id = x.id AND (s.state < 6 OR s.state > 9) WHERE x.completed_at IS NULL"};
const storage::Statement kEndedTasks{
    .id = "sim.ended_tasks",
    .sql = "SELECT id FROM tasks WHERE state IN ('completed', 'failed', 'cancelled', 'expired')"};
const storage::Statement kPlanOfTask{
    .id = "sim.plan_of_task",
    .sql =
        "SELECT p.body FROM task_executions x JOIN plans p ON p.plan_hash = x.plan_hash WHERE x.task_id = ?1 LIMIT 1"};
const storage::Statement kNextEvent{.id = "sim.next_event", .sql = "SELECT next FROM event_clock"};
const storage::Statement kStepEpoch{.id = "sim.step_epoch",
                                    .sql = "SELECT state, epoch FROM steps WHERE execution_id = ?1 AND step_no = ?2"};
const storage::Statement kResults{
    .id = "sim.results",
    .sql =
        "SELECT t.title, s.node, coalesce(s.iteration, -1), s.state, s.execution_id, j.data, j.blob FROM steps s "
        "JOIN task_executions x ON x.id = s.execution_id JOIN tasks t ON t.id = x.task_id "
        "LEFT JOIN journal j ON j.execution_id = s.execution_id AND j.seq = s.output_seq"};
const storage::Statement kQueued{.id = "sim.queued", .sql = "SELECT 1 FROM ready WHERE queue = ?1 LIMIT 1"};
const storage::Statement kSpent{
    .id = "sim.spent",
    .sql =
        "SELECT DISTINCT w.execution_id, w.scope, b.dim FROM budget_waits w JOIN budgets b ON b.scope = w.scope WHERE "
        "w.spent = 1 AND b.cap IS NOT NULL"};
const storage::Statement* const kStatements[] = {&kSpent,      &kHeld,       &kOpenOwners, &kOpenTasks, &kOpenSteps,
                                                 &kEndedTasks, &kResults,    &kNextEvent,  &kStepEpoch, &kQueued,
                                                 &kPaused,     &kPlanOfTask, &kInVain,     &kPending};

/// Small ones, so that the log is copied and begun anew several times in a run.
storage::CheckpointPages random_checkpoints(Random& random) {
  storage::CheckpointPages pages;
  pages.idle_pages = 20 + random.below(200);
  pages.busy_pages = pages.idle_pages + random.below(200);
  pages.restart_pages = pages.busy_pages + random.below(200);
  pages.step_pages = 10 + random.below(50);
  return pages;
}

storage::StoreConfig store_config(const FaultVfs& vfs, const storage::CheckpointPages& checkpoints) {
  storage::StoreConfig config;
  config.directory = "disk";
  config.statements = {workflow::statements(), sim::statements(), kStatements};
  config.mode = storage::WriterMode::Passive;
  config.vfs_name = vfs.name();
  config.wal_reserve_bytes = 0;
  config.checkpoints = checkpoints;
  config.on_outcome_unknown = [](const Error&) {};
  return config;
}

template <class T>
T must(Result<T> result, std::string_view what) {
  if (!result.ok()) throw Violation{std::string(what) + ": " + describe(result.error())};
  return std::move(result).value();
}

void must(const Result<void>& result, std::string_view what) {
  if (!result.ok()) throw Violation{std::string(what) + ": " + describe(result.error())};
}

}  // namespace

FaultVfs::Image World::empty_disk() {
  FaultVfs vfs(1);
  ManualClock clock;
  SeededRandom random(1);
  must(storage::Store::open(store_config(vfs, {}), clock, random), "create");
  // The first write of the next process begins the log anew: so no run has to read that of the creation.
  {
    const auto store = must(storage::Store::open(store_config(vfs, {}), clock, random), "open");
    must(store->write(
             [](storage::WriteTx& tx) { return tx.append_event({.type = "sim.begun", .subject_kind = "sim"}); }),
         "write");
  }
  return vfs.durable_image();
}

World::World(std::uint64_t seed, const Program& program, const FaultVfs::Image& disk)
    : program_(program),
      random_(seed),
      vfs_(seed,
           random_.below(2) == 0 ? storage::testing::Overwrite::PowerSafe : storage::testing::Overwrite::TearsSectors),
      runner_(seed, program_.troubles, outside_.sink) {
  vfs_.load(disk);
  outside_.passes_over_expired = program_.troubles.policies;
  checkpoints_ = random_checkpoints(random_);
  config_.slots = {static_cast<int>(1 + random_.below(3)), static_cast<int>(1 + random_.below(2)), 1};
  config_.losses_max = program_.troubles.calm ? 1'000'000 : 3;
}

World::~World() { die(); }

void World::boot() {
  config_.boot = "boot" + std::to_string(++boots_);
  Result<std::unique_ptr<storage::Store>> opened = Error("sim.closed", "not open");
  endanger(draw_fate(), [&] { opened = storage::Store::open(store_config(vfs_, checkpoints_), clock_, random_); });
  store_ = must(std::move(opened), "the store doesn't open after a crash");
  dispatcher_ = std::make_unique<Dispatcher>(config_, clock_, random_, *this);
  payloads_ = std::make_unique<PayloadCache>();
  recovering_ = std::make_unique<RecoveringRunner>(recovery_policies(program_.troubles), runner_, clock_);
  dispatcher_->set_traits([this](std::string_view capability) { return *runner_.traits(capability); });
  dispatcher_->set_recovery([this](StepKey, const StepFailure& failure) { return recovering_->recovery_of(failure); });
  dispatcher_->allow_claims(true);
  const Rows open = must(store_->read([](ReadTx& tx) { return tx.query(kOpenOwners); }), "read");
  for (const auto row : open)
    dispatcher_->enqueue(Job{.work = Command(command::Adopt{row.integer(0), std::string(row.text(1))})});
}

void World::look() {
  const Rows clock = must(store_->read([](ReadTx& tx) { return tx.query(kNextEvent); }), "read");
  const std::int64_t next = clock.front().integer(0);
  if (next < outside_.next_event)
    throw Violation{"the event log ends at " + std::to_string(next - 1) + ", but event " +
                    std::to_string(outside_.next_event - 1) + " was seen"};
  outside_.next_event = next;
}

void World::die() {
  recovering_.reset();
  dispatcher_.reset();
  store_.reset();
  running_.clear();
  late_.clear();
  reconciles_.clear();
  ticks_.clear();
  streams_ = {};
  asked_.clear();
}

World::Fate World::draw_fate() {
  if (!faults_ || !chance(program_.troubles.crash_percent)) return Fate::Fine;
  if (chance(program_.troubles.power_cut_percent)) return Fate::PowerCut;
  if (chance(program_.troubles.kill_percent)) return Fate::Kill;
  return chance(50) ? Fate::DieBefore : Fate::DieAfter;
}

void World::endanger(Fate fate, const std::function<void()>& work) {
  const bool in_the_middle = fate == Fate::Kill || fate == Fate::PowerCut;
  if (fate == Fate::Kill && chance(50)) {
    vfs_.plan({Fault::KillAtSync, 1 + random_.below(kSyncsOfAFlush), 1});
  } else if (in_the_middle) {
    const std::uint64_t calls = std::uint64_t{1} << random_.below(kFaultCallsLog2 + 1);
    vfs_.plan({fate == Fate::Kill ? Fault::Kill : Fault::PowerCut, 1 + random_.below(calls), 1});
  }
  work();
  const bool hit = in_the_middle && vfs_.fault_happened();
  vfs_.clear_faults();
  if (hit || fate == Fate::DieBefore || fate == Fate::DieAfter) throw Crash{};
}

void World::run() {
  bool alive = false;
  for (turns_ = 0;; ++turns_) {
    if (turns_ > kTurnsMax) throw Violation{"the world doesn't run dry"};
    if (turns_ > kFaultTurns) faults_ = false;
    try {
      if (!alive) {
        boot();
        alive = true;
        look();
        if (draw_fate() == Fate::PowerCut) {
          vfs_.crash();
          throw Crash{};
        }
        while (flush()) {
        }
        check();
      }
      if (turns_ % kTurnsBetweenChecks == 0) check();
      turn();
    } catch (const Crash&) {
      ++crashes_;
      alive = false;
      vfs_.kill();
      die();
      continue;
    }
    if (!faults_ && all_done()) break;
  }
  check();
  check_end(*store_, outside_);
}

void World::turn() {
  while (!reconciles_.empty()) {
    const StepKey step = reconciles_.back();
    reconciles_.pop_back();
    dispatcher_->enqueue(must(reconcile_step(step, *recovering_, *store_, dispatcher_->plans()), "reconcile"));
  }
  if (!late_.empty() && chance(3)) {
    dispatcher_->enqueue(std::move(late_.back()));
    late_.pop_back();
  }
  const auto dice = random_.below(10);
  if (dice < 5 && flush()) return;
  if (dice < 8 && run_one_step()) return;
  if (dice == 8) return user_turn();
  if (dispatcher_->idle() && !run_one_step()) {
    user_turn();
    if (flush()) return;
    help_people();
    if (!flush()) let_time_pass();
    return;
  }
  if (chance(program_.troubles.timeout_percent)) clock_.advance(static_cast<Micros>(random_.below(2'000'000)));
  clock_.advance(1000);
  dispatcher_->on_time();
  flush();
}

bool World::flush() {
  for (StreamChunk& chunk : streams_.due(clock_.now_us())) dispatcher_->enqueue(Job{.work = std::move(chunk)});
  auto batch = dispatcher_->next_batch();
  if (!batch) {
    if (chance(kIdlePercent)) {
      check_queues();
      endanger(draw_fate(), [this] { store_->flush_once(); });
    }
    return false;
  }
  ++flushes_;
  const Fate fate = draw_fate();
  Result<void> outcome;
  must(store_->submit({storage::JobLane::Completion, 0,
                       [&](storage::WriteTx& tx) -> Result<void> {
                         WRENCH_TRY(dispatcher_->run(*batch, tx));
                         if (fate == Fate::DieBefore) return Error("sim.died", "died before the commit");
                         return {};
                       }},
                      [&](Result<void> result) { outcome = std::move(result); }),
       "submit");
  endanger(fate, [this] { store_->flush_once(); });
  if (chance(program_.troubles.timeout_percent)) {  // A timer falls due while the flush is under way.
    clock_.set(std::max(clock_.now_us(), std::min(dispatcher_->next_due(), clock_.now_us() + 2'000'000)));
    dispatcher_->on_time();
  }
  if (!outcome.ok() && (outcome.error().code.starts_with("storage.") || outcome.error().code == "workflow.conflict"))
    throw Violation{"a flush failed: " + describe(outcome.error())};
  dispatcher_->on_flushed(*batch, std::move(outcome));
  look();
  return true;
}

void World::launch(Launch launch) {
  const StepKey key{launch.step.execution_no, launch.step.step_no};
  ticks_[key] = clock_.now_us();
  const bool slow = faults_ && chance(program_.troubles.slow_percent);
  running_.push_back(
      {std::move(launch), StopSource(), slow ? turns_ + static_cast<int>(random_.below(kSlowTurns)) : 0});
}

void World::stop(StepKey step) {
  for (Running& r : running_)
    if (r.launch.step.execution_no == step.execution_no && r.launch.step.step_no == step.step_no) r.stop.request_stop();
}

void World::released(StepKey step, std::int64_t) { stop(step); }

void World::notice(const Notice& notice) {
  if (notice.kind == Notice::Kind::StepState && is_terminal(notice.step_state))
    outside_.told_steps[{notice.execution_no, notice.step_no}] = notice.step_state;
  if (notice.kind == Notice::Kind::ExecutionState && is_terminal(notice.execution_status))
    outside_.told_executions[notice.execution_no] = notice.execution_status;
}

Micros World::last_tick_at(StepKey step) { return ticks_[step]; }

bool World::run_one_step() {
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < running_.size(); ++i)
    if (!faults_ || running_[i].from_turn <= turns_) ready.push_back(i);
  if (ready.empty()) return false;
  const auto at = static_cast<std::ptrdiff_t>(ready[random_.below(ready.size())]);
  Running picked = std::move(running_[static_cast<std::size_t>(at)]);
  running_.erase(running_.begin() + at);
  run_step(std::move(picked));
  return true;
}

void World::run_step(Running running) {
  const StepKey key{running.launch.step.execution_no, running.launch.step.step_no};
  StepSession session{.store = *store_,
                      .payloads = *payloads_,
                      .clock = clock_,
                      .random = random_,
                      .stop = running.stop.token(),
                      .deadline = {},
                      .tick = [this, key](const Progress&) { ticks_[key] = clock_.now_us(); },
                      .stream =
                          [this, key, &step = running.launch.step](std::string_view text) {
                            streams_.append(key, step.epoch, step.attempt, text, clock_.now_us());
                            if (chance(kInterleavePercent)) clock_.advance(kStreamPause);
                          },
                      .record = [this](command::Record what) { return record(std::move(what)); }};
  Job result = execute_step(running.launch, *recovering_, std::move(session));
  if (chance(program_.troubles.doubled_percent)) {
    Job again = result;
    again.reply = [](const Result<TaskReceipt>& r) {
      if (r.ok()) throw Violation{"a result counted twice"};
    };
    late_.push_back(std::move(again));
  }
  for (StreamChunk& chunk : streams_.end(key, running.launch.step.epoch))
    dispatcher_->enqueue(Job{.work = std::move(chunk)});
  dispatcher_->enqueue(std::move(result));
}

Result<void> World::record(command::Record record) {
  const StepKey key = record.step;
  const std::int64_t epoch = record.epoch;
  std::optional<Result<void>> answer;
  dispatcher_->enqueue(Job{.work = Command(std::move(record)), .reply = [&answer](const Result<TaskReceipt>& r) {
                             answer = r.ok() ? Result<void>() : Result<void>(r.error());
                           }});
  // In the flush that takes it, the step may go on without this attempt only afterwards.
  bool current = false;
  while (!answer) {
    const Rows now =
        must(store_->read([&](ReadTx& tx) { return tx.query(kStepEpoch, {key.execution_no, key.step_no}); }), "read");
    current = now.front().integer(0) == static_cast<int>(StepState::Running) && now.front().integer(1) == epoch;
    if (!flush()) throw Violation{"a record got no answer"};
  }
  if (answer->ok() && !current) throw Violation{"a step recorded something after its step had gone on without it"};
  if (chance(kInterleavePercent)) run_one_step();  // On another thread, before this one goes on.
  return *answer;
}

void World::user_turn() {
  for (const CreateTask& task : program_.tasks) {
    const std::string& key = task.idempotency_key;
    const bool again = outside_.acknowledged.contains(key);
    if (asked_.contains(key) || (again && !chance(5))) continue;
    Creation creation;
    creation.task = task;
    if (task.expires_at) creation.task.expires_at = clock_.now_us() + *task.expires_at;
    if (const auto after = program_.after.find(key); after != program_.after.end()) {
      const auto is_there = [this](const Program::After& other) { return outside_.acknowledged.contains(other.key); };
      if (!std::ranges::all_of(after->second, is_there)) continue;
      for (const auto& [other, policy] : after->second)
        creation.task.depends_on.push_back({outside_.acknowledged.at(other), policy});
    }
    creation.inputs = must(storage::blob_store::prepare(codec::write_json(task.inputs)), "prepare");
    creation.request_hash = task.plan->hash();
    creation.task_id = make_id("tsk", clock_, random_);
    creation.execution_id = make_id("exe", clock_, random_);
    asked_.insert(key);
    dispatcher_->enqueue(Job{.work = std::move(creation), .reply = [this, key](Result<TaskReceipt> r) {
                               asked_.erase(key);
                               if (!r.ok()) throw Violation{"a task was refused: " + describe(r.error())};
                               if (r->state == TaskState::Draft) outside_.drafts.insert(r->task_no);
                               auto [it, added] = outside_.acknowledged.emplace(key, r->task_id);
                               if (!added && it->second != r->task_id)
                                 throw Violation{"one idempotency key names two tasks"};
                             }});
    return;
  }
  if (!outside_.drafts.empty() && chance(30)) return submit_draft();
  if (chance(20)) answer_waits();
  if (chance(10)) raise_budgets();
  if (faults_ && chance(program_.troubles.pause_percent)) {
    const Rows open = must(store_->read([](ReadTx& tx) { return tx.query(kOpenOwners); }), "read");
    if (open.empty()) return;
    const std::int64_t no = open[random_.below(open.size())].integer(0);
    const auto pause = static_cast<Pause>(random_.below(3));
    dispatcher_->enqueue(Job{.work = Command(command::SetPause{no, pause, "user"})});
    return;
  }
  if (!faults_ || !chance(program_.troubles.cancel_percent)) return;
  if (chance(70)) {
    const Rows open = must(store_->read([](ReadTx& tx) { return tx.query(kOpenOwners); }), "read");
    if (open.empty()) return;
    const std::int64_t no = open[random_.below(open.size())].integer(0);
    dispatcher_->enqueue(
        Job{.work = Command(command::Cancel{no, "enough", "user"}), .reply = [this, no](const Result<TaskReceipt>& r) {
              if (r.ok()) outside_.cancels_acknowledged.insert(no);
            }});
  } else {
    const Rows ended = must(store_->read([](ReadTx& tx) { return tx.query(kEndedTasks); }), "read");
    if (ended.empty()) return;
    rerun(ended[random_.below(ended.size())].integer(0));
  }
}

void World::rerun(std::int64_t task_no) {
  Rerun again{task_no, make_id("exe", clock_, random_), {}};
  std::int64_t base = 0;
  if (chance(60)) {
    const Rows plan = must(store_->read([&](ReadTx& tx) { return tx.query(kPlanOfTask, {task_no}); }), "read");
    const auto parsed = must(Plan::parse_text(plan.front().text(0)), "plan");
    const std::uint32_t from = static_cast<std::uint32_t>(random_.below(parsed->top_count()));
    ForkRequest request{.from = parsed->nodes()[from].id, .edits = {}, .repeat_effects = true, .actor = "user"};
    if (chance(40)) request.edits.push_back({"inputs.n", Json(static_cast<std::int64_t>(random_.below(10)))});
    if (chance(20)) request.edits.push_back({"steps.n0.output.v", Json(5)});
    auto draft = store_->read([&](ReadTx& tx) { return forks::prepare(tx, dispatcher_->plans(), task_no, request); });
    if (!draft.ok() &&
        (draft.error().code == "workflow.fork_invalid" || draft.error().code == "workflow.fork_too_deep"))
      return;
    again.fork = std::make_shared<ForkDraft>(must(std::move(draft), "fork"));
    base = again.fork->base;
  }
  dispatcher_->enqueue(Job{.work = std::move(again), .reply = [this, base](const Result<TaskReceipt>& r) {
                             if (r.ok() && base != 0) outside_.forks[r->execution_no] = base;
                           }});
}

void World::let_time_pass() {
  const Micros due = dispatcher_->next_due();
  if (due > clock_.now_us() + kStuckAfter) {
    if (!running_.empty() || unpause() || begin_left() || give_up_in_vain()) return;
    if (!all_done()) throw Violation{"nothing can go on, but tasks aren't done: " + open_steps()};
    faults_ = false;
    return;
  }
  clock_.set(std::max(due, clock_.now_us() + 1000));
  dispatcher_->on_time();
}

std::string World::open_steps() {
  const Rows rows = must(store_->read([](ReadTx& tx) { return tx.query(kOpenSteps); }), "read");
  std::string out;
  for (const auto row : rows)
    out += " execution " + std::to_string(row.integer(0)) + " (" + std::string(row.text(1)) + ", owner " +
           std::string(row.text_or_empty(2)) + ") step " + std::to_string(row.optional_integer(3).value_or(0)) + " " +
           std::string(name(static_cast<StepState>(row.optional_integer(4).value_or(0)))) + " attempt " +
           std::to_string(row.optional_integer(5).value_or(0)) + ";";
  return out;
}

bool World::begin_left() {
  bool any = false;
  const Rows left = must(store_->read([](ReadTx& tx) { return tx.query(kPending); }), "read");
  for (const auto row : left) {
    const auto other = store_->read([&](ReadTx& tx) { return creation::obstacle(tx, row.integer(1)); });
    if (const auto& held_back_by = must(other, "obstacle"); held_back_by && !held_back_by->for_good) continue;
    dispatcher_->enqueue(Job{.work = Command(command::Adopt{row.integer(0), {}})});
    any = true;
  }
  return any;
}

bool World::give_up_in_vain() {
  const Rows blocked = must(store_->read([](ReadTx& tx) { return tx.query(kInVain); }), "read");
  for (const auto row : blocked)
    dispatcher_->enqueue(Job{.work = Command(command::Cancel{row.integer(0), "in vain", "user"})});
  return !blocked.empty();
}

/// A person who knows what happened outside.
bool World::unpause() {
  const Rows paused = must(store_->read([](ReadTx& tx) { return tx.query(kPaused); }), "read");
  for (const auto row : paused)
    dispatcher_->enqueue(Job{.work = Command(command::SetPause{row.integer(0), Pause::No, "user"})});
  return !paused.empty();
}

void World::submit_draft() {
  const std::int64_t no = *outside_.drafts.begin();
  dispatcher_->enqueue(Job{.work = Submit{no, "user"}, .reply = [this, no](const Result<TaskReceipt>& r) {
                             // It may have been submitted, or cancelled, without an answer before.
                             if (!r.ok() && r.error().code != "workflow.invalid_transition") return;
                             outside_.drafts.erase(no);
                             if (r.ok()) outside_.submitted.insert(r->task_id);
                           }});
}

void World::help_people() {
  if (!outside_.drafts.empty()) return submit_draft();
  answer_waits();
  raise_budgets();
  const Rows held = must(store_->read([](ReadTx& tx) { return tx.query(kHeld); }), "read");
  for (const auto row : held) {
    StepDecision decision = chance(50)   ? StepDecision::Skip
                            : chance(40) ? StepDecision::GiveUp
                            : chance(50) ? StepDecision::Resolve
                                         : StepDecision::Retry;
    if (row.integer(2) == static_cast<int>(StepState::Uncertain) && !row.is_null(3)) {
      const bool done = outside_.sink.done.contains(std::string(row.text(3)));
      decision = !done ? StepDecision::Retry : chance(50) ? StepDecision::Resolve : StepDecision::Skip;
    }
    command::Decide decide{{row.integer(0), row.integer(1)}, decision, "person"};
    auto baggage = std::make_shared<Baggage>();
    if (decision == StepDecision::Resolve) {
      std::string said = R"({"given_by":"person","why":")" + std::string(chance(50) ? kInlineBytesMax : 0, 'x') + "\"}";
      decide.output = must(payload::pack(*codec::parse_json(said), baggage->blobs), "pack");
    }
    dispatcher_->enqueue(Job{.work = Command(std::move(decide)), .baggage = std::move(baggage)});
  }
}

void World::raise_budgets() {
  const Rows spent = must(store_->read([](ReadTx& tx) { return tx.query(kSpent); }), "read");
  std::map<std::pair<std::int64_t, std::string>, BudgetAmounts> by;
  for (const auto row : spent) by[{row.integer(0), std::string(row.text(1))}][std::string(row.text(2))] = 100;
  for (auto& [whose, amounts] : by)
    dispatcher_->enqueue(
        Job{.work = Command(command::Raise{whose.first, whose.second, std::move(amounts), "person", config_.boot})});
}

void World::answer_waits() {
  const auto waits = must(store_->read([](ReadTx& tx) { return list_waits(tx); }), "read");
  for (const WaitView& wait : waits.waits) {
    if (!wait.decision.empty()) continue;
    if (wait.kind == WaitKind::Signal) {
      dispatcher_->enqueue(Job{.work = Signalling{wait.execution_no, wait.name, Json("x"), "person"}});
      continue;
    }
    const bool approval = wait.kind == WaitKind::Approval;
    const bool no = approval && !program_.troubles.calm && chance(20);
    const WaitDecision decision = !approval ? WaitDecision::Answer : no ? WaitDecision::Reject : WaitDecision::Approve;
    dispatcher_->enqueue(Job{.work = Answering{wait.wait_id, decision, approval ? Json() : Json(7), {}, "person"},
                             .reply = [this, id = wait.wait_id, decision](const Result<TaskReceipt>& r) {
                               static constexpr std::string_view kWords[] = {"approve", "reject", "answer"};
                               if (r.ok()) outside_.decisions[id] = kWords[static_cast<std::size_t>(decision)];
                             }});
  }
}

bool World::all_done() {
  if (outside_.acknowledged.size() < program_.tasks.size() || !dispatcher_->idle()) return false;
  const Rows open = must(store_->read([](ReadTx& tx) { return tx.query(kOpenTasks); }), "read");
  return open.front().integer(0) == 0;
}

void World::check() {
  Inside inside{*dispatcher_, config_, {}};
  for (const Running& running : running_) inside.attempts.push_back(running.launch.step);
  check_store(*store_, inside, outside_);
}

void World::check_queues() {
  must(store_->read([&](ReadTx& tx) -> Result<int> {
    for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
      const std::string queue = queue_name(static_cast<SlotClass>(slot), config_.boot);
      if (dispatcher_->used()[slot] < config_.slots[slot] && !WRENCH_TRY(tx.query(kQueued, {queue})).empty())
        throw Violation{"steps wait in " + queue + ", though a slot is free and nothing is under way"};
    }
    return 0;
  }),
       "read");
}

std::multiset<std::string> World::results() {
  std::multiset<std::string> out;
  auto done = store_->read([&](ReadTx& tx) -> Result<int> {
    const Rows rows = WRENCH_TRY(tx.query(kResults));
    for (const auto row : rows) {
      const std::string key =
          std::string(row.text(0)) + "/" + std::to_string(row.integer(1)) + "/" + std::to_string(row.integer(2));
      std::string value = std::to_string(row.integer(3));
      std::string data(row.text_or_empty(5));
      if (!row.is_null(6)) data = WRENCH_TRY(storage::blob_store::get(tx, row.bytes(6)));
      if (!data.empty()) {
        const Json output = WRENCH_TRY(codec::parse_json(data));
        value += " " + codec::write_json(output.at("v"));
      }
      out.insert(key + " " + value);
    }
    return 0;
  });
  must(std::move(done), "results");
  return out;
}

}  // namespace wrench::sim
