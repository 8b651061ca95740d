#include "wrench/code/metrics.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
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
  auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
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
    const auto detected = source::detect_language(stem, content);
    const auto language = detected == source::Language::Unknown ? source::Language::Python : detected;
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
  // Each loop with its if weighs three.
  const auto function = [](int loops, int ternaries) {
    std::string out = "def f(a):\n";
    for (int i = 0; i < loops; ++i) out += "    for b in a:\n        b(1 if b else 2)\n";
    for (int i = 0; i < ternaries; ++i) out += "    a(1 if a else 2)\n";
    return out;
  };
  const auto rules = [&](int loops, int ternaries) {
    const source::SourceText text = make_text(function(loops, ternaries), source::Language::Python);
    std::string out;
    for (const findings::Finding& finding : metric_findings(measure_text(text), text)) {
      EXPECT_FALSE(finding.fingerprint.empty());
      EXPECT_EQ(finding.symbol, "f");
      out += finding.rule + "=" + std::string(findings::name(finding.severity)) + " ";
    }
    return out;
  };
  EXPECT_EQ(rules(4, 3), "") << "15 points, 12 paths";
  EXPECT_EQ(rules(5, 1), "code.cognitive-complexity=low ") << "16 points, 12 paths";
  EXPECT_EQ(rules(5, 5), "code.cognitive-complexity=low code.cyclomatic-complexity=low ") << "20 points, 16 paths";
  EXPECT_EQ(rules(8, 1), "code.cognitive-complexity=low code.cyclomatic-complexity=low ") << "25 points";
  EXPECT_EQ(rules(8, 2), "code.cognitive-complexity=medium code.cyclomatic-complexity=low ") << "26 points";
}

TEST(Metrics, ALongFileNamesTheFunctionsThatCouldLeaveIt) {
  const auto functions = [](const std::string& prefix, int count, int lines) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      out += "void " + prefix + static_cast<char>('A' + i) + "(void) {\n";
      for (int line = 0; line < lines; ++line) out += "  work();\n";
      out += "}\n";
    }
    return out;
  };
  const auto message = [](const std::string& content) {
    const source::SourceText text = make_text(content, source::Language::C);
    const auto found = metric_findings(measure_text(text), text);
    return found.size() == 1 && found[0].rule == "code.long-file" ? found[0].message : std::string("no finding");
  };
  EXPECT_EQ(
      message(functions("server", 20, 40) + functions("clusterManager", 10, 30)),
      "1160 lines of code (limit 1000). The 10 functions named clusterManager… hold 320 of them, lines 841 to 1160: "
      "a file of their own.");
  EXPECT_EQ(message(functions("server", 20, 40) + functions("clusterManager", 7, 43)),
            "1155 lines of code (limit 1000).")
      << "too few for a family, and the file's own purpose";
  std::string mixed;
  for (int i = 0; i < 16; ++i) {
    const std::string letter(1, static_cast<char>('A' + i));
    mixed += functions("clusterManager" + letter, 1, 30) + functions("server" + letter, 1, 50);
  }
  EXPECT_EQ(message(mixed), "1344 lines of code (limit 1000).") << "nobody stands together";
}

TEST(Metrics, ParametersThatACallerMayLeaveOutDontCount) {
  const auto count = [](const std::string& content, source::Language language) {
    const source::SourceText text = make_text(content, language);
    return metric_findings(measure_text(text), text).size();
  };
  EXPECT_EQ(count("def f(a, b, c, d, e, f, g, h):\n    pass\n", source::Language::Python), 1u);
  EXPECT_EQ(count("def f(a, b, c, d, e, f, g, h=1):\n    pass\n", source::Language::Python), 0u);
  EXPECT_EQ(count("def f(a, b, c, d, e, f, g, *h, **i):\n    pass\n", source::Language::Python), 0u);
  EXPECT_EQ(count("function f(a, b, c, d, e, f, g, h = 1) {}\n", source::Language::JavaScript), 0u);
}

TEST(Metrics, AFewLinesAboveTheLimitAreDoubtful) {
  const auto confidence = [](int lines) {
    std::string content = "def f(a):\n";
    for (int i = 0; i < 3; ++i)
      content +=
          "    for b in a:\n        for c in b:\n            if c:\n                if b:\n                    a(c)\n";
    for (int i = 0; i < lines - 16; ++i) content += "    a(1)\n";
    const source::SourceText text = make_text(content, source::Language::Python);
    for (const findings::Finding& finding : metric_findings(measure_text(text), text))
      if (finding.rule == "code.long-function") return std::string(findings::name(finding.confidence));
    return std::string("none");
  };
  EXPECT_EQ(confidence(80), "none");
  EXPECT_EQ(confidence(81), "low");
  EXPECT_EQ(confidence(120), "low");
  EXPECT_EQ(confidence(121), "medium");
}

TEST(Metrics, IsUnsureOfAdviceThatOnlyMovesALittleOften) {
  const auto confidence = [](const std::vector<int>& depths) {
    std::string content = "int f(int a, int b) {\n";
    for (const int depth : depths) {
      for (int level = 0; level < depth; ++level) content += "  while (a--)\n";
      content += "    step(b);\n";
    }
    content += "  return b;\n}\n";
    const source::SourceText text = make_text(content, source::Language::C);
    for (const findings::Finding& finding : metric_findings(measure_text(text), text))
      if (finding.rule == "code.cognitive-complexity")
        return finding.message + " " + std::string(findings::name(finding.confidence));
    return std::string("none");
  };
  EXPECT_THAT(confidence({3, 3, 3, 3, 3, 3}), ::testing::EndsWith(" low")) << "6 points at a time";
  EXPECT_THAT(confidence({5, 3, 3, 3}), ::testing::EndsWith(" medium")) << "15 points at once";
}

TEST(Metrics, ExplainsWhatWeighsMostWhereNothingCanBeCutOut) {
  const source::SourceText text = make_text(
      "int f(int a, int b) {\n  if (a)\n    for (;b;)\n      while (b)\n        if (b)\n          if (a)\n            "
      "if "
      "(b)\n              goto out;\nout:\n  return 1;\n}\n",
      source::Language::C);
  const auto found = metric_findings(measure_text(text), text);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found[0].message.find("if in line 7 (+6), if in line 6 (+5)"), std::string::npos) << found[0].message;
}

}  // namespace
}  // namespace wrench::code
