#include "tar_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

#include "wrench/base/assert.hpp"
#include "wrench/runtime/temp_dir.hpp"

using namespace wrench;
using namespace wrench::storage;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = 512;

/// The same bytes, whose headers have the sums and the magic that belong there, as far as sizes tell where headers are.
std::string with_sums(std::string bytes) {
  for (std::size_t at = 0; at + kBlock <= bytes.size(); at += kBlock) {
    char* const header = bytes.data() + at;
    if (std::string_view(header, kBlock).find_first_not_of('\0') == std::string_view::npos) continue;
    std::string_view("ustar\0", 6).copy(header + 257, 6);
    std::string_view("        ").copy(header + 148, 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) sum += static_cast<unsigned char>(header[i]);
    std::snprintf(header + 148, 8, "%06o", sum);
    header[155] = ' ';
    unsigned long long size = 0;
    if (std::sscanf(std::string(header + 124, 11).c_str(), "%llo", &size) == 1 && size < bytes.size())
      at += (size + kBlock - 1) / kBlock * kBlock;
  }
  return bytes;
}

/// Whatever it is, it becomes files and folders below the one, with bytes that the archive has.
void unpack(std::string_view archive) {
  static const runtime::TempDir outer = std::move(*runtime::TempDir::create("wrench-fuzz"));
  const std::string folder = outer / "folder";
  fs::create_directory(folder);
  static_cast<void>(unpack_tar(MemorySource(archive), 0, archive.size(), folder, {}));
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto status = entry.symlink_status();
    WRENCH_ASSERT(fs::is_directory(status) || fs::is_regular_file(status));
    WRENCH_ASSERT((status.permissions() & ~fs::perms::owner_all) == fs::perms::none);
    if (fs::is_regular_file(status)) bytes += entry.file_size();
  }
  WRENCH_ASSERT(bytes <= archive.size());
  fs::remove_all(folder);
  WRENCH_ASSERT(fs::is_empty(outer.path()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  unpack(bytes);
  unpack(with_sums(std::string(bytes)));
  return 0;
}
