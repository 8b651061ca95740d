#include "http_connection.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "characters.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::net {
namespace {

constexpr std::size_t kReadAheadMax = 16 * 1024;  ///< Bytes kept while a request is being served.

bool is_writable(const Response& response) {
  const auto is_value = [](std::string_view text) { return all(text, kValue); };
  return is_value(response.content_type) && std::ranges::all_of(response.fields, [&](const auto& field) {
           return !field.first.empty() && all(field.first, kToken) && is_value(field.second);
         });
}

Response answer_to(const Refusal& refusal) {
  Response out = problem(refusal.status, refusal.code, refusal.message, refusal.row);
  if (refusal.status == 405) out.fields.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  return out;
}

}  // namespace

HttpConnection::HttpConnection(const GateRules& rules, const Admit& admit, const ConnectionLimits& limits,
                               std::string peer, Micros now)
    : rules_(rules), admit_(admit), limits_(limits), peer_(std::move(peer)), since_(now) {}

bool HttpConnection::wants_bytes() const {
  if (at_ == At::Over || ended_) return false;
  if (at_ == At::Draining) return true;
  // While an answer goes out slowly, or a request is being served, only so much of the next ones is taken.
  return (at_ != At::Served && output().empty()) || input_.size() < kReadAheadMax;
}

void HttpConnection::received(std::string_view bytes, Micros now) {
  if (at_ == At::Draining) {
    discarded_ += bytes.size();
    if (discarded_ > limits_.drain_bytes) at_ = At::Over;
    return;
  }
  if (at_ == At::Head && input_.empty()) since_ = requests_ == 0 ? since_ : now;
  if (at_ == At::Length || at_ == At::Chunks) rate_bytes_ += bytes.size();
  input_ += bytes;
  go_on(now);
}

void HttpConnection::ended() {
  ended_ = true;
  // What was asked is answered; half a request can't be.
  if (at_ != At::Served) at_ = output().empty() ? At::Over : At::Draining;
  last_ = true;
}

void HttpConnection::go_on(Micros now) {
  // The next request waits until the answer to the last one is out, so no answer passes another.
  if (at_ == At::Head && output().empty() && !input_.empty()) read_head(now);
  if (at_ == At::Length || at_ == At::Chunks) read_body(now);
}

void HttpConnection::read_head(Micros now) {
  auto outcome = scanner_.scan(input_, rules_);
  if (std::holds_alternative<HeadScanner::NeedsMore>(outcome)) return;
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
    answer_early(answer_to(*refusal), now);
    return;
  }
  begin_request(std::get<HeadScanner::Complete>(std::move(outcome)), now);
}

void HttpConnection::begin_request(HeadScanner::Complete complete, Micros now) {
  ++requests_;
  scanner_ = HeadScanner();
  RequestHead& head = complete.head;
  head_only_ = head.method == Method::Head;
  closes_ = !head.keep_alive || requests_ >= limits_.requests_max;
  const bool has_body = head.framing == Framing::Chunked || head.content_length > 0;
  Admission admission = admit_(head, peer_);
  if (!admission.refusal && head.content_length > admission.body_bytes_max)
    admission.refusal = problem(413, "content_too_large", "the body is longer than this path takes", "G18");
  if (admission.refusal) {
    if (has_body) return answer_early(*admission.refusal, now);
    input_.erase(0, complete.size);
    at_ = At::Served;
    return reply(*admission.refusal, date_, now);
  }
  request_ = std::make_unique<Request>();
  // Views stay where they are: the shortest head is longer than what a string keeps within itself.
  WRENCH_ASSERT(complete.size > std::string().capacity());
  std::string rest = input_.substr(complete.size);
  request_->bytes = std::move(input_);
  request_->head = std::move(head);
  request_->peer = peer_;
  input_ = std::move(rest);
  if (!has_body) return finish_request();
  left_ = request_->head.content_length;
  at_ = request_->head.framing == Framing::Chunked ? At::Chunks : At::Length;
  if (at_ == At::Chunks) chunks_.emplace(admission.body_bytes_max);
  rate_since_ = now + limits_.rate_window_us;  // The grace.
  rate_bytes_ = 0;
  if (request_->head.expects_continue && input_.empty()) output_ += "HTTP/1.1 100 Continue\r\n\r\n";
  stalled_since_ = now;
}

void HttpConnection::read_body(Micros now) {
  if (at_ == At::Length) {
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input_.size()));
    request_->body.append(input_, 0, n);
    input_.erase(0, n);
    left_ -= n;
    if (left_ == 0) finish_request();
    return;
  }
  const auto step = chunks_->decode(input_, request_->body);
  input_.erase(0, step.used);
  if (const auto* refusal = std::get_if<Refusal>(&step.state)) answer_early(answer_to(*refusal), now);
  if (std::holds_alternative<ChunkDecoder::Complete>(step.state)) finish_request();
}

void HttpConnection::finish_request() {
  complete_ = std::move(request_);
  at_ = At::Served;
}

void HttpConnection::give_up(const char* why, Micros now) {
  too_slow_ = true;
  if (at_ == At::Head && input_.empty())
    at_ = At::Over;  // Who said nothing is told nothing.
  else
    answer_early(problem(408, "request_timeout", why), now);
}

void HttpConnection::answer_early(const Response& response, Micros now) {
  write(response, true);
  at_ = At::Draining;
  since_ = stalled_since_ = now;
  input_.clear();
  request_.reset();
}

void HttpConnection::reply(const Response& response, std::string_view date, Micros now) {
  if (at_ != At::Served) return;
  date_ = date;
  const bool closes = closes_ || last_ || response.close;
  write(response, closes);
  at_ = closes ? At::Draining : At::Head;
  since_ = stalled_since_ = now;
  if (!closes) go_on(now);
}

void HttpConnection::write(const Response& response, bool closes) {
  if (!is_writable(response)) {
    write(problem(500, "internal", "the answer had a field that can't be written"), closes);
    return;
  }
  output_ += "HTTP/1.1 ";
  output_.append(std::to_string(response.status)).append(" ").append(reason(response.status)).append("\r\n");
  if (!date_.empty()) output_.append("Date: ").append(date_).append("\r\n");
  if (!response.content_type.empty()) output_.append("Content-Type: ").append(response.content_type).append("\r\n");
  for (const auto& [name, value] : response.fields) output_.append(name).append(": ").append(value).append("\r\n");
  const bool bodyless = response.status == 204 || response.status == 304;
  if (!bodyless) output_.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (closes) output_ += "Connection: close\r\n";
  output_ += "\r\n";
  if (!bodyless && !head_only_) output_ += response.body;
  head_only_ = false;
}

void HttpConnection::sent(std::size_t bytes, Micros now) {
  sent_ += bytes;
  stalled_since_ = now;
  if (sent_ < output_.size()) return;
  // Idle connections keep no large answers.
  if (output_.capacity() > kReadAheadMax)
    output_ = std::string();
  else
    output_.clear();
  sent_ = 0;
  if (at_ == At::Draining) since_ = now;
  if (at_ == At::Draining && ended_) at_ = At::Over;
  if (at_ == At::Head) {
    since_ = now;
    go_on(now);
  }
}

void HttpConnection::look_at_time(std::string_view date, Micros now) {
  date_ = date;
  if (!output().empty()) {
    if (now - stalled_since_ <= limits_.write_stall_us) return;
    too_slow_ = true;
    at_ = At::Over;
    return;
  }
  switch (at_) {
    case At::Head:
      if (input_.empty() && requests_ > 0) {
        if (now - since_ > limits_.idle_us) at_ = At::Over;
      } else if (now - since_ > limits_.head_us) {
        give_up("the head of the request took too long", now);
      }
      break;
    case At::Length:
    case At::Chunks:
      if (now - rate_since_ < limits_.rate_window_us) break;
      if (rate_bytes_ < limits_.rate_bytes) {
        give_up("the body of the request comes too slowly", now);
      } else {
        rate_since_ = now;
        rate_bytes_ = 0;
      }
      break;
    case At::Draining:
      if (now - since_ > limits_.drain_us) at_ = At::Over;
      break;
    case At::Served:
    case At::Over:
      break;
  }
}

}  // namespace wrench::net
