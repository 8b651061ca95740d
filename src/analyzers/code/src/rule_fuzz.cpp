#include "wrench/code/rule.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/base/assert.hpp"
#include "wrench/code/file_analyzer.hpp"

// A hostile rule file: it is read, and what could be used of it is run over the rule file's own text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const wrench::SystemClock clock;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const std::vector<wrench::code::RuleSource> sources = {{"rules/fuzz.yaml", text}};
  wrench::code::LoadReport report;
  const auto rules = wrench::code::RuleSet::load(sources, report);
  WRENCH_ASSERT(report.rules <= wrench::code::kRulesMax);
  if (rules.size() == 0) return 0;
  wrench::code::FileAnalyzer analyzer(rules, {}, clock);
  const auto file = wrench::source::make_source_text("f.py", "f.py", text);
  for (const auto& finding : analyzer.analyze(file, {}, {}).findings)
    WRENCH_ASSERT(finding.where.end.offset <= file.text.size());
  return 0;
}
