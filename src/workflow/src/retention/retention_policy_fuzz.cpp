#include "wrench/workflow/retention_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wrench/base/assert.hpp"

using namespace wrench::workflow;

/// Whatever is read keeps to the limits, and whatever isn't says where.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy =
      RetentionPolicy::parse(std::string_view(reinterpret_cast<const char*>(data), size), "retention.yaml");
  if (!policy) {
    WRENCH_ASSERT(policy.error().code == "workflow.retention_invalid" && policy.error().place.line >= 1 &&
                  policy.error().place.column >= 1 && !policy.error().message.empty());
    return 0;
  }
  for (const auto& age : {policy->events, policy->streams, policy->messages, policy->memory, policy->completed,
                          policy->failed, policy->cancelled})
    WRENCH_ASSERT(!age || (*age >= kRetentionAgeMin && *age <= kRetentionAgeMax));
  WRENCH_ASSERT(!policy->events_count || (*policy->events_count >= 1 && *policy->events_count <= kEventsKeptCeiling));
  WRENCH_ASSERT(policy->shortest() >= kRetentionAgeMin);
  return 0;
}
