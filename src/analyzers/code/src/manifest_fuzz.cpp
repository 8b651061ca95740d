#include <cstdint>
#include <string_view>

#include "wrench/code/manifest.hpp"

/// The first byte chooses the kind of manifest, the rest is its text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench;
  if (size == 0) return 0;
  const auto kind = static_cast<code::ManifestKind>(data[0] % 6);
  (void)code::read_manifest(kind, std::string_view(reinterpret_cast<const char*>(data + 1), size - 1));
  return 0;
}
