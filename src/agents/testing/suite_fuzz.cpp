#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wrench/agents/builtin.hpp"
#include "wrench/agents/test_suite.hpp"

/// Whatever the text: a suite, or an error with a place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrench::agents;
  static const Registry registry = [] {
    Registry all;
    for (auto* make : {make_code_analysis, make_infosec, make_inspector, make_journey, make_super})
      if (!all.add(make())) std::abort();
    return all;
  }();
  const auto suite =
      parse_test_suite(std::string_view(reinterpret_cast<const char*>(data), size), "s.yaml", "", registry);
  if (!suite && (suite.error().code != "agent.test_invalid" || suite.error().place.line < 1)) std::abort();
  return 0;
}
