#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"
#include "quality.hpp"
#include "wrench/agents/cache_shelf.hpp"
#include "wrench/findings/dismissal.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Category;
using findings::Severity;

findings::FunctionMetrics function(const std::string& name, std::uint32_t nloc, std::uint32_t cognitive) {
  findings::FunctionMetrics out;
  out.path = "a.py";
  out.name = name;
  out.line = 3;
  out.nloc = nloc;
  out.cognitive = cognitive;
  return out;
}

findings::FileMetrics file(const std::string& path, std::uint32_t nloc) {
  findings::FileMetrics out;
  out.path = path;
  out.nloc = nloc;
  return out;
}

TEST(Quality, IsAHundredWhenNothingIsWrong) {
  findings::Report code;
  code.files = {file("a.py", 1000)};
  code.functions = {function("f", 80, 15)};
  EXPECT_EQ(measure_quality(code, {}).at("score").as_double(), 100);
  EXPECT_EQ(measure_quality({}, {}).at("score").as_double(), 100) << "no code at all";
}

TEST(Quality, WeighsTheSharesOfLinesConcerned) {
  findings::Report code;
  code.files = {file("a.py", 600), file("b.py", 400), file("tests/test_a.py", 5000)};
  code.functions = {function("knot", 100, 16), function("plain", 50, 2)};
  code.clones.resize(1);
  code.clones[0].tokens = 60;
  for (const std::uint32_t from : {1u, 101u}) {
    findings::Location where;
    where.path = "a.py";
    where.start.line = from;
    where.end.line = from + 49;
    code.clones[0].members.push_back(where);
  }
  code.cycles.push_back({{"b.py", "c.py"}, {}});
  findings::Finding high = some_finding("r", "a.py", 1, Severity::High);
  const findings::Finding* standing[] = {&high};
  const Json quality = measure_quality(code, standing);
  const Json& factors = quality.at("factors");
  EXPECT_DOUBLE_EQ(factors.at("complexity").at("share").as_double(), 0.1);
  EXPECT_DOUBLE_EQ(factors.at("size").at("share").as_double(), 0.1);
  EXPECT_DOUBLE_EQ(factors.at("duplication").at("share").as_double(), 0.05);
  EXPECT_DOUBLE_EQ(factors.at("structure").at("share").as_double(), 0.4);
  EXPECT_DOUBLE_EQ(factors.at("defects").at("share").as_double(), 0.2);
  EXPECT_DOUBLE_EQ(quality.at("score").as_double(), 100 - 3 - 1.5 - 1 - 4 - 5);
  EXPECT_EQ(factors.at("complexity").at("evidence").as_array()[0].as_string(), "a.py:3 knot (16)");
  EXPECT_EQ(factors.at("defects").at("evidence").as_array()[0].as_string(), "finding:" + high.fingerprint);
}

TEST(Inspector, FilesOfPackagesThatImportEachOtherCountAsStructure) {
  findings::Report code;
  code.files = {file("src/com/shop/Cart.java", 300), file("src/com/shop/text/Label.java", 700)};
  code.cycles.push_back({{"src/com/shop", "src/com/money"}, {}});
  const Json quality = measure_quality(code, {});
  EXPECT_DOUBLE_EQ(quality.at("factors").at("structure").at("share").as_double(), 0.3);
}

TEST(Inspector, SortsFindingsAndSaysWhatItDropped) {
  auto slow = some_finding("slow", "tests/test_a.py", 1);
  slow.category = Category::Performance;
  auto style = some_finding("style", "a.py", 2);
  style.category = Category::Style;
  auto secret = some_finding("secret", "a.py", 3);
  secret.category = Category::Secret;
  Caller caller;
  const Json output = caller.call(
      "inspector.inspect",
      Json::object({{"code", findings::to_json(report_of({slow, style, some_finding("inject", "a.py", 4)}))},
                    {"secrets", findings::to_json(report_of({secret}))}}));
  EXPECT_EQ(output.at("security_issues").as_array().size(), 2u);
  EXPECT_EQ(output.at("best_practices").as_array().size(), 1u);
  EXPECT_EQ(output.at("performance").as_array().size(), 0u);
  ASSERT_EQ(output.at("dropped").as_array().size(), 1u);
  const Json& dropped = output.at("dropped").as_array()[0];
  EXPECT_EQ(dropped.at("fingerprint").as_string(), slow.fingerprint);
  EXPECT_EQ(dropped.at("check").as_string(), "place");
  EXPECT_THAT(std::string(dropped.at("why").as_string()), testing::HasSubstr("test code"));
}

class Memorable : public testing::Test {
 protected:
  static findings::Dismissal dismissal(const findings::Finding& finding) {
    return {.finding_id = "fnd_1",
            .fingerprint = finding.fingerprint,
            .move_fingerprint = finding.move_fingerprint,
            .decision = "false_positive",
            .reason = "no",
            .source = "user:ada, 2026-11-28",
            .until = std::nullopt,
            .basis = findings::basis_of(finding)};
  }
  Json inspect(std::vector<findings::Finding> found) {
    runtime::WorkerPool pool({.threads = 1});
    const ManualClock clock;
    CacheShelf caches;
    InlineReports reports;
    AgentContext context{.stop = {},
                         .deadline = {},
                         .clock = clock,
                         .pool = pool,
                         .caches = caches,
                         .reports = reports,
                         .memories = {},
                         .decisions = [&] { return decisions_; }};
    const auto inspector = make_inspector();
    const Json input = Json::object({{"code", findings::to_json(report_of(std::move(found)))}});
    auto made = inspector->execute(inspector->spec().capabilities[0], input, context);
    EXPECT_TRUE(made.ok()) << describe(made.error());
    return made.ok() ? made->output : Json();
  }
  findings::Decisions decisions_;
};

TEST_F(Memorable, LeavesToPeopleWhatTheyDecided) {
  const auto plain = some_finding("plain", "a.py", 1);
  auto in_test = some_finding("slow", "tests/test_a.py", 1);
  in_test.category = Category::Performance;
  decisions_.dismissals = {dismissal(plain), dismissal(in_test)};
  const Json output = inspect({plain, in_test, some_finding("other", "a.py", 9)});
  EXPECT_EQ(output.at("security_issues").as_array().size(), 1U);
  EXPECT_TRUE(output.at("dropped").as_array().empty()) << "a person's word counts for more than the inspector's own";
  ASSERT_EQ(output.at("dismissed").as_array().size(), 2U);
  const Json& entry = output.at("dismissed").as_array()[0];
  EXPECT_EQ(entry.at("fingerprint").as_string(), plain.fingerprint);
  EXPECT_EQ(entry.at("finding_id").as_string(), "fnd_1");
  EXPECT_EQ(entry.at("how").as_string(), "same");
  EXPECT_TRUE(entry.at("why_shown").is_null());
}

TEST_F(Memorable, ADecisionCoversAllThatOneChangeMends) {
  auto kept = some_finding("long-function", "a.py", 3);
  auto other = some_finding("deep-nesting", "a.py", 3);
  for (auto* finding : {&kept, &other}) finding->category = Category::Maintainability;
  kept.rank = other.rank + 1;
  for (const auto& decided : {kept, other}) {
    decisions_.dismissals = {dismissal(decided)};
    const Json output = inspect({kept, other});
    EXPECT_TRUE(output.at("best_practices").as_array().empty()) << decided.rule;
    ASSERT_EQ(output.at("dismissed").as_array().size(), 1U);
    EXPECT_EQ(output.at("dismissed").as_array()[0].at("fingerprint").as_string(), kept.fingerprint);
  }
}

TEST_F(Memorable, AWorseFindingStands) {
  auto finding = some_finding("r", "a.py", 1);
  decisions_.dismissals = {dismissal(finding)};
  finding.severity = Severity::Critical;
  const Json output = inspect({finding});
  EXPECT_EQ(output.at("security_issues").as_array().size(), 1U);
  EXPECT_EQ(output.at("dismissed").as_array()[0].at("why_shown").as_string(), "it is critical now, not medium");
}

TEST(Inspector, JudgesAResultByItsEvidence) {
  Caller caller;
  const Json good = caller.call("inspector.judge", Json::object({{"report", findings::to_json(report_of({}))}}));
  EXPECT_EQ(good.at("verdict").as_string(), "accept");
  EXPECT_EQ(good.at("score").as_double(), 1);

  const auto ghost = some_finding("r", "/nonexistent/ghost.py", 1);
  const Json bad =
      caller.call("inspector.judge", Json::object({{"report", findings::to_json(report_of({ghost, ghost}))}}));
  EXPECT_EQ(bad.at("verdict").as_string(), "reject");
  std::vector<std::string> failing;
  for (const Json& check : bad.at("checks").as_array())
    if (check.at("status").as_string() == "fail") failing.emplace_back(check.at("id").as_string());
  EXPECT_THAT(failing, testing::ElementsAre("location", "duplicate"));

  auto claims = report_of({});
  claims.run.complete = true;
  claims.partial.push_back({"file_timeout", "a.py", "", ""});
  EXPECT_EQ(
      caller.call("inspector.judge", Json::object({{"report", findings::to_json(claims)}})).at("verdict").as_string(),
      "revise");
}

}  // namespace
}  // namespace wrench::agents
