#pragma once

#include <memory>
#include <optional>
#include <string>

#include "mock_runner.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/agents/runner.hpp"
#include "wrench/app/command.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/runtime/boot_lock.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/memory.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/monitor_report.hpp"
#include "wrench/workflow/recovering_runner.hpp"
#include "wrench/workflow/retention_policy.hpp"

namespace wrench::app {

/// Where this process keeps its data: --data-dir, WRENCH_DATA_DIR, $XDG_DATA_HOME/wrench, ~/.local/share/wrench.
/// Empty when there is no home: then a private temporary folder is used, with a warning.
std::string data_directory(const Session& session);

/// What retention.yaml of a data directory says; what holds without it when there is none. Errors:
/// workflow.retention_invalid, io.*.
Result<workflow::RetentionPolicy> read_retention_policy(const std::string& directory);

/// The PostgreSQL database to work on instead: --database, WRENCH_DATABASE_URL. Empty: the data directory.
std::string database_url(const Session& session);

/// What --mock says. Errors: cli.mock_invalid, io.*.
Result<std::optional<MockScript>> given_mock(const Session& session);

/// The agents of this program: the composition root. Adding an agent is one line there.
Result<agents::Registry> builtin_agents();

inline constexpr Micros kDrainPatience = 5 * kMicrosPerSecond;

/// Store, engine and agents of one command, opened together and closed in the right order.
class Workspace {
 public:
  enum class Use {
    Read,   ///< Looks at what is stored and writes nothing, so also into a data directory that takes no writes. No
            ///< engine.
    Write,  ///< Has the engine, which takes what is asked of tasks.
    Run,    ///< Steps run in this process, too; on PostgreSQL they are for the workers.
    Work,   ///< This process is a worker. Only on PostgreSQL: workflow.worker_needs_postgresql.
    Serve,  ///< Runs what others leave for as long as it lives: see claim_serving(). Not on PostgreSQL.
  };
  /// A data directory that has no store yet, or one of an older version, is written to whatever the use: else there
  /// would be nothing to read. Errors: storage.*, io.*, workflow.*.
  /// `mocked`: what it says of operations goes before the agents'.
  static Result<std::unique_ptr<Workspace>> open(Session& session, Use use,
                                                 std::optional<MockScript> mocked = std::nullopt,
                                                 std::optional<workflow::Slots> slots = std::nullopt);
  ~Workspace();

  storage::Store& store() { return *store_; }
  /// Not with Use::Read.
  workflow::Engine& engine() {
    WRENCH_ASSERT(engine_);
    return *engine_;
  }
  /// Not with Use::Read.
  agents::AgentRunner& agents() {
    WRENCH_ASSERT(runner_);
    return *runner_;
  }
  workflow::Memory& memory() { return *memory_; }
  workflow::Messages& messages() { return *messages_; }
  const workflow::MessageTypes& message_types() const { return *message_types_; }
  const agents::Registry& registry() const { return registry_; }
  /// The report in a finished step's output.
  Result<findings::Report> take_report(const codec::Json& member);
  const Clock& clock() const { return clock_; }
  telemetry::MetricsRegistry& metrics() { return metrics_; }
  /// What retention.yaml of the data directory says. Not with Use::Read or Use::Write.
  const workflow::RetentionPolicy& retention_policy() const { return retention_; }
  Random& random() { return random_; }
  /// Not with Use::Read.
  const std::string& boot_id() const {
    WRENCH_ASSERT(engine_);
    return boot_id_;
  }
  /// Tasks are run by workers, none belongs to a process.
  bool has_workers() const { return store_->dialect() == storage::Dialect::Postgres; }
  /// Use::Serve: this process is the one that serves the data directory. Errors: cli.already_served, naming the other's
  /// pid.
  Result<void> claim_serving();
  /// Whether a process serves the data directory.
  bool is_served() const;
  /// With the files that tell of other processes' work.
  std::vector<std::string> watched_directories() const { return {directory_, boots_}; }
  /// Of the data directory; empty on PostgreSQL.
  const std::string& directory() const { return directory_; }
  /// Where the processes of the data directory tell what they do; empty on PostgreSQL.
  std::string reports_directory() const { return directory_.empty() ? std::string() : directory_ + "/reports"; }
  /// Whether the process behind a boot id still runs.
  bool is_live(std::string_view boot_id) const;
  /// False when there is no home folder: the store ends with this process.
  bool keeps_data() const { return !temporary_.has_value(); }
  /// Gives back what runs, so that it can be resumed by anyone.
  void drain(Micros patience = kDrainPatience);

 private:
  explicit Workspace(std::size_t threads) : pool_({.threads = threads, .name = "analysis"}) {}
  Result<void> open_here(Session& session, Use use);
  Result<void> open_memory_and_messages();
  void publish_reports(Use use);
  workflow::ReportPublisher::Looked look(std::string_view role);
  Result<void> open_engine(Session& session, Use use, std::optional<MockScript> mocked,
                           std::optional<workflow::Slots> slots);

  SystemClock clock_;
  SystemRandom random_;
  const Micros started_at_ = clock_.now_us();
  telemetry::MetricsRegistry metrics_;
  std::optional<runtime::TempDir> temporary_;
  agents::Registry registry_;
  runtime::WorkerPool pool_;
  std::string directory_, boots_;
  std::optional<runtime::BootLock> serving_;
  std::optional<runtime::BootLock> boot_;
  std::string boot_id_;
  std::unique_ptr<storage::Store> store_;
  workflow::RetentionPolicy retention_;
  std::unique_ptr<workflow::Memory> memory_;
  std::optional<workflow::MessageTypes> message_types_;
  std::unique_ptr<workflow::Messages> messages_;
  std::unique_ptr<agents::AgentRunner> runner_;
  std::unique_ptr<MockRunner> mock_;
  std::unique_ptr<workflow::RecoveringRunner> recovering_;
  std::unique_ptr<workflow::ReportPublisher> reports_;  ///< Looks at the engine, which stirs it: ends by stop().
  std::unique_ptr<workflow::Engine> engine_;
};

}  // namespace wrench::app
