#include <algorithm>
#include <utility>

#include "../decision.hpp"
#include "budgets.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kMeasured[] = {"wall_ms", "cpu_ms"};
constexpr std::string_view kTools = "tool_calls";
/// Between two looks at what a running step has used of the processors.
constexpr Micros kCpuLookMin = 50 * kMicrosPerMs;
constexpr Micros kCpuLookMax = kMicrosPerSecond;

bool is_measured(std::string_view dim) { return std::ranges::find(kMeasured, dim) != std::end(kMeasured); }

std::int64_t whole_ms(Micros us) { return (std::max<Micros>(us, 0) + kMicrosPerMs - 1) / kMicrosPerMs; }

/// Calls of one tool are calls of tools.
BudgetAmounts with_tool_total(BudgetAmounts amounts) {
  std::int64_t calls = 0;
  for (const auto& [dim, amount] : amounts)
    if (dim.starts_with("tool_calls.")) calls += amount;
  if (calls > 0) amounts.try_emplace(std::string(kTools), calls);
  return amounts;
}

bool is_share(const BudgetEntry& entry, std::int64_t epoch) {
  return entry.call_no <= 0 && entry.epoch == epoch && !entry.settled;
}

/// Only a capability that was called is a call.
bool was_called(const command::Outcome& c) {
  using O = command::Outcome;
  return std::holds_alternative<O::Complete>(c.result) || std::holds_alternative<O::Fail>(c.result) ||
         std::holds_alternative<O::Yield>(c.result) || std::holds_alternative<O::OutOfBudget>(c.result);
}

}  // namespace

std::optional<Decision::BudgetScopes> Decision::scopes_of(const Execution& e, const StepRow& row) {
  BudgetScopes out;
  if (e.plan->has_step_budgets()) {
    for (const StepRow* at = &row;;) {
      if (const auto& budget = node(e, *at).budget) out.push_back({budgets::step_scope(key_of(*at)), budget.get(), {}});
      if (at->parent_step == 0) break;
      const Step* owner = step({e.row.id, at->parent_step});
      if (owner == nullptr) return std::nullopt;
      at = &owner->row;
    }
  }
  for (const std::string_view word : budgets::split(e.row.budgets)) {
    const bool period = budgets::is_period(word);
    out.push_back({period ? budgets::present(word, now_) : std::string(word), nullptr,
                   period ? std::string(word) : std::string()});
  }
  return out;
}

BudgetDims* Decision::dims_of(const BudgetScope& scope) {
  if (const auto it = budgets_.find(scope.name); it != budgets_.end()) return &it->second;
  const auto rows = rows_.budgets.find(scope.name);
  const auto first = scope.period.empty() ? rows_.budgets.end() : rows_.budgets.find(scope.period);
  if (rows == rows_.budgets.end() || (!scope.period.empty() && first == rows_.budgets.end())) {
    plan_.missing_budgets.insert(scope.name);
    if (!scope.period.empty()) plan_.missing_budgets.insert(scope.period);
    return nullptr;
  }
  BudgetDims& out = budgets_[scope.name] = rows->second;
  if (scope.planned != nullptr)
    for (const auto& [dim, cap] : *scope.planned) out.try_emplace(dim, BudgetRow{.cap = cap});
  if (first != rows_.budgets.end())
    for (const auto& [dim, row] : first->second) out.try_emplace(dim, BudgetRow{.cap = row.cap});
  return &out;
}

std::vector<BudgetEntry>* Decision::entries_of(const StepRow& row) {
  const StepKey key = key_of(row);
  if (const auto it = entries_.find(key); it != entries_.end()) return &it->second;
  if ((row.flags & kFlagDraws) == 0) return &entries_[key];
  const auto open = rows_.open_entries.find(key);
  if (open == rows_.open_entries.end()) {
    plan_.missing_entries.insert(key);
    return nullptr;
  }
  return &(entries_[key] = open->second);
}

Decision::Grant Decision::ask(const BudgetScopes& scopes, const BudgetAmounts& want) {
  Grant out;
  for (const BudgetScope& scope : scopes) {
    const BudgetDims* dims = dims_of(scope);
    if (dims == nullptr) return {.answer = Grant::Answer::RowsMissing};
    for (const auto& [dim, amount] : want) {
      const auto row = dims->find(dim);
      if (row == dims->end() || !row->second.cap || out.answer == Grant::Answer::Spent) continue;
      const bool spent = row->second.spent + amount > *row->second.cap;
      const bool busy = row->second.spent + row->second.reserved + amount > *row->second.cap;
      if (!busy || !keeps(Keep::Reserve)) continue;
      out = {spent ? Grant::Answer::Spent : Grant::Answer::Busy, scope.name, dim, amount, row->second};
    }
  }
  return out;
}

void Decision::draw(const BudgetScopes& scopes, const BudgetAmounts& want, Step& s, std::int64_t call_no) {
  std::vector<BudgetEntry>* entries = entries_of(s.row);
  if (entries == nullptr) return;
  for (const BudgetScope& scope : scopes) {
    BudgetDims* dims = dims_of(scope);
    if (dims == nullptr) return;
    for (const auto& [dim, amount] : want) {
      const auto row = dims->find(dim);
      if (row == dims->end()) continue;
      row->second.reserved += amount;
      entries->push_back({.scope = scope.name,
                          .dim = dim,
                          .execution_no = s.row.execution_no,
                          .step_no = s.row.step_no,
                          .epoch = s.row.epoch,
                          .call_no = call_no,
                          .reserved = amount});
      s.row.flags |= kFlagDraws;
    }
  }
}

void Decision::settle(BudgetEntry& entry, std::int64_t used, bool estimated) {
  BudgetDims* dims = dims_of({entry.scope, nullptr, {}});
  if (dims == nullptr) return;
  BudgetRow& row = dims->at(entry.dim);
  row.reserved -= entry.reserved;
  row.spent += used;
  entry.settled = used;
  entry.estimated = estimated;
  plan_.budgets.freed.emplace(entry.scope, entry.dim);
}

std::optional<BudgetAmounts> Decision::shares(const BudgetScopes& scopes, std::int64_t most_ms) {
  BudgetAmounts out;
  for (const std::string_view dim : kMeasured) {
    std::optional<std::int64_t> left;
    bool counted = false;
    for (const BudgetScope& scope : scopes) {
      const BudgetDims* dims = dims_of(scope);
      if (dims == nullptr) return std::nullopt;
      const auto row = dims->find(dim);
      if (row == dims->end()) continue;
      counted = true;
      if (!row->second.cap) continue;
      const std::int64_t here = *row->second.cap - row->second.spent - row->second.reserved;
      left = left ? std::min(*left, here) : here;
    }
    if (counted) out.emplace(dim, left ? std::clamp<std::int64_t>(*left, 1, most_ms) : 0);
  }
  return out;
}

bool Decision::may_draw(Execution& e, Step& s, BudgetScopes& scopes, BudgetAmounts& want) {
  const PlanNode& n = node(e, s.row);
  const bool calls = n.kind == NodeKind::Call;
  // A finally node cleans up whatever is spent; a step that has yet to find out its limits does nothing else.
  if (n.finally || !(calls || n.kind == NodeKind::Child) || (n.limits != nullptr && s.row.limits.empty())) return true;
  auto found = scopes_of(e, s.row);
  if (!found) return false;
  if (calls) {
    auto measured = shares(*found, kBudgetShareMs);
    if (!measured) return false;
    want = std::move(*measured);
    want["tool_calls." + n.capability.substr(0, n.capability.find('@'))] = 1;
    want = with_tool_total(std::move(want));
  }
  Grant grant = ask(*found, want);
  // How deep tasks begin tasks isn't used up: it only has an end.
  std::int64_t depth = 0;
  for (std::size_t i = 0; !calls && grant.answer == Grant::Answer::Yes && i < found->size(); ++i) {
    if (!budgets::is_task((*found)[i].name)) continue;
    ++depth;
    const BudgetDims* dims = dims_of((*found)[i]);
    const auto row = dims->find("depth");
    if (row != dims->end() && row->second.cap && depth > *row->second.cap)
      grant = {Grant::Answer::Spent, (*found)[i].name, "depth", depth, row->second};
  }
  if (grant.answer == Grant::Answer::RowsMissing) return false;
  if (grant.answer != Grant::Answer::Yes) {
    WRENCH_ASSERT(refuse(e, s, grant, std::nullopt).ok());
    propagate(e);
    return false;
  }
  scopes = std::move(*found);
  return true;
}

void Decision::begin_draws(const Execution& e, Step& s, const BudgetScopes& scopes, const BudgetAmounts& want,
                           Launch& launch) {
  draw(scopes, want, s, 0);
  Micros due = 0;
  for (const std::string_view dim : kMeasured) {
    const auto share = want.find(dim);
    if (share == want.end() || share->second == 0) continue;
    const Micros us = share->second * kMicrosPerMs;
    const Micros at = now_ + (dim == "cpu_ms" ? std::clamp(us, kCpuLookMin, kCpuLookMax) : us);
    due = due == 0 ? at : std::min(due, at);
  }
  if (due != 0) set_timer({e.row.id, s.row.step_no, TimerKind::BudgetShare, due, s.row.epoch});
  launch.draws = true;
  for (const BudgetScope& scope : scopes) {
    const BudgetDims* dims = dims_of(scope);
    if (dims == nullptr) return;
    for (const auto& [dim, row] : *dims) launch.counts_tools = launch.counts_tools || dim.starts_with(kTools);
    if (!scope.period.empty()) continue;  // The child finds its project's own.
    launch.budgets += (launch.budgets.empty() ? "" : " ") + scope.name;
  }
  launch.step = s.row;
}

Result<void> Decision::refuse(Execution& e, Step& s, const Grant& grant, std::optional<std::int64_t> epoch) {
  const bool spent = grant.answer == Grant::Answer::Spent;
  const bool was_running = s.row.state == StepState::Running;
  StepEvent event{StepEventKind::OutOfBudget, epoch};
  event.final = spent;
  WRENCH_TRY(fire(e, s, event));
  plan_.budgets.refusals.push_back(grant.dim);
  refused_.insert(e.row.id);
  if (was_running && !epoch) plan_.stops.push_back(key_of(s.row));
  Json what = Json::object({{"code", "workflow.budget_exceeded"},
                            {"message", "the budget of " + grant.dim + " has nothing left for it"},
                            {"scope", grant.scope},
                            {"dimension", grant.dim},
                            {"limit", grant.row.cap.value_or(0)},
                            {"spent", grant.row.spent},
                            {"reserved", grant.row.reserved},
                            {"want", grant.want}});
  const std::string data = codec::write_json(what);
  if (s.row.state == StepState::Failed) {
    s.row.output_seq = journal(e, "failed", &s.row, data);
    keep_error(e, s.row, data);
  } else if (s.row.state == StepState::Waiting) {
    journal(e, "budget_wait", &s.row, data);
    plan_.budgets.waits_begun.push_back({s.row.execution_no, s.row.step_no, grant.scope, grant.dim, spent});
    if (budgets::is_period(grant.scope))
      set_timer({e.row.id, s.row.step_no, TimerKind::WaitOver, budgets::end_of(grant.scope, now_), s.row.epoch});
  } else {
    journal(e, std::string(name(s.row.state)), &s.row, data);
  }
  // What others have reserved comes back; what is spent only a person gives.
  if (spent || s.row.state == StepState::Uncertain) return recovered(e, s, ErrorClass::Budget, data);
  return {};
}

void Decision::end_draws(Execution& e, const StepRow& old, Step& s) {
  std::vector<BudgetEntry>* entries = entries_of(old);
  if (entries == nullptr) return;
  const StepKey key = key_of(old);
  const bool ran = old.state == StepState::Running;
  const bool reported = ran && ending_ != nullptr && ending_->step == key && ending_->epoch == old.epoch;
  const bool over = is_terminal(s.row.state);
  if (ran) delete_timer(key, TimerKind::BudgetShare);
  if (!keeps(Keep::SettleDraws)) return;

  std::map<std::pair<std::string, std::string>, std::vector<BudgetEntry*>> measured;
  BudgetAmounts used;
  for (BudgetEntry& entry : *entries) {
    if (entry.settled) continue;
    if (ran && is_share(entry, old.epoch)) {
      if (is_measured(entry.dim)) {
        measured[{entry.scope, entry.dim}].push_back(&entry);
      } else {
        settle(entry, !reported || was_called(*ending_) ? entry.reserved : 0, !reported);
      }
    } else if (over || (reported && entry.epoch == old.epoch)) {
      settle(entry, entry.reserved, true);  // Nobody tells any more what it was.
    }
  }
  for (auto& [what, shares] : measured) {
    std::int64_t reserved = 0;
    for (const BudgetEntry* share : shares) reserved += share->reserved;
    const std::int64_t wall = whole_ms(now_ - old.claimed_at);
    std::int64_t left = what.second == "wall_ms" ? (reported ? wall : std::min(wall, reserved))
                                                 : (reported ? whole_ms(ending_->cpu_us) : reserved);
    used[what.second] = left;
    for (BudgetEntry* share : shares) {
      const std::int64_t of_it = share == shares.back() ? left : std::min(left, share->reserved);
      settle(*share, of_it, !reported);
      left -= of_it;
    }
  }
  if (!used.empty()) {
    Json data = Json::object({{"call", 0}, {"amounts", to_json(used)}});
    if (!reported) data.set("estimated", true);
    journal(e, "budget_used", &old, codec::write_json(data));
  }
  const auto is_open = [](const BudgetEntry& entry) { return !entry.settled; };
  if (std::ranges::any_of(*entries, is_open)) {
    // What earlier runs left open has its time already: each run that follows would put it off.
    if (std::ranges::any_of(*entries,
                            [&](const BudgetEntry& entry) { return is_open(entry) && entry.epoch == old.epoch; }))
      set_timer({key.execution_no, key.step_no, TimerKind::BudgetHold, now_ + kBudgetHold, kAnyEpoch});
  } else {
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagDraws);
    delete_timer(key, TimerKind::BudgetHold);
  }
}

Result<void> Decision::on_out_of_budget(Execution& e, Step& s, const command::Outcome& c) {
  const auto scopes = scopes_of(e, s.row);
  if (!scopes) return missing();
  const Grant grant = ask(*scopes, with_tool_total(std::get<command::Outcome::OutOfBudget>(c.result).want));
  if (grant.answer == Grant::Answer::RowsMissing) return missing();
  if (grant.answer != Grant::Answer::Yes) return refuse(e, s, grant, c.epoch);
  WRENCH_TRY(fire(e, s, {StepEventKind::Release, c.epoch}));  // Something came back meanwhile.
  journal(e, "released", &s.row);
  return {};
}

Result<void> Decision::share_used(Execution& e, Step& s, const command::TimerDue& c) {
  if ((s.row.flags & kFlagCancelRequested) != 0) return {};
  const auto scopes = scopes_of(e, s.row);
  const auto* entries = entries_of(s.row);
  if (!scopes || entries == nullptr) return missing();
  const auto reserved = [&](std::string_view dim) {
    std::map<std::string, std::int64_t> by_scope;
    for (const BudgetEntry& entry : *entries)
      if (is_share(entry, s.row.epoch) && entry.dim == dim) by_scope[entry.scope] += entry.reserved;
    return by_scope.empty() ? 0 : by_scope.begin()->second;
  };
  const auto used = [&](std::string_view dim) {
    return dim == "wall_ms" ? whole_ms(now_ - s.row.claimed_at) : whole_ms(c.cpu_us);
  };
  auto more = shares(*scopes, kBudgetShareMs);
  if (!more) return missing();
  std::erase_if(*more, [&](const auto& share) {
    return reserved(share.first) == 0 || used(share.first) < reserved(share.first);
  });
  if (!more->empty()) {
    const Grant grant = ask(*scopes, *more);
    if (grant.answer == Grant::Answer::RowsMissing) return missing();
    if (grant.answer != Grant::Answer::Yes) return refuse(e, s, grant, std::nullopt);
    std::int64_t last = 0;
    for (const BudgetEntry& entry : *entries)
      if (entry.epoch == s.row.epoch) last = std::min(last, entry.call_no);
    draw(*scopes, *more, s, last - 1);
  }
  Micros due = 0;
  if (const std::int64_t wall = reserved("wall_ms"); wall > 0) due = s.row.claimed_at + wall * kMicrosPerMs;
  if (const std::int64_t cpu = reserved("cpu_ms"); cpu > 0) {
    const Micros at = now_ + std::clamp((cpu - used("cpu_ms")) * kMicrosPerMs, kCpuLookMin, kCpuLookMax);
    due = due == 0 ? at : std::min(due, at);
  }
  if (due != 0) set_timer({e.row.id, s.row.step_no, TimerKind::BudgetShare, std::max(due, now_ + 1), s.row.epoch});
  return {};
}

void Decision::hold_over(Step& s) {
  delete_timer(key_of(s.row), TimerKind::BudgetHold);
  std::vector<BudgetEntry>* entries = entries_of(s.row);
  if (entries == nullptr) return;
  for (BudgetEntry& entry : *entries) {
    const bool alive = s.row.state == StepState::Running && entry.epoch == s.row.epoch;
    if (!entry.settled && !alive) settle(entry, entry.reserved, true);
  }
  if (std::ranges::all_of(*entries, [](const BudgetEntry& entry) { return entry.settled.has_value(); }))
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagDraws);
}

Result<void> Decision::record_budget(Execution& e, Step& s, const command::Record& c, bool current) {
  using K = command::Record::Kind;
  std::vector<BudgetEntry>* entries = entries_of(s.row);
  if (entries == nullptr) return missing();
  const auto say = [&](std::string kind) {
    journal(e, std::move(kind), &s.row,
            codec::write_json(Json::object({{"call", c.call_no}, {"amounts", to_json(c.amounts)}})));
  };
  const auto settle_call = [&](bool estimated) {
    const BudgetAmounts used = with_tool_total(c.amounts);
    for (BudgetEntry& entry : *entries) {
      if (entry.settled || entry.epoch != c.epoch || entry.call_no != c.call_no) continue;
      const auto amount = used.find(entry.dim);
      settle(entry, amount == used.end() ? entry.reserved : amount->second, estimated);
    }
    if (std::ranges::any_of(*entries, [](const BudgetEntry& entry) { return !entry.settled; })) return;
    s.row.flags &= ~static_cast<std::uint32_t>(kFlagDraws);
    delete_timer(c.step, TimerKind::BudgetHold);
  };
  if (c.kind == K::Settle) {
    settle_call(false);
    say("budget_used");
    return {};
  }
  if (!current) return {};  // The caller says so.
  const auto scopes = scopes_of(e, s.row);
  if (!scopes) return missing();
  const BudgetAmounts want = with_tool_total(c.amounts);
  const Grant grant = ask(*scopes, want);
  if (grant.answer == Grant::Answer::RowsMissing) return missing();
  if (grant.answer != Grant::Answer::Yes) {
    plan_.budgets.refusals.push_back(grant.dim);
    return Error("workflow.budget_exceeded", "of " + grant.dim + " the step needs " + std::to_string(grant.want) +
                                                 ", but of " + std::to_string(grant.row.cap.value_or(0)) + " are " +
                                                 std::to_string(grant.row.spent) + " spent and " +
                                                 std::to_string(grant.row.reserved) + " reserved");
  }
  draw(*scopes, want, s, c.call_no);
  say(c.kind == K::Spend ? "budget_used" : "budget_reserved");
  if (c.kind == K::Spend) settle_call(false);
  return {};
}

Result<void> Decision::fund(Execution& e, Step& s) {
  if ((s.row.flags & kFlagWaitsBudget) == 0) return {};
  WRENCH_TRY(fire(e, s, {StepEventKind::Funded}));
  journal(e, "funded", &s.row);
  return {};
}

Result<void> Decision::on(const command::Fund& c) {
  if (c.request != 0) plan_.requests_done.emplace_back(c.step.execution_no, c.request);
  Execution* e = execution(c.step.execution_no);
  if (e == nullptr || is_terminal(e->row.status)) return {};
  WRENCH_TRY(owned(c.step.execution_no));
  Step* s = step(c.step);
  if (s == nullptr) return missing();
  return fund(*e, *s);
}

Result<void> Decision::on(const command::Raise& c) {
  Execution* e = execution(c.execution_no);
  if (e == nullptr) return Error("workflow.task_not_found", "there is no such execution");
  const bool over = is_terminal(e->row.status);
  const bool begun = !over && e->row.status != ExecutionStatus::Pending;
  if (begun && e->row.owner_boot != c.from_boot) WRENCH_TRY(owned(c.execution_no));
  BudgetDims* dims = dims_of({c.scope, nullptr, {}});
  if (dims == nullptr) return missing();
  for (const auto& [dim, by] : c.by) {
    const auto row = dims->find(dim);
    if (row == dims->end() || !row->second.cap)
      return Error("workflow.budget_invalid", "there is no limit of " + dim + " to raise");
    if (*row->second.cap > kBudgetAmountMax - by)
      return Error("workflow.budget_invalid", "more than the largest budget of " + dim);
  }
  for (const auto& [dim, by] : c.by) {
    *dims->at(dim).cap += by;
    plan_.budgets.raised.emplace(c.scope, dim);
  }
  act(*e, c.actor);
  e->touched = e->touched || !over;
  journal(*e, "budget_raised", nullptr, codec::write_json(Json::object({{"scope", c.scope}, {"by", to_json(c.by)}})));
  if (c.request != 0) plan_.requests_done.emplace_back(c.execution_no, c.request);
  return {};
}

void Decision::settle_refused() {
  for (const std::int64_t no : refused_) settle(executions_.at(no));
}

void Decision::finish_budgets() {
  for (const auto& [scope, dims] : budgets_) {
    const BudgetDims& before = rows_.budgets.at(scope);
    for (const auto& [dim, row] : dims) {
      const auto old = before.find(dim);
      if (old == before.end() || !(old->second == row)) plan_.budgets.rows.push_back({scope, dim, row});
    }
  }
  for (auto& [key, entries] : entries_)
    for (BudgetEntry& entry : entries)
      if (!entry.stored || entry.settled) plan_.budgets.entries.push_back(std::move(entry));
}

}  // namespace wrench::workflow
