#include <charconv>

#include "value_checks.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::secrets {
namespace {

constexpr std::size_t kGeneratedBytesMax = 4096;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::string drawn(Random& random, std::string_view from, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += from[random.below(from.size())];
  return out;
}

std::string alphabet(std::string_view kind) {
  std::string digits(kDigits), lower(kLower), upper(kUpper);
  if (kind == "alnum") return digits + lower + upper;
  if (kind == "lower") return digits + lower;
  if (kind == "upper") return digits + upper;
  if (kind == "alpha") return lower + upper;
  if (kind == "hex") return digits + "abcdef";
  if (kind == "upper_hex") return digits + "ABCDEF";
  if (kind == "digits") return digits;
  if (kind == "base64") return digits + lower + upper + "+/";
  if (kind == "base64url") return digits + lower + upper + "-_";
  if (kind == "base32") return upper + "234567";
  return {};
}

Result<std::string> generate(std::string_view kind, std::size_t count, Random& random) {
  if (const std::string letters = alphabet(kind); !letters.empty()) return drawn(random, letters, count);
  if (kind == "crc62") {
    std::string body = drawn(random, alphabet("alnum"), count);
    char digits[6];
    append_base62_crc32(body, digits);
    return body.append(digits, sizeof digits);
  }
  if (kind == "uuid") {
    const std::string hex = alphabet("hex");
    return drawn(random, hex, 8) + "-" + drawn(random, hex, 4) + "-4" + drawn(random, hex, 3) + "-a" +
           drawn(random, hex, 3) + "-" + drawn(random, hex, 12);
  }
  // {"alg":"HS256","typ":"JWT"} and {"sub":"…
  if (kind == "jwt")
    return std::string("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI") + drawn(random, alphabet("alnum"), 30) +
           "." + drawn(random, alphabet("base64url"), 43);
  if (kind == "pem") {
    // wrench-ignore: secrets.private-key -- makes the texts that test the detector
    std::string out = "-----BEGIN RSA PRIVATE KEY-----\n";
    for (int line = 0; line < 4; ++line) out += drawn(random, alphabet("base64"), 64) + "\n";
    return out + "-----END RSA PRIVATE KEY-----";
  }
  return Error("secrets.invalid_generator",
               "unknown generator '" + std::string(kind) +
                   "'; there are alnum, lower, upper, alpha, hex, upper_hex, digits, base64, base64url, base32, crc62 "
                   "(each with a length), uuid, jwt, pem");
}

}  // namespace

Result<std::string> expand_generators(std::string_view text, std::uint64_t seed) {
  SeededRandom random(seed);
  std::string out;
  while (true) {
    const auto open = text.find("{{");
    if (open == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, open));
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return Error("secrets.invalid_generator", "'{{' without '}}' in a test value");
    const std::string_view inside = trim(text.substr(open + 2, close - open - 2));
    const auto colon = inside.find(':');
    std::size_t count = 0;
    if (colon != std::string_view::npos) {
      const auto digits = inside.substr(colon + 1);
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
      if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || count == 0 ||
          count > kGeneratedBytesMax)
        return Error("secrets.invalid_generator", "the length in '{{" + std::string(inside) +
                                                      "}}' is no number from 1 to " +
                                                      std::to_string(kGeneratedBytesMax));
    }
    out += WRENCH_TRY(generate(inside.substr(0, colon), count == 0 ? 32 : count, random));
    text.remove_prefix(close + 2);
  }
}

}  // namespace wrench::secrets
