#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "wrench/net/request_head.hpp"

namespace wrench::net {

inline constexpr std::size_t kChunkExtensionMax = 256;         ///< Bytes of one chunk's.
inline constexpr std::size_t kTrailersMax = 8;                 ///< Fields.
inline constexpr std::size_t kTrailerLineMax = 1024;           ///< Bytes.
inline constexpr std::uint64_t kChunkOverheadMax = 16 * 1024;  ///< Bytes of framing beyond those of the body.

/// Reads a body in chunks (RFC 9112, 7.1), rows G14, G15 and G18. For one body; not thread-safe.
class ChunkDecoder {
 public:
  struct NeedsMore {};
  struct Complete {};
  using State = std::variant<NeedsMore, Complete, Refusal>;
  struct Step {
    State state;
    std::size_t used = 0;  ///< Bytes of `received` that need not be passed again.
  };

  explicit ChunkDecoder(std::uint64_t body_bytes_max) : body_max_(body_bytes_max) {}

  /// Appends what `received` has of the body to `body`. Never more than `body_bytes_max` in all.
  Step decode(std::string_view received, std::string& body);

 private:
  enum class At : std::uint8_t { Size, SizeLf, Extension, Data, DataCr, DataLf, Trailer, TrailerLf, End };

  std::optional<Refusal> take(char c);
  std::optional<Refusal> end_of_size();
  std::optional<Refusal> end_of_trailer();

  const std::uint64_t body_max_;
  At at_ = At::Size;
  std::uint64_t left_ = 0;  ///< Of the chunk.
  std::uint64_t read_ = 0;  ///< Of the body.
  std::uint64_t overhead_ = 0;
  int digits_ = 0;
  std::string line_;  ///< Extension or trailer.
  std::size_t trailers_ = 0;
};

}  // namespace wrench::net
