#include "step_meter.hpp"

#include <utility>

namespace wrench::workflow {

StepMeter::StepMeter(std::shared_ptr<runtime::UsageAccount> account)
    : account_(std::move(account)),
      scope_(std::make_unique<runtime::UsageScope>(account_)),
      began_(std::chrono::steady_clock::now()) {}

StepMeter::Measured StepMeter::end(Job& job) {
  scope_.reset();
  const auto took = std::chrono::steady_clock::now() - began_;
  const Measured out{std::chrono::duration_cast<std::chrono::microseconds>(took).count(), account_->total()};
  const bool much = out.used.cpu_us >= kUsageJournaledCpu || out.used.children_cpu_us > 0 ||
                    out.used.read_bytes + out.used.written_bytes >= kUsageJournaledBytes;
  auto* command = std::get_if<Command>(&job.work);
  auto* outcome = command == nullptr ? nullptr : std::get_if<command::Outcome>(command);
  if (outcome != nullptr) outcome->cpu_us = out.used.cpu_us + out.used.children_cpu_us;
  if (outcome != nullptr && much) outcome->usage_json = usage_json(out.used);
  return out;
}

std::string usage_json(const runtime::Usage& used) {
  return "{\"cpu_ms\":" + std::to_string(used.cpu_us / kMicrosPerMs) +
         ",\"children_cpu_ms\":" + std::to_string(used.children_cpu_us / kMicrosPerMs) +
         ",\"rss_bytes_max\":" + std::to_string(used.rss_bytes_max) +
         ",\"read_bytes\":" + std::to_string(used.read_bytes) +
         ",\"written_bytes\":" + std::to_string(used.written_bytes) + "}";
}

}  // namespace wrench::workflow
