#include "postgres_dump.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "../postgres_connection.hpp"
#include "../postgres_text.hpp"
#include "../sqlite_error.hpp"
#include "backup_file.hpp"
#include "backup_unpack.hpp"
#include "postgres_tools.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/scratch_dir.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kNameBytesMax = 63;  ///< Of PostgreSQL's identifiers.
constexpr std::string_view kRestoreSuffix = "_restore_";
constexpr std::string_view kBeforeSuffix = "_before_";
constexpr Micros kSleepSlice = 20 * kMicrosPerMs;
constexpr int kGoneTries = 10;
constexpr std::chrono::milliseconds kGonePause{100};

/// Sleeps off what is ahead of the rate that the options allow.
void keep_rate(std::uint64_t bytes, Micros began_us, const BackupOptions& options, const Clock& clock) {
  if (options.bytes_per_second == 0) return;
  const auto due = static_cast<Micros>(static_cast<double>(bytes) / static_cast<double>(options.bytes_per_second) *
                                       static_cast<double>(kMicrosPerSecond));
  while (clock.boot_us() - began_us < due && !options.stop.stop_requested())
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(kSleepSlice, due)));
}

}  // namespace

Result<BackupManifest> dump_postgres(const BackupOptions& options, const std::string& into, const Clock& clock) {
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(options.database_url));
  const auto connection = WRENCH_TRY(connect_to_back_up(url));
  WRENCH_TRY(connection->exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const std::string snapshot = WRENCH_TRY(connection->value("SELECT pg_export_snapshot()"));
  const std::string schema = WRENCH_TRY(connection->value("SELECT current_schema()"));
  auto manifest = describe_postgres(*connection, CountRows::Yes);
  if (!manifest) return Error(manifest.error().code, url.shown() + ": " + manifest.error().message);
  manifest->created_at = clock.now_us();
  auto file = runtime::AtomicFile::create(into);
  if (!file) return file_error(std::move(file).error(), "write the backup");
  const Micros began_us = clock.boot_us();
  std::uint64_t bytes = 0;
  WRENCH_TRY(run_postgres_tool(
      "pg_dump",
      {"--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password", "--snapshot=" + snapshot,
       "--schema=" + postgres_identifier(schema)},
      url,
      [&](std::string_view piece) -> Result<void> {
        if (auto written = file->write(piece); !written)
          return file_error(std::move(written).error(), "write the backup");
        bytes += piece.size();
        keep_rate(bytes, began_us, options, clock);
        return {};
      },
      options.stop, Deadline::after(clock, options.copy_time_max_us)));
  if (auto committed = file->commit(); !committed) return file_error(std::move(committed).error(), "write the backup");
  return manifest;
}

// ---- restoring ----

Result<RestoredDatabase> RestoredDatabase::make(const DatabaseUrl& server, const std::string& archive,
                                                const VerifyOptions& options, Random& random) {
  const auto beside = WRENCH_TRY(connect_to_back_up(server));
  const std::string schema = WRENCH_TRY(beside->value("SELECT coalesce(current_schema(), 'public')"));
  std::string name = WRENCH_TRY(beside->value("SELECT current_database()"));
  const std::string suffix = std::string(kRestoreSuffix) + std::to_string(random.below(1'000'000'000));
  name = name.substr(0, kNameBytesMax - suffix.size()) + suffix;
  DatabaseUrl url = WRENCH_TRY(server.with_database(name));
  WRENCH_TRY(beside->exec("CREATE DATABASE " + postgres_identifier(name) + " TEMPLATE template0 ENCODING 'UTF8'"));
  RestoredDatabase out(server, std::move(url), name);
  {
    const auto connection = WRENCH_TRY(connect_to_back_up(out.url_));
    WRENCH_TRY(
        connection->exec("DROP SCHEMA IF EXISTS " + postgres_identifier(schema)));  // The archive brings its own.
  }
  WRENCH_TRY(run_postgres_tool(
      "pg_restore", {"--exit-on-error", "--no-owner", "--no-privileges", "--no-password", "--dbname=" + name, archive},
      out.url_, [](std::string_view) -> Result<void> { return {}; }, options.stop, Deadline{}));
  return out;
}

RestoredDatabase::RestoredDatabase(RestoredDatabase&& other) noexcept
    : server_(std::move(other.server_)),
      url_(std::move(other.url_)),
      name_(std::exchange(other.name_, {})),
      kept_(std::exchange(other.kept_, true)) {}

RestoredDatabase::~RestoredDatabase() {
  if (kept_) return;
  // What can't be dropped now has a name that says what it is.
  if (const auto beside = connect_to_back_up(server_); beside.ok())
    static_cast<void>((*beside)->exec("DROP DATABASE IF EXISTS " + postgres_identifier(name_)));
}

Result<std::unique_ptr<Store>> RestoredDatabase::open(const VerifyOptions& options, const Clock& clock,
                                                      Random& random) const {
  StoreConfig config;
  config.database_url = url_.secret_text();
  config.statements = options.statements;
  auto store = WRENCH_TRY(Store::open(std::move(config), clock, random));
  if (store->write_refusal()) return *store->write_refusal();
  return store;
}

Result<StoreFindings> RestoredDatabase::inspect(const BackupManifest& manifest, const VerifyOptions& options,
                                                const Clock& clock, Random& random) const {
  {
    const auto connection = WRENCH_TRY(connect_to_back_up(url_));
    auto problems = differences(manifest, WRENCH_TRY(describe_postgres(*connection, CountRows::Yes)));
    if (!problems.empty()) return StoreFindings{std::move(problems), {}};
  }
  const auto store = WRENCH_TRY(open(options, clock, random));
  auto found = check_restored(*store, options);
  store->close();
  return found;
}

namespace {

/// The database that a restore is to become.
class Target {
 public:
  /// `maintenance` is a connection to another database of the server.
  Target(PostgresConnection& maintenance, const DatabaseUrl& url) : maintenance_(maintenance), url_(url) {}

  Result<void> check(const BackupFile& backup, const RestoreOptions& options) {
    exists_ = WRENCH_TRY(maintenance_.value("SELECT count(*) FROM pg_database WHERE datname = " +
                                            postgres_literal(url_.database()))) == "1";
    if (!exists_) return check_for_half_done();
    if (!options.replace)
      return Error("backup.target_not_empty", url_.shown() +
                                                  " exists already: name a database that doesn't, or replace the "
                                                  "store of --database with --replace");
    const auto inside = WRENCH_TRY(connect_to_back_up(url_));
    const auto there = describe_postgres(*inside, CountRows::No);
    if (there && there->store_id != backup.manifest->store_id && !options.another_store)
      return unless_damaged(
          backup, Error("backup.other_store", backup.path + " is of another store (" + backup.manifest->store_id +
                                                  ") than " + url_.shown() + " (" + there->store_id +
                                                  "); --force-store replaces it all the same"));
    return {};
  }
  Result<void> check_unused() {
    if (!exists_) return {};
    // One that has just hung up is there for a moment yet.
    const std::string count =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = " +
        postgres_literal(url_.database());
    std::string others = WRENCH_TRY(maintenance_.value(count));
    for (int tries = 0; others != "0" && tries < kGoneTries; ++tries) {
      std::this_thread::sleep_for(kGonePause);
      others = WRENCH_TRY(maintenance_.value(count));
    }
    if (others == "0") return {};
    return Error("backup.in_use",
                 others + " connections use " + url_.shown() + "; end the workers and whoever else first");
  }
  /// The name that the one from before has now; empty if there was none.
  Result<std::string> swap(const std::string& restored, const Clock& clock) {
    WRENCH_TRY(check_unused());
    std::string kept;
    if (exists_) {
      const std::string suffix = std::string(kBeforeSuffix) + std::to_string(clock.now_us() / kMicrosPerSecond);
      kept = url_.database().substr(0, kNameBytesMax - suffix.size()) + suffix;
      WRENCH_TRY(rename(url_.database(), kept));
    }
    if (auto renamed = rename(restored, url_.database()); !renamed) {
      if (exists_) WRENCH_TRY(rename(kept, url_.database()));
      return std::move(renamed).error();
    }
    return kept;
  }

 private:
  Result<void> rename(const std::string& from, const std::string& to) {
    return maintenance_.exec("ALTER DATABASE " + postgres_identifier(from) + " RENAME TO " + postgres_identifier(to));
  }
  /// A restore that was killed between its two renames.
  Result<void> check_for_half_done() {
    const std::string before =
        WRENCH_TRY(maintenance_.value("SELECT coalesce(max(datname), '') FROM pg_database WHERE starts_with(datname, " +
                                      postgres_literal(url_.database() + std::string(kBeforeSuffix)) + ")"));
    if (before.empty()) return {};
    return Error("backup.half_done", "an earlier restore was killed while it swapped: " + url_.shown() + " is called " +
                                         before + " now. Rename it back, or rename the restored one")
        .with_help("psql -c 'ALTER DATABASE " + postgres_identifier(before) + " RENAME TO " +
                   postgres_identifier(url_.database()) + "'");
  }

  PostgresConnection& maintenance_;
  const DatabaseUrl& url_;
  bool exists_ = false;
};

}  // namespace

Result<RestoreReport> restore_postgres(const BackupFile& backup, const RestoreOptions& options, const Clock& clock,
                                       Random& random) {
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(options.into));
  if (url.database().empty())
    return Error("storage.invalid_url", "the URL to restore to must name a database: postgresql://host/name");
  const DatabaseUrl server = WRENCH_TRY(url.with_database("postgres"));
  const auto maintenance = WRENCH_TRY(connect_to_back_up(server));
  Target target(*maintenance, url);
  WRENCH_TRY(target.check(backup, options));
  WRENCH_TRY(target.check_unused());

  RestoreReport report;
  report.verified.backup = backup;
  auto scratch = options.verify.scratch.empty()
                     ? runtime::ScratchDir::create_in(runtime::temporary_folder(), "wrench-restore")
                     : runtime::ScratchDir::create_in(options.verify.scratch, kRestorePrefix);
  if (!scratch) return file_error(std::move(scratch).error(), "unpack the backup");
  const Micros began_us = clock.boot_us();
  WRENCH_TRY(unpack_backup(backup, scratch->path(), options.verify));
  auto restored = WRENCH_TRY(RestoredDatabase::make(server, *scratch / kUnpackedName, options.verify, random));
  report.verified.found = WRENCH_TRY(restored.inspect(*backup.manifest, options.verify, clock, random));
  report.verified.duration_us = clock.boot_us() - began_us;
  report.verified.age_us = clock.now_us() - backup.manifest->created_at;
  if (!report.verified.found.problems.empty()) return not_whole(report.verified);
  {
    const auto store = WRENCH_TRY(restored.open(options.verify, clock, random));
    report.epoch = WRENCH_TRY(settle_restored(*store, options, *backup.manifest, clock));
    store->close();
  }
  if (options.verify.stop.stop_requested())
    return Error("backup.stopped", "restoring was stopped; nothing was changed");
  report.kept = WRENCH_TRY(target.swap(restored.url().database(), clock));
  restored.keep();
  return report;
}

}  // namespace wrench::storage
