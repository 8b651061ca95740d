#include "wrench/findings/fingerprint.hpp"

#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::findings {
namespace {

constexpr char kSeparator = '\x1F';
constexpr std::size_t kHexDigits = 32;

std::string joined(std::initializer_list<std::string_view> fields) {
  std::string text;
  for (const std::string_view field : fields) {
    text += field;
    text += kSeparator;
  }
  text.pop_back();
  return text;
}

std::string stamped(std::string_view prefix, const std::string& fields) {
  return std::string(prefix) + crypto::sha256_hex(fields).substr(0, kHexDigits);
}

}  // namespace

std::string fingerprint(const FingerprintInput& input) {
  return stamped("wf1-", joined({input.rule, input.path, input.symbol, input.tokens, std::to_string(input.ordinal)}));
}

std::string move_fingerprint(const FingerprintInput& input) {
  return stamped("wm1-", joined({input.rule, input.tokens}));
}

std::string token_text(std::span<const std::string_view> tokens) {
  std::string text;
  for (const std::string_view token : tokens.first(std::min(tokens.size(), kFingerprintTokensMax))) {
    if (!text.empty()) text += ' ';
    text += token;
  }
  return text;
}

std::string line_text(std::string_view line, std::string_view secret) {
  if (secret.empty()) return collapse_white_space(line);
  const std::string stand_in = "<secret " + crypto::sha256_hex(secret).substr(0, 4) + ">";
  return collapse_white_space(replace_all(std::string(line), secret, stand_in));
}

void Fingerprinter::stamp(Finding& finding, std::string_view tokens) {
  FingerprintInput input{.rule = finding.rule, .path = path_, .symbol = finding.symbol, .tokens = tokens};
  input.ordinal = seen_[joined({input.rule, input.symbol, input.tokens})]++;
  finding.fingerprint = fingerprint(input);
  finding.move_fingerprint = move_fingerprint(input);
}

}  // namespace wrench::findings
