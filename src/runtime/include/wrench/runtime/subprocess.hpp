#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::runtime {

inline constexpr Micros kSubprocessKillGrace = 2 * kMicrosPerSecond;
inline constexpr std::uint64_t kSubprocessStdoutBytesMax = std::uint64_t{16} << 30;
inline constexpr std::uint64_t kSubprocessStderrBytesMax = std::uint64_t{1} << 20;

/// Gets a program's output piece by piece, on the thread of run_subprocess(). An Error ends the program.
using OutputSink = std::function<Result<void>(std::string_view bytes)>;

/// What to run. Never a shell: `arguments` reach the program as they are.
struct SubprocessSpec {
  std::string program;                   ///< Absolute path, see find_program().
  std::vector<std::string> arguments;    ///< Without argv[0].
  std::vector<std::string> environment;  ///< "NAME=value"; all the program gets, nothing is inherited.
  std::string working_directory;         ///< Empty: ours.
  std::string input;                     ///< Its standard input; then end of file.
  std::uint64_t stdout_bytes_max = kSubprocessStdoutBytesMax;
  std::uint64_t stderr_bytes_max = kSubprocessStderrBytesMax;
  Micros kill_grace_us = kSubprocessKillGrace;  ///< Between SIGTERM and SIGKILL.
};

enum class KilledBy : std::uint8_t { Nobody, Stop, Deadline, OutputLimit, Sink };
std::string_view name(KilledBy cause);

struct SubprocessResult {
  int exit_code = -1;  ///< -1 when a signal ended it.
  int signal = 0;      ///< 0 when it exited.
  KilledBy killed_by = KilledBy::Nobody;
  Micros wall_us = 0, cpu_us = 0;
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t stdout_bytes = 0, stderr_bytes = 0;
  bool succeeded() const { return exit_code == 0 && killed_by == KilledBy::Nobody; }
};

/// Runs a program to its end in a process group of its own and returns when no process of that group is left.
/// On stop, deadline, output over its limit or an Error of a sink the group gets SIGTERM, after the grace SIGKILL.
/// A sink's Error is returned; the other causes are in `killed_by`. Processes that outlive the program are killed.
/// Blocks; call it on a pool thread. Thread-safe.
/// Error codes: runtime.spawn_failed, io.*.
Result<SubprocessResult> run_subprocess(const SubprocessSpec& spec, const OutputSink& on_stdout,
                                        const OutputSink& on_stderr, const StopToken& stop = {},
                                        const Deadline& deadline = {});

struct CapturedOutput {
  SubprocessResult result;
  std::string out, err;
};
/// run_subprocess() with the output kept: at most the two byte limits of `spec`.
Result<CapturedOutput> capture_subprocess(const SubprocessSpec& spec, const StopToken& stop = {},
                                          const Deadline& deadline = {});

/// Absolute path of an executable file in the folders of `path_variable` (the text of a PATH variable). Relative
/// folders in it are skipped: the current folder may belong to somebody else.
/// Error code: runtime.program_not_found.
Result<std::string> find_program(std::string_view program_name, std::string_view path_variable);
/// The same with this process's own PATH, or the system's default one if that isn't set.
Result<std::string> find_program(std::string_view program_name);

}  // namespace wrench::runtime
