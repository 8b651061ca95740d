#include "wrench/code/metrics.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

namespace fs = std::filesystem;

source::SourceText make_text(std::string content, source::Language language) {
  source::SourceText text;
  text.path = text.project_path = "file";
  text.language = language;
  text.text = std::move(content);
  text.lines = source::LineTable(text.text);
  return text;
}

FileMeasures measure_text(const source::SourceText& text) {
  Atoms atoms;
  Parser parser;
  SystemClock clock;
  auto ir = parser.parse(text.language, text.text, atoms, {}, clock, {});
  EXPECT_TRUE(ir.ok());
  return measure(*ir, atoms, text);
}

std::string row(const findings::FunctionMetrics& m) {
  return fmt::format("{} {} {} {} {} {}", m.name, m.cyclomatic, m.cognitive, m.nloc, m.nesting, m.parameters);
}

TEST(Metrics, CaseFiles) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/metrics";
  int expectations = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    std::string content, line;
    std::vector<std::string> expected;
    while (std::getline(in, line)) {
      if (const std::size_t at = line.find("expect: "); at != std::string::npos && at < 4)
        expected.push_back(line.substr(at + 8));
      content += line + '\n';
    }
    const std::string stem = entry.path().stem().string();
    const auto language = stem.ends_with(".js")  ? source::Language::JavaScript
                          : stem.ends_with(".c") ? source::Language::C
                                                 : source::Language::Python;
    const FileMeasures measures = measure_text(make_text(content, language));
    std::map<std::string, std::string> got;
    for (const FunctionMeasure& function : measures.functions) {
      got[function.metrics.name] = row(function.metrics);
      std::uint32_t sum = 0;
      for (const auto& increment : function.metrics.increments) sum += increment.add;
      EXPECT_EQ(sum, function.metrics.cognitive) << function.metrics.name;
    }
    for (const std::string& one : expected) {
      EXPECT_EQ(got[one.substr(0, one.find(' '))], one) << entry.path();
      ++expectations;
    }
  }
  EXPECT_GE(expectations, 8);
}

TEST(Metrics, ThresholdsBecomeFindingsAtTheEdge) {
  const auto function = [](int ifs) {
    std::string out = "def f(a):\n";
    for (int i = 0; i < ifs; ++i) out += "    if a:\n        a()\n";
    return out;
  };
  const auto rules = [&](int ifs) {
    const source::SourceText text = make_text(function(ifs), source::Language::Python);
    std::string out;
    for (const findings::Finding& finding : metric_findings(measure_text(text), text)) {
      EXPECT_FALSE(finding.fingerprint.empty());
      EXPECT_EQ(finding.symbol, "f");
      out += finding.rule + "=" + std::string(findings::name(finding.severity)) + " ";
    }
    return out;
  };
  EXPECT_EQ(rules(14), "");
  EXPECT_EQ(rules(15), "code.cyclomatic-complexity=low ");
  EXPECT_EQ(rules(16), "code.cognitive-complexity=low code.cyclomatic-complexity=low ");
  EXPECT_EQ(rules(26), "code.cognitive-complexity=medium code.cyclomatic-complexity=low ");
}

TEST(Metrics, ExplainsWhatWeighsMost) {
  std::string content =
      "def f(a):\n    if a:\n        for b in a:\n            while b:\n                if b:\n                    if "
      "a:\n                        if b:\n                            b()\n";
  const source::SourceText text = make_text(content, source::Language::Python);
  const auto found = metric_findings(measure_text(text), text);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found[0].message.find("if in line 7 (+6), if in line 6 (+5)"), std::string::npos) << found[0].message;
}

}  // namespace
}  // namespace wrench::code
