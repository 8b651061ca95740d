#include "wrench/findings/secret_mask.hpp"

#include <gtest/gtest.h>

namespace wrench::findings {
namespace {

constexpr std::string_view kSecret = "sk_test_4242abcdEFGH4242";

Finding secret_at(const std::string& path, const std::string& text, std::string_view secret) {
  Finding finding;
  finding.rule = "secrets.token";
  finding.category = Category::Secret;
  finding.where.path = path;
  const std::size_t start = text.find(secret);
  finding.where.start.offset = start;
  finding.where.end.offset = start + secret.size();
  finding.secrets = {finding.where};
  return finding;
}

TEST(SecretMask, KnowsWhatItMasked) {
  EXPECT_TRUE(holds_masked_secret("src/" + masked_secret("ghp_R4nd0mW0rdsTh4tAr3N0tReal8x7Kq2Zp9Lm") + ".py"));
  EXPECT_TRUE(holds_masked_secret(masked_secret("12345678")));
  EXPECT_FALSE(holds_masked_secret("src/**/a*.py"));
}

TEST(MaskedSecret, ShowsFourCharactersOfLongOnesAndKeepsLines) {
  EXPECT_EQ(masked_secret("abcdefghijklmnop"), "abcd************");
  EXPECT_EQ(masked_secret("abcdefghijklmno"), "***************");
  EXPECT_EQ(masked_secret("\xC3\xA9\xC3\xA9"
                          "cdefghijklmnop"),
            "\xC3\xA9\xC3\xA9"
            "cd************");
  EXPECT_EQ(masked_secret("ab\ncd"), "**\n**");
}

TEST(SecretMask, HidesByPlaceAndByValue) {
  const std::string text = "a = 1\nkey = '" + std::string(kSecret) + "'\n";
  MemorySources sources;
  sources.add("a.py", text);
  const std::vector<Finding> findings = {secret_at("a.py", text, kSecret)};
  const SecretMask mask(findings, sources);
  const std::string masked = mask.in_source("a.py", text, 0);
  EXPECT_EQ(masked, "a = 1\nkey = 'sk_t********************'\n");
  EXPECT_EQ(mask.in_text("x" + std::string(kSecret) + "y"), "xsk_t********************y");
  EXPECT_EQ(mask.in_source("other.py", kSecret, 0), "sk_t********************");
  // A piece that begins or ends inside the secret isn't its value any more; its place still tells.
  const std::size_t start = text.find(kSecret);
  EXPECT_EQ(mask.in_source("a.py", std::string_view(text).substr(start + 5, 6), start + 5), "******");
  EXPECT_EQ(mask.in_text(masked), masked);
}

TEST(SecretMask, HidesShortSecretsByPlaceOnly) {
  const std::string text = "pw = 'admin'; user = 'admin'";
  MemorySources sources;
  sources.add("a", text);
  const std::vector<Finding> findings = {secret_at("a", text, "admin")};
  const SecretMask mask(findings, sources);
  EXPECT_EQ(mask.in_source("a", text, 0), "pw = '*****'; user = 'admin'");
}

TEST(SecretMask, HidesEachLineOfAKey) {
  const std::string key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA1234\n-----END KEY-----";
  MemorySources sources;
  sources.add("k", key);
  const std::vector<Finding> findings = {secret_at("k", key, key)};
  const SecretMask mask(findings, sources);
  EXPECT_EQ(mask.in_text("line MIIEowIBAAKCAQEA1234 end"), "line MIIE**************** end");
}

TEST(SecretMask, EveryTextOfAReportIsMasked) {
  const std::string secret(kSecret);
  const std::string text = "q = f('" + secret + "')\n";
  MemorySources sources;
  sources.add("a.py", text);
  Report report;
  report.findings = {secret_at("a.py", text, kSecret), Finding()};
  Finding& other = report.findings[1];
  other.rule = "python.other";
  other.where.path = "a.py";
  other.lines = text.substr(0, 14);  // Cut inside the secret.
  other.title = other.message = other.symbol = "t " + secret;
  other.metavars = {{"$X", secret, secret, {}, {}}};
  other.trace = {{TraceRole::Source, {}, secret}};
  other.related = {{{.path = secret, .start = {}, .end = {}, .content = {}}, secret}};
  other.fix = Fix{.state = FixState::Suggested, .description = secret, .edits = {{{}, secret}}};
  other.suppressed = Suppressed{.kind = "inline", .reason = secret, .source = secret};
  other.metadata = codec::Json::object({{"a", codec::Json::array({secret})}});
  report.partial = {{"file_timeout", secret, secret, secret}};
  report.skipped = {{secret, "binary"}};
  report.errors = {Error("a.b", secret).at(secret)};
  report.notes = {secret};
  report.files.push_back({.path = secret});
  report.functions.push_back({.path = secret, .name = secret});
  report.clones.push_back({.proposal = secret});
  report.cycles.push_back({.modules = {secret}});
  report.hotspots.push_back({.path = secret});
  report.history = codec::Json::object({{"x", secret}});
  mask_secrets(report, sources);
  const std::string out = codec::write_json(to_json(report));
  EXPECT_EQ(out.find("sk_test_"), std::string::npos) << out;
  EXPECT_EQ(report.findings[1].lines, "q = f('*******");
  EXPECT_EQ(report.findings[1].fix->edits[0].text, masked_secret(secret));
}

}  // namespace
}  // namespace wrench::findings
