#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "messages_test.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The effects of handlers are messages to user:log: rows of the same store.
class DeliveryTest : public MessagesTest {
 protected:
  Subscription subscription(std::string subscriber = "reader", std::string receiver = "agent:super") {
    Subscription out;
    out.subscriber = std::move(subscriber);
    out.receiver = std::move(receiver);
    out.handler = [this](const Message& message) -> Result<storage::WriteBody> {
      ++calls_;
      return messages_.sending({"agent:super"}, draft("user:log", "x.handled", message.content));
    };
    return out;
  }
  Delivered deliver(const Subscription& to, std::size_t limit = kMessagePageMax) {
    const auto done = messages_.deliver(to, limit);
    EXPECT_TRUE(done.ok()) << describe(done.error());
    return done.ok() ? *done : Delivered{};
  }
  std::vector<std::int64_t> log() {
    std::vector<std::int64_t> out;
    for (const Message& m : list({.receiver = "user:log", .limit = kMessagePageMax}))
      out.push_back(m.content.at("n").as_integer());
    return out;
  }
  void send_numbers(int from, int to, const std::string& receiver = "agent:super") {
    for (int i = from; i <= to; ++i) send(receiver, Json::object({{"n", i}}));
  }

  std::atomic<int> calls_{0};
};

TEST_P(DeliveryTest, HandsOverInOrderOnce) {
  send_numbers(1, 3);
  EXPECT_EQ(deliver(subscription()).count, 3U);
  EXPECT_THAT(log(), ElementsAre(1, 2, 3));
  EXPECT_THAT(list({.receiver = "agent:super", .state = MessageState::Open}), IsEmpty()) << "acknowledged with it";
  EXPECT_EQ(deliver(subscription()).count, 0U);
  send_numbers(4, 4);
  EXPECT_EQ(deliver(subscription()).count, 1U);
  EXPECT_THAT(log(), ElementsAre(1, 2, 3, 4));
}

TEST_P(DeliveryTest, GoesOnAfterARestart) {
  send_numbers(1, 4);
  EXPECT_EQ(deliver(subscription(), 2).count, 2U);
  open_store();
  Messages again(*store_, types_, [](std::string_view) { return true; }, clock_, random_);
  auto to = subscription();
  to.handler = [&](const Message& message) {
    return again.sending({"agent:super"}, draft("user:log", "x.handled", message.content));
  };
  EXPECT_EQ(again.deliver(to)->count, 2U);
  std::vector<std::int64_t> seen;
  const auto page = again.list({.receiver = "user:log"});
  for (const auto& m : page->messages) seen.push_back(m.content.at("n").as_integer());
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 4));
}

TEST_P(DeliveryTest, PassesOverOtherTypes) {
  ASSERT_EQ(sent(draft("agent:super", "x.other", Json::object({{"n", 1}}))), "ok");
  send_numbers(2, 2);
  auto to = subscription();
  to.types = {"t.number"};
  EXPECT_EQ(deliver(to).count, 1U);
  EXPECT_THAT(log(), ElementsAre(2));
  EXPECT_THAT(list({.receiver = "agent:super", .state = MessageState::Open}), SizeIs(1)) << "for somebody else to read";
}

TEST_P(DeliveryTest, ARefusedMessageComesAgainAndHoldsLaterOnesBack) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  send_numbers(1, 2);
  auto to = subscription();
  bool broken = true;
  to.handler = [&, handler = to.handler](const Message& message) -> Result<storage::WriteBody> {
    if (broken && message.content.at("n").as_integer() == 1) return Error("t.broken", "not now");
    return handler(message);
  };
  const Delivered first = deliver(to);
  EXPECT_EQ(first.count, 0U);
  EXPECT_EQ(first.again_at, clock_.now_us() + kMicrosPerSecond);
  EXPECT_EQ(deliver(to).again_at, first.again_at) << "not before its time";
  EXPECT_THAT(log(), IsEmpty());
  broken = false;
  clock_.advance(kMicrosPerSecond);
  EXPECT_EQ(deliver(to).count, 2U);
  EXPECT_THAT(log(), ElementsAre(1, 2));
}

TEST_P(DeliveryTest, WhatIsRefusedAgainAndAgainIsDead) {
  send_numbers(1, 2);
  auto to = subscription();
  to.handler = [&, handler = to.handler](const Message& message) -> Result<storage::WriteBody> {
    if (message.content.at("n").as_integer() == 1) return Error("t.broken", "never");
    return handler(message);
  };
  int rounds = 1;
  for (auto again = deliver(to).again_at; again; again = deliver(to).again_at, ++rounds)
    clock_.advance(*again - clock_.now_us());
  EXPECT_EQ(rounds, kDeliveryAttemptsMax);
  EXPECT_THAT(log(), ElementsAre(2));
  const auto dead = list({.receiver = "agent:super", .state = MessageState::Dead});
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].reason, "t.broken: never");
}

TEST_P(DeliveryTest, EffectsThatCantBeWrittenAreARefusal) {
  send_numbers(1, 1);
  auto to = subscription();
  to.handler = [](const Message&) {
    return storage::WriteBody([](storage::WriteTx&) -> Result<void> { return Error("t.broken", "no"); });
  };
  EXPECT_TRUE(deliver(to).again_at);
  EXPECT_THAT(list({.receiver = "agent:super", .state = MessageState::Open}), SizeIs(1));
}

TEST_P(DeliveryTest, OfATopicEverySubscriberGetsEverything) {
  const auto one = subscription("one", "topic:a");
  const auto two = subscription("two", "topic:a");
  for (const auto& to : {one, two}) deliver(to);  // From now on they are known.
  send_numbers(1, 2, "topic:a");
  EXPECT_EQ(deliver(two, 1).count, 1U);
  EXPECT_EQ(deliver(one).count, 2U);
  EXPECT_THAT(log(), ElementsAre(1, 1, 2));
  EXPECT_THAT(list({.receiver = "topic:a", .state = MessageState::Open}), SizeIs(1)) << "two hasn't read the second";
  EXPECT_EQ(deliver(two).count, 1U);
  EXPECT_THAT(list({.receiver = "topic:a", .state = MessageState::Open}), IsEmpty());
  send_numbers(3, 3, "topic:a");
  deliver(one);
  ASSERT_TRUE(messages_.unsubscribe("topic:a", "two").ok());
  send_numbers(4, 4, "topic:a");
  deliver(one);
  EXPECT_THAT(list({.receiver = "topic:a", .state = MessageState::Open}), SizeIs(1)) << "the third waited for two";
}

TEST_P(DeliveryTest, ATopicsMessageThatOneCantHandleReachesTheOthers) {
  deliver(subscription("good", "topic:a"));
  send_numbers(1, 1, "topic:a");
  auto broken = subscription("broken", "topic:a");
  broken.handler = [](const Message&) -> Result<storage::WriteBody> { return Error("t.broken", "never"); };
  for (auto again = deliver(broken).again_at; again; again = deliver(broken).again_at)
    clock_.advance(*again - clock_.now_us());
  EXPECT_EQ(deliver(subscription("good", "topic:a")).count, 1U);
  EXPECT_THAT(list({.receiver = "topic:a", .state = MessageState::Dead}), IsEmpty());
}

TEST_P(DeliveryTest, WhatIsTooOldIsNotHandedOver) {
  auto old = draft("agent:super");
  old.ttl = 1;
  ASSERT_TRUE(messages_.send(kSender, old).ok());
  send_numbers(2, 2);
  clock_.advance(1);
  EXPECT_EQ(deliver(subscription()).count, 1U);
  EXPECT_THAT(log(), ElementsAre(2));
}

TEST_P(DeliveryTest, ManyProcessesOfOneSubscriberWriteEachEffectOnce) {
  send_numbers(1, 60);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Messages mine(*store_, types_, [](std::string_view) { return true; }, clock_, random_);
      for (int round = 0; round < 1000 && log().size() < 60; ++round) EXPECT_TRUE(mine.deliver(subscription(), 7).ok());
    });
  for (auto& thread : threads) thread.join();
  std::vector<std::int64_t> wanted;
  for (int i = 1; i <= 60; ++i) wanted.push_back(i);
  EXPECT_EQ(log(), wanted);
}

TEST_P(DeliveryTest, WhatASubscriberDoesNotWantKeepsNothingFromIt) {
  const auto many = static_cast<std::int64_t>(kMessagePageMax) + 5;
  send_numbers(1, many);
  auto picky = subscription();
  picky.wants = [&](const Message& message) { return message.content.at("n").as_integer() == many; };
  EXPECT_EQ(deliver(picky).count, 1U);
  EXPECT_THAT(log(), ElementsAre(many));
  EXPECT_EQ(deliver(picky).count, 0U);
  MessageQuery open;
  open.receiver = picky.receiver;
  open.state = MessageState::Open;
  open.limit = kMessagePageMax;
  EXPECT_EQ(list(open).size(), kMessagePageMax) << "they stay for others";
}

TEST_P(DeliveryTest, ServesUntilItIsStopped) {
  StopSource stop;
  std::thread server([&] { EXPECT_TRUE(messages_.serve(subscription(), stop.token()).ok()); });
  send_numbers(1, 3);
  while (log().size() < 3) std::this_thread::yield();
  EXPECT_THAT(log(), ElementsAre(1, 2, 3));
  stop.request_stop();
  server.join();
}

TEST_P(DeliveryTest, RefusesWrongNames) {
  EXPECT_EQ(messages_.deliver(subscription("A b")).error().code, "workflow.invalid_message");
  EXPECT_EQ(messages_.deliver(subscription("a", "nobody")).error().code, "workflow.invalid_message");
}

INSTANTIATE_TEST_SUITE_P(Databases, DeliveryTest, kBothDatabases, database_name);

}  // namespace
}  // namespace wrench::workflow
