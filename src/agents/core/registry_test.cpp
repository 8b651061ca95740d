#include "wrench/agents/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report_test.hpp"
#include "schemas.hpp"

namespace wrench::agents {
namespace {

class Dummy final : public Agent {
 public:
  explicit Dummy(AgentSpec spec) : spec_(std::move(spec)) {}
  const AgentSpec& spec() const override { return spec_; }
  Result<AgentOutput> execute(const Capability&, const codec::Json&, AgentContext&) const override {
    return AgentOutput{};
  }

 private:
  AgentSpec spec_;
};

AgentSpec good() {
  AgentSpec spec;
  spec.name = "tester";
  spec.charter = "Tests.";
  Capability capability;
  capability.id = "tester.run";
  capability.title = "Run";
  capability.why = "to see";
  capability.input_schema = schema::object({});
  capability.output_schema = schema::object({});
  spec.capabilities = {capability};
  return spec;
}

/// What registration says about the good specification with one change.
template <class Change>
std::string refusal(Change change) {
  AgentSpec spec = good();
  change(spec);
  Registry registry;
  auto added = registry.add(std::make_unique<Dummy>(std::move(spec)));
  return added.ok() ? "accepted" : added.error().code + " " + added.error().message;
}

TEST(Registry, AcceptsWhatIsWhole) {
  EXPECT_EQ(refusal([](AgentSpec&) {}), "accepted");
}

TEST(Registry, RefusesWhatCouldNotWork) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal([](AgentSpec& s) { s.name = "Tester"; }), HasSubstr("agent.invalid_spec"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.charter = ""; }), HasSubstr("charter"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.charter = std::string(2049, 'x'); }), HasSubstr("charter"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities.push_back(s.capabilities[0]); }), HasSubstr("twice"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].id = "other.run"; }), HasSubstr("<agent>.<operation>"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].id = "tester"; }), HasSubstr("<agent>.<operation>"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].why = ""; }), HasSubstr("why"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].gives = {{"x", "magic"}}; }), HasSubstr("magic"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].input_schema = codec::Json::object({{"typ", "x"}}); }),
              HasSubstr("schema"));
  EXPECT_THAT(refusal([](AgentSpec& s) { s.capabilities[0].llm = LlmUse::Required; }),
              HasSubstr("offline alternative"));
}

TEST(Registry, RefusesTheSameNameTwice) {
  Registry registry;
  ASSERT_TRUE(registry.add(std::make_unique<Dummy>(good())).ok());
  EXPECT_EQ(registry.add(std::make_unique<Dummy>(good())).error().code, "agent.invalid_spec");
}

TEST(Registry, FindsAgentsAndCapabilities) {
  const Registry registry = all_agents();
  ASSERT_NE(registry.find("inspector"), nullptr);
  EXPECT_EQ(registry.find("painter"), nullptr);
  ASSERT_NE(registry.capability("infosec.scan_secrets"), nullptr);
  EXPECT_EQ(registry.capability("infosec.paint"), nullptr);
  const auto all = registry.capabilities();
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, [](const Capability* c) { return c->id; }));
}

TEST(PortTypes, FormATree) {
  EXPECT_TRUE(port_is_a("report.code", "report"));
  EXPECT_TRUE(port_is_a("report.code", "report.code"));
  EXPECT_FALSE(port_is_a("report", "report.code"));
  EXPECT_FALSE(port_is_a("reporter", "report"));
  EXPECT_TRUE(is_port_type("report"));
  EXPECT_FALSE(is_port_type("reports"));
}

}  // namespace
}  // namespace wrench::agents
