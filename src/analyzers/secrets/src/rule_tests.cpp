#include <algorithm>

#include "wrench/secrets/secret_rules.hpp"
#include "wrench/secrets/secret_scanner.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::secrets {

SecretTestReport test_rules(const SecretRules& rules) {
  SecretTestReport report;
  SecretScanner scanner(rules, {.lower_test_confidence = false});
  const auto form_of = [&](const std::string& id) {
    const auto rule =
        std::find_if(rules.rules().begin(), rules.rules().end(), [&](const auto& r) { return r.id == id; });
    return rule == rules.rules().end() ? Form::Generic : rule->form;
  };
  for (const auto& rule : rules.rules()) {
    ++report.rules;
    std::uint64_t seed = 1;
    const auto run = [&](const std::string& test, bool wanted) {
      ++report.texts;
      const auto fail = [&](std::string what) {
        report.failures.push_back({rule.id, rule.file, rule.line, test, std::move(what)});
      };
      auto text = expand_generators(test, seed++);
      if (!text.ok()) return fail(text.error().message);
      const auto result =
          scanner.scan(source::make_source_text(rule.tests_file, rule.tests_file, std::move(*text) + "\n"));
      const bool found = std::any_of(result.findings.begin(), result.findings.end(), [&](const auto& finding) {
        return wanted ? finding.rule == rule.id || form_of(finding.rule) < rule.form
                      : finding.rule == rule.id || form_of(finding.rule) != Form::Generic;
      });
      if (wanted && !found) fail("not found");
      if (!wanted && found) fail("found, and shouldn't be");
    };
    for (const auto& test : rule.tests_match) run(test, true);
    for (const auto& test : rule.tests_no_match) run(test, false);
  }
  return report;
}

}  // namespace wrench::secrets
