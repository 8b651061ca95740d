#include "wrench/net/request_head.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "characters.hpp"

namespace wrench::net {
namespace {

constexpr std::array kMethods = {std::pair{Method::Get, "GET"},        std::pair{Method::Head, "HEAD"},
                                 std::pair{Method::Post, "POST"},      std::pair{Method::Put, "PUT"},
                                 std::pair{Method::Patch, "PATCH"},    std::pair{Method::Delete, "DELETE"},
                                 std::pair{Method::Options, "OPTIONS"}};
/// More than one of them would be read in two ways (G9).
constexpr std::array kSingle = {std::string_view("host"),
                                std::string_view("content-length"),
                                std::string_view("content-type"),
                                std::string_view("content-encoding"),
                                std::string_view("transfer-encoding"),
                                std::string_view("authorization"),
                                std::string_view("cookie"),
                                std::string_view("expect"),
                                std::string_view("origin"),
                                std::string_view("upgrade"),
                                std::string_view("idempotency-key"),
                                std::string_view("sec-websocket-key"),
                                std::string_view("sec-websocket-version")};
constexpr std::size_t kIpv6Max = 45;  ///< Characters.

std::string_view code_of(int status) {
  switch (status) {
    case 405:
      return "method_not_allowed";
    case 414:
      return "uri_too_long";
    case 415:
      return "unsupported_media_type";
    case 417:
      return "expectation_failed";
    case 421:
      return "misdirected";
    case 431:
      return "header_fields_too_large";
    case 501:
      return "method_not_implemented";
    case 505:
      return "version_not_supported";
    default:
      return "malformed_request";
  }
}

Refusal refuse(std::string_view row, std::string message, int status = 400) {
  return {status, row, code_of(status), std::move(message)};
}

/// Host without its port; nothing if it isn't of the form that the standard wants (RFC 9110, 7.2).
std::optional<std::string_view> name_of_host(std::string_view host) {
  if (!all(host, kHost)) return std::nullopt;
  std::string_view name = host, rest;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos || close - 1 > kIpv6Max) return std::nullopt;
    const std::string address(host.substr(1, close - 1));
    in6_addr parsed{};
    if (inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return std::nullopt;
    name = host.substr(0, close + 1);
    rest = host.substr(close + 1);
  } else {
    const std::size_t colon = host.find(':');
    name = host.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
    if (name.empty() || name.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  }
  if (rest.empty()) return name;
  rest.remove_prefix(1);
  unsigned port = 0;
  const auto end = rest.data() + rest.size();
  const bool digits = !rest.empty() && rest.size() <= 5 && all(rest, kDigit);
  if (host[name.size()] != ':' || !digits || std::from_chars(rest.data(), end, port).ptr != end || port > 65535)
    return std::nullopt;
  return name;
}

/// One request head, whose lines and characters were checked.
class HeadReader {
 public:
  explicit HeadReader(const GateRules& rules) : rules_(rules) {}

  /// `text`: from the request line to the empty line, without what precedes or follows.
  std::optional<Refusal> read(std::string_view text) {
    const std::size_t end = text.find("\r\n");
    if (auto refusal = read_request_line(text.substr(0, end))) return refusal;
    if (auto refusal = read_fields(text.substr(end + 2))) return refusal;
    if (auto refusal = read_host()) return refusal;
    return read_framing();
  }
  RequestHead take() { return std::move(head_); }

 private:
  std::optional<Refusal> read_request_line(std::string_view line) {
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    const bool parts = first != std::string_view::npos && first != last && first > 0 && last > first + 1;
    if (!parts || line.substr(first + 1, last - first - 1).find(' ') != std::string_view::npos ||
        line.find('\t') != std::string_view::npos)
      return refuse("G4", "the request line is not a method, a target and a version with one space between them");
    if (auto refusal = read_version(line.substr(last + 1))) return refusal;
    if (auto refusal = read_method(line.substr(0, first))) return refusal;
    target_ = line.substr(first + 1, last - first - 1);
    return std::nullopt;
  }

  std::optional<Refusal> read_version(std::string_view version) {
    constexpr std::string_view kHttp = "HTTP/";
    const bool form = version.size() == kHttp.size() + 3 && version.starts_with(kHttp) && is(version[5], kDigit) &&
                      version[6] == '.' && is(version[7], kDigit);
    if (!form) return refuse(version.starts_with(kHttp) ? "G5" : "G4", "the version is not HTTP/ and two digits");
    if (version[5] != '1' || version[7] > '1') return refuse("G5", "only HTTP/1.0 and HTTP/1.1 are spoken here", 505);
    head_.version = version[7] == '1' ? 11 : 10;
    return std::nullopt;
  }

  std::optional<Refusal> read_method(std::string_view method) {
    if (!all(method, kToken)) return refuse("G6", "the method has characters that methods can't have");
    if (method == "CONNECT" || method == "TRACE") return refuse("G6", "CONNECT and TRACE are not served", 405);
    const auto known = std::ranges::find(kMethods, method, [](const auto& m) { return std::string_view(m.second); });
    if (known == kMethods.end()) return refuse("G6", "there is no such method", 501);
    head_.method = known->first;
    return std::nullopt;
  }

  std::optional<Refusal> read_fields(std::string_view lines) {
    std::array<bool, kSingle.size()> seen = {};
    while (!lines.empty()) {
      const std::size_t end = lines.find("\r\n");
      const std::string_view line = lines.substr(0, end);
      lines.remove_prefix(end + 2);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || colon == 0 || !all(line.substr(0, colon), kToken))
        return refuse("G8", line.front() == ' ' || line.front() == '\t'
                                ? "a field goes on in a second line (obs-fold)"
                                : "a field line is not a name, a colon right after it, and a value");
      const Field field{line.substr(0, colon), trim_ows(line.substr(colon + 1))};
      head_.fields.push_back(field);
      for (std::size_t i = 0; i < kSingle.size(); ++i) {
        if (!equal_folded(field.name, kSingle[i])) continue;
        if (std::exchange(seen[i], true))
          return refuse("G9", "the field " + std::string(kSingle[i]) + " is there twice");
      }
    }
    return std::nullopt;
  }

  std::optional<Refusal> read_host() {
    const auto host = head_.field("host");
    if (auto refusal = read_target(host.value_or(""))) return refusal;
    if (!host) {
      if (head_.version == 10) return std::nullopt;
      return refuse("G10", "the field Host is missing");
    }
    const auto name = name_of_host(*host);
    if (!name) return refuse("G10", "the field Host is not a name or an address with or without a port");
    head_.host = *host;
    std::string folded(*name);
    std::ranges::transform(folded, folded.begin(), lower);
    if (rules_.allows_host && !rules_.allows_host(folded))
      return refuse("G11", "this server is not the host that the request is for", 421);
    return std::nullopt;
  }

  std::optional<Refusal> read_target(std::string_view host) {
    if (!all(target_, kTarget)) return refuse("G7", "the target has characters that have to be percent-encoded");
    for (std::size_t i = target_.find('%'); i != std::string_view::npos; i = target_.find('%', i + 1))
      if (i + 2 >= target_.size() || !is(target_[i + 1], kHex) || !is(target_[i + 2], kHex))
        return refuse("G7", "a % of the target is not followed by two hexadecimal digits");
    std::string_view origin = target_;
    if (target_ == "*") {
      if (head_.method != Method::Options) return refuse("G7", "the target * is for OPTIONS only");
      head_.path = target_;
      return std::nullopt;
    }
    if (!target_.starts_with('/')) {
      const std::size_t scheme = target_.find("://");
      const bool http = scheme != std::string_view::npos && (equal_folded(target_.substr(0, scheme), "http") ||
                                                             equal_folded(target_.substr(0, scheme), "https"));
      if (!http) return refuse("G7", "the target is neither a path nor an http or https URL");
      const std::string_view after = target_.substr(scheme + 3);
      const std::size_t end = std::min(after.find_first_of("/?"), after.size());
      if (host.empty() || after.substr(0, end) != host)
        return refuse("G7", "the host of the target is not that of the field Host");
      origin = after.substr(end);
    }
    const std::size_t mark = origin.find('?');
    head_.path = origin.substr(0, mark);
    if (head_.path.empty()) head_.path = "/";
    if (mark != std::string_view::npos) head_.query = origin.substr(mark + 1);
    return std::nullopt;
  }

  std::optional<Refusal> read_framing() {
    const auto coding = head_.field("transfer-encoding");
    const auto length = head_.field("content-length");
    if (coding) {
      if (!equal_folded(*coding, "chunked") || head_.version == 10 || length)
        return refuse("G12", "the body's transfer coding is not chunked alone, or comes with HTTP/1.0 or a length");
      head_.framing = Framing::Chunked;
    } else if (length) {
      const auto end = length->data() + length->size();
      const bool digits = !length->empty() && length->size() <= 16 && all(*length, kDigit);
      if (!digits || std::from_chars(length->data(), end, head_.content_length).ptr != end ||
          head_.content_length > kContentLengthMax)
        return refuse("G13", "the content length is not a number of at most 16 digits, or over 2^53");
      head_.framing = Framing::Length;
    }
    const bool body = head_.framing == Framing::Chunked || head_.content_length > 0;
    head_.upgrades = head_.field("upgrade").has_value();
    const bool bodyless = head_.method == Method::Get || head_.method == Method::Head ||
                          head_.method == Method::Options || head_.method == Method::Delete;
    if (body && (bodyless || head_.upgrades))
      return refuse("G16", "requests of that method, and those that upgrade, have no body");
    if (const auto expect = head_.field("expect")) {
      if (!equal_folded(*expect, "100-continue")) return refuse("G17", "only 100-continue can be expected", 417);
      head_.expects_continue = head_.version == 11 && body;
    }
    const auto encoding = head_.field("content-encoding");
    if (encoding && !equal_folded(*encoding, "identity"))
      return refuse("G17", "bodies are read as they are: no content encoding", 415);
    head_.keep_alive = stays_open();
    return std::nullopt;
  }

  bool stays_open() const {
    bool close = false, keep_alive = false;
    for (const Field& field : head_.fields) {
      if (!equal_folded(field.name, "connection")) continue;
      for (std::string_view rest = field.value; !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view option = trim_ows(rest.substr(0, comma));
        close = close || equal_folded(option, "close");
        keep_alive = keep_alive || equal_folded(option, "keep-alive");
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    }
    return !close && (head_.version == 11 || keep_alive);
  }

  const GateRules& rules_;
  RequestHead head_;
  std::string_view target_;
};

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address{};
  return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

std::string_view name(Method method) {
  return std::ranges::find(kMethods, method, [](const auto& m) { return m.first; })->second;
}

std::optional<std::string_view> RequestHead::field(std::string_view wanted) const {
  for (const Field& field : fields)
    if (equal_folded(field.name, wanted)) return field.value;
  return std::nullopt;
}

HeadScanner::Outcome HeadScanner::scan(std::string_view received, const GateRules& rules) {
  if (end_ == 0)
    if (auto refusal = take(received)) return std::move(*refusal);
  if (end_ == 0) return NeedsMore{};
  HeadReader reader(rules);
  if (auto refusal = reader.read(received.substr(request_line_, end_ - 2 - request_line_))) return std::move(*refusal);
  return Complete{reader.take(), end_};
}

std::optional<Refusal> HeadScanner::take(std::string_view received) {
  for (; next_ < received.size(); ++next_) {
    const std::size_t i = next_;
    const char c = received[i];
    const bool after_cr = i > line_ && received[i - 1] == '\r';
    if (after_cr != (c == '\n')) return refuse("G3", "a line ends with a CR or an LF alone");
    if (c != '\r' && c != '\n' && !is(c, kValue)) return refuse("G3", "there is a control character in the head");
    const bool empty_line = c == '\r' ? i == line_ : after_cr && i == line_ + 1;
    if (fields_begin_ == 0) {
      if (i + 1 - request_line_ > kRequestLineMax)
        return refuse("G2", "the request line is over " + std::to_string(kRequestLineMax) + " bytes", 414);
    } else if (!empty_line && i + 1 - fields_begin_ > kFieldSectionMax) {
      return refuse("G2", "the fields are over " + std::to_string(kFieldSectionMax) + " bytes", 431);
    }
    if (c != '\n') continue;
    line_ = i + 1;
    if (fields_begin_ != 0 && empty_line) {
      end_ = ++next_;
      return std::nullopt;
    }
    if (fields_begin_ != 0) {
      if (++fields_ > kFieldsMax) return refuse("G2", "there are over " + std::to_string(kFieldsMax) + " fields", 431);
    } else if (!empty_line) {
      fields_begin_ = line_;
    } else if (request_line_ == 0) {
      request_line_ = line_;
    } else {
      return refuse("G1", "there are two empty lines before the request");
    }
  }
  return std::nullopt;
}

}  // namespace wrench::net
