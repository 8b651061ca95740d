#include "wrench/net/chunk_decoder.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "characters.hpp"

namespace wrench::net {
namespace {

constexpr int kSizeDigitsMax = 16;
/// They would frame, route or authorise after the fact.
constexpr std::array<std::string_view, 26> kNoTrailers = {"transfer-encoding",
                                                          "content-length",
                                                          "content-type",
                                                          "content-encoding",
                                                          "content-range",
                                                          "host",
                                                          "authorization",
                                                          "proxy-authorization",
                                                          "cookie",
                                                          "set-cookie",
                                                          "connection",
                                                          "upgrade",
                                                          "te",
                                                          "trailer",
                                                          "expect",
                                                          "max-forwards",
                                                          "cache-control",
                                                          "pragma",
                                                          "range",
                                                          "origin",
                                                          "forwarded",
                                                          "x-forwarded-for",
                                                          "x-forwarded-host",
                                                          "x-forwarded-proto",
                                                          "idempotency-key",
                                                          "if-match"};

Refusal refuse(std::string_view row, std::string message) {
  return {400, row, "malformed_request", std::move(message)};
}

/// *( ";" token [ "=" ( token / quoted-string ) ] ), without whitespace.
bool is_extension(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const auto token = [&text] {
      std::size_t size = 0;
      while (size < text.size() && is(text[size], kToken)) ++size;
      text.remove_prefix(size);
      return size > 0;
    };
    if (!token()) return false;
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    if (!text.starts_with('"')) {
      if (!token()) return false;
      continue;
    }
    std::size_t i = 1;
    while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
    if (i >= text.size()) return false;
    text.remove_prefix(i + 1);
  }
  return true;
}

int value_of(char digit) {
  if (is(digit, kDigit)) return digit - '0';
  return lower(digit) - 'a' + 10;
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::decode(std::string_view received, std::string& body) {
  std::size_t i = 0;
  while (i < received.size() && at_ != At::End) {
    if (at_ == At::Data) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, received.size() - i));
      body.append(received.substr(i, n));
      left_ -= n;
      read_ += n;
      i += n;
      if (left_ == 0) at_ = At::DataCr;
      continue;
    }
    // Chunks of a byte each would cost the server many times what they cost the client.
    if (++overhead_ > read_ + kChunkOverheadMax) return {refuse("G14", "the body is cut into too many chunks"), i};
    if (auto refusal = take(received[i])) return {std::move(*refusal), i};
    ++i;
  }
  if (at_ == At::End) return {Complete{}, i};
  return {NeedsMore{}, i};
}

std::optional<Refusal> ChunkDecoder::take(char c) {
  switch (at_) {
    case At::Size:
      if (is(c, kHex)) {
        if (++digits_ > kSizeDigitsMax) return refuse("G14", "a chunk's size has over 16 digits");
        left_ = left_ << 4 | static_cast<std::uint64_t>(value_of(c));
        return std::nullopt;
      }
      if (digits_ == 0 || (c != ';' && c != '\r'))
        return refuse("G14", "a chunk's size is not hexadecimal digits alone");
      at_ = c == ';' ? At::Extension : At::SizeLf;
      if (c == ';') line_ = ";";
      return std::nullopt;
    case At::Extension:
      if (c == '\r') {
        if (!is_extension(line_)) return refuse("G14", "a chunk's extension is not names with or without values");
        line_.clear();
        at_ = At::SizeLf;
        return std::nullopt;
      }
      if (!is(c, kValue)) return refuse("G14", "there is a control character in a chunk's extension");
      if (line_.size() == kChunkExtensionMax) return refuse("G14", "a chunk's extension is over 256 bytes");
      line_ += c;
      return std::nullopt;
    case At::SizeLf:
      if (c != '\n') return refuse("G14", "a chunk's size doesn't end with CR LF");
      return end_of_size();
    case At::DataCr:
      if (c != '\r') return refuse("G14", "a chunk is longer than its size says");
      at_ = At::DataLf;
      return std::nullopt;
    case At::DataLf:
      if (c != '\n') return refuse("G14", "a chunk doesn't end with CR LF");
      at_ = At::Size;
      digits_ = 0;
      return std::nullopt;
    case At::Trailer:
      if (c == '\r') {
        at_ = At::TrailerLf;
        return std::nullopt;
      }
      if (!is(c, kValue)) return refuse("G15", "there is a control character in a trailer");
      if (line_.size() == kTrailerLineMax) return refuse("G15", "a trailer is too long");
      line_ += c;
      return std::nullopt;
    case At::TrailerLf:
      if (c != '\n') return refuse("G15", "a trailer doesn't end with CR LF");
      return end_of_trailer();
    case At::Data:
    case At::End:
      break;
  }
  return std::nullopt;
}

std::optional<Refusal> ChunkDecoder::end_of_size() {
  if (left_ > body_max_ - read_)
    return Refusal{413, "G18", "content_too_large", "the body is over " + std::to_string(body_max_) + " bytes"};
  at_ = left_ == 0 ? At::Trailer : At::Data;
  return std::nullopt;
}

std::optional<Refusal> ChunkDecoder::end_of_trailer() {
  if (line_.empty()) {
    at_ = At::End;
    return std::nullopt;
  }
  const std::size_t colon = line_.find(':');
  const std::string_view name = std::string_view(line_).substr(0, colon);
  if (colon == std::string::npos || name.empty() || !all(name, kToken))
    return refuse("G15", "a trailer is not a name, a colon right after it, and a value");
  if (std::ranges::any_of(kNoTrailers, [&](std::string_view no) { return equal_folded(name, no); }))
    return refuse("G15", "a trailer has a name that frames, routes or authorises");
  if (++trailers_ > kTrailersMax) return refuse("G15", "there are over 8 trailers");
  line_.clear();
  at_ = At::Trailer;
  return std::nullopt;
}

}  // namespace wrench::net
