#include <map>

#include "wrench/base/text.hpp"
#include "wrench/findings/markup.hpp"
#include "writers.hpp"

namespace wrench::findings {
namespace {

constexpr std::uint32_t kSnippetLinesMax = 20;

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + escape_markup(value) + "\"";
}

struct Suite {
  std::vector<const Finding*> findings;
  std::vector<const Partial*> partials;
};

class JunitWriter {
 public:
  explicit JunitWriter(const WriterInput& input) : input_(input) {}

  Result<void> write() {
    std::map<std::string_view, Suite> suites;
    for (const Finding* finding : counted_findings(input_.report))
      suites[finding->where.path].findings.push_back(finding);
    for (const Partial& partial : input_.report.partial) suites[partial.path].partials.push_back(&partial);
    std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
    for (const auto& [path, suite] : suites) {
      const std::size_t failed = failures_of(suite);
      tests += suite.findings.size() + suite.partials.size();
      failures += failed;
      skipped += suite.findings.size() - failed;
      errors += suite.partials.size();
    }
    out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", "wrench") +
           totals(suites.empty() ? 1 : tests, failures, errors, skipped) + ">\n";
    if (suites.empty()) {
      out_ += "  <testsuite name=\"wrench\"" + totals(1, 0, 0, 0) +
              ">\n    <testcase name=\"no findings\" classname=\"wrench\"/>\n  </testsuite>\n";
    }
    for (const auto& [path, suite] : suites) {
      write_suite(path.empty() ? "wrench" : path, suite);
      WRENCH_TRY(flush());
    }
    out_ += "</testsuites>\n";
    return flush();
  }

 private:
  static std::string totals(std::size_t tests, std::size_t failures, std::size_t errors, std::size_t skipped) {
    return attribute("tests", std::to_string(tests)) + attribute("failures", std::to_string(failures)) +
           attribute("errors", std::to_string(errors)) + attribute("skipped", std::to_string(skipped));
  }

  bool fails(const Finding& finding) const { return input_.style.fail_on && finding.severity >= *input_.style.fail_on; }

  std::size_t failures_of(const Suite& suite) const {
    std::size_t count = 0;
    for (const Finding* finding : suite.findings) count += fails(*finding) ? 1 : 0;
    return count;
  }

  void write_suite(std::string_view path, const Suite& suite) {
    const std::size_t failed = failures_of(suite);
    out_ += "  <testsuite" + attribute("name", path) +
            totals(suite.findings.size() + suite.partials.size(), failed, suite.partials.size(),
                   suite.findings.size() - failed) +
            ">\n";
    for (const Finding* finding : suite.findings) write_finding(path, *finding);
    for (const Partial* partial : suite.partials) {
      out_ += "    <testcase" + attribute("name", partial->code) + attribute("classname", path) + ">\n      <error" +
              attribute("type", partial->code) +
              attribute("message", partial->detail.empty() ? partial->code : partial->detail) + "/>\n    </testcase>\n";
    }
    out_ += "  </testsuite>\n";
  }

  void write_finding(std::string_view path, const Finding& f) {
    const std::string line = std::to_string(f.where.start.line);
    out_ += "    <testcase" + attribute("name", f.rule + " " + line + ":" + std::to_string(f.where.start.col)) +
            attribute("classname", path) + attribute("file", path) + attribute("line", line) + ">\n";
    const std::string message = headline(f);
    if (!fails(f)) {
      out_ += "      <skipped" + attribute("message", std::string(name(f.severity)) + ": " + message) + "/>\n";
    } else {
      std::string text = f.message + "\n\n";
      for (const ExcerptLine& excerpt : input_.excerpts.of(f.where, f.lines, 0, kSnippetLinesMax)) {
        text += std::to_string(excerpt.number) + " | " + excerpt.text + "\n";
      }
      out_ += "      <failure" + attribute("type", name(f.severity)) + attribute("message", message) + ">" +
              escape_markup(text) + "</failure>\n";
    }
    out_ += "    </testcase>\n";
  }

  Result<void> flush() {
    const Result<void> status = input_.sink.write(out_);
    out_.clear();
    return status;
  }

  const WriterInput& input_;
  std::string out_;
};

}  // namespace

Result<void> write_junit(const WriterInput& input) { return JunitWriter(input).write(); }

}  // namespace wrench::findings
