#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "archive_frame.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {

namespace {

constexpr std::size_t kReadBytes = 128 * 1024;
constexpr std::size_t kUnpackedBytes = 256 * 1024;
constexpr int kWindowLogMax = 27;
constexpr std::size_t kProblemsMax = 100;

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// "2026-11.jsonl.zst"
bool is_archive_name(std::string_view name) {
  constexpr std::string_view kForm = "dddd-dd";
  if (name.size() != kForm.size() + kArchiveSuffix.size() || !name.ends_with(kArchiveSuffix)) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != kForm[i]) return false;
  return true;
}

}  // namespace

Result<std::vector<std::string>> list_archive_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  std::filesystem::directory_iterator it(folder, error);
  if (error == std::errc::no_such_file_or_directory) return out;
  for (const std::filesystem::directory_iterator end; !error && it != end; it.increment(error))
    if (is_archive_name(it->path().filename().string())) out.push_back(it->path().string());
  if (error) return Error("storage.io", "look for archives in " + folder + ": " + error.message());
  std::ranges::sort(out);
  return out;
}

Result<void> walk_archive(const std::string& file, const std::function<bool(ArchiveEntry)>& visit) {
  const auto opened = WRENCH_TRY(ArchiveFile::open(file, ArchiveFile::For::Reading));
  WRENCH_TRY(walk_records(opened, visit));
  return {};
}

Result<void> read_archived(const ArchiveEntry& entry, const std::function<Result<void>(std::string_view)>& line) {
  const auto file = WRENCH_TRY(ArchiveFile::open(entry.file, ArchiveFile::For::Reading));
  const std::unique_ptr<ZSTD_DCtx, FreeContext> zstd(ZSTD_createDCtx());
  WRENCH_ASSERT(zstd != nullptr);
  ZSTD_DCtx_setParameter(zstd.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  const auto damaged = [&](std::string_view why) { return archive_damaged(entry.file, entry.at, why); };
  std::string unpacked(kUnpackedBytes, '\0'), text;
  std::int64_t lines = 0, bytes = 0;
  std::uint64_t at = entry.frame_at;
  const std::uint64_t end = entry.frame_at + entry.frame_bytes;
  std::size_t left = 1;
  crypto::Sha256 digest;
  while (at < end) {
    const std::string packed =
        WRENCH_TRY(file.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, end - at))));
    if (packed.empty()) return damaged("it ends too early");
    at += packed.size();
    digest.update(packed);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    // Once more than there is input: the last of it may still be inside.
    for (bool more = true; more;) {
      ZSTD_outBuffer out{unpacked.data(), unpacked.size(), 0};
      left = ZSTD_decompressStream(zstd.get(), &out, &in);
      if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
      if (left == 0 && in.pos < in.size) return damaged("another frame begins in it");
      std::string_view rest(unpacked.data(), out.pos);
      bytes += static_cast<std::int64_t>(rest.size());
      for (std::size_t cut = rest.find('\n'); cut != std::string_view::npos; cut = rest.find('\n')) {
        text += rest.substr(0, cut);
        rest.remove_prefix(cut + 1);
        ++lines;
        WRENCH_TRY(line(text));
        text.clear();
      }
      text += rest;
      if (text.size() > kArchiveLineBytesMax) return damaged("a line of it is too large");
      more = left != 0 && (in.pos < in.size || out.pos == out.size);
    }
  }
  if (left != 0) return damaged("it ends too early");
  if (crypto::to_hex(digest.finish()) != entry.header.at("frame_sha256").as_string())
    return damaged("its bytes aren't those that were written");
  if (!text.empty()) return damaged("its last line has no end");
  if (lines != entry.header.at("lines").as_integer() || bytes != entry.header.at("bytes").as_integer())
    return damaged("it isn't as long as its header says");
  return {};
}

Result<ArchiveCheck> verify_archive(const std::string& folder, const StopToken& stop) {
  ArchiveCheck out;
  const auto problem = [&](const Error& error) {
    if (out.problems.size() < kProblemsMax) out.problems.push_back(error.message);
  };
  for (const std::string& path : WRENCH_TRY(list_archive_files(folder))) {
    ++out.files;
    const auto walked = walk_archive(path, [&](const ArchiveEntry& entry) {
      const auto read = read_archived(entry, [&](std::string_view) -> Result<void> {
        ++out.lines;
        return {};
      });
      ++out.records;
      out.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(entry.header.at("bytes").as_integer(), 0));
      if (!read) problem(read.error());
      return !stop.stop_requested();
    });
    if (!walked) problem(walked.error());
    if (stop.stop_requested()) return Error("storage.stopped", "the archive wasn't looked at to its end");
  }
  return out;
}

}  // namespace wrench::storage
