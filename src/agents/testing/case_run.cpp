#include "case_run.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "case_plan.hpp"
#include "fixture.hpp"
#include "wrench/agents/facts.hpp"
#include "wrench/agents/mail.hpp"
#include "wrench/agents/runner.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Finding;
using findings::Report;

/// Takes the case's own folder out of every text, so that a suite needn't know it and two runs are equal.
void hide_root(Json& value, const std::string& root) {
  if (value.is_string()) {
    if (value.as_string().find(root) != std::string_view::npos)
      value = replace_all(replace_all(std::string(value.as_string()), root + "/", ""), root, ".");
  } else if (value.is_array()) {
    for (Json& item : value.array_ref()) hide_root(item, root);
  } else if (value.is_object()) {
    for (auto& member : value.object_ref()) hide_root(member.second, root);
  }
}

/// Objects of an output that tell when and how fast something ran.
void drop_times(Json& value) {
  if (value.is_array()) {
    for (Json& item : value.array_ref()) drop_times(item);
  } else if (value.is_object()) {
    if (value.at("schema").as_string() == "wrench.scan/1") value.object_ref().erase("run");
    for (auto& member : value.object_ref()) drop_times(member.second);
  }
}

/// Store, engine and agents of one case.
class CaseHouse {
 public:
  CaseHouse(const CaseWorld& world, std::string directory) : world_(world), directory_(std::move(directory)) {}

  Result<void> open() {
    storage::StoreConfig store;
    store.directory = directory_;
    store.statements = {workflow::statements()};
    store_ = WRENCH_TRY(storage::Store::open(std::move(store), world_.clock, random_));
    memory_ = std::make_unique<workflow::Memory>(*store_, world_.clock, random_);
    types_ = WRENCH_TRY(workflow::MessageTypes::make(message_types()));
    messages_ = std::make_unique<workflow::Messages>(
        *store_, *types_, [this](std::string_view name) { return world_.registry.find(name) != nullptr; }, world_.clock,
        random_);
    runner_ = std::make_unique<AgentRunner>(
        world_.registry, world_.pool, world_.clock,
        RunnerServices{.store = store_.get(), .memory = memory_.get(), .messages = messages_.get()});
    workflow::EngineConfig config;
    config.boot_id = make_id("boot", world_.clock, random_);
    config.slots = {2, 2, 1};
    config.boot_is_live = [](std::string_view) { return false; };
    engine_ = WRENCH_TRY(workflow::Engine::open(*store_, std::move(config), world_.clock, random_));
    engine_->start(*runner_);
    return {};
  }

  Result<workflow::TaskOutcome> run(const Json& plan, const Json& tree, const Deadline& deadline,
                                    const StopToken& stop) {
    workflow::CreateTask task;
    task.title = "Agent test";
    task.kind = "agent_test";
    task.repository = tree.at("root").as_string();
    task.plan = WRENCH_TRY(workflow::Plan::parse(plan));
    task.inputs = Json::object({{"tree", tree}});
    const auto receipt = WRENCH_TRY(engine_->create(std::move(task)));
    auto outcome = engine_->wait(receipt.task_id, deadline, stop);
    if (outcome) return outcome;
    static_cast<void>(engine_->cancel(receipt.task_id, "the case is over"));
    if (outcome.error().code == "workflow.wait_deadline") return Error("agent.test_timeout", "the case's time is over");
    if (outcome.error().code == "workflow.wait_stopped") return Error("runtime.stopped", "stopped");
    return outcome;
  }

  Result<Json> output(std::int64_t execution_no, const std::string& node) {
    return store_->read([&](storage::ReadTx& tx) { return workflow::read_output(tx, execution_no, node); });
  }
  Result<std::vector<workflow::StepView>> steps(std::int64_t execution_no) {
    return store_->read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution_no); });
  }
  Result<std::int64_t> count_effects(std::int64_t execution_no) {
    return store_->read([&](storage::ReadTx& tx) -> Result<std::int64_t> {
      std::int64_t count = 0, last = 0;
      for (;;) {
        const auto page = WRENCH_TRY(workflow::read_journal(tx, execution_no, last, workflow::kJournalPageMax));
        for (const auto& entry : page) count += entry.kind == "intent";
        if (page.size() < workflow::kJournalPageMax) return count;
        last = page.back().seq;
      }
    });
  }
  Result<Report> report(const Json& member) { return runner_->take_report(*store_, member); }

 private:
  const CaseWorld& world_;
  std::string directory_;
  SystemRandom random_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<workflow::Memory> memory_;
  std::optional<workflow::MessageTypes> types_;
  std::unique_ptr<workflow::Messages> messages_;
  std::unique_ptr<AgentRunner> runner_;
  std::unique_ptr<workflow::Engine> engine_;
};

/// The findings that an output is about: those of its report that stand or are marked, whole findings in its lists, and
/// those of earlier reports whose fingerprints its lists name.
class FindingsOfOutput {
 public:
  Result<void> add(const Json& output, const std::vector<Report>& earlier) {
    std::set<std::string_view> named;
    for (const auto& [name, value] : output.as_object())
      for (const Json& item : value.as_array()) {
        if (item.is_string()) named.insert(item.as_string());
        if (item.is_object() && !item.at("fingerprint").is_null() && !item.at("rule_severity").is_null())
          found_.push_back(WRENCH_TRY(findings::finding_from_json(item)));
      }
    for (const Report& report : earlier)
      for (const Finding& finding : report.findings)
        if (named.contains(finding.fingerprint) && taken_.insert(finding.fingerprint).second) found_.push_back(finding);
    return {};
  }
  void add(const Report& report) { found_.insert(found_.end(), report.findings.begin(), report.findings.end()); }
  std::vector<Finding> take(const std::string& root) {
    for (Finding& finding : found_) finding.where.path = replace_all(std::move(finding.where.path), root + "/", "");
    return std::move(found_);
  }

 private:
  std::vector<Finding> found_;
  std::set<std::string> taken_;
};

bool is_report(const Json& member) {
  return member.is_object() && (!member.at("artifact").is_null() || !member.at("findings").is_null());
}

class CaseRun {
 public:
  CaseRun(const TestCase& test, const std::string& suite_folder, const CaseWorld& world, const StopToken& stop)
      : test_(test),
        suite_folder_(suite_folder),
        world_(world),
        stop_(stop),
        deadline_(Deadline::after(world.clock, test.time_max)) {}

  Result<CaseEnd> run() {
    const auto scratch = WRENCH_TRY(runtime::TempDir::create("wrench-case"));
    std::error_code failed;
    std::filesystem::create_directory(scratch / "tree", failed);
    root_ = std::filesystem::canonical(scratch / "tree", failed).string();
    if (failed) return errno_error(failed.value(), scratch.path());
    WRENCH_TRY(build_fixture(test_.fixture, suite_folder_, root_, stop_, deadline_));
    const auto before = WRENCH_TRY(tree_state(root_));
    const Micros begun = world_.clock.boot_us();
    WRENCH_TRY(plan_and_run(scratch / "store"));
    end_.facts.elapsed_us = world_.clock.boot_us() - begun;
    end_.facts.tree_change = difference(before, WRENCH_TRY(tree_state(root_)));
    if (stop_.stop_requested()) return Error("runtime.stopped", "stopped");
    if (deadline_.passed(world_.clock)) return timeout();
    return std::move(end_);
  }

 private:
  Error timeout() const {
    return Error("agent.test_timeout", "the case took longer than " + format_duration(test_.time_max));
  }

  Result<void> plan_and_run(const std::string& store_directory) {
    const auto survey = scan::survey(root_, {}, stop_);
    if (!survey) return fail(survey.error());
    const auto facts = tree_facts(*survey, survey->in_git ? why_no_history(root_, stop_) : "");
    auto plan = plan_case(test_, facts, world_.registry);
    if (!plan) return fail(plan.error());
    end_.facts.planned = std::move(plan->planned);
    end_.facts.degraded = std::move(plan->degraded);
    end_.facts.gates = plan->gates;
    if (test_.goal && !test_.goal->runs) return {};
    CaseHouse house(world_, store_directory);
    WRENCH_TRY(house.open());
    auto outcome = house.run(plan->plan, Json::object({{"path", root_}, {"root", root_}, {"working_directory", root_}}),
                             deadline_, stop_);
    if (!outcome) return outcome.error().code == "agent.test_timeout" ? timeout() : std::move(outcome).error();
    return take_in(house, *plan, *outcome);
  }

  /// What the agents failed with.
  Result<void> fail(Error error) {
    error.message = replace_all(replace_all(std::move(error.message), root_ + "/", ""), root_, ".");
    end_.facts.error = std::move(error);
    return {};
  }

  Result<void> take_in(CaseHouse& house, const CasePlan& plan, const workflow::TaskOutcome& outcome) {
    const auto execution = outcome.execution.execution_no;
    const auto steps = WRENCH_TRY(house.steps(execution));
    end_.facts.steps = static_cast<std::int64_t>(steps.size());
    end_.facts.effects = WRENCH_TRY(house.count_effects(execution));
    end_.trace = Json::array();
    for (const auto& step : steps)
      end_.trace.push_back(Json::object({{"node", step.node},
                                         {"capability", step.capability},
                                         {"state", workflow::name(step.state)},
                                         {"attempt", step.attempt}}));
    if (outcome.task.state == workflow::TaskState::Failed) {
      const Json& error = outcome.execution.error.at("error");
      return fail(
          Error(error.at("code").as_string("workflow.task_failed"), std::string(error.at("message").as_string())));
    }
    if (outcome.task.state != workflow::TaskState::Completed)
      return fail(Error("workflow.needs_person", "the execution is " + outcome.task.status));
    end_.facts.capability = plan.capability;
    Json output = WRENCH_TRY(house.output(execution, plan.node));
    end_.facts.output_bytes = static_cast<std::int64_t>(codec::write_json(output).size());
    std::vector<Report> earlier;
    for (const auto& step : steps) {
      if (step.node == plan.node || step.state != workflow::StepState::Completed) continue;
      const Json given = WRENCH_TRY(house.output(execution, step.node));
      if (is_report(given.at("report"))) earlier.push_back(WRENCH_TRY(house.report(given.at("report"))));
    }
    FindingsOfOutput found;
    if (is_report(output.at("report"))) {
      const Report report = WRENCH_TRY(house.report(output.at("report")));
      found.add(report);
      output.set("report", findings::to_json(report));
    } else {
      WRENCH_TRY(found.add(output, earlier));
    }
    end_.facts.findings = found.take(root_);
    hide_root(output, root_);
    Json normal = output;
    drop_times(normal);
    end_.normal = codec::canonical_json(normal);
    end_.facts.output = std::move(output);
    return {};
  }

  const TestCase& test_;
  const std::string& suite_folder_;
  const CaseWorld& world_;
  const StopToken& stop_;
  Deadline deadline_;
  std::string root_;
  CaseEnd end_;
};

}  // namespace

Result<CaseEnd> run_case(const TestCase& test, const std::string& suite_folder, const CaseWorld& world,
                         const StopToken& stop) {
  return CaseRun(test, suite_folder, world, stop).run();
}

}  // namespace wrench::agents
