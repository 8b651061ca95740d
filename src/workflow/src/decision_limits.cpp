#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "decision.hpp"
#include "limits.hpp"

namespace wrench::workflow {

using codec::Json;

LimitRow* Decision::limit(const std::string& key) {
  if (const auto it = limits_.find(key); it != limits_.end()) return &it->second;
  const auto row = rows_.limits.find(key);
  if (row == rows_.limits.end()) {
    plan_.missing_limits.insert(key);
    return nullptr;
  }
  return &(limits_[key] = row->second);
}

/// A claim takes what all limits of the step give, or the step is parked under the first that gives nothing.
bool Decision::take_limits(const Execution& e, Step& s, SlotClass slot) {
  if (s.row.limits.empty()) return true;
  auto its = limits::Evaluated::parse(s.row.limits);
  LimitRow* running = its.key.empty() ? nullptr : limit(its.key);
  LimitRow* rate = its.rate.empty() ? nullptr : limit(its.rate);
  if ((!its.key.empty() && running == nullptr) || (!its.rate.empty() && rate == nullptr)) return false;
  if (running != nullptr) {
    running->cap = its.cap;
    const bool newcomer = its.arrived == 0;
    if (newcomer) {
      its.arrived = ++running->arrivals;
      s.row.limits = its.str();
    }
    // Those that wait have their turns before one that comes just when the key is free again.
    const bool had_turn = !newcomer && s.row.rank != 0;
    const bool others_first = !had_turn && running->waiting > 0 && plan_.unparks.contains(its.key);
    if ((running->in_use >= its.cap && keeps(Keep::KeyLimit)) || others_first) {
      park(e, s, slot, its.key);
      Park& how = plan_.parks.back();
      how.strategy = its.strategy;
      how.by = its.by;
      how.arrived = its.arrived;
      how.cap = its.cap;
      how.had_turn = had_turn;
      if (its.strategy == KeyStrategy::KeepNewestQueued) running->newest = std::max(running->newest, its.arrived);
      if (its.strategy == KeyStrategy::CancelRunning || its.arrived <= running->newest) plan_.contests.insert(its.key);
      return false;
    }
  }
  if (rate != nullptr) {
    rate->period_us = its.period_us;
    rate->burst = its.burst;
    if (limits::available(*rate, now_) < 1) {
      if (rate->refill_at == 0 || rate->refill_at < now_) rate->refill_at = limits::next_at(*rate);
      park(e, s, slot, its.rate);
      return false;
    }
    limits::take(*rate, now_);
  }
  if (running != nullptr) {
    ++running->in_use;
    plan_.keys_taken.push_back({its.key, its.arrived, key_of(s.row), its.strategy == KeyStrategy::CancelRunning});
  }
  return true;
}

void Decision::park(const Execution& e, Step& s, SlotClass slot, const std::string& key) {
  const bool queued = s.row.rank != 0;
  if (!queued) s.row.rank = rank_of(e, s.row, slot);
  plan_.parks.push_back({{queue_of(e, s.row, slot, e.row.owner_boot), s.row.rank, key_of(s.row)}, key, queued});
  std::erase(newly_ready_, key_of(s.row));
}

void Decision::give_limits_back(const StepRow& row) {
  if (row.limits.empty()) return;
  const auto its = limits::Evaluated::parse(row.limits);
  if (its.key.empty() || !keeps(Keep::KeyRelease)) return;
  LimitRow* running = limit(its.key);
  if (running == nullptr) return;
  --running->in_use;
  plan_.keys_given.push_back({its.key, its.arrived, key_of(row)});
  plan_.unparks.insert(its.key);
}

/// It doesn't take its turn: the next one may.
void Decision::leave_limits(const Execution& e, const StepRow& row, SlotClass slot, const std::string& boot) {
  plan_.limited_dequeues.push_back({queue_of(e, row, slot, boot), row.rank, key_of(row)});
  const auto its = limits::Evaluated::parse(row.limits);
  for (const std::string* key : {&its.key, &its.rate})
    if (!key->empty() && limit(*key) != nullptr) plan_.unparks.insert(*key);
}

Result<void> Decision::on_limits(Execution& e, Step& s, const command::Outcome& c) {
  const auto& found = std::get<command::Outcome::Limits>(c.result);
  const auto its = limits::Evaluated::parse(found.limits);
  if (found.refuse && !its.key.empty()) {
    const LimitRow* running = limit(its.key);
    if (running == nullptr) return missing();
    if (running->in_use >= its.cap) {
      const std::string error = codec::write_json(Json::object(
          {{"code", "workflow.key_busy"},
           {"message", "as many steps of its key run as may, " + std::to_string(its.cap) + ", and it isn't to wait"}}));
      return failed(e, s, c.epoch, {.failure = FailureClass::Permanent, .error_json = error, .retry_after_us = {}});
    }
  }
  WRENCH_TRY(fire(e, s, {StepEventKind::Release, c.epoch}));
  s.row.limits = found.limits;
  journal(e, "limits", &s.row, found.limits);
  return {};
}

/// Ended as cancelled, which for its execution is a failure: nobody tries it again, and nobody has to decide about it.
Result<void> Decision::on(const command::Supersede& c) {
  Execution* e = execution(c.step.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  const bool over = is_terminal(e->row.status);
  if (!over) WRENCH_TRY(owned(c.step.execution_no));
  if (c.request != 0) plan_.requests_done.emplace_back(c.step.execution_no, c.request);
  if (over) return {};
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  // It ends anyway, or a person is to decide about it.
  constexpr std::uint32_t kEnds = kFlagCancelRequested | kFlagSuperseded;
  if (is_terminal(s->row.state) || is_held(s->row.state) || (s->row.flags & kEnds) != 0) return {};
  s->row.flags |= kFlagSuperseded;
  s->row.output_seq = journal(*e, "superseded", &s->row, limits::superseded_error(s->row));
  WRENCH_TRY(cancel_step(*e, *s));
  propagate(*e);
  return {};
}

Result<void> Decision::on(const command::Refill& c) {
  LimitRow* row = limit(c.key);
  if (row == nullptr) return missing();
  row->refill_at = 0;
  if (row->period_us > 0) plan_.unparks.insert(c.key);
  return {};
}

/// The other side said when to come again: until then its key is used up.
void Decision::empty_rate(const StepRow& row, Micros retry_after_us) {
  if (row.limits.empty()) return;
  const auto its = limits::Evaluated::parse(row.limits);
  LimitRow* rate = its.rate.empty() ? nullptr : limit(its.rate);
  if (rate == nullptr) return;
  rate->period_us = its.period_us;
  rate->burst = its.burst;
  rate->arrival_at = std::max(rate->arrival_at, now_ + retry_after_us + (its.burst - 1) * its.period_us);
}

void Decision::finish_limits() {
  // Who parks a step has to know when to look after it, even if the row says it already.
  std::set<std::string_view> parked;
  for (const Park& park : plan_.parks) parked.insert(park.key);
  for (auto& [key, row] : limits_)
    if (!(row == rows_.limits.at(key)) || plan_.unparks.contains(key) || plan_.contests.contains(key) ||
        parked.contains(key))
      plan_.limits.push_back(std::move(row));
}

}  // namespace wrench::workflow
