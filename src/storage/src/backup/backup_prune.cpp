#include <set>
#include <utility>

#include "backup_folder.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {
namespace {

constexpr Micros kCreateEvery = kMicrosPerDay;
constexpr Micros kVerifyEvery = 7 * kMicrosPerDay;
/// 1970-01-01 was a Thursday; weeks begin on Mondays.
constexpr std::int64_t kDaysFromMondayToEpoch = 3;

std::int64_t day_of(Micros at) { return at / kMicrosPerDay; }
std::int64_t week_of(Micros at) { return (day_of(at) + kDaysFromMondayToEpoch) / 7; }
std::string month_of(Micros at) { return format_date(at).substr(0, std::string_view("2026-11").size()); }

/// Takes the newest of each of the first `count` periods that it is shown, newest first.
template <class Period>
class Kept {
 public:
  Kept(std::size_t count, std::string_view name) : count_(count), name_(name) {}
  void offer(Period period, std::string& reason) {
    if (seen_.size() == count_ || !seen_.insert(period).second) return;
    if (!reason.empty()) reason += ", ";
    reason += name_;
  }

 private:
  const std::size_t count_;
  const std::string_view name_;
  std::set<Period> seen_;
};

}  // namespace

std::vector<PruneChoice> plan_prune(std::span<const BackupFile> backups, const KeepPolicy& policy) {
  std::vector<PruneChoice> choices;
  Kept<std::int64_t> days(policy.days, "newest of its day");
  Kept<std::int64_t> weeks(policy.weeks, "newest of its week");
  Kept<std::string> months(policy.months, "newest of its month");
  Kept<int> newest(1, "newest"), verified(1, "newest verified");
  for (const BackupFile& backup : backups) {
    PruneChoice choice{backup.name, true, {}};
    if (!backup.manifest) {
      choice.reason = "can't be read";
    } else {
      const Micros at = backup.manifest->created_at;
      newest.offer(0, choice.reason);
      if (backup.verified) verified.offer(0, choice.reason);
      days.offer(day_of(at), choice.reason);
      weeks.offer(week_of(at), choice.reason);
      months.offer(month_of(at), choice.reason);
      choice.keep = !choice.reason.empty();
      if (!choice.keep) choice.reason = "others of its day, week and month are newer";
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<std::vector<PruneChoice>> prune_backups(const std::string& folder, const KeepPolicy& policy) {
  const BackupFolder locked = WRENCH_TRY(BackupFolder::open_to_write(folder));
  locked.remove_leftovers();
  const std::vector<BackupFile> backups = WRENCH_TRY(list_backups(folder));
  std::vector<PruneChoice> choices = plan_prune(backups, policy);
  WRENCH_ASSERT(choices.size() == backups.size());
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (!choices[i].keep) WRENCH_TRY(locked.remove(backups[i]));
  return choices;
}

BackupDuty backup_duty(std::span<const BackupFile> backups, Micros now_us) {
  Micros created = 0, verified = 0;
  for (const BackupFile& backup : backups) {
    if (backup.manifest) created = std::max(created, backup.manifest->created_at);
    if (backup.verified) verified = std::max(verified, backup.verified->at);
  }
  if (now_us - created >= kCreateEvery) return BackupDuty::Create;
  return now_us - verified >= kVerifyEvery ? BackupDuty::Verify : BackupDuty::None;
}

}  // namespace wrench::storage
