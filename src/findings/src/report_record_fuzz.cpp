#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wrench/findings/report_record.hpp"

// Whatever is read is written as something that reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench::findings;
  const auto report = report_from_record({reinterpret_cast<const char*>(data), size});
  if (!report.ok()) return 0;
  const std::string record = to_record(*report);
  const auto again = report_from_record(record);
  if (!again.ok() || to_record(*again) != record) std::abort();
  return 0;
}
