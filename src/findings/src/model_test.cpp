#include <gtest/gtest.h>

#include <algorithm>

#include "wrench/base/error.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/report_record.hpp"
#include "wrench/findings/summary.hpp"

namespace wrench::findings {
namespace {

Finding at(std::string path, std::uint64_t begin, std::uint64_t end, std::string rule = "r") {
  Finding finding;
  finding.rule = std::move(rule);
  finding.where.path = std::move(path);
  finding.where.start.offset = begin;
  finding.where.end.offset = end;
  return finding;
}

TEST(Words, SeverityKnowsOwnAndSemgrepWords) {
  EXPECT_EQ(*parse_severity("info"), Severity::Info);
  EXPECT_EQ(*parse_severity("INFO"), Severity::Low);
  EXPECT_EQ(*parse_severity("ERROR"), Severity::High);
  EXPECT_EQ(*parse_severity("error"), Severity::High);
  EXPECT_EQ(*parse_severity("Critical"), Severity::Critical);
  EXPECT_EQ(*parse_severity("WARNING"), Severity::Medium);
  EXPECT_EQ(*parse_severity("EXPERIMENT"), Severity::Info);
  EXPECT_EQ(parse_severity("bad").error().code, "findings.unknown_severity");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(*parse_severity(name(static_cast<Severity>(i))), static_cast<Severity>(i));
  EXPECT_EQ(parse_confidence("HIGH"), Confidence::High);
  EXPECT_EQ(parse_category("nonsense"), std::nullopt);
}

TEST(Fingerprint, HashesTheFieldsJoinedByUnitSeparators) {
  // printf 'a.b\x1fsrc/x.py\x1fS.f\x1ff ( x )\x1f0' | sha256sum
  EXPECT_EQ(fingerprint({.rule = "a.b", .path = "src/x.py", .symbol = "S.f", .tokens = "f ( x )"}),
            "wf1-052ed50b5c7736da8d918f19f75bfc94");
  // printf 'a.b\x1ff ( x )' | sha256sum
  EXPECT_EQ(move_fingerprint({.rule = "a.b", .path = "any", .symbol = "any", .tokens = "f ( x )", .ordinal = 7}),
            "wm1-42e8accca23bc4c10cc4d113956f5233");
}

TEST(Fingerprint, CountsEqualFindingsAndKeepsFieldsApart) {
  Fingerprinter stamps("a.py");
  Finding first = at("a.py", 0, 1), second = at("a.py", 5, 6);
  stamps.stamp(first, "x");
  stamps.stamp(second, "x");
  EXPECT_NE(first.fingerprint, second.fingerprint);
  EXPECT_EQ(first.move_fingerprint, second.move_fingerprint);
  EXPECT_NE(fingerprint({.rule = "r", .path = "p", .symbol = "", .tokens = "t"}),
            fingerprint({.rule = "r", .path = "p", .symbol = "t", .tokens = ""}));
}

TEST(Fingerprint, LineTextReplacesTheSecretButTellsSecretsApart) {
  const std::string text = line_text("  key =\t\"hunter2hunter2\"  ", "hunter2hunter2");
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_NE(text, line_text("key = \"another-value\"", "another-value"));
  EXPECT_EQ(text, line_text("key = \"hunter2hunter2\"", "hunter2hunter2"));
  std::vector<std::string_view> many(kFingerprintTokensMax + 10, "t");
  EXPECT_EQ(token_text(many).size(), 2 * kFingerprintTokensMax - 1);
}

TEST(Ranking, FollowsTheFormula) {
  Finding finding = at("a", 0, 1);
  finding.severity = Severity::Critical;
  finding.confidence = Confidence::High;
  finding.reach = Reach::Entry;
  finding.category = Category::Security;
  EXPECT_DOUBLE_EQ(rank(finding, 1.0), 100);
  EXPECT_DOUBLE_EQ(rank(finding, std::nullopt), 85);
  finding.reach = Reach::TestOrDead;
  finding.severity = Severity::Info;
  finding.confidence = Confidence::Low;
  finding.category = Category::Maintainability;
  EXPECT_DOUBLE_EQ(rank(finding, 0.0), 100 * 0.1 * 0.4 * 0.5 * 0.6 * 0.7);
  std::vector<Finding> all = {at("hot", 0, 1), at("cold", 0, 1)};
  rank_all(all, {.has_history = true, .hotspot_percentile = {{"hot", 1.0}}});
  EXPECT_GT(all[0].rank, all[1].rank);
}

TEST(Ranking, IsExplained) {
  std::vector<Finding> all = {at("hot.py", 0, 1), at("cold.py", 0, 1)};
  Finding& finding = all[0];
  finding.severity = Severity::High;
  finding.confidence = Confidence::Medium;
  finding.category = Category::Security;
  finding.reach = Reach::Entry;
  rank_all(all, {});
  EXPECT_EQ(explain_rank(finding), "high severity, medium confidence; the code around it reads input from outside");
  finding.reached_from = "index() in web.py";
  rank_all(all, {.has_history = true, .hotspot_percentile = {{"hot.py", 0.916}}});
  EXPECT_EQ(explain_rank(finding),
            "high severity, medium confidence; index() in web.py reads input from outside and calls this; its file is "
            "changed more often and more complex than 92 % of the others");
  all[1].category = Category::Maintainability;
  all[1].reach = Reach::TestOrDead;
  EXPECT_EQ(explain_rank(all[1]),
            "medium severity, medium confidence, maintainability counts for less than defects; only in tests, examples "
            "or unused code; its file is rarely changed, or simple");
}

TEST(Ranking, ASureMistakeInATestComesBeforeTheWorstMeasure) {
  Finding mistake = at("test", 0, 1);
  mistake.category = Category::Correctness;
  mistake.confidence = Confidence::High;
  mistake.reach = Reach::TestOrDead;
  Finding measure = at("hot", 0, 1);
  measure.category = Category::Maintainability;
  measure.confidence = Confidence::High;
  EXPECT_GT(rank(mistake, 0.0), rank(measure, 1.0));
}

Finding ranked(const std::string& rule, const std::string& path, std::uint64_t start, double rank) {
  Finding finding = at(path, start, start + 1);
  finding.rule = rule;
  finding.rank = rank;
  return finding;
}

std::vector<std::string> shown(const Highlights& chosen) {
  std::vector<std::string> out;
  for (const Highlight& one : chosen.shown)
    out.push_back(one.finding->rule + " " + one.finding->where.path + " +" + std::to_string(one.alike.size()));
  return out;
}

TEST(Highlights, FoldsAFilesAndLimitsARulesPlaces) {
  std::vector<Finding> all = {ranked("r", "a", 0, 50), ranked("r", "a", 1, 50), ranked("r", "a", 2, 50),
                              ranked("r", "b", 0, 49), ranked("r", "c", 0, 48), ranked("r", "d", 0, 47),
                              ranked("r", "d", 1, 47), ranked("s", "a", 3, 40)};
  const Highlights chosen = highlights(all, 10);
  EXPECT_EQ(shown(chosen), (std::vector<std::string>{"r a +2", "r b +0", "r c +0", "s a +0"}));
  EXPECT_EQ(chosen.left_out, 2U) << "d is the rule's fourth file";
  EXPECT_EQ(shown(highlights(all, 2)), (std::vector<std::string>{"r a +2", "r b +0"}));
  EXPECT_EQ(highlights(all, 2).left_out, 4U);
}

TEST(Highlights, LeavesOutWhatDeservesNoAttention) {
  std::vector<Finding> all = {ranked("r", "a", 0, kWorthALookMin), ranked("s", "a", 1, kWorthALookMin - 0.01),
                              ranked("t", "a", 2, 90)};
  all[2].suppressed = Suppressed{.kind = "inline", .reason = {}, .source = {}};
  EXPECT_EQ(shown(highlights(all, 10)), (std::vector<std::string>{"r a +0"}));
  EXPECT_EQ(highlights(all, 10).left_out, 1U);
}

TEST(Grouping, JoinsOverlapsWithASharedCweOnly) {
  std::vector<Finding> all = {at("a", 0, 10), at("a", 5, 15),  at("a", 12, 20), at("a", 5, 15),
                              at("b", 0, 10), at("a", 20, 30), at("a", 0, 10)};
  for (const std::size_t i : {0, 1, 2, 4, 5, 6}) all[i].cwe = {"CWE-89"};
  all[3].cwe = {"CWE-79"};
  all[6].suppressed = Suppressed{};
  assign_groups(all);
  EXPECT_EQ(all[0].group, "g1");
  EXPECT_EQ(all[1].group, "g1");
  EXPECT_EQ(all[2].group, "g1");  // A chain: it overlaps the second only.
  for (const std::size_t i : {3, 4, 5, 6}) EXPECT_EQ(all[i].group, "") << i;
  const auto groups = ranked_groups(all);
  EXPECT_EQ(groups.size(), 4U);
}

std::string baseline_of(const std::vector<Finding>& findings) {
  Report report;
  report.run.started = "2026-11-02T10:00:00Z";
  report.findings = findings;
  return codec::write_json(to_json(report));
}

Finding stamped(const std::string& path, const std::string& symbol, const std::string& tokens) {
  Finding finding = at(path, 0, 1);
  finding.symbol = symbol;
  Fingerprinter(path).stamp(finding, tokens);
  return finding;
}

TEST(Baseline, MatchesMultisetsThenMoves) {
  const Finding a = stamped("a.py", "f", "x");
  const auto baseline = Baseline::read(baseline_of({a, a, stamped("b.py", "g", "y"), stamped("c.py", "h", "z")}));
  ASSERT_TRUE(baseline.ok());
  EXPECT_EQ(baseline->date(), "2026-11-02");
  // Three equal ones against two: one is new. One was renamed. One is gone.
  const std::vector<Finding> now = {a, a, a, stamped("moved/b.py", "G.g", "y"), stamped("c.py", "h", "other")};
  const BaselineDiff diff = baseline->diff(now);
  EXPECT_EQ(diff.is_new, (std::vector<bool>{false, false, true, false, true}));
  EXPECT_EQ(diff.matched, 3U);
  EXPECT_EQ(diff.fixed, 1U);
}

TEST(Baseline, WhatIsAtHandServesAndSeveralAddUp) {
  Report report;
  report.findings = {stamped("a.py", "f", "x"), stamped("b.py", "g", "y"), stamped("c.py", "h", "z")};
  const std::vector<Finding> first = {report.findings[0], stamped("gone.py", "k", "w")};
  EXPECT_EQ(Baseline::of(first).diff(report.findings).fixed, 1U);
  apply_baseline(report, Baseline::of(first));
  apply_baseline(report, Baseline::of(std::vector{report.findings[1]}));
  EXPECT_FALSE(report.findings[0].is_new);
  EXPECT_FALSE(report.findings[1].is_new);
  EXPECT_TRUE(report.findings[2].is_new);
}

TEST(Baseline, SuppressedThenAndShownNowIsNew) {
  Finding hidden = stamped("a.py", "f", "x");
  hidden.suppressed = Suppressed{.kind = "inline", .reason = {}, .source = {}};
  const Finding shown = stamped("a.py", "f", "x");
  const auto was_hidden = Baseline::read(baseline_of({hidden}));
  EXPECT_TRUE(was_hidden->diff(std::vector{shown}).is_new[0]);
  const auto was_shown = Baseline::read(baseline_of({shown}));
  EXPECT_EQ(was_shown->diff(std::vector{hidden}).fixed, 0U);
}

TEST(HiddenCounts, TellWhatSomebodyAcceptedFromWhatAnAgentDisproved) {
  Report report;
  EXPECT_TRUE(hidden_counts(report).empty());
  for (const char* kind : {"inline", "file", "inspector", "false_positive", "snoozed", "false_positive"})
    report.findings.emplace_back().suppressed = Suppressed{.kind = kind, .reason = {}, .source = {}};
  report.findings.emplace_back();
  EXPECT_EQ(hidden_counts(report),
            (std::vector<std::string>{"2 suppressed", "2 dismissed as false positive", "1 snoozed", "1 set aside"}));
}

TEST(Baseline, RefusesWhatIsNotAReport) {
  EXPECT_EQ(Baseline::read("{").error().code, "findings.baseline_invalid");
  EXPECT_EQ(Baseline::read("[]").error().code, "findings.baseline_schema");
  EXPECT_EQ(Baseline::read(R"({"schema":"wrench.scan/2","findings":[]})").error().code, "findings.baseline_schema");
  EXPECT_EQ(Baseline::read(R"({"schema":"wrench.scan/1"})").error().code, "findings.baseline_invalid");
  const auto bad = Baseline::read(R"({"schema":"wrench.scan/1","findings":[{"fingerprint":"wf1-xyz"}]})");
  EXPECT_NE(bad.error().message.find("findings[0]"), std::string::npos);
  EXPECT_EQ(Baseline::read(std::string(kBaselineBytesMax + 1, ' ')).error().code, "findings.baseline_too_large");
  EXPECT_TRUE(Baseline::read(R"({"schema":"wrench.scan/1","findings":[]})").ok());
}

Finding full_finding() {
  const Location where{.path = "a b/\xC3\xA9.py", .start = {3, 5, 40}, .end = {4, 1, 60}, .content = "sha256:00"};
  Finding f = stamped("a.py", "S.f", "t");
  f.rule_file = "rules/x.yaml";
  f.title = "T";
  f.message = "M \"q\"\n";
  f.rule_severity = "ERROR";
  f.severity = Severity::Critical;
  f.confidence = Confidence::Low;
  f.category = Category::Secret;
  f.cwe = {"CWE-89", "CWE-79"};
  f.agent = "infosec";
  f.where = where;
  f.lines = "line1\nline2";
  f.metavars = {{"$X", "x", "5", {1, 2, 3}, {1, 4, 5}}, {"$Y", "y", std::nullopt, {2, 2, 9}, {2, 3, 10}}};
  f.trace = {{TraceRole::Source, where, "n"}, {TraceRole::Step, where, ""}, {TraceRole::Sink, where, "s"}};
  f.related = {{where, "also"}};
  f.secrets = {where};
  f.fix = Fix{.state = FixState::Rejected,
              .description = "d",
              .edits = {{where, "new"}},
              .safety = FixSafety::Safe,
              .reason = "the finding is still there"};
  f.suppressed =
      Suppressed{.kind = "snoozed", .reason = "r", .source = "s", .finding_id = "fnd_1", .until = "2026-12-24"};
  f.group = "g7";
  f.rank = 71.125;
  f.measure = 34;
  f.historic = Historic{"5e1c309", "old/p", true};
  f.introduced = Introduced{"3f2c91a0", "2024-03-02", "ada"};
  f.reopened = "more";
  f.reach = Reach::TestOrDead;
  f.reached_from = "index() in web.py";
  f.hotspot_percentile = 92;
  f.near_parse_error = true;
  f.is_new = false;
  f.metadata = codec::Json::object({{"cwe", "x"}, {"n", 1.0}});
  return f;
}

/// Every member differs from its default.
Report full_report() {
  const Location where{.path = "p", .start = {1, 1, 0}, .end = {2, 1, 9}, .content = ""};
  Report r;
  r.run = {.started = "2026-11-24T00:00:00Z", .elapsed_ms = 812, .jobs = 4, .analyses = {"rules"}, .complete = false};
  r.tool_version = "0.1";
  r.rules_sha256 = "ab";
  r.root = ".";
  r.repository = "shop";
  r.revision = "main@1";
  r.summary = {.files_scanned = 9,
               .files_cached = 1,
               .bytes = 2,
               .nloc = 3,
               .suppressed = 1,
               .baseline_matched = 4,
               .baseline_fixed = 5,
               .baseline_date = "2026-01-01",
               .since = Since{"main", "3f2c91a0", 6, 7},
               .by_language = {{"Python", 7}, {"Go", 2}}};
  r.findings = {full_finding()};
  r.files = {{"p", "Python", 1, 2, 3, 4, 5}};
  r.functions = {{"p", "f", 1, 2, 3, 4, 5, 6, 7, 8.5, {{1, 2, "if", 3, 4}}}};
  r.clones = {{3, 60, 87, {where, where}, {"a -> b"}, "extract"}};
  r.cycles = {{{"a", "b"}, {where}}};
  r.edges_added = {{"a", "b", where}};
  r.edges_removed = {{"b", "c", where}, {"b", "d", {}}};
  r.hotspots = {{"p", 41, 86, 3, "ada", 92.5, 0.9}};
  r.history = codec::Json::object({{"commits", 5}});
  r.skipped = {{"v", "vendored"}};
  r.partial = {{"file_timeout", "p", "r", "d"}};
  r.errors = {Error("rules.invalid", "m")
                  .at("x.yaml", 1, 2)
                  .with_help("h")
                  .because(Error("a.b", "c").because(Error("d", "e")))};
  r.notes = {"no history"};
  r.changes = {{.path = "p",
                .before = "sha256:0",
                .after = "sha256:1",
                .fingerprints = {"wf1-0"},
                .diff = "d",
                .inverse = "i",
                .masked = true,
                .undo = "u"}};
  return r;
}

void expect_equal(const Report& back, const Report& r) {
  EXPECT_EQ(back.summary, r.summary);
  EXPECT_EQ(back.findings, r.findings);
  EXPECT_EQ(back.files, r.files);
  EXPECT_EQ(back.functions, r.functions);
  EXPECT_EQ(back.clones, r.clones);
  EXPECT_EQ(back.cycles, r.cycles);
  EXPECT_EQ(back.edges_added, r.edges_added);
  EXPECT_EQ(back.edges_removed, r.edges_removed);
  EXPECT_EQ(back.hotspots, r.hotspots);
  EXPECT_EQ(back.history, r.history);
  EXPECT_EQ(back.skipped, r.skipped);
  EXPECT_EQ(back.partial, r.partial);
  ASSERT_EQ(back.errors.size(), 1U);
  EXPECT_EQ(describe(back.errors[0]), describe(r.errors[0]));
  EXPECT_EQ(back.errors[0].help, r.errors[0].help);
  EXPECT_EQ(back.notes, r.notes);
  EXPECT_EQ(back.changes, r.changes);
  EXPECT_EQ(back.root + back.repository + back.revision + back.tool_version + back.rules_sha256, ".shopmain@10.1ab");
}

TEST(WireForm, FindingComesBackEqual) {
  for (const Finding& finding : {full_finding(), at("p", 0, 0)}) {
    const auto text = codec::write_json(to_json(finding));
    const auto back = finding_from_json(*codec::parse_json(text));
    ASSERT_TRUE(back.ok()) << describe(back.error());
    EXPECT_TRUE(*back == finding);
  }
}

TEST(WireForm, ReportComesBackEqual) {
  const Report r = full_report();
  const auto back = report_from_json(*codec::parse_json(codec::write_json(to_json(r))));
  ASSERT_TRUE(back.ok()) << describe(back.error());
  EXPECT_EQ(back->run, r.run);
  expect_equal(*back, r);
}

TEST(Record, KeepsEverythingButTheRun) {
  Report r = full_report();
  r.findings[0].lines = "\xFF isn't UTF-8";
  const auto back = report_from_record(to_record(r));
  ASSERT_TRUE(back.ok()) << describe(back.error());
  EXPECT_EQ(back->run, Report::Run());
  expect_equal(*back, r);
  const auto finding = finding_from_record(to_record(full_finding()));
  ASSERT_TRUE(finding.ok()) << describe(finding.error());
  EXPECT_TRUE(*finding == full_finding());
  Report later = r;
  later.run.started = "2026-11-25T00:00:00Z";
  EXPECT_EQ(to_record(later), to_record(r));
}

// As written before findings had a measure.
TEST(Record, ReadsTheFirstForm) {
  const std::string bytes = *from_hex(
      "04575252310000012e000000000000000000000002057766312d3000017200000000030104000004612e707902010902050d087368613235"
      "363a30000000000000000106696e6c696e6503776879107772656e63682d69676e6f72653a20720000000000000029400100010005776631"
      "2d3000017200000000030104000004612e707902010902050d087368613235363a30000000000000000106696e6c696e6503776879107772"
      "656e63682d69676e6f72653a207200000000000000294001000100000000000000000001016e00");
  const auto report = report_from_record(bytes);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  ASSERT_EQ(report->findings.size(), 2U);
  EXPECT_EQ(report->findings[1].suppressed,
            (Suppressed{.kind = "inline", .reason = "why", .source = "wrench-ignore: r"}));
  EXPECT_EQ(report->findings[1].rank, 12.5);
  EXPECT_EQ(report->notes, std::vector<std::string>{"n"});
  const auto finding = finding_from_record(*from_hex(
      "0457524631057766312d3000017200000000030104000004612e707902010902050d087368613235363a30000000000000000106696e6c69"
      "6e6503776879107772656e63682d69676e6f72653a207200000000000000294001000100"));
  ASSERT_TRUE(finding.ok()) << describe(finding.error());
  EXPECT_EQ(finding->where.end.col, 5U);
  std::string later = to_record(Finding());
  later[4] = '9';
  EXPECT_FALSE(finding_from_record(later).ok());
}

TEST(Record, RefusesDamagedAndForeignBytes) {
  const std::string record = to_record(full_report());
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto cut = report_from_record(std::string_view(record).substr(0, size));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error().code, "findings.record_invalid");
  }
  EXPECT_FALSE(report_from_record(record + "x").ok());
  EXPECT_FALSE(report_from_record(to_record(full_finding())).ok());
  EXPECT_FALSE(finding_from_record(record).ok());
}

TEST(WireForm, NamesThePlaceOfWhatIsWrong) {
  const auto refused = [](std::string_view text) { return report_from_json(*codec::parse_json(text)).error().message; };
  EXPECT_EQ(refused(R"({"schema":"x"})"), "schema isn't \"wrench.scan/1\"");
  EXPECT_EQ(refused(R"({"schema":"wrench.scan/1","findings":[{"rule":"r","start":{"line":-1}}]})"),
            "findings[0].start.line isn't an integer in range");
  EXPECT_EQ(refused(R"({"schema":"wrench.scan/1","findings":[{}]})"), "findings[0].rule is missing");
  EXPECT_EQ(refused(R"({"schema":"wrench.scan/1","findings":[{"rule":"r","severity":"awful"}]})"),
            "findings[0].severity isn't one of the known words");
  EXPECT_EQ(refused(R"({"schema":"wrench.scan/1","skipped":{}})"), "skipped isn't a list");
}

}  // namespace
}  // namespace wrench::findings
