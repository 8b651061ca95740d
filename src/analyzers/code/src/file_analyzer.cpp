#include "wrench/code/file_analyzer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "match_formula.hpp"
#include "memory_checks.hpp"
#include "rule_formula.hpp"
#include "taint.hpp"
#include "taint_facts.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/findings/report_record.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr std::size_t kSnippetLinesMax = 20;     ///< Of a finding's code.
constexpr std::size_t kSnippetBytesMax = 2'048;  ///< Of a finding's code.
constexpr std::size_t kMetavarBytesMax = 500;    ///< Of a metavariable in a message.
constexpr std::size_t kMessageBytesMax = 4'000;  ///< Of a message.

findings::Position position(const source::SourceText& text, std::uint32_t offset) {
  const source::LineCol place = text.lines.position(text.text, offset);
  return {place.line, place.col, offset};
}

/// A finding that may be due to a misread file counts for less.
findings::Confidence lower(findings::Confidence confidence) {
  return confidence == findings::Confidence::High ? findings::Confidence::Medium : findings::Confidence::Low;
}

/// What others import a file by: its name without the ending; a package's files by their folder.
std::string module_name(std::string_view path) {
  const auto without_folder = [](std::string_view text) { return text.substr(text.rfind('/') + 1); };
  std::string_view name = without_folder(path);
  name = name.substr(0, name.find('.'));
  const bool of_folder = name == "__init__" || name == "index" || path.ends_with(".go");
  const std::size_t folder = path.rfind('/');
  return std::string(of_folder && folder != std::string_view::npos ? without_folder(path.substr(0, folder)) : name);
}

std::string snippet(const source::SourceText& text, std::uint32_t first_line, std::uint32_t last_line) {
  std::string out;
  for (std::uint32_t line = first_line; line <= last_line && line - first_line < kSnippetLinesMax; ++line) {
    if (line != first_line) out += '\n';
    out += text.lines.line(text.text, line);
    if (out.size() > kSnippetBytesMax) break;
  }
  if (out.size() > kSnippetBytesMax) {
    out.resize(kSnippetBytesMax);
    out = repair_utf8(out);
  }
  return out;
}

std::string cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

/// One rule over one file, turned into findings.
class Reporter {
 public:
  Reporter(const CompiledRule& rule, const source::SourceText& text, const FileIndex* file, const Atoms& atoms)
      : rule_(rule), text_(text), file_(file), atoms_(atoms) {}

  findings::Finding finding(const Match& match) const {
    findings::Finding out;
    const RuleInfo& info = rule_.info;
    out.rule = info.id;
    out.rule_file = info.file;
    out.title = info.title;
    out.rule_severity = info.severity_word;
    out.severity = info.severity;
    out.confidence = info.confidence;
    out.category = info.category;
    out.cwe = info.cwe;
    out.metadata = info.metadata;
    out.where.path = text_.path;
    out.where.content = text_.content_id;
    out.where.start = position(text_, match.first);
    out.where.end = position(text_, match.end);
    // A range that ends with a line end shows no line more.
    const std::uint32_t last = out.where.end.col == 1 && out.where.end.line > out.where.start.line
                                   ? out.where.end.line - 1
                                   : out.where.end.line;
    out.lines = snippet(text_, out.where.start.line, last);
    out.message = fill(info.message, match.bindings, FillFor::People);
    out.symbol = symbol(match);
    for (const auto& [atom, bound] : match.bindings) out.metavars.push_back(metavar(atom, bound));
    std::sort(out.metavars.begin(), out.metavars.end(),
              [](const findings::Metavar& a, const findings::Metavar& b) { return a.name < b.name; });
    if (near_error(match)) {
      out.near_parse_error = true;
      out.confidence = lower(out.confidence);
    }
    add_fix(out, match);
    return out;
  }

  /// What the fingerprint is made of.
  std::string tokens(const Match& match) const {
    if (file_ == nullptr || match.node == kNoNode) {
      const source::LineCol place = text_.lines.position(text_.text, match.first);
      return findings::line_text(text_.lines.line(text_.text, place.line));
    }
    std::vector<std::string_view> leaves;
    const Ir& ir = file_->ir();
    for (NodeIndex n = match.node; n < ir.nodes.size() && leaves.size() < findings::kFingerprintTokensMax; ++n) {
      if (ir[n].first >= match.end) break;
      if (ir[n].subtree_end == n + 1 && ir[n].end > ir[n].first && ir[n].end <= match.end)
        leaves.push_back(file_->text_of(n));
    }
    return findings::token_text(leaves);
  }

  findings::Finding taint_finding(const TaintFinding& found) const {
    findings::Finding out = finding(found.sink);
    out.trace.push_back(
        step(findings::TraceRole::Source, found.source.first, found.source.end, "what comes from outside"));
    for (const TaintStep& call : found.calls)
      out.trace.push_back(
          step(findings::TraceRole::Step, call.first, call.first, fmt::format("is passed to {}()", call.callee)));
    if (found.rule->taint_options.from_outside) out.reach = findings::Reach::Entry;
    out.trace.push_back(step(findings::TraceRole::Sink, found.sink.first, found.sink.end, "is used here"));
    for (const Match& other : found.others)
      out.related.push_back({step(findings::TraceRole::Source, other.first, other.end, {}).where, "another source"});
    return out;
  }

  bool in_loop(const Match& match) const {
    if (file_ == nullptr || match.node == kNoNode) return false;
    const Ir& ir = file_->ir();
    NodeIndex below = match.node;
    for (NodeIndex up = ir[below].parent; up != kNoNode; below = up, up = ir[up].parent) {
      const Kind kind = ir[up].kind;
      if (kind == Kind::Function || kind == Kind::Lambda || kind == Kind::Class) return false;
      // What a loop begins with runs once.
      if (kind == Kind::Loop && ir[below].role != Role::Init && ir[below].role != Role::Else) return true;
      if (kind == Kind::ForEach && ir[below].role == Role::Body) return true;
      if (kind == Kind::Comprehension && (ir[below].role == Role::Value || ir[below].role == Role::Condition))
        return true;
    }
    return false;
  }

 private:
  findings::TraceStep step(findings::TraceRole role, std::uint32_t first, std::uint32_t end, std::string note) const {
    findings::TraceStep out;
    out.role = role;
    out.where.path = text_.path;
    out.where.content = text_.content_id;
    out.where.start = position(text_, first);
    out.where.end = position(text_, end);
    out.note = std::move(note);
    return out;
  }
  findings::Metavar metavar(Atom atom, const Bound& bound) const {
    findings::Metavar out;
    out.name = atoms_.text(atom);
    out.text = cut(text_.text.substr(bound.first, bound.end - bound.first), kMetavarBytesMax);
    if (file_ != nullptr && bound.node != kNoNode && file_->ir()[bound.node].kind == Kind::Name)
      out.value = constant_text(*file_, bound);
    out.start = position(text_, bound.first);
    out.end = position(text_, bound.end);
    return out;
  }

  /// What is for people is cut; what replaces code never is.
  enum class FillFor { People, Code };

  /// `$X` by its text, `value($X)` by its constant.
  std::string fill(std::string_view with, const Bindings& bindings, FillFor whom) const {
    const std::size_t bytes_max = whom == FillFor::Code ? kFixBytesMax : kMessageBytesMax;
    std::string out;
    for (std::size_t i = 0; i < with.size() && out.size() <= bytes_max;) {
      const bool value = whom == FillFor::People && with.substr(i).starts_with("value($");
      const std::size_t at = value ? i + 6 : i;
      std::size_t end = at + 1;
      if (with[at] == '$') {
        if (with.substr(end).starts_with("...")) end += 3;
        while (end < with.size() &&
               ((with[end] >= 'A' && with[end] <= 'Z') || with[end] == '_' || (with[end] >= '0' && with[end] <= '9')))
          ++end;
      }
      const Atom atom = end > at + 1 ? atoms_.find(with.substr(at, end - at)) : kNoAtom;
      const Bound* bound = atom == kNoAtom ? nullptr : find(bindings, atom);
      if (bound == nullptr || (value && (end >= with.size() || with[end] != ')'))) {
        out += with[i++];
        continue;
      }
      std::optional<std::string> constant;
      if (value && file_ != nullptr) constant = constant_text(*file_, *bound);
      std::size_t first = bound->first;
      // In plain text what `$...X` stands for begins where that before it ends: blanks are part of it.
      if (whom == FillFor::Code && file_ == nullptr && with.substr(at).starts_with("$..."))
        while (first > 0 && (text_.text[first - 1] == ' ' || text_.text[first - 1] == '\t')) --first;
      const std::string_view text = std::string_view(text_.text).substr(first, bound->end - first);
      out += constant ? *constant : cut(text, whom == FillFor::Code ? text.size() : kMetavarBytesMax);
      i = value ? end + 1 : end;
    }
    return out;
  }

  /// The rule's text with its further lines as far in as the first one will stand; what `$X` holds is so already.
  std::string indented(const std::string& fix, std::uint32_t first) const {
    if (fix.find('\n') == std::string::npos) return fix;
    const source::LineCol place = text_.lines.position(text_.text, first);
    const std::uint64_t line_start = text_.lines.line_start(place.line);
    std::string indent;
    for (const char c : std::string_view(text_.text).substr(line_start, first - line_start))
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) indent += c == '\t' ? '\t' : ' ';
    std::string out;
    for (std::size_t i = 0; i < fix.size(); ++i) {
      out += fix[i];
      if (fix[i] == '\n' && i + 1 < fix.size() && fix[i + 1] != '\n') out += indent;
    }
    return out;
  }

  NodeIndex node_at(const Match& match) const {
    if (file_ == nullptr) return kNoNode;
    if (match.node != kNoNode) return match.node;
    const Ir& ir = file_->ir();
    NodeIndex at = 0;
    for (bool deeper = true; deeper;) {
      deeper = false;
      for (NodeIndex c = ir.first_child(at); c != kNoNode; c = ir.next_sibling(c))
        if (ir[c].first <= match.first && match.end <= ir[c].end) {
          at = c;
          deeper = true;
          break;
        }
    }
    return at;
  }

  std::string symbol(const Match& match) const {
    const NodeIndex node = node_at(match);
    if (node == kNoNode) return {};
    const Ir& ir = file_->ir();
    std::string out;
    for (NodeIndex up = ir[node].kind == Kind::Function || ir[node].kind == Kind::Class ? node : ir[node].parent;
         up != kNoNode; up = ir[up].parent) {
      const Kind kind = ir[up].kind;
      if ((kind != Kind::Function && kind != Kind::Class) || ir[up].atom == kNoAtom) continue;
      const std::string name(atoms_.text(ir[up].atom));
      out = out.empty() ? name : name + "." + out;
    }
    return out;
  }

  bool near_error(const Match& match) const {
    return file_ != nullptr && match.node != kNoNode && (file_->ir()[match.node].flags & kFlagNearError) != 0;
  }

  /// `fix-regex` applied to the finding's text.
  std::string replaced(const FixRegex& fix, const Match& match) const {
    const std::string_view text = std::string_view(text_.text).substr(match.first, match.end - match.first);
    std::string out;
    std::size_t at = 0;
    std::vector<source::RegexSpan> groups;
    for (std::uint32_t done = 0; (fix.count == 0 || done < fix.count) && at <= text.size(); ++done) {
      if (fix.regex->search(text, at, groups) != source::Regex::Outcome::Match) break;
      out += text.substr(at, groups[0].first - at);
      out += with_groups(fix.replacement, text, groups);
      at = groups[0].end;
      if (groups[0].first != groups[0].end) continue;
      // An empty match moves on by itself.
      if (at == text.size()) break;
      out += text[at++];
    }
    if (at < text.size()) out += text.substr(at);
    return out;
  }
  /// `\1` to `\9` and `\g<1>` stand for groups.
  static std::string with_groups(std::string_view replacement, std::string_view text,
                                 const std::vector<source::RegexSpan>& groups) {
    std::string out;
    for (std::size_t i = 0; i < replacement.size(); ++i) {
      std::string_view rest = replacement.substr(i);
      const bool named = rest.starts_with("\\g<") && rest.size() > 4 && rest.find('>') == 4;
      const std::size_t digit = named ? 3 : 1;
      if (rest.size() <= digit || rest[0] != '\\' || rest[digit] < '0' || rest[digit] > '9') {
        out += rest[0];
        continue;
      }
      const auto group = static_cast<std::size_t>(rest[digit] - '0');
      if (group < groups.size() && groups[group].matched())
        out += text.substr(groups[group].first, groups[group].end - groups[group].first);
      i += named ? 4 : 1;
    }
    return out;
  }

  void add_fix(findings::Finding& out, const Match& match) const {
    const RuleInfo& info = rule_.info;
    if (!info.has_fix && info.fix_description.empty()) return;
    findings::Fix fix;
    fix.state = findings::FixState::Suggested;
    fix.description = info.fix_description;
    fix.safety = info.fix_safety;
    if (info.has_fix) {
      findings::Edit edit;
      edit.where = out.where;
      const bool by_regex = info.fix.empty() && rule_.fix_regex;
      edit.text = by_regex ? replaced(*rule_.fix_regex, match)
                           : fill(indented(info.fix, match.first), match.bindings, FillFor::Code);
      const bool changes = edit.text != std::string_view(text_.text).substr(match.first, match.end - match.first);
      // The expression doesn't fit every form that the rule finds: then only the words are left.
      if (by_regex && !changes) {
        if (!fix.description.empty()) out.fix = std::move(fix);
        return;
      }
      if (fix.description.empty())
        fix.description =
            edit.text.empty() ? "remove it" : fmt::format("replace by {}", collapse_white_space(cut(edit.text, 120)));
      if (edit.text.size() > kFixBytesMax) {
        fix.state = findings::FixState::Rejected;
        fix.reason = fmt::format("the text that it puts in is longer than {} bytes", kFixBytesMax);
      } else {
        fix.edits.push_back(std::move(edit));
      }
    }
    out.fix = std::move(fix);
  }

  const CompiledRule& rule_;
  const source::SourceText& text_;
  const FileIndex* file_;
  const Atoms& atoms_;
};

}  // namespace

struct FileAnalyzer::State {
  State(const RuleSet& rule_set, CodeOptions given, const Clock& time)
      : rules(rule_set.state()), options(std::move(given)), clock(time), atoms(&rules.atoms) {
    for (const auto& rule : rules.rules) {
      const bool off = std::any_of(options.disabled_rules.begin(), options.disabled_rules.end(),
                                   [&](const std::string& id) { return findings::names_rule(id, rule->info.id); });
      if (off || !(rule->is_taint ? options.taint : options.search)) continue;
      for (const Language language : rule->languages)
        by_language[static_cast<std::size_t>(language)].push_back(rule.get());
      if (rule->any_text) for_any_text.push_back(rule.get());
    }
  }

  const RuleSet::State& rules;
  CodeOptions options;
  const Clock& clock;
  Parser parser;
  Atoms atoms;
  std::optional<Ir> ir;
  std::array<std::vector<const CompiledRule*>, static_cast<std::size_t>(Language::Text) + 1> by_language;
  std::vector<const CompiledRule*> for_any_text;

  void partial(FileResult& result, const source::SourceText& text, std::string_view code, std::string_view subject,
               std::string detail) const {
    result.partial.push_back({std::string(code), text.path, std::string(subject), std::move(detail)});
  }

  bool parse(Language language, const source::SourceText& text, const CpuBudget& budget, const StopToken& stop,
             FileResult& result) {
    auto parsed = parser.parse(language, text.text, atoms, options.parse, budget, stop);
    if (!parsed) {
      std::string_view code = parsed.error().code;
      if (code.starts_with("code.")) code.remove_prefix(5);
      partial(result, text, code, {}, parsed.error().message);
      return false;
    }
    ir = std::move(*parsed);
    return true;
  }

  MatchBudget::Spent run_rule(const CompiledRule& rule, const source::SourceText& text, const FileIndex* file,
                              const CpuBudget& of_file, const StopToken& stop, EmbeddedReader& embedded,
                              std::vector<std::pair<findings::Finding, std::string>>& out, FileResult& result) {
    if (options.obey_rule_paths && !rule.paths.allow(text.project_path)) return MatchBudget::Spent::No;
    const Formula* formula = file != nullptr ? rule.formula(file->ir().language) : rule.formula_of_text();
    if (formula == nullptr) return MatchBudget::Spent::No;
    MatchBudget budget({options.match_states_max, options.rule_us_max}, of_file, clock, stop);
    const Reporter reporter(rule, text, file, atoms);
    std::vector<Match> matches = FormulaRun(file, text.text, atoms, rule, budget, &embedded).run(*formula);
    if (rule.in_loop) std::erase_if(matches, [&](const Match& match) { return !reporter.in_loop(match); });
    if (matches.size() > options.findings_per_rule_max) {
      partial(result, text, "findings_max", rule.info.id,
              fmt::format("{} findings; the first {} are kept", matches.size(), options.findings_per_rule_max));
      matches.resize(options.findings_per_rule_max);
    }
    for (const Match& match : matches) out.emplace_back(reporter.finding(match), reporter.tokens(match));
    if (budget.left_out() > 0)
      partial(result, text, "matches_max", rule.info.id, "a pattern matches in more ways than are tried");
    return budget.spent();
  }

  /// Taint rules: their patterns first, then one pass over the file for all of them.
  void run_taint(const source::SourceText& text, const FileIndex& file, CpuBudget of_file, const StopToken& stop,
                 std::vector<std::pair<findings::Finding, std::string>>& out, FileResult& result) {
    std::vector<TaintMatches> matched;
    bool any = false;
    const TaintReach reach = options.taint_facts ? TaintReach::Project : TaintReach::File;
    for (const CompiledRule* rule : by_language[static_cast<std::size_t>(file.ir().language)]) {
      const TaintFormulas* formulas = rule->taint(file.ir().language);
      if (formulas == nullptr || (options.obey_rule_paths && !rule->paths.allow(text.project_path))) continue;
      any = true;
      if (stop.stop_requested() || of_file.spent()) return;
      MatchBudget budget({options.match_states_max, options.rule_us_max}, of_file, clock, stop);
      TaintMatches matches = match_taint(*rule, *formulas, file, atoms, budget, reach);
      report_spent(budget.spent(), *rule, text, result);
      if (!matches.empty()) matched.push_back(std::move(matches));
    }
    if (matched.empty() && !(any && options.taint_facts)) return;
    const FileTaint taint(file, std::move(matched));
    TaintResult found = taint.follow(of_file);
    for (const std::string& function : found.cut)
      partial(result, text, "summary_budget", function, "the function is too large to follow what goes through it");
    if (taint.too_many_marks())
      partial(result, text, "summary_budget", {}, "taint rules mark more places of the file than are followed");
    if (options.taint_facts) result.taint = taint_record(taint, text, file);
    std::unordered_map<const CompiledRule*, std::uint32_t> counts;
    for (const TaintFinding& finding : found.findings) {
      if (++counts[finding.rule] > options.findings_per_rule_max) continue;
      const Reporter reporter(*finding.rule, text, &file, atoms);
      out.emplace_back(reporter.taint_finding(finding), reporter.tokens(finding.sink));
    }
  }

  void run_memory(const source::SourceText& text, const FileIndex& file, const CpuBudget& of_file,
                  std::vector<std::pair<findings::Finding, std::string>>& out, FileResult& result) const {
    MemoryFindings found = memory_findings(file, text, of_file);
    for (const std::string& function : found.cut)
      partial(result, text, "summary_budget", function, "the function has more ways through it than were followed");
    result.followed_in_part = std::move(found.followed_in_part);
    for (findings::Finding& finding : found.findings) {
      const bool off = std::any_of(options.disabled_rules.begin(), options.disabled_rules.end(),
                                   [&](const std::string& id) { return findings::names_rule(id, finding.rule); });
      if (off) continue;
      std::string tokens = findings::line_text(finding.lines);
      out.emplace_back(std::move(finding), std::move(tokens));
    }
  }

  std::string taint_record(const FileTaint& taint, const source::SourceText& text, const FileIndex& file) const {
    TaintFacts facts;
    facts.unit = taint.unit();
    facts.unit.flow.module = module_name(text.project_path);
    for (std::size_t i = 0; i < facts.unit.marks.size(); ++i) {
      const Match& match = taint.match(i);
      TaintPlace place;
      place.start = position(text, match.first);
      place.end = position(text, match.end);
      const Reporter reporter(taint.rule(i), text, &file, atoms);
      if (facts.unit.marks[i].what == FlowMark::What::Sink) {
        place.finding = findings::to_record(reporter.finding(match));
        place.tokens = reporter.tokens(match);
      } else if (facts.unit.marks[i].what == FlowMark::What::Source) {
        for (const auto& [atom, bound] : match.bindings)
          place.metavars.emplace_back(atoms.text(atom), cut(text_of(file, bound), kMetavarBytesMax));
      }
      facts.places.push_back(std::move(place));
    }
    return to_record(facts);
  }

  void report_spent(MatchBudget::Spent spent, const CompiledRule& rule, const source::SourceText& text,
                    FileResult& result) const {
    switch (spent) {
      case MatchBudget::Spent::No:
      case MatchBudget::Spent::Stopped:
        return;
      case MatchBudget::Spent::States:
        return partial(result, text, "match_states_max", rule.info.id,
                       fmt::format("stopped after {} steps", options.match_states_max));
      case MatchBudget::Spent::Time:
        return partial(result, text, "rule_timeout", rule.info.id,
                       fmt::format("stopped after {} ms", options.rule_us_max / kMicrosPerMs));
      case MatchBudget::Spent::RegexLimit:
        return partial(result, text, "regex_limit", rule.info.id, "a regular expression needed too many steps");
    }
  }
};

FileAnalyzer::FileAnalyzer(const RuleSet& rules, CodeOptions options, const Clock& clock)
    : state_(std::make_unique<State>(rules, std::move(options), clock)) {}
FileAnalyzer::FileAnalyzer(FileAnalyzer&&) noexcept = default;
FileAnalyzer& FileAnalyzer::operator=(FileAnalyzer&&) noexcept = default;
FileAnalyzer::~FileAnalyzer() = default;

FileResult FileAnalyzer::analyze(const source::SourceText& text, CpuBudget budget, const StopToken& stop) {
  State& state = *state_;
  FileResult result;
  state.atoms.clear();
  state.ir.reset();
  const Language language =
      state.options.language_override != Language::Unknown ? state.options.language_override : text.language;
  std::optional<FileIndex> index;
  if (can_parse(language) && state.parse(language, text, budget, stop, result)) {
    index.emplace(*state.ir, state.atoms, text.text, state.options.macros);
    result.ir = &*state.ir;
    result.atoms = &state.atoms;
    for (const Span& comment : state.ir->comments) result.comments.push_back({comment.first, comment.end});
  }

  EmbeddedReader embedded(state.parser, state.atoms, state.options.parse, budget, stop);
  std::vector<std::pair<findings::Finding, std::string>> found;
  const auto run = [&](const std::vector<const CompiledRule*>& rules, const FileIndex* file) {
    for (const CompiledRule* rule : rules) {
      if (stop.stop_requested()) return;
      const auto spent = budget.spent() ? MatchBudget::Spent::Time
                                        : state.run_rule(*rule, text, file, budget, stop, embedded, found, result);
      if (spent == MatchBudget::Spent::Time && budget.spent()) {
        state.partial(result, text, "file_timeout", rule->info.id, "no time left for this rule and those after it");
        return;
      }
      state.report_spent(spent, *rule, text, result);
    }
  };
  if (index) {
    run(state.by_language[static_cast<std::size_t>(language)], &*index);
    state.run_taint(text, *index, budget, stop, found, result);
    if (state.options.memory_checks) state.run_memory(text, *index, budget, found, result);
  }
  run(state.for_any_text, nullptr);

  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const findings::Position &x = a.first.where.start, &y = b.first.where.start;
    if (x.offset != y.offset) return x.offset < y.offset;
    if (a.first.rule != b.first.rule) return a.first.rule < b.first.rule;
    return a.first.where.end.offset < b.first.where.end.offset;
  });
  findings::Fingerprinter fingerprinter(text.project_path);
  result.findings.reserve(found.size());
  for (auto& [finding, tokens] : found) {
    fingerprinter.stamp(finding, tokens);
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace wrench::code
