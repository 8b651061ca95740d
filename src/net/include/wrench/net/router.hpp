#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wrench/net/http.hpp"
#include "wrench/net/request_head.hpp"

namespace wrench::net {

inline constexpr std::size_t kPathSegmentsMax = 32;

/// Which route a request takes: by its path's segments, each decoded once. A slash at the end makes no difference; an
/// empty segment within is a path that isn't there. Filled first, then read by any thread.
class Router {
 public:
  /// `pattern`: "/tasks/{id}": a segment in braces takes any. Returns the number of the route, from 0. Two routes of
  /// one method must not take the same paths.
  std::size_t add(Method method, std::string_view pattern);

  struct Match {
    std::size_t route = 0;
    std::vector<std::string> parameters;  ///< Decoded, in the pattern's order: UTF-8 without control characters.
  };
  /// A path that can't be read (400), isn't there (404), or not with that method (405, or 204 for OPTIONS).
  std::variant<Match, Response> find(Method method, std::string_view path) const;

 private:
  struct Place {
    std::vector<std::string> segments;                 ///< Empty: takes any.
    std::array<std::optional<std::size_t>, 7> routes;  ///< By Method.
  };
  std::vector<Place> places_;
  std::size_t count_ = 0;
};

/// Of one segment, or of a name or value in a query. Nothing: `%` without digits, or what decodes to a slash, a
/// backslash, a control character, or bytes that are no UTF-8.
std::optional<std::string> decode_segment(std::string_view text);

}  // namespace wrench::net
