#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/net/request_head.hpp"

namespace wrench::net {

/// A request as its handler gets it. It owns the bytes that its head views, so it can't be moved.
struct Request {
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  RequestHead head;
  std::string body;
  std::string peer;   ///< Address of the other side, without port: "127.0.0.1", "::1".
  std::string bytes;  ///< What the head views.
};

struct Response {
  int status = 200;
  std::string content_type;  ///< Empty: there is no body.
  std::string body;
  /// Others than those of the connection, of length, date and type. A name that is no token or a value with a control
  /// character makes it an answer of status 500: nobody may write a line of the head by way of a value.
  std::vector<std::pair<std::string, std::string>> fields;
  bool close = false;  ///< The connection, after this.
};

/// How the standard calls it ("Not Found"); "Status" for one that it doesn't know.
std::string_view reason(int status);

/// A document of type application/problem+json (RFC 9457). `row`: of the request gate, if that refused. The texts are
/// of this program: they are written as they are.
Response problem(int status, std::string_view code, std::string_view detail, std::string_view row = "");

/// The way back to who asked. Call it once, on any thread; nothing more happens if the other side is gone by then.
/// Whoever drops it answers with status 500.
class Reply {
 public:
  using Sink = std::function<void(Response)>;
  explicit Reply(Sink sink) : sink_(std::move(sink)) {}
  ~Reply();
  Reply(Reply&& other) noexcept : sink_(std::exchange(other.sink_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  void operator()(Response response) { std::exchange(sink_, nullptr)(std::move(response)); }

 private:
  Sink sink_;
};

}  // namespace wrench::net
