#include "wrench/secrets/secret_scanner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "value_checks.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::secrets {
namespace {

using findings::Confidence;
using testing::HasSubstr;
using testing::Not;

std::string made(std::string_view text, std::uint64_t seed = 7) { return expand_generators(text, seed).value(); }

std::vector<findings::Finding> found(std::string text, std::string path = "src/app.txt", SecretOptions options = {}) {
  SecretScanner scanner(SecretRules::builtin(), options);
  return scanner.scan(source::make_source_text(path, path, std::move(text))).findings;
}

SecretRules rules_of(std::string_view yaml, std::vector<Error>& errors) {
  const RuleText files[] = {{"mine.yaml", yaml}};
  return SecretRules::load(files, errors);
}

TEST(SecretRules, EveryBuiltInRulePassesItsOwnTests) {
  const auto report = test_rules(SecretRules::builtin());
  EXPECT_GE(report.rules, 80U);
  EXPECT_GE(report.texts, report.rules);
  for (const auto& failure : report.failures)
    ADD_FAILURE() << failure.file << ":" << failure.line << " " << failure.rule << ": " << failure.what << ": "
                  << failure.text;
}

// builtin() takes that for granted, and compiles their expressions when they are first used.
TEST(SecretRules, EveryBuiltInRuleCompiles) {
  std::vector<RuleText> files;
  for (const auto& file : builtin_rule_files()) files.push_back({std::string(file.path), file.bytes});
  std::vector<Error> errors;
  EXPECT_EQ(SecretRules::load(files, errors).rules().size(), SecretRules::builtin().rules().size());
  for (const auto& error : errors) ADD_FAILURE() << error.place.file << ":" << error.place.line << " " << error.message;
}

TEST(SecretRules, EveryBuiltInRuleSaysWhatItIsAndHasATest) {
  for (const auto& rule : SecretRules::builtin().rules()) {
    EXPECT_NE(rule.title, rule.id);
    EXPECT_FALSE(rule.tests_match.empty()) << rule.id;
    EXPECT_TRUE(rule.id.starts_with("secrets.")) << rule.id;
  }
}

TEST(SecretRules, NoRuleFileHoldsARealLookingSecret) {
  for (const auto& file : builtin_rule_files()) {
    SecretScanner scanner(SecretRules::builtin());
    const auto result =
        scanner.scan(source::make_source_text(std::string(file.path), std::string(file.path), std::string(file.bytes)));
    for (const auto& finding : result.findings)
      ADD_FAILURE() << file.path << ":" << finding.where.start.line << " " << finding.rule;
  }
}

TEST(SecretRules, AFaultyRuleIsToldWithItsPlaceAndTheOthersWork) {
  std::vector<Error> errors;
  const auto rules = rules_of(
      "rules:\n"
      "  - {id: a, mode: secret, regex: '(unclosed'}\n"
      "  - {id: b, mode: secret, regex: 'b_[0-9]{8}', colour: red}\n"
      "  - {id: c, mode: secret, regex: 'c_[0-9]{8}'}\n"
      "  - {id: c, mode: secret, regex: 'd_[0-9]{8}'}\n"
      "  - {id: e, mode: secret, regex: '(?<=x)y'}\n"
      "  - {id: f, mode: secret}\n"
      "  - {id: g, message: a code rule, languages: [python], pattern: x}\n",
      errors);
  ASSERT_EQ(errors.size(), 5U);
  EXPECT_EQ(errors[0].place.line, 2);
  EXPECT_EQ(errors[0].place.file, "mine.yaml");
  EXPECT_THAT(errors[1].message, HasSubstr("unknown key 'colour'"));
  EXPECT_THAT(errors[2].message, HasSubstr("earlier rule has this id"));
  for (const auto& error : errors) EXPECT_EQ(error.code, "secrets.invalid_rule");
  ASSERT_EQ(rules.rules().size(), 1U);
  EXPECT_EQ(rules.rules()[0].id, "c");
}

TEST(SecretRules, ABrokenFileIsAnErrorWithItsName) {
  std::vector<Error> errors;
  const auto rules = rules_of("rules: [", errors);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].place.file, "mine.yaml");
  EXPECT_TRUE(rules.rules().empty());
}

TEST(SecretRules, ACompiledFormIsUsedOnlyForTheSameRules) {
  std::vector<Error> errors;
  const RuleText one[] = {{"a.yaml", "rules: [{id: a, mode: secret, regex: 'a_[0-9]{8}'}]"}};
  const RuleText other[] = {{"b.yaml", "rules: [{id: b, mode: secret, regex: 'b_[0-9]{8}'}]"}};
  std::string compiled;
  SecretRules::load(one, errors, &compiled);
  const std::string first = compiled;
  EXPECT_FALSE(first.empty());
  SecretScanner again(SecretRules::load(one, errors, &compiled));
  EXPECT_EQ(compiled, first);
  EXPECT_EQ(again.scan(source::make_source_text("f", "f", "a_48151623")).findings.size(), 1U);
  SecretScanner second(SecretRules::load(other, errors, &compiled));
  EXPECT_NE(compiled, first);
  EXPECT_EQ(second.scan(source::make_source_text("f", "f", "b_48151623")).findings.size(), 1U);
}

TEST(Generators, MakeTheSameTextForTheSameSeedAndRefuseNonsense) {
  EXPECT_EQ(made("a{{hex:8}}b", 3), made("a{{hex:8}}b", 3));
  EXPECT_NE(made("{{hex:16}}", 3), made("{{hex:16}}", 4));
  EXPECT_EQ(made("{{digits:12}}").size(), 12U);
  EXPECT_FALSE(expand_generators("{{nonsense:3}}", 1).ok());
  EXPECT_FALSE(expand_generators("{{hex:0}}", 1).ok());
  EXPECT_FALSE(expand_generators("{{hex:99999}}", 1).ok());
  EXPECT_FALSE(expand_generators("{{hex:8", 1).ok());
}

TEST(SecretScanner, FindsTheSpanOfTheSecretAlone) {
  const std::string token = made("{{crc62:30}}");
  const auto findings = found("a\n  token: \"ghp_" + token + "\" # x\n");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, "secrets.github-token");
  EXPECT_EQ(findings[0].where.start.line, 2U);
  EXPECT_EQ(findings[0].where.start.col, 11U);
  EXPECT_EQ(findings[0].where.end.col, 51U);
  EXPECT_EQ(findings[0].where.start.offset, 12U);
  EXPECT_EQ(findings[0].confidence, Confidence::High);
  EXPECT_EQ(findings[0].cwe, std::vector<std::string>{"CWE-798"});
}

TEST(SecretScanner, NeverHoldsTheSecret) {
  const std::string body = made("{{crc62:30}}");
  const std::string other = made("{{alnum:24}}");
  const auto findings = found("t: ghp_" + body + " sk_live_" + other + "\n");
  ASSERT_EQ(findings.size(), 2U);
  for (const auto& finding : findings) {
    const std::string json = codec::write_json(findings::to_json(finding));
    EXPECT_THAT(json, Not(HasSubstr(body)));
    EXPECT_THAT(json, Not(HasSubstr(body.substr(0, 8))));
    EXPECT_THAT(json, Not(HasSubstr(other)));
    EXPECT_EQ(finding.secrets.size(), 1U);
  }
  EXPECT_THAT(findings[0].lines, HasSubstr("ghp_****"));
}

TEST(SecretScanner, ATokenWhoseCheckDigitsDontFitIsLessSure) {
  const auto findings = found("ghp_" + made("{{alnum:36}}"));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].confidence, Confidence::Low);
  EXPECT_EQ(findings[0].severity, findings::Severity::Low);
  EXPECT_THAT(findings[0].message, HasSubstr("check digits"));
}

TEST(SecretScanner, StandInsAreNoSecrets) {
  EXPECT_TRUE(found("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx").empty());
  EXPECT_TRUE(found("api_key = \"<your-api-key-goes-here>\"").empty());
  EXPECT_TRUE(found("api_key = \"${MY_API_KEY_FROM_VAULT}\"").empty());
  EXPECT_TRUE(found("api_key: \"abcdefghijklmnopqrstuvwxyz0123\"").empty());
  EXPECT_TRUE(found("secret_key = \"com.acme.security.SecretKeyProvider\"").empty());
  EXPECT_TRUE(found("DATABASE_URL=postgres://user:pass@localhost/db").empty());
}

TEST(SecretScanner, HashesAreNoSecrets) {
  const std::string value = made("{{lower:64}}");
  EXPECT_TRUE(found("token_sha256 = \"" + value + "\"").empty());
  EXPECT_TRUE(found("\"sentry_integrity\": \"" + made("{{hex:64}}") + "\"").empty());
  EXPECT_TRUE(found("sentry_token = \"" + made("{{hex:64}}") + "\"", "a/yarn.lock").empty());
  EXPECT_FALSE(found("sentry_token = \"" + made("{{hex:64}}") + "\"", "a/b.txt").empty());
  EXPECT_FALSE(
      found("sentry_token = \"" + made("{{hex:64}}") + "\"", "a/yarn.lock", {.drop_hash_fields = false}).empty());
}

TEST(SecretScanner, TestPathsAreOneStepLessSure) {
  const std::string text = "ghp_" + made("{{crc62:30}}");
  EXPECT_EQ(found(text, "tests/test_login.py").at(0).confidence, Confidence::Medium);
  EXPECT_EQ(found(text, "tests/test_login.py", {.lower_test_confidence = false}).at(0).confidence, Confidence::High);
}

TEST(SecretScanner, KeysMadeForTestsAreInformation) {
  const auto severity = [](const std::string& text, const std::string& path) {
    const auto findings = found(text, path);
    EXPECT_EQ(findings.size(), 1U) << path;
    return findings.empty() ? findings::Severity::Critical : findings[0].severity;
  };
  EXPECT_EQ(severity(made("{{pem}}"), "deploy/key.pem"), findings::Severity::Critical);
  EXPECT_EQ(severity(made("{{pem}}"), "testdata/certificate/key.pem"), findings::Severity::Info);
  EXPECT_EQ(severity(made("{{pem}}"), "examples/tls/ca-key.pem"), findings::Severity::Info);
  EXPECT_EQ(severity("api_key = \"" + made("{{alnum:32}}") + "\"", "tests/a.py"), findings::Severity::Low);
  EXPECT_EQ(severity("ghp_" + made("{{crc62:30}}"), "tests/a.py"), findings::Severity::Medium);
}

TEST(SecretScanner, InManualsOnlyAFormOfItsOwnStaysSure) {
  const std::string generic = "api_key = \"" + made("{{alnum:32}}") + "\"";
  EXPECT_EQ(found(generic, "src/a.py").at(0).confidence, Confidence::Medium);
  EXPECT_EQ(found(generic, "docs/config.rst").at(0).confidence, Confidence::Low);
  EXPECT_EQ(found(generic, "docs/config.rst").at(0).severity, findings::Severity::Info);
  EXPECT_EQ(found("ghp_" + made("{{crc62:30}}"), "docs/config.rst").at(0).confidence, Confidence::High);
}

TEST(SecretScanner, AWordAsPasswordInAnAddressIsLessSure) {
  EXPECT_EQ(found("https://deploy:" + made("{{alnum:20}}") + "@git.acme.io/x.git").at(0).confidence, Confidence::High);
  EXPECT_EQ(found("https://joe:xyzzy@www.acme.io/x.git").at(0).confidence, Confidence::Low);
  EXPECT_TRUE(found("https://user:password@www.acme.io/x.git").empty());
  EXPECT_TRUE(found("https://jo%40email.com:a%20secret@www.acme.io/").empty());
  EXPECT_TRUE(found("https://joe:" + made("{{alnum:20}}") + "@www.example.com/").empty()) << "reserved for manuals";
}

TEST(SecretScanner, OnePlaceIsReportedOnceByTheSurestForm) {
  const auto findings = found("github_api_token = \"ghp_" + made("{{crc62:30}}") + "\"");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, "secrets.github-token");
}

TEST(SecretScanner, FindsSeveralOnOneLineAndAtTheEdges) {
  const std::string a = "sk_live_" + made("{{alnum:24}}", 1), b = "sk_live_" + made("{{alnum:24}}", 2);
  EXPECT_EQ(found(a + " " + b).size(), 2U);
  EXPECT_EQ(found(std::string(10'000, ' ') + a).size(), 1U);
  EXPECT_EQ(found(a + std::string(10'000, ' ')).size(), 1U);
  EXPECT_TRUE(found("").empty());
}

TEST(SecretScanner, TheFingerprintSurvivesMovesAndChangesWithTheSecret) {
  const std::string a = "key: sk_live_" + made("{{alnum:24}}", 1), b = "key: sk_live_" + made("{{alnum:24}}", 2);
  EXPECT_EQ(found(a)[0].fingerprint, found("\n\n   " + a)[0].fingerprint);
  EXPECT_NE(found(a)[0].fingerprint, found(b)[0].fingerprint);
}

TEST(SecretScanner, ManyFindingsOfOneRuleAreCutAndTold) {
  std::string text;
  for (std::uint64_t i = 0; i < 30; ++i) text += "sk_live_" + made("{{alnum:24}}", i + 1) + "\n";
  SecretScanner scanner(SecretRules::builtin(), {.findings_per_rule_max = 10});
  const auto result = scanner.scan(source::make_source_text("a", "a", text));
  EXPECT_EQ(result.findings.size(), 10U);
  ASSERT_EQ(result.partial.size(), 1U);
  EXPECT_EQ(result.partial[0].code, "findings_max");
}

TEST(SecretScanner, ColumnsAreRightBehindOtherScripts) {
  const auto findings = found("ключ = sk_live_" + made("{{alnum:24}}"));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].where.start.col, 8U);
}

TEST(SecretScanner, OneLongLineGivesAShortExcerpt) {
  const auto findings =
      found(std::string(100'000, 'a') + " sk_live_" + made("{{alnum:24}}") + " " + std::string(100'000, 'b'));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_LE(findings[0].lines.size(), 2100U);
  EXPECT_THAT(findings[0].lines, HasSubstr("sk_l***"));
}

TEST(ValueChecks, TheChecksumOfGitHubTokens) {
  const std::string token = made("{{crc62:30}}");
  EXPECT_TRUE(has_base62_crc32(token));
  std::string other = token;
  other[3] = other[3] == 'a' ? 'b' : 'a';
  EXPECT_FALSE(has_base62_crc32(other));
  EXPECT_FALSE(has_base62_crc32("short"));
}

TEST(ValueChecks, Structures) {
  EXPECT_TRUE(is_jwt(made("{{jwt}}")));
  EXPECT_FALSE(is_jwt("eyJub3QganNvbiI6.x.y"));
  EXPECT_TRUE(is_pem_key(made("{{pem}}")));
  EXPECT_FALSE(is_pem_key("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"));
}

TEST(ValueChecks, Entropy) {
  EXPECT_EQ(entropy_bits(""), 0);
  EXPECT_EQ(entropy_bits("aaaa"), 0);
  EXPECT_DOUBLE_EQ(entropy_bits("abcd"), 2);
}

}  // namespace
}  // namespace wrench::secrets
