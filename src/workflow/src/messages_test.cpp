#include "wrench/workflow/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "message_address.hpp"
#include "messages_test.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(MessagesTest, ArrivesAsSentInOrder) {
  const auto first = send("agent:super", Json::object({{"n", 1}}));
  const auto second = send("agent:super", Json::object({{"n", 2}}));
  send("agent:journey", Json::object({{"n", 3}}));
  const auto inbox = list({.receiver = "agent:super"});
  ASSERT_THAT(inbox, SizeIs(2));
  EXPECT_EQ(inbox[0].message_id, first);
  EXPECT_EQ(inbox[1].message_id, second);
  EXPECT_LT(inbox[0].seq, inbox[1].seq);
  EXPECT_EQ(inbox[0].sender, "agent:inspector");
  EXPECT_EQ(inbox[0].content, Json::object({{"n", 1}}));
  EXPECT_EQ(inbox[0].expires_at, inbox[0].created_at + kMessageTtl);
  if (clock_is_ours()) EXPECT_EQ(inbox[0].created_at, clock_.now_us());
  EXPECT_EQ(inbox[0].source_step, "exe_A/3");
  const auto all = list({});
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].content, Json::object({{"n", 3}})) << "newest first";
}

TEST_P(MessagesTest, TheRuntimeSaysWhoSends) {
  send("agent:super", Json::object({{"sender", "user:root"}}));
  EXPECT_EQ(list({.receiver = "agent:super"}).at(0).sender, "agent:inspector");
}

TEST_P(MessagesTest, OnlyRegisteredTypesThatFitAndPrivateOnes) {
  EXPECT_EQ(sent(draft("agent:super", "t.number", Json::object({{"n", "one"}}))), "workflow.invalid_message");
  EXPECT_EQ(sent(draft("agent:super", "t.number", Json::object({{"n", 1}, {"m", 1}}))), "workflow.invalid_message");
  EXPECT_EQ(sent(draft("agent:super", "t.unheard_of", Json::object())), "workflow.invalid_message");
  EXPECT_EQ(sent(draft("agent:super", "x.of_my_own", Json("anything"))), "ok");
  for (const char* type : {"", "T.number", "x.a b", "x.\xc3\xa9", "x.a/b"})
    EXPECT_EQ(sent(draft("agent:super", type, Json())), "workflow.invalid_message") << type;
  EXPECT_EQ(sent(draft("agent:super", "x." + std::string(kMessageTypeBytesMax - 2, 'a'), Json())), "ok");
  EXPECT_EQ(sent(draft("agent:super", "x." + std::string(kMessageTypeBytesMax - 1, 'a'), Json())),
            "workflow.invalid_message");
  EXPECT_FALSE(MessageTypes::make({{"x.mine", "", Json::object()}}).ok());
  EXPECT_FALSE(MessageTypes::make({{"a", "", Json::object()}, {"a", "", Json::object()}}).ok());
  EXPECT_FALSE(MessageTypes::make({{"a", "", Json::object({{"typ", "object"}})}}).ok());
}

TEST_P(MessagesTest, RefusesWhatCantBeSent) {
  for (const char* address :
       {"", "super", "agent:", "pigeon:x", "step:exe_A", "step:exe_A/", "step:exe_A/x", "step:exe_A/01",
        "step:exe_A/1/2", "topic:Big", "topic:a b", "user:a b", "user:\x1b[2J", "user:a\u202e", "user:\xff"})
    EXPECT_EQ(sent(draft(address)), "workflow.invalid_message") << address;
  EXPECT_EQ(sent(draft("topic:" + std::string(kAddressBytesMax, 'a'))), "workflow.invalid_message");
  for (const char* address : {"agent:painter", "task:tsk_NONE", "step:exe_NONE/1", "project:none"})
    EXPECT_EQ(sent(draft(address)), "workflow.receiver_not_found") << address;
  for (const char* address : {"agent:super", "project:default", "topic:reviews.done", "user:ada", "user:Łukasz"})
    EXPECT_EQ(sent(draft(address)), "ok") << address;
  const auto with = [](auto change) {
    MessageDraft what = draft("agent:super");
    change(what);
    return what;
  };
  EXPECT_EQ(sent(with([](auto& d) { d.type = "x.a", d.content = std::string("a\0b", 3); })),
            "workflow.invalid_message");
  EXPECT_EQ(sent(with([](auto& d) { d.idem_key = std::string(kMessageKeyBytesMax + 1, 'k'); })),
            "workflow.invalid_message");
  EXPECT_EQ(sent(with([](auto& d) { d.idem_key = "\xff"; })), "workflow.invalid_message");
  EXPECT_EQ(sent(with([](auto& d) { d.ttl = 0; })), "workflow.invalid_message");
  EXPECT_EQ(sent(with([](auto& d) { d.ttl = kMessageTtlMax + 1; })), "workflow.invalid_message");
  EXPECT_EQ(sent(with([](auto& d) { d.ttl = kMessageTtlMax; })), "ok");
  EXPECT_EQ(sent(draft("topic:a", "x.a", std::string(kMessageContentBytesMax - 2, 'x'))), "ok");
  EXPECT_EQ(sent(draft("topic:a", "x.a", std::string(kMessageContentBytesMax - 1, 'x'))), "workflow.invalid_message");
}

TEST_P(MessagesTest, AKeyNamesOneMessage) {
  auto what = draft("agent:super");
  what.idem_key = "k";
  const auto first = messages_.send(kSender, what);
  const auto again = messages_.send(kSender, what);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->message_id, first->message_id);
  EXPECT_TRUE(again->existed);
  EXPECT_THAT(list({}), SizeIs(1));
  auto other = what;
  other.content = Json::object({{"n", 2}});
  EXPECT_EQ(sent(other), "workflow.idempotency_conflict");
  EXPECT_FALSE(messages_.send({"agent:journey"}, other)->existed) << "another sender's keys are others";
  EXPECT_EQ(messages_.send({"user:\xfe"}, other).error().code, "workflow.invalid_message");
  EXPECT_EQ(messages_.send({""}, other).error().code, "workflow.invalid_message");
  auto elsewhere = other;
  elsewhere.receiver = "agent:journey";
  EXPECT_FALSE(messages_.send(kSender, elsewhere)->existed);
  ASSERT_TRUE(messages_.acknowledge(first->message_id, "agent:super").ok());
  EXPECT_TRUE(messages_.send(kSender, what)->existed) << "acknowledged, it is still that message";
}

TEST_P(MessagesTest, IsAcknowledgedOnce) {
  const auto id = send("user:ada");
  ASSERT_TRUE(messages_.acknowledge(id, "user:ada").ok());
  const auto acknowledged = list({.receiver = "user:ada"}).at(0);
  EXPECT_EQ(acknowledged.state, MessageState::Acknowledged);
  EXPECT_EQ(acknowledged.closed_by, "user:ada");
  if (clock_is_ours()) EXPECT_EQ(acknowledged.closed_at, clock_.now_us());
  clock_.advance(1);
  ASSERT_TRUE(messages_.acknowledge(id, "user:eve").ok());
  EXPECT_EQ(list({.receiver = "user:ada"}).at(0).closed_by, "user:ada");
  EXPECT_THAT(list({.receiver = "user:ada", .state = MessageState::Open}), IsEmpty());
  EXPECT_EQ(messages_.acknowledge("msg_NONE", "user:ada").error().code, "workflow.message_not_found");
}

TEST_P(MessagesTest, DiesWhenNobodyAcknowledgesIt) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  auto what = draft("user:ada");
  what.ttl = kMicrosPerSecond;
  const auto id = messages_.send(kSender, what)->message_id;
  clock_.advance(kMicrosPerSecond);
  EXPECT_THAT(list({.receiver = "user:ada", .state = MessageState::Open}), IsEmpty());
  EXPECT_EQ(list({.receiver = "user:ada"}).at(0).state, MessageState::Dead);
  send("agent:super");  // Any write buries it.
  const auto dead = list({.receiver = "user:ada", .state = MessageState::Dead});
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].reason, "nobody acknowledged it in time");
  EXPECT_EQ(messages_.acknowledge(id, "user:ada").error().code, "workflow.invalid_transition");
}

TEST_P(MessagesTest, AFullInboxTakesNoMore) {
  if (GetParam() != storage::Dialect::Sqlite) GTEST_SKIP() << "the same counting, but slow";
  for (std::int64_t n = 0; n < kInboxMax; n += 500)
    ASSERT_TRUE(store_
                    ->write([&](storage::WriteTx& tx) -> Result<void> {
                      for (int i = 0; i < 500; ++i) WRENCH_TRY((*messages_.sending(kSender, draft("user:ada")))(tx));
                      return {};
                    })
                    .ok());
  EXPECT_EQ(sent(draft("user:ada")), "workflow.inbox_full");
  EXPECT_EQ(sent(draft("user:eve")), "ok") << "others aren't concerned";
  const auto first = list({.receiver = "user:ada", .limit = 1}).at(0);
  ASSERT_TRUE(messages_.acknowledge(first.message_id, "user:ada").ok());
  EXPECT_EQ(sent(draft("user:ada")), "ok");
  EXPECT_EQ(sent(draft("user:ada")), "workflow.inbox_full");
}

TEST_P(MessagesTest, IsSentWithTheTransactionItIsGivenTo) {
  const auto body = messages_.sending(kSender, draft("agent:super"));
  ASSERT_TRUE(body.ok());
  EXPECT_FALSE(store_
                   ->write([&](storage::WriteTx& tx) -> Result<void> {
                     WRENCH_TRY((*body)(tx));
                     return Error("t.broken", "the step failed");
                   })
                   .ok());
  EXPECT_THAT(list({}), IsEmpty());
  ASSERT_TRUE(store_->write(*body).ok());
  EXPECT_THAT(list({}), SizeIs(1));
}

TEST_P(MessagesTest, ListsPageByPage) {
  for (int i = 0; i < 5; ++i) send("topic:a", Json::object({{"n", i}}));
  for (const std::string receiver : {"topic:a", ""}) {
    std::vector<std::int64_t> seen;
    MessageQuery query{.receiver = receiver, .limit = 2};
    do {
      const auto page = messages_.list(query);
      ASSERT_TRUE(page.ok()) << describe(page.error());
      for (const Message& m : page->messages) seen.push_back(m.content.at("n").as_integer());
      query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    if (receiver.empty()) std::ranges::reverse(seen);
    EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4));
  }
  for (const char* cursor : {"x", "-1", "1x", "99999999999999999999"})
    EXPECT_EQ(messages_.list({.cursor = cursor}).error().code, "workflow.invalid_cursor");
  EXPECT_EQ(messages_.list({.receiver = "nobody"}).error().code, "workflow.invalid_message");
  MessageSender step = kSender;
  step.execution_no = 7;
  ASSERT_TRUE(messages_.send(step, draft("agent:super", "x.mine", Json())).ok());
  EXPECT_THAT(list({.execution_no = 7}), SizeIs(1));
  EXPECT_THAT(list({.receiver = "agent:super", .state = MessageState::Open, .type = "x.mine", .execution_no = 7}),
              SizeIs(1));
  EXPECT_THAT(list({.type = "x.mine", .execution_no = 8}), IsEmpty());
  EXPECT_THAT(list({.type = "x.mine"}), SizeIs(1));
}

TEST_P(MessagesTest, APageHoldsSoMuchContent) {
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(sent(draft("topic:a", "x.big", Json(std::string(kMessageContentBytesMax - 2, 'x')))), "ok");
  const auto page = messages_.list({.receiver = "topic:a"});
  EXPECT_THAT(page->messages, SizeIs(kMessagePageBytesMax / kMessageContentBytesMax));
  EXPECT_THAT(list({.receiver = "topic:a", .cursor = page->next_cursor}), SizeIs(8));
}

TEST_P(MessagesTest, FindsByShortId) {
  const auto id = send("user:ada");
  EXPECT_EQ(messages_.find(id)->message_id, id);
  EXPECT_EQ(messages_.find(to_lower_ascii(id.substr(id.size() - 6)))->message_id, id);
  for (const char* none : {"", "%", "short", "'; -- xx"})
    EXPECT_EQ(messages_.find(none).error().code, "workflow.message_not_found");
}

TEST_P(MessagesTest, SurvivesReopening) {
  const auto id = send("user:ada");
  open_store();
  Messages again(*store_, types_, [](std::string_view) { return true; }, clock_, random_);
  EXPECT_EQ(again.list({.receiver = "user:ada"})->messages.at(0).message_id, id);
}

TEST_P(MessagesTest, WhatIsSaidOfThemIsAnEvent) {
  const auto id = send("user:ada");
  ASSERT_TRUE(messages_.acknowledge(id, "user:ada").ok());
  const auto events = read([](storage::ReadTx& tx) { return storage::event_log::read(tx, {}, {}, 1000); })->events;
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events[events.size() - 2].what.type, "message.sent");
  EXPECT_EQ(events.back().what.type, "message.acknowledged");
  EXPECT_EQ(events.back().what.subject_id, id);
  EXPECT_THAT(events.back().what.payload, HasSubstr("user:ada"));
}

INSTANTIATE_TEST_SUITE_P(Databases, MessagesTest, kBothDatabases, database_name);

}  // namespace
}  // namespace wrench::workflow
