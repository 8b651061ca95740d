#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/playbook.hpp"

namespace {

wrench::workflow::CapabilityCatalogue catalogue() {
  using wrench::codec::Json;
  wrench::workflow::CapabilityCatalogue out;
  const Json closed =
      Json::object({{"properties", Json::object({{"report", Json::object()}, {"tree", Json::object()}})},
                    {"required", Json::array({"tree"})},
                    {"additionalProperties", false}});
  out.add({"scanner", "scan", 1, "", closed, closed});
  out.add({"scanner", "fix", 1, "", Json(), Json()});
  out.add({"a", "b", 1, "", Json(), Json()});
  return out;
}

}  // namespace

/// Whatever compiles has only expressions that parse: the engine never meets one that doesn't.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench::workflow;
  static const CapabilityCatalogue known = catalogue();
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const auto on_missing : {OnMissing::Error, OnMissing::Manual}) {
    PlaybookOptions options;
    options.on_missing = on_missing;
    const auto compiled = compile_playbook(text, known, options);
    if (compiled.playbook.has_value() == !compiled.problems.empty()) std::abort();
    for (const auto& problem : compiled.problems)
      if (problem.place.line < 1 || problem.place.column < 1) std::abort();
    if (!compiled.playbook) continue;
    for (const auto& node : compiled.playbook->plan.at("nodes").as_array())
      if (node.at("when").is_string() && !Expression::parse(node.at("when").as_string()).ok()) std::abort();
    static_cast<void>(bind_inputs(*compiled.playbook, wrench::codec::Json::object({{"tree", "x"}})));
  }
  return 0;
}
