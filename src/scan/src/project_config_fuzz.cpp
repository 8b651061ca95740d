#include <cstddef>
#include <cstdint>

#include "file_outcome.hpp"
#include "wrench/scan/project_config.hpp"

// The two readers of this module: a project's configuration, and a cached outcome.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(wrench::scan::parse_project_config(input).ok());
  static_cast<void>(wrench::scan::outcome_from_record(input).ok());
  return 0;
}
