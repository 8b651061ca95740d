#include "scratch_server.hpp"

#include <libpq-fe.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "../sqlite_error.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/subprocess.hpp"

namespace wrench::storage {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
/// To write everything that it has in memory.
constexpr Micros kStopGrace = 600 * kMicrosPerSecond;
constexpr std::size_t kLogKept = 2'000;
constexpr std::uint64_t kLogBytesMax = std::uint64_t{1} << 40;
constexpr std::string_view kPort = "5432";  ///< Of its socket's name.

/// PostgreSQL refuses to run as root.
Result<const passwd*> other_user() {
  if (::geteuid() != 0) return nullptr;
  if (const passwd* user = ::getpwnam("postgres"); user != nullptr) return user;
  return Error("backup.tool_failed",
               "PostgreSQL doesn't run as root, and there is no user postgres here: do this as another user");
}

Result<void> give(const std::string& folder, const passwd& user) {
  std::error_code failed;
  const auto own = [&](const std::string& path) -> Result<void> {
    if (::lchown(path.c_str(), user.pw_uid, user.pw_gid) != 0)
      return file_error(errno_error(errno, path), "give the data directory to the user postgres");
    return {};
  };
  WRENCH_TRY(own(folder));
  for (auto it = std::filesystem::recursive_directory_iterator(folder, failed);
       !failed && it != std::filesystem::recursive_directory_iterator(); it.increment(failed))
    WRENCH_TRY(own(it->path()));
  if (failed) return Error("storage.io", "look at " + folder + ": " + failed.message());
  return {};
}

std::string percent_escaped(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-' || c == '.')
      out += c;
    else
      out.append({'%', kHex[byte >> 4U], kHex[byte & 0xFU]});
  }
  return out;
}

}  // namespace

Result<std::string> find_postgres_program(std::string_view name, const std::string& major) {
  const std::string folder = "/usr/lib/postgresql/" + major + "/bin";
  if (auto there = runtime::find_program(name, folder); there.ok()) return there;
  if (auto on_path = runtime::find_program(name); on_path.ok()) return on_path;
  return Error("runtime.program_not_found", std::string(name) + " of PostgreSQL " + major +
                                                " isn't installed; it comes with the package postgresql-" + major);
}

/// The server's process is run by a thread, which waits for its end.
struct ScratchServer::State {
  std::string sockets;
  StopSource stop;
  std::mutex mutex;
  std::string log;  ///< Its end.
  std::atomic<bool> ended{false};
  std::optional<Result<runtime::SubprocessResult>> outcome;  ///< Of the thread, read after it.
  std::thread thread;

  std::string log_tail() {
    const std::lock_guard lock(mutex);
    return escape_for_display(trim(log));
  }
  void run(const runtime::SubprocessSpec& spec) {
    const auto keep = [this](std::string_view bytes) -> Result<void> {
      const std::lock_guard lock(mutex);
      log.append(bytes);
      if (log.size() > 2 * kLogKept) log.erase(0, log.size() - kLogKept);
      return {};
    };
    outcome.emplace(runtime::run_subprocess(spec, keep, keep, stop.token()));
    ended = true;
  }
  ~State() {
    stop.request_stop();
    if (thread.joinable()) thread.join();
  }
};

ScratchServer::ScratchServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ScratchServer::ScratchServer(ScratchServer&&) noexcept = default;
ScratchServer& ScratchServer::operator=(ScratchServer&&) noexcept = default;
ScratchServer::~ScratchServer() = default;

Result<ScratchServer> ScratchServer::start(const std::string& data, const std::string& sockets,
                                           const std::string& major, Keep keep, const StopToken& stop) {
  const std::string program = WRENCH_TRY(find_postgres_program("postgres", major));
  const passwd* user = WRENCH_TRY(other_user());
  // Whoever gets in is our user: the folder is closed to others.
  const std::string access = sockets + "/access.conf", empty = sockets + "/empty.conf";
  WRENCH_TRY(runtime::write_file_atomically(access, "local all all trust\n"));
  WRENCH_TRY(runtime::write_file_atomically(empty, ""));
  runtime::SubprocessSpec spec;
  spec.program = WRENCH_TRY(runtime::find_program("setpriv"));
  spec.arguments = {"--pdeathsig", "QUIT"};
  if (user != nullptr) {
    WRENCH_TRY(give(std::filesystem::path(data).parent_path().string(), *user));
    WRENCH_TRY(give(sockets, *user));
    spec.arguments.insert(spec.arguments.end(), {"--reuid", std::to_string(user->pw_uid), "--regid",
                                                 std::to_string(user->pw_gid), "--clear-groups"});
  }
  const std::string flushes = keep == Keep::WhatItWrote ? "on" : "off";
  spec.arguments.insert(spec.arguments.end(), {program, "-D", data});
  for (const std::string& setting : {"config_file=" + empty,
                                     "hba_file=" + access,
                                     "ident_file=" + empty,
                                     std::string("listen_addresses="),
                                     "unix_socket_directories=" + sockets,
                                     std::string("unix_socket_permissions=0700"),
                                     "port=" + std::string(kPort),
                                     std::string("ssl=off"),
                                     std::string("archive_mode=off"),
                                     std::string("archive_command="),
                                     std::string("restore_command="),
                                     std::string("primary_conninfo="),
                                     std::string("shared_preload_libraries="),
                                     std::string("session_preload_libraries="),
                                     std::string("local_preload_libraries="),
                                     std::string("logging_collector=off"),
                                     std::string("log_destination=stderr"),
                                     std::string("autovacuum=off"),
                                     std::string("max_connections=20"),
                                     std::string("external_pid_file="),
                                     std::string("synchronous_standby_names="),
                                     "fsync=" + flushes,
                                     "full_page_writes=" + flushes})
    spec.arguments.insert(spec.arguments.end(), {"-c", setting});
  spec.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  spec.working_directory = "/";
  spec.stdout_bytes_max = spec.stderr_bytes_max = kLogBytesMax;
  if (keep == Keep::WhatItWrote) spec.kill_grace_us = kStopGrace;
  auto state = std::make_unique<State>();
  state->sockets = sockets;
  state->thread = std::thread([own = state.get(), spec] { own->run(spec); });
  ScratchServer server(std::move(state));
  const std::string address = "host='" + sockets + "' port=" + std::string(kPort);
  while (PQping(address.c_str()) != PQPING_OK) {
    if (stop.stop_requested()) return Error("backup.stopped", "it was stopped; nothing was kept");
    if (server.state_->ended)
      return Error("backup.tool_failed", "the restored server doesn't start: " + server.state_->log_tail());
    std::this_thread::sleep_for(kPoll);
  }
  return server;
}

Result<DatabaseUrl> ScratchServer::url(const std::string& role, const std::string& database,
                                       const std::string& schema) const {
  std::string quoted = "\"";
  for (const char c : schema) quoted += c == '"' || c == '\\' || c == ' ' ? std::string("\\") + c : std::string(1, c);
  quoted += "\"";
  return DatabaseUrl::parse("postgresql://" + percent_escaped(role) + "@" + percent_escaped(state_->sockets) + ":" +
                            std::string(kPort) + "/" + percent_escaped(database) + "?options=-csearch_path%3D" +
                            percent_escaped(quoted));
}

Result<void> ScratchServer::stop() {
  state_->stop.request_stop();
  if (state_->thread.joinable()) state_->thread.join();
  const auto& outcome = *state_->outcome;
  if (!outcome.ok()) return outcome.error();
  if (outcome->exit_code != 0)
    return Error("backup.tool_failed", "the restored server didn't end in order: " + state_->log_tail());
  return {};
}

}  // namespace wrench::storage
