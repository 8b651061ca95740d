#include <gtest/gtest.h>

#include <thread>

#include "wrench/telemetry/log.hpp"
#include "wrench/telemetry/metrics.hpp"

namespace wrench::telemetry {
namespace {

class LoggerTest : public ::testing::Test {
 protected:
  ManualClock clock_{1'700'000'000'123'456};
  std::string out_;
};

TEST_F(LoggerTest, WritesTextLines) {
  Logger logger(clock_, LogLevel::Info, LogFormat::Text, [this](std::string_view line) { out_ += line; });
  logger.log(LogLevel::Info, "store", "opened",
             {{"directory", "/a b"}, {"jobs", 3}, {"ratio", 0.5}, {"new", true}, {"empty", ""}, {"quote", "a\"b"}});
  EXPECT_EQ(out_,
            "2023-11-14T22:13:20.123Z info store: opened directory=\"/a b\" jobs=3 ratio=0.5 new=true empty=\"\" "
            "quote=\"a\\\"b\"\n");
}

TEST_F(LoggerTest, WritesJsonLines) {
  Logger logger(clock_, LogLevel::Info, LogFormat::Json, [this](std::string_view line) { out_ += line; });
  logger.log(LogLevel::Warn, "store", "said \"no\"\n", {{"path", "a\\b\xff"}, {"n", -3}, {"ok", false}});
  EXPECT_EQ(out_,
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"module\":\"store\",\"message\":\"said "
            "\\\"no\\\"\\n\",\"path\":\"a\\\\b\xEF\xBF\xBD\",\"n\":-3,\"ok\":false}\n");
}

TEST_F(LoggerTest, HostileTextStaysOnItsLine) {
  Logger logger(clock_, LogLevel::Info, LogFormat::Text, [this](std::string_view line) { out_ += line; });
  logger.log(LogLevel::Info, "m", "a\nb\x1b[2J", {{"k", "x\r\ny"}});
  EXPECT_EQ(std::count(out_.begin(), out_.end(), '\n'), 1);
  EXPECT_EQ(out_.find('\x1b'), std::string::npos);
  EXPECT_EQ(out_.find('\r'), std::string::npos);
}

TEST_F(LoggerTest, MasksWhatNamesASecretAndCutsLongValues) {
  for (const LogFormat format : {LogFormat::Text, LogFormat::Json}) {
    out_.clear();
    Logger logger(clock_, LogLevel::Info, format, [this](std::string_view line) { out_ += line; });
    logger.log(LogLevel::Info, "m", "x",
               {{"db_Password", "hunter2"}, {"api_token", 12345}, {"long", std::string(9000, 'a')}});
    EXPECT_EQ(out_.find("hunter2"), std::string::npos);
    EXPECT_EQ(out_.find("12345"), std::string::npos);
    EXPECT_LT(out_.size(), kLogValueBytesMax + 300);
  }
}

TEST_F(LoggerTest, KeepsQuietBelowItsLevel) {
  Logger logger(clock_, LogLevel::Warn, LogFormat::Text, [this](std::string_view line) { out_ += line; });
  logger.log(LogLevel::Info, "m", "hidden");
  EXPECT_EQ(out_, "");
  logger.set_level(LogLevel::Debug);
  logger.log(LogLevel::Debug, "m", "shown");
  EXPECT_NE(out_, "");
  out_.clear();
  logger.log(LogLevel::Error, "m", "failed", Error("io.failed", "disk").because(Error("x.y", "why")));
  EXPECT_NE(out_.find("code=io.failed"), std::string::npos);
  EXPECT_NE(out_.find("why"), std::string::npos);
}

TEST_F(LoggerTest, ParsesLevels) {
  EXPECT_EQ(*parse_log_level("WARN"), LogLevel::Warn);
  EXPECT_EQ(parse_log_level("loud").error().code, "telemetry.invalid_level");
}

TEST(Metrics, EncodesForPrometheus) {
  MetricsRegistry registry;
  registry.counter("wrench_jobs_total", "Jobs \\ done.", {{"kind", "a\"b\n"}}).add(3);
  registry.gauge("wrench_depth", "Depth.").set(-2);
  Histogram& h = registry.histogram("wrench_flush_seconds", "Flush.", {0.1, 1}, {{"lane", "bulk"}});
  h.observe(0.1);
  h.observe(0.5);
  h.observe(7);
  EXPECT_EQ(registry.snapshot().prometheus_text(),
            "# HELP wrench_depth Depth.\n# TYPE wrench_depth gauge\nwrench_depth -2\n"
            "# HELP wrench_flush_seconds Flush.\n# TYPE wrench_flush_seconds histogram\n"
            "wrench_flush_seconds_bucket{lane=\"bulk\",le=\"0.1\"} 1\n"
            "wrench_flush_seconds_bucket{lane=\"bulk\",le=\"1\"} 2\n"
            "wrench_flush_seconds_bucket{lane=\"bulk\",le=\"+Inf\"} 3\n"
            "wrench_flush_seconds_sum{lane=\"bulk\"} 7.6\n"
            "wrench_flush_seconds_count{lane=\"bulk\"} 3\n"
            "# HELP wrench_jobs_total Jobs \\\\ done.\n# TYPE wrench_jobs_total counter\n"
            "wrench_jobs_total{kind=\"a\\\"b\\n\"} 3\n");
}

TEST(Metrics, SameNameAndLabelsAreOneSeries) {
  MetricsRegistry registry;
  Counter& a = registry.counter("c_total", "", {{"k", "v"}});
  EXPECT_EQ(&a, &registry.counter("c_total", "", {{"k", "v"}}));
  EXPECT_NE(&a, &registry.counter("c_total", "", {{"k", "w"}}));
}

TEST(Metrics, TooManySeriesAreCountedTogether) {
  MetricsRegistry registry;
  for (std::size_t i = 0; i < kSeriesMax; ++i) registry.counter("c_total", "", {{"id", std::to_string(i)}});
  Counter& over = registry.counter("c_total", "", {{"id", "one more"}});
  EXPECT_EQ(&over, &registry.counter("c_total", "", {{"id", "and another"}}));
  EXPECT_NE(registry.snapshot().prometheus_text().find("id=\"other\""), std::string::npos);
}

TEST(Metrics, CountFromManyThreads) {
  MetricsRegistry registry;
  Histogram& h = registry.histogram("h", "", latency_buckets_s());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        registry.counter("c_total", "").add();
        h.observe(1);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.counter("c_total", "").value(), 4000U);
  EXPECT_EQ(h.sum(), 4000.0);
}

MetricsSnapshot busy_snapshot() {
  MetricsRegistry registry;
  registry.counter("wrench_jobs_total", "Jobs.", {{"kind", "a\"b"}, {"outcome", "completed"}}).add(3);
  registry.counter("wrench_jobs_total", "Jobs.", {{"kind", "a\"b"}, {"outcome", "failed"}}).add();
  registry.gauge("wrench_depth", "Depth.").set(-2);
  Histogram& h = registry.histogram("wrench_flush_seconds", "Flush.", {0.1, 1, 10});
  for (const double value : {0.05, 0.5, 0.5, 5.0, 50.0}) h.observe(value);
  return registry.snapshot();
}

TEST(MetricsSnapshot, ReadsWhatItWroteAsJson) {
  const MetricsSnapshot snapshot = busy_snapshot();
  const auto text = codec::write_json(snapshot.json());
  const auto back = MetricsSnapshot::parse(*codec::parse_json(text));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->prometheus_text(), snapshot.prometheus_text());
}

TEST(MetricsSnapshot, SumsSeriesAndProcesses) {
  MetricsSnapshot both = busy_snapshot();
  EXPECT_EQ(both.total("wrench_jobs_total"), 4);
  EXPECT_EQ(both.total("wrench_jobs_total", {{"outcome", "failed"}}), 1);
  EXPECT_EQ(both.total("wrench_nothing"), 0);
  MetricsRegistry other;
  other.counter("wrench_jobs_total", "Jobs.", {{"kind", "c"}, {"outcome", "failed"}}).add(10);
  other.histogram("wrench_flush_seconds", "Flush.", {0.1, 1, 10}).observe(0.5);
  other.gauge("wrench_age", "Age.").set(7);
  other.counter("wrench_depth", "Of another kind: left out.").add(5);
  both.add(other.snapshot());
  EXPECT_EQ(both.total("wrench_jobs_total"), 14);
  EXPECT_EQ(both.total("wrench_flush_seconds"), 6);
  EXPECT_EQ(both.total("wrench_age"), 7);
  EXPECT_EQ(both.total("wrench_depth"), -2);
}

TEST(MetricsSnapshot, GuessesQuantilesInsideOfBuckets) {
  const MetricsSnapshot snapshot = busy_snapshot();
  EXPECT_NEAR(*snapshot.quantile("wrench_flush_seconds", 0.2), 0.1, 1e-9);
  EXPECT_NEAR(*snapshot.quantile("wrench_flush_seconds", 0.4), 0.55, 1e-9);
  EXPECT_EQ(*snapshot.quantile("wrench_flush_seconds", 0.99), 10);
  EXPECT_FALSE(snapshot.quantile("wrench_depth", 0.5));
  EXPECT_FALSE(MetricsRegistry().snapshot().quantile("wrench_flush_seconds", 0.5));
}

TEST(MetricsSnapshot, RefusesWhatIsNone) {
  for (const std::string_view text : {
           R"({"Bad Name":{"kind":"counter","series":[]}})",
           R"({"a":{"kind":"meter","series":[]}})",
           R"({"a":{"kind":"counter","series":[{"labels":{},"value":"1"}]}})",
           R"({"a":{"kind":"counter","series":[{"labels":{"A":"x"},"value":1}]}})",
           R"({"a":{"kind":"histogram","bounds":[1,2],"series":[{"labels":{},"buckets":[1,2],"sum":1}]}})",
           R"({"a":{"kind":"histogram","bounds":[1],"series":[{"labels":{},"buckets":[1,-2],"sum":1}]}})",
           R"({"a":{"kind":"histogram","bounds":[2,1],"series":[]}})",
       }) {
    const auto parsed = MetricsSnapshot::parse(*codec::parse_json(text));
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, "telemetry.invalid_snapshot");
  }
}

TEST(Metrics, CounterTakesOverACountFromElsewhere) {
  Counter counter;
  counter.raise_to(5);
  counter.raise_to(3);
  EXPECT_EQ(counter.value(), 5U);
}

}  // namespace
}  // namespace wrench::telemetry
