#include "sample_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/fingerprint.hpp"
#include "wrench/findings/ranking.hpp"

namespace wrench::findings::testing {
namespace {

constexpr std::string_view kRepo = R"(import sqlite3
from orders.model import Order


class OrderRepository:
    def __init__(self, connection):
        self.cur = connection.cursor()

    def by_status(self, status):
        q = f"SELECT * FROM orders WHERE status = '{status}'"
        self.cur.execute(q)
        return [Order(*row) for row in self.cur.fetchall()]

    def totals(self, customers):
        result = {}
        for customer in customers:
            self.cur.execute("SELECT sum(amount) FROM orders WHERE customer = ?", (customer.id,))
            result[customer.id] = self.cur.fetchone()[0]
        return result
)";

constexpr std::string_view kApi = R"(from flask import request, jsonify
from orders.repo import OrderRepository


def list_orders(connection):
    status = request.args["status"]
    repository = OrderRepository(connection)
    return jsonify(repository.by_status(status))


def import_orders(stream):
    try:
        for line in stream:
            handle(line)
    except:
        pass
)";

std::string settings_text() {
  return "DEBUG = False\nPAYMENT_URL = \"https://pay.example\"\nPAYMENT_KEY = \"" + sample_secret() +
         "\"\nRETRIES = 3\n";
}

constexpr std::string_view kCart = R"(export function total(items) {
  let sum = 0;
  for (const item of items) {
    if (item.price == null) continue;
    sum += item.price * item.count;
  }
  return sum;
}

export function render(cart) {
  document.querySelector("#cart").innerHTML = "<b>" + cart.note + "</b>";
}
)";

Finding finding_at(const MemorySources& sources, const std::string& path, std::string_view match, std::string rule,
                   Severity severity, Category category, std::string title, std::string message) {
  Finding f;
  f.where = find_location(sources, path, match);
  f.rule = std::move(rule);
  f.rule_file = "rules/" + f.rule.substr(0, f.rule.find('.')) + "/x.yaml";
  f.severity = severity;
  f.category = category;
  f.confidence = Confidence::High;
  f.title = std::move(title);
  f.message = std::move(message);
  const auto text = sources.text(path);
  const std::size_t begin = f.where.start.offset == 0 ? 0 : text->rfind('\n', f.where.start.offset - 1) + 1;
  f.lines = text->substr(begin, text->find('\n', f.where.end.offset) - begin);
  Fingerprinter(path).stamp(f, match);
  return f;
}

void add_findings(Report& report, const MemorySources& sources) {
  Finding sql = finding_at(sources, "src/orders/repo.py", "self.cur.execute(q)", "python.sql-injection",
                           Severity::Critical, Category::Security, "SQL built from request input",
                           "The text of this statement contains a value that comes from the request. Whoever calls "
                           "the API can read or change any row.\n\nGive values as parameters; the driver then never "
                           "takes them for SQL.");
  sql.cwe = {"CWE-89"};
  sql.symbol = "OrderRepository.by_status";
  sql.reach = Reach::Entry;
  sql.trace = {{TraceRole::Source, find_location(sources, "src/api/orders.py", "request.args"),
                "value of the query parameter status"},
               {TraceRole::Step, find_location(sources, "src/api/orders.py", "repository.by_status(status)"),
                "passed as status"},
               {TraceRole::Sink, sql.where, "run as SQL"}};
  sql.metavars = {{"$Q", "q", std::nullopt, sql.where.start, sql.where.end}};
  sql.fix = Fix{.state = FixState::Verified,
                .description = "Bind the parameter.",
                .edits = {{find_location(sources, "src/orders/repo.py", "self.cur.execute(q)"),
                           "self.cur.execute(\"SELECT * FROM orders WHERE status = ?\", (status,))"}}};
  sql.metadata = codec::Json::object({{"owasp", "A03:2021"}, {"cwe", "CWE-89: SQL Injection"}});
  sql.rule_severity = "ERROR";
  report.findings.push_back(sql);

  Finding overlap =
      finding_at(sources, "src/orders/repo.py", "execute(q)", "python.formatted-sql", Severity::High,
                 Category::Security, "Formatted text used as SQL", "SQL is put together with an f-string.");
  overlap.cwe = {"CWE-89"};
  report.findings.push_back(overlap);

  Finding secret =
      finding_at(sources, "src/settings.py", "PAYMENT_KEY = \"" + sample_secret() + "\"", "secrets.payment-key",
                 Severity::High, Category::Secret, "Payment key in file",
                 "A key that looks live stands in the repository. Revoke it, then read it from the environment.");
  secret.cwe = {"CWE-798"};
  secret.secrets = {find_location(sources, "src/settings.py", sample_secret())};
  report.findings.push_back(secret);

  Finding leak = finding_at(sources, "src/settings.py", "PAYMENT_URL", "python.settings", Severity::Info,
                            Category::Style, "Settings without types", "Value: " + sample_secret());
  leak.fix = Fix{.state = FixState::Suggested, .description = "Use " + sample_secret() + " elsewhere.", .edits = {}};
  report.findings.push_back(leak);

  Finding nplus =
      finding_at(sources, "src/orders/repo.py",
                 "self.cur.execute(\"SELECT sum(amount) FROM orders WHERE customer = ?\", (customer.id,))",
                 "python.query-in-loop", Severity::Medium, Category::Performance, "Database query in a loop",
                 "One query for each customer. Ask once, with GROUP BY customer, and read the sums from the answer.");
  nplus.confidence = Confidence::Medium;
  nplus.symbol = "OrderRepository.totals";
  nplus.related = {{find_location(sources, "src/orders/repo.py", "for customer in customers:"), "the loop"}};
  report.findings.push_back(nplus);

  Finding xss =
      finding_at(sources, "web/cart.js", "document.querySelector(\"#cart\").innerHTML = \"<b>\" + cart.note + \"</b>\"",
                 "javascript.inner-html", Severity::High, Category::Security, "HTML built from data",
                 "The note of a cart is written into the page as HTML.");
  xss.cwe = {"CWE-79"};
  report.findings.push_back(xss);

  Finding bare =
      finding_at(sources, "src/api/orders.py", "except:\n        pass", "python.swallowed-exception", Severity::Medium,
                 Category::Correctness, "",
                 "Every exception is dropped here, also a keyboard interrupt. Name the ones that are expected.");
  report.findings.push_back(bare);

  Finding ignored = bare;
  ignored.rule = "python.bare-except";
  ignored.suppressed = Suppressed{.kind = "inline",
                                  .reason = "the importer retries",
                                  .source = "wrench-ignore: bare-except -- the importer retries"};
  report.findings.push_back(ignored);

  Finding known = finding_at(sources, "src/api/orders.py", "jsonify(repository.by_status(status))", "python.known",
                             Severity::High, Category::Security, "Known since long", "An old one.");
  known.is_new = false;
  report.findings.push_back(known);

  constexpr std::array<std::string_view, 4> kTitles = {"Function is hard to follow", "Too many parameters",
                                                       "Unused import", "Copied code"};
  for (std::size_t i = 0; i < 24; ++i) {
    Finding low;
    low.rule = i % 4 == 2 ? "structure.unused-import" : "metrics.complexity";
    low.severity = i % 4 == 2 ? Severity::Info : Severity::Low;
    low.category = i % 4 == 2 ? Category::Structure : Category::Maintainability;
    low.confidence = Confidence::High;
    low.title = kTitles[i % 4];
    low.message = "Cognitive complexity is " + std::to_string(16 + i) + "; above 15 a reader loses the thread.";
    low.where = {.path = report.files[i * 3 % report.files.size()].path,
                 .start = {static_cast<std::uint32_t>(10 + i), 1, 100},
                 .end = {static_cast<std::uint32_t>(10 + i), 20, 119},
                 .content = ""};
    low.lines = "def handler_" + std::to_string(i) + "(self, request, context):";
    Fingerprinter(low.where.path).stamp(low, low.title + std::to_string(i));
    report.findings.push_back(low);
  }
}

void add_metrics(Report& report) {
  constexpr std::array<std::string_view, 9> kFolders = {
      "src/orders/", "src/orders/export/", "src/api/", "src/billing/", "src/mail/",
      "web/",        "web/components/",    "tests/",   "tools/"};
  constexpr std::array<std::string_view, 10> kNames = {"repo",   "model", "service", "handlers", "export",
                                                       "client", "views", "schema",  "worker",   "cache"};
  std::uint32_t seed = 12345;
  const auto next = [&seed](std::uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
  };
  for (std::size_t i = 0; i < 86; ++i) {
    const std::string_view folder = kFolders[next(kFolders.size())];
    const bool web = folder.starts_with("web");
    FileMetrics file;
    file.path = std::string(folder) + std::string(kNames[i % kNames.size()]) +
                (i >= 10 ? "_" + std::to_string(i / 10) : "") + (web ? ".ts" : ".py");
    file.language = web ? "TypeScript" : "Python";
    file.nloc = 20 + next(60) * next(14);
    file.lines = file.nloc * 5 / 4;
    file.functions = 1 + file.nloc / 25;
    file.cognitive = next(4) * file.nloc / 12;
    file.cyclomatic = file.functions + file.cognitive / 2;
    report.files.push_back(file);
    for (std::uint32_t k = 0; k < file.functions && k < 12; ++k) {
      FunctionMetrics function;
      function.path = file.path;
      function.name = "handler_" + std::to_string(k);
      function.line = 1 + k * 25;
      function.cognitive = next(8) * next(7);
      if (next(25) == 0) function.cognitive += 30;
      function.cyclomatic = 1 + function.cognitive / 2;
      function.nloc = 10 + next(60);
      report.functions.push_back(function);
    }
  }
  report.files[0] = {"src/orders/repo.py", "Python", 640, 512, 22, 148, 96};
  constexpr std::array<std::string_view, 4> kAuthors = {"Ada Lovelace", "Grace Hopper", "Edsger Dijkstra",
                                                        "Barbara Liskov"};
  for (std::size_t i = 0; i < 60; ++i) {
    const FileMetrics& file = report.files[i];
    Hotspot hotspot{.path = file.path,
                    .revisions = i == 0 ? 41 : 1 + next(6) * next(6),
                    .cognitive = file.cognitive,
                    .findings = next(4),
                    .main_author = std::string(kAuthors[i % 4]),
                    .main_author_percent = 45.0 + next(55),
                    .score = 0};
    hotspot.score = std::min(1.0, (hotspot.revisions / 41.0) * 0.5 + (hotspot.cognitive / 148.0) * 0.48);
    report.hotspots.push_back(hotspot);
  }
  std::sort(report.hotspots.begin(), report.hotspots.end(),
            [](const Hotspot& a, const Hotspot& b) { return a.score > b.score; });
  for (std::size_t i = 0; i < 6; ++i) {
    CloneClass clone{.type = static_cast<int>(1 + i % 2),
                     .tokens = static_cast<std::uint32_t>(160 - 15 * i),
                     .members = {},
                     .renames = {},
                     .proposal = "Extract a function with the parts that differ as parameters."};
    for (std::size_t k = 0; k < 2 + i % 3; ++k) {
      const FileMetrics& file = report.files[(i * 7 + k * 3) % 14];
      const std::uint32_t first = 1 + next(std::max<std::uint32_t>(file.lines, 60) - 40);
      clone.members.push_back({.path = file.path,
                               .start = {first, 1, 0},
                               .end = {first + 18 + 4 * static_cast<std::uint32_t>(i), 1, 0},
                               .content = ""});
    }
    report.clones.push_back(clone);
  }
  report.cycles = {{{"orders.repo", "orders.export", "orders.service"},
                    {{.path = "src/orders/repo.py", .start = {2, 1, 15}, .end = {2, 30, 44}, .content = ""}}}};
}

}  // namespace

std::string sample_secret() { return std::string("sk_") + "test_" + "4242abcdEFGH4242ijkl"; }

Location find_location(const MemorySources& sources, const std::string& path, std::string_view text, std::size_t from) {
  const auto source = sources.text(path);
  const auto position = [&](std::size_t offset) {
    const std::string_view before = std::string_view(*source).substr(0, offset);
    const std::size_t newline = before.rfind('\n');
    const std::string_view line = newline == std::string_view::npos ? before : before.substr(newline + 1);
    return Position{.line = static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
                    .col = static_cast<std::uint32_t>(1 + count_code_points(line)),
                    .offset = offset};
  };
  const std::size_t at = source->find(text, from);
  EXPECT_NE(at, std::string::npos) << path << ": " << text;
  return {.path = path,
          .start = position(at),
          .end = position(at + text.size()),
          .content = "sha256:" + crypto::sha256_hex(*source)};
}

MemorySources sample_sources() {
  MemorySources sources;
  sources.add("src/orders/repo.py", std::string(kRepo));
  sources.add("src/api/orders.py", std::string(kApi));
  sources.add("src/settings.py", settings_text());
  sources.add("web/cart.js", std::string(kCart));
  return sources;
}

Report sample_report() {
  Report report;
  const MemorySources sources = sample_sources();
  report.run = {.started = "2026-11-24T12:34:56.000Z",
                .elapsed_ms = 2412,
                .jobs = 2,
                .analyses = {"rules", "secrets", "metrics", "clones", "history"},
                .complete = true};
  report.tool_version = "0.1.0";
  report.rules_sha256 = std::string(64, 'a');
  report.root = ".";
  report.repository = "shop";
  report.revision = "main@3f2c91a";
  add_metrics(report);
  report.summary = {.files_scanned = 91,
                    .files_cached = 0,
                    .bytes = 812331,
                    .nloc = 0,
                    .suppressed = 1,
                    .baseline_matched = 1,
                    .baseline_fixed = 2,
                    .baseline_date = "2026-11-02",
                    .by_language = {{"Python", 18211}, {"TypeScript", 7110}}};
  for (const FileMetrics& file : report.files) report.summary.nloc += file.nloc;
  add_findings(report, sources);
  report.skipped = {
      {"vendor/jquery.js", "vendored"}, {"vendor/lodash.js", "vendored"}, {"static/app.min.js", "minified"}};
  report.partial = {{"file_timeout", "src/generated/tables.py", "python.sql-injection", "more than 5,000 ms"}};
  report.errors = {Error("rules.invalid_pattern", "the pattern doesn't parse as Python").at("rules/own.yaml", 12, 18)};
  report.notes = {"no LLM is configured: every agent worked without"};
  rank_all(report.findings,
           {.has_history = true, .hotspot_percentile = {{"src/orders/repo.py", 1.0}, {"web/cart.js", 0.6}}});
  sort_by_place(report.findings);
  assign_groups(report.findings);
  return report;
}

std::string hostile_text() {
  return "</script><script>alert(1)</script><img src=x onerror=alert(1)> ]]> <!-- --> &amp; \" ' ``` ```` | "
         "\x1b[31mred\x1b[0m "
         "\xE2\x80\xAE"
         "evil\xE2\x80\xAC \xFF\xC3( \xC2\x9B"
         "0m \x7F @user [x](https://evil.example) \xEF\xBF\xBF\x01 % # {{x}} ${x}";
}

MemorySources hostile_sources() {
  MemorySources sources;
  sources.add("a" + hostile_text() + ".py", "first\n" + hostile_text() + "\nlast\r\n" + std::string(5000, 'x'));
  return sources;
}

Report hostile_report() {
  const std::string text = hostile_text();
  const std::string path = "a" + text + ".py";
  const Location where{.path = path, .start = {2, 3, 8}, .end = {2, 30, 40}, .content = ""};
  Report report;
  report.run.started = text;
  report.tool_version = report.root = report.repository = report.revision = text;
  report.summary.by_language = {{text, 1}};
  report.summary.baseline_date = text;
  Finding f;
  f.rule = f.title = f.message = f.symbol = f.lines = f.rule_file = f.rule_severity = f.group = f.agent =
      f.fingerprint = text;
  f.cwe = {text};
  f.severity = Severity::Critical;
  f.where = where;
  f.metavars = {{"$X", text, text, {}, {}}};
  f.trace = {{TraceRole::Source, where, text}};
  f.related = {{where, text}};
  f.fix = Fix{.state = FixState::Verified, .description = text, .edits = {{where, text}}};
  f.reached_from = text;
  f.metadata = codec::Json::object({{text, text}});
  report.findings.push_back(f);
  f.suppressed = Suppressed{.kind = "inline", .reason = text, .source = text};
  report.findings.push_back(f);
  report.files = {{path, text, 10, 8, 1, 3, 3}, {"b/" + text, text, 10, 8, 1, 3, 3}};
  report.functions = {{path, text, 1, 9, 3, 3, 8, 1, 0, 50, {}}};
  report.clones = {{1, 60, 100, {where, where}, {text}, text}};
  report.cycles = {{{text, text}, {where}}};
  report.hotspots = {{path, 3, 3, 1, text, 50, 0.5}};
  report.skipped = {{text, text}};
  report.partial = {{text, text, text, text}};
  report.errors = {Error(text, text).at(text, 1, 1)};
  report.notes = {text};
  return report;
}

}  // namespace wrench::findings::testing
