#include <gtest/gtest.h>

#include "../core/report_test.hpp"
#include "outline.hpp"
#include "selection.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Category;
using findings::Severity;

findings::Report mixed() {
  auto leak = some_finding("secrets.key", "src/a.py", 3, Severity::Critical);
  leak.category = Category::Secret;
  auto slow = some_finding("python.slow", "src/b.py", 10, Severity::Medium);
  slow.category = Category::Performance;
  auto hidden = some_finding("python.eval", "src/b.py", 11, Severity::High);
  hidden.suppressed = findings::Suppressed{"inline", "known", ""};
  auto report = report_of({leak, slow, some_finding("python.eval", "lib/c.py", 20, Severity::High), hidden});
  report.functions.resize(1);
  return report;
}

std::string rules_of(const Json& query) {
  auto selection = select_findings(mixed(), query);
  if (!selection.ok()) return selection.error().code;
  std::string out;
  for (const Json& row : selection->told.at("findings").as_array())
    out += std::string(row.at("rule").as_string()) + "@" + std::string(row.at("where").as_string()) + " ";
  return out;
}

TEST(Selection, TakesWhatEveryConditionLetsThrough) {
  const auto list = [](std::initializer_list<Json::Item> items) { return Json::array(items); };
  EXPECT_EQ(rules_of(Json::object()), "secrets.key@src/a.py:3 python.eval@lib/c.py:20 python.slow@src/b.py:10 ");
  EXPECT_EQ(rules_of(Json::object({{"severity", "high"}})), "secrets.key@src/a.py:3 python.eval@lib/c.py:20 ");
  EXPECT_EQ(rules_of(Json::object({{"categories", list({"performance", "secret"})}})),
            "secrets.key@src/a.py:3 python.slow@src/b.py:10 ");
  EXPECT_EQ(rules_of(Json::object({{"rules", list({"python.*"})}, {"paths", list({"src/"})}})),
            "python.slow@src/b.py:10 ");
  EXPECT_EQ(rules_of(Json::object({{"paths", list({"sr"})}})), "");
  EXPECT_EQ(rules_of(Json::object({{"limit", 1}})), "secrets.key@src/a.py:3 ");
  EXPECT_EQ(rules_of(Json::object({{"severity", "terrible"}})), "agent.input_invalid");
}

TEST(Selection, CountsWhatStandsAndKeepsWhatIsSuppressed) {
  auto selection = select_findings(mixed(), Json::object({{"limit", 2}}));
  ASSERT_TRUE(selection.ok());
  EXPECT_EQ(codec::write_json(selection->told.at("counts")), R"({"critical":1,"high":1,"medium":1,"low":0,"info":0})");
  EXPECT_EQ(selection->told.at("total").as_integer(), 3);
  EXPECT_EQ(selection->told.at("left_out").as_integer(), 1);
  EXPECT_EQ(selection->report.findings.size(), 4u);
  EXPECT_TRUE(selection->report.functions.empty());
}

TEST(Selection, TakesFindingsOnChangedLinesOnly) {
  const auto changes = codec::parse_json(
      R"({"tree":"","files":[{"path":"src/a.py","lines":[[1,2],[3,3]]},{"path":"src/b.py","lines":[[1,9]]}]})");
  ASSERT_TRUE(changes.ok());
  auto selection = select_findings(mixed(), Json::object({{"changes", *changes}}));
  ASSERT_TRUE(selection.ok());
  EXPECT_EQ(selection->report.findings.size(), 1u);
  EXPECT_EQ(selection->report.findings[0].rule, "secrets.key");
  EXPECT_EQ(selection->told.at("elsewhere").as_integer(), 1) << "python.slow; the suppressed one doesn't count";
}

TEST(Outline, TellsWhatIsLargeComplexAndCopied) {
  findings::Report report;
  report.root = ".";
  const auto function = [](std::string path, std::string name, std::uint32_t cognitive) {
    findings::FunctionMetrics out;
    out.path = std::move(path);
    out.name = std::move(name);
    out.line = 7;
    out.cognitive = cognitive;
    return out;
  };
  report.functions = {function("a.py", "plain", 15), function("a.py", "knot", 40), function("b.py", "worse", 60),
                      function("tests/test_a.py", "worst", 90)};
  findings::FileMetrics large;
  large.path = "a.py";
  large.nloc = 300;
  auto small = large;
  small.path = "b.py";
  small.nloc = 299;
  report.files = {large, small};
  findings::CloneClass twice;
  twice.members = {{"a.py", {1, 1, 0}, {10, 1, 0}, ""}, {"b.py", {5, 1, 0}, {14, 1, 0}, ""}};
  auto in_tests = twice;
  in_tests.members[1].path = "tests/test_a.py";
  report.clones = {in_tests, twice};
  findings::Hotspot hot;
  hot.path = "a.py";
  hot.revisions = 12;
  hot.cognitive = 55;
  report.hotspots = {hot};
  report.cycles = {{{"a", "b"}, {}}};

  const Json outline = outline_of(report, 1);
  EXPECT_EQ(codec::write_json(outline.at("complex_functions")),
            R"([{"where":"b.py:7","function":"worse","complexity":60,"branches":0,"lines":0}])");
  EXPECT_EQ(codec::write_json(outline.at("large_files")),
            R"([{"path":"a.py","lines":300,"functions":0,"complexity":0}])");
  EXPECT_EQ(codec::write_json(outline.at("copies")), R"([{"lines":10,"copies":2,"saves":10,"places":["a.py:1"]}])");
  EXPECT_EQ(outline.at("hotspots").as_array().at(0).at("worst_function").as_string(), "knot:7");
  EXPECT_EQ(codec::write_json(outline.at("cycles")), R"([{"length":2,"modules":"a -> b"}])");
  EXPECT_EQ(outline_of(report, 10).at("complex_functions").as_array().size(), 2u);
}

/// What a step that failed would have given is null.
TEST(Inspector, TakesNullForAMemberThatMayBeAbsent) {
  Caller caller;
  const Json report = findings::to_json(report_of({}));
  EXPECT_TRUE(caller.try_call("inspector.inspect", Json::object({{"code", report}, {"secrets", nullptr}})).ok());
  EXPECT_EQ(caller.try_call("inspector.inspect", Json::object({{"code", nullptr}})).error().code,
            "agent.input_invalid");
}

TEST(Inspector, SelectsAndOutlinesThroughTheirSchemas) {
  Caller caller;
  const Json report = findings::to_json(report_of({}));
  const Json selected = caller.call("inspector.select", Json::object({{"report", report}, {"severity", "low"}}));
  EXPECT_EQ(selected.at("total").as_integer(-1), 0);
  EXPECT_TRUE(selected.at("report").is_object());
  EXPECT_TRUE(caller.call("inspector.outline", Json::object({{"report", report}})).at("size").is_object());
  EXPECT_EQ(caller.try_call("inspector.select", Json::object({{"report", report}, {"limit", 1001}})).error().code,
            "agent.input_invalid");
}

}  // namespace
}  // namespace wrench::agents
