#include "wrench/storage/testing/postgres_server.hpp"

#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/subprocess.hpp"

namespace wrench::storage::testing {
namespace {

constexpr std::string_view kUser = "wrench_test";
constexpr std::chrono::milliseconds kPoll{10};
constexpr std::chrono::seconds kStartMax{60};
constexpr int kPortTries = 5;
constexpr std::size_t kLogBytesMax = 16 * 1024 * 1024;

/// The newest of /usr/lib/postgresql/*/bin, where Debian puts the server's programs.
std::optional<std::string> find_server_programs() {
  namespace fs = std::filesystem;
  std::error_code none;
  std::optional<std::string> best;
  int best_version = 0;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (version <= best_version || !fs::exists(entry.path() / "bin/initdb", none)) continue;
    best_version = version;
    best = entry.path() / "bin";
  }
  return best;
}

/// PostgreSQL refuses to run as root.
const passwd* other_user() {
  if (::geteuid() != 0) return nullptr;
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* user = ::getpwnam(name); user != nullptr) return user;
  return nullptr;
}

/// The command as the user that may run it; it dies with us.
std::vector<std::string> as_its_user(std::vector<std::string> command) {
  std::vector<std::string> out = {runtime::find_program("setpriv").value(), "--pdeathsig", "QUIT"};
  if (const passwd* user = other_user(); user != nullptr) {
    const std::string uid = std::to_string(user->pw_uid);
    const std::string gid = std::to_string(user->pw_gid);
    out.insert(out.end(), {"--reuid", uid, "--regid", gid, "--clear-groups"});
  }
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int port = 0;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    port = ntohs(address.sin_port);
  ::close(fd);
  return port;
}

std::string schema_of(std::string_view url) {
  const std::size_t at = url.find("search_path%3D");
  return at == std::string_view::npos ? "public" : std::string(url.substr(at + 14));
}

}  // namespace

std::string_view PostgresServer::password() { return "p%40ss%2Fw%3Aord"; }

Result<std::unique_ptr<PostgresServer>> PostgresServer::start(Reach reach) {
  const std::optional<std::string> bin = find_server_programs();
  if (!bin) return Error("postgres.not_installed", "no PostgreSQL server here: scripts/setup.sh test installs it");
  std::unique_ptr<PostgresServer> server(new PostgresServer(WRENCH_TRY(runtime::TempDir::create("wrench-pg")), reach));
  server->bin_ = *bin;
  WRENCH_TRY(server->init());
  for (int tries = 1;; ++tries) {
    server->port_ = free_port();
    Result<void> up = server->launch();
    if (up.ok()) return server;
    if (tries == kPortTries) return std::move(up).error();
  }
}

PostgresServer& PostgresServer::shared() {
  static const std::unique_ptr<PostgresServer> server = [] {
    Result<std::unique_ptr<PostgresServer>> started = start();
    if (!started.ok()) {
      std::fprintf(stderr, "%s\n", describe(started.error()).c_str());
      std::exit(1);
    }
    return std::move(started).value();
  }();
  return *server;
}

Result<void> PostgresServer::init() {
  WRENCH_TRY(runtime::write_file_atomically(dir_ / "password", "p@ss/w:ord\n"));
  if (const passwd* user = other_user(); user != nullptr)
    for (const std::string& path : {dir_.path(), dir_ / "password"})
      if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return errno_error(errno, path);
  const std::vector<std::string> command =
      as_its_user({bin_ + "/initdb", "-D", dir_ / "data", "-U", std::string(kUser), "--pwfile", dir_ / "password",
                   "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "-N"});
  runtime::SubprocessSpec spec;
  spec.program = command.front();
  spec.arguments.assign(command.begin() + 1, command.end());
  spec.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  spec.working_directory = "/";
  const runtime::CapturedOutput output = WRENCH_TRY(runtime::capture_subprocess(spec));
  if (!output.result.succeeded()) return Error("postgres.failed", "initdb: " + output.out + output.err);
  if (reach_ == Reach::Loopback) return {};
  std::ofstream(dir_ / "data/pg_hba.conf", std::ios::app) << "host all all samenet scram-sha-256\n";
  return {};
}

Result<void> PostgresServer::launch() {
  std::vector<std::string> command = as_its_user({bin_ + "/postgres", "-D", dir_ / "data"});
  const std::vector<std::string> settings = {
      "port=" + std::to_string(port_),
      reach_ == Reach::Loopback ? "listen_addresses=127.0.0.1" : "listen_addresses=*",
      "unix_socket_directories=" + dir_.path(),
      "fsync=on",
      "max_connections=40",
      "shared_buffers=32MB",
      "autovacuum_naptime=5s",
      "log_min_messages=warning"};
  for (const std::string& setting : settings) command.insert(command.end(), {"-c", setting});
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const std::string log = dir_ / "log";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  std::string path = "PATH=/usr/bin:/bin";
  std::string language = "LC_ALL=C.UTF-8";
  char* environment[] = {path.data(), language.data(), nullptr};
  const int failed = ::posix_spawn(&pid_, arguments.front(), &files, nullptr, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return errno_error(failed, command.front());
  return wait_until_ready();
}

Result<void> PostgresServer::wait_until_ready() {
  const auto end = std::chrono::steady_clock::now() + kStartMax;
  while (PQping(base_url().c_str()) != PQPING_OK) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return Error("postgres.failed", "the server ended at once: " + log_tail());
    }
    if (std::chrono::steady_clock::now() > end) return Error("postgres.failed", "it doesn't start: " + log_tail());
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

std::string PostgresServer::log_tail() const {
  constexpr std::size_t kShown = 2000;
  const std::string log = runtime::read_file(dir_ / "log", kLogBytesMax).value_or("no log");
  return log.substr(log.size() - std::min(log.size(), kShown));
}

std::string PostgresServer::base_url() const {
  std::string folder;
  for (const char c : dir_.path()) folder += c == '/' ? std::string("%2F") : std::string(1, c);
  return "postgresql://" + std::string(kUser) + "@" + folder + ":" + std::to_string(port_) + "/postgres";
}

std::string PostgresServer::new_schema_url() {
  const std::string name = "s" + std::to_string(++schemas_);
  if (const Result<std::string> made = sql("CREATE SCHEMA " + name); !made.ok())
    std::fprintf(stderr, "%s\n", describe(made.error()).c_str());
  return base_url() + "?options=-csearch_path%3D" + name;
}

std::string PostgresServer::tcp_url(std::string_view schema_url, int port, std::string_view address) const {
  return "postgresql://" + std::string(kUser) + ":" + std::string(password()) + "@" + std::string(address) + ":" +
         std::to_string(port == 0 ? port_ : port) + "/postgres?options=-csearch_path%3D" + schema_of(schema_url);
}

Result<std::string> PostgresServer::sql(const std::string& text, std::string_view schema_url) const {
  const std::string url = schema_url.empty() ? base_url() : std::string(schema_url);
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  const std::unique_ptr<PGconn, Finish> connection(PQconnectdb(url.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) return Error("postgres.failed", PQerrorMessage(connection.get()));
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, Clear> result(PQexec(connection.get(), text.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK) return std::string();
  if (status != PGRES_TUPLES_OK) return Error("postgres.failed", text + ": " + PQerrorMessage(connection.get()));
  if (PQntuples(result.get()) == 0) return std::string();
  return std::string(PQgetvalue(result.get(), 0, 0));
}

Result<void> PostgresServer::stop(Stop how) {
  if (pid_ <= 0) return {};
  // Signals of the postmaster (PostgreSQL documentation, 19.5).
  ::kill(pid_, how == Stop::Fast ? SIGINT : SIGQUIT);
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, 0);
  if (ended != pid_) return errno_error(errno, "wait for the server");
  pid_ = -1;
  return {};
}

Result<void> PostgresServer::start_again() { return launch(); }

void PostgresServer::kill_backend(int pid) const { ::kill(pid, SIGKILL); }

PostgresServer::~PostgresServer() {
  if (const Result<void> stopped = stop(Stop::Immediate); !stopped.ok())
    std::fprintf(stderr, "%s\n", describe(stopped.error()).c_str());
}

}  // namespace wrench::storage::testing
