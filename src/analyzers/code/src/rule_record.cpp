#include "rule_record.hpp"

#include <algorithm>
#include <utility>

#include "generic_pattern.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"

// Each `fields` takes its type apart into all members: a new member that isn't written here doesn't compile.
namespace wrench::source {

constexpr Language last_of(Language) { return Language::Text; }

}  // namespace wrench::source

namespace wrench::findings {

constexpr Severity last_of(Severity) { return Severity::Critical; }
constexpr findings::FixSafety last_of(findings::FixSafety) { return findings::FixSafety::Suggest; }
constexpr Confidence last_of(Confidence) { return Confidence::High; }
constexpr Category last_of(Category) { return Category::Style; }

}  // namespace wrench::findings

namespace wrench::code {

using codec::RecordOf;

constexpr Kind last_of(Kind) { return Kind::Other; }
constexpr Role last_of(Role) { return Role::From; }
constexpr PatternNode::Text last_of(PatternNode::Text) { return PatternNode::Text::Regex; }
constexpr Pattern::Shape last_of(Pattern::Shape) { return Pattern::Shape::Statements; }
constexpr GenericToken::What last_of(GenericToken::What) { return GenericToken::What::MetavarEllipsis; }
constexpr GenericOptions::Comments last_of(GenericOptions::Comments) { return GenericOptions::Comments::Shell; }
constexpr Condition::What last_of(Condition::What) { return Condition::What::As; }
constexpr Formula::What last_of(Formula::What) { return Formula::What::Any; }
constexpr Formula::Place last_of(Formula::Place) { return Formula::Place::Anywhere; }

namespace {

constexpr std::string_view kMagic = "wrench-rules/1\n";
constexpr int kDepthMax = 64;  ///< Formulas within each other; the reader of rules allows fewer.
constexpr std::size_t kHexBytes = 64;

template <class Archive>
constexpr bool kReads = std::is_same_v<Archive, codec::RecordReader>;

/// Nested records recurse, and damaged ones must not do so without end.
class Depth {
 public:
  explicit Depth(auto& archive) {
    if (++depth_ <= kDepthMax) return;
    if constexpr (requires { archive.fail(); }) archive.fail();
  }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  static thread_local int depth_;
};
thread_local int Depth::depth_ = 0;

struct RegexRecord {
  std::string pattern;
  source::RegexOptions options;
};
template <class Archive, RecordOf<RegexRecord> R>
void fields(Archive& archive, R& regex) {
  auto& [caseless, multiline, dot_all] = regex.options;
  archive(regex.pattern, caseless, multiline, dot_all);
}

/// Compiled again when it is first used.
template <class Archive>
void shared_regex(Archive& archive, auto& regex) {
  std::optional<RegexRecord> record;
  if constexpr (kReads<Archive>) {
    archive(record);
    if (record)
      regex = std::make_shared<const source::Regex>(source::Regex::deferred(record->pattern, record->options));
  } else {
    if (regex) record = RegexRecord{regex->pattern(), regex->options()};
    archive(record);
  }
}

template <class Archive, class T>
void shared(Archive& archive, std::shared_ptr<const T>& value) {
  bool present = false;
  archive(present);
  if (!present) return;
  auto made = std::make_shared<T>();
  archive(*made);
  value = std::move(made);
}
template <class Archive, class T>
void shared(Archive& archive, const std::shared_ptr<const T>& value) {
  archive(value != nullptr);
  if (value) archive(*value);
}

struct ErrorRecord {
  std::string code, message, file;
  int line = 0, column = 0;
  std::vector<std::string> help;
};
template <class Archive, RecordOf<ErrorRecord> E>
void fields(Archive& archive, E& error) {
  auto& [code, message, file, line, column, help] = error;
  archive(code, message, file, line, column, help);
}

std::vector<ErrorRecord> to_records(const std::vector<Error>& errors) {
  std::vector<ErrorRecord> out;
  for (const Error& error : errors)
    out.push_back({error.code, error.message, error.place.file, error.place.line, error.place.column, error.help});
  return out;
}
std::vector<Error> from_records(std::vector<ErrorRecord> records) {
  std::vector<Error> out;
  for (ErrorRecord& record : records) {
    Error error(record.code, std::move(record.message));
    error.place = {std::move(record.file), record.line, record.column};
    error.help = std::move(record.help);
    out.push_back(std::move(error));
  }
  return out;
}

}  // namespace

template <class Archive, RecordOf<PatternNode> N>
void fields(Archive& archive, N& node) {
  auto& [kind, sub, role, flags, text, atom, extra, symbol, children, regex, dotted] = node;
  archive(kind, sub, role, flags, text, atom, extra, symbol, children, dotted);
  shared_regex(archive, regex);
}
template <class Archive, RecordOf<Pattern> P>
void fields(Archive& archive, P& pattern) {
  auto& [shape, grammar, nodes, roots, names, types, matches_anything] = pattern;
  archive(shape, grammar, nodes, roots, names, types, matches_anything);
}
template <class Archive, RecordOf<GenericOptions> O>
void fields(Archive& archive, O& options) {
  auto& [ellipsis_span_max, comments, caseless] = options;
  archive(ellipsis_span_max, comments, caseless);
}
template <class Archive, RecordOf<GenericToken> T>
void fields(Archive& archive, T& token) {
  auto& [what, first, end, line, partner] = token;
  archive(what, first, end, line, partner);
}
template <class Archive, RecordOf<GenericPattern> P>
void fields(Archive& archive, P& pattern) {
  auto& [text, tokens, names, options, needed] = pattern;
  archive(text, tokens, names, options, needed);
}
template <class Archive, RecordOf<Formula> F>
void fields(Archive& archive, F& formula);
template <class Archive, RecordOf<Condition> C>
void fields(Archive& archive, C& condition) {
  auto& [what, metavar, name, regex, groups, negate, of_value, words, formula, embedded, comparison, comparison_text,
         base, strip] = condition;
  archive(what, metavar, name, groups, negate, of_value, words, embedded, comparison_text, base, strip);
  shared_regex(archive, regex);
  shared(archive, formula);
  if constexpr (kReads<Archive>) {
    if (what != Condition::What::Comparison) return;
    auto parsed = parse_comparison(comparison_text);
    if (!parsed) return archive.fail();
    comparison = std::make_shared<const ComparisonExpr>(std::move(*parsed));
  }
}
template <class Archive, RecordOf<Formula> F>
void fields(Archive& archive, F& formula) {
  const Depth depth(archive);
  auto& [what, place, leaf, pattern, generic, regex, groups, parts, negatives, conditions, focus] = formula;
  archive(what, place, leaf, pattern, groups, parts, negatives, conditions, focus);
  shared(archive, generic);
  shared_regex(archive, regex);
}
template <class Archive, RecordOf<TaintSpec> T>
void fields(Archive& archive, T& spec) {
  auto& [formula, label, required_text, exact, by_side_effect, not_conflicting, from, to] = spec;
  archive(formula, label, required_text, exact, by_side_effect, not_conflicting, from, to);
}
template <class Archive, RecordOf<TaintFormulas> T>
void fields(Archive& archive, T& taint) {
  auto& [sources, sinks, sanitizers, propagators] = taint;
  archive(sources, sinks, sanitizers, propagators);
}
template <class Archive, RecordOf<TaintOptions> T>
void fields(Archive& archive, T& options) {
  auto& [functions, indexes, comparisons, booleans, numbers, assignments, unify, from_outside] = options;
  archive(functions, indexes, comparisons, booleans, numbers, assignments, unify, from_outside);
}
template <class Archive, RecordOf<FixRegex> F>
void fields(Archive& archive, F& fix) {
  auto& [regex, replacement, count] = fix;
  archive(replacement, count);
  shared_regex(archive, regex);
}
template <class Archive, RecordOf<RulePaths> P>
void fields(Archive& archive, P& paths) {
  auto& [include, exclude] = paths;
  archive(include, exclude);
}
template <class Archive, RecordOf<MatchOptions> O>
void fields(Archive& archive, O& options) {
  auto& [constants, symbols, deep, vardef, flddef, attr, arrow, let, symmetric, ac, boolop, decorators, ellipsis,
         implicit_return, singleton, attributes, ordered] = options;
  archive(constants, symbols, deep, vardef, flddef, attr, arrow, let, symmetric, ac, boolop, decorators, ellipsis,
          implicit_return, singleton, attributes, ordered);
}
template <class Archive, RecordOf<RuleInfo> I>
void fields(Archive& archive, I& info) {
  auto& [id, file, line, title, message, severity_word, severity, confidence, category, cwe, language_names,
         fix_description, has_fix, fix, fix_safety, says_fix_safety, metadata] = info;
  archive(id, file, line, title, message, severity_word, severity, confidence, category, cwe, language_names,
          fix_description, has_fix, fix, fix_safety, says_fix_safety, metadata);
}
template <class Archive, RecordOf<RefusedRule> R>
void fields(Archive& archive, R& rule) {
  auto& [id, file, line, reason] = rule;
  archive(id, file, line, reason);
}

namespace {

/// Whether every index is in range, so that the matcher needn't ask.
class Checker {
 public:
  Checker(Atom atoms_end, std::uint32_t leaves) : atoms_end_(atoms_end), leaves_(leaves) {}

  bool fits(const TaintSpec& spec) const { return fits_atom(spec.from) && fits_atom(spec.to) && fits(spec.formula); }
  bool fits(const Formula& formula) const {
    const auto each = [](const auto& list, auto check) { return std::all_of(list.begin(), list.end(), check); };
    const auto atom_fits = [&](Atom atom) { return fits_atom(atom); };
    const auto formula_fits = [&](const Formula& part) { return fits(part); };
    if (formula.leaf >= std::max(leaves_, 1U)) return false;
    const bool one = formula.pattern.has_value() != (formula.generic != nullptr);
    if (formula.what == Formula::What::Pattern && !one) return false;
    if ((formula.pattern && !fits(*formula.pattern)) || (formula.generic && !fits(*formula.generic))) return false;
    if (formula.what == Formula::What::Regex && !formula.regex) return false;
    return each(formula.groups, atom_fits) && each(formula.parts, formula_fits) &&
           each(formula.negatives, formula_fits) &&
           each(formula.conditions, [&](const Condition& condition) { return fits(condition); }) &&
           each(formula.focus, [&](const auto& list) { return each(list, atom_fits); });
  }

 private:
  bool fits_atom(Atom atom) const { return atom < atoms_end_; }

  bool fits(const Condition& condition) const {
    switch (condition.what) {
      case Condition::What::Regex:
        if (!condition.regex) return false;
        break;
      case Condition::What::Formula:
        if (!condition.formula || !fits(*condition.formula)) return false;
        break;
      case Condition::What::Comparison:
        if (!condition.comparison) return false;
        break;
      default:
        break;
    }
    return fits_atom(condition.metavar) &&
           std::all_of(condition.groups.begin(), condition.groups.end(), [&](Atom atom) { return fits_atom(atom); });
  }

  bool fits(const GenericPattern& pattern) const {
    const std::size_t count = pattern.tokens.size();
    return pattern.names.size() == count &&
           std::all_of(pattern.names.begin(), pattern.names.end(), [&](Atom atom) { return fits_atom(atom); }) &&
           std::all_of(pattern.tokens.begin(), pattern.tokens.end(), [&](const GenericToken& token) {
             return token.first <= token.end && token.end <= pattern.text.size() && token.partner <= count;
           });
  }

  bool fits(const Pattern& pattern) const {
    const std::size_t count = pattern.nodes.size();
    if (count > 2 * kPatternNodesMax || pattern.roots.empty()) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      const PatternNode& node = pattern.nodes[i];
      if (!fits_atom(node.atom) ||
          !std::all_of(node.dotted.begin(), node.dotted.end(), [&](Atom atom) { return fits_atom(atom); }))
        return false;
      // Children come after their parent: no circles.
      if (!std::all_of(node.children.begin(), node.children.end(),
                       [&](std::uint32_t child) { return child > i && child < count; }))
        return false;
      if (node.kind == Kind::Deep && node.children.empty()) return false;
      if (node.kind == Kind::Member && node.text == PatternNode::Text::Any && node.children.empty()) return false;
    }
    return std::all_of(pattern.roots.begin(), pattern.roots.end(), [&](std::uint32_t root) { return root < count; }) &&
           std::all_of(pattern.names.begin(), pattern.names.end(), [&](Atom atom) { return fits_atom(atom); }) &&
           std::all_of(pattern.types.begin(), pattern.types.end(),
                       [&](const auto& type) { return fits_atom(type.first) && type.second < count; });
  }

  Atom atoms_end_;
  std::uint32_t leaves_;
};

void head(auto& archive, auto& rule, auto& record) {
  auto& [info, languages, any_text, paths, options, generic, fix_regex, in_loop, leaves, metavars, text_formula,
         formulas, taints, taint_options, is_taint, own_record, atoms_end, unpacked] = rule;
  archive(info, languages, any_text, paths, options, generic, fix_regex, in_loop, leaves, metavars, taint_options,
          is_taint, record);
}

}  // namespace

void CompiledRule::unpack() const {
  std::call_once(unpacked, [&] {
    if (record.empty()) return;
    codec::RecordReader reader(record);
    reader(text_formula, formulas, taints);
    const Checker checker(atoms_end, leaves);
    bool fits = reader.complete() && (!text_formula || checker.fits(*text_formula));
    for (const auto& [language, formula] : formulas) fits = fits && checker.fits(formula);
    for (const auto& [language, taint] : taints)
      for (const auto* list : {&taint.sources, &taint.sinks, &taint.sanitizers, &taint.propagators})
        for (const TaintSpec& spec : *list) fits = fits && checker.fits(spec);
    if (fits) return;
    text_formula.reset();
    formulas.clear();
    taints.clear();
  });
}

std::string formulas_to_record(const std::optional<Formula>& of_text,
                               const std::vector<std::pair<source::Language, Formula>>& by_grammar,
                               const std::vector<std::pair<source::Language, TaintFormulas>>& taints) {
  codec::RecordWriter writer;
  writer(of_text, by_grammar, taints);
  return std::move(writer).take();
}

std::string rules_to_record(const RuleSet::State& state, const LoadReport& report, std::string_view key) {
  codec::RecordWriter writer;
  std::vector<std::string> atoms;
  for (Atom atom = 1; atom < state.atoms.end_id(); ++atom) atoms.emplace_back(state.atoms.text(atom));
  writer(atoms, state.sha256, static_cast<std::uint64_t>(state.rules.size()));
  for (const auto& rule : state.rules) {
    const std::string formulas =
        rule->record.empty() ? formulas_to_record(rule->text_formula, rule->formulas, rule->taints) : rule->record;
    head(writer, std::as_const(*rule), formulas);
  }
  writer(static_cast<std::uint64_t>(report.files), static_cast<std::uint64_t>(report.rules), to_records(report.errors),
         report.refused, to_records(report.warnings));
  const std::string body = std::move(writer).take();
  return std::string(kMagic) + std::string(key) + crypto::sha256_hex(body) + body;
}

std::optional<std::unique_ptr<RuleSet::State>> rules_from_record(std::string_view bytes, std::string_view key,
                                                                 LoadReport& report) {
  if (key.size() != kHexBytes || bytes.size() < kMagic.size() + 2 * kHexBytes || !bytes.starts_with(kMagic))
    return std::nullopt;
  bytes.remove_prefix(kMagic.size());
  const std::string_view made_of = bytes.substr(0, kHexBytes), checksum = bytes.substr(kHexBytes, kHexBytes);
  bytes.remove_prefix(2 * kHexBytes);
  if (made_of != key || crypto::sha256_hex(bytes) != checksum) return std::nullopt;

  codec::RecordReader reader(bytes);
  auto state = std::make_unique<RuleSet::State>();
  std::vector<std::string> atoms;
  std::uint64_t rules = 0;
  reader(atoms, state->sha256, rules);
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (state->atoms.intern(atoms[i]) != i + 1) return std::nullopt;
  for (std::uint64_t i = 0; i < rules && !reader.failed(); ++i) {
    auto rule = std::make_unique<CompiledRule>();
    head(reader, *rule, rule->record);
    rule->atoms_end = state->atoms.end_id();
    state->rules.push_back(std::move(rule));
  }
  LoadReport read;
  std::uint64_t files = 0, usable = 0;
  std::vector<ErrorRecord> errors, warnings;
  reader(files, usable, errors, read.refused, warnings);
  if (!reader.complete()) return std::nullopt;
  report.files += static_cast<std::size_t>(files);
  report.rules += static_cast<std::size_t>(usable);
  const auto append = [](auto& to, auto from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(report.errors, from_records(std::move(errors)));
  append(report.refused, std::move(read.refused));
  append(report.warnings, from_records(std::move(warnings)));
  return state;
}

}  // namespace wrench::code
