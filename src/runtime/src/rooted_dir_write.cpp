#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "file_stamp.hpp"
#include "unique_fd.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::runtime {
namespace {

constexpr mode_t kModeBits = 07777;
constexpr int kNamesTried = 100;

Error failed(int errno_value, const std::string& what) { return errno_error(errno_value, what); }

struct Place {
  std::string folder, name;
};
Place place_of(const std::string& relative) {
  const auto slash = relative.rfind('/');
  if (slash == std::string::npos) return {"", relative};
  return {relative.substr(0, slash), relative.substr(slash + 1)};
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed(errno, "write " + what);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// A new file in a folder, gone again without keep().
class Temporary {
 public:
  static Result<Temporary> create(int folder, const std::string& beside, const std::string& what) {
    SystemRandom random;
    for (int tries = 0; tries < kNamesTried; ++tries) {
      const std::uint64_t number = random.next();
      const std::string letters(reinterpret_cast<const char*>(&number), sizeof number);
      // The name says whose it is, and has no ending that a scan would take for a language.
      std::string name = "." + beside.substr(0, kNameBytesMax) + "." + to_hex(letters) + ".wrench-tmp";
      const int fd = ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      if (fd >= 0) return Temporary(folder, std::move(name), fd);
      if (errno != EEXIST) return failed(errno, "create a file beside " + what);
    }
    return failed(EEXIST, "create a file beside " + what);
  }
  Temporary(Temporary&&) noexcept = default;
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (fd_.valid()) ::unlinkat(folder_, name_.c_str(), 0);
  }

  int fd() const { return fd_.fd(); }
  const std::string& name() const { return name_; }
  std::string keep() {
    fd_.reset();
    return std::move(name_);
  }

  Result<void> fill(std::string_view bytes) { return write_all(fd_.fd(), bytes, name_); }
  Result<void> flush() { return ::fsync(fd_.fd()) == 0 ? Result<void>() : failed(errno, "fsync " + name_); }

 private:
  static constexpr std::size_t kNameBytesMax = 200;  // Of the 255 that a name may have.
  Temporary(int folder, std::string name, int fd) : folder_(folder), name_(std::move(name)), fd_(fd) {}
  int folder_;
  std::string name_;
  UniqueFd fd_;
};

Result<void> flush_folder(int folder, const std::string& what) {
  return ::fsync(folder) == 0 ? Result<void>() : failed(errno, "fsync the folder of " + what);
}

/// A regular file that takes lines, locked against others who append.
Result<UniqueFd> open_to_append(int folder, const std::string& name, unsigned mode, const std::string& what) {
  // Without blocking: a FIFO is refused, not waited for.
  constexpr int kFlags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  UniqueFd file(::openat(folder, name.c_str(), kFlags));
  if (!file.valid() && errno == ENOENT) {
    file = UniqueFd(::openat(folder, name.c_str(), kFlags | O_CREAT, static_cast<mode_t>(mode)));
    if (file.valid()) WRENCH_TRY(flush_folder(folder, what));
  }
  if (!file.valid()) return failed(errno, what);
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) return failed(errno, what);
  if (!S_ISREG(status.st_mode)) return Error("io.not_regular", what + ": not a regular file");
  while (::flock(file.fd(), LOCK_EX) != 0)
    if (errno != EINTR) return failed(errno, "lock " + what);
  return file;
}

Result<std::string> read_open(int fd, std::size_t bytes_max, const std::string& what) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed(errno, what);
  if (static_cast<std::uint64_t>(status.st_size) > bytes_max)
    return Error("io.too_large", what + ": larger than " + format_bytes(bytes_max));
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const auto got = ::pread(fd, bytes.data() + filled, bytes.size() - filled, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno, "read " + what);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> append_to(int fd, std::string_view line, const std::string& what) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return failed(errno, what);
  char last = '\n';
  if (status.st_size > 0 && ::pread(fd, &last, 1, status.st_size - 1) != 1) return failed(errno, "read " + what);
  std::string text = last == '\n' ? std::string() : "\n";
  text.append(line).push_back('\n');
  WRENCH_TRY(write_all(fd, text, what));
  return ::fsync(fd) == 0 ? Result<void>() : failed(errno, "fsync " + what);
}

}  // namespace

Result<void> RootedDir::append_line(const std::string& relative, std::string_view line, unsigned mode) const {
  const auto [parent, name] = place_of(relative);
  const UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  const UniqueFd file(WRENCH_TRY(open_to_append(folder.fd(), name, mode, relative)));
  return line.empty() ? Result<void>() : append_to(file.fd(), line, relative);
}

Result<void> RootedDir::append_line_after(const std::string& relative, std::size_t bytes_max, const NextLine& next,
                                          unsigned mode) const {
  const auto [parent, name] = place_of(relative);
  const UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  const UniqueFd file(WRENCH_TRY(open_to_append(folder.fd(), name, mode, relative)));
  const auto line = next(WRENCH_TRY(read_open(file.fd(), bytes_max, relative)));
  return line ? append_to(file.fd(), *line, relative) : Result<void>();
}

Result<void> RootedDir::make_folder(const std::string& relative, unsigned mode) const {
  const auto [parent, name] = place_of(relative);
  const UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  if (::mkdirat(folder.fd(), name.c_str(), mode) == 0) return flush_folder(folder.fd(), relative);
  if (errno != EEXIST) return failed(errno, relative);
  // A folder, not a link to one.
  const UniqueFd there(WRENCH_TRY(open_at(relative, O_PATH | O_DIRECTORY)));
  return {};
}

Result<void> RootedDir::write(const std::string& relative, std::string_view bytes, unsigned mode) const {
  const auto [parent, name] = place_of(relative);
  const UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  Temporary temporary = WRENCH_TRY(Temporary::create(folder.fd(), name, relative));
  WRENCH_TRY(temporary.fill(bytes));
  if (::fchmod(temporary.fd(), static_cast<mode_t>(mode)) != 0) return failed(errno, "set the mode of " + relative);
  WRENCH_TRY(temporary.flush());
  if (::renameat(folder.fd(), temporary.name().c_str(), folder.fd(), name.c_str()) != 0)
    return failed(errno, "rename a file to " + relative);
  temporary.keep();
  return flush_folder(folder.fd(), relative);
}

Result<void> RootedDir::remove(const std::string& relative) const {
  const auto [parent, name] = place_of(relative);
  const UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  if (::unlinkat(folder.fd(), name.c_str(), 0) != 0) return failed(errno, relative);
  return flush_folder(folder.fd(), relative);
}

Result<StagedFile> RootedDir::stage(const std::string& relative, std::string_view bytes) const {
  const auto [parent, name] = place_of(relative);
  UniqueFd folder(WRENCH_TRY(open_at(parent, O_RDONLY | O_DIRECTORY)));
  struct stat old{};
  if (::fstatat(folder.fd(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0) return failed(errno, relative);
  if (!S_ISREG(old.st_mode)) return Error("io.not_regular", relative + ": not a regular file");
  Temporary temporary = WRENCH_TRY(Temporary::create(folder.fd(), name, relative));
  WRENCH_TRY(temporary.fill(bytes));
  struct stat made{};
  if (::fstat(temporary.fd(), &made) != 0) return failed(errno, temporary.name());
  const bool other_owner = made.st_uid != old.st_uid || made.st_gid != old.st_gid;
  if (other_owner && ::fchown(temporary.fd(), old.st_uid, old.st_gid) != 0)
    return Error("io.not_owner", relative + ": belongs to another user, and its owner can't be kept");
  // After the owner: that takes set-user-ID bits away.
  if (::fchmod(temporary.fd(), old.st_mode & kModeBits) != 0) return failed(errno, "set the mode of " + relative);
  WRENCH_TRY(temporary.flush());
  return StagedFile(folder.release(), name, temporary.keep(), stamp_of(old));
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)),
      name_(std::move(other.name_)),
      temporary_(std::move(other.temporary_)),
      stamp_(other.stamp_) {}

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(name_, other.name_);
  std::swap(temporary_, other.temporary_);
  std::swap(stamp_, other.stamp_);
  return *this;
}

StagedFile::~StagedFile() {
  if (folder_ < 0) return;
  if (!temporary_.empty()) ::unlinkat(folder_, temporary_.c_str(), 0);
  ::close(folder_);
}

Result<void> StagedFile::commit() {
  struct stat now{};
  if (::fstatat(folder_, name_.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return failed(errno, name_);
  if (!S_ISREG(now.st_mode) || stamp_of(now) != stamp_) return Error("io.changed", name_ + ": changed meanwhile");
  if (::renameat(folder_, temporary_.c_str(), folder_, name_.c_str()) != 0)
    return failed(errno, "rename a file to " + name_);
  temporary_.clear();
  return flush_folder(folder_, name_);
}

}  // namespace wrench::runtime
