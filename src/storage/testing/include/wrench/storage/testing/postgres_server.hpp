#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage::testing {

/// A real PostgreSQL server of its own, in a temporary folder, with fsync on. It ends with this program, however that
/// ends. One thread at a time, and the one that starts it must live as long.
class PostgresServer {
 public:
  enum class Reach {
    Loopback,    ///< 127.0.0.1 alone.
    Neighbours,  ///< Every network that this process is in, with the password.
  };
  /// Errors: postgres.not_installed, postgres.failed (with the end of its log).
  static Result<std::unique_ptr<PostgresServer>> start(Reach reach = Reach::Loopback);
  /// The one that the tests of a program share. Ends the program with a message if it can't be started.
  static PostgresServer& shared();
  ~PostgresServer();

  /// URL of a new, empty schema: a store of its own. Over a Unix socket, as the superuser.
  std::string new_schema_url();
  /// The same schema over TCP at `address`:`port` (ours if 0, or a proxy's), where the password counts.
  std::string tcp_url(std::string_view schema_url, int port = 0, std::string_view address = "127.0.0.1") const;
  int port() const { return port_; }
  /// Of the superuser, in URLs as percent escapes.
  static std::string_view password();

  /// Runs SQL as the superuser, in the schema of `schema_url` if one is given: the first value as text.
  Result<std::string> sql(const std::string& text, std::string_view schema_url = {}) const;

  enum class Stop {
    Fast,       ///< Connections are closed, everything is written.
    Immediate,  ///< As after a crash: the next start recovers from the log.
  };
  Result<void> stop(Stop how);
  Result<void> start_again();
  /// SIGKILL to the server process of this backend, which takes all connections down.
  void kill_backend(int pid) const;

 private:
  PostgresServer(runtime::TempDir dir, Reach reach) : dir_(std::move(dir)), reach_(reach) {}
  Result<void> init();
  Result<void> launch();
  Result<void> wait_until_ready();
  std::string log_tail() const;
  std::string base_url() const;

  runtime::TempDir dir_;
  Reach reach_;
  std::string bin_;  ///< Folder of its programs.
  int port_ = 0;
  pid_t pid_ = -1;
  int schemas_ = 0;
};

}  // namespace wrench::storage::testing
