#include "backup_unpack.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../sqlite_error.hpp"
#include "../statements.hpp"
#include "backup_file.hpp"
#include "base_backup.hpp"
#include "postgres_dump.hpp"
#include "sqlite_snapshot.hpp"
#include "wrench/base/text.hpp"

namespace wrench::storage {
namespace {

/// What is left free on the disk beside an unpacked store: it is opened, and so has a log.
constexpr std::uint64_t kSpareBytes = std::uint64_t{64} << 20;

class NewFile {
 public:
  static Result<NewFile> create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return file_error(errno_error(errno, path), "unpack the backup");
    return NewFile(fd, path);
  }
  NewFile(NewFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  Result<void> write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return file_error(errno_error(errno, path_), "unpack the backup");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

 private:
  NewFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

Result<void> check_space(const std::string& folder, std::uint64_t bytes) {
  struct statvfs space{};
  if (::statvfs(folder.c_str(), &space) != 0)
    return file_error(errno_error(errno, folder), "look at the disk to unpack to");
  const std::uint64_t free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (free_bytes >= bytes + kSpareBytes) return {};
  return Error("storage.full", "unpacking the backup to " + folder + " needs " + format_bytes(bytes + kSpareBytes) +
                                   ", and its disk has " + format_bytes(free_bytes) + " free");
}

}  // namespace

Result<void> check_method(const BackupFile& backup) {
  const std::string& method = backup.manifest->method;
  if (method == kSqliteMethod || method == kPostgresMethod || method == kPhysicalMethod) return {};
  return unless_damaged(backup,
                        Error("backup.method_unknown", backup.path + " was made by a newer version of wrench (method " +
                                                           escape_for_display(method) + ")"));
}

Result<void> unpack_backup(const BackupFile& backup, const std::string& folder, const VerifyOptions& options) {
  WRENCH_TRY(check_method(backup));
  const bool archive = backup.manifest->method != kSqliteMethod;
  if (auto room = check_space(folder, backup.manifest->content_bytes); !room.ok())
    return unless_damaged(backup, std::move(room).error());
  const NewFile file = WRENCH_TRY(NewFile::create(folder + "/" + std::string(archive ? kUnpackedName : "store.db")));
  const FileSource source = WRENCH_TRY(FileSource::open(backup.path));
  auto read =
      read_backup(source, options.key, [&](std::string_view content) { return file.write(content); }, options.stop);
  if (read.ok()) return {};
  if (!read.error().code.starts_with("backup.") || read.error().code == "backup.stopped")
    return std::move(read).error();
  return Error(read.error().code, backup.path + ": " + read.error().message);
}

Result<std::unique_ptr<Store>> open_unpacked(const std::string& folder, const VerifyOptions& options,
                                             const Clock& clock, Random& random) {
  StoreConfig config;
  config.directory = folder;
  config.statements = options.statements;
  config.migrations = options.migrations;
  config.wal_reserve_bytes = 0;
  auto store = WRENCH_TRY(Store::open(std::move(config), clock, random));
  if (store->write_refusal()) return *store->write_refusal();
  return store;
}

Result<StoreFindings> check_restored(Store& store, const VerifyOptions& options) {
  if (!options.check) return StoreFindings();
  StoreFindings found = WRENCH_TRY(options.check(store));
  for (auto* lines : {&found.problems, &found.skipped})
    if (lines->size() > kBackupProblemsMax) lines->resize(kBackupProblemsMax);
  return found;
}

Result<StoreFindings> inspect_unpacked(const BackupFile& backup, const std::string& folder,
                                       const VerifyOptions& options, const Clock& clock, Random& random) {
  if (auto problems = WRENCH_TRY(inspect_sqlite(folder + "/store.db", *backup.manifest)); !problems.empty())
    return StoreFindings{std::move(problems), {}};
  // To write: an older schema is brought up to date first, as a restore would.
  const auto store = WRENCH_TRY(open_unpacked(folder, options, clock, random));
  return check_restored(*store, options);
}

Result<std::int64_t> settle_restored(Store& store, const RestoreOptions& options, const BackupManifest& manifest,
                                     const Clock& clock) {
  // Later than every epoch that the replaced store can have had, which may not be readable any more.
  const std::int64_t epoch = std::max(manifest.epoch + 1, clock.now_us() / kMicrosPerSecond);
  WRENCH_TRY(store.write([&](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.exec(sql::kSetEpoch, {epoch}));
    EventDraft event;
    event.type = "store.restored";
    event.subject_kind = "store";
    event.subject_id = manifest.store_id;
    event.actor = "system";
    event.payload = "{\"created_at\":" + std::to_string(manifest.created_at) +
                    ",\"event_seq\":" + std::to_string(manifest.event_seq) + "}";
    WRENCH_TRY(tx.append_event(event));
    return options.settle ? options.settle(tx) : Result<void>();
  }));
  return epoch;
}

Error not_whole(const VerifyReport& report) {
  const auto& problems = report.found.problems;
  std::string message = report.backup.path + " doesn't restore: " + problems.front();
  if (problems.size() > 1) message += " (and " + std::to_string(problems.size() - 1) + " more)";
  return Error("backup.invalid", std::move(message)).with_help("wrench backup list");
}

}  // namespace wrench::storage
