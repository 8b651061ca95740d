#include "wrench/net/router.hpp"

#include <algorithm>

#include "characters.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"

namespace wrench::net {
namespace {

int value_of(char digit) { return is(digit, kDigit) ? digit - '0' : lower(digit) - 'a' + 10; }

/// Without the slash at the beginning, and at the end.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(1);
  while (!path.empty() && out.size() <= kPathSegmentsMax) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    out.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out;
}

Response not_there() { return problem(404, "not_found", "there is nothing at this path"); }

}  // namespace

std::optional<std::string> decode_segment(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is(text[i + 1], kHex) || !is(text[i + 2], kHex)) return std::nullopt;
      c = static_cast<char>(value_of(text[i + 1]) << 4 | value_of(text[i + 2]));
      i += 2;
      if (c == '/') return std::nullopt;
    }
    if (c == '\\' || (c >= 0 && c < ' ') || c == '\x7F') return std::nullopt;
    out += c;
  }
  if (!is_valid_utf8(out)) return std::nullopt;
  return out;
}

std::size_t Router::add(Method method, std::string_view pattern) {
  WRENCH_ASSERT(pattern.starts_with('/'));
  std::vector<std::string> segments;
  for (const std::string_view segment : segments_of(pattern))
    segments.emplace_back(segment.starts_with('{') ? std::string_view() : segment);
  auto place = std::ranges::find(places_, segments, &Place::segments);
  if (place == places_.end()) place = places_.insert(places_.end(), {std::move(segments), {}});
  auto& route = place->routes[static_cast<std::size_t>(method)];
  WRENCH_ASSERT(!route);
  route = count_;
  return count_++;
}

std::variant<Router::Match, Response> Router::find(Method method, std::string_view path) const {
  if (!path.starts_with('/'))
    return method == Method::Options ? Response{.status = 204, .content_type = "", .body = "", .fields = {}}
                                     : not_there();
  std::vector<std::string> segments;
  for (const std::string_view raw : segments_of(path)) {
    auto segment = decode_segment(raw);
    if (!segment || *segment == "." || *segment == "..")
      return problem(400, "malformed_path", "a part of the path is no text, or could be read as another path");
    segments.push_back(std::move(*segment));
  }
  // A place whose segments are all written wins over one that takes any.
  const Place* found = nullptr;
  std::size_t fewest = kPathSegmentsMax + 1;
  for (const Place& place : places_) {
    if (place.segments.size() != segments.size()) continue;
    std::size_t any = 0;
    const bool fits = std::ranges::equal(place.segments, segments, [&any](const auto& wanted, const auto& given) {
      any += wanted.empty() ? 1 : 0;
      return wanted.empty() ? !given.empty() : wanted == given;
    });
    if (!fits || any >= fewest) continue;
    found = &place;
    fewest = any;
  }
  if (found == nullptr) return not_there();
  const auto& get = found->routes[static_cast<std::size_t>(Method::Get)];
  auto route = found->routes[static_cast<std::size_t>(method)];
  if (method == Method::Head && !route) route = get;
  if (route) {
    Match out{*route, {}};
    for (std::size_t i = 0; i < segments.size(); ++i)
      if (found->segments[i].empty()) out.parameters.push_back(std::move(segments[i]));
    return out;
  }
  std::string allow;
  for (std::size_t i = 0; i < found->routes.size(); ++i) {
    const auto one = static_cast<Method>(i);
    const bool served = found->routes[i] || (one == Method::Head && get) || one == Method::Options;
    if (served) allow.append(allow.empty() ? "" : ", ").append(name(one));
  }
  Response out = method == Method::Options
                     ? Response{.status = 204, .content_type = "", .body = "", .fields = {}}
                     : problem(405, "method_not_allowed", "what is at this path doesn't have that method");
  out.fields.emplace_back("Allow", std::move(allow));
  return out;
}

}  // namespace wrench::net
