// The first byte says how long the pieces are in which the rest arrives.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "wrench/base/assert.hpp"
#include "wrench/net/chunk_decoder.hpp"
#include "wrench/net/request_head.hpp"

using namespace wrench;
using namespace wrench::net;

namespace {

constexpr std::uint64_t kBodyMax = 4096;

/// What whoever is served relies on.
void check(const RequestHead& head, std::string_view bytes) {
  const auto within = [bytes](std::string_view part) {
    return part.empty() || part == "/" ||
           (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size());
  };
  WRENCH_ASSERT(within(head.path) && within(head.query) && within(head.host));
  WRENCH_ASSERT(head.path.starts_with('/') || (head.path == "*" && head.method == Method::Options));
  WRENCH_ASSERT(head.version == 10 || (head.version == 11 && !head.host.empty()));
  WRENCH_ASSERT(head.fields.size() <= kFieldsMax && head.content_length <= kContentLengthMax);
  WRENCH_ASSERT(head.framing == Framing::Length || head.content_length == 0);
  for (const Field& field : head.fields) {
    WRENCH_ASSERT(!field.name.empty() && within(field.name) && within(field.value));
    WRENCH_ASSERT(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

/// "" if more is needed.
std::string outcome_of(std::string_view bytes, std::size_t piece) {
  HeadScanner scanner;
  for (std::size_t have = 0; have < bytes.size();) {
    have = std::min(bytes.size(), have + piece);
    const auto outcome = scanner.scan(bytes.substr(0, have), {});
    if (std::holds_alternative<HeadScanner::NeedsMore>(outcome)) {
      WRENCH_ASSERT(have <= kRequestLineMax + kFieldSectionMax + 4);
      continue;
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
      WRENCH_ASSERT(refusal->status >= 400 && !refusal->row.empty() && !refusal->message.empty());
      return std::string(refusal->row) + std::to_string(refusal->status);
    }
    const auto& [head, size] = std::get<HeadScanner::Complete>(outcome);
    check(head, bytes.substr(0, size));
    std::string out = std::string(head.path) + " " + std::to_string(size);
    if (head.framing != Framing::Chunked) return out;
    ChunkDecoder decoder(kBodyMax);
    std::string body;
    for (std::size_t at = size; at < bytes.size();) {
      const auto step = decoder.decode(bytes.substr(at, piece), body);
      WRENCH_ASSERT(body.size() <= kBodyMax);
      at += step.used;
      if (const auto* refusal = std::get_if<Refusal>(&step.state)) return out + std::string(refusal->row);
      if (std::holds_alternative<ChunkDecoder::Complete>(step.state)) return out + " " + std::to_string(at) + body;
      WRENCH_ASSERT(step.used > 0);
    }
    return out + " more";
  }
  return "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string whole = outcome_of(bytes, bytes.size() + 1);
  WRENCH_ASSERT(outcome_of(bytes, std::size_t{1} + data[0] % 64) == whole || bytes.size() > kRequestLineMax);
  return 0;
}
