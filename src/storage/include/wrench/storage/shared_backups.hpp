#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/transaction.hpp"

/// What processes on several machines know of each other's backups of one PostgreSQL store, and how one of them at a
/// time makes one.
namespace wrench::storage {

/// A backup as the database knows it, wherever its file is.
struct NotedBackup {
  std::string digest;  ///< As BackupFile::digest.
  std::string name, host, folder;
  std::uint64_t bytes = 0;
  Micros created_at = 0;  ///< By the database's clock.
  std::optional<Verification> verified;
};

/// Newest first, at most kBackupsMax.
Result<std::vector<NotedBackup>> noted_backups(Store& store);
/// `created_at` is the time of the transaction.
Result<void> note_backup(WriteTx& tx, const NotedBackup& backup);
Result<void> note_verification(WriteTx& tx, std::string_view digest, const Verification& verification);
Result<void> forget_backup(WriteTx& tx, std::string_view digest);

/// That this process, of all that work on the store, does something. Over when this object goes, or the process, or its
/// connection.
class StoreLease {
 public:
  /// Nothing if another process has it. Errors: storage.unreachable and others of a connection.
  static Result<std::optional<StoreLease>> take(const std::string& database_url, const Store& store,
                                                std::string_view what);
  StoreLease(StoreLease&&) noexcept;
  StoreLease& operator=(StoreLease&&) noexcept;
  ~StoreLease();

  /// The database's time. Errors: storage.unreachable: the lease is over.
  Result<Micros> now_us();

 private:
  struct State;
  explicit StoreLease(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::storage
