#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/secrets/secret_rules.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::secrets {

struct SecretOptions {
  std::uint32_t findings_per_rule_max = 1'000;  ///< In one file.
  // Precision levers, each can be switched off to see what it does.
  bool drop_placeholders = true;
  bool drop_hash_fields = true;       ///< Names like "sha256", lock files: hashes, not secrets.
  bool lower_test_confidence = true;  ///< Test paths, and names in manuals: one step less sure.
};

struct SecretResult {
  std::vector<findings::Finding> findings;  ///< By offset, then rule; one for each place.
  std::vector<findings::Partial> partial;   ///< findings_max.
};

/// Finds secrets in texts. One per thread; keeps scratch memory between texts.
class SecretScanner {
 public:
  explicit SecretScanner(SecretRules rules, SecretOptions options = {});
  SecretScanner(SecretScanner&&) noexcept;
  SecretScanner& operator=(SecretScanner&&) noexcept;
  ~SecretScanner();

  /// No finding holds the secret: `lines` is masked, `secrets` says where it stands.
  SecretResult scan(const source::SourceText& text);
  /// Whether scan() may find something in this text (as SourceText has it) at some path: false is certain. For contents
  /// that nearly all hold nothing, and whose path isn't known yet.
  bool may_find(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::secrets
