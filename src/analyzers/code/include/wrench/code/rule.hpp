#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/embedded.hpp"
#include "wrench/base/error.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/language.hpp"

/// Search rules: semgrep's YAML and more (docs/reference/rules.md names the differences).
namespace wrench::code {

inline constexpr std::size_t kRuleFileBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kRulesMax = 50'000;
inline constexpr std::size_t kFixBytesMax = std::size_t{64} << 10;  ///< Of what a fix puts in one finding's place.

/// One rule file's bytes. `path` is what reports show.
struct RuleSource {
  std::string path;
  std::string_view text;
};

/// What people and reports need to know of a rule.
struct RuleInfo {
  std::string id;
  std::string file;
  std::uint32_t line = 0;
  std::string title;          ///< metadata.title, else empty.
  std::string message;        ///< With $X still in it.
  std::string severity_word;  ///< As written: "ERROR", "MEDIUM".
  findings::Severity severity = findings::Severity::Medium;
  findings::Confidence confidence = findings::Confidence::Medium;
  findings::Category category = findings::Category::Maintainability;
  std::vector<std::string> cwe;             ///< "CWE-89"
  std::vector<std::string> language_names;  ///< As written.
  std::string fix_description;              ///< x-wrench.fix: one imperative line.
  bool has_fix = false;                     ///< `fix` or `fix-regex`: findings carry edits.
  std::string fix;                          ///< Replacement text with $X in it, may be empty.
  /// x-wrench.fix_safety; without x-wrench safe.
  findings::FixSafety fix_safety = findings::FixSafety::Suggest;
  bool says_fix_safety = false;
  codec::Json metadata;
};

/// A rule, or one language of it, that isn't used and why. Policy (a feature or language that isn't supported) unlike
/// LoadReport::errors, which are faults of the rule.
struct RefusedRule {
  std::string id;
  std::string file;
  std::uint32_t line = 0;
  std::string reason;
};

struct LoadReport {
  std::size_t files = 0;
  std::size_t rules = 0;      ///< Usable ones.
  std::vector<Error> errors;  ///< rules.invalid, rules.invalid_pattern, … each with file, line, column.
  std::vector<RefusedRule> refused;
  std::vector<Error> warnings;  ///< Unknown top-level keys and the like.
};

/// Rules in the form that a later run reads. `key` is RuleSet::key() of the sources.
struct CompiledRules {
  std::string key;
  std::string bytes;
  bool is_new = false;  ///< `bytes` were made by this call.
};

/// The rules of a run, compiled for every grammar they name. Immutable after load and shared between threads.
class RuleSet {
 public:
  /// Reads every source; what is wrong with one rule leaves the others standing. A YAML file without a `rules` list is
  /// an error unless `PassOver::Yes`, which folders of mixed files want.
  enum class PassOver { No, Yes };
  static RuleSet load(std::span<const RuleSource> sources, LoadReport& report, PassOver pass_over = PassOver::No);
  /// The same from what an earlier call left in `compiled`, in this or another process, when it is of the same sources
  /// and build; otherwise compiles, and leaves the result there.
  static RuleSet load(std::span<const RuleSource> sources, LoadReport& report, PassOver pass_over,
                      CompiledRules& compiled);
  /// Names the sources: equal keys give equal rule sets. SHA-256 in hex; empty for a build that can't be told from
  /// others.
  static std::string key(std::span<const RuleSource> sources, PassOver pass_over);

  RuleSet(RuleSet&&) noexcept;
  RuleSet& operator=(RuleSet&&) noexcept;
  ~RuleSet();

  std::size_t size() const;
  const RuleInfo& info(std::size_t rule) const;
  bool has_rules_for(source::Language language) const;
  /// SHA-256, hex, over the bytes of all rules that were loaded: equal sets give equal findings.
  const std::string& sha256() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit RuleSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The rules that come with the program, sorted by path; paths begin with "rules/".
std::vector<RuleSource> builtin_rules();

}  // namespace wrench::code
