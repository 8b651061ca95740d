#include "wrench/runtime/process.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <ctime>
#include <string>
#include <string_view>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::runtime {

std::optional<ProcessFigures> process_figures(pid_t pid) {
  constexpr std::size_t kStatBytesMax = 4096;
  // Fields of proc(5), counted after the name, which may hold anything but ends with the last parenthesis.
  constexpr std::size_t kStartTime = 19, kResidentPages = 21;
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", kStatBytesMax);
  if (!stat.ok()) return std::nullopt;
  const auto name_end = stat->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = split(trim(std::string_view(*stat).substr(name_end + 1)), ' ');
  if (fields.size() <= kResidentPages) return std::nullopt;
  const auto number = [&](std::size_t field) {
    std::uint64_t value = 0;
    std::from_chars(fields[field].data(), fields[field].data() + fields[field].size(), value);
    return value;
  };
  ProcessFigures out;
  out.started_ticks = number(kStartTime);
  out.rss_bytes = number(kResidentPages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return std::nullopt;
  out.cpu_us = used.tv_sec * kMicrosPerSecond + used.tv_nsec / 1000;
  return out;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace wrench::runtime
