#include "tar_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "../sqlite_error.hpp"
#include "wrench/base/text.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kPiece = 1 << 20;
// Fields of a header: offset, length.
constexpr std::pair<std::size_t, std::size_t> kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kType{156, 1},
    kMagic{257, 5}, kPrefix{345, 155};

using Block = std::array<char, kBlock>;

std::string_view field(const Block& header, std::pair<std::size_t, std::size_t> where) {
  const std::string_view raw(header.data() + where.first, where.second);
  return raw.substr(0, raw.find('\0'));
}

std::optional<std::uint64_t> octal(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

/// Files of 8 GiB and more have their size in binary, with the first bit set (GNU tar).
std::optional<std::uint64_t> size_of(const Block& header) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(header[kSize.first + i]); };
  if ((byte(0) & 0x80U) == 0) return octal(field(header, kSize));
  std::uint64_t value = 0;
  for (std::size_t i = kSize.second - 8; i < kSize.second; ++i) value = value << 8U | byte(i);
  for (std::size_t i = 1; i + 8 < kSize.second; ++i)
    if (byte(i) != 0) return std::nullopt;
  return value;
}

bool is_whole(const Block& header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const bool own = i >= kChecksum.first && i < kChecksum.first + kChecksum.second;
    sum += own ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return field(header, kMagic) == "ustar" && octal(field(header, kChecksum)) == sum;
}

/// Below the folder, and nowhere else.
bool is_inside(std::string_view name) {
  if (name.empty() || name.front() == '/') return false;
  for (const std::string_view part : split(name, '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return true;
}

Error damaged(std::string_view why) {
  return Error("backup.damaged", "the archive of the data directory " + std::string(why));
}

class Unpacking {
 public:
  Unpacking(const BackupSource& source, std::uint64_t at, std::uint64_t bytes, const std::string& folder,
            const StopToken& stop)
      : source_(source), at_(at), end_(at + bytes), folder_(folder), stop_(stop) {}

  Result<void> run() {
    for (std::uint64_t entries = 0; at_ < end_; ++entries) {
      if (end_ - at_ < kBlock) return damaged("is cut");
      Block header{};
      WRENCH_TRY(source_.read(at_, header));
      at_ += kBlock;
      if (std::ranges::all_of(header, [](char c) { return c == '\0'; })) return {};  // Its end.
      if (entries == kTarEntriesMax) return damaged("has too many files");
      WRENCH_TRY(entry(header));
    }
    return {};
  }

 private:
  Result<void> entry(const Block& header) {
    if (!is_whole(header)) return damaged("has an entry that can't be read");
    std::string name(field(header, kName));
    if (const auto prefix = field(header, kPrefix); !prefix.empty()) name = std::string(prefix) + "/" + name;
    while (name.size() > 1 && name.back() == '/') name.pop_back();
    if (name.starts_with("./")) name.erase(0, 2);
    const auto size = size_of(header);
    if (!is_inside(name) || !size)
      return damaged("has an entry with an impossible name or size: " + escape_for_display(name));
    const char type = header[kType.first];
    const std::string path = folder_ + "/" + name;
    if (type == '5') {
      if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return file_error(errno_error(errno, path), "unpack the data directory");
      return {};
    }
    if (type != '0' && type != '\0')
      return damaged("has something that is no file and no folder: " + escape_for_display(name));
    return file(path, *size);
  }

  Result<void> file(const std::string& path, std::uint64_t size) {
    const std::uint64_t padded = (size + kBlock - 1) / kBlock * kBlock;
    if (padded > end_ - at_) return damaged("is cut");
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return file_error(errno_error(errno, path), "unpack the data directory");
    auto copied = copy(fd, path, size);
    ::close(fd);
    at_ += padded;
    return copied;
  }

  Result<void> copy(int fd, const std::string& path, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
      if (stop_.stop_requested()) return Error("backup.stopped", "it was stopped; nothing was kept");
      piece_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - done)));
      WRENCH_TRY(source_.read(at_ + done, piece_));
      for (std::string_view left = piece_; !left.empty();) {
        const ssize_t n = ::write(fd, left.data(), left.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_error(errno_error(errno, path), "unpack the data directory");
        left.remove_prefix(static_cast<std::size_t>(n));
      }
      done += piece_.size();
    }
    return {};
  }

  const BackupSource& source_;
  std::uint64_t at_;
  const std::uint64_t end_;
  const std::string& folder_;
  const StopToken& stop_;
  std::string piece_;
};

}  // namespace

Result<void> unpack_tar(const BackupSource& source, std::uint64_t at, std::uint64_t bytes, const std::string& folder,
                        const StopToken& stop) {
  if (at > source.size() || bytes > source.size() - at) return damaged("is cut");
  return Unpacking(source, at, bytes, folder, stop).run();
}

}  // namespace wrench::storage
