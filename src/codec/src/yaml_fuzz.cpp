#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/codec/yaml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto documents = wrench::codec::parse_yaml_stream(text);
  if (documents)
    for (const auto& document : *documents) (void)wrench::codec::write_json(wrench::codec::to_json(document));
  return 0;
}
