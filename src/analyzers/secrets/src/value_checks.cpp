#include "value_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::secrets {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kChecksumDigits = 6;
constexpr std::size_t kJwtHeaderBytesMax = 2048;
constexpr std::size_t kPemBodyMin = 64;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t c = 0xFFFFFFFFU;
  for (const char byte : bytes) c = kCrcTable[(c ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (c >> 8);
  return c ^ 0xFFFFFFFFU;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }

int base64_value(char c) {
  if (is_upper(c)) return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '-' || c == '+') return 62;
  if (c == '_' || c == '/') return 63;
  return -1;
}

std::string decode_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 0xFFU);
    }
  }
  return out;
}

// Runs of neighbours ("abcd", "4321") and repeats cover most of the value.
bool is_mostly_sequence(std::string_view value) {
  if (value.size() < 4) return false;
  std::size_t in_run = 0, run = 1;
  int step = 2;
  for (std::size_t i = 1; i <= value.size(); ++i) {
    const int next = i < value.size() ? value[i] - value[i - 1] : 99;
    if (next == step && next >= -1 && next <= 1) {
      ++run;
      continue;
    }
    if (run >= 4) in_run += run;
    step = next;
    run = 2;
  }
  return in_run * 10 >= value.size() * 7;
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), value) != words.end();
}

bool holds_any(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return value.find(word) != value.npos; });
}

}  // namespace

double entropy_bits(std::string_view text) {
  if (text.empty()) return 0;
  std::array<std::uint32_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  const auto total = static_cast<double>(text.size());
  for (const auto count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / total;
    bits -= share * std::log2(share);
  }
  return bits;
}

void append_base62_crc32(std::string_view body, char (&digits)[6]) {
  std::uint32_t sum = crc32(body);
  for (std::size_t i = kChecksumDigits; i-- > 0;) {
    digits[i] = kBase62[sum % 62];
    sum /= 62;
  }
}

bool has_base62_crc32(std::string_view token) {
  if (token.size() <= kChecksumDigits) return false;
  char digits[kChecksumDigits];
  append_base62_crc32(token.substr(0, token.size() - kChecksumDigits), digits);
  return token.substr(token.size() - kChecksumDigits) == std::string_view(digits, kChecksumDigits);
}

bool is_jwt(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || dot > kJwtHeaderBytesMax) return false;
  const auto header = codec::parse_json(decode_base64url(text.substr(0, dot)));
  return header.ok() && header.value().as_object().find("alg") != nullptr;
}

bool is_pem_key(std::string_view text) {
  const auto first = text.find("-----", text.find("-----BEGIN") + 5);
  if (first == std::string_view::npos) return false;
  const auto last = text.rfind("-----END");
  const auto body =
      text.substr(first + 5, last == std::string_view::npos || last < first ? text.npos : last - first - 5);
  std::size_t letters = 0;
  for (const char c : body) letters += base64_value(c) >= 0 ? 1U : 0U;
  return letters >= kPemBodyMin && !holds_any(to_lower_ascii(body), {"...", "example", "redacted"});
}

bool is_placeholder(std::string_view value) {
  if (value.empty()) return true;
  const char first = value.front();
  const char last = value.back();
  if (first == '<' || (first == '[' && last == ']') || (first == '{' && last == '}') || (first == '%' && last == '%') ||
      (first == '$' && value.size() > 1 &&
       (value[1] == '{' || value[1] == '(' || is_letter(value[1]) || value[1] == '_')) ||
      (first == '_' && value.starts_with("__") && value.ends_with("__")))
    return true;
  if (holds_any(value, {"${", "#{", "{{", "<%", "$(", "%(", "...", "***"})) return true;
  if (value.size() <= 4 && first == '%') return true;
  // Eight of one kind in a row don't happen in random values of usual length.
  std::size_t run = 1;
  for (std::size_t i = 1; i < value.size(); ++i) {
    run = value[i] == value[i - 1] ? run + 1 : 1;
    if (run >= 8 && !holds_any(value, {"AAAAAAAA"})) return true;
  }
  return is_mostly_sequence(value);
}

bool has_example_word(std::string_view value) {
  const std::string lower = to_lower_ascii(value);
  return holds_any(
      lower,
      {"example",   "changeme",   "change_me", "change-me", "placeholder", "replace",   "your_",      "your-",
       "yourpass",  "yoursecret", "yourtoken", "yourkey",   "insert",      "dummy",     "sample",     "foobar",
       "redacted",  "xxxx",       "notreal",   "not-real",  "not_real",    "fake",      "mysecret",   "my-secret",
       "my_secret", "mytoken",    "my-token",  "my_token",  "mypassword",  "lorem",     "secret_key", "test-token",
       "testtoken", "test_token", "test-key",  "todo",      "default",     "undefined", "null"});
}

bool is_readable(std::string_view value) {
  if (is_one_of(to_lower_ascii(value), {"true", "false", "none", "nil", "null"})) return true;
  std::size_t digits = 0, letters = 0, changes = 0, vowels = 0, separators = 0;
  char kind_before = 0;
  for (const char c : value) {
    const char kind = is_digit(c) ? 'd' : is_lower(c) ? 'l' : is_upper(c) ? 'u' : 'o';
    if (kind == 'd') ++digits;
    if (kind == 'l' || kind == 'u') {
      ++letters;
      const char low = static_cast<char>(c | 0x20);
      vowels += low == 'a' || low == 'e' || low == 'i' || low == 'o' || low == 'u' || low == 'y' ? 1U : 0U;
    }
    if (c == '_' || c == '-' || c == '.' || c == '/' || c == ':' || c == ' ') ++separators;
    // "Word" is no change of kind, "wOrd" is.
    if (kind_before != 0 && kind != kind_before && !(kind_before == 'u' && kind == 'l')) ++changes;
    kind_before = kind;
  }
  if (value.find("://") != value.npos || value.find(' ') != value.npos || value.starts_with("/") ||
      value.starts_with("./") || value.starts_with("~/") || value.starts_with("@") || value.starts_with("--") ||
      holds_any(value, {"()", "->", "::", "=>", "(", "[", ";"}))
    return true;
  if (letters == 0) return true;  // Numbers, dates.
  if (digits == 0) {
    // Words: few changes of case for their length and a usual share of vowels.
    const bool wordy = vowels * 5 >= letters && changes * 4 <= value.size() + 4;
    return wordy || separators > 0;
  }
  // Identifiers with a number ("sha1_block_2", "utf8Decoder2"): long runs of letters between separators and case.
  return changes * 5 <= value.size() && vowels * 4 >= letters && digits * 5 <= value.size();
}

bool names_a_hash(std::string_view name) {
  return holds_any(to_lower_ascii(name),
                   {"sha1",      "sha-1",      "sha256",    "sha-256", "sha384",      "sha512", "md5",      "hash",
                    "integrity", "checksum",   "digest",    "etag",    "fingerprint", "commit", "revision", "resolved",
                    "crc32",     "public_key", "publickey", "pubkey",  "public-key",  "uuid",   "guid"});
}

bool is_hash_list(std::string_view path) {
  const auto slash = path.rfind('/');
  const std::string name = to_lower_ascii(slash == std::string_view::npos ? path : path.substr(slash + 1));
  return is_one_of(name, {"package-lock.json",
                          "npm-shrinkwrap.json",
                          "yarn.lock",
                          "pnpm-lock.yaml",
                          "bun.lock",
                          "composer.lock",
                          "gemfile.lock",
                          "cargo.lock",
                          "poetry.lock",
                          "pipfile.lock",
                          "uv.lock",
                          "pdm.lock",
                          "go.sum",
                          "go.work.sum",
                          "flake.lock",
                          "mix.lock",
                          "pubspec.lock",
                          "podfile.lock",
                          "packages.lock.json",
                          "deno.lock",
                          "gradle.lockfile",
                          "verification-metadata.xml",
                          ".terraform.lock.hcl",
                          "conan.lock",
                          "module.bazel.lock",
                          "cartfile.resolved",
                          "package.resolved"}) ||
         name.ends_with(".sum") || name.ends_with(".sha256") || name.ends_with(".md5") || name.ends_with(".svg") ||
         name.ends_with(".map");
}

}  // namespace wrench::secrets
