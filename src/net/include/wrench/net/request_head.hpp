#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The one parser of HTTP/1.1 requests (RFC 9112), strict where the standard leaves a choice: what two parsers could
/// read in two ways is refused, so nothing behind or before this server can see another request than it does. Each
/// check has a row (G1 to G18) in docs/reference/request-gate.md; the first that fails answers.
namespace wrench::net {

inline constexpr std::size_t kRequestLineMax = 8192;   ///< Bytes, with its CRLF.
inline constexpr std::size_t kFieldSectionMax = 8192;  ///< Bytes of all field lines, with their CRLFs.
inline constexpr std::size_t kFieldsMax = 100;
inline constexpr std::uint64_t kContentLengthMax = std::uint64_t{1} << 53;  ///< Bytes.

enum class Method : std::uint8_t { Get, Head, Post, Put, Patch, Delete, Options };
/// As it is written in a request.
std::string_view name(Method method);

/// An answer to a request that is read no further. After it the connection is closed.
struct Refusal {
  int status = 400;
  std::string_view row;   ///< "G3"
  std::string_view code;  ///< Of the problem document: "malformed_request" for 400.
  std::string message;    ///< What is wrong, without a byte of the request.
};

struct Field {
  std::string_view name, value;  ///< Without whitespace around it. Bytes from 0x80 on are opaque.
};

enum class Framing : std::uint8_t { None, Length, Chunked };

/// Views the bytes that were scanned: these must live as long.
struct RequestHead {
  Method method = Method::Get;
  std::string_view path;   ///< Of the target, still percent-encoded. "*" of OPTIONS.
  std::string_view query;  ///< Without "?".
  int version = 11;        ///< 10, 11
  std::string_view host;   ///< Empty: HTTP/1.0 without one.
  std::vector<Field> fields;
  Framing framing = Framing::None;
  std::uint64_t content_length = 0;  ///< Of Framing::Length.
  bool keep_alive = true;
  bool expects_continue = false;
  bool upgrades = false;  ///< Has an Upgrade field.

  /// The first of that name, in any case.
  std::optional<std::string_view> field(std::string_view name) const;
};

/// localhost, 127.0.0.0/8, [::1]. A page from elsewhere can have its own name point to this machine (DNS rebinding),
/// but not these. `host`: without port, lower case.
bool is_loopback_host(std::string_view host);

struct GateRules {
  /// Whether requests may be for this host (a name or address without port, lower case). Without it all may.
  std::function<bool(std::string_view)> allows_host;
};

/// Finds the head of the next request in what a connection has sent, however that is cut. For one head; not
/// thread-safe.
class HeadScanner {
 public:
  struct NeedsMore {};
  struct Complete {
    RequestHead head;
    std::size_t size = 0;  ///< Bytes of it, with what was ignored before it: what follows is the body.
  };
  using Outcome = std::variant<NeedsMore, Complete, Refusal>;

  /// `received`: all bytes since the end of the last request, so those of the last call and perhaps more. Each byte is
  /// looked at once; `received` never needs to be longer than kRequestLineMax + kFieldSectionMax + 4.
  Outcome scan(std::string_view received, const GateRules& rules);

 private:
  std::optional<Refusal> take(std::string_view received);

  std::size_t next_ = 0;          ///< First byte not looked at.
  std::size_t line_ = 0;          ///< Where its line begins.
  std::size_t request_line_ = 0;  ///< Where the request line begins.
  std::size_t fields_begin_ = 0;  ///< 0: the request line isn't complete.
  std::size_t fields_ = 0;
  std::size_t end_ = 0;  ///< Behind the empty line; 0: not there yet.
};

}  // namespace wrench::net
