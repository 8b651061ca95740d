#include <zstd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backup_file.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {
namespace {

/// The quickest that still halves a store.
constexpr int kZstdLevel = 1;

template <class Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

std::string raw(const crypto::Sha256Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

}  // namespace

struct BackupWriter::State {
  Output output;
  crypto::Sha256 file_hash, content_hash;
  std::uint64_t written = 0, content_bytes = 0;
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  std::optional<crypto::StreamSealer> sealer;
  bool begun = false;

  explicit State(Output out) : output(std::move(out)) {
    WRENCH_ASSERT(zstd != nullptr);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    // Beside reading and hashing. A library without threads refuses, and compresses as part of the call.
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_nbWorkers, 1);
  }
  ~State() { ZSTD_freeCCtx(zstd); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> emit(std::string_view bytes) {
    file_hash.update(bytes);
    written += bytes.size();
    return output(bytes);
  }
  Result<void> emit_sized(std::string_view bytes) {
    WRENCH_TRY(emit(little_endian(static_cast<std::uint32_t>(bytes.size()))));
    return emit(bytes);
  }
  Result<void> begin() {
    if (std::exchange(begun, true)) return {};
    WRENCH_TRY(emit(kBackupMagic));
    if (sealer) return emit_sized(sealer->header());
    return {};
  }
  Result<void> compress(std::string_view content, ZSTD_EndDirective directive) {
    WRENCH_TRY(begin());
    ZSTD_inBuffer in{content.data(), content.size(), 0};
    std::string frame;
    for (;;) {
      frame.resize(kBackupFrameBytes);
      ZSTD_outBuffer out{frame.data(), frame.size(), 0};
      const std::size_t left = ZSTD_compressStream2(zstd, &out, &in, directive);
      if (ZSTD_isError(left) != 0)
        return Error("storage.memory", std::string("compress the backup: ") + ZSTD_getErrorName(left));
      frame.resize(out.pos);
      if (!frame.empty()) WRENCH_TRY(emit_sized(sealer ? sealer->seal(frame, crypto::SealTag::Message) : frame));
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }
};

BackupWriter::BackupWriter(Output output, const crypto::SealKey* key)
    : state_(std::make_unique<State>(std::move(output))) {
  if (key != nullptr) state_->sealer.emplace(*key);
}

BackupWriter::~BackupWriter() = default;

Result<void> BackupWriter::write(std::string_view content) {
  state_->content_hash.update(content);
  state_->content_bytes += content.size();
  return state_->compress(content, ZSTD_e_continue);
}

Result<BackupManifest> BackupWriter::finish(BackupManifest manifest) {
  State& s = *state_;
  WRENCH_TRY(s.compress({}, ZSTD_e_end));
  WRENCH_TRY(s.emit_sized({}));
  manifest.content_bytes = s.content_bytes;
  manifest.content_sha256 = crypto::to_hex(s.content_hash.finish());
  manifest.encrypted = s.sealer.has_value();
  const std::uint64_t manifest_at = s.written;
  const std::string json = encode_manifest(manifest);
  if (json.size() > kBackupManifestBytesMax) return Error("storage.too_big", "the backup's manifest is too large");
  WRENCH_TRY(s.emit_sized(json));
  WRENCH_TRY(s.emit_sized(s.sealer ? s.sealer->seal({}, crypto::SealTag::Last, json) : std::string()));
  const std::string digest = raw(s.file_hash.finish());
  WRENCH_TRY(s.output(digest + little_endian(manifest_at) + std::string(kBackupEndMagic)));
  return manifest;
}

}  // namespace wrench::storage
