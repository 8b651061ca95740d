#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wrench/findings/baseline.hpp"

// A baseline that was read must match at most as many findings as it holds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench::findings;
  const auto baseline = Baseline::read({reinterpret_cast<const char*>(data), size});
  if (!baseline.ok()) return 0;
  std::vector<Finding> findings(2);
  findings[0].fingerprint = "wf1-00000000000000000000000000000000";
  findings[1].move_fingerprint = "wm1-00000000000000000000000000000000";
  const BaselineDiff diff = baseline->diff(findings);
  if (diff.matched + diff.fixed > baseline->size()) std::abort();
  return 0;
}
