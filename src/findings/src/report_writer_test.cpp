#include "wrench/findings/report_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "sample_report.hpp"
#include "svg.hpp"
#include "treemap.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/secret_mask.hpp"

namespace wrench::findings {
namespace {

using codec::Json;
using ::testing::HasSubstr;

std::string written(Format format, const Report& report, const SourceLookup& sources, const ReportStyle& style = {}) {
  StringSink sink;
  const auto status = write_report(format, report, sources, sink, style);
  EXPECT_TRUE(status.ok());
  return sink.text;
}

std::string sample(Format format, const ReportStyle& style = {}) {
  return written(format, testing::sample_report(), testing::sample_sources(), style);
}

std::string hostile(Format format) { return written(format, testing::hostile_report(), testing::hostile_sources()); }

Json json_of(const std::string& text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value.ok()) << (value.ok() ? "" : describe(value.error()));
  return value.ok() ? std::move(value).value() : Json();
}

const Json* find_by(const Json& array, std::string_view name, std::string_view value) {
  for (const Json& item : array.as_array()) {
    if (item.at(name).as_string() == value) return &item;
  }
  ADD_FAILURE() << "nothing with " << name << " = " << value;
  return &array;
}

// libxml2 reads what we wrote: the result of an XPath expression, or "invalid".
std::string xpath(const std::string& xml, const std::string& expression) {
  std::string folder = (std::filesystem::temp_directory_path() / "wrench-junit-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  const std::string file = folder + "/report.xml";
  std::ofstream(file) << xml;
  FILE* pipe = popen(("xmllint --nonet --xpath '" + expression + "' " + file + " 2>&1 || echo invalid").c_str(), "r");
  std::string out;
  std::array<char, 4096> buffer;
  while (pipe != nullptr && fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
  if (pipe != nullptr) pclose(pipe);
  std::filesystem::remove_all(folder);
  return std::string(trim(out));
}

constexpr std::array kAllFormats = {Format::Text,  Format::Json,     Format::Sarif, Format::SemgrepJson,
                                    Format::Junit, Format::Markdown, Format::Html};

TEST(Sample, IsWrittenOnDemand) {
  // WRENCH_SAMPLE_DIR=<folder>: writes the sample in every format, to look at.
  const char* folder = std::getenv("WRENCH_SAMPLE_DIR");
  if (folder == nullptr) return;
  for (const Format format : kAllFormats) {
    std::ofstream(std::string(folder) + "/sample." + std::string(name(format))) << sample(format);
    std::ofstream(std::string(folder) + "/hostile." + std::string(name(format))) << hostile(format);
  }
}

TEST(AllFormats, HaveNamesThatParse) {
  for (const Format format : kAllFormats) EXPECT_EQ(parse_format(name(format)), format);
  EXPECT_EQ(parse_format("xml"), std::nullopt);
  EXPECT_EQ(format_names().size(), kAllFormats.size());
}

TEST(AllFormats, NeverShowASecret) {
  for (const Format format : kAllFormats) {
    const std::string out = sample(format);
    EXPECT_EQ(out.find(testing::sample_secret()), std::string::npos) << name(format);
    EXPECT_EQ(out.find(testing::sample_secret().substr(5, 9)), std::string::npos) << name(format);
  }
  EXPECT_NE(sample(Format::Html).find(masked_secret(testing::sample_secret())), std::string::npos);
}

TEST(AllFormats, ComeOutAsInertUtf8) {
  for (const Format format : kAllFormats) {
    const std::string out = hostile(format);
    EXPECT_TRUE(is_valid_utf8(out)) << name(format);
    EXPECT_EQ(out.find('\x1b'), std::string::npos) << name(format);
    EXPECT_EQ(out.find('\x7F'), std::string::npos) << name(format);
    EXPECT_EQ(out.find("\xE2\x80\xAE"), std::string::npos) << name(format);
    EXPECT_EQ(out.find("\xC2\x9B"), std::string::npos) << name(format);
  }
}

TEST(AllFormats, ListOnlyWhatIsNew) {
  for (const Format format : kAllFormats) {
    EXPECT_EQ(sample(format).find("python.known"), std::string::npos) << name(format);
  }
}

TEST(AllFormats, TakeAnEmptyReport) {
  for (const Format format : kAllFormats) EXPECT_FALSE(written(format, Report(), NoSources()).empty());
}

class FailingSink final : public ByteSink {
 public:
  Result<void> write(std::string_view) override { return Error("io.enospc", "full"); }
};

TEST(AllFormats, PassOnTheSinksError) {
  for (const Format format : kAllFormats) {
    FailingSink sink;
    const auto status = write_report(format, testing::sample_report(), testing::sample_sources(), sink);
    ASSERT_FALSE(status.ok()) << name(format);
    EXPECT_EQ(status.error().code, "io.enospc");
  }
}

TEST(JsonFormat, IsTheWireForm) {
  for (const bool pretty : {true, false}) {
    const Json document = json_of(sample(Format::Json, {.pretty = pretty}));
    EXPECT_EQ(document.at("schema").as_string(), "wrench.scan/1");
    const auto report = report_from_json(document);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    Report expected = testing::sample_report();
    mask_secrets(expected, testing::sample_sources());
    std::erase_if(expected.findings, [](const Finding& finding) { return !finding.is_new; });
    EXPECT_TRUE(report->findings == expected.findings);
    EXPECT_EQ(report->functions, expected.functions);
    EXPECT_EQ(document.at("summary").at("findings").at("critical").as_integer(), 1);
    EXPECT_EQ(document.at("summary").at("files").at("skipped").at("vendored").as_integer(), 2);
  }
}

TEST(JsonFormat, HasOneFunctionPerLine) {
  Report report;
  report.functions = {{.path = "a.py",
                       .name = "f",
                       .line = 1,
                       .end_line = 4,
                       .cyclomatic = 2,
                       .cognitive = 1,
                       .nloc = 3,
                       .nesting = 1,
                       .parameters = 0,
                       .maintainability = 80.5,
                       .increments = {{.line = 2, .col = 3, .kind = "if", .add = 1, .nesting = 0}}},
                      {.path = "a.py", .name = "g", .maintainability = 100}};
  const std::string text = written(Format::Json, report, NoSources(), {.pretty = true});
  EXPECT_NE(text.find("    \"functions\": [\n"
                      "      {\"path\": \"a.py\", \"name\": \"f\", \"line\": 1, \"end_line\": 4, \"cyclomatic\": 2, "
                      "\"cognitive\": 1, \"nloc\": 3, \"nesting\": 1, \"parameters\": 0, \"maintainability\": 80.5, "
                      "\"increments\": [{\"line\": 2, \"col\": 3, \"kind\": \"if\", \"add\": 1, \"nesting\": 0}]},\n"
                      "      {\"path\": \"a.py\", \"name\": \"g\", "),
            std::string::npos)
      << text;
}

TEST(SarifFormat, ConformsToThePublishedSchema) {
  const char* cache = std::getenv("WRENCH_BUILD_CACHE");
  const std::string path =
      (cache != nullptr ? std::string(cache) : WRENCH_SOURCE_DIR "/.cache") + "/testdata/sarif-schema-2.1.0.json";
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path << " is missing: run 'scripts/setup.sh test'";
  std::ostringstream text;
  text << file.rdbuf();
  const auto schema = codec::JsonSchema::compile(json_of(text.str()));
  ASSERT_TRUE(schema.ok()) << describe(schema.error());
  for (const std::string& sarif :
       {sample(Format::Sarif), hostile(Format::Sarif), written(Format::Sarif, Report(), NoSources())}) {
    const Json document = json_of(sarif);
    for (const auto& violation : schema->validate(document)) {
      ADD_FAILURE() << violation.pointer << " " << violation.message;
    }
  }
  Json broken = json_of(sample(Format::Sarif));
  broken["runs"].array_ref()[0]["columnKind"] = "bytes";
  EXPECT_FALSE(schema->validate(broken).empty());
}

TEST(EveryFormat, SaysWhatItWasComparedWith) {
  Report report = testing::sample_report();
  report.summary.since = Since{"main", "5e1c309a6f0000000000000000000000000000aa", 12, 3};
  report.edges_added = {{"src/api/orders.py", "src/orders/repo.py", {}}};
  report.edges_removed = {{"web/cart.js", "web/old.js", {}}};
  const auto as = [&](Format format) { return written(format, report, testing::sample_sources()); };
  EXPECT_THAT(as(Format::Text), HasSubstr("new since the baseline of 2026-11-02: 1 known, 2 fixed; "
                                          "new since main (5e1c309): 12 known, 3 fixed"));
  EXPECT_THAT(as(Format::Text), HasSubstr("structure: src/api/orders.py now uses src/orders/repo.py\n"
                                          "structure: web/cart.js no longer uses web/old.js\n"));
  EXPECT_THAT(as(Format::Html), HasSubstr("Only what is new since main (5e1c309). 12 findings were known"));
  EXPECT_THAT(as(Format::Markdown), HasSubstr("12 known, 3 fixed."));
  EXPECT_THAT(as(Format::Markdown), HasSubstr("now uses"));
  const Json json = json_of(as(Format::Json));
  EXPECT_EQ(json.at("summary").at("since").at("fixed").as_integer(), 3);
  EXPECT_EQ(json.at("structure").at("edges_removed").as_array()[0].at("to").as_string(), "web/old.js");
  report.summary.baseline_date.clear();
  report.summary.baseline_matched = report.summary.baseline_fixed = 0;
  const Json sarif = json_of(as(Format::Sarif));
  const Json& run = sarif.at("runs").as_array()[0];
  EXPECT_EQ(run.at("results").as_array()[0].at("baselineState").as_string(), "new");
  EXPECT_EQ(run.at("properties").at("since").at("matched").as_integer(), 12);
  report.summary.since.reset();
  EXPECT_TRUE(
      json_of(as(Format::Sarif)).at("runs").as_array()[0].at("results").as_array()[0].at("baselineState").is_null());
}

TEST(SarifFormat, SaysWhatTheFindingSays) {
  const Json document = json_of(sample(Format::Sarif));
  const Json& run = document.at("runs").as_array()[0];
  EXPECT_EQ(run.at("columnKind").as_string(), "unicodeCodePoints");
  const Json& sql = *find_by(run.at("results"), "ruleId", "python.sql-injection");
  EXPECT_EQ(sql.at("level").as_string(), "error");
  EXPECT_EQ(sql.at("baselineState").as_string(), "new");
  EXPECT_TRUE(sql.at("partialFingerprints").at("wrenchFingerprint/v1").as_string().starts_with("wf1-"));
  const Json& physical = sql.at("locations").as_array()[0].at("physicalLocation");
  EXPECT_EQ(physical.at("artifactLocation").at("uri").as_string(), "src/orders/repo.py");
  EXPECT_EQ(physical.at("artifactLocation").at("uriBaseId").as_string(), "ROOT");
  EXPECT_EQ(physical.at("region").at("startLine").as_integer(), 11);
  EXPECT_EQ(physical.at("region").at("endColumn").as_integer(), 28);
  EXPECT_EQ(sql.at("codeFlows").as_array()[0].at("threadFlows").as_array()[0].at("locations").as_array().size(), 3U);
  EXPECT_EQ(sql.at("fixes").as_array()[0].at("artifactChanges").as_array()[0].at("replacements").as_array().size(), 1U);
  const Json& rules = run.at("tool").at("driver").at("rules");
  const Json& rule = rules.as_array()[static_cast<std::size_t>(sql.at("ruleIndex").as_integer())];
  EXPECT_EQ(rule.at("id").as_string(), "python.sql-injection");
  EXPECT_EQ(rule.at("properties").at("security-severity").as_string(), "9.5");
  EXPECT_EQ(rule.at("properties").at("tags").as_array()[1].as_string(), "external/cwe/cwe-089");
  const Json& hidden = *find_by(run.at("results"), "ruleId", "python.bare-except");
  EXPECT_EQ(hidden.at("suppressions").as_array()[0].at("justification").as_string(), "the importer retries");
  const Json& invocation = run.at("invocations").as_array()[0];
  EXPECT_FALSE(invocation.at("executionSuccessful").as_boolean(true));
  EXPECT_EQ(invocation.at("toolExecutionNotifications").as_array().size(), 1U);
  EXPECT_EQ(invocation.at("toolConfigurationNotifications").as_array().size(), 1U);
}

TEST(SarifFormat, PercentEncodesPaths) {
  Report report;
  report.findings.resize(2);
  report.findings[0].rule = report.findings[1].rule = "r";
  report.findings[0].where.path = "a b/\xC3\xA9#?%:.py";
  report.findings[1].where.path = "/abs/x.py";
  const Json document = json_of(written(Format::Sarif, report, NoSources()));
  const auto uri = [&](std::size_t i) {
    return document.at("runs")
        .as_array()[0]
        .at("results")
        .as_array()[i]
        .at("locations")
        .as_array()[0]
        .at("physicalLocation")
        .at("artifactLocation");
  };
  EXPECT_EQ(uri(0).at("uri").as_string(), "a%20b/%C3%A9%23%3F%25%3A.py");
  EXPECT_EQ(uri(1).at("uri").as_string(), "file:///abs/x.py");
  EXPECT_TRUE(uri(1).at("uriBaseId").is_null());
}

TEST(SemgrepFormat, HasTheFieldsItsReadersUse) {
  const Json document = json_of(sample(Format::SemgrepJson));
  const Json& sql = *find_by(document.at("results"), "check_id", "python.sql-injection");
  EXPECT_EQ(sql.at("path").as_string(), "src/orders/repo.py");
  EXPECT_EQ(sql.at("start").at("line").as_integer(), 11);
  EXPECT_EQ(sql.at("end").at("col").as_integer(), 28);
  EXPECT_EQ(sql.at("extra").at("severity").as_string(), "ERROR");
  EXPECT_EQ(sql.at("extra").at("metadata").at("owasp").as_string(), "A03:2021");
  EXPECT_EQ(sql.at("extra").at("metadata").at("cwe").as_array()[0].as_string(), "CWE-89: SQL Injection");
  EXPECT_EQ(sql.at("extra").at("metavars").at("$Q").at("abstract_content").as_string(), "q");
  EXPECT_TRUE(sql.at("extra").at("fix").as_string().starts_with("self.cur.execute("));
  const Json& low = *find_by(document.at("results"), "check_id", "metrics.complexity");
  EXPECT_EQ(low.at("extra").at("severity").as_string(), "INFO");
  for (const Json& result : document.at("results").as_array()) {
    EXPECT_NE(result.at("check_id").as_string(), "python.bare-except");
  }
  EXPECT_EQ(document.at("errors").as_array().size(), 2U);
  EXPECT_EQ(document.at("errors").as_array()[0].at("rule_id").as_string(), "python.sql-injection");
  EXPECT_GT(document.at("paths").at("scanned").as_array().size(), 80U);
}

TEST(JunitFormat, IsXmlWithFailuresFromTheGateUp) {
  const std::string xml = sample(Format::Junit, {.fail_on = Severity::High});
  EXPECT_EQ(xpath(xml, "count(//failure)"), "4");
  EXPECT_EQ(xpath(xml, "string(/testsuites/@failures)"), "4");
  EXPECT_EQ(xpath(xml, "string(//testsuite[@name=\"src/orders/repo.py\"]/testcase[1]/@classname)"),
            "src/orders/repo.py");
  EXPECT_EQ(xpath(xml, "count(//error)"), "1");
  EXPECT_EQ(xpath(xml, "string(/testsuites/@tests) = string(count(//testcase))"), "true");
  EXPECT_EQ(xpath(sample(Format::Junit, {.fail_on = std::nullopt}), "count(//failure)"), "0");
  EXPECT_EQ(xpath(hostile(Format::Junit), "count(//failure)"), "1");
  EXPECT_EQ(xpath(written(Format::Junit, Report(), NoSources()), "count(//testcase)"), "1");
}

TEST(MarkdownFormat, KeepsRepositoryTextInert) {
  const std::string text = hostile(Format::Markdown);
  std::string fence;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t ticks = std::min(line.find_first_not_of('`'), line.size());
    if (fence.empty() && ticks >= 3) {
      fence = std::string(ticks, '`');
    } else if (!fence.empty() && line == fence) {
      fence.clear();
    } else if (fence.empty()) {
      // Outside fences nothing that Markdown or HTML acts on is left, but in code spans.
      std::string outside(line);
      for (std::size_t at = outside.find('`'); at != std::string::npos; at = outside.find('`')) {
        if (at > 0 && outside[at - 1] == '\\') {
          outside.erase(at - 1, 2);
          continue;
        }
        const std::size_t run = std::min(outside.find_first_not_of('`', at), outside.size()) - at;
        const std::size_t close = outside.find(std::string(run, '`'), at + run);
        ASSERT_NE(close, std::string::npos) << line;
        outside.erase(at, close + run - at);
      }
      EXPECT_EQ(outside.find('<'), std::string::npos) << line;
      EXPECT_EQ(outside.find("]("), std::string::npos) << line;
      EXPECT_EQ(outside.find('@'), std::string::npos) << line;
    }
  }
  EXPECT_TRUE(fence.empty());
  EXPECT_NE(sample(Format::Markdown).find("SQL built from request input"), std::string::npos);
}

TEST(MarkdownFormat, ShowsAGroupOnceAndAtMostTwoHundred) {
  const std::string text = sample(Format::Markdown);
  EXPECT_NE(text.find("Also here: `python.formatted-sql`"), std::string::npos);
  Report report;
  report.findings.resize(250);
  for (std::size_t i = 0; i < 250; ++i) {
    report.findings[i].rule = "r" + std::to_string(i);
    report.findings[i].title = "title";
  }
  const std::string many = written(Format::Markdown, report, NoSources());
  EXPECT_NE(many.find("### 200\\. "), std::string::npos);
  EXPECT_EQ(many.find("### 201\\. "), std::string::npos);
  EXPECT_NE(many.find("50 more of lower rank"), std::string::npos);
}

TEST(TextFormat, LooksLikeACompiler) {
  const std::string text = sample(Format::Text);
  EXPECT_NE(text.find("src/orders/repo.py:11:9: critical [python.sql-injection] The text of this statement"),
            std::string::npos);
  EXPECT_NE(text.find("    11 \xE2\x94\x82         self.cur.execute(q)\n"
                      "       \xE2\x94\x82         ^^^^^^^^^^^^^^^^^^^\n"
                      "  trace: source src/api/orders.py:6:14: value of the query parameter status\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  also [python.formatted-sql]"), std::string::npos);
  EXPECT_NE(text.find("src/generated/tables.py: partial: file_timeout (python.sql-injection)"), std::string::npos);
  EXPECT_NE(text.find("rules/own.yaml:12:18: error: the pattern"), std::string::npos);
  EXPECT_TRUE(text.ends_with("91 files, 3 skipped, 1 partial\n")) << text.substr(text.size() - 200);
  EXPECT_NE(text.find("31 findings: 1 critical, 3 high"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(sample(Format::Text, {.color = true}).find("\x1b[1;31mcritical\x1b[0m"), std::string::npos);
  const std::string ascii = sample(Format::Text, {.ascii = true});
  EXPECT_TRUE(std::all_of(ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

TEST(TextFormat, CutsLongLinesAroundTheMark) {
  MemorySources sources;
  const std::string line = std::string(300, 'a') + "\xE4\xB8\xAD\xE4\xB8\xAD" + "BAD" + std::string(300, 'z');
  sources.add("f", "\t" + line + "\n");
  Report report;
  report.findings.resize(1);
  report.findings[0].rule = "r";
  report.findings[0].where = testing::find_location(sources, "f", "BAD");
  const std::string text = written(Format::Text, report, sources, {.width = 60});
  std::vector<std::string_view> lines = split(text, '\n');
  ASSERT_GE(lines.size(), 3U);
  EXPECT_LE(display_width(lines[1]), 60U) << lines[1];
  const std::size_t mark = lines[1].find("BAD");
  ASSERT_NE(mark, std::string::npos) << lines[1];
  EXPECT_EQ(display_width(lines[1].substr(0, mark)), display_width(lines[2].substr(0, lines[2].find('^'))));
  EXPECT_TRUE(lines[2].ends_with("^^^"));
  EXPECT_FALSE(lines[2].ends_with("^^^^"));
}

TEST(TextFormat, ShowsNoCodeOfAFileThatChanged) {
  MemorySources sources;
  sources.add("f", "something else entirely\n");
  Report report;
  report.findings.resize(1);
  report.findings[0].rule = "r";
  report.findings[0].where = {
      .path = "f", .start = {1, 1, 0}, .end = {1, 5, 4}, .content = "sha256:" + std::string(64, '0')};
  report.findings[0].lines = "code as it was";
  const std::string text = written(Format::Text, report, sources);
  EXPECT_EQ(text.find("something else"), std::string::npos);
  EXPECT_NE(text.find("code as it was"), std::string::npos);
}

// A reader of HTML written apart from the writer: the tags with their attributes, text left out.
struct Tag {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
};

std::vector<Tag> tags_of(const std::string& html) {
  std::vector<Tag> tags;
  std::size_t at = 0;
  while ((at = html.find('<', at)) != std::string::npos) {
    ++at;
    Tag tag;
    while (at < html.size() && html[at] != '>' && html[at] != ' ' && html[at] != '\n') tag.name += html[at++];
    while (at < html.size() && html[at] != '>') {
      while (html[at] == ' ' || html[at] == '\n') ++at;
      std::string attribute, value;
      while (html[at] != '=' && html[at] != '>' && html[at] != ' ') attribute += html[at++];
      if (html[at] == '=') {
        EXPECT_EQ(html[at + 1], '"') << attribute;
        const std::size_t end = html.find('"', at + 2);
        value = html.substr(at + 2, end - at - 2);
        at = end + 1;
      }
      if (!attribute.empty()) tag.attributes.emplace_back(attribute, value);
    }
    // The text of script and style isn't markup.
    if (tag.name == "script" || tag.name == "style") at = html.find("</" + tag.name, at);
    tags.push_back(std::move(tag));
  }
  return tags;
}

TEST(HtmlFormat, HostileTextAddsNoTagAndNoAttribute) {
  const std::set<std::string> known = {
      "!doctype", "html",    "head", "meta",     "title",      "style", "body",   "a",      "header", "div",
      "p",        "h1",      "h2",   "h3",       "h4",         "bdi",   "dl",     "dt",     "dd",     "nav",
      "ul",       "ol",      "li",   "main",     "section",    "span",  "strong", "table",  "thead",  "tbody",
      "tr",       "th",      "td",   "figure",   "figcaption", "svg",   "rect",   "text",   "line",   "circle",
      "details",  "summary", "form", "fieldset", "legend",     "label", "input",  "select", "option", "button",
      "pre",      "code",    "mark", "footer",   "script",     "br"};
  for (const std::string& html : {hostile(Format::Html), sample(Format::Html)}) {
    std::size_t scripts = 0;
    int depth = 0;
    for (const Tag& tag : tags_of(html)) {
      const std::string plain = tag.name.starts_with('/') ? tag.name.substr(1) : tag.name;
      EXPECT_TRUE(known.contains(plain.ends_with('/') ? plain.substr(0, plain.size() - 1) : plain)) << tag.name;
      scripts += tag.name == "script" ? 1 : 0;
      depth += tag.name == "details" ? 1 : tag.name == "/details" ? -1 : 0;
      for (const auto& [attribute, value] : tag.attributes) {
        EXPECT_FALSE(attribute.starts_with("on")) << attribute;
        EXPECT_NE(attribute, "src");
        EXPECT_NE(attribute, "style");
        if (attribute == "href") EXPECT_TRUE(value.starts_with('#')) << value;
        EXPECT_EQ(value.find('<'), std::string::npos) << value;
      }
    }
    EXPECT_EQ(scripts, 1U);
    EXPECT_EQ(depth, 0);
  }
}

TEST(HtmlFormat, AllowsItsOwnScriptAndStyleOnly) {
  const std::string html = sample(Format::Html);
  const auto between = [&](std::string_view open, std::string_view close) {
    const std::size_t begin = html.find(open) + open.size();
    return html.substr(begin, html.find(close, begin) - begin);
  };
  const std::string script = between("<script>", "</script>");
  EXPECT_LT(script.size(), 10'000U);
  EXPECT_GT(script.size(), 500U);
  const std::string policy = between("Content-Security-Policy\" content=\"", "\">");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; "));
  // openssl as the second opinion on hash and base64.
  for (const std::string& content : {script, between("<style>", "</style>")}) {
    std::string folder = (std::filesystem::temp_directory_path() / "wrench-html-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::ofstream(folder + "/x") << content;
    FILE* pipe = popen(("openssl dgst -sha256 -binary " + folder + "/x | openssl base64 -A").c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::array<char, 256> hash{};
    ASSERT_NE(fgets(hash.data(), hash.size(), pipe), nullptr);
    pclose(pipe);
    std::filesystem::remove_all(folder);
    EXPECT_NE(policy.find("'sha256-" + std::string(hash.data()) + "'"), std::string::npos) << hash.data();
  }
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("url("), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
}

TEST(HtmlFormat, HoldsWhatTheReportHolds) {
  const std::string html = sample(Format::Html);
  for (const std::string_view text :
       {"<title>Review of shop \xC2\xB7 WrenchAI</title>", "Look here first", "Where the risk is",
        "Change and complexity", "Copied code", "How complex the functions are", "<mark>self.cur.execute(q)</mark>",
        "value of the query parameter status", "Also reported here: Formatted text used as SQL", "Bind the parameter.",
        "2 vendored", "the importer retries", "file_timeout", "orders.repo \xE2\x86\x92 orders.export"}) {
    EXPECT_NE(html.find(text), std::string::npos) << text;
  }
  EXPECT_NE(html.find("<span class=\"l add\" data-n=\"+\">"), std::string::npos);
  const std::string empty = written(Format::Html, Report(), NoSources());
  EXPECT_NE(empty.find("No findings."), std::string::npos);
  EXPECT_EQ(empty.find("<figure>"), std::string::npos);
}

TEST(HtmlFormat, LimitsWhatItListsAndSaysSo) {
  Report report;
  report.findings.resize(10'050);
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    report.findings[i].rule = "r";
    report.findings[i].lines = "code";
    report.findings[i].where.path = "f" + std::to_string(i);
  }
  const std::string html = written(Format::Html, report, NoSources());
  EXPECT_NE(html.find("50 more of lower rank are not listed"), std::string::npos);
  std::size_t snippets = 0;
  for (std::size_t at = html.find("<pre"); at != std::string::npos; at = html.find("<pre", at + 1)) ++snippets;
  EXPECT_EQ(snippets, 2'000U);
}

TEST(Treemap, FillsTheAreaInProportion) {
  const std::vector<double> weights = {6, 6, 4, 3, 2, 2, 1};
  const std::vector<Rect> rects = squarify(weights, {0, 0, 6, 4});
  ASSERT_EQ(rects.size(), weights.size());
  double worst = 1;
  for (std::size_t i = 0; i < rects.size(); ++i) {
    const Rect& r = rects[i];
    EXPECT_NEAR(r.width * r.height, weights[i], 1e-9);
    EXPECT_GE(r.x, -1e-9);
    EXPECT_LE(r.x + r.width, 6 + 1e-9);
    EXPECT_LE(r.y + r.height, 4 + 1e-9);
    worst = std::max(worst, std::max(r.width / r.height, r.height / r.width));
    for (std::size_t k = 0; k < i; ++k) {
      const Rect& o = rects[k];
      const bool apart = r.x + r.width <= o.x + 1e-9 || o.x + o.width <= r.x + 1e-9 || r.y + r.height <= o.y + 1e-9 ||
                         o.y + o.height <= r.y + 1e-9;
      EXPECT_TRUE(apart) << i << " " << k;
    }
  }
  EXPECT_LT(worst, 3.0);
  EXPECT_TRUE(squarify({}, {0, 0, 1, 1}).empty());
}

Finding fixable(std::string lines, Position start, Position end, std::string text) {
  Finding f;
  f.rule = "r";
  f.message = "m";
  f.fingerprint = "wf1-0";
  f.lines = std::move(lines);
  f.where.path = "a.py";
  f.where.start = start;
  f.where.end = end;
  f.fix = Fix{.state = FixState::Suggested, .description = "write it so", .edits = {{f.where, std::move(text)}}};
  return f;
}

std::string text_of(Finding f) {
  Report report;
  report.findings = {std::move(f)};
  return written(Format::Text, report, NoSources());
}

TEST(Text, ShowsAFixAsADiff) {
  EXPECT_THAT(
      text_of(fixable("  \xC3\xA9 = old(1)  # x", {1, 7, 7}, {1, 13, 13}, "new(1)")),
      ::testing::HasSubstr("  fix: write it so\n      -   \xC3\xA9 = old(1)  # x\n      +   \xC3\xA9 = new(1)  # x\n"));
  EXPECT_THAT(text_of(fixable("a(\n  1)", {1, 1, 0}, {2, 5, 7}, "b(1)")),
              ::testing::HasSubstr("      - a(\n      -   1)\n      + b(1)\n"));
  EXPECT_THAT(text_of(fixable("a()", {1, 1, 0}, {1, 4, 3}, "b()\nc()")),
              ::testing::HasSubstr("      - a()\n      + b()\n      + c()\n"));
  EXPECT_THAT(text_of(fixable("a()", {1, 1, 0}, {1, 4, 3}, "")), ::testing::HasSubstr("      - a()\n1 finding"))
      << "nothing is left";
}

TEST(Text, ShowsOnlyTheWordsOfALongFix) {
  std::string many;
  for (int i = 0; i < 9; ++i) many += "x()\n";
  const std::string text = text_of(fixable("a()", {1, 1, 0}, {1, 4, 3}, many));
  EXPECT_THAT(text, ::testing::HasSubstr("fix: write it so"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("      - ")));
}

TEST(Text, SaysWhyAFixIsRejected) {
  Finding f = fixable("a()", {1, 1, 0}, {1, 4, 3}, "b(");
  f.fix->state = FixState::Rejected;
  f.fix->reason = "no \x1b good";
  const std::string text = text_of(f);
  EXPECT_THAT(text, ::testing::HasSubstr("  fix rejected: no \\x1b good\n"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("      - ")));
}

}  // namespace
}  // namespace wrench::findings
