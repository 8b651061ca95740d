#include "top_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/base/text.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr Micros kNow = 1'800'000'000 * kMicrosPerSecond;

TopFrame busy() {
  TopFrame frame;
  frame.at = kNow;
  frame.place = "/home/me/.local/share/wrench";
  frame.processes.push_back({.boot = "boot_01JAAAAAAAAAAAAAAAAAAAAAAA",
                             .role = "serve",
                             .pid = 4242,
                             .started_at = kNow - 90 * kMicrosPerSecond,
                             .cpu_share = 1.37,
                             .rss_bytes = std::uint64_t{84} << 20,
                             .reports = true,
                             .slots = {2, 4, 4},
                             .used = {1, 0, 0},
                             .executions = 3,
                             .stuck = 1});
  frame.processes.push_back({.boot = "boot_young", .pid = 4243, .started_at = kNow});
  frame.running.push_back({.task_id = "tsk_01JAAAAAAAAAAAAAAAAAAABC234",
                           .node = "scan",
                           .capability = "code_analysis.analyze@1",
                           .pid = 4242,
                           .attempt = 2,
                           .since = kNow - 12 * kMicrosPerSecond,
                           .cpu_us = 7'300'000,
                           .progress = {30, 120, "30 of 120 files \x1b[31m of a long name that won't fit anywhere"}});
  frame.waits.push_back({"wai_01JAAAAAAAAAAAAAAAAAAAXYZ789", "approval", "Deploy?", "tsk_1", kNow - 1});
  frame.activity.tasks = {{"pending", {10'000, true}}, {"in_progress", {3, false}}};
  frame.activity.open_states = {{"running", 2}, {"waiting", 1}};
  frame.activity.queues.push_back({"cpu@boot_young", {12, false}, 3 * kMicrosPerSecond});
  frame.blocked.push_back(
      {"tsk_01JAAAAAAAAAAAAAAAAAAAAFTER2", "After that", "tsk_01JAAAAAAAAAAAAAAAAAABEFORE", "cancelled", kNow - 2});
  frame.activity.ends.push_back(
      {"tsk_01JAAAAAAAAAAAAAAAAAAEND555", "review \n of x", "failed", kNow - 60 * kMicrosPerSecond});
  frame.activity.rates_over_us = 30 * kMicrosPerSecond;
  frame.activity.tasks_ended = 6;
  frame.activity.steps_ended = 90;
  telemetry::MetricsRegistry metrics;
  metrics.histogram("wrench_flush_seconds", "F.", {0.001, 0.01}).observe(0.0005);
  metrics.counter("wrench_row_cache_hits_total", "H.").add(9);
  metrics.counter("wrench_row_cache_misses_total", "M.").add(1);
  frame.metrics = metrics.snapshot();
  frame.database_bytes = 12 << 20;
  frame.wal_bytes = 4 << 20;
  frame.slow_count = 5;
  frame.slow.push_back({"2027-01-15T08:00:00.000Z", "workflow.open_steps", "SELECT 1", 230'000});
  frame.notes.emplace_back("a\x07note");
  return frame;
}

TopStyle plain(std::size_t width, std::size_t height = 0, bool unicode = true) {
  return {width, height, unicode, [](Style, std::string_view text) { return std::string(text); }};
}

TEST(TopView, ShowsEverythingInEightyColumns) {
  const std::string text = top_text(busy(), plain(80));
  for (const char* part : {"wrench top  08:00:00  /home/me",
                           "2 running",
                           "10,000+ queued",
                           "1 waiting",
                           "12 tasks/min",
                           "3.0 steps/s",
                           "row cache 90 %",
                           "12.0 MiB",
                           "log 4.0 MiB",
                           "serve",
                           "137 %",
                           "84.0 MiB",
                           "1/2",
                           "code_analysis.analyze@1",
                           "ABC234",
                           "12.0 s",
                           "7.3 s",
                           "25 %",
                           "approval",
                           "XYZ789",
                           "Deploy?",
                           "cpu@boot_young",
                           "FTER2",
                           "After that",
                           "cancelled",
                           "END555",
                           "failed",
                           "workflow.open_steps",
                           "230 ms",
                           "5 in all"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(TopView, NoLineIsWiderThanTheScreen) {
  for (const std::size_t width : {20U, 33U, 40U, 57U, 80U, 100U, 200U})
    for (const bool unicode : {true, false})
      for (const auto line : split(top_text(busy(), plain(width, 0, unicode)), '\n'))
        EXPECT_LE(display_width(line), width) << line;
}

TEST(TopView, NarrowScreensKeepWhatMattersMost) {
  const std::string text = top_text(busy(), plain(40));
  EXPECT_THAT(text, AllOf(HasSubstr("4242"), HasSubstr("code_analysis"), HasSubstr("END555"), Not(HasSubstr("LLM"))));
}

TEST(TopView, TextFromOutsideIsInert) {
  const std::string text = top_text(busy(), plain(200));
  EXPECT_THAT(text,
              AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), HasSubstr("\\x1b[31m"), HasSubstr("review \\n")));
}

TEST(TopView, CutsAtTheHeightAndSaysSo) {
  const std::string text = top_text(busy(), plain(80, 10));
  EXPECT_EQ(split(text, '\n').size(), 11U) << "ten lines, and the empty rest after the last";
  EXPECT_THAT(text, HasSubstr("more than fits"));
}

TEST(TopView, EmptyIsSaidInWords) {
  TopFrame frame;
  frame.at = kNow;
  EXPECT_THAT(top_text(frame, plain(80)), AllOf(HasSubstr("No process works here."), HasSubstr("0 running")));
}

TEST(TopView, JsonAndPrometheusHaveTheNumbers) {
  const codec::Json json = top_json(busy());
  EXPECT_EQ(json.at("rates").at("tasks_per_minute").as_double(), 12);
  EXPECT_EQ(json.at("processes").as_array().at(0).at("cpu_share").as_double(), 1.37);
  EXPECT_EQ(json.at("blocked").as_array().at(0).at("after_state").as_string(), "cancelled");
  EXPECT_TRUE(json.at("processes").as_array().at(1).at("slots").is_null()) << "it doesn't report yet";
  EXPECT_EQ(json.at("running").as_array().at(0).at("cpu_ms").as_integer(), 7300);
  EXPECT_THAT(top_prometheus(busy()),
              AllOf(HasSubstr("wrench_tasks{status=\"pending\"} 10000\n"), HasSubstr("wrench_processes 2\n"),
                    HasSubstr("wrench_row_cache_hits_total 9\n"), HasSubstr("wrench_wal_bytes 4194304\n")));
}

}  // namespace
}  // namespace wrench::app
