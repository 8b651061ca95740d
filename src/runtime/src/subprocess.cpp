#include "wrench/runtime/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "resource_usage.hpp"
#include "unique_fd.hpp"
#include "wrench/base/text.hpp"

namespace wrench::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kPipeBytes = 1 << 20;
/// How often the stop token and the deadline are looked at.
constexpr int kTickMs = 20;
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";

/// Descriptors 0 to 2 would collide with the child's own when this process runs with one of them closed.
Result<UniqueFd> above_standard(UniqueFd fd) {
  if (fd.fd() > STDERR_FILENO) return fd;
  UniqueFd moved(::fcntl(fd.fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved.valid()) return errno_error(errno, "can't duplicate a descriptor");
  return moved;
}

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error(errno, "can't make a pipe");
  Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  pipe.read = WRENCH_TRY(above_standard(std::move(pipe.read)));
  pipe.write = WRENCH_TRY(above_standard(std::move(pipe.write)));
  ::fcntl(pipe.read.fd(), F_SETPIPE_SZ, kPipeBytes);  // Fewer switches for big outputs; refusal costs speed only.
  ::fcntl(pipe.read.fd(), F_SETFL, O_NONBLOCK);
  return pipe;
}

/// The input as a file in memory: no second writer loop, no SIGPIPE when the program doesn't read it.
Result<UniqueFd> make_input(std::string_view bytes) {
  if (bytes.empty()) {
    UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null.valid()) return errno_error(errno, "can't open /dev/null");
    return above_standard(std::move(null));
  }
  UniqueFd file(::memfd_create("wrench-input", MFD_CLOEXEC));
  if (!file.valid()) return errno_error(errno, "can't make a file in memory");
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t n = ::write(file.fd(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error(errno, "can't fill a program's input");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::lseek(file.fd(), 0, SEEK_SET) != 0) return errno_error(errno, "can't rewind a program's input");
  return above_standard(std::move(file));
}

/// posix_spawn's two argument objects, destroyed together.
class SpawnSettings {
 public:
  SpawnSettings() {
    ok_ = posix_spawn_file_actions_init(&actions_) == 0;
    if (ok_ && posix_spawnattr_init(&attributes_) != 0) {
      posix_spawn_file_actions_destroy(&actions_);
      ok_ = false;
    }
  }
  ~SpawnSettings() {
    if (!ok_) return;
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int prepare(int in, int out, int err, const std::string& working_directory) {
    if (!ok_) return ENOMEM;
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    const std::array results = {
        posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO),
        posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO),
        posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO),
        // What this process itself inherited needn't be close-on-exec.
        posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1),
        working_directory.empty() ? 0 : posix_spawn_file_actions_addchdir_np(&actions_, working_directory.c_str()),
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
        posix_spawnattr_setpgroup(&attributes_, 0),
        posix_spawnattr_setsigmask(&attributes_, &none),
        posix_spawnattr_setsigdefault(&attributes_, &all),
    };
    for (const int result : results)
      if (result != 0) return result;
    return 0;
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  bool ok_ = false;
};

std::vector<char*> pointers(const std::vector<std::string>& texts, const char* first) {
  std::vector<char*> out;
  out.reserve(texts.size() + 2);
  // The C interface wants char*, and doesn't write.
  if (first != nullptr) out.push_back(const_cast<char*>(first));
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

bool has_nul(const SubprocessSpec& spec) {
  const auto nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return nul(spec.program) || nul(spec.working_directory) || std::ranges::any_of(spec.arguments, nul) ||
         std::ranges::any_of(spec.environment, nul);
}

struct Output {
  UniqueFd fd;
  const OutputSink* sink = nullptr;
  std::uint64_t bytes = 0, bytes_max = 0;
};

/// One run from spawn to the last wait. Until it is reaped the leader keeps the group's number from being reused, so
/// that signals to the group reach nobody else.
class Run {
 public:
  Run(const SubprocessSpec& spec, const StopToken& stop, const Deadline& deadline)
      : spec_(spec), stop_(stop), deadline_(deadline), started_us_(clock_.boot_us()) {}
  ~Run() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Result<void> start(const OutputSink& on_stdout, const OutputSink& on_stderr) {
    const UniqueFd input = WRENCH_TRY(make_input(spec_.input));
    Pipe out = WRENCH_TRY(make_pipe());
    Pipe err = WRENCH_TRY(make_pipe());
    SpawnSettings settings;
    int failure = settings.prepare(input.fd(), out.write.fd(), err.write.fd(), spec_.working_directory);
    if (failure == 0) {
      const std::vector<char*> argv = pointers(spec_.arguments, spec_.program.c_str());
      const std::vector<char*> envp = pointers(spec_.environment, nullptr);
      failure = ::posix_spawn(&pid_, spec_.program.c_str(), settings.actions(), settings.attributes(), argv.data(),
                              envp.data());
    }
    if (failure != 0) {
      pid_ = 0;
      std::string where = spec_.working_directory.empty() ? "" : " in " + spec_.working_directory;
      return Error("runtime.spawn_failed", "can't run " + spec_.program + where + ": " + std::strerror(failure));
    }
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    outputs_[0] = Output{std::move(out.read), &on_stdout, 0, spec_.stdout_bytes_max};
    outputs_[1] = Output{std::move(err.read), &on_stderr, 0, spec_.stderr_bytes_max};
    return {};
  }

  Result<SubprocessResult> finish() {
    buffer_.resize(kReadBytes);
    while (outputs_open() || !leader_ended_) {
      wait_for_something();
      for (Output& output : outputs_) drain(output);
      if (!leader_ended_ && leader_has_ended()) {
        leader_ended_ = true;
        // Whoever is left of the group has no business: it would keep the pipes open for as long as it likes.
        ::kill(-pid_, SIGKILL);
        give_up_us_ = clock_.boot_us() + spec_.kill_grace_us;
      }
      // A process that left the group may hold a pipe still.
      if (leader_ended_ && clock_.boot_us() >= give_up_us_) break;
      look_for_reasons_to_kill();
    }
    return reap();
  }

 private:
  bool outputs_open() const { return outputs_[0].fd.valid() || outputs_[1].fd.valid(); }

  void wait_for_something() {
    std::array<pollfd, 3> polled{};
    nfds_t count = 0;
    for (const Output& output : outputs_)
      if (output.fd.valid()) polled[count++] = pollfd{output.fd.fd(), POLLIN, 0};
    if (!leader_ended_ && pidfd_.valid()) polled[count++] = pollfd{pidfd_.fd(), POLLIN, 0};
    ::poll(polled.data(), count, pidfd_.valid() || outputs_open() ? kTickMs : 1);
  }

  void drain(Output& output) {
    // One bufferful per turn, so that a program that writes without end can't keep us from looking at the clock.
    if (!output.fd.valid()) return;
    const ssize_t n = ::read(output.fd.fd(), buffer_.data(), buffer_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      output.fd.reset();
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
    if (killed_by_ != KilledBy::Nobody) return;  // Read on only to let it end.
    const std::uint64_t room = output.bytes_max - output.bytes;
    if (bytes.size() > room) {
      bytes = bytes.substr(0, static_cast<std::size_t>(room));
      begin_kill(KilledBy::OutputLimit);
    }
    output.bytes += bytes.size();
    if (bytes.empty() || !*output.sink) return;
    Result<void> taken = (*output.sink)(bytes);
    if (taken.ok()) return;
    sink_error_ = std::move(taken);
    begin_kill(KilledBy::Sink);
  }

  bool leader_has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  }

  void look_for_reasons_to_kill() {
    if (leader_ended_) return;
    if (killed_by_ == KilledBy::Nobody) {
      if (stop_.stop_requested())
        begin_kill(KilledBy::Stop);
      else if (deadline_.passed(clock_))
        begin_kill(KilledBy::Deadline);
    } else if (!hard_killed_ && clock_.boot_us() >= kill_at_us_) {
      ::kill(-pid_, SIGKILL);
      hard_killed_ = true;
    }
  }

  void begin_kill(KilledBy cause) {
    killed_by_ = cause;
    kill_at_us_ = clock_.boot_us() + spec_.kill_grace_us;
    ::kill(-pid_, SIGTERM);
  }

  Result<SubprocessResult> reap() {
    int status = 0;
    rusage usage{};
    pid_t reaped = 0;
    do {
      reaped = ::wait4(pid_, &status, 0, &usage);
    } while (reaped < 0 && errno == EINTR);
    pid_ = 0;
    if (reaped < 0) return errno_error(errno, "can't wait for " + spec_.program);
    Usage used = usage_of(usage);
    used.children_cpu_us = cpu_us_of(usage);
    if (const auto account = UsageAccount::current()) account->book(used);
    if (!sink_error_.ok()) return std::move(sink_error_).error();
    SubprocessResult result;
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    result.killed_by = killed_by_;
    result.wall_us = clock_.boot_us() - started_us_;
    result.cpu_us = used.children_cpu_us;
    result.memory_peak_bytes = used.rss_bytes_max;
    result.stdout_bytes = outputs_[0].bytes;
    result.stderr_bytes = outputs_[1].bytes;
    return result;
  }

  const SubprocessSpec& spec_;
  const StopToken& stop_;
  const Deadline& deadline_;
  const SystemClock clock_;
  const Micros started_us_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  std::array<Output, 2> outputs_;
  std::string buffer_;
  bool leader_ended_ = false;
  Micros give_up_us_ = 0;
  KilledBy killed_by_ = KilledBy::Nobody;
  Micros kill_at_us_ = 0;
  bool hard_killed_ = false;
  Result<void> sink_error_;
};

}  // namespace

std::string_view name(KilledBy cause) {
  switch (cause) {
    case KilledBy::Nobody:
      return "nobody";
    case KilledBy::Stop:
      return "stop";
    case KilledBy::Deadline:
      return "deadline";
    case KilledBy::OutputLimit:
      return "output limit";
    case KilledBy::Sink:
      return "reader";
  }
  return "nobody";
}

Result<SubprocessResult> run_subprocess(const SubprocessSpec& spec, const OutputSink& on_stdout,
                                        const OutputSink& on_stderr, const StopToken& stop, const Deadline& deadline) {
  if (!spec.program.starts_with('/'))
    return Error("runtime.spawn_failed", "the program to run needs an absolute path: " + spec.program);
  if (has_nul(spec)) return Error("runtime.spawn_failed", "an argument for " + spec.program + " holds a NUL byte");
  if (const auto account = UsageAccount::current()) WRENCH_TRY(account->admit(spec.program));
  Run run(spec, stop, deadline);
  WRENCH_TRY(run.start(on_stdout, on_stderr));
  return run.finish();
}

Result<CapturedOutput> capture_subprocess(const SubprocessSpec& spec, const StopToken& stop, const Deadline& deadline) {
  CapturedOutput captured;
  const auto keep = [](std::string& into) {
    return [&into](std::string_view bytes) -> Result<void> {
      into.append(bytes);
      return {};
    };
  };
  captured.result = WRENCH_TRY(run_subprocess(spec, keep(captured.out), keep(captured.err), stop, deadline));
  return captured;
}

Result<std::string> find_program(std::string_view program_name, std::string_view path_variable) {
  if (program_name.empty() || program_name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos)
    return Error("runtime.program_not_found", "not the name of a program: " + escape_for_display(program_name));
  for (const std::string_view folder : split(path_variable, ':')) {
    if (!folder.starts_with('/')) continue;
    std::string candidate = std::string(folder) + "/" + std::string(program_name);
    struct stat status{};
    if (::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return Error("runtime.program_not_found", "no program " + std::string(program_name) + " in PATH");
}

Result<std::string> find_program(std::string_view program_name) {
  const char* path = std::getenv("PATH");
  return find_program(program_name, path != nullptr ? std::string_view(path) : kDefaultPath);
}

}  // namespace wrench::runtime
