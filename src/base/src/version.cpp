#include "wrench/base/version.hpp"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstring>

namespace wrench {
namespace {

std::string hex_digits(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += {kDigits[bytes[i] >> 4U], kDigits[bytes[i] & 0xFU]};
  return out;
}

/// ELF notes: a header, the owner's name and the value, the two of them padded to 4 bytes.
std::string find_build_id(const unsigned char* notes, std::size_t size) {
  const auto padded = [](std::size_t length) { return (length + 3) & ~std::size_t{3}; };
  constexpr std::string_view kOwner("GNU", 4);
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes, sizeof header);
    const std::size_t length = sizeof header + padded(header.n_namesz) + padded(header.n_descsz);
    if (length > size) break;
    const unsigned char* name = notes + sizeof header;
    const bool ours = header.n_namesz == kOwner.size() && std::memcmp(name, kOwner.data(), kOwner.size()) == 0;
    if (ours && header.n_type == NT_GNU_BUILD_ID) return hex_digits(name + padded(header.n_namesz), header.n_descsz);
    notes += length;
    size -= length;
  }
  return {};
}

std::string own_build_id() {
  std::string found;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        for (ElfW(Half) i = 0; i < object->dlpi_phnum; ++i) {
          const ElfW(Phdr)& segment = object->dlpi_phdr[i];
          if (segment.p_type != PT_NOTE) continue;
          // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives addresses as numbers.
          const auto* notes = reinterpret_cast<const unsigned char*>(object->dlpi_addr + segment.p_vaddr);
          auto& id = *static_cast<std::string*>(out);
          if (id.empty()) id = find_build_id(notes, segment.p_memsz);
        }
        return 1;  // The first object is the executable.
      },
      &found);
  return found;
}

}  // namespace

std::string_view version() { return WRENCH_VERSION; }

const std::string& build_id() {
  static const std::string id = own_build_id();
  return id;
}

}  // namespace wrench
