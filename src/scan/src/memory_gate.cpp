#include "memory_gate.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "wrench/runtime/atomic_file.hpp"

namespace wrench::scan {
namespace {

constexpr std::uint64_t kSoftMaxBytes = std::uint64_t{4} << 30;
constexpr std::uint32_t kLookEvery = 16;  // Files: asking the kernel costs some microseconds.

std::optional<std::uint64_t> number_in(const char* path, std::size_t field) {
  const auto text = runtime::read_file(path, 4096);
  if (!text.ok()) return std::nullopt;
  std::string_view rest = *text;
  for (; field > 0; --field) {
    const auto space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  std::uint64_t value = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::uint64_t resident_bytes() {
  return number_in("/proc/self/statm", 1).value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t usable_memory_bytes() {
  auto bytes =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const auto limit = number_in(path, 0)) bytes = std::min(bytes, *limit);
  return bytes;
}

MemoryGate::MemoryGate(std::uint64_t soft_max_bytes, std::size_t in_flight_max)
    : soft_max_bytes_(soft_max_bytes != 0 ? soft_max_bytes : std::min(kSoftMaxBytes, usable_memory_bytes() / 10 * 7)),
      in_flight_max_(std::max<std::size_t>(in_flight_max, 1)) {}

void MemoryGate::look() {
  over_ = resident_bytes() > soft_max_bytes_;
  if (over_ && in_flight_max_ > 1) in_flight_max_ /= 2;
}

MemoryGate::Turn MemoryGate::enter(const StopToken& stop) {
  std::unique_lock lock(mutex_);
  if (entered_++ % kLookEvery == 0 || over_) look();
  while (in_flight_ >= in_flight_max_ && !stop.stop_requested()) changed_.wait_for(lock, std::chrono::milliseconds(50));
  if (over_ && in_flight_max_ == 1) {
    look();
    if (over_) return {this, false};
  }
  ++in_flight_;
  return {this, true};
}

void MemoryGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    --in_flight_;
  }
  changed_.notify_one();
}

}  // namespace wrench::scan
