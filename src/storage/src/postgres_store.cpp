#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "database_url.hpp"
#include "migration_runner.hpp"
#include "open_store.hpp"
#include "postgres_connection.hpp"
#include "postgres_events.hpp"
#include "postgres_migration_target.hpp"
#include "postgres_reader.hpp"
#include "postgres_writer.hpp"
#include "queued_store.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {
namespace {

/// Whoever creates or migrates the store holds this advisory lock of the database. The stores of several schemas share
/// it, which costs them a wait at most.
constexpr std::int64_t kSchemaLock = 0x57524E43;
constexpr int kSchemaLockTries = 3;
/// How often a waiter looks at its deadline and stop token.
constexpr std::chrono::milliseconds kWaitSlice{100};

class PostgresStore final : public QueuedStore {
 public:
  PostgresStore(StoreConfig config, DatabaseUrl url, const Clock& clock, Random& random)
      : QueuedStore(std::move(config), clock, random), url_(std::move(url)) {
    config_.database_url.clear();  // url_ is careful with the password
    if (config_.migrations.empty()) config_.migrations = embedded_migrations(Dialect::Postgres);
  }
  ~PostgresStore() override { close(); }

  Result<void> open();

  Result<bool> wait_for_events(std::int64_t after_seq, Deadline deadline, const StopToken& stop) override;
  StoreStats stats() const override;
  Dialect dialect() const override { return Dialect::Postgres; }
  std::optional<Error> trouble() const override;

 private:
  std::size_t flush() override { return writer_->flush_once(); }
  bool has_writer() const override { return writer_ != nullptr; }
  std::optional<Error> poison() const override { return writer_ ? writer_->poison() : std::nullopt; }
  void on_closing() override;
  void on_closed() override;

  using Standing = MigrationRunner::Standing;
  Result<Standing> check_schema(MigrationRunner& runner);
  Result<void> migrate(PostgresConnection& connection);
  Result<void> load_identity(PostgresConnection& connection);
  void start_events();

  const DatabaseUrl url_;
  std::int64_t epoch_ = 0;
  std::unique_ptr<PostgresWriter> writer_;
  std::unique_ptr<PostgresEvents> events_;
};

Result<void> PostgresStore::open() {
  std::unique_ptr<PostgresConnection> connection =
      WRENCH_TRY(PostgresConnection::open(url_, config_.postgres, catalogue_));
  PostgresMigrationTarget target(*connection);
  MigrationRunner runner(target, config_.migrations, clock_);
  if (config_.access == StoreAccess::Read) {
    write_refusal_ = Error("storage.read_only", "the database at " + url_.shown() + " was opened for reading");
    if (!WRENCH_TRY(target.has_migrations_table()))
      return Error("storage.not_found", "there is no store in the database at " + url_.shown() + " yet");
    if (WRENCH_TRY(check_schema(runner)) == Standing::Pending)
      return Error("storage.schema_older",
                   "the database at " + url_.shown() + " was last used by an older version of wrench");
  } else if (WRENCH_TRY(check_schema(runner)) == Standing::Pending) {
    WRENCH_TRY(migrate(*connection));
    connection = WRENCH_TRY(PostgresConnection::open(url_, config_.postgres, catalogue_));  // with the usual time-outs
  }
  WRENCH_TRY(load_identity(*connection));
  readers_ = std::make_unique<ReaderPool>(
      [this] { return PostgresReader::open(url_, config_.postgres, catalogue_, slow_log_); }, clock_,
      std::clamp<std::size_t>(runtime::usable_cores(), 2, kReadersMax));
  start_events();
  if (write_refusal_) return {};
  WRENCH_TRY(connection->start_pipeline());
  connection->note_slow_in(slow_log_);
  writer_ = std::make_unique<PostgresWriter>(
      url_, catalogue_, std::move(connection), PostgresWriter::Identity{store_id_, epoch_}, queue_, clock_, random_,
      PostgresWriter::Options{
          config_.postgres,
          config_.mode == WriterMode::Thread ? PostgresWriter::Patience::WaitForServer : PostgresWriter::Patience::None,
          [this](std::int64_t seq) {
            events_committed(seq);
            events_->announce(seq);
          },
          &slow_log_});
  if (config_.mode == WriterMode::Thread) start_writer_thread();
  return {};
}

/// A newer schema is only remembered, as the reason to refuse writes.
Result<PostgresStore::Standing> PostgresStore::check_schema(MigrationRunner& runner) {
  Result<Standing> standing = runner.check();
  if (standing.ok() || standing.error().code != "storage.schema_newer") return standing;
  write_refusal_ = std::move(standing).error();
  return Standing::Current;
}

Result<void> PostgresStore::migrate(PostgresConnection& connection) {
  // Migrations may take long, but none may stand in the queue for a table's lock for long: everybody behind it waits,
  // too.
  WRENCH_TRY(
      connection.exec("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '" +
                      std::to_string(config_.lock_wait_us / kMicrosPerMs) + "ms'"));
  const auto once = [&]() -> Result<void> {
    // Of the session: it goes with the connection. Taken twice it is still ours.
    WRENCH_TRY(connection.exec("SELECT pg_advisory_lock(" + std::to_string(kSchemaLock) + ")"));
    PostgresMigrationTarget target(connection);
    MigrationRunner runner(target, config_.migrations, clock_);
    if (WRENCH_TRY(check_schema(runner)) == Standing::Pending) return runner.run();
    return {};  // somebody else did it while we waited
  };
  Result<void> done = once();
  for (int tries = 1; tries < kSchemaLockTries && !done.ok() && done.error().code == "storage.busy"; ++tries)
    done = once();
  return done;
}

Result<void> PostgresStore::load_identity(PostgresConnection& connection) {
  const std::string fresh = make_id("sto", clock_, random_);
  const std::string read = "SELECT value FROM store_meta WHERE name = 'store_id'";
  store_id_ = WRENCH_TRY(connection.value(read));
  if (store_id_.empty() && config_.access == StoreAccess::Read)
    return Error("storage.not_found", "the store in the database at " + url_.shown() + " isn't complete yet");
  if (store_id_.empty()) {
    WRENCH_TRY(connection.exec("INSERT INTO store_meta (name, value) VALUES ('store_id', '" + fresh +
                               "') ON CONFLICT (name) DO NOTHING"));
    store_id_ = WRENCH_TRY(connection.value(read));
  }
  const std::string epoch = WRENCH_TRY(connection.value("SELECT epoch FROM event_clock WHERE id = 1"));
  if (epoch.empty()) return Error("storage.corrupt", "the table event_clock has lost its row; restore a backup");
  epoch_ = std::stoll(epoch);
  last_event_ = std::stoll(WRENCH_TRY(connection.value("SELECT next - 1 FROM event_clock WHERE id = 1")));
  return {};
}

void PostgresStore::start_events() {
  PostgresEvents::Options options;
  options.times = config_.postgres;
  options.channel = "wrench_" + store_id_;
  options.on_events = [this](std::int64_t seq) { events_committed(seq); };
  options.look_by_a_reader = [this]() -> Result<std::int64_t> {
    return WRENCH_TRY(read([](ReadTx& tx) { return event_log::head(tx); }, Deadline::after(clock_, kSnapshotAgeMax)))
        .seq;
  };
  events_ = std::make_unique<PostgresEvents>(url_, catalogue_, clock_, random_, std::move(options));
}

Result<bool> PostgresStore::wait_for_events(std::int64_t after_seq, Deadline deadline, const StopToken& stop) {
  struct Waiting {
    PostgresEvents& events;
    explicit Waiting(PostgresEvents& its_events) : events(its_events) { events.start_waiting(); }
    ~Waiting() { events.stop_waiting(); }
  } const waiting(*events_);
  std::unique_lock lock(events_mutex_);
  while (last_event_ <= after_seq) {
    if (deadline.passed(clock_) || stop.stop_requested()) return false;
    events_grew_.wait_for(lock, kWaitSlice);
  }
  return true;
}

std::optional<Error> PostgresStore::trouble() const {
  std::optional<Error> error = writer_ ? writer_->trouble() : std::nullopt;
  if (!error) error = poison();
  return error ? error : events_->trouble();
}

void PostgresStore::on_closing() {
  if (writer_) writer_->begin_closing();
}

void PostgresStore::on_closed() {
  if (events_) events_->close();
  if (writer_) writer_->close();
}

StoreStats PostgresStore::stats() const {
  StoreStats stats = writer_ ? writer_->stats() : StoreStats{};
  stats.reads = reads_.load();
  stats.queued_jobs = queue_.size();
  stats.notifications = events_ ? events_->notifications() : 0;
  return stats;
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(StoreConfig config, const Clock& clock, Random& random) {
  DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(config.database_url));
  auto store = std::make_unique<PostgresStore>(std::move(config), std::move(url), clock, random);
  WRENCH_TRY(store->open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace wrench::storage
