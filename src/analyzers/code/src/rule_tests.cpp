#include "wrench/code/rule_tests.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rule_formula.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/file_analyzer.hpp"
#include "wrench/findings/text_edit.hpp"
#include "wrench/source/regex.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr std::string_view kMark =
    R"((?:#|//|<!--|\(\*|\{?/\*|\{\{!|--|;|@\*)[ \t]*((?:todo|pro|deep)*)(ruleid|ok)[ \t]*:(.*))";

struct Marks {
  std::set<std::uint32_t> wanted, fine, ignored;
};

/// By rule id.
std::map<std::string, Marks, std::less<>> read_marks(const source::SourceText& text) {
  static const auto kRegex = source::Regex::compile(kMark);
  WRENCH_ASSERT(kRegex.ok());
  std::map<std::string, Marks, std::less<>> out;
  const std::uint32_t lines = text.lines.line_count();
  std::vector<source::RegexSpan> groups;
  const auto is_mark = [&](std::uint32_t line) {
    return line <= lines &&
           kRegex->search(text.lines.line(text.text, line), 0, groups) == source::Regex::Outcome::Match;
  };
  for (std::uint32_t line = 1; line <= lines; ++line) {
    const std::string_view content = text.lines.line(text.text, line);
    if (!is_mark(line)) continue;
    const auto part = [&](std::size_t group) {
      return groups[group].matched() ? content.substr(groups[group].first, groups[group].end - groups[group].first)
                                     : std::string_view();
    };
    const bool ignore = !part(1).empty();
    const bool wanted = part(2) == "ruleid";
    std::string ids(part(3));
    for (const std::string_view end : {"-->", "*/", "*)", "*@", "}}"})
      if (const std::size_t at = ids.rfind(end); at != std::string::npos) ids.resize(at);
    std::uint32_t target = line + 1;
    while (is_mark(target)) ++target;
    for (std::string_view id : split(ids, ',')) {
      id = trim(id);
      id = id.substr(0, id.find_first_of(" \t"));
      if (id.empty()) continue;
      Marks& marks = out[std::string(id)];
      (ignore ? marks.ignored : wanted ? marks.wanted : marks.fine).insert(target);
    }
  }
  return out;
}

source::SourceText to_source(const RuleTestFile& file) {
  source::SourceText text;
  text.path = file.path;
  text.project_path = file.path;
  text.language = source::detect_language(file.path, std::string_view(file.text).substr(0, 4096));
  text.text = file.text;
  text.lines = source::LineTable(text.text);
  return text;
}

/// A target is read in the rule's language whatever its name says.
Language language_for(const CompiledRule& rule, Language detected) {
  if (rule.languages.empty()) return detected;
  const auto found = std::find(rule.languages.begin(), rule.languages.end(), detected);
  return found == rule.languages.end() ? rule.languages.front() : detected;
}

std::vector<findings::Finding> findings_of(const RuleSet& set, const source::SourceText& text, Language language,
                                           const Clock& clock) {
  CodeOptions options;
  options.obey_rule_paths = false;
  options.language_override = language;
  FileAnalyzer analyzer(set, options, clock);
  return analyzer.analyze(text, CpuBudget(), StopToken()).findings;
}

/// A path without the parts that tell targets from what they become.
std::string name_of_target(std::string_view path) {
  return replace_all(replace_all(std::string(path), ".fixed.", "."), ".test.", ".");
}

/// Applies the fixes of all findings to a target: what overlaps others in the rounds after.
class FixedTarget {
 public:
  FixedTarget(const RuleSet& set, const Clock& clock, std::set<std::string>& fixed_by)
      : set_(set), clock_(clock), fixed_by_(fixed_by) {}

  std::string text(const RuleTestFile& target) {
    RuleTestFile now = target;
    for (int round = 0; round < kFixTestRoundsMax; ++round) {
      const std::vector<RuleEdit> all = edits_of(to_source(now));
      std::vector<findings::TextEdit> edits;
      for (const RuleEdit& entry : all) edits.push_back(entry.edit);
      std::vector<findings::TextEdit> applied;
      std::vector<Place> places;
      for (const std::size_t i : findings::without_overlaps(edits)) {
        applied.push_back(edits[i]);
        places.emplace_back(all[i].rule, edits[i].first);
        fixed_by_.insert(all[i].rule);
      }
      if (applied.empty()) break;
      now.text = findings::apply_edits(now.text, applied);
      const findings::EditedPlaces moved(applied);
      places.insert(places.end(), done_.begin(), done_.end());
      done_.clear();
      for (const Place& place : places) done_.emplace(place.first, moved.of(place.second));
    }
    return now.text;
  }

 private:
  using Place = std::pair<std::string, std::uint64_t>;  // Rule and offset.
  struct RuleEdit {
    std::string rule;
    findings::TextEdit edit;
  };

  std::vector<RuleEdit> edits_of(const source::SourceText& text) const {
    std::map<Language, std::vector<findings::Finding>> by_language;
    std::vector<RuleEdit> out;
    for (std::size_t i = 0; i < set_.size(); ++i) {
      const CompiledRule& rule = *set_.state().rules[i];
      const Language language = language_for(rule, text.language);
      auto [entry, added] = by_language.try_emplace(language);
      if (added) entry->second = findings_of(set_, text, language, clock_);
      for (const findings::Finding& finding : entry->second) {
        if (finding.rule != rule.info.id || !finding.fix) continue;
        for (const findings::Edit& edit : finding.fix->edits) {
          const std::uint64_t first = edit.where.start.offset, end = edit.where.end.offset;
          // A rule that finds its own fix again isn't applied for ever.
          if (done_.contains({finding.rule, first})) continue;
          if (std::string_view(text.text).substr(first, end - first) == edit.text) continue;
          out.push_back({finding.rule, {first, end, findings::with_line_ends_of(text.text, edit.text)}});
        }
      }
    }
    std::stable_sort(out.begin(), out.end(), [](const RuleEdit& a, const RuleEdit& b) {
      return a.edit.first != b.edit.first ? a.edit.first < b.edit.first : a.edit.end < b.edit.end;
    });
    return out;
  }

  const RuleSet& set_;
  const Clock& clock_;
  std::set<std::string>& fixed_by_;
  std::set<Place> done_;
};

class CaseRun {
 public:
  CaseRun(const RuleTestCase& test, const Clock& clock, RuleTestReport& report)
      : test_(test), clock_(clock), report_(report) {}

  void run() {
    const RuleSource source{test_.rules.path, test_.rules.text};
    const RuleSet set = RuleSet::load({&source, 1}, report_.load);
    std::set<std::string> marked;
    for (const RuleTestFile& target : test_.targets) {
      check(set, target, marked);
      for (const RuleTestFile& fixed : test_.fixed)
        if (name_of_target(fixed.path) == name_of_target(target.path)) check_fixes(set, target, fixed);
    }
    for (std::size_t i = 0; i < set.size(); ++i) {
      const std::string& id = set.info(i).id;
      if (!marked.contains(id)) {
        ++report_.skipped;
        report_.untested.push_back(id);
        continue;
      }
      ++report_.rules;
      if (!failed_.contains(id)) ++report_.exact;
    }
  }

 private:
  void check(const RuleSet& set, const RuleTestFile& target, std::set<std::string>& marked) {
    const source::SourceText text = to_source(target);
    const auto marks = read_marks(text);
    std::map<Language, std::map<std::string, std::set<std::uint32_t>>> by_language;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const CompiledRule& rule = *set.state().rules[i];
      const Language language = language_for(rule, text.language);
      auto [entry, added] = by_language.try_emplace(language);
      if (added) entry->second = lines_by_rule(set, text, language);
      const auto own = marks.find(rule.info.id);
      static const Marks kNone;
      const Marks& wanted = own == marks.end() ? kNone : own->second;
      if (!wanted.wanted.empty() || !wanted.fine.empty()) marked.insert(rule.info.id);
      judge(rule.info.id, target.path, wanted, entry->second[rule.info.id]);
    }
  }

  void check_fixes(const RuleSet& set, const RuleTestFile& target, const RuleTestFile& fixed) {
    ++report_.fixed;
    const std::string made = FixedTarget(set, clock_, report_.fixed_by).text(target);
    if (made == fixed.text) {
      ++report_.fixed_equal;
      return;
    }
    FixTestFailure failure{test_.rules.path, target.path, fixed.path};
    const source::LineTable wanted_lines(fixed.text), made_lines(made);
    for (failure.line = 1;; ++failure.line) {
      failure.expected = wanted_lines.line(fixed.text, failure.line);
      failure.made = made_lines.line(made, failure.line);
      const bool ended = failure.line > std::max(wanted_lines.line_count(), made_lines.line_count());
      if (failure.expected != failure.made || ended) break;
    }
    report_.fix_failures.push_back(std::move(failure));
  }

  std::map<std::string, std::set<std::uint32_t>> lines_by_rule(const RuleSet& set, const source::SourceText& text,
                                                               Language language) {
    std::map<std::string, std::set<std::uint32_t>> out;
    for (const findings::Finding& finding : findings_of(set, text, language, clock_))
      out[finding.rule].insert(finding.where.start.line);
    return out;
  }

  void judge(const std::string& rule, const std::string& target, const Marks& marks,
             const std::set<std::uint32_t>& reported) {
    RuleTestFailure failure{rule, test_.rules.path, target, {}, {}};
    for (const std::uint32_t line : marks.wanted)
      if (!reported.contains(line) && !marks.ignored.contains(line)) failure.missed.push_back(line);
    for (const std::uint32_t line : reported)
      if (!marks.wanted.contains(line) && !marks.ignored.contains(line)) failure.unexpected.push_back(line);
    if (failure.missed.empty() && failure.unexpected.empty()) return;
    report_.missed += failure.missed.size();
    report_.unexpected += failure.unexpected.size();
    failed_.insert(rule);
    report_.failures.push_back(std::move(failure));
  }

  const RuleTestCase& test_;
  const Clock& clock_;
  RuleTestReport& report_;
  std::set<std::string> failed_;
};

bool is_fixed_file(std::string_view path) {
  return path.substr(path.rfind('/') + 1).find(".fixed.") != std::string_view::npos;
}

bool is_rule_file(std::string_view path) {
  return (path.ends_with(".yaml") || path.ends_with(".yml")) && path.find(".test.") == std::string_view::npos &&
         !is_fixed_file(path);
}

}  // namespace

std::vector<RuleTestCase> group_rule_tests(std::vector<RuleTestFile> files) {
  std::sort(files.begin(), files.end(), [](const RuleTestFile& a, const RuleTestFile& b) { return a.path < b.path; });
  std::vector<RuleTestCase> out;
  for (const RuleTestFile& rules : files) {
    if (!is_rule_file(rules.path)) continue;
    RuleTestCase test{rules, {}, {}};
    const std::string stem = rules.path.substr(0, rules.path.rfind('.'));
    for (const RuleTestFile& file : files) {
      if (is_rule_file(file.path) || !file.path.starts_with(stem) || file.path.size() <= stem.size()) continue;
      const char next = file.path[stem.size()];
      const bool beside = next == '.' && file.path.find('/', stem.size()) == std::string::npos;
      if (beside || next == '/') (is_fixed_file(file.path) ? test.fixed : test.targets).push_back(file);
    }
    out.push_back(std::move(test));
  }
  return out;
}

RuleTestReport test_rules(std::span<const RuleTestCase> cases, const Clock& clock) {
  RuleTestReport report;
  for (const RuleTestCase& test : cases) CaseRun(test, clock, report).run();
  return report;
}

}  // namespace wrench::code
