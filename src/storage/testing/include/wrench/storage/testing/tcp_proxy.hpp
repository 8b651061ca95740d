#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::storage::testing {

/// Stands between clients and a server on 127.0.0.1 and does what networks do, at the worst moment. Thread-safe.
class TcpProxy {
 public:
  static Result<std::unique_ptr<TcpProxy>> start(int server_port);
  ~TcpProxy();
  int port() const { return port_; }

  enum class Cut {
    Before,  ///< The server never gets the bytes.
    After,   ///< The server gets them, the client never its answer.
    Hold,    ///< The client is cut off; the server gets the bytes with release(), or its end of connection with drop().
  };
  /// Cuts the connection whose client next sends bytes with `text` in them.
  void cut_at(std::string text, Cut how);
  int cuts() const { return cuts_.load(); }
  void release();
  void drop();
  /// New connections are closed at once, as with a server that is away; the present ones with `all`.
  enum class Present { Keep, Close };
  void refuse(Present present);
  void accept_again();
  /// What the server says to clients: each `from` becomes `to`, of the same length.
  void rewrite_answers(std::string from, std::string to);
  /// The next time a server answers a command with this tag ("COMMIT"), the client gets that answer, then word that the
  /// server goes down, and then the end of the connection.
  void end_after_answer(std::string tag);
  /// As connection poolers do: another number of the backend in BackendKeyData than the server's.
  void invent_backend_pids();

 private:
  struct Pair {
    int client = -1;
    int server = -1;
    std::string held;
    bool greeted = false;
  };
  TcpProxy() = default;
  void run();
  void accept_one();
  void forward(Pair& pair, bool from_client);
  void from_client(Pair& pair, std::string bytes);
  void from_server(Pair& pair, std::string bytes);
  static void close_client(Pair& pair);
  static void close_both(Pair& pair);
  static void send_all(int fd, std::string_view bytes);

  int listener_ = -1;
  int port_ = 0;
  int server_port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> cuts_{0};
  std::mutex mutex_;
  std::list<Pair> pairs_;
  struct Wanted {
    std::string text;
    Cut how;
  };
  std::optional<Wanted> wanted_;
  std::vector<std::pair<std::string, std::string>> rewrites_;
  std::optional<std::string> last_answer_;
  bool refusing_ = false;
  bool invents_pids_ = false;
  std::thread thread_;
};

}  // namespace wrench::storage::testing
