// What capabilities give back that no decent one would.

#include <chrono>
#include <limits>
#include <thread>

#include "engine_test.hpp"
#include "payload.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

class HostileTest : public EngineTest {
 protected:
  /// What becomes of a step with that output.
  TaskOutcome give(Json value) {
    runner_.add("t.give", [value = std::move(value)](const StepInvocation&, StepContext&) -> StepOutcome {
      return Completed{value, {}};
    });
    return run(task(R"J([{"id":"a","kind":"call","capability":"t.give"},
                         {"id":"b","kind":"call","capability":"t.echo","needs":["a"],
                          "input":{"size":{"$expr":"size(steps.a.output)"}}}])J"));
  }
  static std::string error(const TaskOutcome& outcome) { return codec::write_json(outcome.execution.error); }
  static Json nested(std::size_t depth) {
    Json out = Json::array();
    for (std::size_t i = 1; i < depth; ++i) out = Json(codec::JsonArray{std::move(out)});
    return out;
  }
};

TEST_F(HostileTest, TextThatIsNoneIsRepaired) {
  ASSERT_EQ(give(Json::object({{"text", std::string("a\xff\xc3z")}, {"k\xff", 1}})).task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("a")), "{\"text\":\"a\xEF\xBF\xBD\xEF\xBF\xBDz\",\"k\xEF\xBF\xBD\":1}");
}

TEST_F(HostileTest, WhoReadsAlongHearsThatTextWasReplaced) {
  const auto told = [this](Json value) {
    EXPECT_EQ(give(std::move(value)).task.state, TaskState::Completed);
    const auto read = store_->read([&](storage::ReadTx& tx) { return read_stream(tx, receipt_.execution_no, 1, {}); });
    EXPECT_TRUE(read.ok()) << describe(read.error());
    return read->text;
  };
  EXPECT_THAT(told(Json::object({{"k\xff", 1}})), HasSubstr("U+FFFD"));
  EXPECT_THAT(told(Json::array({Json::array({"a\xff"})})), HasSubstr("U+FFFD"));
  EXPECT_EQ(told(Json::object({{"text", "a\xEF\xBF\xBDz"}, {"nul", std::string("a\0z", 3)}})), "");
}

TEST_F(HostileTest, NamesThatBecomeOneAreNoOutput) {
  const TaskOutcome out = give(Json::object({{"k\xff", 1}, {"k\xfe", 2}}));
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_THAT(error(out), HasSubstr("workflow.output_invalid"));
}

TEST_F(HostileTest, NulIsText) {
  ASSERT_EQ(give(Json(std::string("a\0z", 3))).task.state, TaskState::Completed);
  EXPECT_EQ(output("a").as_string(), std::string_view("a\0z", 3));
}

TEST_F(HostileTest, WhatIsNoNumberIsNull) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  ASSERT_EQ(give(Json::array({nan, infinite, -infinite, 0.5})).task.state, TaskState::Completed);
  EXPECT_EQ(codec::write_json(output("a")), "[null,null,null,0.5]");
}

TEST_F(HostileTest, DepthHasALimit) {
  ASSERT_EQ(give(nested(payload::kLimits.depth_max)).task.state, TaskState::Completed);
  EXPECT_EQ(output("a").as_array().size(), 1U);
}

TEST_F(HostileTest, WhatIsDeeperFails) {
  const TaskOutcome out = give(nested(payload::kLimits.depth_max + 1));
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_THAT(error(out), HasSubstr("workflow.output_too_deep"));
}

TEST_F(HostileTest, SizeHasALimit) {
  std::vector<storage::PreparedBlob> blobs;
  EXPECT_TRUE(payload::pack(Json(std::string(kStepOutputBytesMax - 2, 'x')), blobs).ok()) << "with its two quotes";
  EXPECT_EQ(blobs.size(), 1U);
  EXPECT_EQ(payload::pack(Json(std::string(kStepOutputBytesMax - 1, 'x')), blobs).error().code,
            "workflow.output_too_large");
}

TEST_F(HostileTest, WhatIsLargerFailsAndOthersGoOn) {
  const TaskOutcome out = give(Json(std::string(kStepOutputBytesMax - 1, 'x')));
  EXPECT_EQ(out.task.state, TaskState::Failed);
  EXPECT_THAT(error(out), HasSubstr("workflow.output_too_large"));
  EXPECT_EQ(states()["b"], StepState::Skipped);
}

TEST_F(HostileTest, WhatComesAfterItsTimeDoesntCount) {
  std::atomic<int> runs{0};
  runner_.add("t.late", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    if (++runs > 1) return Completed{Json("in time"), {}};
    while (!context.stop().stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Completed{Json("too late"), {}};
  });
  const TaskOutcome out = run(task(R"([{"id":"a","kind":"call","capability":"t.late","retry":{"first_ms":1},
                                        "timeouts":{"start_to_close_ms":50}}])"));
  EXPECT_EQ(out.task.state, TaskState::Completed);
  EXPECT_EQ(output("a").as_string(), "in time");
}

}  // namespace
}  // namespace wrench::workflow
