#include <unistd.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "../sqlite_error.hpp"
#include "backup_folder.hpp"
#include "backup_unpack.hpp"
#include "base_backup.hpp"
#include "postgres_dump.hpp"
#include "wrench/runtime/scratch_dir.hpp"

namespace wrench::storage {
namespace {

constexpr std::string_view kVerifyPrefix = ".wrench-verify";

std::string folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// In a folder of our own choice: under its lock, or one that writes a backup would take the scratch for a leftover.
struct Scratch {
  std::optional<BackupFolder> lock;
  runtime::ScratchDir folder;
};

Result<Scratch> make_scratch(const BackupFile& backup, const std::string& path, const std::string& chosen) {
  std::optional<BackupFolder> lock;
  if (chosen.empty() && backup.manifest->method == kPhysicalMethod && ::geteuid() == 0) {
    auto folder = runtime::ScratchDir::create_in(runtime::temporary_folder(), "wrench-verify");
    if (!folder.ok()) return file_error(std::move(folder).error(), "make a scratch folder (--scratch names another)");
    return Scratch{std::nullopt, std::move(*folder)};
  }
  if (chosen.empty()) {
    lock.emplace(WRENCH_TRY(BackupFolder::open_to_write(folder_of(path))));
    lock->remove_leftovers();
  }
  auto folder = lock ? runtime::ScratchDir::create_in(lock->path(), kBackupScratchPrefix)
                     : runtime::ScratchDir::create_in(chosen, kVerifyPrefix);
  if (!folder.ok()) return file_error(std::move(folder).error(), "make a scratch folder (--scratch names another)");
  return Scratch{std::move(lock), std::move(*folder)};
}

Result<StoreFindings> inspect_archive(const BackupFile& backup, const Scratch& scratch, const VerifyOptions& options,
                                      const Clock& clock, Random& random) {
  if (options.database_url.empty())
    return Error("backup.database_needed", backup.path +
                                               " is of a PostgreSQL database: --database names a server where it "
                                               "is restored to a scratch database");
  const DatabaseUrl server = WRENCH_TRY(DatabaseUrl::parse(options.database_url));
  const auto restored = WRENCH_TRY(RestoredDatabase::make(server, scratch.folder / kUnpackedName, options, random));
  return restored.inspect(*backup.manifest, options, clock, random);
}

}  // namespace

Result<VerifyReport> verify_backup(const std::string& path, const VerifyOptions& options, const Clock& clock,
                                   Random& random) {
  VerifyReport report;
  report.backup = WRENCH_TRY(look_at_backup(path));
  const Scratch scratch = WRENCH_TRY(make_scratch(report.backup, path, options.scratch));
  const Micros began_us = clock.boot_us();
  const auto check = [&]() -> Result<StoreFindings> {
    WRENCH_TRY(unpack_backup(report.backup, scratch.folder.path(), options));
    if (report.backup.manifest->method == kPostgresMethod)
      return inspect_archive(report.backup, scratch, options, clock, random);
    if (report.backup.manifest->method == kPhysicalMethod)
      return inspect_base_backup(scratch.folder / kUnpackedName, scratch.folder.path(), *report.backup.manifest,
                                 options, clock, random);
    return inspect_unpacked(report.backup, scratch.folder.path(), options, clock, random);
  };
  auto found = check();
  const bool disproved = found.ok() ? !found->problems.empty() : found.error().code == "backup.damaged";
  if (disproved) {
    forget_verification(report.backup);
    report.backup.verified.reset();
  }
  if (!found.ok()) return std::move(found).error();
  report.found = std::move(*found);
  report.duration_us = clock.boot_us() - began_us;
  report.age_us = clock.now_us() - report.backup.manifest->created_at;
  if (!report.found.problems.empty()) return report;
  report.backup.verified = Verification{clock.now_us(), report.duration_us, report.age_us};
  WRENCH_TRY(remember_verification(report.backup, *report.backup.verified));
  return report;
}

}  // namespace wrench::storage
