#include "base_backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "../database_url.hpp"
#include "../postgres_connection.hpp"
#include "../sqlite_error.hpp"
#include "backup_file.hpp"
#include "backup_unpack.hpp"
#include "postgres_tools.hpp"
#include "scratch_server.hpp"
#include "tar_reader.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/scratch_dir.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage {
namespace {

namespace fs = std::filesystem;

/// The content: of each part its length (u64, little-endian) and its bytes.
constexpr std::array<std::string_view, 3> kParts = {"base.tar", "pg_wal.tar", "backup_manifest"};
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kPiece = 1 << 20;
constexpr std::uint64_t kKibibyte = 1'024;
/// Of pg_basebackup's --max-rate, in KiB a second.
constexpr std::uint64_t kRateMin = 32, kRateMax = 1'048'576;

std::string length_text(std::uint64_t value) {
  std::string out;
  for (std::size_t i = 0; i < kLengthBytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
  return out;
}
std::uint64_t length_of(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

/// "15.18 (Debian …)" is of major version 15.
std::string major_of(const BackupManifest& manifest) {
  const std::string& version = manifest.database_version;
  return version.substr(0, std::min(version.find_first_not_of("0123456789"), version.size()));
}

Result<void> join(const std::string& folder, const std::string& into, const StopToken& stop) {
  auto file = runtime::AtomicFile::create(into);
  if (!file) return file_error(std::move(file).error(), "write the backup");
  const auto write = [&](std::string_view bytes) -> Result<void> {
    if (auto written = file->write(bytes); !written) return file_error(std::move(written).error(), "write the backup");
    return {};
  };
  std::string piece;
  for (const std::string_view part : kParts) {
    const FileSource source = WRENCH_TRY(FileSource::open(folder + "/" + std::string(part)));
    WRENCH_TRY(write(length_text(source.size())));
    for (std::uint64_t at = 0; at < source.size(); at += piece.size()) {
      if (stop.stop_requested()) return Error("backup.stopped", "the backup was stopped; nothing was kept");
      piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, source.size() - at)));
      WRENCH_TRY(source.read(at, piece));
      WRENCH_TRY(write(piece));
    }
    // Room for the next ones.
    ::unlink((folder + "/" + std::string(part)).c_str());
  }
  if (auto committed = file->commit(); !committed) return file_error(std::move(committed).error(), "write the backup");
  return {};
}

Result<void> write_part(const BackupSource& source, std::uint64_t at, std::uint64_t bytes, const std::string& path) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  WRENCH_TRY(source.read(at, text));
  if (auto written = runtime::write_file_atomically(path, text); !written)
    return file_error(std::move(written).error(), "unpack the backup");
  return {};
}

Result<void> flush_entry(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return file_error(errno_error(errno, path), "flush the restored data directory");
  const int problem = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (problem != 0) return file_error(errno_error(problem, path), "flush the restored data directory");
  return {};
}

/// Everything below, and the folder itself.
Result<void> flush_tree(const std::string& folder) {
  std::error_code failed;
  for (auto it = fs::recursive_directory_iterator(folder, failed); !failed && it != fs::recursive_directory_iterator();
       it.increment(failed))
    if (it->is_regular_file(failed) || it->is_directory(failed)) WRENCH_TRY(flush_entry(it->path()));
  if (failed) return Error("storage.io", "look at " + folder + ": " + failed.message());
  return flush_entry(folder);
}

/// The store on the restored server.
Result<std::unique_ptr<Store>> open_on(const ScratchServer& server, const BackupManifest& manifest,
                                       const VerifyOptions& options, const Clock& clock, Random& random) {
  StoreConfig config;
  config.database_url = WRENCH_TRY(server.url(manifest.role, manifest.database, manifest.schema)).secret_text();
  config.statements = options.statements;
  auto store = WRENCH_TRY(Store::open(std::move(config), clock, random));
  if (store->write_refusal()) return *store->write_refusal();
  return store;
}

Result<StoreFindings> inspect_on(const ScratchServer& server, const BackupManifest& manifest,
                                 const VerifyOptions& options, const Clock& clock, Random& random) {
  std::vector<std::string> problems;
  {
    const DatabaseUrl url = WRENCH_TRY(server.url(manifest.role, manifest.database, manifest.schema));
    const auto connection = WRENCH_TRY(connect_to_back_up(url));
    BackupManifest found = WRENCH_TRY(describe_postgres(*connection, CountRows::No));
    // What was written while the files were copied came with the log.
    if (found.event_seq < manifest.event_seq)
      problems.push_back("its newest event is " + std::to_string(found.event_seq) + ", before " +
                         std::to_string(manifest.event_seq) + ", which was there when the backup began");
    if (found.schema_version >= manifest.schema_version) found.schema_version = manifest.schema_version;
    found.event_seq = manifest.event_seq;
    for (std::string& what : differences(manifest, found)) problems.push_back(std::move(what));
  }
  if (!problems.empty()) return StoreFindings{std::move(problems), {}};
  const auto store = WRENCH_TRY(open_on(server, manifest, options, clock, random));
  auto found = check_restored(*store, options);
  store->close();
  return found;
}

}  // namespace

Result<BackupManifest> take_base_backup(const BackupOptions& options, const std::string& into, const Clock& clock) {
  const DatabaseUrl url = WRENCH_TRY(DatabaseUrl::parse(options.database_url));
  auto manifest = [&]() -> Result<BackupManifest> {
    const auto connection = WRENCH_TRY(connect_to_back_up(url));
    const auto tablespaces = WRENCH_TRY(connection->values(
        "SELECT spcname FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY spcname"));
    if (!tablespaces.empty())
      return Error("backup.tablespaces", "the server has the tablespace " + escape_for_display(tablespaces.front()) +
                                             " outside of its data directory; back it up without --physical");
    auto described = WRENCH_TRY(describe_postgres(*connection, CountRows::No));
    described.method = kPhysicalMethod;
    described.database = WRENCH_TRY(connection->value("SELECT current_database()"));
    described.schema = WRENCH_TRY(connection->value("SELECT current_schema()"));
    described.role = WRENCH_TRY(connection->value("SELECT current_user"));
    return described;
  }();
  if (!manifest) return Error(manifest.error().code, url.shown() + ": " + manifest.error().message);
  manifest->created_at = clock.now_us();
  const std::string folder = into + ".parts";
  std::vector<std::string> arguments = {"--pgdata=" + folder,   "--format=tar",  "--wal-method=stream",
                                        "--checkpoint=fast",    "--no-password", "--manifest-checksums=SHA256",
                                        "--label=wrench backup"};
  if (options.bytes_per_second > 0)
    arguments.push_back("--max-rate=" +
                        std::to_string(std::clamp(options.bytes_per_second / kKibibyte, kRateMin, kRateMax)));
  WRENCH_TRY(run_postgres_tool(
      "pg_basebackup", std::move(arguments), url, [](std::string_view) -> Result<void> { return {}; }, options.stop,
      Deadline::after(clock, options.copy_time_max_us)));
  WRENCH_TRY(join(folder, into, options.stop));
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return std::move(*manifest);
}

Result<std::vector<std::string>> unpack_base_backup(const std::string& archive, const std::string& data,
                                                    const BackupManifest& manifest, const StopToken& stop) {
  const FileSource source = WRENCH_TRY(FileSource::open(archive));
  if (::mkdir(data.c_str(), 0700) != 0) return file_error(errno_error(errno, data), "unpack the data directory");
  std::uint64_t at = 0;
  for (const std::string_view part : kParts) {
    std::string length(kLengthBytes, '\0');
    if (source.size() - at < kLengthBytes) return Error("backup.damaged", "the backup lacks its " + std::string(part));
    WRENCH_TRY(source.read(at, length));
    at += kLengthBytes;
    const std::uint64_t bytes = length_of(length);
    if (bytes > source.size() - at) return Error("backup.damaged", "the backup's " + std::string(part) + " is cut");
    if (part == kParts[2])
      WRENCH_TRY(write_part(source, at, bytes, data + "/" + std::string(part)));
    else
      WRENCH_TRY(unpack_tar(source, at, bytes, part == kParts[0] ? data : data + "/pg_wal", stop));
    at += bytes;
  }
  const std::string program = WRENCH_TRY(find_postgres_program("pg_verifybackup", major_of(manifest)));
  std::vector<std::string> problems;
  if (auto verified = run_program(program, {"--quiet", data}, {"PATH=/usr/bin:/bin"}, stop, Deadline{}); !verified) {
    if (verified.error().code != "backup.tool_failed") return std::move(verified).error();
    problems.push_back(verified.error().message);
  }
  return problems;
}

Result<StoreFindings> inspect_base_backup(const std::string& archive, const std::string& scratch,
                                          const BackupManifest& manifest, const VerifyOptions& options,
                                          const Clock& clock, Random& random) {
  const std::string data = scratch + "/data";
  auto problems = WRENCH_TRY(unpack_base_backup(archive, data, manifest, options.stop));
  if (!problems.empty()) return StoreFindings{std::move(problems), {}};
  const auto sockets = WRENCH_TRY(runtime::TempDir::create("wrench-pg"));
  auto server = WRENCH_TRY(
      ScratchServer::start(data, sockets.path(), major_of(manifest), ScratchServer::Keep::Nothing, options.stop));
  return inspect_on(server, manifest, options, clock, random);
}

Result<RestoreReport> restore_base_backup(const BackupFile& backup, const RestoreOptions& options, const Clock& clock,
                                          Random& random) {
  const BackupManifest& manifest = *backup.manifest;
  const std::string into = fs::absolute(options.into).lexically_normal().string();
  const std::string target = into.ends_with('/') ? into.substr(0, into.size() - 1) : into;
  std::error_code failed;
  if (options.replace ||
      (fs::exists(target, failed) && !(fs::is_directory(target, failed) && fs::is_empty(target, failed))))
    return Error("backup.target_not_empty", options.into +
                                                " isn't empty: a physical backup becomes a new data directory, beside "
                                                "the server's; --into names an empty folder, or none");
  auto beside = runtime::ScratchDir::create_in(fs::path(target).parent_path().string(), kRestorePrefix);
  if (!beside) return file_error(std::move(beside).error(), "restore");
  RestoreReport report;
  report.verified.backup = backup;
  const Micros began_us = clock.boot_us();
  WRENCH_TRY(unpack_backup(backup, beside->path(), options.verify));
  const std::string archive = *beside / kUnpackedName, data = *beside / "data";
  report.verified.found.problems = WRENCH_TRY(unpack_base_backup(archive, data, manifest, options.verify.stop));
  if (!report.verified.found.problems.empty()) return not_whole(report.verified);
  ::unlink(archive.c_str());
  const auto sockets = WRENCH_TRY(runtime::TempDir::create("wrench-pg"));
  auto server = WRENCH_TRY(ScratchServer::start(data, sockets.path(), major_of(manifest),
                                                ScratchServer::Keep::WhatItWrote, options.verify.stop));
  report.verified.found = WRENCH_TRY(inspect_on(server, manifest, options.verify, clock, random));
  report.verified.duration_us = clock.boot_us() - began_us;
  report.verified.age_us = clock.now_us() - manifest.created_at;
  if (!report.verified.found.problems.empty()) return not_whole(report.verified);
  {
    const auto store = WRENCH_TRY(open_on(server, manifest, options.verify, clock, random));
    report.epoch = WRENCH_TRY(settle_restored(*store, options, manifest, clock));
    store->close();
  }
  WRENCH_TRY(server.stop());
  WRENCH_TRY(flush_tree(data));
  if (options.verify.stop.stop_requested())
    return Error("backup.stopped", "restoring was stopped; nothing was changed");
  // Atomically, also onto an empty folder.
  if (::rename(data.c_str(), target.c_str()) != 0) return file_error(errno_error(errno, target), "restore");
  WRENCH_TRY(flush_entry(fs::path(target).parent_path().string()));
  return report;
}

}  // namespace wrench::storage
