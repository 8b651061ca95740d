#include <cstddef>
#include <cstdint>

#include "wrench/secrets/secret_rules.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const wrench::secrets::RuleText files[] = {{"fuzz.yaml", {reinterpret_cast<const char*>(bytes), size}}};
  std::vector<wrench::Error> errors;
  const auto rules = wrench::secrets::SecretRules::load(files, errors);
  static_cast<void>(wrench::secrets::test_rules(rules));
  return 0;
}
