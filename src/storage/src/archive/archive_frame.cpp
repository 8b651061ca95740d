#include "archive_frame.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../sqlite_error.hpp"

namespace wrench::storage {

namespace {

constexpr unsigned kMode = 0600;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i)
    out |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return out;
}

Error failed(const std::string& path, std::string_view what) { return file_error(errno_error(errno, path), what); }

}  // namespace

Error archive_damaged(const std::string& file, std::uint64_t at, std::string_view why) {
  return Error("storage.archive_damaged", file + " is damaged at byte " + std::to_string(at) + ": " + std::string(why))
      .with_help("wrench task archive verify");
}

Result<ArchiveFile> ArchiveFile::open(std::string path, For what) {
  const int flags = what == For::Appending ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC;
  const int fd = ::open(path.c_str(), flags, kMode);
  if (fd < 0) return failed(path, "open an archive");
  return ArchiveFile(fd, std::move(path));
}

ArchiveFile::ArchiveFile(ArchiveFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

ArchiveFile& ArchiveFile::operator=(ArchiveFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

ArchiveFile::~ArchiveFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::uint64_t> ArchiveFile::size() const {
  struct stat about{};
  if (::fstat(fd_, &about) != 0) return failed(path_, "look at an archive");
  return static_cast<std::uint64_t>(about.st_size);
}

Result<std::string> ArchiveFile::read(std::uint64_t at, std::size_t bytes) const {
  std::string out(bytes, '\0');
  std::size_t got = 0;
  while (got < bytes) {
    const ssize_t n = ::pread(fd_, out.data() + got, bytes - got, static_cast<off_t>(at + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(path_, "read an archive");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return out;
}

Result<void> ArchiveFile::write(std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(path_, "write an archive");
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> ArchiveFile::truncate(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed(path_, "shorten an archive");
  return {};
}

Result<void> ArchiveFile::flush() {
  if (::fdatasync(fd_) != 0) return failed(path_, "flush an archive");
  return {};
}

Result<std::uint64_t> walk_records(const ArchiveFile& file, const std::function<bool(ArchiveEntry)>& visit) {
  const std::uint64_t size = WRENCH_TRY(file.size());
  std::uint64_t at = 0;
  while (size - at >= kArchivePrefixBytes) {
    // Most headers come with the same read.
    const std::string bytes = WRENCH_TRY(file.read(at, kArchivePrefixBytes + 1024));
    if (bytes.size() < kArchivePrefixBytes) break;
    const std::uint64_t length = number_at(bytes, 4);
    if (number_at(bytes, 0) != kArchiveMagic || length > kArchiveHeaderBytesMax) {
      // A file that grew before a power loss may end in zeros.
      const std::string rest = WRENCH_TRY(
          file.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(size - at, kArchiveHeaderBytesMax))));
      if (std::ranges::all_of(rest, [](char c) { return c == '\0'; })) break;
      return archive_damaged(file.path(), at, "no record begins there");
    }
    const std::uint64_t frame_at = at + kArchivePrefixBytes + length;
    if (frame_at > size) break;
    std::string text = bytes.substr(kArchivePrefixBytes, static_cast<std::size_t>(length));
    if (text.size() < length) text = WRENCH_TRY(file.read(at + kArchivePrefixBytes, static_cast<std::size_t>(length)));
    auto header = codec::parse_json(text);
    if (!header) {
      if (std::ranges::all_of(text, [](char c) { return c == '\0'; })) break;
      return archive_damaged(file.path(), at, "its header is no JSON");
    }
    const std::int64_t frame_bytes = header->at("frame_bytes").as_integer();
    // It was begun: its header is written last.
    if (frame_bytes <= 0 || static_cast<std::uint64_t>(frame_bytes) > size - frame_at) break;
    ArchiveEntry entry;
    entry.file = file.path();
    entry.header = std::move(*header);
    entry.at = at;
    entry.frame_at = frame_at;
    entry.frame_bytes = static_cast<std::uint64_t>(frame_bytes);
    at = frame_at + entry.frame_bytes;
    if (!visit(std::move(entry))) break;
  }
  return at;
}

}  // namespace wrench::storage
