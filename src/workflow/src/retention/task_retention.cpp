#include "task_retention.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "retention_sql.hpp"
#include "task_record.hpp"
#include "wrench/storage/archive.hpp"
#include "wrench/workflow/deletion.hpp"
#include "wrench/workflow/retention.hpp"

namespace wrench::workflow {

using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kPage = 500;
constexpr std::chrono::milliseconds kPauseMax{200};

/// It went on, or was deleted, or others need it: nothing that stops the rest.
bool stays(const Error& error) {
  return error.code == "workflow.invalid_transition" || error.code == "workflow.task_not_found";
}

}  // namespace

std::array<TaskRetention::Status, TaskRetention::kStatuses> TaskRetention::statuses() const {
  return {Status{"completed", policy_.completed}, Status{"failed", policy_.failed},
          Status{"cancelled", policy_.cancelled}};
}

Result<std::optional<Micros>> TaskRetention::first_due(ReadTx& tx) const {
  std::optional<Micros> out;
  for (std::size_t i = 0; i < kStatuses; ++i) {
    const Status status = statuses()[i];
    if (!status.age) continue;
    std::optional<Micros> due = next_[i];
    if (!due) {
      // None has ended before it was made.
      const Rows first =
          WRENCH_TRY(tx.query(sql::kEndedTasks, {status.name, std::numeric_limits<std::int64_t>::min(), 0, 1}));
      if (!first.empty()) due = first.front().integer(2) + *status.age;
    }
    if (due && (!out || *due < *out)) out = due;
  }
  return out;
}

Result<void> TaskRetention::walk(const Status& status, Micros until, Micros& next,
                                 const std::function<Result<GoOn>(const std::string&)>& each) {
  std::int64_t created_at = std::numeric_limits<std::int64_t>::min(), id = 0;
  for (;;) {
    const Rows page = WRENCH_TRY(store_.query(sql::kEndedTasks, {status.name, created_at, id, kPage}));
    for (const auto row : page) {
      id = row.integer(0);
      created_at = row.integer(2);
      if (created_at + *status.age > until) {
        next = std::min(next, created_at + *status.age);
        return {};
      }
      if (!row.is_null(4)) continue;  // It goes with the task that began it.
      if (row.integer(3) + *status.age > until) {
        next = std::min(next, row.integer(3) + *status.age);
        continue;
      }
      if (WRENCH_TRY(each(std::string(row.text(1)))) == GoOn::No) return {};
    }
    if (page.size() < kPage) return {};
  }
}

Result<std::int64_t> TaskRetention::count(Micros until) {
  std::int64_t out = 0;
  for (const Status& status : statuses()) {
    Micros next = std::numeric_limits<Micros>::max();
    if (!status.age) continue;
    WRENCH_TRY(walk(status, until, next, [&](const std::string& task_id) -> Result<GoOn> {
      const auto preview = store_.read([&](ReadTx& tx) { return preview_deletion(tx, task_id); });
      if (!preview && !stays(preview.error())) return preview.error();
      if (preview && preview->dependents.empty()) ++out;
      return GoOn::Yes;
    }));
  }
  return out;
}

namespace {

/// Tasks that go together: all of them are safe in the archive before the first is deleted.
class Batch {
 public:
  Batch(storage::Store& store, std::string archive_folder, Micros now)
      : store_(store), archive_folder_(std::move(archive_folder)), now_(now) {}

  enum class Added { Yes, Stays };
  Result<Added> add(TaskView task, const StopToken& stop) {
    if (!archive_folder_.empty()) {
      if (!archive_) archive_.emplace(WRENCH_TRY(storage::ArchiveWriter::open(archive_folder_, now_)));
      WRENCH_TRY(archive_->begin(task_record::header(task, now_)));
      const auto written =
          task_record::write(store_, task, stop, [this](std::string_view line) { return archive_->line(line); });
      if (!written) {
        WRENCH_TRY(archive_->abandon());
        if (!stays(written.error())) return written.error();
        return Added::Stays;
      }
      WRENCH_TRY(archive_->end());
    }
    tasks_.push_back(std::move(task));
    return Added::Yes;
  }
  bool is_empty() const { return tasks_.empty(); }
  bool is_full() const {
    return tasks_.size() >= kRetentionTasksMax || (archive_ && archive_->unsynced_bytes() >= kRetentionArchiveBytes);
  }
  /// How many it deleted.
  Result<std::int64_t> flush() {
    if (archive_) WRENCH_TRY(archive_->sync());
    const auto deleted = WRENCH_TRY(delete_tasks(store_, tasks_, "system"));
    tasks_.clear();
    return static_cast<std::int64_t>(deleted);
  }

 private:
  storage::Store& store_;
  const std::string archive_folder_;  ///< Empty: they aren't archived.
  const Micros now_;
  std::optional<storage::ArchiveWriter> archive_;
  std::vector<TaskView> tasks_;
};

}  // namespace

Result<TaskRetention::GoOn> TaskRetention::remove(Micros now, Micros until, const StopToken& stop,
                                                  const Progress& progress) {
  if (policy_.archive && archive_folder_.empty())
    return Error("workflow.no_archive",
                 "finished tasks are to be archived before they are removed, but there is no folder for that")
        .with_help("--archive DIR, or 'archive: false' in retention.yaml");
  Batch batch(store_, policy_.archive ? archive_folder_ : std::string(), now);
  GoOn go_on = GoOn::Yes;
  Micros began = clock_.boot_us();
  const auto flush = [&]() -> Result<void> {
    if (batch.is_empty()) return {};
    const std::int64_t deleted = WRENCH_TRY(batch.flush());
    go_on = WRENCH_TRY(progress(deleted));
    const auto took = std::chrono::microseconds(clock_.boot_us() - began);
    if (go_on == GoOn::Yes) std::this_thread::sleep_for(std::min<std::chrono::microseconds>(took, kPauseMax));
    began = clock_.boot_us();
    return {};
  };
  for (std::size_t i = 0; i < kStatuses && go_on == GoOn::Yes; ++i) {
    const Status status = statuses()[i];
    if (!status.age) continue;
    // What ends after this walk isn't old enough before that.
    Micros next = now + *status.age;
    const auto one = [&](const std::string& task_id) -> Result<GoOn> {
      auto preview = store_.read([&](ReadTx& tx) { return preview_deletion(tx, task_id); });
      if (!preview && !stays(preview.error())) return preview.error();
      auto added = Result<Batch::Added>(Batch::Added::Stays);
      if (preview && preview->dependents.empty()) added = batch.add(std::move(preview->task), stop);
      if (!added && stop.stop_requested()) go_on = GoOn::No;
      if (!added && !stop.stop_requested()) return added.error();
      if (added && *added == Batch::Added::Stays) next = std::min(next, now + kRetentionRecheck);
      if (batch.is_full()) WRENCH_TRY(flush());
      return go_on;
    };
    WRENCH_TRY(walk(status, until, next, one));
    const bool walked = go_on == GoOn::Yes;
    WRENCH_TRY(flush());
    next_[i] = walked ? std::optional(next) : std::nullopt;
  }
  return go_on;
}

}  // namespace wrench::workflow
