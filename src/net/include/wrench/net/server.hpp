#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/net/http.hpp"

namespace wrench::net {

/// When a connection has taken too long, or too much. Slow ones are what it costs least to attack with.
struct ConnectionLimits {
  Micros head_us = 10 * kMicrosPerSecond;         ///< From the first byte of a request, or the accept, to its head.
  Micros idle_us = 75 * kMicrosPerSecond;         ///< Between two requests.
  Micros rate_window_us = 5 * kMicrosPerSecond;   ///< Of a body; the first one is a grace.
  std::uint64_t rate_bytes = 5 * 1024;            ///< At least, in a window.
  Micros write_stall_us = 10 * kMicrosPerSecond;  ///< Without a byte that the other side accepts.
  Micros drain_us = kMicrosPerSecond;             ///< After a refusal, for the other side to read it.
  std::size_t drain_bytes = 64 * 1024;            ///< Thrown away meanwhile.
  int requests_max = 10'000;                      ///< Of one connection.
};

/// What is decided when only the head of a request is there, on the server's thread: it must be quick.
struct Admission {
  std::uint64_t body_bytes_max = 0;
  std::optional<Response> refusal;  ///< Instead of reading the body.
};
using Admit = std::function<Admission(const RequestHead& head, const std::string& peer)>;
/// Called on the server's thread: hands over what takes time. Keeps the request as long as it looks at it.
using Handler = std::function<void(std::unique_ptr<Request> request, Reply reply)>;

struct ServerConfig {
  std::string address = "127.0.0.1";  ///< Numeric, IPv4 or IPv6.
  std::uint16_t port = 0;             ///< 0: any that is free.
  ConnectionLimits limits;
  std::size_t connections_max = 4096;       ///< Beyond it the longest idle one is closed, or the new one refused.
  std::size_t connections_per_peer = 1000;  ///< Loopback addresses have none.
  GateRules rules;
};

/// Serves HTTP/1.1 on one address with one thread that never waits for anything but its sockets (epoll). Thread-safe.
class Server {
 public:
  /// Errors: net.address (it is none, or not of this machine), net.in_use, net.io. `clock` must outlive it.
  static Result<std::unique_ptr<Server>> start(ServerConfig config, Admit admit, Handler handler, const Clock& clock);
  virtual ~Server() = default;  ///< Closes what is still open.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  virtual std::uint16_t port() const = 0;
  /// Accepts no more, closes what is idle, answers what was asked. True if all of it was closed in time.
  virtual bool drain(Micros within_us) = 0;

  struct Stats {
    std::size_t open = 0;
    std::uint64_t accepted = 0, requests = 0;
    std::uint64_t refused = 0;    ///< Connections, for want of room.
    std::uint64_t timed_out = 0;  ///< Connections that took too long.
  };
  virtual Stats stats() const = 0;

 protected:
  Server() = default;
};

}  // namespace wrench::net
