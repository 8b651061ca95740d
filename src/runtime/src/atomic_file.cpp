#include "wrench/runtime/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "unique_fd.hpp"

namespace wrench::runtime {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, "write " + path);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

struct AtomicFile::State {
  std::string path, temporary;
  UniqueFd fd;
  bool committed = false;

  ~State() {
    if (fd.valid() && !committed) ::unlink(temporary.c_str());
  }
};

AtomicFile::AtomicFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
AtomicFile::AtomicFile(AtomicFile&&) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&&) noexcept = default;
AtomicFile::~AtomicFile() = default;

Result<AtomicFile> AtomicFile::create(std::string path) {
  auto state = std::make_unique<State>();
  state->temporary = path + ".XXXXXX";
  state->path = std::move(path);
  state->fd = UniqueFd(::mkostemp(state->temporary.data(), O_CLOEXEC));
  if (!state->fd.valid()) return errno_error(errno, "create a temporary file beside " + state->path);
  return AtomicFile(std::move(state));
}

Result<void> AtomicFile::write(std::string_view bytes) { return write_all(state_->fd.fd(), bytes, state_->temporary); }

Result<void> AtomicFile::commit(unsigned mode) {
  if (::fsync(state_->fd.fd()) != 0) return errno_error(errno, "fsync " + state_->temporary);
  WRENCH_TRY(commit_without_flush(mode));
  return sync_directory(parent_of(state_->path));
}

Result<void> AtomicFile::commit_without_flush(unsigned mode) {
  const auto& [path, temporary, fd, committed] = *state_;
  if (::fchmod(fd.fd(), static_cast<mode_t>(mode)) != 0) return errno_error(errno, "set the mode of " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error(errno, "rename " + temporary + " to " + path);
  state_->committed = true;
  return {};
}

Result<void> write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode) {
  AtomicFile file = WRENCH_TRY(AtomicFile::create(path));
  WRENCH_TRY(file.write(bytes));
  return file.commit(mode);
}

Result<void> sync_directory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return errno_error(errno, "open folder " + path);
  if (::fsync(fd.fd()) != 0) return errno_error(errno, "fsync folder " + path);
  return {};
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  std::vector<std::string> missing;
  for (std::string at = path; !at.empty();) {
    struct stat info{};
    if (::stat(at.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) return errno_error(ENOTDIR, "create folder " + path + ": " + at);
      break;
    }
    if (errno != ENOENT) return errno_error(errno, "look at " + at);
    missing.push_back(at);
    std::string parent = parent_of(at);
    if (parent == at || parent == ".") break;
    at = std::move(parent);
  }
  for (auto folder = missing.rbegin(); folder != missing.rend(); ++folder) {
    if (::mkdir(folder->c_str(), static_cast<mode_t>(mode)) != 0) {
      if (errno == EEXIST) continue;  // another process was quicker
      return errno_error(errno, "create folder " + *folder);
    }
    WRENCH_TRY(sync_directory(parent_of(*folder)));
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: opening a FIFO without a writer would wait for ever.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return errno_error(errno, "open " + path);
  struct stat info{};
  if (::fstat(fd.fd(), &info) != 0) return errno_error(errno, "look at " + path);
  if (!S_ISREG(info.st_mode)) return Error("io.not_a_file", path + " is not a regular file");
  const auto too_large = [&] {
    return Error("io.too_large", path + " is larger than " + std::to_string(bytes_max) + " bytes");
  };
  if (static_cast<std::uint64_t>(info.st_size) > bytes_max) return too_large();
  std::string bytes;
  bytes.resize(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t have = 0;
  while (true) {
    const ssize_t n = ::read(fd.fd(), bytes.data() + have, bytes.size() - have);
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error(errno, "read " + path);
    }
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
    if (have > bytes_max) return too_large();
    if (have == bytes.size()) bytes.resize(bytes.size() * 2);  // files in /proc say size 0
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace wrench::runtime
