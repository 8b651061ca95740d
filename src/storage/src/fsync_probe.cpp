#include "wrench/storage/fsync_probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "sqlite_error.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kMountinfoBytesMax = 1024 * 1024;
/// The fastest flush to a device with power-loss protection takes longer than this.
constexpr Micros kPlausibleFlushUs = 10;
constexpr std::size_t kSmallBytes = 4 * 1024;
constexpr std::size_t kLargeBytes = 24 * 1024;
/// An overwriting pass goes round in a file of this size, as commits go round in the WAL.
constexpr std::size_t kRoundBytes = 4 * 1024 * 1024;

constexpr std::array<std::string_view, 11> kNetwork = {"nfs",  "nfs4", "cifs",   "smb3",      "smbfs",     "afs",
                                                       "ceph", "9p",   "lustre", "glusterfs", "fuse.sshfs"};
constexpr std::array<std::string_view, 3> kMemory = {"tmpfs", "ramfs", "devtmpfs"};
constexpr std::array<std::string_view, 3> kNoFlushOptions = {"nobarrier", "barrier=0", "nobarriers"};

/// A file in the folder under test, gone when this is.
class ProbeFile {
 public:
  static Result<ProbeFile> create(const std::string& directory) {
    std::string path = directory + "/fsync-probe-XXXXXX";
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return file_error(errno_error(errno, path), "measure the disk");
    return ProbeFile(fd, std::move(path));
  }
  ProbeFile(ProbeFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  ProbeFile& operator=(ProbeFile&&) = delete;
  ~ProbeFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(path_.c_str());
  }

  Result<void> write_and_flush(const std::string& bytes, std::size_t offset) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n != static_cast<ssize_t>(bytes.size()))
      return file_error(errno_error(n < 0 ? errno : ENOSPC, path_), "measure the disk");
    if (::fdatasync(fd_) != 0) return file_error(errno_error(errno, path_), "measure the disk");
    return {};
  }

 private:
  ProbeFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

Result<FsyncSample> measure(const std::string& directory, bool overwrites, std::size_t bytes, Micros duration_us,
                            const Clock& clock, const StopToken& stop) {
  ProbeFile file = WRENCH_TRY(ProbeFile::create(directory));
  if (overwrites) WRENCH_TRY(file.write_and_flush(std::string(kRoundBytes, 'x'), 0));
  const std::string block(bytes, 'w');
  std::vector<Micros> took;
  std::size_t offset = 0;
  const Micros began = clock.boot_us();
  const Deadline end = Deadline::after(clock, duration_us);
  do {
    const Micros at = clock.boot_us();
    WRENCH_TRY(file.write_and_flush(block, offset));
    took.push_back(clock.boot_us() - at);
    offset += bytes;
    if (overwrites && offset + bytes > kRoundBytes) offset = 0;
  } while (!end.passed(clock) && !stop.stop_requested());
  const double seconds = static_cast<double>(std::max<Micros>(1, clock.boot_us() - began)) / kMicrosPerSecond;
  std::sort(took.begin(), took.end());
  return FsyncSample{.overwrites = overwrites,
                     .bytes = bytes,
                     .operations = took.size(),
                     .per_second = static_cast<double>(took.size()) / seconds,
                     .p50_us = took[took.size() / 2],
                     .p99_us = took[took.size() * 99 / 100]};
}

/// mountinfo writes blanks and backslashes as \ooo.
std::string decode_octal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool is_inside(std::string_view path, std::string_view mount) {
  if (mount == "/") return true;
  return path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/');
}

template <class List>
bool contains(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

MountPoint find_mount(std::string_view mountinfo, std::string_view absolute_path) {
  MountPoint best;
  std::size_t best_length = 0;
  for (const std::string_view line : split(mountinfo, '\n')) {
    // 36 35 98:0 /root /mount rw,noatime [optional…] - ext4 /dev/root rw,errors=continue
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 10 || fields.end() - dash < 4) continue;
    const std::string mount = decode_octal(fields[4]);
    // Later lines cover earlier ones on the same folder.
    if (!is_inside(absolute_path, mount) || mount.size() < best_length) continue;
    best_length = mount.size();
    best.filesystem = dash[1];
    best.options = std::string(fields[5]) + "," + std::string(dash[3]);
  }
  return best;
}

Durability judge_durability(std::string_view filesystem, std::string_view mount_options, Micros fastest_p50_us,
                            std::string& reason) {
  reason.clear();
  if (contains(kMemory, filesystem)) reason = std::string(filesystem) + " is memory: a restart of the machine loses it";
  if (contains(kNetwork, filesystem))
    reason = std::string(filesystem) + " is a network file system: locks and flushes don't hold";
  for (const std::string_view option : split(mount_options, ','))
    if (contains(kNoFlushOptions, option))
      reason = "the mount option " + std::string(option) + " switches flushing off";
  if (!reason.empty()) return Durability::NotDurable;
  if (fastest_p50_us < kPlausibleFlushUs) {
    reason = "a flush takes less than " + std::to_string(kPlausibleFlushUs) +
             " µs, quicker than a disk can: something answers for it";
    return Durability::Suspicious;
  }
  return Durability::Durable;
}

Result<FsyncReport> probe_fsync(const std::string& directory, Micros duration_us, const Clock& clock,
                                const StopToken& stop) {
  FsyncReport report;
  constexpr Micros kPasses = 4;
  for (const bool overwrites : {false, true})
    for (const std::size_t bytes : {kSmallBytes, kLargeBytes})
      report.samples.push_back(WRENCH_TRY(measure(directory, overwrites, bytes, duration_us / kPasses, clock, stop)));
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(directory.c_str(), nullptr), &std::free);
  const Result<std::string> mountinfo = runtime::read_file("/proc/self/mountinfo", kMountinfoBytesMax);
  if (real && mountinfo.ok()) {
    MountPoint mount = find_mount(*mountinfo, real.get());
    report.filesystem = std::move(mount.filesystem);
    report.mount_options = std::move(mount.options);
  }
  // A changed root (chroot, some containers) doesn't list the mount that it lies on.
  if (report.filesystem.empty()) report.filesystem = "unknown";
  const auto fastest = std::min_element(report.samples.begin(), report.samples.end(),
                                        [](const auto& a, const auto& b) { return a.p50_us < b.p50_us; });
  report.verdict = judge_durability(report.filesystem, report.mount_options, fastest->p50_us, report.reason);
  return report;
}

}  // namespace wrench::storage
