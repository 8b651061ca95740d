#include "backup_folder.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "../sqlite_error.hpp"
#include "backup_file.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::storage {
namespace {

using codec::Json;

constexpr std::string_view kVerifiedSuffix = ".verified";
constexpr std::size_t kVerifiedBytesMax = 4096;
constexpr std::size_t kTemporaryLetters = 6;

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Names in the folder; a missing one has none.
Result<std::vector<std::string>> names_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  std::vector<std::string> names;
  if (!folder) {
    if (errno == ENOENT) return names;
    return file_error(errno_error(errno, path), "look for backups");
  }
  while (const dirent* entry = ::readdir(folder.get())) names.emplace_back(entry->d_name);
  return names;
}

/// "wrench-….wbk.aB3xYz", as AtomicFile names what isn't whole yet.
bool is_half_done(std::string_view name) {
  if (name.starts_with(std::string(kBackupScratchPrefix) + "-")) return true;
  const std::size_t dot = name.rfind('.');
  return dot != std::string_view::npos && name.substr(0, dot).ends_with(kBackupExtension) &&
         name.size() - dot - 1 == kTemporaryLetters;
}

std::optional<Verification> verification_of(const BackupFile& backup) {
  const auto text = runtime::read_file(backup.path + std::string(kVerifiedSuffix), kVerifiedBytesMax);
  if (!text.ok()) return std::nullopt;
  const auto json = codec::parse_json(*text);
  if (!json.ok() || json->at("digest").as_string() != backup.digest) return std::nullopt;
  return Verification{json->at("at").as_integer(), json->at("duration_us").as_integer(),
                      json->at("age_us").as_integer()};
}

Result<BackupFile> look(const std::string& path) {
  const FileSource source = WRENCH_TRY(FileSource::open(path));
  BackupFile backup;
  backup.path = path;
  backup.name = std::filesystem::path(path).filename().string();
  backup.bytes = source.size();
  BackupEnd end = WRENCH_TRY(read_backup_end(source));
  backup.manifest = std::move(end.manifest);
  backup.digest = to_hex(end.digest);
  backup.verified = verification_of(backup);
  return backup;
}

}  // namespace

Result<BackupFolder> BackupFolder::open_to_write(const std::string& path) {
  if (auto made = runtime::make_directories(path); !made.ok())
    return file_error(std::move(made).error(), "create the folder for backups");
  auto lock = runtime::FileLock::try_acquire(path + "/" + std::string(kBackupScratchPrefix) + ".lock");
  if (!lock.ok()) return file_error(std::move(lock).error(), "write to the folder of backups " + path);
  return BackupFolder(path, std::move(*lock));
}

std::string BackupFolder::path_for(Micros created_at) const {
  for (;; created_at += kMicrosPerMs) {
    std::string name = "wrench-";
    for (const char c : format_rfc3339(created_at))
      if (c != '-' && c != ':' && c != '.') name += c;
    std::string path = path_ + "/" + name + std::string(kBackupExtension);
    if (::access(path.c_str(), F_OK) != 0) return path;
  }
}

void BackupFolder::remove_leftovers() const {
  const auto names = names_in(path_);
  if (!names.ok()) return;
  std::error_code ignored;  // What can't be removed is in nobody's way but that of the disk's space.
  for (const std::string& name : *names)
    if (is_half_done(name)) std::filesystem::remove_all(path_ + "/" + name, ignored);
}

Result<void> BackupFolder::remove(const BackupFile& backup) const {
  if (::unlink(backup.path.c_str()) != 0 && errno != ENOENT)
    return file_error(errno_error(errno, backup.path), "remove the backup");
  forget_verification(backup);
  return {};
}

Result<void> remember_verification(const BackupFile& backup, const Verification& verification) {
  const Json json = Json::object({{"digest", backup.digest},
                                  {"at", verification.at},
                                  {"duration_us", verification.duration_us},
                                  {"age_us", verification.age_us}});
  auto written =
      runtime::write_file_atomically(backup.path + std::string(kVerifiedSuffix), codec::write_json(json) + "\n");
  if (!written.ok()) return file_error(std::move(written).error(), "remember the verification");
  return {};
}

void forget_verification(const BackupFile& backup) { ::unlink((backup.path + std::string(kVerifiedSuffix)).c_str()); }

Result<BackupFile> look_at_backup(const std::string& path) {
  auto backup = look(path);
  if (backup.ok() || backup.error().code != "backup.damaged") return backup;
  return Error("backup.damaged", path + ": " + backup.error().message);
}

Result<std::vector<BackupFile>> list_backups(const std::string& folder) {
  std::vector<BackupFile> backups;
  const auto names = WRENCH_TRY(names_in(folder));
  for (const std::string& name : names) {
    if (!name.ends_with(kBackupExtension) || name.starts_with('.')) continue;
    if (backups.size() == kBackupsMax)
      return Error("backup.too_many", folder + " has more than " + std::to_string(kBackupsMax) + " backups");
    auto backup = look(folder + "/" + name);
    if (!backup.ok() && backup.error().code == "backup.not_found") continue;  // Gone meanwhile, or no file.
    if (!backup.ok()) {
      BackupFile unreadable;
      unreadable.name = name;
      unreadable.path = folder + "/" + name;
      unreadable.problem = backup.error().message;
      backups.push_back(std::move(unreadable));
      continue;
    }
    backups.push_back(std::move(*backup));
  }
  const auto created = [](const BackupFile& backup) { return backup.manifest ? backup.manifest->created_at : -1; };
  std::sort(backups.begin(), backups.end(), [&](const BackupFile& a, const BackupFile& b) {
    return std::pair(created(b), b.name) < std::pair(created(a), a.name);
  });
  return backups;
}

}  // namespace wrench::storage
