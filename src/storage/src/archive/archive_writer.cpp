#include <zstd.h>

#include <optional>
#include <utility>

#include "archive_frame.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/file_lock.hpp"

namespace wrench::storage {

namespace {

constexpr int kZstdLevel = 6;
constexpr std::size_t kFrameBytes = 128 * 1024;  ///< Written at a time.
/// Room in a header for what is known at the end.
constexpr std::size_t kNumbersBytes = 224;

std::string prefix_of(std::size_t header_bytes) {
  std::string out;
  for (const std::uint32_t number : {kArchiveMagic, static_cast<std::uint32_t>(header_bytes)})
    for (std::size_t i = 0; i < sizeof number; ++i) out += static_cast<char>(number >> (8 * i));
  return out;
}

}  // namespace

struct ArchiveWriter::State {
  State(runtime::FileLock of_folder, ArchiveFile of_month, std::string its_folder, std::uint64_t at)
      : lock(std::move(of_folder)), file(std::move(of_month)), folder(std::move(its_folder)), end(at), synced(at) {
    WRENCH_ASSERT(zstd != nullptr);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
  }
  ~State() { ZSTD_freeCCtx(zstd); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  struct Record {
    std::uint64_t at = 0, frame_at = 0;
    codec::Json header;
    std::int64_t lines = 0, bytes = 0;
  };

  runtime::FileLock lock;
  ArchiveFile file;
  std::string folder;
  std::uint64_t end, synced;
  bool folder_synced = false;
  std::optional<Record> open;
  std::vector<Record> ended;  ///< Their headers aren't written yet.
  std::string buffer;
  crypto::Sha256 digest;  ///< Of the frame that is written.
  ZSTD_CCtx* zstd = ZSTD_createCCtx();

  Result<void> compress(std::string_view content, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{content.data(), content.size(), 0};
    for (;;) {
      buffer.resize(kFrameBytes);
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const std::size_t left = ZSTD_compressStream2(zstd, &out, &in, directive);
      if (ZSTD_isError(left) != 0)
        return Error("storage.memory", std::string("compress an archive: ") + ZSTD_getErrorName(left));
      buffer.resize(out.pos);
      digest.update(buffer);
      WRENCH_TRY(file.write(end, buffer));
      end += out.pos;
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::open(const std::string& folder, Micros now_us) {
  WRENCH_TRY(runtime::make_directories(folder));
  auto lock = WRENCH_TRY(runtime::FileLock::try_acquire(folder + "/archive.lock"));
  const std::string month = format_date(now_us).substr(0, 7);
  auto file =
      WRENCH_TRY(ArchiveFile::open(folder + "/" + month + std::string(kArchiveSuffix), ArchiveFile::For::Appending));
  const std::uint64_t end = WRENCH_TRY(walk_records(file, [](const ArchiveEntry&) { return true; }));
  if (WRENCH_TRY(file.size()) != end) WRENCH_TRY(file.truncate(end));
  return ArchiveWriter(std::make_unique<State>(std::move(lock), std::move(file), folder, end));
}

Result<void> ArchiveWriter::begin(codec::Json header) {
  State& s = *state_;
  WRENCH_ASSERT(!s.open);
  State::Record record;
  record.at = s.end;
  const std::string text = codec::write_json(header);
  if (text.size() + kNumbersBytes > kArchiveHeaderBytesMax)
    return Error("storage.too_big", "the header of an archived record is too large");
  const std::string place = text + std::string(kNumbersBytes, ' ');
  record.header = std::move(header);
  record.frame_at = s.end + kArchivePrefixBytes + place.size();
  ZSTD_CCtx_reset(s.zstd, ZSTD_reset_session_only);
  s.digest = crypto::Sha256();
  s.open = std::move(record);
  WRENCH_TRY(s.file.write(s.end, prefix_of(place.size()) + place));
  s.end = s.open->frame_at;
  return {};
}

Result<void> ArchiveWriter::line(std::string_view json) {
  State& s = *state_;
  WRENCH_ASSERT(s.open);
  if (json.size() >= kArchiveLineBytesMax) return Error("storage.too_big", "a line of an archived record is too large");
  ++s.open->lines;
  s.open->bytes += static_cast<std::int64_t>(json.size()) + 1;
  WRENCH_TRY(s.compress(json, ZSTD_e_continue));
  return s.compress("\n", ZSTD_e_continue);
}

Result<void> ArchiveWriter::end() {
  State& s = *state_;
  WRENCH_ASSERT(s.open);
  WRENCH_TRY(s.compress({}, ZSTD_e_end));
  State::Record record = std::move(*s.open);
  s.open.reset();
  record.header.set("lines", record.lines);
  record.header.set("bytes", record.bytes);
  record.header.set("frame_bytes", static_cast<std::int64_t>(s.end - record.frame_at));
  record.header.set("frame_sha256", crypto::to_hex(s.digest.finish()));
  s.ended.push_back(std::move(record));
  return {};
}

Result<void> ArchiveWriter::abandon() {
  State& s = *state_;
  WRENCH_ASSERT(s.open);
  s.end = s.open->at;
  s.open.reset();
  return s.file.truncate(s.end);
}

std::uint64_t ArchiveWriter::unsynced_bytes() const { return state_->end - state_->synced; }

Result<void> ArchiveWriter::sync() {
  State& s = *state_;
  WRENCH_ASSERT(!s.open);
  if (s.ended.empty()) return {};
  // The lines first: a header says that they are there.
  WRENCH_TRY(s.file.flush());
  for (const auto& record : s.ended) {
    std::string text = codec::write_json(record.header);
    text.resize(static_cast<std::size_t>(record.frame_at - record.at - kArchivePrefixBytes), ' ');
    WRENCH_TRY(s.file.write(record.at + kArchivePrefixBytes, text));
  }
  WRENCH_TRY(s.file.flush());
  if (!s.folder_synced) WRENCH_TRY(runtime::sync_directory(s.folder));
  s.folder_synced = true;
  s.ended.clear();
  s.synced = s.end;
  return {};
}

}  // namespace wrench::storage
