#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "backup_file.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"

using namespace wrench;
using namespace wrench::storage;

namespace {

constexpr std::size_t kContentBytesMax = 16 << 20;

/// A file whose ends are right, with these bytes between them; the first two say where its manifest is.
std::string framed(std::string_view bytes) {
  std::string out = std::string(kBackupMagic);
  if (bytes.size() < 2) return out;
  std::uint64_t manifest_at = static_cast<std::uint8_t>(bytes[0]) * 256U + static_cast<std::uint8_t>(bytes[1]);
  out += bytes.substr(2);
  const auto digest = crypto::sha256(out);
  out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  for (int i = 0; i < 8; ++i, manifest_at >>= 8) out += static_cast<char>(manifest_at & 0xFF);
  return out + std::string(kBackupEndMagic);
}

void read(std::string_view bytes, const crypto::SealKey* key) {
  std::uint64_t got = 0;
  const auto manifest = read_backup(MemorySource(bytes), key, [&](std::string_view content) -> Result<void> {
    got += content.size();
    if (got > kContentBytesMax) return Error("fuzz.enough", "");
    return {};
  });
  if (manifest.ok()) WRENCH_ASSERT(manifest->content_bytes == got);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::SealKey key = std::move(crypto::SealKey::parse(std::string(64, '7')).value());
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const crypto::SealKey* with : {static_cast<const crypto::SealKey*>(nullptr), &key}) {
    read(bytes, with);
    read(framed(bytes), with);
  }
  return 0;
}
