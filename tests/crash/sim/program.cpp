#include "program.hpp"

#include "wrench/crypto/sha256.hpp"

namespace wrench::sim {

using codec::Json;
using namespace workflow;

namespace {

constexpr std::string_view kCapabilities[] = {"sim.pure", "sim.local", "sim.idempotent", "sim.guarded"};

std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return h;
}

constexpr std::string_view kUndo = "sim.undo";
constexpr Micros kHeldFor = 400'000;
constexpr std::uint64_t kExpiryMax = 10'000'000;
constexpr int kChildDepth = 2;

bool chance(Random& random, int percent) { return static_cast<int>(random.below(100)) < percent; }

/// Of a map or loop: two calls, the second of which may need the first, and perhaps a loop within.
Json random_body(Random& random, const std::string& id, const std::string& capability, Json input, bool nested) {
  const auto call = [&](const std::string& name) {
    return Json::object({{"id", name}, {"kind", "call"}, {"capability", capability}, {"input", input}});
  };
  Json first = call(id + "a");
  if (chance(random, 20)) first.set("when", "iteration != 2");
  if (chance(random, 20)) first.set("on_failure", "continue");
  Json second = call(id + "b");
  if (chance(random, 60)) {
    second.set("needs", Json::array({id + "a"}));
    Json both = input;
    both.set("beside", Json::object({{"$from", "steps." + id + "a.output.v"}}));
    second.set("input", std::move(both));
  }
  Json nodes = Json::array({std::move(first), std::move(second)});
  if (nested && chance(random, 40)) {
    Json loop = Json::object({{"id", id + "l"}, {"kind", "loop"}, {"max_iterations", 2}});
    input.set("turn", Json::object({{"$from", "iteration"}}));
    loop.set("body", random_body(random, id + "l", capability, std::move(input), false));
    nodes.push_back(std::move(loop));
  }
  return Json::object(
      {{"nodes", std::move(nodes)}, {"output", Json::object({{"$from", "steps." + id + "b.output.v"}})}});
}

/// `rich`: with loops, bodies of several steps, joins and child tasks; they take several times as long.
Json random_plan(Random& random, const Troubles& troubles, bool rich, int depth = 0) {
  Json nodes = Json::array();
  const auto count = static_cast<int>(1 + random.below(depth == 0 ? 6 : 3));
  for (int i = 0; i < count; ++i) {
    Json node = Json::object({{"id", "n" + std::to_string(i)}});
    Json needs = Json::array();
    for (int j = 0; j < i; ++j) {
      if (!chance(random, 40)) continue;
      Json need = Json::object({{"id", "n" + std::to_string(j)}});
      if (chance(random, 30)) need.set("on_failure", "continue");
      needs.push_back(std::move(need));
    }
    Json input = Json::object({{"seed", Json::object({{"$from", "inputs.n"}})}});
    for (const Json& need : needs.as_array())
      input.set(need.at("id").as_string(),
                Json::object({{"$from", "steps." + std::string(need.at("id").as_string()) + ".output.v"}}));
    // A guarded effect that a crash cut off ends as a person says: not comparable.
    const auto capability = std::string(kCapabilities[random.below(troubles.calm ? 3 : 4)]);
    const std::string id = "n" + std::to_string(i);
    const auto kind = random.below(rich ? (depth < kChildDepth ? 18 : 16) : 10);
    if (kind < 6) {
      node.set("kind", "call");
      if (rich && chance(random, 30))
        node.set("concurrency", Json::object({{"key", "inputs.n % 2"}, {"limit", 1 + random.below(2)}}));
      if (rich && chance(random, 10))
        node.set("rate", Json::object({{"key", "'r'"}, {"per_s", 5}, {"burst", 1 + random.below(2)}}));
      if (rich && !troubles.calm && chance(random, 15)) node.set("budget", Json::object({{"tokens", 40}}));
      node.set("capability", capability);
      node.set("input", std::move(input));
    } else if (kind < 9) {
      input.set("item", Json::object({{"$from", "item"}}));
      node.set("kind", "map");
      node.set("over", "inputs.list");
      node.set("max_parallel", static_cast<int>(1 + random.below(3)));
      node.set("collect", "append");
      Json body = Json::object({{"capability", capability}, {"input", std::move(input)}});
      if (rich && chance(random, 30)) body.set("concurrency", Json::object({{"key", "'m'"}, {"limit", 1}}));
      node.set("body", std::move(body));
    } else if (kind < 10) {
      node.set("kind", "merge");
      node.set("strategy", "append");
    } else if (kind < 12) {
      input.set("turn", Json::object({{"$from", "iteration"}}));
      node.set("kind", "loop");
      node.set("max_iterations", static_cast<int>(1 + random.below(3)));
      if (chance(random, 30)) node.set("until", "output % 3 == 0");
      node.set("body", random_body(random, id, capability, std::move(input), true));
    } else if (kind >= 16) {
      node.set("kind", "child");
      node.set("plan", random_plan(random, troubles, chance(random, 50), depth + 1));
      node.set("inputs", Json::object({{"n", Json::object({{"$from", "inputs.n"}})},
                                       {"list", Json::object({{"$from", "inputs.list"}})}}));
      if (chance(random, 20)) node.set("parent_close", "abandon");
      if (!troubles.calm && chance(random, 20)) node.set("expires_ms", 2000);
    } else if (kind >= 14) {
      static constexpr std::string_view kOn[] = {"approval", "input", "signal", "until"};
      const std::string_view on = kOn[random.below(4)];
      node.set("kind", "wait");
      node.set("on", on);
      if (on == "approval") node.set("title", "go on?");
      if (on == "input") node.set("prompt", "how?");
      if (on == "signal") node.set("name", "go");
      if (on == "until") node.set("after_ms", static_cast<int>(random.below(3000)));
      if (on != "until" && !troubles.calm && chance(random, 30)) node.set("expires_ms", 2000);
    } else {
      input.set("item", Json::object({{"$from", "item"}}));
      node.set("kind", "map");
      node.set("over", "inputs.list");
      node.set("max_parallel", static_cast<int>(1 + random.below(3)));
      node.set("collect", "append");
      node.set("body", random_body(random, id, capability, std::move(input), true));
    }
    const auto some = static_cast<int>(needs.as_array().size());
    // Which of the needs come first isn't the same in every run: not comparable.
    if (rich && !troubles.calm && some > 1 && chance(random, 30)) {
      node.set("join", static_cast<int>(1 + random.below(static_cast<std::uint64_t>(some))));
      if (chance(random, 50)) node.set("cancel_rest", true);
    }
    if (chance(random, 20)) node.set("when", chance(random, 50) ? "inputs.n % 2 == 0" : "true");
    if (chance(random, 20)) node.set("on_failure", "continue");
    if (chance(random, 30)) node.set("slot", "io");
    node.set("retry", Json::object({{"attempts", static_cast<int>(1 + random.below(4))}, {"first_ms", 100}}));
    Json timeouts = Json::object();
    if (troubles.timeout_percent > 0) {
      timeouts.set("start_to_close_ms", 1000);
      if (chance(random, 30)) timeouts.set("heartbeat_ms", 300);
      if (chance(random, 20)) timeouts.set("schedule_to_start_ms", 5000);
      if (chance(random, 20)) timeouts.set("schedule_to_close_ms", 8000);
    }
    node.set("timeouts", std::move(timeouts));
    node.set("needs", std::move(needs));
    nodes.push_back(std::move(node));
  }
  if (chance(random, 30)) {
    Json last = Json::object({{"id", "last"}, {"kind", "call"}, {"capability", "sim.pure"}, {"finally", true}});
    if (chance(random, 50)) last.set("needs", Json::array({"n0"}));
    nodes.push_back(std::move(last));
  }
  return Json::object({{"v", 1}, {"nodes", std::move(nodes)}});
}

/// Of the keys that limit calls. In a calm run nobody loses a place: who does isn't the same in an undisturbed one.
void add_strategies(Random& random, Json& node, bool calm) {
  static constexpr std::string_view kStrategies[] = {"round_robin", "cancel_running", "keep_newest_queued",
                                                     "cancel_newest"};
  for (const auto* inner : {"body", "plan"})
    if (node.at(inner).is_object()) add_strategies(random, node[inner], calm);
  if (node.at("nodes").is_array())
    for (Json& one : node["nodes"].array_ref()) add_strategies(random, one, calm);
  if (!node.at("concurrency").is_object() || chance(random, 40)) return;
  const std::string_view strategy = kStrategies[calm ? 0 : random.below(std::size(kStrategies))];
  node["concurrency"].set("strategy", strategy);
  const bool of_items = node.at("concurrency").at("key").as_string() == "'m'";
  if (strategy == "round_robin") node["concurrency"].set("by", of_items ? "item % 2" : "inputs.n");
}

/// Of a calm run no more than counts: what a crash costs isn't the same in an undisturbed one.
BudgetAmounts random_budget(Random& random, bool calm) {
  const auto amount = [&](std::int64_t least, std::int64_t most) {
    const auto range = static_cast<std::uint64_t>(most - least);
    return calm ? std::int64_t{1'000'000'000} : least + static_cast<std::int64_t>(random.below(range));
  };
  BudgetAmounts out{{"tokens", amount(20, 300)}};
  if (chance(random, 40)) out["wall_ms"] = amount(20, 5000);
  if (chance(random, 30)) out["cpu_ms"] = amount(20, 20'000);
  if (chance(random, 40)) out["tool_calls"] = amount(2, 20);
  return out;
}

constexpr std::int64_t kTokensMax = 50;

/// A call that has a price.
StepOutcome pay(const StepInvocation& in, StepContext& context, std::uint64_t dice, EffectSink& sink) {
  const std::int64_t most = 1 + static_cast<std::int64_t>(dice % kTokensMax);
  auto ticket = context.ask(1, {{"tokens", most}});
  if (!ticket.ok()) return Failed{FailureClass::Retryable, ticket.error(), {}};
  if (ticket->response || dice % 7 == 0) return Yielded{};  // Paid for before; or it forgets to tell.
  const std::int64_t used = most - static_cast<std::int64_t>(dice % 3 == 0 ? most / 2 : 0);
  const Json response = dice % 2 == 0 ? Json("answer") : Json();
  if (auto told = context.use(*ticket, {{"tokens", used}}, response); !told.ok())
    return Failed{FailureClass::Retryable, told.error(), {}};
  sink.paid[{in.execution_no, in.step_no, in.epoch}] = used;
  return Yielded{};
}

}  // namespace

Program::Program(std::uint64_t seed) {
  SeededRandom random(seed * 2 + 1);
  troubles.calm = random.below(8) == 0;
  // Crashes in a row, so that they hit recovery and the first writes after it.
  const bool storm = random.below(6) == 0;
  troubles.crash_percent = static_cast<int>(random.below(15)) + (storm ? 25 : 0) + (troubles.calm ? 3 : 0);
  troubles.power_cut_percent = random.below(2) == 0 ? (storm ? 80 : 50) : 0;
  troubles.kill_percent = random.below(2) == 0 ? 50 : 0;
  if (!troubles.calm) {
    troubles.fail_percent = static_cast<int>(random.below(3)) * 15;
    troubles.timeout_percent = static_cast<int>(random.below(3)) * 5;
    troubles.cancel_percent = random.below(3) == 0 ? (random.below(2) == 0 ? 4 : 30) : 0;
    troubles.doubled_percent = random.below(3) == 0 ? 15 : 0;
    troubles.slow_percent = random.below(3) == 0 ? 20 : 0;
    troubles.yield_percent = random.below(3) == 0 ? 20 : 0;
    troubles.pause_percent = random.below(4) == 0 ? 10 : 0;
  }
  const bool rich = random.below(3) == 0;
  const bool with_budgets = random.below(3) == 0;
  SeededRandom strategies(seed * 2 + 1);  // Of their own: the programs of earlier seeds stay what they were.
  const auto count = 1 + random.below(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    CreateTask task;
    task.title = "task " + std::to_string(i);
    task.idempotency_key = "key " + std::to_string(i);
    Json plan = random_plan(random, troubles, rich);
    add_strategies(strategies, plan, troubles.calm);
    task.plan = Plan::parse(plan).value();
    Json list = Json::array();
    for (std::uint64_t n = random.below(5); n > 0; --n) list.push_back(n);
    task.inputs = Json::object({{"n", random.below(10)}, {"list", std::move(list)}});
    task.repository = "/repo";
    if (with_budgets) task.budget = random_budget(random, troubles.calm);
    if (!troubles.calm && random.below(4) == 0) task.on_exhausted = OnExhausted::Dead;
    tasks.push_back(std::move(task));
  }
  SeededRandom orders(seed * 2 + 1);  // Of its own, too.
  const bool ordered = orders.below(2) == 0;
  for (std::size_t i = 1; ordered && i < tasks.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (chance(orders, 60))
        after[tasks[i].idempotency_key].push_back(
            {tasks[j].idempotency_key, static_cast<DependencyPolicy>(orders.below(3))});
  // Drawn last: the programs of earlier seeds stay what they were.
  troubles.held_percent = random.below(3) == 0 ? 20 : 0;
  if (troubles.calm) return;
  troubles.person_percent = random.below(2) == 0 ? 40 : 0;
  troubles.undone_percent = random.below(3) == 0 ? 40 : 0;
  troubles.breakers = random.below(4) == 0;
  troubles.policies = random.below(3) == 0;
  for (CreateTask& task : tasks) {
    task.draft = random.below(6) == 0;
    if (random.below(6) == 0) task.expires_at = static_cast<Micros>(random.below(kExpiryMax));  // From its creation on.
  }
}

void Program::remove_task(std::size_t index) {
  const std::string key = tasks[index].idempotency_key;
  tasks.erase(tasks.begin() + static_cast<std::ptrdiff_t>(index));
  after.erase(key);
  for (auto& [of, others] : after) std::erase_if(others, [&](const After& other) { return other.key == key; });
}

RecoveryPolicies recovery_policies(const Troubles& troubles) {
  std::string yaml =
      "policies:\n"
      "  - {error: sim.to_undo, strategy: compensate, inverse: sim.undo}\n"
      "  - {error: " +
      std::string(kForAPerson) + ", strategy: escalate}\n";
  if (troubles.policies)
    yaml +=
        "  - {error: workflow.wait_expired, strategy: skip}\n"
        "  - {error: workflow.timeout, capability: sim.guarded, strategy: compensate, inverse: sim.undo, then: skip}\n"
        "  - {error: workflow.timeout, capability: sim.pure, strategy: fallback, to: sim.local}\n"
        "  - {error: workflow.timeout, capability: sim.local, strategy: skip}\n"
        "  - {error: workflow.timeout, capability: map, strategy: skip}\n"
        "  - {error: workflow.poison, capability: sim.pure, strategy: skip}\n"
        "  - {error: workflow.children_failed, strategy: retry}\n";
  if (!troubles.breakers) yaml += "breakers: [{off: true}]\n";
  return RecoveryPolicies::parse(yaml, "recovery.yaml").value();
}

Result<CapabilityTraits> Runner::traits(std::string_view capability) const {
  for (std::size_t i = 0; i < std::size(kCapabilities); ++i)
    if (kCapabilities[i] == capability) return CapabilityTraits{static_cast<Effect>(i), SlotClass::Cpu};
  if (capability == kUndo) return CapabilityTraits{Effect::Guarded, SlotClass::Cpu};
  return Error("sim.no_such_capability", std::string(capability));
}

StepOutcome Runner::run(const StepInvocation& in, StepContext& context) {
  const std::string name = in.node + "/" + in.iterations;
  SeededRandom dice(hash(name + "/" + std::to_string(in.attempt)) ^ seed_);
  context.tick({});
  if (in.capability == kUndo) {
    if (auto failed = take_effect(in, context)) return std::move(*failed);
    return Completed{Json::object({{"undone", true}}), {}};
  }
  if (hash(name + "@" + std::to_string(in.epoch)) % 100 < static_cast<std::uint64_t>(troubles_.yield_percent))
    return Yielded{};
  if (hash(name + "~" + std::to_string(in.epoch)) % 100 < static_cast<std::uint64_t>(troubles_.held_percent))
    return HeldBack{Error("sim.held", "drawn"), kHeldFor};
  std::string said;
  const auto say = [&](std::string_view what) {
    if (hash("says " + name) % 2 != 0) return;
    const std::string line = std::to_string(in.epoch) + " " + std::string(what) + "\n";
    said += line;
    context.stream(line);
  };
  say("begins");
  if (dice.below(8) == 0) {
    if (auto kept = context.checkpoint(Json::object({{"attempt", in.attempt}})); !kept.ok())
      return Failed{FailureClass::Permanent, kept.error(), {}};
  }
  if (dice.below(8) == 0) {
    auto value = context.journaled("draw", [&] { return Json(static_cast<std::int64_t>(dice.below(1000))); });
    if (!value.ok()) return Failed{FailureClass::Permanent, value.error(), {}};
  }
  say("goes on");
  if (const std::uint64_t price = hash("price of " + name); price % 2 == 0)
    if (auto paid = pay(in, context, price >> 1, sink_); std::holds_alternative<Failed>(paid)) return paid;
  if (in.capability == "sim.guarded") {
    if (auto failed = take_effect(in, context)) return std::move(*failed);
    if (hash(name + "^" + std::to_string(in.attempt)) % 100 < static_cast<std::uint64_t>(troubles_.undone_percent))
      return Failed{FailureClass::Permanent, Error("sim.to_undo", "drawn"), {}};
  }
  if (auto failed = draw_failure(in, dice)) return std::move(*failed);
  say("ends");
  Completed done;
  done.output = Json::object({{"v", value_of(in.node, in.iterations, in.input)}, {"epoch", in.epoch}});
  if (!said.empty()) done.output.set("said", said);
  if (hash(name) % 4 == 0) done.output.set("pad", std::string(2000, 'p'));
  if (hash(name) % 3 == 0) {
    findings::Finding finding;
    finding.fingerprint = "wf1-" + crypto::sha256_hex(name).substr(0, 32);
    finding.rule = "sim.rule";
    finding.where.path = in.node;
    done.findings.push_back(std::move(finding));
  }
  return done;
}

std::int64_t value_of(const std::string& node, const std::string& iterations, const Json& input) {
  return static_cast<std::int64_t>(hash(node + "/" + iterations + codec::canonical_json(input)) >> 12);
}

std::optional<Failed> Runner::take_effect(const StepInvocation& in, StepContext& context) {
  int& open = sink_.open[in.execution_id + "/" + in.node + "/" + in.iterations];
  const bool undoes = in.capability == kUndo;
  // That it is undone may have been decided before anything took place.
  if (undoes && open == 0 && troubles_.policies) return std::nullopt;
  auto ticket = context.begin_effect(0, Json::object({{"node", in.node}}));
  if (!ticket.ok()) return Failed{FailureClass::Retryable, ticket.error(), {}};
  if (ticket->receipt) return std::nullopt;
  if (undoes ? open != 1 : open != 0)
    sink_.wrong = in.node + (undoes ? " was undone without an effect" : " took effect again before it was undone");
  open += undoes ? -1 : 1;
  ++sink_.done[ticket->effect_key];
  if (auto ended = context.end_effect(*ticket, Json("receipt")); !ended.ok())
    return Failed{FailureClass::Retryable, ended.error(), {}};
  return std::nullopt;
}

std::optional<Failed> Runner::draw_failure(const StepInvocation& in, Random& dice) const {
  if (static_cast<int>(dice.below(100)) >= troubles_.fail_percent) return std::nullopt;
  Failed out{dice.below(4) == 0 ? FailureClass::Permanent : FailureClass::Retryable, Error("sim.failed", "drawn"), {}};
  const auto share = hash(in.node + "!" + in.iterations) % 100;
  if (out.failure == FailureClass::Retryable || share >= static_cast<std::uint64_t>(troubles_.person_percent))
    return out;
  out.error = Error(share % 2 == 0 ? std::string(kForAPerson) : "storage.corrupt", "drawn");
  return out;
}

Reconciled Runner::reconcile(std::string_view, std::string_view effect_key, const Json&) {
  if (hash(effect_key) % 3 == 0) return {};
  const bool done = sink_.done.contains(std::string(effect_key));
  return {done ? ReconcileAnswer::Done : ReconcileAnswer::NotDone, done ? Json("receipt") : Json()};
}

}  // namespace wrench::sim
