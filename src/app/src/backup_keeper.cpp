#include "backup_keeper.hpp"

#include <utility>

#include "store_statements.hpp"
#include "wrench/app/console.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/checker.hpp"

namespace wrench::app {

namespace {

constexpr std::chrono::minutes kLookEvery{10};

}  // namespace

storage::VerifyOptions backup_checks(const StopToken& stop) {
  storage::VerifyOptions options;
  options.statements = store_statements();
  options.check = [stop](storage::Store& store) -> Result<std::vector<std::string>> {
    auto report = WRENCH_TRY(workflow::check_store(store, {.stop = stop}));
    for (const auto& large : report.skipped) report.problems.push_back(large + " is too large to be checked");
    return std::move(report.problems);
  };
  options.stop = stop;
  return options;
}

BackupKeeper::BackupKeeper(std::string data_directory, std::string folder)
    : data_directory_(std::move(data_directory)), folder_(std::move(folder)), thread_([this] { run(); }) {}

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
      notes_.add("can't back the store up: " + Console::safe(done.error().message) + "; it is tried again");
    }
    lock.lock();
    if (done && *done) continue;
    stopping_.wait_for(lock, kLookEvery, [this] { return stopped_; });
  }
}

Result<bool> BackupKeeper::do_duty() {
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

Result<void> BackupKeeper::create() {
  storage::BackupOptions options;
  options.data_directory = data_directory_;
  options.to = folder_;
  options.stop = stop_.token();
  const auto backup = WRENCH_TRY(storage::create_backup(options, clock_));
  notes_.add("backed up: " + Console::safe(backup.name) + ", " + format_bytes(backup.bytes));
  WRENCH_TRY(storage::prune_backups(folder_));
  return {};
}

Result<void> BackupKeeper::verify(const storage::BackupFile& newest) {
  const auto report = WRENCH_TRY(storage::verify_backup(newest.path, backup_checks(stop_.token()), clock_, random_));
  if (report.problems.empty()) return {};
  bad_ = newest.digest;
  return Error("backup.invalid", newest.name + " doesn't restore as it was: " + report.problems.front())
      .with_help("wrench backup verify " + newest.name);
}

}  // namespace wrench::app
