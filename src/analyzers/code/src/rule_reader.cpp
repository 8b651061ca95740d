#include "rule_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "generic_pattern.hpp"
#include "rule_syntax.hpp"
#include "taint_reader.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using codec::YamlNode;
using source::Language;

constexpr int kFormulaDepthMax = 24;              ///< Operators within operators of one rule.
constexpr std::int64_t kGenericSpanMax = 10'000;  ///< Lines that `...` of a generic pattern may go over.
constexpr std::size_t kLeavesMax = 2'000;         ///< Patterns and regular expressions of one rule.

constexpr std::array<std::string_view, 24> kTopLevelKeys = {"id",
                                                            "message",
                                                            "languages",
                                                            "severity",
                                                            "metadata",
                                                            "paths",
                                                            "options",
                                                            "fix",
                                                            "fix-regex",
                                                            "min-version",
                                                            "max-version",
                                                            "mode",
                                                            "pattern",
                                                            "patterns",
                                                            "pattern-either",
                                                            "pattern-regex",
                                                            "pattern-inside",
                                                            "pattern-not",
                                                            "pattern-not-inside",
                                                            "pattern-not-regex",
                                                            "x-wrench",
                                                            "match",
                                                            "taint",
                                                            "version"};

using Version = std::array<std::uint32_t, 3>;
constexpr Version kSemgrepVersion = {1, 100, 0};  ///< Whose rule language this is.

std::optional<Version> parse_version(std::string_view text) {
  Version out{};
  std::size_t i = 0;
  for (const std::string_view part : split(text, '.')) {
    if (i == out.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), out[i++]);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  }
  return out;
}

/// Why a rule isn't used although nothing is wrong with it.
struct Refusal {
  std::string reason;
};

/// Grammars that files of a rule's language may be parsed with. Script files fall back to the TSX grammar.
std::vector<Language> grammars_of(Language language) {
  switch (language) {
    case Language::JavaScript:
      return {Language::JavaScript, Language::Tsx};
    case Language::TypeScript:
      return {Language::TypeScript, Language::Tsx};
    default:
      return {language};
  }
}

std::string plain_string(const YamlNode* node) {
  return node != nullptr && node->is_scalar() ? node->text : std::string();
}

std::vector<std::string> string_list(const YamlNode* node) {
  std::vector<std::string> out;
  if (node == nullptr) return out;
  if (node->is_scalar() && !node->is_null()) out.push_back(node->text);
  for (const YamlNode& item : node->items)
    if (item.is_scalar()) out.push_back(item.text);
  return out;
}

/// "CWE-89: Improper Neutralization…" -> "CWE-89".
std::string cwe_id(std::string_view text) {
  const std::size_t at = text.find("CWE-");
  if (at == std::string_view::npos) return {};
  std::size_t end = at + 4;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end == at + 4 ? std::string() : std::string(text.substr(at, end - at));
}

findings::Severity severity_of(std::string_view word, bool& known) {
  known = true;
  const std::string upper = to_lower_ascii(word);
  if (upper == "critical") return findings::Severity::Critical;
  if (upper == "error" || upper == "high") return findings::Severity::High;
  if (upper == "warning" || upper == "medium") return findings::Severity::Medium;
  if (upper == "info" || upper == "low") return findings::Severity::Low;
  if (upper == "inventory" || upper == "experiment") return findings::Severity::Info;
  known = false;
  return findings::Severity::Medium;
}

findings::Category category_of(std::string_view word) {
  if (const auto exact = findings::parse_category(word)) return *exact;
  if (word == "best-practice" || word == "maintainability") return findings::Category::Maintainability;
  if (word == "compatibility" || word == "portability") return findings::Category::Correctness;
  return findings::Category::Maintainability;
}

}  // namespace

/// Reads one rule. Faults are Errors with a place; what isn't supported is a Refusal.
class OneRule {
 public:
  OneRule(RuleReader& reader, const RuleSource& source, const YamlNode& node)
      : reader_(reader), source_(source), node_(node), rule_(std::make_unique<CompiledRule>()) {}

  void run() {
    if (!node_.is_mapping()) return fail(Error("rules.invalid", "a rule is a mapping with id, message, …"), node_);
    auto read = read_head();
    if (refusal_) return refuse(*refusal_);
    if (!read) return report(std::move(read).error());
    auto compiled = compile();
    if (refusal_) return refuse(*refusal_);
    if (!compiled) return report(std::move(compiled).error());
    reader_.state_.rules.push_back(std::move(rule_));
    ++reader_.report_.rules;
  }

 private:
  // --- problems
  Error at(Error error, const YamlNode& where) const {
    return std::move(error).at(source_.path, static_cast<int>(where.line), static_cast<int>(where.column));
  }
  Error invalid(std::string message, const YamlNode& where) const {
    if (!rule_->info.id.empty()) message = fmt::format("rule '{}': {}", rule_->info.id, message);
    return at(Error("rules.invalid", std::move(message)), where);
  }
  void fail(Error error, const YamlNode& where) { report(at(std::move(error), where)); }
  void report(Error error) { reader_.report_.errors.push_back(std::move(error)); }
  void refuse(const Refusal& refusal) {
    reader_.report_.refused.push_back({rule_->info.id, source_.path, node_.line, refusal.reason});
  }
  void warn(std::string message, const YamlNode& where) {
    reader_.report_.warnings.push_back(invalid(std::move(message), where));
  }
  Error refused(std::string reason) {
    refusal_ = Refusal{std::move(reason)};
    return Error("rules.refused", refusal_->reason);
  }

  // --- the parts beside the formula
  Result<void> read_head() {
    RuleInfo& info = rule_->info;
    info.file = source_.path;
    info.line = node_.line;
    info.id = plain_string(node_.find("id"));
    if (info.id.empty()) return invalid("a rule needs an id", node_);
    if (plain_string(node_.find("mode")) == "secret") return refused("mode 'secret' is for the secrets analyzer");
    info.message = std::string(trim(plain_string(node_.find("message"))));
    if (info.message.empty()) return invalid("no message", node_);
    info.severity_word = plain_string(node_.find("severity"));
    bool known = false;
    info.severity = severity_of(info.severity_word, known);
    if (!known)
      return invalid(
          fmt::format("severity '{}' isn't one of CRITICAL HIGH MEDIUM LOW INFO ERROR WARNING", info.severity_word),
          node_.find("severity") == nullptr ? node_ : *node_.find("severity"));
    for (const codec::YamlMember& member : node_.members)
      if (std::find(kTopLevelKeys.begin(), kTopLevelKeys.end(), member.key.text) == kTopLevelKeys.end() &&
          !member.key.text.starts_with("pattern-"))
        warn(fmt::format("unknown key '{}'", member.key.text), member.key);
    read_metadata();
    read_paths();
    if (auto read = read_options(); !read) return std::move(read).error();
    if (auto read = read_fix(); !read) return std::move(read).error();
    const std::string mode = plain_string(node_.find("mode"));
    rule_->is_taint = mode == "taint";
    if (!mode.empty() && mode != "search" && !rule_->is_taint)
      return refused(fmt::format("mode '{}' isn't supported yet", mode));
    if (node_.find("taint") != nullptr) return refused("the new syntax with 'taint' isn't supported yet");
    if (auto fits = check_version(); !fits) return std::move(fits).error();
    if (auto read = read_fix_regex(); !read) return std::move(read).error();
    return read_languages();
  }

  /// Rules say which semgrep they are written for; this engine is as one of kSemgrepVersion.
  Result<void> check_version() {
    for (const bool least : {true, false}) {
      const YamlNode* bound = node_.find(least ? "min-version" : "max-version");
      if (bound == nullptr) continue;
      const auto version = parse_version(plain_string(bound));
      if (!version) return invalid(fmt::format("'{}' isn't a version such as 1.100.0", bound->text), *bound);
      if (least ? *version > kSemgrepVersion : *version < kSemgrepVersion)
        return refused(fmt::format("written for semgrep {} or {}", bound->text, least ? "later" : "earlier"));
    }
    return {};
  }

  Result<void> read_fix() {
    RuleInfo& info = rule_->info;
    if (const YamlNode* fix = node_.find("fix")) {
      if (!fix->is_scalar()) return invalid("'fix' is the text that stands for the finding's", *fix);
      if (fix->is_null() && fix->text.empty()) return invalid("'fix' says nothing; '' removes what was found", *fix);
      if (fix->text.size() > kFixBytesMax)
        return invalid(fmt::format("'fix' is longer than {} bytes", kFixBytesMax), *fix);
      info.has_fix = true;
      info.fix = fix->text;
      // A block scalar ends with a line end that nobody meant.
      while (info.fix.ends_with('\n')) info.fix.pop_back();
    }
    const YamlNode* own = node_.find("x-wrench");
    info.fix_safety = own == nullptr ? findings::FixSafety::Safe : findings::FixSafety::Suggest;
    const YamlNode* safety = own == nullptr ? nullptr : own->find("fix_safety");
    if (safety == nullptr) return {};
    const std::string word = plain_string(safety);
    if (word != "safe" && word != "suggest") return invalid("'fix_safety' is safe or suggest", *safety);
    info.says_fix_safety = true;
    info.fix_safety = word == "safe" ? findings::FixSafety::Safe : findings::FixSafety::Suggest;
    return {};
  }

  Result<void> read_fix_regex() {
    const YamlNode* fix = node_.find("fix-regex");
    if (fix == nullptr) return {};
    rule_->info.has_fix = true;
    const YamlNode *regex = fix->find("regex"), *replacement = fix->find("replacement"), *count = fix->find("count");
    if (regex == nullptr || replacement == nullptr || !replacement->is_scalar())
      return invalid("fix-regex wants 'regex' and 'replacement'", *fix);
    FixRegex out;
    out.regex = WRENCH_TRY(compile_regex(*regex, {}));
    out.replacement = replacement->text;
    if (count != nullptr) {
      const auto number = count->as_integer();
      if (!number || *number < 0 || *number > 1'000'000) return invalid("fix-regex: 'count' is a number", *count);
      out.count = static_cast<std::uint32_t>(*number);
    }
    rule_->fix_regex = std::move(out);
    return {};
  }

  void read_metadata() {
    RuleInfo& info = rule_->info;
    const YamlNode* metadata = node_.find("metadata");
    if (metadata != nullptr && metadata->is_mapping()) {
      info.metadata = codec::to_json(*metadata);
      info.title = plain_string(metadata->find("title"));
      if (const auto confidence =
              findings::parse_confidence(to_lower_ascii(plain_string(metadata->find("confidence")))))
        info.confidence = *confidence;
      for (const std::string& text : string_list(metadata->find("cwe")))
        if (std::string id = cwe_id(text); !id.empty()) info.cwe.push_back(std::move(id));
      info.category = category_of(to_lower_ascii(plain_string(metadata->find("category"))));
    }
    if (const YamlNode* own = node_.find("x-wrench")) {
      if (const auto confidence = findings::parse_confidence(plain_string(own->find("confidence"))))
        info.confidence = *confidence;
      if (const std::string title = plain_string(own->find("title")); !title.empty()) info.title = title;
      info.fix_description = plain_string(own->find("fix"));
      if (const YamlNode* in_loop = own->find("in_loop")) rule_->in_loop = in_loop->as_boolean().value_or(false);
      if (const YamlNode* from_outside = own->find("from_outside"))
        rule_->taint_options.from_outside = from_outside->as_boolean().value_or(true);
    }
  }

  void read_paths() {
    const YamlNode* paths = node_.find("paths");
    if (paths == nullptr) return;
    rule_->paths.include = string_list(paths->find("include"));
    rule_->paths.exclude = string_list(paths->find("exclude"));
  }

  Result<void> read_options() {
    const YamlNode* options = node_.find("options");
    if (options == nullptr) return {};
    struct Switch {
      std::string_view name;
      bool MatchOptions::* field;
    };
    static constexpr std::array kSwitches = {
        Switch{"constant_propagation", &MatchOptions::constant_propagation},
        Switch{"symbolic_propagation", &MatchOptions::symbolic_propagation},
        Switch{"implicit_deep_exprstmt", &MatchOptions::implicit_deep_exprstmt},
        Switch{"vardef_assign", &MatchOptions::vardef_assign},
        Switch{"flddef_assign", &MatchOptions::flddef_assign},
        Switch{"attr_expr", &MatchOptions::attr_expr},
        Switch{"arrow_is_function", &MatchOptions::arrow_is_function},
        Switch{"let_is_var", &MatchOptions::let_is_var},
        Switch{"symmetric_eq", &MatchOptions::symmetric_eq},
        Switch{"ac_matching", &MatchOptions::ac_matching},
        Switch{"commutative_boolop", &MatchOptions::commutative_boolop},
        Switch{"commutative_compop", &MatchOptions::symmetric_eq},
        Switch{"decorators_order_matters", &MatchOptions::decorators_order_matters},
        Switch{"implicit_ellipsis", &MatchOptions::implicit_ellipsis},
        Switch{"implicit_return", &MatchOptions::implicit_return},
        Switch{"xml_singleton_loose_matching", &MatchOptions::xml_singleton_loose_matching},
        Switch{"xml_attrs_implicit_ellipsis", &MatchOptions::xml_attrs_implicit_ellipsis},
        Switch{"xml_children_ordered", &MatchOptions::xml_children_ordered},
    };
    for (const codec::YamlMember& option : options->members) {
      if (read_taint_option(rule_->taint_options, option.key.text, option.value)) continue;
      if (option.key.text.starts_with("generic_")) {
        if (auto read = read_generic_option(option); !read) return std::move(read).error();
        continue;
      }
      const auto found = std::find_if(kSwitches.begin(), kSwitches.end(),
                                      [&](const Switch& entry) { return entry.name == option.key.text; });
      const auto value = option.value.as_boolean();
      if (found == kSwitches.end()) continue;
      if (!value) return invalid(fmt::format("option '{}' wants true or false", option.key.text), option.value);
      rule_->options.*(found->field) = *value;
    }
    return {};
  }

  Result<void> read_generic_option(const codec::YamlMember& option) {
    const std::string& key = option.key.text;
    const std::string& value = option.value.text;
    GenericOptions& generic = rule_->generic;
    if (key == "generic_engine" && value != "spacegrep")
      return refused(fmt::format("the engine '{}' of generic rules isn't supported", value));
    if (key == "generic_ellipsis_max_span") {
      const auto lines = option.value.as_integer();
      if (!lines || *lines < 0 || *lines > kGenericSpanMax)
        return invalid(fmt::format("option '{}' wants a number of lines up to {}", key, kGenericSpanMax), option.value);
      generic.ellipsis_span_max = static_cast<std::uint32_t>(*lines);
    } else if (key == "generic_caseless") {
      const auto caseless = option.value.as_boolean();
      if (!caseless) return invalid(fmt::format("option '{}' wants true or false", key), option.value);
      generic.caseless = *caseless;
    } else if (key == "generic_comment_style") {
      if (value != "c" && value != "cpp" && value != "shell")
        return invalid(fmt::format("option '{}' wants c, cpp or shell", key), option.value);
      generic.comments = value == "c"     ? GenericOptions::Comments::C
                         : value == "cpp" ? GenericOptions::Comments::Cpp
                                          : GenericOptions::Comments::Shell;
    }
    return {};
  }

  Result<void> read_languages() {
    const YamlNode* languages = node_.find("languages");
    rule_->info.language_names = string_list(languages);
    if (rule_->info.language_names.empty()) return invalid("no languages", node_);
    std::string unsupported;
    for (const std::string& name : rule_->info.language_names) {
      if (name == "regex" || name == "generic" || name == "none") {
        rule_->any_text = true;
        if (name == "generic") generic_ = true;
        continue;
      }
      const auto language = source::parse_language(name);
      if (!language || !can_parse(*language)) {
        unsupported = name;
        continue;
      }
      add_language(*language);
      if (*language == Language::TypeScript) add_language(Language::Tsx);
    }
    if (rule_->languages.empty() && !rule_->any_text)
      return refused(fmt::format("language '{}' isn't supported yet", unsupported));
    return {};
  }
  void add_language(Language language) {
    if (std::find(rule_->languages.begin(), rule_->languages.end(), language) == rule_->languages.end())
      rule_->languages.push_back(language);
  }

  // --- the formula
  Result<void> compile() {
    std::vector<Language> grammars;
    for (const Language language : rule_->languages)
      for (const Language grammar : grammars_of(language))
        if (std::find(grammars.begin(), grammars.end(), grammar) == grammars.end()) grammars.push_back(grammar);
    std::optional<Error> first_error;
    if (rule_->is_taint && rule_->any_text) return refused("mode 'taint' needs a language with a grammar");
    for (const Language grammar : grammars) {
      leaves_ = 0;
      if (rule_->is_taint) {
        auto formulas = read_taint_formulas(grammar);
        if (refusal_) return {};
        if (formulas)
          rule_->taints.emplace_back(grammar, std::move(*formulas));
        else if (!first_error)
          first_error = std::move(formulas).error();
        rule_->leaves = std::max(rule_->leaves, leaves_);
        continue;
      }
      auto formula = read_root(grammar);
      if (refusal_) return {};
      if (!formula) {
        // A rule for several languages stays for those it parses in. JavaScript also fits TSX, by fallback only.
        if (!first_error) first_error = std::move(formula).error();
        continue;
      }
      rule_->leaves = std::max(rule_->leaves, leaves_);
      rule_->formulas.emplace_back(grammar, std::move(*formula));
    }
    if (rule_->any_text) {
      leaves_ = 0;
      auto formula = read_root(generic_ ? Language::Text : Language::Unknown);
      if (refusal_) return {};
      if (!formula) return std::move(formula).error();
      rule_->leaves = std::max(rule_->leaves, leaves_);
      rule_->text_formula = std::move(*formula);
      return {};
    }
    if (rule_->formulas.empty() && rule_->taints.empty() && first_error) return std::move(*first_error);
    if (first_error && !fallback_only(grammars)) report(std::move(*first_error));
    return {};
  }
  /// Whether everything the rule names compiled, and only the extra grammar of script files didn't.
  bool fallback_only(const std::vector<Language>& grammars) const {
    return std::all_of(grammars.begin(), grammars.end(), [&](Language grammar) {
      if (rule_->formula(grammar) != nullptr || rule_->taint(grammar) != nullptr) return true;
      const bool script =
          grammar == Language::JavaScript || grammar == Language::TypeScript || grammar == Language::Tsx;
      return script && (rule_->formula(Language::Tsx) != nullptr || rule_->taint(Language::Tsx) != nullptr);
    });
  }

  Result<TaintFormulas> read_taint_formulas(Language grammar) {
    TaintReader reader;
    reader.formula = [&](const YamlNode& spec) -> Result<Formula> {
      Formula formula;
      formula.what = Formula::What::All;
      const codec::YamlMember* only = nullptr;
      std::size_t operators = 0;
      for (const codec::YamlMember& member : spec.members)
        if (!is_taint_key(member.key.text)) {
          only = &member;
          ++operators;
        }
      if (operators == 0) return invalid("no pattern here", spec);
      if (operators == 1) return read_operator(only->key.text, only->value, grammar, 1);
      for (const codec::YamlMember& member : spec.members) {
        if (is_taint_key(member.key.text)) continue;
        if (auto added = add_part(formula, member.key.text, member.value, grammar, 1); !added)
          return std::move(added).error();
      }
      return formula;
    };
    reader.invalid = [&](std::string message, const YamlNode& where) { return invalid(std::move(message), where); };
    reader.atom = [&](std::string_view name) { return reader_.state_.atoms.intern(name); };
    reader.shared = reader_.shared_taint_;
    return reader.read(node_);
  }

  Result<Formula> read_root(Language grammar) {
    const YamlNode* found = nullptr;
    std::string_view key;
    std::optional<codec::YamlMember> match;
    if (const YamlNode* value = node_.find("match"); value != nullptr) {
      auto converted = to_pattern_operators(*value);
      if (!converted) {
        Error error = std::move(converted).error();
        error.message = fmt::format("rule '{}': {}", rule_->info.id, error.message);
        error.place.file = source_.path;
        return error;
      }
      match = std::move(*converted);
      found = &match->value;
      key = match->key.text;
    }
    for (const std::string_view name : {"pattern", "patterns", "pattern-either", "pattern-regex", "pattern-inside"}) {
      const YamlNode* value = node_.find(name);
      if (value == nullptr) continue;
      if (found != nullptr) return invalid(fmt::format("both '{}' and '{}'; write one formula", key, name), *value);
      found = value;
      key = name;
    }
    if (found == nullptr) return invalid("no pattern, patterns, pattern-either, pattern-regex or match", node_);
    Formula formula = WRENCH_TRY(read_operator(key, *found, grammar, 0));
    if (formula.what == Formula::What::All && formula.parts.empty())
      return invalid("'patterns' needs at least one positive pattern", *found);
    if (matches_everything(formula)) return invalid("the rule would match everything", *found);
    return formula;
  }

  static bool matches_everything(const Formula& formula) {
    switch (formula.what) {
      case Formula::What::Pattern:
        return formula.pattern && formula.pattern->matches_anything;
      case Formula::What::Regex:
        return false;
      case Formula::What::Any:
        return std::any_of(formula.parts.begin(), formula.parts.end(), matches_everything);
      case Formula::What::All:
        return formula.conditions.empty() && formula.negatives.empty() &&
               std::all_of(formula.parts.begin(), formula.parts.end(), matches_everything);
    }
    return false;
  }

  Result<Formula> read_operator(std::string_view key, const YamlNode& value, Language grammar, int depth) {
    if (depth > kFormulaDepthMax) return invalid("patterns are nested too deep", value);
    if (key == "pattern") return read_pattern(value, grammar);
    if (key == "pattern-regex") return read_regex(value);
    if (key == "patterns") return read_all(value, grammar, depth);
    if (key == "pattern-either") return read_any(value, grammar, depth);
    if (key == "pattern-inside") {
      Formula formula = WRENCH_TRY(read_nested(value, grammar, depth));
      formula.place = Formula::Place::Inside;
      return formula;
    }
    if (key == "semgrep-internal-pattern-anywhere") {
      Formula formula = WRENCH_TRY(read_nested(value, grammar, depth));
      formula.place = Formula::Place::Anywhere;
      return formula;
    }
    if (key == "pattern-where-python") return refused(fmt::format("'{}' isn't supported", key));
    return invalid(fmt::format("unknown operator '{}'", key), value);
  }

  /// A pattern's text, or a mapping or list of operators.
  Result<Formula> read_nested(const YamlNode& value, Language grammar, int depth) {
    if (value.is_scalar()) return read_pattern(value, grammar);
    if (value.is_sequence()) return read_all(value, grammar, depth + 1);
    if (value.members.size() != 1) return read_all_of_mapping(value, grammar, depth + 1);
    return read_operator(value.members[0].key.text, value.members[0].value, grammar, depth + 1);
  }

  Result<Formula> read_pattern(const YamlNode& value, Language grammar) {
    if (!value.is_scalar()) return invalid("a pattern is text", value);
    if (grammar == Language::Unknown) return read_regex(value);
    Formula formula;
    formula.what = Formula::What::Pattern;
    if (++leaves_ > kLeavesMax) return invalid(fmt::format("more than {} patterns", kLeavesMax), value);
    formula.leaf = leaves_ - 1;
    if (grammar == Language::Text) {
      auto generic = compile_generic(value.text, rule_->generic, reader_.state_.atoms);
      if (!generic) return invalid(generic.error().message, value);
      formula.generic = std::make_shared<const GenericPattern>(std::move(*generic));
      return formula;
    }
    auto compiled = compile_pattern(grammar, value.text, reader_.parser_, reader_.state_.atoms, reader_.clock_);
    const bool script = grammar == Language::JavaScript || grammar == Language::TypeScript;
    if (!compiled && script && compiled.error().code == "rules.invalid_pattern")
      compiled = compile_pattern(Language::Tsx, value.text, reader_.parser_, reader_.state_.atoms, reader_.clock_);
    if (!compiled) {
      Error error = std::move(compiled).error();
      error.message = fmt::format("rule '{}': {}", rule_->info.id, error.message);
      const int line = static_cast<int>(value.text_line()) + std::max(error.place.line - 1, 0);
      const int column = error.place.line > 1 ? error.place.column : static_cast<int>(value.column);
      return std::move(error).at(source_.path, line, column);
    }
    formula.pattern = std::move(*compiled);
    return formula;
  }

  Result<std::shared_ptr<const source::Regex>> compile_regex(const YamlNode& value,
                                                             const source::RegexOptions& options) {
    if (!value.is_scalar() || value.text.empty()) return invalid("a regular expression is text", value);
    // A block scalar's line end isn't meant.
    std::string_view text = value.text;
    while (text.ends_with('\n')) text.remove_suffix(1);
    auto compiled = source::Regex::compile(text, options);
    if (!compiled) return invalid(compiled.error().message, value);
    return std::make_shared<const source::Regex>(std::move(*compiled));
  }

  Result<Formula> read_regex(const YamlNode& value) {
    Formula formula;
    formula.what = Formula::What::Regex;
    if (++leaves_ > kLeavesMax) return invalid(fmt::format("more than {} patterns", kLeavesMax), value);
    formula.leaf = leaves_ - 1;
    formula.regex = WRENCH_TRY(compile_regex(value, {}));
    formula.groups = group_metavars(*formula.regex);
    return formula;
  }
  /// `$NAME` or `$1` for each group from 1.
  std::vector<Atom> group_metavars(const source::Regex& regex) {
    std::vector<Atom> out;
    for (std::size_t group = 1; group <= regex.group_count(); ++group) {
      const auto& names = regex.group_names();
      const std::string& name = group - 1 < names.size() ? names[group - 1] : std::string();
      out.push_back(reader_.state_.atoms.intern(name.empty() ? fmt::format("${}", group) : "$" + name));
    }
    return out;
  }

  Result<Formula> read_any(const YamlNode& value, Language grammar, int depth) {
    if (!value.is_sequence() || value.items.empty()) return invalid("'pattern-either' is a list of patterns", value);
    Formula formula;
    formula.what = Formula::What::Any;
    for (const YamlNode& item : value.items) {
      if (!item.is_mapping() || item.members.empty()) return invalid("expected an operator such as 'pattern:'", item);
      if (item.members.size() == 1)
        formula.parts.push_back(
            WRENCH_TRY(read_operator(item.members[0].key.text, item.members[0].value, grammar, depth + 1)));
      else
        formula.parts.push_back(WRENCH_TRY(read_all_of_mapping(item, grammar, depth + 1)));
    }
    return formula;
  }

  Result<Formula> read_all(const YamlNode& value, Language grammar, int depth) {
    if (!value.is_sequence()) return invalid("'patterns' is a list", value);
    Formula formula;
    formula.what = Formula::What::All;
    for (const YamlNode& item : value.items) {
      if (!item.is_mapping()) return invalid("expected an operator such as 'pattern:'", item);
      for (const codec::YamlMember& member : item.members)
        if (auto added = add_part(formula, member.key.text, member.value, grammar, depth); !added)
          return std::move(added).error();
    }
    return formula;
  }
  Result<Formula> read_all_of_mapping(const YamlNode& value, Language grammar, int depth) {
    Formula formula;
    formula.what = Formula::What::All;
    for (const codec::YamlMember& member : value.members)
      if (auto added = add_part(formula, member.key.text, member.value, grammar, depth); !added)
        return std::move(added).error();
    return formula;
  }

  Result<void> add_part(Formula& all, std::string_view key, const YamlNode& value, Language grammar, int depth) {
    if (depth > kFormulaDepthMax) return invalid("patterns are nested too deep", value);
    if (key == "pattern-not") {
      all.negatives.push_back(WRENCH_TRY(read_nested(value, grammar, depth)));
    } else if (key == "pattern-not-inside") {
      all.negatives.push_back(WRENCH_TRY(read_nested(value, grammar, depth)));
      all.negatives.back().place = Formula::Place::Inside;
    } else if (key == "pattern-not-regex") {
      all.negatives.push_back(WRENCH_TRY(read_regex(value)));
    } else if (key == "focus-metavariable") {
      std::vector<Atom> names;
      for (const std::string& name : string_list(&value)) {
        if (!name.starts_with('$')) return invalid("focus-metavariable wants metavariables", value);
        names.push_back(reader_.state_.atoms.intern(name));
      }
      all.focus.push_back(std::move(names));
    } else if (key == "metavariable-regex") {
      all.conditions.push_back(WRENCH_TRY(read_metavariable_regex(value)));
    } else if (key == "metavariable-pattern") {
      all.conditions.push_back(WRENCH_TRY(read_metavariable_pattern(value, grammar, depth)));
    } else if (key == "metavariable-comparison") {
      all.conditions.push_back(WRENCH_TRY(read_metavariable_comparison(value)));
    } else if (key == "metavariable-analysis") {
      all.conditions.push_back(WRENCH_TRY(read_metavariable_analysis(value)));
    } else if (key == "metavariable-type") {
      all.conditions.push_back(WRENCH_TRY(read_words(value, Condition::What::Type, {"type", "types"})));
    } else if (key == "metavariable-name" || key == "semgrep-internal-metavariable-name") {
      if (value.find("kind") != nullptr) return refused("metavariable-name with 'kind' isn't supported");
      all.conditions.push_back(WRENCH_TRY(read_words(value, Condition::What::Module, {"module", "modules"})));
    } else if (key == "as-metavariable") {
      Condition condition;
      condition.what = Condition::What::As;
      condition.name = plain_string(&value);
      if (!is_metavariable(condition.name)) return invalid("'as' wants a metavariable", value);
      condition.metavar = reader_.state_.atoms.intern(condition.name);
      all.conditions.push_back(std::move(condition));
    } else {
      all.parts.push_back(WRENCH_TRY(read_operator(key, value, grammar, depth + 1)));
    }
    return {};
  }

  Result<Condition> read_condition(const YamlNode& value) {
    Condition condition;
    condition.name = plain_string(value.find("metavariable"));
    if (condition.name.starts_with('$')) condition.metavar = reader_.state_.atoms.intern(condition.name);
    return condition;
  }

  Result<Condition> read_metavariable_regex(const YamlNode& value) {
    Condition condition = WRENCH_TRY(read_condition(value));
    const YamlNode* regex = value.find("regex");
    if (condition.metavar == kNoAtom || regex == nullptr)
      return invalid("metavariable-regex wants 'metavariable' and 'regex'", value);
    condition.what = Condition::What::Regex;
    condition.regex = WRENCH_TRY(compile_regex(*regex, {.caseless = false, .multiline = false, .dot_all = false}));
    condition.groups = group_metavars(*condition.regex);
    if (const YamlNode* negate = value.find("negate")) condition.negate = negate->as_boolean().value_or(false);
    if (const YamlNode* of_value = value.find("constant-propagation"))
      condition.of_value = of_value->as_boolean().value_or(false);
    return condition;
  }

  Result<Condition> read_metavariable_analysis(const YamlNode& value) {
    Condition condition = WRENCH_TRY(read_condition(value));
    const std::string analyzer = plain_string(value.find("analyzer"));
    if (condition.metavar == kNoAtom) return invalid("metavariable-analysis wants 'metavariable'", value);
    if (analyzer == "entropy" || analyzer == "entropy_v2") {
      condition.what = Condition::What::Entropy;
    } else if (analyzer == "redos") {
      condition.what = Condition::What::Redos;
    } else {
      return invalid(fmt::format("metavariable-analysis: '{}' isn't one of entropy, entropy_v2, redos", analyzer),
                     value);
    }
    return condition;
  }

  /// A condition that names one thing or a list of them under either key.
  Result<Condition> read_words(const YamlNode& value, Condition::What what, std::array<std::string_view, 2> keys) {
    Condition condition = WRENCH_TRY(read_condition(value));
    condition.what = what;
    for (const std::string_view key : keys)
      for (std::string& word : string_list(value.find(key))) condition.words.push_back(std::move(word));
    if (condition.metavar == kNoAtom || condition.words.empty())
      return invalid(fmt::format("wants 'metavariable' and '{}' or '{}'", keys[0], keys[1]), value);
    return condition;
  }

  Result<Condition> read_metavariable_pattern(const YamlNode& value, Language grammar, int depth) {
    Condition condition = WRENCH_TRY(read_condition(value));
    if (condition.metavar == kNoAtom) return invalid("metavariable-pattern wants 'metavariable'", value);
    condition.what = Condition::What::Formula;
    Language inner = grammar;
    if (const YamlNode* language = value.find("language")) {
      const auto named = source::parse_language(language->text);
      if (language->text == "regex" || language->text == "none")
        inner = Language::Unknown;
      else if (language->text == "generic")
        inner = Language::Text;
      else if (named && can_parse(*named))
        inner = *named;
      else
        return refused(fmt::format("metavariable-pattern in '{}' isn't supported yet", language->text));
      if (inner != grammar) condition.embedded = inner;
    }
    Formula formula;
    bool found = false;
    for (const codec::YamlMember& member : value.members) {
      const std::string& key = member.key.text;
      if (key == "metavariable" || key == "language") continue;
      if (found) return invalid("metavariable-pattern wants one formula", member.key);
      found = true;
      if (key == "pattern-not" || key == "pattern-not-regex" || key == "pattern-not-inside") {
        formula.what = Formula::What::All;
        if (auto added = add_part(formula, key, member.value, inner, depth + 1); !added)
          return std::move(added).error();
      } else {
        formula = WRENCH_TRY(read_operator(key, member.value, inner, depth + 1));
      }
    }
    if (!found) return invalid("metavariable-pattern wants a formula", value);
    condition.formula = std::make_shared<const Formula>(std::move(formula));
    return condition;
  }

  Result<Condition> read_metavariable_comparison(const YamlNode& value) {
    Condition condition = WRENCH_TRY(read_condition(value));
    const YamlNode* comparison = value.find("comparison");
    if (comparison == nullptr || !comparison->is_scalar())
      return invalid("metavariable-comparison wants 'comparison'", value);
    condition.what = Condition::What::Comparison;
    auto parsed = parse_comparison(comparison->text);
    if (!parsed) return invalid(parsed.error().message, *comparison);
    condition.comparison = std::make_shared<const ComparisonExpr>(std::move(*parsed));
    condition.comparison_text = comparison->text;
    if (const YamlNode* base = value.find("base")) condition.base = static_cast<int>(base->as_integer().value_or(0));
    if (const YamlNode* strip = value.find("strip")) condition.strip = strip->as_boolean().value_or(false);
    return condition;
  }

  RuleReader& reader_;
  const RuleSource& source_;
  const YamlNode& node_;
  std::unique_ptr<CompiledRule> rule_;
  std::optional<Refusal> refusal_;
  std::uint32_t leaves_ = 0;
  bool generic_ = false;
};

void RuleReader::read_file(const RuleSource& source, const codec::YamlNode& root, RuleSet::PassOver pass_over) {
  const codec::YamlNode* rules = root.find("rules");
  if (rules == nullptr || !rules->is_sequence()) {
    if (pass_over == RuleSet::PassOver::Yes) return;
    report_.errors.push_back(Error("rules.invalid", "no list 'rules' in this file").at(source.path, 1, 1));
    return;
  }
  ++report_.files;
  const codec::YamlNode* own = root.find("x-wrench");
  shared_taint_ = own != nullptr ? own->find("taint") : nullptr;
  for (const codec::YamlNode& rule : rules->items) {
    if (state_.rules.size() >= kRulesMax) {
      report_.errors.push_back(
          Error("rules.limit", fmt::format("more than {} rules; the rest is left out", kRulesMax)).at(source.path));
      return;
    }
    OneRule(*this, source, rule).run();
  }
}

}  // namespace wrench::code
