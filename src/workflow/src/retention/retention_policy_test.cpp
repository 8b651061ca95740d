#include "wrench/workflow/retention_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;

RetentionPolicy policy(std::string_view yaml) {
  auto out = RetentionPolicy::parse(yaml, "/data/retention.yaml");
  EXPECT_TRUE(out.ok()) << describe(out.error());
  return out.ok() ? *out : RetentionPolicy();
}

TEST(RetentionPolicyTest, HasDefaults) {
  for (const auto& one : {RetentionPolicy(), policy(""), policy("# nothing\n"), policy("{}")}) {
    EXPECT_EQ(one.events, 7 * kMicrosPerDay);
    EXPECT_EQ(one.events_count, 10'000'000);
    EXPECT_EQ(one.streams, kStreamKept);
    EXPECT_EQ(one.messages, kMessageKept);
    EXPECT_EQ(one.memory, 90 * kMicrosPerDay);
    EXPECT_EQ(one.shortest(), kMicrosPerDay);
    EXPECT_FALSE(one.removes_tasks());
    EXPECT_TRUE(one.archive);
  }
}

TEST(RetentionPolicyTest, ReadsAges) {
  const auto one = policy("events: {age: 36h, count: 5}\nstreams: 1s\nmessages: forever\nmemory: 36500d\n");
  EXPECT_EQ(one.events, 36 * 3600 * kMicrosPerSecond);
  EXPECT_EQ(one.events_count, 5);
  EXPECT_EQ(one.streams, kMicrosPerSecond);
  EXPECT_FALSE(one.messages);
  EXPECT_EQ(one.memory, kRetentionAgeMax);
  EXPECT_EQ(one.shortest(), kMicrosPerSecond);
  EXPECT_FALSE(policy("events: forever").events);
  EXPECT_EQ(policy("events: forever").events_count, 10'000'000) << "so many, however old";
  EXPECT_EQ(policy("events: 30d").events, 30 * kMicrosPerDay);
  EXPECT_FALSE(policy("events: {count: forever}").events_count);
}

TEST(RetentionPolicyTest, ReadsAgesOfTasks) {
  const auto one = policy("tasks: {completed: 90d, failed: forever, cancelled: 3h}\narchive: false\n");
  EXPECT_EQ(one.completed, 90 * kMicrosPerDay);
  EXPECT_FALSE(one.failed);
  EXPECT_EQ(one.cancelled, 3 * 3600 * kMicrosPerSecond);
  EXPECT_FALSE(one.archive);
  EXPECT_TRUE(one.removes_tasks());
  EXPECT_EQ(one.shortest(), 3 * 3600 * kMicrosPerSecond);
  const auto all = policy("tasks: 400d");
  EXPECT_EQ(all.completed, 400 * kMicrosPerDay);
  EXPECT_EQ(all.failed, 400 * kMicrosPerDay);
  EXPECT_EQ(all.cancelled, 400 * kMicrosPerDay);
  EXPECT_TRUE(all.archive);
  EXPECT_FALSE(policy("tasks: forever").removes_tasks());
}

TEST(RetentionPolicyTest, TellsMistakesWithTheirPlace) {
  const auto refused = [](std::string_view yaml) {
    const auto out = RetentionPolicy::parse(yaml, "/data/retention.yaml");
    EXPECT_FALSE(out.ok()) << yaml;
    return out.ok() ? std::string() : describe(out.error());
  };
  EXPECT_THAT(refused("events: 7d\nstream: 1d\n"), HasSubstr("/data/retention.yaml:2:1"));
  EXPECT_THAT(refused("stream: 1d"), HasSubstr("did you mean 'streams'?"));
  EXPECT_THAT(refused("events: {age: 7d, number: 3}"), HasSubstr("retention.yaml:1:19"));
  EXPECT_THAT(refused("memory: soon"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("memory: 36501d"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("memory: 999ms"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("memory: -1d"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("memory: [1d]"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("memory:"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("events: {count: 0}"), HasSubstr("from 1 to 10000000000"));
  EXPECT_THAT(refused("events: {count: 1.5}"), HasSubstr("from 1 to 10000000000"));
  EXPECT_THAT(refused("tasks: {complete: 90d}"), HasSubstr("did you mean 'completed'?"));
  EXPECT_THAT(refused("tasks: never"), HasSubstr("from 1s to 36500d"));
  EXPECT_THAT(refused("archive: maybe"), HasSubstr("'archive' is true or false"));
  EXPECT_THAT(refused("- events"), HasSubstr("this is a mapping"));
  EXPECT_THAT(refused("events: 7d\nevents: 8d\n"), HasSubstr("retention.yaml:2:1"));
  EXPECT_THAT(refused("events: *a"), HasSubstr("retention.yaml:1"));
  EXPECT_THAT(refused(std::string(kRetentionBytesMax + 1, ' ')), HasSubstr("retention.yaml"));
}

}  // namespace
}  // namespace wrench::workflow
