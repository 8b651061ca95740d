#include <zstd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backup_file.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kContentPieceBytes = 256 * 1024;

Error damaged(std::string_view what) { return Error("backup.damaged", "the backup is damaged: " + std::string(what)); }
Error changed() { return damaged("its bytes aren't those that were written"); }
Error not_whole() { return damaged("it isn't whole, or no backup at all"); }

template <class Number>
Number from_little_endian(std::string_view bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    number |= static_cast<Number>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return number;
}

std::string raw(const crypto::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

Result<std::string> bytes_at(const BackupSource& source, std::uint64_t at, std::size_t size) {
  if (at > source.size() || source.size() - at < size) return not_whole();
  std::string bytes(size, '\0');
  WRENCH_TRY(source.read(at, bytes));
  return bytes;
}

struct Tail {
  std::string digest;
  std::uint64_t manifest_at = 0;
  std::uint64_t at = 0;  ///< Its own offset.
};

Result<Tail> read_tail(const BackupSource& source) {
  if (source.size() < kBackupMagic.size() + kBackupTailBytes) return not_whole();
  Tail tail;
  tail.at = source.size() - kBackupTailBytes;
  const std::string bytes = WRENCH_TRY(bytes_at(source, tail.at, kBackupTailBytes));
  if (!bytes.ends_with(kBackupEndMagic)) return not_whole();
  tail.digest = bytes.substr(0, kBackupDigestBytes);
  tail.manifest_at = from_little_endian<std::uint64_t>(std::string_view(bytes).substr(kBackupDigestBytes));
  return tail;
}

/// Reads a file from its beginning, hashing.
class Forward {
 public:
  Forward(const BackupSource& source, std::uint64_t end) : source_(source), end_(end) {}
  Result<std::string> take(std::size_t size) {
    if (end_ - at_ < size) return not_whole();
    std::string bytes = WRENCH_TRY(bytes_at(source_, at_, size));
    hash_.update(bytes);
    at_ += size;
    return bytes;
  }
  Result<std::string> take_sized(std::size_t bytes_max) {
    const auto size = from_little_endian<std::uint32_t>(WRENCH_TRY(take(sizeof(std::uint32_t))));
    if (size > bytes_max) return damaged("a part of it is longer than any can be");
    return take(size);
  }
  std::uint64_t at() const { return at_; }
  std::string digest() { return raw(hash_.finish()); }

 private:
  const BackupSource& source_;
  const std::uint64_t end_;
  std::uint64_t at_ = 0;
  crypto::Sha256 hash_;
};

/// Content out of frames: unsealed, decompressed, counted and hashed.
class Unpacker {
 public:
  /// `bytes_max`: of the content; more is refused before it is made.
  Unpacker(std::uint64_t bytes_max, const BackupSink& sink) : bytes_max_(bytes_max), sink_(sink) {
    WRENCH_ASSERT(zstd_ != nullptr);
    ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, kBackupWindowLogMax);
  }
  ~Unpacker() { ZSTD_freeDCtx(zstd_); }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  Result<void> frame(std::string_view packed) {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    // Again while the output was full: more may be waiting inside.
    for (bool full = false; in.pos < in.size || full;) {
      if (ended_) return damaged("there is something behind its end");
      ZSTD_outBuffer out{piece_.data(), piece_.size(), 0};
      const std::size_t left = ZSTD_decompressStream(zstd_, &out, &in);
      if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
      ended_ = left == 0;
      full = !ended_ && out.pos == out.size;
      const std::string_view content(piece_.data(), out.pos);
      bytes_ += content.size();
      if (bytes_ > bytes_max_) return damaged("it holds more than its manifest says");
      hash_.update(content);
      if (!content.empty()) WRENCH_TRY(sink_(content));
    }
    return {};
  }
  bool ended() const { return ended_; }
  std::uint64_t bytes() const { return bytes_; }
  std::string digest() { return crypto::to_hex(hash_.finish()); }

 private:
  const std::uint64_t bytes_max_;
  const BackupSink& sink_;
  ZSTD_DCtx* zstd_ = ZSTD_createDCtx();
  std::string piece_ = std::string(kContentPieceBytes, '\0');
  crypto::Sha256 hash_;
  std::uint64_t bytes_ = 0;
  bool ended_ = false;
};

Error wrong_key() { return Error("backup.wrong_key", "the backup was encrypted with another key"); }

}  // namespace

Result<BackupEnd> read_backup_end(const BackupSource& source) {
  const Tail tail = WRENCH_TRY(read_tail(source));
  if (WRENCH_TRY(bytes_at(source, 0, kBackupMagic.size())) != kBackupMagic) return not_whole();
  constexpr std::size_t kSize = sizeof(std::uint32_t);
  const auto size = from_little_endian<std::uint32_t>(WRENCH_TRY(bytes_at(source, tail.manifest_at, kSize)));
  if (size > kBackupManifestBytesMax) return damaged("its manifest is too large");
  const std::string json = WRENCH_TRY(bytes_at(source, tail.manifest_at + kSize, size));
  const std::uint64_t seal_at = tail.manifest_at + kSize + size;
  const auto seal = from_little_endian<std::uint32_t>(WRENCH_TRY(bytes_at(source, seal_at, kSize)));
  if (seal_at + kSize + seal != tail.at) return not_whole();
  return BackupEnd{WRENCH_TRY(decode_manifest(json)), tail.digest};
}

Error unless_damaged(const BackupSource& source, Error refusal) {
  const auto check = [&]() -> Result<void> {
    const Tail tail = WRENCH_TRY(read_tail(source));
    Forward all(source, tail.at);
    while (all.at() < tail.at)
      WRENCH_TRY(all.take(static_cast<std::size_t>(std::min<std::uint64_t>(kContentPieceBytes, tail.at - all.at()))));
    if (all.digest() != tail.digest) return changed();
    return {};
  };
  auto whole = check();
  return whole.ok() ? std::move(refusal) : std::move(whole).error();
}

Error unless_damaged(const BackupFile& backup, Error refusal) {
  const auto source = FileSource::open(backup.path);
  if (!source.ok()) return source.error();
  Error error = unless_damaged(*source, std::move(refusal));
  if (error.code == "backup.damaged") error.message = backup.path + ": " + error.message;
  return error;
}

Result<BackupManifest> read_backup(const BackupSource& source, const crypto::SealKey* key, const BackupSink& sink,
                                   const StopToken& stop) {
  const Tail tail = WRENCH_TRY(read_tail(source));
  const BackupManifest manifest = WRENCH_TRY(read_backup_end(source)).manifest;
  if (manifest.encrypted && key == nullptr)
    return Error("backup.key_needed", "the backup is encrypted: name the file of its key with --encrypt-key");
  Forward file(source, tail.at);
  WRENCH_TRY(file.take(kBackupMagic.size()));
  std::optional<crypto::StreamOpener> opener;
  if (manifest.encrypted) {
    auto opened = crypto::StreamOpener::open(*key, WRENCH_TRY(file.take_sized(crypto::kSealHeaderBytes)));
    if (!opened.ok()) return unless_damaged(source, wrong_key());
    opener.emplace(std::move(*opened));
  }
  Unpacker unpacker(manifest.content_bytes, sink);
  for (;;) {
    if (stop.stop_requested()) return Error("backup.stopped", "reading the backup was stopped");
    const std::string frame = WRENCH_TRY(file.take_sized(kBackupFrameBytesMax));
    if (frame.empty()) break;
    if (!opener) {
      WRENCH_TRY(unpacker.frame(frame));
      continue;
    }
    const auto message = opener->message(frame, crypto::SealTag::Message);
    if (!message.ok()) return unless_damaged(source, wrong_key());
    WRENCH_TRY(unpacker.frame(*message));
  }
  if (file.at() != tail.manifest_at) return not_whole();
  const std::string json = WRENCH_TRY(file.take_sized(kBackupManifestBytesMax));
  const std::string seal = WRENCH_TRY(file.take_sized(crypto::kSealOverheadBytes));
  if (file.at() != tail.at) return not_whole();
  if (file.digest() != tail.digest) return changed();
  if (opener && !opener->message(seal, crypto::SealTag::Last, json).ok()) return unless_damaged(source, wrong_key());
  if (!opener && !seal.empty()) return not_whole();
  if (!unpacker.ended() || unpacker.bytes() != manifest.content_bytes)
    return damaged("it holds less than its manifest says");
  if (unpacker.digest() != manifest.content_sha256) return damaged("its content isn't what its manifest says");
  return manifest;
}

}  // namespace wrench::storage
