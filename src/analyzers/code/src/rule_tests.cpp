#include "wrench/code/rule_tests.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "rule_formula.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/file_analyzer.hpp"
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

class CaseRun {
 public:
  CaseRun(const RuleTestCase& test, const Clock& clock, RuleTestReport& report)
      : test_(test), clock_(clock), report_(report) {}

  void run() {
    const RuleSource source{test_.rules.path, test_.rules.text};
    const RuleSet set = RuleSet::load({&source, 1}, report_.load);
    std::set<std::string> marked;
    for (const RuleTestFile& target : test_.targets) check(set, target, marked);
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

  /// A target is read in the rule's language whatever its name says.
  static Language language_for(const CompiledRule& rule, Language detected) {
    if (rule.languages.empty()) return detected;
    const auto found = std::find(rule.languages.begin(), rule.languages.end(), detected);
    return found == rule.languages.end() ? rule.languages.front() : detected;
  }

  std::map<std::string, std::set<std::uint32_t>> lines_by_rule(const RuleSet& set, const source::SourceText& text,
                                                               Language language) {
    CodeOptions options;
    options.obey_rule_paths = false;
    options.language_override = language;
    FileAnalyzer analyzer(set, options, clock_);
    std::map<std::string, std::set<std::uint32_t>> out;
    for (const findings::Finding& finding : analyzer.analyze(text, CpuBudget(), StopToken()).findings)
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

bool is_rule_file(std::string_view path) {
  return (path.ends_with(".yaml") || path.ends_with(".yml")) && path.find(".test.") == std::string_view::npos;
}

}  // namespace

std::vector<RuleTestCase> group_rule_tests(std::vector<RuleTestFile> files) {
  std::sort(files.begin(), files.end(), [](const RuleTestFile& a, const RuleTestFile& b) { return a.path < b.path; });
  std::vector<RuleTestCase> out;
  for (const RuleTestFile& rules : files) {
    if (!is_rule_file(rules.path)) continue;
    RuleTestCase test{rules, {}};
    const std::string stem = rules.path.substr(0, rules.path.rfind('.'));
    for (const RuleTestFile& file : files) {
      if (is_rule_file(file.path) || !file.path.starts_with(stem) || file.path.size() <= stem.size()) continue;
      const char next = file.path[stem.size()];
      const bool beside = next == '.' && file.path.find('/', stem.size()) == std::string::npos;
      if ((beside && file.path.find(".fixed.", stem.size()) == std::string::npos) || next == '/')
        test.targets.push_back(file);
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
