#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"
#include "recommendations.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

findings::Finding weakness(const std::string& rule, std::uint32_t line, const std::string& cwe, double rank) {
  auto finding = some_finding(rule, "a.py", line);
  finding.cwe = {cwe};
  finding.rank = rank;
  return finding;
}

TEST(InfoSec, GradesByTheWorstAndAdvisesByWeakness) {
  auto style = some_finding("style", "a.py", 9);
  style.category = findings::Category::Style;
  style.rank = 99;
  auto known = weakness("known", 8, "CWE-79", 95);
  known.suppressed = findings::Suppressed{"inline", "", ""};
  Caller caller;
  const Json output = caller.call(
      "infosec.scan_code",
      Json::object({{"code", findings::to_json(report_of(
                                 {weakness("sql", 1, "CWE-89", 71), weakness("sql", 2, "CWE-89", 30), style, known}))},
                    {"secrets", findings::to_json(report_of({weakness("key", 3, "CWE-798", 60)}))}}));
  EXPECT_EQ(output.at("assessment").at("grade").as_string(), "D");
  EXPECT_EQ(output.at("vulnerabilities").as_array().size(), 3u);
  const auto& by_cwe = output.at("assessment").at("by_cwe").as_array();
  ASSERT_EQ(by_cwe.size(), 2u);
  EXPECT_EQ(by_cwe[0].at("cwe").as_string(), "CWE-89");
  EXPECT_EQ(by_cwe[0].at("findings").as_integer(), 2);
  EXPECT_EQ(output.at("assessment").at("by_owasp").at("A03:2021").as_integer(), 2);
  const auto& advice = output.at("recommendations").as_array();
  ASSERT_EQ(advice.size(), 2u);
  EXPECT_EQ(advice[1].at("cwe").as_string(), "CWE-798");
  EXPECT_EQ(advice[1].at("evidence").as_array().size(), 1u);
}

TEST(InfoSec, LeavesOutWhatTheInspectorSettled) {
  const auto dropped = weakness("sql", 1, "CWE-89", 90);
  const auto merged = weakness("key", 2, "CWE-798", 90);
  Caller caller;
  const Json inspection =
      Json::object({{"dropped", Json::array({Json::object({{"fingerprint", dropped.fingerprint}})})},
                    {"merged", Json::array({Json::object({{"into", Json::array({merged.fingerprint})}})})}});
  const Json output = caller.call(
      "infosec.scan_code",
      Json::object({{"code", findings::to_json(report_of({dropped, merged}))}, {"inspection", inspection}}));
  EXPECT_EQ(output.at("assessment").at("grade").as_string(), "A");
  EXPECT_EQ(output.at("vulnerabilities").as_array().size(), 0u);
  EXPECT_EQ(output.at("report").as_string(), "No security findings.");
}

TEST(InfoSec, SendsNobodyToMendWhatIsForInformation) {
  auto sample = weakness("key", 1, "CWE-798", 2);
  sample.severity = findings::Severity::Info;
  Caller caller;
  const Json output =
      caller.call("infosec.scan_code", Json::object({{"code", findings::to_json(report_of({sample}))}}));
  EXPECT_EQ(output.at("assessment").at("by_cwe").as_array().size(), 1u);
  EXPECT_EQ(output.at("recommendations").as_array().size(), 0u);
  EXPECT_EQ(output.at("report").as_string(), "Nothing that has to be mended.");
}

TEST(InfoSec, EveryAdviceHasItsPlaceInTheTopTen) {
  ASSERT_NE(recommendation_for("CWE-89"), nullptr);
  EXPECT_EQ(recommendation_for("CWE-0"), nullptr);
  for (const char* cwe :
       {"CWE-22", "CWE-78", "CWE-79", "CWE-89", "CWE-327", "CWE-502", "CWE-611", "CWE-798", "CWE-918"}) {
    const auto* known = recommendation_for(cwe);
    ASSERT_NE(known, nullptr) << cwe;
    EXPECT_TRUE(known->owasp.starts_with("A")) << cwe;
    EXPECT_FALSE(known->advice.empty()) << cwe;
  }
}

}  // namespace
}  // namespace wrench::agents
