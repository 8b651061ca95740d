#include "backup_keeper.hpp"

#include <filesystem>
#include <utility>

#include "store_statements.hpp"
#include "wrench/app/console.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/process.hpp"
#include "wrench/storage/shared_backups.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::app {

namespace {

using codec::Json;

constexpr std::chrono::minutes kLookEvery{10};

storage::EventDraft event_of(std::string type, std::string subject, const Json& payload) {
  storage::EventDraft event;
  event.type = std::move(type);
  event.subject_kind = "backup";
  event.subject_id = std::move(subject);
  event.actor = "system";
  event.payload = codec::write_json(payload);
  return event;
}

}  // namespace

storage::VerifyOptions backup_checks(const StopToken& stop) {
  storage::VerifyOptions options;
  options.statements = store_statements();
  options.check = [stop](storage::Store& store) -> Result<storage::StoreFindings> {
    auto report = WRENCH_TRY(workflow::check_store(store, {.stop = stop}));
    // What is too large to be looked at is whole as far as bytes, indexes and row counts tell. Nobody is served by a
    // store that can't be restored because of its size.
    return storage::StoreFindings{std::move(report.problems), std::move(report.skipped)};
  };
  options.stop = stop;
  return options;
}

BackupKeeper::BackupKeeper(storage::Store& store, std::string where, std::string folder)
    : store_(store),
      where_(std::move(where)),
      folder_(std::filesystem::absolute(folder).lexically_normal().string()),
      shared_(store.dialect() == storage::Dialect::Postgres),
      host_(runtime::host_name()),
      thread_([this] { run(); }) {}

BackupKeeper::~BackupKeeper() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

void BackupKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    const auto done = do_duty();
    if (done) {
      told_.clear();
    } else if (done.error().code != told_ && !stop_.token().stop_requested()) {
      told_ = done.error().code;
      tell_failure(done.error());
    }
    lock.lock();
    if (done && *done) continue;
    stopping_.wait_for(lock, kLookEvery, [this] { return stopped_; });
  }
}

void BackupKeeper::tell_failure(const Error& error) {
  notes_.add("can't back the store up: " + Console::safe(error.message) + "; it is tried again");
  const Json payload =
      Json::object({{"code", error.code}, {"message", error.message}, {"host", host_}, {"folder", folder_}});
  // A store that takes no events is what the note is about.
  static_cast<void>(
      store_.write([&](storage::WriteTx& tx) { return tx.append_event(event_of("backup.failed", folder_, payload)); }));
}

Result<bool> BackupKeeper::do_duty() { return shared_ ? do_shared_duty() : do_duty_here(); }

Result<bool> BackupKeeper::do_duty_here() {
  const auto backups = WRENCH_TRY(storage::list_backups(folder_));
  switch (storage::backup_duty(backups, clock_.now_us())) {
    case storage::BackupDuty::Create:
      WRENCH_TRY(create());
      return true;
    case storage::BackupDuty::Verify:
      if (backups.front().digest == bad_) break;  // Found bad before: the next one is due in a day at most.
      WRENCH_TRY(verify(backups.front()));
      return true;
    case storage::BackupDuty::None:
      break;
  }
  return false;
}

Result<bool> BackupKeeper::do_shared_duty() {
  auto lease = WRENCH_TRY(storage::StoreLease::take(where_, store_, "backups"));
  if (!lease) return false;  // Somebody else sees to it.
  WRENCH_TRY(forget_missing());
  const auto noted = WRENCH_TRY(storage::noted_backups(store_));
  std::vector<storage::BackupFile> backups;
  for (const auto& each : noted) {
    storage::BackupFile backup;
    backup.name = each.name;
    backup.digest = each.digest;
    backup.manifest.emplace().created_at = each.created_at;
    backup.verified = each.verified;
    backups.push_back(std::move(backup));
  }
  switch (storage::backup_duty(backups, WRENCH_TRY(lease->now_us()))) {
    case storage::BackupDuty::Create:
      WRENCH_TRY(create());
      return true;
    case storage::BackupDuty::Verify: {
      // Whoever has the file: on this machine, or in a folder that machines share.
      const auto newest = storage::look_at_backup(noted.front().folder + "/" + noted.front().name);
      if (!newest || newest->digest != noted.front().digest || newest->digest == bad_) break;
      WRENCH_TRY(verify(*newest));
      return true;
    }
    case storage::BackupDuty::None:
      break;
  }
  return false;
}

Result<void> BackupKeeper::forget_missing() {
  for (const auto& each : WRENCH_TRY(storage::noted_backups(store_))) {
    if (each.host != host_ || each.folder != folder_) continue;
    const auto there = storage::look_at_backup(folder_ + "/" + each.name);
    if (there ? there->digest == each.digest : there.error().code != "backup.not_found") continue;
    WRENCH_TRY(store_.write([&](storage::WriteTx& tx) { return storage::forget_backup(tx, each.digest); }));
  }
  return {};
}

Result<void> BackupKeeper::create() {
  storage::BackupOptions options;
  (shared_ ? options.database_url : options.data_directory) = where_;
  options.to = folder_;
  options.stop = stop_.token();
  const auto backup = WRENCH_TRY(storage::create_backup(options, clock_));
  notes_.add("backed up: " + Console::safe(backup.name) + ", " + format_bytes(backup.bytes));
  const Json payload =
      Json::object({{"host", host_}, {"folder", folder_}, {"bytes", backup.bytes}, {"digest", backup.digest}});
  WRENCH_TRY(store_.write([&](storage::WriteTx& tx) -> Result<void> {
    if (shared_) {
      storage::NotedBackup noted;
      noted.digest = backup.digest;
      noted.name = backup.name;
      noted.host = host_;
      noted.folder = folder_;
      noted.bytes = backup.bytes;
      WRENCH_TRY(storage::note_backup(tx, noted));
    }
    return tx.append_event(event_of("backup.created", backup.name, payload));
  }));
  WRENCH_TRY(storage::prune_backups(folder_));
  return shared_ ? forget_missing() : Result<void>();
}

Result<void> BackupKeeper::verify(const storage::BackupFile& newest) {
  auto checks = backup_checks(stop_.token());
  if (shared_) checks.database_url = where_;
  const auto report = WRENCH_TRY(storage::verify_backup(newest.path, checks, clock_, random_));
  if (!report.found.problems.empty()) {
    bad_ = newest.digest;
    return Error("backup.invalid", newest.name + " doesn't restore as it was: " + report.found.problems.front())
        .with_help("wrench backup verify " + newest.name);
  }
  const Json payload = Json::object({{"host", host_}, {"duration_us", report.duration_us}, {"age_us", report.age_us}});
  return store_.write([&](storage::WriteTx& tx) -> Result<void> {
    if (shared_ && report.backup.verified)
      WRENCH_TRY(storage::note_verification(tx, newest.digest, *report.backup.verified));
    return tx.append_event(event_of("backup.verified", newest.name, payload));
  });
}

}  // namespace wrench::app
