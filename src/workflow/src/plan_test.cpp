#include "wrench/workflow/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::workflow {
namespace {

using codec::Json;
using ::testing::HasSubstr;

Result<std::shared_ptr<const Plan>> parse(const std::string& nodes) {
  return Plan::parse_text("{\"v\":1,\"nodes\":" + nodes + "}");
}

std::string error(const std::string& nodes) {
  const auto plan = parse(nodes);
  if (plan.ok()) return "accepted";
  return plan.error().code + ": " + describe(plan.error());
}

TEST(Plan, ReadsWhatASpecificationCanSay) {
  const auto plan = parse(R"([
    {"id":"fetch","kind":"call","capability":"super.checkout","effect":"idempotent","input":{"r":{"$from":"inputs.r"}}},
    {"id":"scan","kind":"map","needs":["fetch"],"over":"steps.fetch.output.files","as":"file","max_parallel":3,
     "body":{"kind":"call","capability":"inspector.inspect","effect":"pure","input":{"p":{"$from":"file"}}},
     "retry":{"attempts":2,"first_ms":10,"factor":3,"cap_ms":50},
     "timeouts":{"start_to_close_ms":5,"heartbeat_ms":6,"schedule_to_start_ms":7,"schedule_to_close_ms":8},"slot":"io"},
    {"id":"gate","kind":"merge","needs":[{"id":"scan","on_failure":"continue"}],"when":"size(steps.scan.output.f) > 0"},
    {"id":"tidy","kind":"call","capability":"super.cleanup","finally":true}])");
  ASSERT_TRUE(plan.ok()) << describe(plan.error());
  const Plan& p = **plan;
  ASSERT_EQ(p.nodes().size(), 5U);
  EXPECT_EQ(p.top_count(), 4U) << "the body of the map comes after";
  const PlanNode& scan = p.nodes()[1];
  EXPECT_EQ(scan.kind, NodeKind::Map);
  EXPECT_EQ(scan.item_name, "file");
  EXPECT_EQ(scan.max_parallel, 3);
  EXPECT_EQ(scan.retry.attempts, 2);
  EXPECT_EQ(scan.retry.first_us, 10'000);
  EXPECT_EQ(scan.retry.cap_us, 50'000);
  EXPECT_EQ(scan.timeouts.start_to_close_us, 5000);
  EXPECT_EQ(scan.timeouts.heartbeat_us, 6000);
  EXPECT_EQ(scan.timeouts.schedule_to_start_us, 7000);
  EXPECT_EQ(scan.timeouts.schedule_to_close_us, 8000);
  EXPECT_EQ(scan.slot, SlotClass::Io);
  ASSERT_EQ(scan.body_count, 1U);
  const PlanNode& body = p.nodes()[scan.body_first];
  EXPECT_EQ(body.effect, Effect::Pure);
  EXPECT_EQ(body.capability, "inspector.inspect");
  EXPECT_EQ(body.retry.attempts, 2);
  EXPECT_EQ(body.container, 1U);
  EXPECT_EQ(p.nodes()[2].needs[0].on_failure, OnFailure::Continue);
  EXPECT_TRUE(p.tolerates_failure(1)) << "all that need it continue";
  EXPECT_FALSE(p.tolerates_failure(0));
  EXPECT_EQ(p.finally_count(), 1U);
  EXPECT_EQ(p.dependents(0), std::vector<std::uint32_t>{1});
  EXPECT_EQ(p.find("gate"), 2U);
  EXPECT_FALSE(p.find("nothing"));
}

TEST(Plan, IsNamedByTheHashOfItsCanonicalForm) {
  const auto a = Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"x.y"}]})");
  const auto b = Plan::parse_text(R"({ "nodes" : [ {"capability":"x.y","kind":"call","id":"a"} ], "v" : 1 })");
  const auto c = Plan::parse_text(R"({"v":1,"nodes":[{"id":"b","kind":"call","capability":"x.y"}]})");
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_EQ((*a)->hash().size(), 32U);
  EXPECT_EQ((*a)->hash(), (*b)->hash());
  EXPECT_NE((*a)->hash(), (*c)->hash());
  EXPECT_EQ((*Plan::parse_text((*b)->body()))->hash(), (*a)->hash()) << "what is stored reads back as the same plan";
}

TEST(Plan, RefusesWhatCannotRunAndSaysWhere) {
  EXPECT_THAT(error("[]"), HasSubstr("at least one node"));
  EXPECT_THAT(error("3"), HasSubstr("at least one node"));
  EXPECT_THAT(error("[3]"), HasSubstr("nodes[0]"));
  EXPECT_THAT(error(R"([{"kind":"call"}])"), HasSubstr("nodes[0].id"));
  EXPECT_THAT(error(R"([{"id":"a b","kind":"call"}])"), HasSubstr("nodes[0].id"));
  EXPECT_THAT(error(R"([{"id":"a"}])"), HasSubstr("kind is missing"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"dance"}])"), HasSubstr("known: call, map, merge"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x"}])"), HasSubstr("'agent.name'"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","neds":[]}])"), HasSubstr("did you mean 'needs'"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","needs":["b"]}])"), HasSubstr("no node 'b'"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y"},{"id":"a","kind":"merge"}])"),
              HasSubstr("two nodes"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"merge"},{"id":"b","kind":"merge","needs":["a","a"]}])"), HasSubstr("twice"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"map","body":{"capability":"x.y"}}])"), HasSubstr("over"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"map","over":"x +","body":{"capability":"x.y"}}])"),
              HasSubstr("nodes[0] (a).over"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"map","over":"x","max_parallel":0,"body":{"capability":"x.y"}}])"),
              HasSubstr("1 to 1000"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","retry":{"attempts":1000000000}}])"),
              HasSubstr("1 to 100"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","timeouts":{"start_to_close_ms":-1}}])"),
              HasSubstr("start_to_close_ms"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","input":{"x":{"$from":"1 +"}}}])"),
              HasSubstr("bad reference"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","input":{"x":{"$from":"y","z":1}}}])"),
              HasSubstr("nothing may stand beside"));
  EXPECT_THAT(error(R"([{"id":"f","kind":"merge","finally":true}])"), HasSubstr("must be a call"));
  EXPECT_THAT(
      error(R"([{"id":"f","kind":"call","capability":"x.y","finally":true},{"id":"a","kind":"merge","needs":["f"]}])"),
      HasSubstr("runs after"));
  EXPECT_EQ(Plan::parse_text("{").error().code, "workflow.plan_invalid");
  EXPECT_THAT(Plan::parse_text(R"({"v":2,"nodes":[]})").error().message, HasSubstr("plan.v"));
}

TEST(Plan, ShowsTheCycle) {
  EXPECT_THAT(error(R"([{"id":"a","kind":"merge","needs":["a"]}])"), HasSubstr("cycle: a -> a"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"merge","needs":["b"]},{"id":"b","kind":"merge","needs":["a"]}])"),
              HasSubstr("-> "));
  std::string ring = "[";
  for (int i = 0; i < 10'000; ++i)
    ring += std::string(i ? "," : "") + R"({"id":"n)" + std::to_string(i) + R"(","kind":"merge","needs":["n)" +
            std::to_string((i + 1) % 10'000) + "\"]}";
  const std::string text = error(ring + "]");
  EXPECT_THAT(text, HasSubstr("10000 nodes"));
  EXPECT_LT(text.size(), 500U);
}

TEST(Plan, HasLimits) {
  std::string many = "[";
  for (std::size_t i = 0; i <= kPlanNodesMax; ++i)
    many += std::string(i ? "," : "") + R"({"id":"n)" + std::to_string(i) + R"(","kind":"merge"})";
  EXPECT_EQ(parse(many + "]").error().code, "workflow.plan_too_large");
  EXPECT_TRUE(parse(many.substr(0, many.rfind(",{")) + "]").ok()) << "100,000 nodes are allowed";
  EXPECT_EQ(Plan::parse_text(std::string(kPlanBytesMax + 1, ' ')).error().code, "workflow.plan_too_large");
  const std::string deep(kPlanDepthMax, '[');
  EXPECT_THAT(error(R"([{"id":"a","kind":"call","capability":"x.y","input":{"x":)" + deep +
                    std::string(kPlanDepthMax, ']') + "}}]"),
              HasSubstr("nested deeper"));
}

TEST(Plan, ReadsBodiesWithinBodies) {
  const auto plan = parse(R"([
    {"id":"m","kind":"map","over":"inputs.list","body":{"nodes":[
      {"id":"a","kind":"call","capability":"x.y"},
      {"id":"l","kind":"loop","needs":["a"],"max_iterations":3,"until":"output.ok","body":{"nodes":[
        {"id":"b","kind":"call","capability":"x.y"},
        {"id":"c","kind":"choose","needs":["b"],"strategy":"majority","from":[{"name":"b","value":{"$from":"steps.b.output"}}]}]}}],
      "output":{"$from":"steps.l.output.result"}}},
    {"id":"z","kind":"merge","needs":["m"]}])");
  ASSERT_TRUE(plan.ok()) << describe(plan.error());
  const Plan& p = **plan;
  EXPECT_EQ(p.top_count(), 2U);
  const PlanNode& group = p.nodes()[p.nodes()[*p.find("m")].body_first];
  EXPECT_EQ(group.kind, NodeKind::Group);
  EXPECT_EQ(group.body_count, 2U);
  EXPECT_EQ(group.body_first, p.find("a"));
  const PlanNode& loop = p.nodes()[*p.find("l")];
  EXPECT_EQ(loop.body_first, p.find("b"));
  EXPECT_EQ(loop.max_iterations, 3);
  EXPECT_EQ(p.nodes()[*p.find("c")].container, p.find("l"));
}

TEST(Plan, SaysWhatIsWrongWithBodiesWaitsAndChoices) {
  const auto in_loop = [](const std::string& nodes) {
    return error(R"([{"id":"x","kind":"merge"},{"id":"l","kind":"loop","max_iterations":2,"body":{"nodes":)" + nodes +
                 "}}]");
  };
  EXPECT_EQ(in_loop(R"([{"id":"a","kind":"merge"}])"), "accepted");
  EXPECT_THAT(in_loop("[]"), HasSubstr("at least one node"));
  EXPECT_THAT(in_loop(R"([{"id":"a","kind":"merge","needs":["x"]}])"), HasSubstr("another body"));
  EXPECT_THAT(in_loop(R"([{"id":"x","kind":"merge"}])"), HasSubstr("two nodes"));
  EXPECT_THAT(in_loop(R"([{"id":"a","kind":"call","capability":"x.y","finally":true}])"),
              HasSubstr("outside of bodies"));
  EXPECT_THAT(error(R"([{"id":"l","kind":"loop","body":{"nodes":[]}}])"), HasSubstr("needs an end"));
  EXPECT_THAT(error(R"([{"id":"l","kind":"loop","max_iterations":1000000000,"body":{}}])"), HasSubstr("1 to 1000"));
  EXPECT_THAT(error(R"([{"id":"l","kind":"loop","max_iterations":1,"body":{"capability":"x.y"}}])"),
              HasSubstr("body.nodes is missing"));
  EXPECT_THAT(error(R"([{"id":"w","kind":"wait"}])"), HasSubstr("known: signal, input, approval, until"));
  EXPECT_THAT(error(R"([{"id":"w","kind":"wait","on":"until"}])"), HasSubstr("either at or after_ms"));
  EXPECT_THAT(error(R"([{"id":"w","kind":"wait","on":"approval"}])"), HasSubstr("title is missing"));
  EXPECT_THAT(error(R"([{"id":"c","kind":"choose","from":[{"name":"a","value":1}]}])"), HasSubstr("criteria"));
  EXPECT_THAT(error(R"([{"id":"c","kind":"choose","strategy":"first_valid","from":[{"name":"a","value":1}],
                        "schema":{"tpye":"x"}}])"),
              HasSubstr("tpye"));
  EXPECT_THAT(error(R"([{"id":"a","kind":"merge"},{"id":"b","kind":"merge","needs":["a"],"join":2}])"),
              HasSubstr("has 1 needs"));
  EXPECT_THAT(error(R"([{"id":"b","kind":"merge","from":[{"$form":"x"}]}])"), HasSubstr("unknown reference '$form'"));
  EXPECT_THAT(error(R"([{"id":"b","kind":"merge","from":[{"$split":{"from":"x","parts":2,"index":2}}]}])"),
              HasSubstr("an index below"));
  EXPECT_THAT(error(R"([{"id":"t","kind":"child"}])"), HasSubstr("plan is missing"));
}

TEST(Plan, SplitsListsIntoParts) {
  struct List final : Scope {
    Json value = Json::array({0, 1, 2, 3, 4, 5, 6});
    Json text = Json("no list");
    const Json* root(std::string_view name) const override { return name == "list" ? &value : &text; }
  } scope;
  const auto part = [&](int index, const std::string& mode, const std::string& from = "list") {
    const Json value = codec::parse_json(R"({"$split":{"from":")" + from + R"(","parts":3,"index":)" +
                                         std::to_string(index) + R"(,"mode":")" + mode + "\"}}")
                           .value();
    const auto out = resolve_references(value, scope);
    return out.ok() ? codec::write_json(*out) : out.error().code;
  };
  EXPECT_EQ(part(0, "split"), "[0,1,2]") << "the larger parts come first";
  EXPECT_EQ(part(1, "split"), "[3,4]");
  EXPECT_EQ(part(2, "split"), "[5,6]");
  EXPECT_EQ(part(1, "round_robin"), "[1,4]");
  EXPECT_EQ(part(0, "split", "text"), "workflow.bad_distribution");
}

TEST(Plan, ReplacesReferencesAnywhere) {
  struct One final : Scope {
    Json value = Json::object({{"a", Json::array({1, 2})}});
    const Json* root(std::string_view name) const override { return name == "inputs" ? &value : nullptr; }
  } scope;
  const Json input =
      codec::parse_json(R"({"x":[{"$from":"inputs.a[1]"},{"y":{"$from":"inputs.none"}}],"z":"$from"})").value();
  EXPECT_EQ(codec::write_json(resolve_references(input, scope).value()), R"({"x":[2,{"y":null}],"z":"$from"})");
}

}  // namespace
}  // namespace wrench::workflow
