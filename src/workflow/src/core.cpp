#include "wrench/workflow/core.hpp"

#include <algorithm>
#include <utility>

#include "decision.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::size_t kEventStepsListed = 200;
constexpr std::size_t kEventBytesUsual = 256;
/// Of queues; kLabelledQueues looks for it.
constexpr std::string_view kLabelled = "requires:";
/// Of the virtual time, for one step of weight 1.
constexpr std::int64_t kRankStep = std::int64_t{1} << 26;
/// By Priority.
constexpr std::int64_t kWeights[] = {1, 4, 16, 64};

}  // namespace

std::int64_t rank_step(Priority priority) { return kRankStep / kWeights[static_cast<std::size_t>(priority)]; }

FlushPlan Decision::run(std::span<const Command> commands) {
  plan_.verdicts.reserve(commands.size());
  plan_.journal.reserve(2 * commands.size());
  if (context_.ranks != nullptr) plan_.ranks.now = context_.ranks->now;
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
    std::int64_t& now = plan_.ranks.now[slot];
    const auto& backlog = rows_.backlog[slot];
    if (context_.ownership == Ownership::Exclusive)
      now = backlog.empty() ? now : std::max(now, backlog.front().rank);
    else if (context_.heads[slot] != 0)
      now = context_.heads[slot];  // Others claimed what came before.
  }
  for (const Command& command : commands) {
    Result<void> verdict = std::visit([this](const auto& c) { return on(c); }, command);
    plan_.verdicts.push_back(std::move(verdict));
    by_.clear();
  }
  for (auto& [no, execution] : executions_) settle(execution);
  if (context_.claims_allowed) claim();
  settle_refused();
  queue_rest();
  if (!plan_.complete()) return std::move(plan_);
  finish();
  return std::move(plan_);
}

Decision::Execution* Decision::execution(std::int64_t no) {
  if (const auto it = executions_.find(no); it != executions_.end()) return &it->second;
  const auto row = rows_.executions.find(no);
  if (row == rows_.executions.end()) return nullptr;
  const auto task = rows_.tasks.find(row->second.task_no);
  const auto plan = rows_.plans.find(no);
  WRENCH_ASSERT(task != rows_.tasks.end() && plan != rows_.plans.end());
  Execution& out = executions_[no];
  out.row = row->second;
  out.before = &row->second;
  out.task = task->second;
  out.task_before = &task->second;
  out.plan = plan->second.get();
  if (const auto fork = rows_.forks.find(no); fork != rows_.forks.end()) out.fork = fork->second;
  out.journal_next = rows_.journal_next.at(no);
  return &out;
}

Decision::Step* Decision::step(StepKey key) {
  if (const auto it = steps_.find(key); it != steps_.end()) return &it->second;
  const auto row = rows_.steps.find(key);
  if (row == rows_.steps.end()) {
    plan_.missing_steps.push_back(key);
    return nullptr;
  }
  Step& out = steps_[key];
  out.row = row->second;
  out.before = &row->second;
  return &out;
}

std::optional<std::vector<StepKey>> Decision::open_steps(std::int64_t no) {
  if (!rows_.all_open_steps.contains(no)) {
    plan_.missing_executions.insert(no);
    return std::nullopt;
  }
  std::vector<StepKey> keys;
  for (auto it = rows_.steps.lower_bound({no, 0}); it != rows_.steps.end() && it->first.execution_no == no; ++it)
    keys.push_back(it->first);
  for (auto it = steps_.lower_bound({no, 0}); it != steps_.end() && it->first.execution_no == no; ++it)
    if (it->second.before == nullptr) keys.push_back(it->first);
  std::erase_if(keys, [this](const StepKey& key) { return is_terminal(step(key)->row.state); });
  return keys;
}

const PlanNode& Decision::node(const Execution& e, const StepRow& row) const { return e.plan->nodes()[row.node]; }

SlotClass Decision::slot_of(const Execution& e, const StepRow& row) const {
  const PlanNode& n = node(e, row);
  if (n.kind != NodeKind::Call) return SlotClass::Io;
  if (n.slot) return *n.slot;
  const auto traits = context_.traits ? context_.traits(n.capability) : std::nullopt;
  return traits ? traits->slot : SlotClass::Cpu;
}

const Labels* Decision::labels_of(const Execution& e, const StepRow& row) const {
  if (context_.ownership == Ownership::Exclusive) return nullptr;
  const PlanNode& n = node(e, row);
  return n.when && (row.flags & kFlagNeedsLabels) == 0 ? nullptr : n.labels.get();
}

std::string Decision::queue_of(const Execution& e, const StepRow& row, SlotClass slot, std::string_view boot) const {
  return queue_name(slot, boot, labels_of(e, row));
}

Effect Decision::effect_of(const Execution& e, const StepRow& row) const {
  const PlanNode& n = node(e, row);
  if (n.kind != NodeKind::Call) return Effect::Pure;
  if (n.effect) return *n.effect;
  const auto traits = context_.traits ? context_.traits(n.capability) : std::nullopt;
  return traits ? traits->effect : Effect::Guarded;
}

StepKey Decision::key_of(const StepRow& row) { return {row.execution_no, row.step_no}; }

BodyCursor& Decision::body_of(Step& s) {
  if (!s.body) s.body = BodyCursor::parse(s.row.cursor);
  return *s.body;
}

void Decision::store_body(Step& s) {
  if (s.body) s.row.cursor = s.body->str();
  s.body.reset();
}

std::int64_t Decision::journal(Execution& e, std::string kind, const StepRow* row, std::string data,
                               std::string blob_hash) {
  plan_.journal.push_back({e.row.id, e.journal_next, std::move(kind), row == nullptr ? 0 : row->step_no,
                           row == nullptr ? 0 : row->attempt, by_.empty() ? context_.boot : by_, std::move(data),
                           std::move(blob_hash)});
  return e.journal_next++;
}

void Decision::move(Execution& e, ExecutionEventKind event) {
  const auto* t = find_transition(Machine::Execution, static_cast<std::uint8_t>(e.row.status),
                                  static_cast<std::uint8_t>(event), Guard::None);
  WRENCH_ASSERT(t != nullptr);
  e.row.status = static_cast<ExecutionStatus>(t->to);
  e.touched = true;
}

void Decision::move(Execution& e, TaskEventKind event) {
  const auto* t = find_transition(Machine::Task, static_cast<std::uint8_t>(e.task.state),
                                  static_cast<std::uint8_t>(event), Guard::None);
  WRENCH_ASSERT(t != nullptr);
  e.task.state = static_cast<TaskState>(t->to);
  e.touched = true;
}

void Decision::end(Execution& e, ExecutionEventKind event, TaskEventKind task_event) {
  move(e, event);
  e.row.suspend_reason.clear();
  e.row.completed_at = now_;
  move(e, task_event);
  e.task.wait_reason.clear();
  if (e.row.status == ExecutionStatus::Completed) e.task.progress_ppm = 1'000'000;
  journal(e, "ended", nullptr, "{\"status\":\"" + std::string(name(e.row.status)) + "\"}");
  if (e.row.deadline_at != 0) delete_timer({e.row.id, 0}, TimerKind::Deadline);
  if (e.row.expires_at != 0) delete_timer({e.row.id, 0}, TimerKind::Expiry);
  plan_.ended.push_back(e.row.id);
}

void Decision::settle(Execution& e) {
  if (!e.touched || is_terminal(e.row.status) || e.row.status == ExecutionStatus::Pending) return;
  const std::int64_t waiting_for_gate = e.plan->finally_count();
  if (waiting_for_gate > 0 && e.row.steps_active == 0 && e.row.steps_held == 0 &&
      e.row.steps_total - e.row.steps_done == waiting_for_gate)
    open_gate(e);
  if (!plan_.complete()) return;
  if (e.row.steps_done == e.row.steps_total) {
    if (e.row.cancel_reason == kTimedOut) {
      end(e, ExecutionEventKind::TimedOut, TaskEventKind::Failed);
    } else if (e.row.cancel_reason == kExpired) {
      end(e, ExecutionEventKind::TimedOut, TaskEventKind::Expired);
    } else if (e.row.cancel_at != 0) {
      end(e, ExecutionEventKind::CancelDone, TaskEventKind::Cancelled);
    } else if (e.row.steps_failed > 0) {
      end(e, ExecutionEventKind::AnyFailed, TaskEventKind::Failed);
    } else {
      end(e, ExecutionEventKind::AllDone, TaskEventKind::Completed);
    }
    return;
  }
  if (!is_ours(e.row)) return;
  const std::string_view stuck = stuck_reason(e);
  if (!plan_.complete()) return;
  const bool paused = e.row.paused == Pause::Yes || e.row.paused == Pause::Now;
  if (e.task.state == TaskState::Paused && !paused) move(e, TaskEventKind::Unpause);
  if (!stuck.empty() && (e.row.status == ExecutionStatus::Running || e.row.suspend_reason != stuck)) {
    if (e.row.status == ExecutionStatus::Running) move(e, ExecutionEventKind::Suspend);
    if (paused) {
      move(e, TaskEventKind::Pause);
    } else if (e.task.state == TaskState::Running) {
      move(e, TaskEventKind::Held);
    }
    e.row.suspend_reason = stuck;
    e.task.wait_reason = paused ? std::string_view() : stuck;
    if (e.task.state == TaskState::Waiting && has_expired(e) && e.row.cancel_at == 0 &&
        cancel(e, std::string(kExpired), "system").ok())
      settle(e);
  } else if (stuck.empty() && e.row.status == ExecutionStatus::Suspended) {
    move(e, ExecutionEventKind::Resume);
    e.row.suspend_reason.clear();
    if (e.task.state == TaskState::Waiting) move(e, TaskEventKind::Continued);
    e.task.wait_reason.clear();
  }
}

std::string_view Decision::stuck_reason(const Execution& e) {
  const bool critical = e.row.paused == Pause::Critical;
  if (e.row.paused == Pause::Restored) return kRestored;
  if (e.row.paused != Pause::No && !critical) return "paused";
  if (e.row.steps_active > 0) return critical ? "critical" : std::string_view();
  if (e.row.steps_held > 0) return held_reason(e);
  if (critical) return "critical";
  const auto waits = [&](WaitKind kind) { return e.row.waiting[static_cast<std::size_t>(kind)] > 0; };
  if (waits(WaitKind::Approval)) return "approval";
  if (waits(WaitKind::Input)) return "input";
  if (waits(WaitKind::Budget)) return "budget";
  if (waits(WaitKind::Signal)) return "event";
  if (waits(WaitKind::Child)) return "child";
  return waits(WaitKind::Until) ? "timer" : std::string_view();
}

std::string_view Decision::held_reason(const Execution& e) {
  if (e.row.on_exhausted == OnExhausted::Dead) return "dead_letter";
  // Uncertain, unless a policy gave it to a person.
  const auto open = open_steps(e.row.id);
  const bool dead = open && std::ranges::any_of(
                                *open, [this](const StepKey& key) { return step(key)->row.state == StepState::Dead; });
  return dead ? "dead_letter" : "uncertain";
}

void Decision::open_gate(Execution& e) {
  const auto& nodes = e.plan->nodes();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].finally) continue;
    Step* s = step({e.row.id, i + 1});
    if (s == nullptr) continue;
    if (s->row.state != StepState::Blocked || (s->row.flags & kFlagGateOpen) != 0) continue;
    s->row.flags |= kFlagGateOpen;
    if (--s->row.deps_left == 0) WRENCH_ASSERT(fire(e, *s, {StepEventKind::DepsDone}).ok());
  }
}

std::int64_t Decision::rank_of(const Execution& e, const StepRow& row, SlotClass slot) {
  const auto [it, is_new] = ranks_.try_emplace(key_of(row), 0);
  if (!is_new) return it->second;
  const Ranks::Flow flow{slot, e.task.project_id, e.task.priority};
  std::int64_t tail = 0;
  if (const auto changed = plan_.ranks.tails.find(flow); changed != plan_.ranks.tails.end()) {
    tail = changed->second;
  } else if (context_.tails != nullptr || context_.ranks != nullptr) {
    const auto& tails = context_.tails != nullptr ? *context_.tails : context_.ranks->tails;
    if (const auto known = tails.find(flow); known != tails.end()) tail = known->second;
  }
  const std::int64_t now = plan_.ranks.now[static_cast<std::size_t>(slot)];
  return plan_.ranks.tails[flow] = it->second = std::max(now, tail) + rank_step(e.task.priority);
}

void Decision::claim() {
  for (std::size_t slot = 0; slot < kSlotClasses; ++slot) {
    int free = context_.free[slot] + freed_[slot];
    const auto slot_class = static_cast<SlotClass>(slot);
    if (free <= 0) continue;
    std::vector<ReadyRow> candidates = rows_.backlog[slot];
    std::erase_if(candidates, [this](const ReadyRow& row) {
      const Step* s = step(row.step);
      return s == nullptr || s->row.state != StepState::Ready || s->row.rank != row.rank;
    });
    for (const StepKey& key : newly_ready_) {
      const Step& s = steps_.at(key);
      if (executions_.at(key.execution_no).row.paused != Pause::No) continue;
      const Labels* required = labels_of(executions_.at(key.execution_no), s.row);
      if (required != nullptr && !satisfies(context_.labels, *required)) continue;
      if (static_cast<std::size_t>(slot_of(executions_.at(key.execution_no), s.row)) == slot)
        candidates.push_back({rank_of(executions_.at(key.execution_no), s.row, slot_class), key});
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const ReadyRow& a, const ReadyRow& b) { return std::tie(a.rank, a.step) < std::tie(b.rank, b.step); });
    for (const ReadyRow& candidate : candidates) {
      if (free == 0) break;
      Execution* e = execution(candidate.step.execution_no);
      if (e == nullptr || !is_ours(e->row) || is_terminal(e->row.status)) continue;
      Step& s = steps_.at(candidate.step);
      if (s.row.state != StepState::Ready) continue;  // A budget that refused another step ended this one, too.
      BudgetScopes scopes;
      BudgetAmounts want;
      if (draws(*e) && !may_draw(*e, s, scopes, want)) continue;
      if (!take_limits(*e, s, slot_class)) continue;
      start_step(*e, s, slot_class);
      if (!scopes.empty()) begin_draws(*e, s, scopes, want, plan_.launches.back());
      plan_.ranks.now[slot] = std::max(plan_.ranks.now[slot], candidate.rank);
      --free;
    }
  }
}

void Decision::start_step(Execution& e, Step& s, SlotClass slot) {
  store_body(s);
  WRENCH_ASSERT(fire(e, s, {StepEventKind::Claim}).ok());
  const Timeouts& timeouts = node(e, s.row).timeouts;
  if (timeouts.start_to_close_us > 0)
    set_timer({e.row.id, s.row.step_no, TimerKind::StartToClose, now_ + timeouts.start_to_close_us, s.row.epoch});
  if (timeouts.heartbeat_us > 0)
    set_timer({e.row.id, s.row.step_no, TimerKind::Heartbeat, now_ + timeouts.heartbeat_us, s.row.epoch});
  journal(e, "claim", &s.row, "{\"boot\":\"" + context_.boot + "\",\"epoch\":" + std::to_string(s.row.epoch) + "}");
  plan_.launches.push_back({.step = s.row,
                            .slot = slot,
                            .plan = rows_.plans.at(e.row.id),
                            .task_no = e.task.id,
                            .project_id = e.task.project_id,
                            .task_id = e.task.task_id,
                            .execution_id = e.row.execution_id,
                            .on_exhausted = e.row.on_exhausted,
                            .fork = e.fork,
                            .map = map_of(e, s.row)});
}

std::shared_ptr<const StepRow> Decision::map_of(const Execution& e, const StepRow& item) {
  const auto owner = item.parent_step == 0 ? rows_.steps.end() : rows_.steps.find({e.row.id, item.parent_step});
  if (owner == rows_.steps.end() || owner->second.state != StepState::Waiting ||
      e.plan->nodes()[owner->second.node].kind != NodeKind::Map)
    return nullptr;
  std::shared_ptr<const StepRow>& map = maps_[owner->first];
  if (!map) map = std::make_shared<const StepRow>(owner->second);
  return map;
}

void Decision::queue_rest() {
  for (const StepKey& key : newly_ready_) {
    Step& s = steps_.at(key);
    const Execution& e = executions_.at(key.execution_no);
    if (!is_ours(e.row) || e.row.paused != Pause::No) continue;
    const SlotClass slot = slot_of(e, s.row);
    s.row.rank = rank_of(e, s.row, slot);
    plan_.ready_insert.push_back({queue_of(e, s.row, slot, e.row.owner_boot), s.row.rank, key});
    ++plan_.backlog_delta[static_cast<std::size_t>(slot)];
  }
}

void Decision::finish() {
  finish_limits();
  finish_budgets();
  for (const auto& [key, edits] : timers_) {
    if (edits.all_derived_deleted) plan_.timers_delete.push_back({key, std::nullopt});
    for (const auto& [kind, timer] : edits.kinds) {
      if (timer) (is_kept_here(*timer) ? plan_.timers_kept : plan_.timers_set).push_back(*timer);
      if (!timer && !(edits.all_derived_deleted && is_derived(kind))) plan_.timers_delete.push_back({key, kind});
    }
  }
  plan_.executions.reserve(executions_.size());
  plan_.tasks.reserve(executions_.size());
  plan_.events.reserve(executions_.size());
  for (auto& [no, e] : executions_) {
    plan_.journal_next[no] = e.journal_next;
    if (!e.touched) continue;
    const bool unwritten = rows_.unwritten.contains(no);
    const std::int64_t total = std::max<std::int64_t>(e.row.steps_total, 1);
    // Progress alone waits a second.
    const bool task_changed = !(e.task == *e.task_before) || now_ - e.task.updated_at >= kMicrosPerSecond;
    e.task.progress_ppm = std::max(e.task.progress_ppm, e.row.steps_done * 1'000'000 / total);
    const bool execution_changed = !(e.row == *e.before);
    if (execution_changed && !unwritten) ++e.row.version;
    if (task_changed && !unwritten) {
      e.task.updated_at = now_;
      ++e.task.version;
    }
    plan_.events.push_back(event_of(e));
    if (unwritten || execution_changed) plan_.executions.push_back({unwritten ? nullptr : e.before, std::move(e.row)});
    if (unwritten || task_changed) plan_.tasks.push_back({unwritten ? nullptr : e.task_before, std::move(e.task)});
  }
  plan_.steps.reserve(steps_.size());
  for (auto& [key, s] : steps_) {
    store_body(s);
    if (s.before == nullptr || !(*s.before == s.row)) plan_.steps.push_back({s.before, std::move(s.row)});
  }
}

bool Decision::is_kept_here(const TimerRow& timer) const {
  if (!is_derived(timer.kind)) return false;
  if (is_fired_where_it_runs(timer.kind)) return true;
  if (context_.ownership == Ownership::Exclusive) return true;
  const auto s = steps_.find({timer.execution_no, timer.step_no});
  return s != steps_.end() && s->second.row.state == StepState::Running && s->second.row.worker_boot == context_.boot;
}

storage::EventDraft Decision::event_of(const Execution& e) {
  storage::EventDraft event;
  event.type = rows_.unwritten.contains(e.row.id)     ? "task.created"
               : e.task.state != e.task_before->state ? "task.state"
                                                      : "execution.progress";
  event.project_id = e.task.project_id;
  event.task_id = e.task.id;
  event.subject_kind = "execution";
  event.subject_id = e.row.execution_id;
  event.actor = e.actor.empty() ? "system" : e.actor;
  if (const auto asked = rows_.unwritten.find(e.row.id); asked != rows_.unwritten.end()) event.actor = asked->second;
  event.version = e.row.version;
  // By hand: there is one for each execution of each flush.
  std::string& payload = event.payload;
  payload.clear();
  payload.reserve(kEventBytesUsual);
  const auto text = [&](std::string_view key, std::string_view value) {
    payload.append(key);
    codec::append_json_string(payload, value);
  };
  const auto number = [&](std::string_view key, std::int64_t value) {
    payload.append(key).append(std::to_string(value));
  };
  text(R"({"task":)", e.task.task_id);
  text(R"(,"state":)", name(e.task.state));
  text(R"(,"execution":)", name(e.row.status));
  number(R"(,"steps_done":)", e.row.steps_done);
  number(R"(,"steps_total":)", e.row.steps_total);
  payload += R"(,"steps":[)";
  std::size_t told = 0;
  for (const StepKey& key : e.changed) {
    Step& s = steps_.at(key);
    if (std::exchange(s.told, true) || ++told > kEventStepsListed) continue;
    const StepRow& row = s.row;
    number(told == 1 ? R"({"step":)" : R"(,{"step":)", row.step_no);
    text(R"(,"node":)", node(e, row).id);
    text(R"(,"state":)", name(row.state));
    number(R"(,"attempt":)", row.attempt);
    payload += '}';
  }
  payload += ']';
  if (told > kEventStepsListed) number(R"(,"steps_omitted":)", static_cast<std::int64_t>(told - kEventStepsListed));
  payload += '}';
  return event;
}

FlushPlan Core::decide(std::span<const Command> commands, const LoadedRows& rows, const CoreContext& context,
                       Micros now, Random& random) {
  return Decision(rows, context, now, random).run(commands);
}

std::string queue_name(SlotClass slot, std::string_view boot, const Labels* required) {
  if (!boot.empty()) return std::string(name(slot)) + "@" + std::string(boot);
  if (required == nullptr) return std::string(name(slot));
  return std::string(kLabelled) + std::string(name(slot)) + ":" + to_string(*required);
}

std::optional<LabelledQueue> labelled_queue(std::string_view name_of_it) {
  if (!name_of_it.starts_with(kLabelled)) return std::nullopt;
  const std::string_view rest = name_of_it.substr(kLabelled.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto required = parse_labels(rest.substr(colon + 1));
  if (!required.ok()) return std::nullopt;
  for (std::size_t i = 0; i < kSlotClasses; ++i)
    if (const auto slot = static_cast<SlotClass>(i); name(slot) == rest.substr(0, colon))
      return LabelledQueue{std::string(name_of_it), slot, std::move(*required)};
  return std::nullopt;
}

std::string effect_key(std::string_view execution_id, std::string_view node, std::string_view iterations, int index) {
  const std::string text = std::string(execution_id) + "\n" + std::string(node) + "\n" + std::string(iterations) +
                           "\n" + std::to_string(index);
  return crypto::sha256_hex(text).substr(0, 52);
}

std::string BodyCursor::str() const {
  return codec::write_json(Json::object({{"items", items},
                                         {"next", next},
                                         {"done", done},
                                         {"failed", failed},
                                         {"items_seq", items_seq},
                                         {"base", base},
                                         {"iteration", iteration},
                                         {"last_seq", last_seq}}));
}

BodyCursor BodyCursor::parse(const std::string& text) {
  const auto value = codec::parse_json(text);
  WRENCH_ASSERT(value.ok());
  const auto number = [&](std::string_view member) { return value->at(member).as_integer(); };
  return {number("items"),     number("next"), number("done"),      number("failed"),
          number("items_seq"), number("base"), number("iteration"), number("last_seq")};
}

}  // namespace wrench::workflow
