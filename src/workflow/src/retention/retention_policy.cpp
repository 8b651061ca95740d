#include "wrench/workflow/retention_policy.hpp"

#include <algorithm>

#include "../settings_file.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {

using codec::YamlNode;
using settings_file::invalid;
using settings_file::only;

namespace {

constexpr std::string_view kForever = "forever";

constexpr settings_file::Format kFormat{"workflow.retention_invalid", kRetentionBytesMax, 4};

/// Leaves `into` as it is if the member isn't there.
Result<void> read_age(const YamlNode& of, std::string_view member, std::optional<Micros>& into) {
  const YamlNode* node = of.find(member);
  if (node == nullptr) return {};
  if (node->is_scalar() && node->text == kForever) {
    into.reset();
    return {};
  }
  const auto age = node->is_scalar() ? parse_duration(node->text) : Error("base.invalid_duration", "");
  if (!age || *age < kRetentionAgeMin || *age > kRetentionAgeMax)
    return invalid(*node, "this is a duration from 1s to 36500d, e.g. 90d, or forever");
  into = *age;
  return {};
}

Result<void> read_events(const YamlNode& of, RetentionPolicy& out) {
  const YamlNode* node = of.find("events");
  if (node == nullptr) return {};
  if (node->is_scalar()) return read_age(of, "events", out.events);
  WRENCH_TRY(only(*node, {"age", "count"}));
  WRENCH_TRY(read_age(*node, "age", out.events));
  const YamlNode* count = node->find("count");
  if (count == nullptr) return {};
  if (count->is_scalar() && count->text == kForever) {
    out.events_count.reset();
    return {};
  }
  const auto number = count->is_scalar() ? count->as_integer() : std::nullopt;
  if (!number || *number < 1 || *number > kEventsKeptCeiling)
    return invalid(*count, "this is a whole number from 1 to " + std::to_string(kEventsKeptCeiling) + ", or forever");
  out.events_count = *number;
  return {};
}

Result<void> read_tasks(const YamlNode& root, RetentionPolicy& out) {
  if (const YamlNode* node = root.find("tasks")) {
    if (node->is_scalar()) {
      WRENCH_TRY(read_age(root, "tasks", out.completed));
      out.failed = out.cancelled = out.completed;
    } else {
      WRENCH_TRY(only(*node, {"completed", "failed", "cancelled"}));
      WRENCH_TRY(read_age(*node, "completed", out.completed));
      WRENCH_TRY(read_age(*node, "failed", out.failed));
      WRENCH_TRY(read_age(*node, "cancelled", out.cancelled));
    }
  }
  if (const YamlNode* node = root.find("archive")) {
    const auto value = node->is_scalar() ? node->as_boolean() : std::nullopt;
    if (!value) return invalid(*node, "'archive' is true or false");
    out.archive = *value;
  }
  return {};
}

Result<void> read(const YamlNode& root, RetentionPolicy& out) {
  if (root.is_null()) return {};
  WRENCH_TRY(only(root, {"events", "streams", "messages", "memory", "tasks", "archive"}));
  WRENCH_TRY(read_tasks(root, out));
  WRENCH_TRY(read_events(root, out));
  WRENCH_TRY(read_age(root, "streams", out.streams));
  WRENCH_TRY(read_age(root, "messages", out.messages));
  return read_age(root, "memory", out.memory);
}

}  // namespace

RetentionPolicy::RetentionPolicy() : streams(kStreamKept), messages(kMessageKept) {}

Result<RetentionPolicy> RetentionPolicy::parse(std::string_view yaml, std::string file) {
  RetentionPolicy out;
  WRENCH_TRY(settings_file::read(yaml, file, kFormat, [&](const YamlNode& root) { return read(root, out); }));
  return out;
}

Micros RetentionPolicy::shortest() const {
  Micros out = kRetentionAgeMax;
  for (const auto& age : {events, streams, messages, memory, completed, failed, cancelled})
    out = std::min(out, age.value_or(kRetentionAgeMax));
  return out;
}

}  // namespace wrench::workflow
