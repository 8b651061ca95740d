#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backup_source.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/crypto/sealed_stream.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// The form of a .wbk file (docs/reference/backup.md):
///
///   "WRNCWBK1"
///   frames: u32 length n, n bytes; the last one has n = 0
///   manifest: u32 length, JSON
///   seal: u32 length, bytes; empty unless encrypted
///   SHA-256 of everything before
///   u64 offset of the manifest's length
///   "WRNCEND1"
///
/// Numbers are little-endian. The frames together are one zstd stream, whose content is that of the store; encrypted,
/// the first one is the header of a sealed stream, each other one a message of it, and the seal its last message, which
/// is empty and binds the manifest.
inline constexpr std::string_view kBackupMagic = "WRNCWBK1";
inline constexpr std::string_view kBackupEndMagic = "WRNCEND1";
inline constexpr std::size_t kBackupDigestBytes = 32;
inline constexpr std::size_t kBackupTailBytes = kBackupDigestBytes + 8 + kBackupEndMagic.size();
/// Of zstd's output in one frame.
inline constexpr std::size_t kBackupFrameBytes = 256 * 1024;
inline constexpr std::size_t kBackupFrameBytesMax = kBackupFrameBytes + crypto::kSealOverheadBytes;
/// zstd's window, as a power of two: what a reader may be made to hold.
inline constexpr int kBackupWindowLogMax = 23;

std::string encode_manifest(const BackupManifest& manifest);
/// Errors: backup.damaged.
Result<BackupManifest> decode_manifest(std::string_view json);

/// Where what was restored isn't what the manifest tells, one line each.
std::vector<std::string> differences(const BackupManifest& manifest, const BackupManifest& found);

/// Manifest and digest, from the end of the file; the rest isn't looked at. Errors: backup.damaged, storage.io.
struct BackupEnd {
  BackupManifest manifest;
  std::string digest;  ///< Raw.
};
Result<BackupEnd> read_backup_end(const BackupSource& source);

/// Everything, checked: each byte of the file is covered by its digest, the content by the manifest's. `sink` gets the
/// content piece by piece; only success says that it is right. Errors: backup.damaged, backup.key_needed,
/// backup.wrong_key, backup.stopped, storage.io, and the sink's.
using BackupSink = std::function<Result<void>(std::string_view content)>;
Result<BackupManifest> read_backup(const BackupSource& source, const crypto::SealKey* key, const BackupSink& sink,
                                   const StopToken& stop = {});

/// `refusal` follows from what the manifest says: that is believed only of a file that is as it was written. Of another
/// one backup.damaged. Reads all of it.
Error unless_damaged(const BackupSource& source, Error refusal);
/// The same of a file; the error names it.
Error unless_damaged(const BackupFile& backup, Error refusal);

/// Makes a backup's bytes. One thread.
class BackupWriter {
 public:
  using Output = std::function<Result<void>(std::string_view bytes)>;
  /// `key`: null for a plain one; may go after the constructor. `output` gets the file's bytes in order.
  BackupWriter(Output output, const crypto::SealKey* key);
  ~BackupWriter();
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  Result<void> write(std::string_view content);
  /// `manifest` without what the writer knows: content_bytes, content_sha256, encrypted. Gives it back with them.
  Result<BackupManifest> finish(BackupManifest manifest);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::storage
