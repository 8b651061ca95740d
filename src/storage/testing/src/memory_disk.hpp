#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/random.hpp"
#include "wrench/storage/testing/fault_vfs.hpp"

namespace wrench::storage::testing {

/// What a disk writes at once.
inline constexpr std::size_t kSectorBytes = 512;
/// What the kernel's page cache writes at once.
inline constexpr std::size_t kBlockBytes = 4096;
inline constexpr std::size_t kShmLocks = 8;

/// The WAL index: shared between the connections of one boot, forgotten at a crash.
struct SharedMemory {
  std::vector<std::unique_ptr<char[]>> regions;
  std::array<int, kShmLocks> shared{};
  std::array<bool, kShmLocks> exclusive{};
};

struct Change {
  std::uint64_t offset = 0;
  std::string bytes;         ///< Of a write.
  bool is_truncate = false;  ///< To `offset`.
};

class File {
 public:
  std::size_t size() const { return current_.size(); }
  /// The number of bytes there were.
  std::size_t read(void* out, std::size_t bytes, std::uint64_t offset) const;
  void write(std::string_view bytes, std::uint64_t offset);
  void truncate(std::uint64_t size);
  void sync();
  /// After a failed fsync: some of it arrived, none of it will be written again.
  void lose_some(Random& random, Overwrite overwrite);
  /// After power loss what the disk holds is the content.
  void crash(Random& random, Overwrite overwrite);
  /// The file as the next process finds it: without the locks and the shared memory of this one, whose handles keep
  /// this object but can't reach its content any more.
  std::shared_ptr<File> pass_on();
  void load(std::string content) { current_ = durable_ = std::move(content); }
  const std::string& durable() const { return durable_; }

  bool name_is_durable = false;
  std::shared_ptr<SharedMemory> shm = std::make_shared<SharedMemory>();
  // SQLite's five lock states (sqlite.org/lockingv3.html), by handle.
  int shared_locks = 0;
  const void* reserved = nullptr;
  const void* pending = nullptr;
  const void* exclusive = nullptr;

 private:
  std::string current_;
  std::string durable_;
  std::vector<Change> unsynced_;
};

/// The state behind one FaultVfs.
struct FaultVfs::Disk {
  Disk(std::uint64_t seed, Overwrite sector_rule) : random(seed), overwrite(sector_rule) {}

  enum class Call { Read, Write, Extend, Truncate, Sync, Shared, Other };
  /// Counts the call and says which fault hits it; PowerCut and Kill have happened when this returns.
  enum class Verdict { Proceed, Hit, Dead };
  Verdict enter(Call call, std::uint64_t handle_boot, Fault* hit);
  void crash();
  void kill();
  void sync_directory();

  mutable std::recursive_mutex mutex;
  SeededRandom random;
  Overwrite overwrite;
  std::string name;
  std::uint64_t boot = 1;  ///< Handles of an earlier boot are dead.
  std::map<std::string, std::shared_ptr<File>> files;
  std::map<std::string, std::shared_ptr<File>> deleted;  ///< Since the last directory sync: may come back.

  FaultPlan plan;
  bool armed = false;
  bool happened = false;
  std::uint64_t matched = 0;
  std::array<std::uint64_t, kFaults> calls{};  ///< By Fault.
  std::shared_ptr<void> registration;          ///< The sqlite3_vfs; unregisters itself.
};

}  // namespace wrench::storage::testing
