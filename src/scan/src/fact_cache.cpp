#include "wrench/scan/fact_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "wrench/base/clock.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/file_lock.hpp"

namespace wrench::scan {
namespace {

constexpr std::string_view kMagic = "wrench-facts/3\n";
constexpr std::uint32_t kRecordMark = 0x57524631;  // "WRF1"
constexpr std::size_t kKeyBytesMax = 512;
constexpr std::uint64_t kValueBytesMax = std::uint64_t{1} << 30;
constexpr std::size_t kBufferBytesMax = std::size_t{16} << 20;
constexpr std::size_t kSharedBytesMax = std::size_t{64} << 20;
constexpr std::size_t kChecksumBytes = 16;

// In memory and on disk; the pack is read by the machine that wrote it or thrown away (the mark differs).
struct RecordHead {
  std::uint32_t mark = 0;
  std::uint32_t key_bytes = 0;
  std::uint64_t value_bytes = 0;
  std::array<std::uint8_t, kChecksumBytes> checksum{};  // Of key and value.
};
static_assert(sizeof(RecordHead) == 32);

/// Tells damage apart, not intent: who can write here can write checksums, too. Reading what an unchanged file gave
/// costs little more than this, so it takes eight bytes at a time. Each step can be undone, so that no change of one
/// word stays unseen.
class Checksum {
 public:
  void update(std::string_view bytes) {
    step(0, bytes.size());
    constexpr std::size_t kWord = sizeof(std::uint64_t), kTurn = kLanes * kWord;
    for (; bytes.size() >= kTurn; bytes.remove_prefix(kTurn))
      for (std::size_t lane = 0; lane < kLanes; ++lane) step(lane, word(bytes.substr(lane * kWord, kWord)));
    for (std::size_t lane = 0; !bytes.empty(); ++lane, bytes.remove_prefix(std::min(kWord, bytes.size())))
      step(lane, word(bytes.substr(0, kWord)));
  }
  std::array<std::uint8_t, kChecksumBytes> finish() {
    std::array<std::uint64_t, 2> out{};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      step(lane, lane);
      out[lane % 2] = std::rotl(out[lane % 2] ^ lanes_[lane] ^ lanes_[lane] >> 32, 23) * kFactor;
    }
    std::array<std::uint8_t, kChecksumBytes> bytes{};
    std::memcpy(bytes.data(), out.data(), bytes.size());
    return bytes;
  }

 private:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15ULL;  // Odd.

  static std::uint64_t word(std::string_view bytes) {
    std::uint64_t out = 0;
    std::memcpy(&out, bytes.data(), bytes.size());
    return out;
  }
  void step(std::size_t lane, std::uint64_t word) { lanes_[lane] = std::rotl((lanes_[lane] ^ word) * kFactor, 29); }

  std::array<std::uint64_t, kLanes> lanes_{1, 2, 3, 4};
};

std::array<std::uint8_t, kChecksumBytes> checksum_of(std::string_view key, std::string_view value) {
  Checksum sum;
  sum.update(key);
  sum.update(value);
  return sum.finish();
}

bool read_exactly(int fd, void* out, std::size_t bytes, std::uint64_t offset) {
  auto* to = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t n = ::pread(fd, to, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

bool write_exactly(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    offset += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string record(std::string_view key, std::string_view value) {
  RecordHead head{kRecordMark, static_cast<std::uint32_t>(key.size()), value.size(), checksum_of(key, value)};
  std::string out(sizeof head, '\0');
  std::memcpy(out.data(), &head, sizeof head);
  out.append(key).append(value);
  return out;
}

}  // namespace

struct FactCache::State {
  struct Entry {
    std::uint64_t offset = 0;  // Of the value.
    std::uint64_t bytes = 0;
    std::array<std::uint8_t, kChecksumBytes> checksum{};
    bool used = false;  // Asked for or written in this run.
  };

  std::string folder;
  std::string warning;
  int fd = -1;
  std::optional<runtime::FileLock> lock;  // Held by the one that writes.
  std::uint64_t end = 0;                  // Of the records on disk.
  std::string buffer;                     // Records behind `end`, not yet written, or held.
  std::uint64_t held_bytes_max = 0;       // Of the buffer without a lock.
  std::unordered_map<std::string, Entry> entries;
  mutable std::mutex mutex;

  ~State() {
    if (fd >= 0) ::close(fd);
  }

  void warn(std::string text) {
    if (warning.empty()) warning = "the fact cache in " + folder + " isn't used: " + std::move(text);
  }

  std::string shared(std::string_view name) const {
    return folder.substr(0, folder.rfind('/')) + "/" + std::string(name);
  }
  std::string pack() const { return folder + "/facts.pack"; }

  void open_pack() {
    if (const auto made = runtime::make_directories(folder); !made.ok()) return warn(made.error().message);
    auto locked = runtime::FileLock::try_acquire(folder + "/lock");
    if (locked.ok()) lock = std::move(*locked);
    // Somebody else writes, or the folder is read-only: reading still saves time.
    fd = ::open(pack().c_str(), (lock ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
      if (errno != ENOENT || lock) warn(errno_error(errno, pack()).message);
      return;
    }
    struct stat info{};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      warn("facts.pack is not a regular file");
      ::close(std::exchange(fd, -1));
      return;
    }
    if (!locked.ok() && locked.error().code != "runtime.locked")
      warning = "the fact cache in " + folder + " is read-only: " + locked.error().message;
    read_heads(static_cast<std::uint64_t>(info.st_size));
  }

  void read_heads(std::uint64_t file_bytes) {
    std::string magic(kMagic.size(), '\0');
    if (file_bytes < kMagic.size() || !read_exactly(fd, magic.data(), magic.size(), 0) || magic != kMagic) {
      if (file_bytes > 0)
        warning = "the fact cache in " + folder + " was damaged or of another version and is made anew";
      start_anew();
      return;
    }
    std::uint64_t at = kMagic.size();
    std::string key;
    while (file_bytes - at >= sizeof(RecordHead)) {
      RecordHead head;
      if (!read_exactly(fd, &head, sizeof head, at) || head.mark != kRecordMark || head.key_bytes == 0 ||
          head.key_bytes > kKeyBytesMax || head.value_bytes > kValueBytesMax ||
          file_bytes - at - sizeof head < head.key_bytes + head.value_bytes)
        break;
      key.resize(head.key_bytes);
      if (!read_exactly(fd, key.data(), key.size(), at + sizeof head)) break;
      entries[key] = {at + sizeof head + head.key_bytes, head.value_bytes, head.checksum, false};
      at += sizeof head + head.key_bytes + head.value_bytes;
    }
    end = at;
    if (at < file_bytes) {
      warning = "the fact cache in " + folder + " had a damaged end, which was cut off";
      if (lock && ::ftruncate(fd, static_cast<off_t>(at)) != 0) lock.reset();
    }
  }

  void start_anew() {
    entries.clear();
    buffer.clear();
    end = 0;
    if (!lock) return;
    if (::ftruncate(fd, 0) != 0 || !write_exactly(fd, kMagic, 0)) {
      warn(errno_error(errno, pack()).message);
      lock.reset();
      return;
    }
    end = kMagic.size();
  }

  bool value_of(const std::string& key, const Entry& entry, std::string& value) const {
    value.resize(entry.bytes);
    if (entry.offset >= end) {
      if (entry.offset - end + entry.bytes > buffer.size()) return false;
      value.assign(buffer, entry.offset - end, entry.bytes);
    } else if (!read_exactly(fd, value.data(), value.size(), entry.offset)) {
      return false;
    }
    return checksum_of(key, value) == entry.checksum;
  }

  void write_buffer() {
    if (!lock || buffer.empty()) return;
    if (write_exactly(fd, buffer, end)) {
      end += buffer.size();
    } else {
      warn("it can't be written: " + errno_error(errno, pack()).message);
      static_cast<void>(::ftruncate(fd, static_cast<off_t>(end)));
      lock.reset();
      std::erase_if(entries, [&](const auto& item) { return item.second.offset >= end; });
    }
    buffer.clear();
  }

  // Keeps what this run used: the rest is of earlier contents, rules or options.
  void compact() {
    std::string kept(kMagic);
    std::string value;
    for (const auto& [key, entry] : entries) {
      if (!entry.used || kept.size() > kCacheBytesMax / 2) continue;
      if (value_of(key, entry, value)) kept += record(key, value);
    }
    if (const auto written = runtime::write_file_atomically(pack(), kept); !written.ok()) {
      warn("it can't be compacted: " + written.error().message);
      return;
    }
    end = kept.size();
  }

  bool wants_compaction() const {
    std::uint64_t used = 0;
    for (const auto& item : entries)
      if (item.second.used) used += item.second.bytes + item.first.size() + sizeof(RecordHead);
    constexpr std::uint64_t kSlackBytes = std::uint64_t{64} << 20;
    return end > kCacheBytesMax || (end > kSlackBytes && used > 0 && used * 2 < end);
  }
};

FactCache::FactCache() : state_(std::make_unique<State>()) {}

std::unique_ptr<FactCache> FactCache::open(const std::string& folder) {
  std::unique_ptr<FactCache> cache(new FactCache());
  cache->state_->folder = folder;
  if (!folder.empty()) cache->state_->open_pack();
  return cache;
}

FactCache::~FactCache() {
  auto& state = *state_;
  const std::lock_guard guard(state.mutex);
  state.write_buffer();
  if (state.lock && state.fd >= 0 && state.wants_compaction()) state.compact();
}

std::string FactCache::folder_for(const std::string& absolute_root) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (variable("WRENCH_SCAN_CACHE") == "off") return {};
  std::string base = variable("XDG_CACHE_HOME");
  if (!base.starts_with('/')) {
    const std::string home = variable("HOME");
    if (!home.starts_with('/')) return {};
    base = home + "/.cache";
  }
  return base + "/wrench/scan/" + crypto::sha256_hex(absolute_root);
}

std::optional<std::string> FactCache::get(std::string_view key) const {
  auto& state = *state_;
  const std::lock_guard guard(state.mutex);
  const auto found = state.entries.find(std::string(key));
  if (found == state.entries.end()) return std::nullopt;
  std::string value;
  if (!state.value_of(found->first, found->second, value)) {
    state.entries.erase(found);
    return std::nullopt;
  }
  found->second.used = true;
  return value;
}

void FactCache::keep(std::string_view key) {
  const std::lock_guard guard(state_->mutex);
  if (const auto found = state_->entries.find(std::string(key)); found != state_->entries.end())
    found->second.used = true;
}

void FactCache::put(std::string_view key, std::string_view value) {
  auto& state = *state_;
  const std::lock_guard guard(state.mutex);
  if (!state.lock && state.buffer.size() + value.size() >= state.held_bytes_max) return;
  if (key.empty() || key.size() > kKeyBytesMax || value.size() > kValueBytesMax) return;
  if (state.end + state.buffer.size() + value.size() > kCacheBytesMax) return;
  const std::string bytes = record(key, value);
  State::Entry entry;
  entry.offset = state.end + state.buffer.size() + sizeof(RecordHead) + key.size();
  entry.bytes = value.size();
  std::memcpy(entry.checksum.data(), bytes.data() + offsetof(RecordHead, checksum), entry.checksum.size());
  entry.used = true;
  state.buffer += bytes;
  state.entries[std::string(key)] = entry;
  if (state.buffer.size() > kBufferBytesMax) state.write_buffer();
}

void FactCache::hold(std::uint64_t bytes_max) {
  const std::lock_guard guard(state_->mutex);
  state_->held_bytes_max = bytes_max;
}

void FactCache::flush() {
  const std::lock_guard guard(state_->mutex);
  state_->write_buffer();
}

std::string FactCache::get_shared(std::string_view name) const {
  if (state_->fd < 0) return {};
  auto bytes = runtime::read_file(state_->shared(name), kSharedBytesMax);
  return bytes.ok() ? std::move(*bytes) : std::string();
}

void FactCache::put_shared(std::string_view name, std::string_view bytes) const {
  // Without it the next run compiles again: nothing to tell anybody.
  if (state_->fd >= 0 && state_->lock)
    static_cast<void>(runtime::write_file_atomically(state_->shared(name), bytes).ok());
}

std::string FactCache::warning() const {
  const std::lock_guard guard(state_->mutex);
  return state_->warning;
}

std::uint64_t FactCache::bytes() const {
  const std::lock_guard guard(state_->mutex);
  return state_->end + state_->buffer.size();
}

}  // namespace wrench::scan
