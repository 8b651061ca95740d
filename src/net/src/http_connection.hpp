#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/net/chunk_decoder.hpp"
#include "wrench/net/http.hpp"
#include "wrench/net/server.hpp"

namespace wrench::net {

/// What one connection has to do next, without any socket: bytes come in, requests go out to whoever serves them,
/// answers come in, bytes go out. Requests are served one after the other. Times are boot times.
class HttpConnection {
 public:
  /// `admit`, `rules`, `limits` must outlive it.
  HttpConnection(const GateRules& rules, const Admit& admit, const ConnectionLimits& limits, std::string peer,
                 Micros now);

  /// Bytes that came. Those that don't fit are refused by wants_bytes() beforehand.
  void received(std::string_view bytes, Micros now);
  /// The other side sends nothing more.
  void ended();
  /// A request that is complete and nobody serves yet; then reply() has to follow.
  std::unique_ptr<Request> next_request() { return std::move(complete_); }
  /// `date`: of the field Date.
  void reply(const Response& response, std::string_view date, Micros now);

  /// What is to be sent; sent() takes off the front.
  std::string_view output() const { return std::string_view(output_).substr(sent_); }
  void sent(std::size_t bytes, Micros now);

  /// Whether received() may be called.
  bool wants_bytes() const;
  /// It is to be closed now.
  bool is_over() const { return at_ == At::Over; }
  /// No more is to be sent: the sending half may be shut down, and what comes is thrown away.
  bool is_draining() const { return at_ == At::Draining && output().empty(); }
  /// Between two requests.
  bool is_idle() const { return at_ == At::Head && input_.empty() && output().empty(); }
  /// Some limit of time ended it.
  bool was_too_slow() const { return too_slow_; }
  /// Answers that are sent from now on are the last of the connection.
  void close_after_reply() { last_ = true; }
  /// Whoever runs it asks now and then; refuses or closes what takes too long.
  void look_at_time(std::string_view date, Micros now);

 private:
  enum class At : std::uint8_t { Head, Length, Chunks, Served, Draining, Over };

  void go_on(Micros now);
  void read_head(Micros now);
  void read_body(Micros now);
  void begin_request(HeadScanner::Complete complete, Micros now);
  void finish_request();
  void give_up(const char* why, Micros now);
  void answer_early(const Response& response, Micros now);
  void write(const Response& response, bool closes);

  const GateRules& rules_;
  const Admit& admit_;
  const ConnectionLimits& limits_;
  const std::string peer_;
  At at_ = At::Head;
  bool last_ = false, ended_ = false, head_only_ = false, closes_ = false, too_slow_ = false;
  HeadScanner scanner_;
  std::optional<ChunkDecoder> chunks_;
  std::unique_ptr<Request> request_;  ///< Whose body is being read.
  std::unique_ptr<Request> complete_;
  std::string input_, output_, date_;
  std::size_t sent_ = 0;
  std::uint64_t left_ = 0;  ///< Of the body.
  std::size_t discarded_ = 0;
  int requests_ = 0;
  Micros since_;                  ///< Of what it waits for: the head, the drain, or the next request.
  Micros rate_since_ = 0;         ///< Body: where the present window of its rate began,
  std::uint64_t rate_bytes_ = 0;  ///< and what has come in it.
  Micros stalled_since_ = 0;      ///< Output: when a byte was last accepted.
};

}  // namespace wrench::net
