#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wrench/secrets/secret_scanner.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static wrench::secrets::SecretScanner scanner(wrench::secrets::SecretRules::builtin());
  const auto text = wrench::source::make_source_text("f", "f", std::string(reinterpret_cast<const char*>(bytes), size));
  for (const auto& finding : scanner.scan(text).findings)
    if (finding.where.end.offset > text.text.size() || finding.where.start.offset >= finding.where.end.offset)
      std::abort();
  return 0;
}
