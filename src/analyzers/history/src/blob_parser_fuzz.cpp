#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "blob_parser.hpp"

// What is held and what is told never exceed the limit, and cutting the input changes nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using wrench::Result;
  using wrench::history::BlobParser;
  constexpr std::uint64_t kBytesMax = 64;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0];
  const auto bytes_of = [&](std::size_t step, std::size_t& objects) {
    BlobParser parser(kBytesMax);
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < text.size(); at += step) {
      const auto done = parser.feed(text.substr(at, step), [&](const BlobParser::Object& object) -> Result<void> {
        if (object.bytes.size() > kBytesMax || (!object.is_blob && !object.bytes.empty())) std::abort();
        ++objects;
        for (const char c : object.bytes) sum = sum * 31 + static_cast<unsigned char>(c);
        return {};
      });
      if (!done.ok()) break;
    }
    return sum;
  };
  std::size_t whole_objects = 0, cut_objects = 0;
  const auto whole = bytes_of(text.size() + 1, whole_objects);
  const auto cut = bytes_of(piece, cut_objects);
  if (whole != cut || whole_objects != cut_objects) std::abort();
  return 0;
}
