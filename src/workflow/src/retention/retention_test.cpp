#include "wrench/workflow/retention.hpp"

#include <gmock/gmock.h>

#include "../store_test.hpp"
#include "../stream_store.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/memory.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using storage::ReadTx;
using storage::Statement;
using storage::WriteTx;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kWrite = storage::Access::Write;
// Time goes by: all that is there becomes older.
const Statement kAge[] = {{.id = "t.age_events", .access = kWrite, .sql = "UPDATE events SET at = at - ?1"},
                          {.id = "t.age_streams", .access = kWrite, .sql = "UPDATE streams SET drop_at = drop_at - ?1"},
                          {.id = "t.age_messages",
                           .access = kWrite,
                           .sql = "UPDATE messages SET closed_at = closed_at - ?1, expires_at = "
                                  "expires_at - ?1"},
                          {.id = "t.age_memory",
                           .access = kWrite,
                           .sql = "UPDATE memory_items SET valid_to = valid_to - ?1, expires_at = "
                                  "expires_at - ?1"}};
const Statement kRows{.id = "t.rows",
                      .sql =
                          "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM streams), (SELECT count(*) FROM "
                          "stream_chunks), (SELECT count(*) FROM messages), (SELECT count(*) FROM memory_items)"};
const Statement* const kStatements[] = {&kAge[0], &kAge[1], &kAge[2], &kAge[3], &kRows};

class RetentionTest : public DatabaseTest {
 protected:
  RetentionTest() : DatabaseTest(kStatements) {}

  void let_pass(Micros time) {
    if (clock_is_ours()) return clock_.advance(time);
    EXPECT_TRUE(write([&](WriteTx& tx) -> Result<void> {
                  for (const Statement& statement : kAge) WRENCH_TRY(tx.exec(statement, {time}));
                  return {};
                }).ok());
  }
  /// One of each kind that is left behind.
  void leave() {
    Memory memory(*store_, clock_, random_);
    MemoryDraft item;
    item.agent = "inspector";
    item.content = Json("said " + std::to_string(++left_));
    const auto old = memory.store(item);
    ASSERT_TRUE(old.ok()) << describe(old.error());
    item.content = Json("said otherwise " + std::to_string(left_));
    item.supersedes = old->memory_id;
    ASSERT_TRUE(memory.store(item).ok());
    const MessageTypes types = *MessageTypes::make({});
    Messages messages(*store_, types, [](std::string_view) { return true; }, clock_, random_);
    MessageDraft draft;
    draft.receiver = "user:ada";
    draft.type = "x.note";
    draft.content = Json(1);
    const auto sent = messages.send({"user:bob", 0, ""}, draft);
    ASSERT_TRUE(sent.ok());
    ASSERT_TRUE(messages.acknowledge(sent->message_id, "user:ada").ok());
    ASSERT_TRUE(write([&](WriteTx& tx) -> Result<void> {
                  const storage::Bind null(std::nullopt);
                  WRENCH_TRY(tx.exec(sql::kInsertStep, {left_, 1, 0, null, null, static_cast<int>(StepState::Running),
                                                        1, 0, 1, 0, "boot", 1, 0, null, 0, null, null, null}));
                  WRENCH_TRY(stream_store::write(tx, {{left_, 1}, 1, 1, 0, "words", 0, true}));
                  WRENCH_TRY(tx.exec(sql::kUpdateStep,
                                     {left_, 1, static_cast<int>(StepState::Completed), 1, 0, 1, 0, null, null, 0, null,
                                      0, null, null, static_cast<int>(StepState::Running), 1, null}));
                  return {};
                }).ok());
  }
  void append(int count) {
    EXPECT_TRUE(write([&](WriteTx& tx) -> Result<void> {
                  storage::EventDraft event;
                  event.type = "t.event";
                  event.project_id = 1;
                  event.subject_kind = "test";
                  event.subject_id = "it";
                  event.actor = "system";
                  for (int i = 0; i < count; ++i) WRENCH_TRY(tx.append_event(event));
                  return {};
                }).ok());
  }

  static RetentionPolicy policy(std::string_view yaml = "") { return *RetentionPolicy::parse(yaml, "retention.yaml"); }
  RetentionTurn turn(Retention& retention, Retention::Time time = Retention::Time::Now) {
    auto out = retention.turn({}, time);
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : RetentionTurn{};
  }
  RetentionCounts due(Retention& retention) {
    auto out = retention.preview();
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? out->due : RetentionCounts{};
  }
  /// Events, streams, their chunks, messages, items of memory.
  std::vector<std::int64_t> rows() {
    const auto found = *store_->query(kRows);
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < 5; ++i) out.push_back(found.front().integer(i));
    return out;
  }
  void expect_sound() {
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, IsEmpty());
  }

  std::int64_t left_ = 0;
};

TEST_P(RetentionTest, RemovesEachKindWhenItIsOldEnough) {
  Retention retention(*store_, clock_, policy());
  leave();
  const auto events = rows()[0];
  EXPECT_THAT(due(retention), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(turn(retention).removed, ElementsAre(0, 0, 0, 0, 0));
  let_pass(kMicrosPerDay + kMicrosPerSecond);
  EXPECT_THAT(due(retention), ElementsAre(0, 1, 0, 0, 0));
  EXPECT_THAT(turn(retention).removed, ElementsAre(0, 1, 0, 0, 0));
  leave();
  let_pass(6 * kMicrosPerDay);
  EXPECT_THAT(due(retention), ElementsAre(events, 1, 0, 0, 0));
  EXPECT_THAT(turn(retention).removed, ElementsAre(events, 1, 0, 0, 0));
  let_pass(23 * kMicrosPerDay);
  EXPECT_THAT(turn(retention).removed, ElementsAre(events, 0, 1, 0, 0)) << "the second ones are a day younger";
  let_pass(60 * kMicrosPerDay);
  EXPECT_THAT(due(retention), ElementsAre(0, 0, 1, 1, 0));
  EXPECT_THAT(turn(retention).removed, ElementsAre(0, 0, 1, 1, 0));
  let_pass(2 * kMicrosPerDay);
  EXPECT_THAT(turn(retention).removed, ElementsAre(0, 0, 0, 1, 0));
  EXPECT_THAT(rows(), ElementsAre(0, 0, 0, 0, 2)) << "what still holds stays";
  EXPECT_FALSE(turn(retention).next_at) << "nothing will become too old";
  expect_sound();
  const auto records = *read([](ReadTx& tx) { return read_retention(tx); });
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].kind, RetentionKind::Events);
  EXPECT_EQ(records[0].total, 2 * events);
  EXPECT_EQ(records[0].removed, events);
  EXPECT_EQ(records[3].total, 2);
  EXPECT_GT(records[3].at, records[1].at);
}

TEST_P(RetentionTest, KeepsForEverWhatIsToBeKept) {
  Retention retention(*store_, clock_,
                      policy("{events: forever, streams: forever, messages: forever, memory: forever}"));
  leave();
  const auto before = rows();
  let_pass(3'000 * kMicrosPerDay);
  EXPECT_THAT(due(retention), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(turn(retention).removed, ElementsAre(0, 0, 0, 0, 0));
  EXPECT_EQ(rows(), before);
}

TEST_P(RetentionTest, KeepsTheNewestEventsOnly) {
  Retention retention(*store_, clock_, policy("events: {age: forever, count: 10}"));
  append(10);
  EXPECT_THAT(turn(retention, Retention::Time::Settled).removed, ElementsAre(0, 0, 0, 0, 0));
  append(3);
  EXPECT_THAT(due(retention), ElementsAre(3, 0, 0, 0, 0));
  EXPECT_THAT(turn(retention, Retention::Time::Settled).removed, ElementsAre(3, 0, 0, 0, 0)) << "whatever the time is";
  EXPECT_EQ(rows()[0], 10);
  expect_sound();
}

TEST_P(RetentionTest, RemovesInPiecesAndGoesOnAfterItWasStopped) {
  constexpr int kEvents = 12'000;
  Retention retention(*store_, clock_, policy());
  append(kEvents);
  let_pass(7 * kMicrosPerDay + kMicrosPerSecond);
  StopSource stop;
  stop.request_stop();
  const auto stopped = retention.turn(stop.token(), Retention::Time::Now);
  ASSERT_TRUE(stopped.ok());
  EXPECT_FALSE(stopped->all);
  EXPECT_EQ(stopped->removed[0], static_cast<std::int64_t>(kRetentionRowsMax));
  expect_sound();
  const auto flushes = store_->stats().flushes;
  const auto rest = turn(retention);
  EXPECT_TRUE(rest.all);
  EXPECT_EQ(rest.removed[0], kEvents - static_cast<std::int64_t>(kRetentionRowsMax));
  EXPECT_GE(store_->stats().flushes, flushes + 2);
  EXPECT_EQ(rows()[0], 0);
  expect_sound();
  EXPECT_EQ(read([](ReadTx& tx) { return read_retention(tx); })->front().total, kEvents);
}

TEST_P(RetentionTest, GoesByTheTimeOfTheLookBefore) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  constexpr Micros kHour = 3600 * kMicrosPerSecond;
  telemetry::MetricsRegistry metrics;
  Retention retention(*store_, clock_, policy(), {}, &metrics);
  append(3);
  const Micros old_at = clock_.now_us() + 7 * kMicrosPerDay;
  const auto flushes = [&] { return store_->stats().flushes; };
  auto before = flushes();
  EXPECT_EQ(turn(retention, Retention::Time::Settled).next_at, old_at);
  EXPECT_EQ(flushes(), before) << "while nothing is due it writes nothing";
  clock_.advance(kHour / 2);
  append(1);
  clock_.set(old_at);
  const auto seen = turn(retention, Retention::Time::Settled);
  EXPECT_EQ(seen.removed[0], 0) << "perhaps the clock is wrong";
  EXPECT_EQ(seen.next_at, old_at + kHour);
  clock_.set(old_at + kHour);
  EXPECT_EQ(turn(retention, Retention::Time::Settled).removed[0], 3) << "the fourth wasn't old enough at that look";
  EXPECT_EQ(metrics.counter("wrench_retention_removed_total", "", {{"kind", "events"}}).value(), 3U);
  clock_.set(old_at + 2 * kHour);
  EXPECT_EQ(turn(retention, Retention::Time::Settled).removed[0], 1);
  append(1);
  before = flushes();
  EXPECT_EQ(turn(retention, Retention::Time::Settled).next_at, old_at + 2 * kHour + 7 * kMicrosPerDay);
  EXPECT_EQ(flushes(), before);
}

TEST_P(RetentionTest, AClockThatWasSetForwardOnceRemovesNothing) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  append(3);
  const Micros right = clock_.now_us();
  {
    Retention retention(*store_, clock_, policy());
    clock_.set(right + 300 * kMicrosPerDay);
    EXPECT_EQ(turn(retention, Retention::Time::Settled).removed[0], 0);
  }
  clock_.set(right + kMicrosPerDay);
  Retention retention(*store_, clock_, policy());
  EXPECT_EQ(turn(retention, Retention::Time::Settled).removed[0], 0);
  clock_.set(right + 2 * kMicrosPerDay);
  EXPECT_EQ(turn(retention, Retention::Time::Settled).removed[0], 0);
  EXPECT_EQ(rows()[0], 3);
}

TEST_P(RetentionTest, MessagesThatNobodyWantsDie) {
  const MessageTypes types = *MessageTypes::make({});
  Messages messages(*store_, types, [](std::string_view) { return true; }, clock_, random_);
  MessageDraft draft;
  draft.receiver = "user:ada";
  draft.type = "x.note";
  draft.content = Json(1);
  const auto id = messages.send({"user:bob", 0, ""}, draft)->message_id;
  Retention retention(*store_, clock_, policy());
  let_pass(kMessageTtl + kMicrosPerSecond);
  const auto done = turn(retention);
  EXPECT_EQ(done.expired, 1);
  EXPECT_EQ(done.removed[2], 0);
  EXPECT_EQ(messages.find(id)->state, MessageState::Dead);
  let_pass(kMessageKept - kMicrosPerSecond);
  EXPECT_EQ(turn(retention).removed[2], 0);
  let_pass(2 * kMicrosPerSecond);
  EXPECT_EQ(turn(retention).removed[2], 1);
  EXPECT_EQ(messages.find(id).error().code, "workflow.message_not_found");
}

TEST_P(RetentionTest, MemoryGoesWhenItsTimeIsOver) {
  Memory memory(*store_, clock_, random_);
  MemoryDraft item;
  item.agent = "inspector";
  item.content = Json("soon over");
  item.ttl = kMicrosPerDay;
  ASSERT_TRUE(memory.store(item).ok());
  Retention retention(*store_, clock_, policy("memory: forever"));
  let_pass(kMicrosPerDay + kMicrosPerSecond);
  EXPECT_THAT(due(retention), ElementsAre(0, 0, 0, 1, 0));
  EXPECT_EQ(turn(retention).removed[3], 1);
  EXPECT_EQ(rows()[4], 0);
}

INSTANTIATE_TEST_SUITE_P(Databases, RetentionTest, kBothDatabases, database_name);

}  // namespace
}  // namespace wrench::workflow
