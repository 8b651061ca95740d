#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "finding_maker.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/findings/fingerprint.hpp"

/// Which measures become findings, what they say, and how sure they are that somebody should act on them.
namespace wrench::code {
namespace {

constexpr std::size_t kExplainedIncrementsMax = 3;

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// "if in line 12 (+4), loop in line 10 (+3)": the increments that weigh most.
std::string explain(const findings::FunctionMetrics& metrics) {
  std::vector<const findings::ComplexityIncrement*> top;
  for (const auto& increment : metrics.increments) top.push_back(&increment);
  std::ranges::stable_sort(top, [](const auto* a, const auto* b) { return a->add > b->add; });
  std::string out;
  for (std::size_t i = 0; i < std::min(top.size(), kExplainedIncrementsMax); ++i)
    out += fmt::format("{}{} in line {} (+{})", i == 0 ? "" : ", ", top[i]->kind, top[i]->line, top[i]->add);
  return out;
}

std::string lines_of(const Simplification& one) { return fmt::format("lines {} to {}", one.first_line, one.last_line); }

/// "lines 12 to 30, the loop (14 points; needs a, b; gives back c)"
std::string explain(const Simplification& one) {
  if (one.kind == Simplification::Kind::ExitEarly)
    return fmt::format("{} early when the condition in line {} doesn't hold ({} points)", one.what, one.first_line,
                       one.points);
  std::string out = fmt::format("{}, {} ({} points", lines_of(one), one.what, one.points);
  if (!one.takes.empty()) out += fmt::format("; needs {}", fmt::join(one.takes, ", "));
  if (!one.gives.empty()) out += fmt::format("; gives back {}", fmt::join(one.gives, ", "));
  if (one.reports_exit) out += "; says when it left early";
  return out + ")";
}

/// " Extract lines 12 to 30, the loop (14 points); lines 40 to 60, the if (8 points)."
std::string advice(const FunctionMeasure& function) {
  std::string extract, exit;
  for (const Simplification& one : function.simplifications) {
    if (one.kind == Simplification::Kind::ExitEarly) {
      exit += " " + capitalised(explain(one)) + ".";
    } else {
      extract += (extract.empty() ? " Extract " : "; ") + explain(one);
    }
  }
  return (extract.empty() ? extract : extract + ".") + exit;
}

/// How much less the hardest function weighs than now, in percent, when all that is advised is done.
std::uint32_t relief(const FunctionMeasure& function) {
  std::uint32_t points = 0, hardest_part = 0;
  for (const Simplification& one : function.simplifications) {
    points += one.points;
    hardest_part = std::max(hardest_part, one.cost);
  }
  const std::uint32_t whole = function.own_cognitive;
  const std::uint32_t hardest = std::max(whole - std::min(whole, points), hardest_part);
  return whole == 0 ? 0 : (whole - std::min(whole, hardest)) * 100 / whole;
}

/// Percent of the function's points that its best single change takes. Many changes that take little each only move it.
std::uint32_t best_share(const FunctionMeasure& function) {
  std::uint32_t best = 0;
  for (const Simplification& one : function.simplifications) best = std::max(best, one.points);
  return function.own_cognitive == 0 ? 0 : best * 100 / function.own_cognitive;
}

/// Functions of a file whose names begin alike.
struct Family {
  std::string_view prefix;
  std::uint32_t functions = 0, nloc = 0, first_line = 0, last_line = 0;
};

/// Ends of the first words of "clusterManagerFix" or "cluster_manager_fix": 7 and 14.
std::vector<std::size_t> word_ends(std::string_view name) {
  constexpr std::size_t kWordsMax = 3;
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::vector<std::size_t> out;
  for (std::size_t i = 1; i < name.size() && out.size() < kWordsMax; ++i) {
    const bool camel = upper(name[i]) && !upper(name[i - 1]);
    if (camel || (name[i] == '_' && name[i - 1] != '_')) out.push_back(i);
  }
  return out;
}

/// The largest group of functions, by lines of code, that begin with the same words and could leave the file. They
/// stand together; what most of a file is named after is its purpose, not its second one.
std::optional<Family> largest_family(const FileMeasures& measures) {
  constexpr std::uint32_t kFunctionsMin = 8, kShareMin = 15, kShareMax = 50, kTogetherMin = 70;  // Percent.
  constexpr std::size_t kPrefixBytesMin = 3;
  std::map<std::string_view, Family> families;
  for (const FunctionMeasure& function : measures.functions) {
    const findings::FunctionMetrics& m = function.metrics;
    if (m.name.find('.') != std::string::npos) continue;
    for (const std::size_t end : word_ends(m.name)) {
      if (end < kPrefixBytesMin) continue;
      const std::string_view prefix = std::string_view(m.name).substr(0, end);
      Family& family = families[prefix];
      family.prefix = prefix;
      ++family.functions;
      family.nloc += m.nloc;
      family.first_line = family.first_line == 0 ? m.line : std::min(family.first_line, m.line);
      family.last_line = std::max(family.last_line, m.end_line);
    }
  }
  std::optional<Family> best;
  for (const auto& [prefix, family] : families) {
    const std::uint32_t share = family.nloc * 100 / measures.file.nloc;
    if (family.functions < kFunctionsMin || share < kShareMin || share > kShareMax) continue;
    std::uint32_t between = 0;
    for (const FunctionMeasure& function : measures.functions)
      if (function.metrics.line >= family.first_line && function.metrics.line <= family.last_line)
        between += function.metrics.nloc;
    if (family.nloc * 100 < between * kTogetherMin) continue;
    const bool same = best && family.nloc == best->nloc;
    if (!best || family.nloc > best->nloc || (same && prefix.size() > best->prefix.size())) best = family;
  }
  return best;
}

class FindingMaker {
 public:
  FindingMaker(const FileMeasures& measures, const source::SourceText& text, const MetricThresholds& limits)
      : measures_(measures), text_(text), limits_(limits), fingerprints_(text.project_path) {}

  std::vector<findings::Finding> run() {
    // Tests are long and repeat themselves on purpose.
    const std::vector<Span> tests = detail::self_tests(text_.text, text_.language);
    for (const FunctionMeasure& function : measures_.functions) {
      if (detail::within(tests, function.name.first)) continue;
      cognitive(function);
      cyclomatic(function);
      length(function);
      nesting(function);
      parameters(function);
    }
    if (measures_.file.nloc > limits_.file_nloc) long_file();
    return std::move(out_);
  }

 private:
  findings::Finding& add(Span span, std::string_view rule, std::uint32_t measure, findings::Severity severity,
                         findings::Confidence confidence, const std::string& symbol, std::string title,
                         std::string message) {
    out_.push_back(detail::make_finding(text_, span, rule, severity, confidence, findings::Category::Maintainability,
                                        std::move(title), std::move(message)));
    out_.back().measure = measure;
    out_.back().symbol = symbol;
    fingerprints_.stamp(out_.back(), symbol);
    return out_.back();
  }

  /// Code that reads straight down has many points and is easy: a dispatcher, a list of guards, a row of options.
  bool reads_straight_down(const FunctionMeasure& function) const {
    return function.entangled <= limits_.cognitive_low / 2;
  }

  void propose(const FunctionMeasure& function, findings::Finding& finding) {
    if (function.simplifications.empty()) return;
    const Simplification& first = function.simplifications[0];
    finding.fix.emplace();
    finding.fix->description =
        first.kind == Simplification::Kind::ExtractFunction
            ? fmt::format("extract {} in {} into a function", first.what, lines_of(first))
            : fmt::format("{} early when the condition in line {} doesn't hold", first.what, first.first_line);
    for (const Simplification& one : function.simplifications)
      finding.related.push_back({detail::location(text_, one.span), explain(one)});
  }

  void cognitive(const FunctionMeasure& function) {
    using findings::Confidence;
    if (function.entangled <= limits_.cognitive_low) return;
    const findings::FunctionMetrics& m = function.metrics;
    const bool medium = function.entangled > limits_.cognitive_medium;
    // A measure is always right; whether it helps depends on how bad it is and on what can be done about it.
    constexpr std::uint32_t kHelpsMin = 25, kBestShareMin = 20;  // Percent.
    const bool helps = relief(function) >= kHelpsMin && best_share(function) >= kBestShareMin;
    const bool far_above = function.entangled > 2 * limits_.cognitive_medium;
    const Confidence confidence = !helps                 ? Confidence::Low
                                  : medium && !far_above ? Confidence::Medium
                                  : medium               ? Confidence::High
                                                         : Confidence::Medium;
    const std::string what = advice(function);
    findings::Finding& finding =
        add(function.name, "code.cognitive-complexity", function.own_cognitive,
            medium ? findings::Severity::Medium : findings::Severity::Low, confidence, m.name,
            fmt::format("{} is hard to follow", m.name),
            fmt::format("Cognitive complexity of {} is {} (limit {}).{}", m.name, function.own_cognitive,
                        limits_.cognitive_low,
                        what.empty() ? " What weighs most: " + explain(m) +
                                           ". Its parts share variables and jumps, so none can be cut out as it is."
                                     : what));
    propose(function, finding);
  }

  void cyclomatic(const FunctionMeasure& function) {
    const findings::FunctionMetrics& m = function.metrics;
    if (m.cyclomatic - function.flat_arms <= limits_.cyclomatic || reads_straight_down(function)) return;
    add(function.name, "code.cyclomatic-complexity", m.cyclomatic, findings::Severity::Low, findings::Confidence::Low,
        m.name, fmt::format("{} has many paths", m.name),
        fmt::format("{} has {} independent paths (limit {}): as many tests cover it once.", m.name, m.cyclomatic,
                    limits_.cyclomatic));
  }

  void length(const FunctionMeasure& function) {
    const findings::FunctionMetrics& m = function.metrics;
    if (m.nloc <= limits_.nloc || reads_straight_down(function)) return;
    // A few lines above a round number are no reason to change anything.
    const bool far_above = m.nloc > limits_.nloc + limits_.nloc / 2 && !function.simplifications.empty();
    findings::Finding& finding = add(function.name, "code.long-function", m.nloc, findings::Severity::Low,
                                     far_above ? findings::Confidence::Medium : findings::Confidence::Low, m.name,
                                     fmt::format("{} is long", m.name),
                                     fmt::format("{} has {} lines of code (limit {}), lines {} to {}.{}", m.name,
                                                 m.nloc, limits_.nloc, m.line, m.end_line, advice(function)));
    propose(function, finding);
  }

  void nesting(const FunctionMeasure& function) {
    const findings::FunctionMetrics& m = function.metrics;
    if (m.nesting <= limits_.nesting) return;
    const bool helps = !function.simplifications.empty();
    findings::Finding& finding = add(function.name, "code.deep-nesting", m.nesting, findings::Severity::Low,
                                     helps ? findings::Confidence::Medium : findings::Confidence::Low, m.name,
                                     fmt::format("{} nests deeply", m.name),
                                     fmt::format("Control structures in {} nest {} deep (limit {}).{}", m.name,
                                                 m.nesting, limits_.nesting, advice(function)));
    propose(function, finding);
  }

  void parameters(const FunctionMeasure& function) {
    const findings::FunctionMetrics& m = function.metrics;
    if (function.required_parameters <= limits_.parameters) return;
    // Which of them belong together the measure doesn't know.
    add(function.name, "code.many-parameters", function.required_parameters, findings::Severity::Low,
        findings::Confidence::Low, m.name, fmt::format("{} takes many parameters", m.name),
        fmt::format("Who calls {} has to give {} values (limit {}): group what belongs together.", m.name,
                    function.required_parameters, limits_.parameters));
  }

  void long_file() {
    const std::uint32_t end = static_cast<std::uint32_t>(text_.lines.line(text_.text, 1).size());
    const std::optional<Family> family = largest_family(measures_);
    std::string message = fmt::format("{} lines of code (limit {}).", measures_.file.nloc, limits_.file_nloc);
    if (family)
      message += fmt::format(" The {} functions named {}… hold {} of them, lines {} to {}: a file of their own.",
                             family->functions, family->prefix, family->nloc, family->first_line, family->last_line);
    findings::Finding& finding =
        add({0, end}, "code.long-file", measures_.file.nloc, findings::Severity::Low,
            family ? findings::Confidence::Medium : findings::Confidence::Low, "", "The file is long", message);
    if (family) finding.fix.emplace().description = fmt::format("move {}… into a file of its own", family->prefix);
  }

  const FileMeasures& measures_;
  const source::SourceText& text_;
  const MetricThresholds& limits_;
  findings::Fingerprinter fingerprints_;
  std::vector<findings::Finding> out_;
};
}  // namespace

std::vector<findings::Finding> metric_findings(const FileMeasures& measures, const source::SourceText& text,
                                               const MetricThresholds& limits) {
  return FindingMaker(measures, text, limits).run();
}

}  // namespace wrench::code
