
#include <algorithm>
#include <utility>

#include "../sqlite_error.hpp"
#include "backup_file.hpp"
#include "backup_folder.hpp"
#include "base_backup.hpp"
#include "postgres_dump.hpp"
#include "sqlite_snapshot.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

/// Packs the copied file; the backup has its name when this returns.
Result<BackupManifest> pack(const std::string& copy, const std::string& path, BackupManifest manifest,
                            const BackupOptions& options) {
  auto file = runtime::AtomicFile::create(path);
  if (!file.ok()) return file_error(std::move(file).error(), "write the backup");
  BackupWriter writer(
      [&](std::string_view bytes) -> Result<void> {
        if (auto written = file->write(bytes); !written.ok())
          return file_error(std::move(written).error(), "write the backup");
        return {};
      },
      options.key);
  const FileSource content = WRENCH_TRY(FileSource::open(copy));
  std::string piece;
  for (std::uint64_t at = 0; at < content.size(); at += piece.size()) {
    if (options.stop.stop_requested()) return Error("backup.stopped", "the backup was stopped; nothing was kept");
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, content.size() - at)));
    WRENCH_TRY(content.read(at, piece));
    WRENCH_TRY(writer.write(piece));
  }
  BackupManifest whole = WRENCH_TRY(writer.finish(std::move(manifest)));
  if (auto committed = file->commit(); !committed.ok())
    return file_error(std::move(committed).error(), "write the backup");
  return whole;
}

}  // namespace

Result<BackupFile> create_backup(const BackupOptions& options, const Clock& clock) {
  const BackupFolder folder = WRENCH_TRY(BackupFolder::open_to_write(options.to));
  folder.remove_leftovers();
  auto scratch = runtime::TempDir::create_in(folder.path(), kBackupScratchPrefix);
  if (!scratch.ok()) return file_error(std::move(scratch).error(), "write the backup");
  const std::string copy = *scratch / "copy";
  BackupManifest manifest = WRENCH_TRY(options.database_url.empty() ? copy_sqlite(options, copy, clock)
                                       : options.physical           ? take_base_backup(options, copy, clock)
                                                                    : dump_postgres(options, copy, clock));
  const std::string path = folder.path_for(manifest.created_at);
  WRENCH_TRY(pack(copy, path, std::move(manifest), options));
  return look_at_backup(path);
}

}  // namespace wrench::storage
