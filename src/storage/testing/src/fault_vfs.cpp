#include "wrench/storage/testing/fault_vfs.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "memory_disk.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage::testing {
namespace {

using Disk = FaultVfs::Disk;
using Guard = std::lock_guard<std::recursive_mutex>;

/// What SQLite sees as an open file. Lives in memory that SQLite allocates (szOsFile).
struct Handle {
  sqlite3_file base;
  struct State {
    Disk* disk = nullptr;
    std::shared_ptr<File> file;
    std::string path;
    std::uint64_t boot = 0;
    int flags = 0;
    int lock = SQLITE_LOCK_NONE;
    std::shared_ptr<SharedMemory> shm;
    std::array<int, kShmLocks> shm_locks{};  ///< 0 none, 1 shared, 2 exclusive
    int persist_wal = 0;
    bool syncs_directory = false;  ///< With its next sync.
    bool power_safe = true;        ///< As far as SQLite is told.
  };
  alignas(State) char storage[sizeof(State)];
};

Handle::State& state(sqlite3_file* file) {
  return *std::launder(reinterpret_cast<Handle::State*>(reinterpret_cast<Handle*>(file)->storage));
}

void drop_lock(Handle::State& h, int to) {
  File& file = *h.file;
  if (file.exclusive == &h) file.exclusive = nullptr;
  if (file.pending == &h) file.pending = nullptr;
  if (file.reserved == &h) file.reserved = nullptr;
  if (h.lock >= SQLITE_LOCK_SHARED && to < SQLITE_LOCK_SHARED) --file.shared_locks;
  h.lock = to;
}

void release_shm(Handle::State& h) {
  for (std::size_t i = 0; h.shm && i < kShmLocks; ++i) {
    if (h.shm_locks[i] == 1) --h.shm->shared[i];
    if (h.shm_locks[i] == 2) h.shm->exclusive[i] = false;
    h.shm_locks[i] = 0;
  }
  h.shm.reset();
}

int close_file(sqlite3_file* file) {
  Handle::State& h = state(file);
  Disk& disk = *h.disk;
  const Guard guard(disk.mutex);
  release_shm(h);
  if (h.lock > SQLITE_LOCK_NONE) drop_lock(h, SQLITE_LOCK_NONE);
  if ((h.flags & SQLITE_OPEN_DELETEONCLOSE) != 0 && h.boot == disk.boot) disk.files.erase(h.path);
  h.~State();
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* out, int bytes, sqlite3_int64 offset) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  Fault fault{};
  const Disk::Verdict verdict = h.disk->enter(Disk::Call::Read, h.boot, &fault);
  if (verdict == Disk::Verdict::Dead) return SQLITE_IOERR_READ;
  if (verdict == Disk::Verdict::Hit && fault == Fault::ReadError) return SQLITE_IOERR_READ;
  const auto wanted = static_cast<std::size_t>(bytes);
  std::size_t n = h.file->read(out, wanted, static_cast<std::uint64_t>(offset));
  if (verdict == Disk::Verdict::Hit) n /= 2;
  if (n == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(out) + n, 0, wanted - n);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  Fault fault{};
  const std::string_view all(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
  const bool extends = static_cast<std::uint64_t>(offset) + all.size() > h.file->size();
  switch (h.disk->enter(extends ? Disk::Call::Extend : Disk::Call::Write, h.boot, &fault)) {
    case Disk::Verdict::Dead:
      return SQLITE_IOERR_WRITE;
    case Disk::Verdict::Hit:
      h.file->write(all.substr(0, all.size() / 2), static_cast<std::uint64_t>(offset));
      return fault == Fault::Full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    case Disk::Verdict::Proceed:
      break;
  }
  h.file->write(all, static_cast<std::uint64_t>(offset));
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  Fault fault{};
  if (h.disk->enter(Disk::Call::Truncate, h.boot, &fault) != Disk::Verdict::Proceed) return SQLITE_IOERR_TRUNCATE;
  h.file->truncate(static_cast<std::uint64_t>(size));
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  Fault fault{};
  switch (h.disk->enter(Disk::Call::Sync, h.boot, &fault)) {
    case Disk::Verdict::Dead:
      return SQLITE_IOERR_FSYNC;
    case Disk::Verdict::Hit:
      if (fault == Fault::LyingSync) return SQLITE_OK;
      h.file->lose_some(h.disk->random, h.disk->overwrite);
      return SQLITE_IOERR_FSYNC;
    case Disk::Verdict::Proceed:
      break;
  }
  h.file->sync();
  if (std::exchange(h.syncs_directory, false)) h.disk->sync_directory();
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  if (h.boot != h.disk->boot) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(h.file->size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  if (h.boot != h.disk->boot) return SQLITE_IOERR_LOCK;
  if (h.lock >= level) return SQLITE_OK;
  File& f = *h.file;
  const auto others = [&h](const void* holder) { return holder != nullptr && holder != &h; };
  if (level == SQLITE_LOCK_SHARED) {
    if (others(f.pending) || others(f.exclusive)) return SQLITE_BUSY;
    ++f.shared_locks;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (others(f.reserved) || others(f.pending) || others(f.exclusive)) return SQLITE_BUSY;
    f.reserved = &h;
  } else {
    if (others(f.reserved) || others(f.pending) || others(f.exclusive)) return SQLITE_BUSY;
    f.pending = &h;
    if (f.shared_locks > 1) {
      h.lock = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    f.exclusive = &h;
  }
  h.lock = level;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  if (h.lock > level) drop_lock(h, level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* answer) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  *answer = h.file->reserved != nullptr || h.file->pending != nullptr || h.file->exclusive != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file* file, int op, void* argument) {
  Handle::State& h = state(file);
  if (op != SQLITE_FCNTL_PERSIST_WAL) return SQLITE_NOTFOUND;
  auto* value = static_cast<int*>(argument);
  if (*value >= 0) h.persist_wal = *value;
  *value = h.persist_wal;
  return SQLITE_OK;
}

int sector_size(sqlite3_file*) { return static_cast<int>(kBlockBytes); }

int device_characteristics(sqlite3_file* file) { return state(file).power_safe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0; }

int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** out) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  *out = nullptr;
  Fault fault{};
  if (h.disk->enter(Disk::Call::Shared, h.boot, &fault) != Disk::Verdict::Proceed) return SQLITE_IOERR_SHMMAP;
  if (!h.shm) h.shm = h.file->shm;
  const auto index = static_cast<std::size_t>(region);
  while (h.shm->regions.size() <= index) {
    if (extend == 0) return SQLITE_OK;
    h.shm->regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  }
  *out = h.shm->regions[index].get();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  if (h.boot != h.disk->boot || !h.shm) return SQLITE_IOERR_SHMLOCK;
  SharedMemory& shm = *h.shm;
  const auto first = static_cast<std::size_t>(offset);
  const std::size_t end = first + static_cast<std::size_t>(n);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (std::size_t i = first; i < end; ++i) {
      if (h.shm_locks[i] == 1) --shm.shared[i];
      if (h.shm_locks[i] == 2) shm.exclusive[i] = false;
      h.shm_locks[i] = 0;
    }
    return SQLITE_OK;
  }
  Fault fault{};
  if (h.disk->enter(Disk::Call::Shared, h.boot, &fault) != Disk::Verdict::Proceed) return SQLITE_IOERR_SHMLOCK;
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  for (std::size_t i = first; i < end; ++i) {
    const int own_shared = h.shm_locks[i] == 1 ? 1 : 0;
    if (h.shm_locks[i] != 2 && shm.exclusive[i]) return SQLITE_BUSY;
    if (exclusive && shm.shared[i] - own_shared > 0) return SQLITE_BUSY;
  }
  for (std::size_t i = first; i < end; ++i) {
    if (exclusive) {
      if (h.shm_locks[i] == 1) --shm.shared[i];
      shm.exclusive[i] = true;
      h.shm_locks[i] = 2;
    } else if (h.shm_locks[i] == 0) {
      ++shm.shared[i];
      h.shm_locks[i] = 1;
    }
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file* file) {
  // The mutex and not only a fence: ThreadSanitizer understands it.
  const Guard guard(state(file).disk->mutex);
}

int shm_unmap(sqlite3_file* file, int delete_it) {
  Handle::State& h = state(file);
  const Guard guard(h.disk->mutex);
  const bool last = h.shm && h.shm.use_count() == 2;  // this handle and the file
  release_shm(h);
  if (delete_it != 0 && last) h.file->shm = std::make_shared<SharedMemory>();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {
    2,           close_file,     read_file,    write_file,  truncate_file,          sync_file, file_size, lock_file,
    unlock_file, check_reserved, file_control, sector_size, device_characteristics, shm_map,   shm_lock,  shm_barrier,
    shm_unmap,   nullptr,        nullptr,
};

Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags, int* out_flags) {
  Disk& disk = disk_of(vfs);
  const Guard guard(disk.mutex);
  file->pMethods = nullptr;
  Fault fault{};
  if (disk.enter(Disk::Call::Other, disk.boot, &fault) == Disk::Verdict::Dead) return SQLITE_CANTOPEN;
  std::shared_ptr<File> found;
  if (path == nullptr) {
    found = std::make_shared<File>();
  } else if (const auto at = disk.files.find(path); at != disk.files.end()) {
    found = at->second;
  } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
    return SQLITE_CANTOPEN;
  } else {
    found = disk.files[path] = std::make_shared<File>();
  }
  auto* h = new (reinterpret_cast<Handle*>(file)->storage) Handle::State;
  h->disk = &disk;
  h->file = std::move(found);
  h->path = path == nullptr ? "" : path;
  h->boot = disk.boot;
  h->flags = flags;
  // As SQLite's unix file system: the first fsync of a journal or log that it may have created includes the folder.
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  h->syncs_directory = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
  h->power_safe = (flags & SQLITE_OPEN_URI) == 0 || sqlite3_uri_boolean(path, "psow", 1) != 0;
  file->pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  Disk& disk = disk_of(vfs);
  const Guard guard(disk.mutex);
  Fault fault{};
  if (disk.enter(Disk::Call::Other, disk.boot, &fault) == Disk::Verdict::Dead) return SQLITE_IOERR_DELETE;
  const auto found = disk.files.find(path);
  if (found == disk.files.end()) return SQLITE_IOERR_DELETE_NOENT;
  disk.deleted[path] = found->second;
  disk.files.erase(found);
  if (sync_directory != 0) disk.sync_directory();
  return SQLITE_OK;
}

int access_file(sqlite3_vfs* vfs, const char* path, int, int* answer) {
  Disk& disk = disk_of(vfs);
  const Guard guard(disk.mutex);
  const auto found = disk.files.find(path);
  // As the unix VFS: an empty file counts as absent.
  *answer = found != disk.files.end() && found->second->size() > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  const std::size_t n = std::strlen(path);
  if (n + 1 > static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, n + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int bytes, char* out) {
  Disk& disk = disk_of(vfs);
  const Guard guard(disk.mutex);
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(disk.random.next());
  return bytes;
}

int sleep_not(sqlite3_vfs*, int micros) { return micros; }

int current_time(sqlite3_vfs*, sqlite3_int64* ms) {
  *ms = 0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

FaultVfs::FaultVfs(std::uint64_t seed, Overwrite overwrite) : disk_(std::make_shared<Disk>(seed, overwrite)) {
  static std::atomic<std::uint64_t> number{0};
  disk_->name = "wrench-fault-" + std::to_string(number.fetch_add(1));
  std::shared_ptr<sqlite3_vfs> vfs(new sqlite3_vfs{}, [](sqlite3_vfs* old) {
    sqlite3_vfs_unregister(old);
    delete old;
  });
  vfs->iVersion = 2;
  vfs->szOsFile = sizeof(Handle);
  vfs->mxPathname = 512;
  vfs->zName = disk_->name.c_str();
  vfs->pAppData = disk_.get();
  vfs->xOpen = open_file;
  vfs->xDelete = delete_file;
  vfs->xAccess = access_file;
  vfs->xFullPathname = full_path;
  vfs->xRandomness = randomness;
  vfs->xSleep = sleep_not;
  vfs->xGetLastError = last_error;
  vfs->xCurrentTimeInt64 = current_time;
  const int rc = sqlite3_vfs_register(vfs.get(), 0);
  WRENCH_ASSERT(rc == SQLITE_OK);
  disk_->registration = std::move(vfs);
}

FaultVfs::~FaultVfs() = default;

const std::string& FaultVfs::name() const { return disk_->name; }

void FaultVfs::crash() {
  const Guard guard(disk_->mutex);
  disk_->crash();
}

void FaultVfs::kill() {
  const Guard guard(disk_->mutex);
  disk_->kill();
}

void FaultVfs::plan(FaultPlan plan) {
  const Guard guard(disk_->mutex);
  disk_->plan = plan;
  disk_->armed = true;
  disk_->happened = false;
  disk_->matched = 0;
}

void FaultVfs::clear_faults() {
  const Guard guard(disk_->mutex);
  disk_->armed = false;
}

bool FaultVfs::fault_happened() const {
  const Guard guard(disk_->mutex);
  return disk_->happened;
}

std::uint64_t FaultVfs::calls(Fault fault) const {
  const Guard guard(disk_->mutex);
  return disk_->calls[static_cast<std::size_t>(fault)];
}

FaultVfs::Image FaultVfs::durable_image() const {
  const Guard guard(disk_->mutex);
  Image image;
  for (const auto& [path, file] : disk_->files)
    if (file->name_is_durable) image[path] = file->durable();
  return image;
}

void FaultVfs::load(const Image& image) {
  const Guard guard(disk_->mutex);
  ++disk_->boot;
  disk_->files.clear();
  disk_->deleted.clear();
  for (const auto& [path, content] : image) {
    auto file = std::make_shared<File>();
    file->load(content);
    file->name_is_durable = true;
    disk_->files[path] = std::move(file);
  }
}

}  // namespace wrench::storage::testing
