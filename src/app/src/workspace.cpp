#include "workspace.hpp"

#include <unistd.h>

#include <cstdlib>

#include "store_statements.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/agents/mail.hpp"
#include "wrench/agents/test_history.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/process.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/workflow/metrics.hpp"

namespace wrench::app {

namespace {

constexpr std::string_view kServer = "server";  ///< Name of the lock of the process that serves.
constexpr std::size_t kPidBytesMax = 64;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Place {
  std::string directory, database_url;  ///< One of the two.
};

Result<std::unique_ptr<storage::Store>> open_store(const Place& place, storage::StoreAccess access, const Clock& clock,
                                                   Random& random, telemetry::MetricsRegistry& metrics) {
  storage::StoreConfig config;
  config.directory = place.directory;
  config.database_url = place.database_url;
  config.statements = store_statements();
  config.access = access;
  config.metrics = &metrics;
  auto opened = storage::Store::open(std::move(config), clock, random);
  if (opened || access == storage::StoreAccess::Write) return opened;
  const auto& code = opened.error().code;
  if (code != "storage.not_found" && code != "storage.schema_older" && code != "storage.restore_unfinished")
    return opened;
  auto written = open_store(place, storage::StoreAccess::Write, clock, random, metrics);
  if (!written) return std::move(written).error().because(std::move(opened).error());
  return written;
}

/// What recovery.yaml of the data directory says; nothing when there is none.
Result<workflow::RecoveryPolicies> recovery_policies(const std::string& directory, const workflow::StepRunner& runner) {
  const std::string file = directory + "/recovery.yaml";
  const auto text = directory.empty() ? Result<std::string>(Error("io.not_found", ""))
                                      : runtime::read_file(file, 2 * workflow::kRecoveryBytesMax);
  if (!text && text.error().code == "io.not_found") return workflow::RecoveryPolicies();
  if (!text) return text.error();
  auto policies = WRENCH_TRY(workflow::RecoveryPolicies::parse(*text, file));
  for (const auto& named : policies.named()) {
    const auto known = runner.traits(named.capability);
    if (!known) return Error("workflow.recovery_invalid", known.error().message).at(file, named.line, 1);
    if (named.must_complete && known->effect == workflow::Effect::LocalTransactional)
      return Error("workflow.recovery_invalid",
                   "the rows that " + named.capability + " writes are stored only if its step completes: then: skip")
          .at(file, named.line, 1);
  }
  return policies;
}

}  // namespace

Result<workflow::RetentionPolicy> read_retention_policy(const std::string& directory) {
  const std::string file = directory + "/retention.yaml";
  const auto text = directory.empty() ? Result<std::string>(Error("io.not_found", ""))
                                      : runtime::read_file(file, 2 * workflow::kRetentionBytesMax);
  if (!text && text.error().code == "io.not_found") return workflow::RetentionPolicy();
  if (!text) return text.error();
  return workflow::RetentionPolicy::parse(*text, file);
}

storage::StatementCatalogue store_statements() { return {workflow::statements(), agents::statements()}; }

std::string data_directory(const Session& session) {
  if (session.invocation.has("--data-dir")) return std::string(session.invocation.value("--data-dir"));
  if (auto set = environment("WRENCH_DATA_DIR"); !set.empty()) return set;
  if (auto xdg = environment("XDG_DATA_HOME"); xdg.starts_with('/')) return xdg + "/wrench";
  if (auto home = environment("HOME"); home.starts_with('/')) return home + "/.local/share/wrench";
  return {};
}

std::string database_url(const Session& session) {
  if (session.invocation.has("--database")) return std::string(session.invocation.value("--database"));
  return environment("WRENCH_DATABASE_URL");
}

Result<agents::Registry> builtin_agents() {
  agents::Registry registry;
  WRENCH_TRY(registry.add(agents::make_super()));
  WRENCH_TRY(registry.add(agents::make_code_analysis()));
  WRENCH_TRY(registry.add(agents::make_infosec()));
  WRENCH_TRY(registry.add(agents::make_inspector()));
  WRENCH_TRY(registry.add(agents::make_journey()));
  return registry;
}

Result<std::optional<MockScript>> given_mock(const Session& session) {
  if (!session.invocation.has("--mock")) return std::optional<MockScript>();
  return std::optional(WRENCH_TRY(MockScript::read(std::string(session.invocation.value("--mock")))));
}

Result<std::unique_ptr<Workspace>> Workspace::open(Session& session, Use use, std::optional<MockScript> mocked,
                                                   std::optional<workflow::Slots> slots) {
  const auto jobs = session.invocation.number("--jobs", 0);
  std::unique_ptr<Workspace> space(new Workspace(static_cast<std::size_t>(jobs)));
  space->registry_ = WRENCH_TRY(builtin_agents());
  const std::string url = database_url(session);
  if (use == Use::Work && url.empty())
    return Error("workflow.worker_needs_postgresql",
                 "workers share a PostgreSQL database; with a data directory each command runs its own tasks")
        .with_help("wrench worker --database postgresql://user@host/name");
  if (use == Use::Serve && !url.empty())
    return Error("cli.invalid_value", "tasks in a PostgreSQL database are run by workers, not by wrench serve")
        .with_help("wrench worker --database URL");
  if (url.empty()) {
    WRENCH_TRY(space->open_here(session, use));
  } else {
    const auto access = use == Use::Read ? storage::StoreAccess::Read : storage::StoreAccess::Write;
    space->store_ =
        WRENCH_TRY(open_store({.database_url = url}, access, space->clock_, space->random_, space->metrics_));
    space->boot_id_ = make_id("boot", space->clock_, space->random_);
  }
  WRENCH_TRY(space->open_memory_and_messages());
  if (use == Use::Run || use == Use::Work || use == Use::Serve)
    space->retention_ = WRENCH_TRY(read_retention_policy(data_directory(session)));
  if (use != Use::Read) WRENCH_TRY(space->open_engine(session, use, std::move(mocked), slots));
  return space;
}

Result<void> Workspace::open_here(Session& session, Use use) {
  auto directory = data_directory(session);
  if (directory.empty()) {
    temporary_.emplace(WRENCH_TRY(runtime::TempDir::create("wrench-data")));
    directory = temporary_->path();
    session.console.note(
        "no home folder: this run's data is in a temporary folder and is gone afterwards; set WRENCH_DATA_DIR to keep "
        "it");
  }
  directory_ = directory;
  boots_ = directory + "/boots";
  if (use == Use::Read) {
    store_ = WRENCH_TRY(open_store({.directory = directory}, storage::StoreAccess::Read, clock_, random_, metrics_));
    return {};
  }
  // Before the store is opened: a restore sees who may write to the store that it replaces. Why a folder doesn't take
  // the lock, the store says better.
  auto boot = runtime::BootLock::acquire(boots_, make_id("boot", clock_, random_));
  store_ = WRENCH_TRY(open_store({.directory = directory}, storage::StoreAccess::Write, clock_, random_, metrics_));
  boot_.emplace(WRENCH_TRY(std::move(boot)));
  boot_id_ = boot_->id();
  return {};
}

Result<void> Workspace::open_memory_and_messages() {
  memory_ = std::make_unique<workflow::Memory>(*store_, clock_, random_, &metrics_);
  message_types_ = WRENCH_TRY(workflow::MessageTypes::make(agents::message_types()));
  messages_ = std::make_unique<workflow::Messages>(
      *store_, *message_types_, [this](std::string_view name) { return registry_.find(name) != nullptr; }, clock_,
      random_);
  return {};
}

/// --labels of this command, or the environment's.
Result<workflow::Labels> labels_of(const Session& session) {
  const bool said = session.invocation.has("--labels");
  auto labels =
      workflow::parse_labels(said ? std::string(session.invocation.value("--labels")) : environment("WRENCH_LABELS"));
  if (labels) return labels;
  return Error("cli.invalid_value", std::string(said ? "--labels" : "WRENCH_LABELS") + ": " + labels.error().message)
      .with_help("e.g. os=linux,gpu=yes");
}

Result<void> Workspace::open_engine(Session& session, Use use, std::optional<MockScript> mocked,
                                    std::optional<workflow::Slots> slots) {
  workflow::EngineConfig config;
  config.boot_id = boot_id_;
  config.actor = "user";
  config.drain_interrupts = use != Use::Serve;
  // Analyses of one review run side by side; each spreads over the pool's threads.
  config.slots = slots.value_or(workflow::Slots{2, 4, 4});
  if (session.invocation.has("--max-parallel"))
    config.slots.fill(static_cast<int>(session.invocation.number("--max-parallel", 1)));
  config.labels = WRENCH_TRY(labels_of(session));
  config.boot_is_live = [this](std::string_view id) { return is_live(id); };
  runner_ = std::make_unique<agents::AgentRunner>(
      registry_, pool_, clock_,
      agents::RunnerServices{.store = store_.get(), .memory = memory_.get(), .messages = messages_.get()});
  if (mocked) mock_ = WRENCH_TRY(MockRunner::open(std::move(*mocked), *runner_, "."));
  workflow::StepRunner& carries_out = mock_ ? static_cast<workflow::StepRunner&>(*mock_) : *runner_;
  const bool runs_steps = use == Use::Work || use == Use::Serve || (use == Use::Run && !has_workers());
  auto policies =
      runs_steps ? WRENCH_TRY(recovery_policies(data_directory(session), carries_out)) : workflow::RecoveryPolicies();
  recovering_ = std::make_unique<workflow::RecoveringRunner>(std::move(policies), carries_out, clock_, &metrics_);
  workflow::StepRunner& runner = *recovering_;
  config.traits = [&runner](std::string_view capability) -> std::optional<workflow::CapabilityTraits> {
    const auto traits = runner.traits(capability);
    return traits ? std::optional(*traits) : std::nullopt;
  };
  config.check_output = [this](std::string_view capability, const codec::Json& output) {
    return runner_->check_output(capability, output);
  };
  config.metrics = &metrics_;
  if (runs_steps && !directory_.empty()) {
    publish_reports(use);
    config.on_activity = [this] { reports_->stir(); };
  }
  engine_ = WRENCH_TRY(workflow::Engine::open(*store_, std::move(config), clock_, random_));
  if (runs_steps) engine_->start(runner);
  return {};
}

Result<findings::Report> Workspace::take_report(const codec::Json& member) {
  if (runner_) return runner_->take_report(*store_, member);
  agents::ReportShelf nothing;
  return agents::take_report(nothing, *store_, member);
}

bool Workspace::is_live(std::string_view boot_id) const {
  // When in doubt it lives: taking work from a live process would run it twice.
  const auto liveness = runtime::BootLock::probe(boots_, boot_id);
  return !liveness || *liveness == runtime::BootLock::Liveness::Live;
}

Result<void> Workspace::claim_serving() {
  const std::string pid_file = directory_ + "/server.pid";
  auto lock = runtime::BootLock::acquire(directory_ + "/serving", kServer);
  if (!lock && lock.error().code == "runtime.locked") {
    const auto pid = runtime::read_file(pid_file, kPidBytesMax);
    return Error("cli.already_served", "another process serves this data directory" +
                                           (pid ? " (pid " + std::string(trim(*pid)) + ")" : std::string()));
  }
  serving_.emplace(WRENCH_TRY(std::move(lock)));
  return runtime::write_file_atomically(pid_file, std::to_string(::getpid()) + "\n");
}

bool Workspace::is_served() const {
  const auto liveness = runtime::BootLock::probe(directory_ + "/serving", kServer);
  return liveness && *liveness == runtime::BootLock::Liveness::Live;
}

void Workspace::drain(Micros patience) {
  // What doesn't return in time counts as lost and is resumed like after a crash: nothing to report.
  static_cast<void>(engine_->drain(Deadline::after(clock_, patience)));
}

void Workspace::publish_reports(Use use) {
  const std::string_view role = use == Use::Serve ? "serve" : "run";
  workflow::forget_reports(reports_directory(), [this](std::string_view boot) { return is_live(boot); });
  reports_ =
      std::make_unique<workflow::ReportPublisher>(reports_directory(), boot_id_, [this, role] { return look(role); });
}

workflow::ReportPublisher::Looked Workspace::look(std::string_view role) {
  workflow::ReportPublisher::Looked out;
  workflow::ProcessReport& report = out.report;
  report.boot = boot_id_;
  report.role = role;
  report.pid = ::getpid();
  if (const auto figures = runtime::process_figures(::getpid())) report.started_ticks = figures->started_ticks;
  report.started_at = started_at_;
  report.at = clock_.now_us();
  report.work = engine_->look();
  report.circuits = recovering_->open_circuits();
  workflow::export_store_stats(metrics_, store_->stats());
  workflow::export_queue_ages(metrics_, *store_, report.work, boot_id_, report.at);
  report.slow_statements = storage::to_json(storage::slow_statements(*store_));
  report.metrics = metrics_.snapshot();
  out.goes_on = !report.work.running.empty();
  return out;
}

Workspace::~Workspace() {
  if (reports_) reports_->stop();
}

}  // namespace wrench::app
