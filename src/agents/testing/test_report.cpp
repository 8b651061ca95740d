#include "wrench/agents/test_report.hpp"

#include <cmath>
#include <map>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/findings/markup.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

std::string place_text(const std::string& file, const SuitePlace& place) {
  return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Json checks_json(const CaseResult& result) {
  Json out = Json::array();
  for (const CaseCheck& check : result.checks)
    out.push_back(Json::object({{"kind", check.word},
                                {"passed", check.passed},
                                {"detail", check.detail},
                                {"line", check.place.line},
                                {"column", check.place.column}}));
  return out;
}

Json to_json(const CaseResult& result) {
  Json out = Json::object({{"name", result.name},
                           {"status", name(result.status)},
                           {"line", result.place.line},
                           {"column", result.place.column},
                           {"checks", checks_json(result)},
                           {"duration_ms", result.elapsed_us / kMicrosPerMs},
                           {"usage", result.usage},
                           {"trace", result.trace},
                           {"runs", result.runs},
                           {"passes", result.passes}});
  if (result.error) out.set("error", Json::object({{"code", result.error->code}, {"message", result.error->message}}));
  if (!result.skipped_because.empty()) out.set("skipped_because", result.skipped_because);
  if (result.runs > 0) {
    const auto interval = pass_interval(result.passes, result.runs);
    out.set("pass_rate", static_cast<double>(result.passes) / result.runs);
    out.set("interval", Json::array({interval.low, interval.high}));
  }
  return out;
}

void set_totals(Json& out, const TestTotals& totals) {
  out.set("total_tests", totals.total);
  out.set("passed", totals.passed);
  out.set("failed", totals.failed);
  out.set("skipped", totals.skipped);
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + findings::escape_markup(value) + "\"";
}

std::string seconds(Micros elapsed_us) {
  const auto ms = elapsed_us / kMicrosPerMs;
  const std::string rest = std::to_string(1000 + ms % 1000).substr(1);
  return std::to_string(ms / 1000) + "." + rest;
}

std::string totals_text(const TestTotals& totals, std::size_t errors) {
  return attribute("tests", std::to_string(totals.total)) +
         attribute("failures", std::to_string(totals.failed - errors)) + attribute("errors", std::to_string(errors)) +
         attribute("skipped", std::to_string(totals.skipped));
}

/// Failed cases without a word of their own: JUnit's errors.
std::size_t errors_of(const SuiteResult& suite) {
  std::size_t out = 0;
  for (const CaseResult& one : suite.cases) out += one.status == CaseStatus::Failed && one.error;
  return out;
}

std::string case_text(const SuiteResult& suite, const CaseResult& one) {
  std::string out = "    <testcase" + attribute("name", one.name) + attribute("classname", suite.agent) +
                    attribute("file", suite.file) + attribute("line", std::to_string(one.place.line)) +
                    attribute("time", seconds(one.elapsed_us));
  if (one.status == CaseStatus::Passed) return out + "/>\n";
  out += ">\n";
  if (one.status == CaseStatus::Skipped) {
    out += "      <skipped" + attribute("message", one.skipped_because) + "/>\n";
  } else if (one.error) {
    out += "      <error" + attribute("type", one.error->code) + attribute("message", one.error->message) + "/>\n";
  } else {
    std::string details;
    std::string_view first;
    for (const CaseCheck& check : one.checks) {
      if (check.passed) continue;
      if (first.empty()) first = check.word;
      details += place_text(suite.file, check.place) + ": " + check.word + ": " + check.detail + "\n";
    }
    out += "      <failure" + attribute("type", first) + attribute("message", details.substr(0, details.find('\n'))) +
           ">" + findings::escape_markup(details) + "</failure>\n";
  }
  return out + "    </testcase>\n";
}

struct Past {
  double rate = 0;
  bool ran = false;
};
using PastCases = std::map<std::pair<std::string, std::string>, Past>;

Result<PastCases> read_past(const Json& baseline) {
  if (baseline.at("schema").as_string() != kTestSchema || !baseline.at("suites").is_array())
    return Error("agent.test_baseline", "the baseline isn't what 'wrench agent test --json' writes");
  PastCases out;
  for (const Json& suite : baseline.at("suites").as_array())
    for (const Json& one : suite.at("results").as_array()) {
      if (!one.at("name").is_string()) return Error("agent.test_baseline", "a case of the baseline has no name");
      out[{std::string(suite.at("agent_name").as_string()), std::string(one.at("name").as_string())}] = {
          one.at("pass_rate").as_double(), one.at("status").as_string() != "skipped"};
    }
  return out;
}

std::string share(double rate) { return std::to_string(std::lround(rate * 100)) + " %"; }

std::string why_worse(const Past* then, const CaseResult& now) {
  if (then == nullptr) return now.status == CaseStatus::Failed ? "new, and fails" : "";
  if (!then->ran) return "";
  if (now.status == CaseStatus::Skipped) return "was run, and is skipped now: " + now.skipped_because;
  const auto interval = pass_interval(now.passes, now.runs);
  if (interval.high >= then->rate) return "";
  return "passed " + std::to_string(now.passes) + " of " + std::to_string(now.runs) + " runs, " + share(then->rate) +
         " then";
}

}  // namespace

PassInterval pass_interval(int passes, int runs) {
  if (runs <= 0) return {};
  constexpr double kZ = 1.959963984540054;  // 97.5 % quantile of the normal distribution.
  const double n = runs;
  const double p = passes / n;
  const double scale = 1 + kZ * kZ / n;
  const double middle = (p + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {passes == 0 ? 0 : middle - half, passes == runs ? 1 : middle + half};
}

Json to_json(const SuiteResult& result) {
  Json out = Json::object({{"agent_name", result.agent}, {"file", result.file}});
  set_totals(out, result.totals());
  Json list = Json::array();
  for (const CaseResult& one : result.cases) list.push_back(to_json(one));
  out.set("results", std::move(list));
  return out;
}

Json to_json(std::span<const SuiteResult> results) {
  Json out = Json::object({{"schema", kTestSchema}});
  set_totals(out, totals(results));
  Json suites = Json::array();
  for (const SuiteResult& one : results) suites.push_back(to_json(one));
  out.set("suites", std::move(suites));
  return out;
}

std::string junit_of(std::span<const SuiteResult> results) {
  std::size_t errors = 0;
  for (const SuiteResult& suite : results) errors += errors_of(suite);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", "wrench agent test") +
                    totals_text(totals(results), errors) + ">\n";
  for (const SuiteResult& suite : results) {
    Micros elapsed_us = 0;
    for (const CaseResult& one : suite.cases) elapsed_us += one.elapsed_us;
    out += "  <testsuite" + attribute("name", suite.agent) + totals_text(suite.totals(), errors_of(suite)) +
           attribute("time", seconds(elapsed_us)) + ">\n";
    for (const CaseResult& one : suite.cases) out += case_text(suite, one);
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

Result<std::vector<WorseCase>> compare(const Json& baseline, std::span<const SuiteResult> results, bool all_ran) {
  PastCases past = WRENCH_TRY(read_past(baseline));
  std::vector<WorseCase> out;
  for (const SuiteResult& suite : results)
    for (const CaseResult& one : suite.cases) {
      const auto then = past.find({suite.agent, one.name});
      auto why = why_worse(then == past.end() ? nullptr : &then->second, one);
      if (!why.empty()) out.push_back({suite.agent, one.name, std::move(why)});
      if (then != past.end()) past.erase(then);
    }
  if (all_ran)
    for (const auto& [key, then] : past)
      if (then.ran) out.push_back({key.first, key.second, "was run, and isn't there any more"});
  return out;
}

}  // namespace wrench::agents
