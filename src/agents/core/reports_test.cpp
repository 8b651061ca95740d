#include "wrench/agents/reports.hpp"

#include <gtest/gtest.h>

#include "fake_step_test.hpp"
#include "report_test.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Report;

Report report_about(const std::string& rule) {
  Report report = report_of({some_finding(rule, "a.py", 1)});
  report.run = {.started = "2026-11-24T00:00:00Z", .elapsed_ms = 7, .jobs = 2, .analyses = {"rules"}, .complete = true};
  return report;
}

TEST(InlineReports, AreTheReportsOwnJson) {
  InlineReports reports;
  const Json member = reports.keep(report_about("r")).value();
  EXPECT_EQ(member.at("schema").as_string(), "wrench.scan/1");
  EXPECT_EQ(reports.read(member).value()->findings.at(0).rule, "r");
  EXPECT_EQ(reports.take(Json::object()).error().code, "findings.invalid");
}

TEST(StoredReports, ComeBackFromTheShelfAndFromTheStore) {
  FakeStep step;
  Json member;
  {
    ReportShelf shelf;
    StoredReports reports(shelf, step);
    member = reports.keep(report_about("r")).value();
    EXPECT_EQ(member.at("findings").as_integer(), 1);
    EXPECT_EQ(reports.read(member).value()->run.elapsed_ms, 7);
    EXPECT_EQ(reports.take(member).value().findings.at(0).rule, "r");
    EXPECT_EQ(step.reads_, 0) << "the shelf had it";
    EXPECT_EQ(reports.take(member).value().findings.at(0).rule, "r");
    EXPECT_EQ(step.reads_, 1) << "taken: read from the store again";
  }
  ReportShelf of_another_process;
  StoredReports reports(of_another_process, step);
  const auto read = reports.read(member).value();
  EXPECT_EQ(read->findings.at(0).rule, "r");
  EXPECT_EQ(read->run.started, "2026-11-24T00:00:00Z");
  EXPECT_EQ(reports.read(member).value(), read) << "read once";
  EXPECT_EQ(reports.read(findings::to_json(report_about("inline"))).value()->findings.at(0).rule, "inline");
}

TEST(StoredReports, WhoTakesAReportDoesNotDisturbItsReaders) {
  FakeStep step;
  ReportShelf shelf;
  StoredReports reports(shelf, step);
  const Json member = reports.keep(report_about("r")).value();
  const auto reader = reports.read(member).value();
  Report taken = reports.take(member).value();
  taken.findings.clear();
  EXPECT_EQ(reader->findings.size(), 1U);
}

TEST(StoredReports, SayWhatIsWrongWithAReference) {
  FakeStep step;
  ReportShelf shelf;
  StoredReports reports(shelf, step);
  Json member = reports.keep(report_about("r")).value();
  static_cast<void>(reports.take(member));
  step.kept_.begin()->second += "x";
  EXPECT_EQ(reports.read(member).error().code, "findings.record_invalid");
  step.kept_.clear();
  EXPECT_EQ(reports.take(member).error().code, "storage.blob_missing");
}

TEST(ReportShelf, HoldsTheNewestFew) {
  ReportShelf shelf;
  for (std::size_t i = 0; i <= kReportsHeldMax; ++i)
    shelf.put(std::to_string(i), std::make_shared<Report>(report_about(std::to_string(i))));
  EXPECT_EQ(shelf.find("0"), nullptr);
  for (std::size_t i = 1; i <= kReportsHeldMax; ++i) EXPECT_NE(shelf.find(std::to_string(i)), nullptr) << i;
  shelf.put("1", std::make_shared<Report>(report_about("again")));
  EXPECT_EQ(shelf.find("1")->findings.at(0).rule, "again");
  EXPECT_NE(shelf.take("1"), nullptr);
  EXPECT_EQ(shelf.take("1"), nullptr);
}

}  // namespace
}  // namespace wrench::agents
