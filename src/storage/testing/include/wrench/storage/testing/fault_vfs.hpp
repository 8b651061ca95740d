#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace wrench::storage::testing {

/// A kind of disk trouble; each hits the calls named beside it.
enum class Fault {
  ReadError,      ///< read: EIO
  ShortRead,      ///< read: fewer bytes than the file has
  WriteError,     ///< write: EIO, half of it may have arrived
  Full,           ///< write that makes a file longer: ENOSPC
  TruncateError,  ///< truncate: EIO
  SyncError,      ///< fsync: EIO; as in the kernel, what was dirty counts as clean from then on and may be lost
  LyingSync,      ///< fsync: says yes, does nothing
  PowerCut,       ///< any call: crash() right before it
  Kill,           ///< any call: kill() right before it
  KillAtSync,     ///< fsync: kill() right before it, when all is written and nothing is safe
  SharedError,    ///< map or lock of the shared memory beside a log: EIO
};
inline constexpr std::size_t kFaults = 11;

struct FaultPlan {
  Fault fault = Fault::PowerCut;
  std::uint64_t at_call = 1;  ///< The how-manieth matching call from now on, from 1.
  std::uint64_t count = 1;    ///< How many matching calls in a row; kForever: until clear_faults().
  static constexpr std::uint64_t kForever = ~std::uint64_t{0};
};

/// What a power loss may do to bytes that nobody was writing (sqlite.org/psow.html).
enum class Overwrite {
  PowerSafe,  ///< Nothing: a sector has its old or its new content.
  /// Damage them, if they are in one block with bytes being written: the kernel writes whole blocks, and a drive that
  /// was interrupted in a sector has lost that sector.
  TearsSectors,
};

/// An SQLite file system in memory that loses power like a real disk: each file is a durable image and the changes that
/// nobody synced yet. At a crash any subset of these survives, in units of 512 bytes; so does any subset of the names
/// created or deleted. Like SQLite's own file system it doesn't know what kind of disk it stands on: it reports sectors
/// of 4 KiB and power-safe overwrites, unless the database was opened with psow=0. Everything random comes from the
/// seed. Thread-safe; one object is one disk.
class FaultVfs {
 public:
  explicit FaultVfs(std::uint64_t seed, Overwrite overwrite = Overwrite::PowerSafe);
  ~FaultVfs();  ///< All connections must be closed.
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  /// For StoreConfig::vfs_name.
  const std::string& name() const;

  /// Power loss. Connections that are open now get I/O errors from then on: drop them, open again.
  void crash();
  /// The process ends without closing anything; the machine goes on, and so what was written is still there, synced or
  /// not. For open connections the same as crash().
  void kill();
  /// One plan at a time; replaces the one before.
  void plan(FaultPlan plan);
  void clear_faults();
  bool fault_happened() const;  ///< Since plan().
  /// Calls so far that `fault` could have hit: the range for an exhaustive `at_call`.
  std::uint64_t calls(Fault fault) const;

  /// What is durable, by file name: to start many runs from one prepared disk.
  using Image = std::map<std::string, std::string>;
  Image durable_image() const;
  /// Replaces the disk. No connection may be open.
  void load(const Image& image);

  struct Disk;

 private:
  std::shared_ptr<Disk> disk_;
};

}  // namespace wrench::storage::testing
