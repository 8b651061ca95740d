#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/embedded.hpp"
#include "wrench/base/result.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::secrets {

inline constexpr std::size_t kSecretRulesMax = 5'000;
inline constexpr std::size_t kRuleFileBytesMax = std::size_t{1} << 20;
/// How far before and behind the end that the first stage reports the span is looked for.
inline constexpr std::size_t kMatchWidthMax = 4096;

enum class Checksum : std::uint8_t { None, Base62Crc32 };  ///< As GitHub and npm end their tokens.
enum class Structure : std::uint8_t { None, Jwt, Pem, ConnectionPassword };
/// How sure the form alone makes it: `Prefix` forms are hardly anything else; `Context` forms need the name beside
/// them, so files of hashes are left out and hash-like names refused; `Generic` values must look random, too.
enum class Form : std::uint8_t { Prefix, Context, Generic };

/// One detector. Plain data; the file format is in docs/reference/secret-rules.md.
struct SecretRule {
  std::string id;
  std::string file;  ///< Where it was written.
  int line = 0;
  std::string title;
  std::string message;
  std::string advice;
  findings::Severity severity = findings::Severity::High;
  findings::Confidence confidence = findings::Confidence::High;
  Form form = Form::Prefix;
  std::string regex;
  /// What the first stage looks for: ends inside every match of `regex`, and is cheaper. Empty: `regex` itself.
  std::string find;
  std::uint32_t group = 0;             ///< 0: the first group that took part, else the whole match.
  double entropy = 0;                  ///< Kept only when the secret has more bits for each character.
  std::vector<std::string> keywords;   ///< One of them stands in the file, whatever its case. None: no condition.
  std::vector<std::string> stopwords;  ///< Secrets that hold one of them are none.
  std::string allow;                   ///< Secrets that match are none.
  std::string path;                    ///< Only in files whose path matches.
  Checksum checksum = Checksum::None;
  Structure structure = Structure::None;
  std::string tests_file = "sample.txt";
  std::vector<std::string> tests_match, tests_no_match;  ///< With generators: see expand_generators().
};

/// A file of rules as it was read.
struct RuleText {
  std::string path;  ///< For messages and reports.
  std::string_view bytes;
};

/// The built-in rules, as they stand in rules/secrets/.
std::span<const EmbeddedFile> builtin_rule_files();

/// Detectors compiled to one pattern set. Immutable, cheap to copy, shared by all threads.
class SecretRules {
 public:
  /// Takes the rules with `mode: secret`; passes over others. Never fails as a whole: a rule with a fault is left out
  /// and told in `errors` (secrets.invalid_rule, with file and line).
  /// `compiled`, when given, holds what an earlier call left there and saves the compilation if it fits; it is left
  /// holding what fits.
  static SecretRules load(std::span<const RuleText> files, std::vector<Error>& errors, std::string* compiled = nullptr);
  /// The built-in ones, compiled once in a process. A fault in them is a programmer's error.
  static SecretRules builtin(std::string* compiled = nullptr);

  const std::vector<SecretRule>& rules() const;
  /// Changes when any rule does.
  const std::string& hash() const;

 private:
  friend class SecretScanner;
  enum class Regexes { Checked, Known };
  static SecretRules load(std::span<const RuleText> files, std::vector<Error>& errors, std::string* compiled,
                          Regexes regexes_are);
  struct State;
  std::shared_ptr<const State> state_;
};

struct SecretTestFailure {
  std::string rule, file;
  int line = 0;
  std::string text;  ///< As written in the rule file.
  std::string what;  ///< "not found", "found, and shouldn't be", or a fault of the generator.
};
struct SecretTestReport {
  std::size_t rules = 0, texts = 0;
  std::vector<SecretTestFailure> failures;
};
/// Runs every rule's own test texts through all rules: a `match` must be found by its rule or a surer one at the same
/// place, a `no_match` by no rule that isn't `generic`.
SecretTestReport test_rules(const SecretRules& rules);

/// Replaces `{{kind:n}}` by made-up values, so that no real-looking secret stands in a repository: alnum, lower, upper,
/// alpha, hex, upper_hex, digits, base64, base64url, base32 with a length; crc62 (n random characters and their six
/// check digits), uuid, jwt, pem. The same `seed` gives the same text. Error code secrets.invalid_generator.
Result<std::string> expand_generators(std::string_view text, std::uint64_t seed);

}  // namespace wrench::secrets
