#include "wrench/workflow/streams.hpp"

#include <latch>
#include <limits>
#include <thread>

#include "engine_test.hpp"
#include "sql.hpp"
#include "store_test.hpp"
#include "stream_buffers.hpp"
#include "stream_store.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {
namespace {

constexpr StepKey kStep{1, 1};

std::string all_of(const std::vector<StreamChunk>& chunks) {
  std::string out;
  for (const auto& chunk : chunks) out += chunk.text;
  return out;
}

TEST(StreamBuffersTest, SayAtMostOneChunkInAPause) {
  StreamBuffers buffers;
  EXPECT_EQ(buffers.next_due(), std::numeric_limits<Micros>::max());
  buffers.append(kStep, 1, 1, "a", 1000);
  buffers.append(kStep, 1, 1, "b", 2000);
  EXPECT_EQ(buffers.next_due(), 1000 + kStreamPause);
  EXPECT_TRUE(buffers.due(kStreamPause).empty());
  const auto first = buffers.due(1000 + kStreamPause);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].text, "ab");
  EXPECT_EQ(first[0].offset, 0);
  EXPECT_FALSE(first[0].last);
  buffers.append(kStep, 1, 1, "c", 1001 + kStreamPause);
  EXPECT_TRUE(buffers.due(1000 + 2 * kStreamPause).empty());
  const auto rest = buffers.end(kStep, 1);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].text, "c");
  EXPECT_EQ(rest[0].offset, 2);
  EXPECT_TRUE(rest[0].last);
  EXPECT_TRUE(buffers.end(kStep, 1).empty());
}

TEST(StreamBuffersTest, CutChunksBetweenCharactersAndLeaveOutWhatIsTooMuch) {
  StreamBuffers buffers;
  std::string text;
  while (text.size() <= kStreamBytesMax) text += "aé";
  buffers.append(kStep, 1, 1, text, 0);
  buffers.append(kStep, 1, 1, "more", 0);
  const auto chunks = buffers.end(kStep, 1);
  const std::string said = all_of(chunks);
  for (const auto& chunk : chunks) {
    EXPECT_LE(chunk.text.size(), kStreamChunkBytesMax);
    EXPECT_TRUE(is_valid_utf8(chunk.text));
  }
  EXPECT_LE(said.size(), kStreamBytesMax);
  EXPECT_GT(said.size(), kStreamBytesMax - 4);
  EXPECT_EQ(chunks.back().left_out, static_cast<std::int64_t>(text.size() + 4 - said.size()));
}

TEST(StreamBuffersTest, MendWhatIsNoText) {
  StreamBuffers buffers;
  using namespace std::string_literals;
  const std::string euro = "€";
  buffers.append(kStep, 1, 1, "a\xff\0b"s + euro.substr(0, 1), 0);
  buffers.append(kStep, 1, 1, euro.substr(1) + euro.substr(0, 2), 0);
  EXPECT_EQ(all_of(buffers.end(kStep, 1)),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b€\xEF\xBF\xBD");
}

class StreamsTest : public EngineTest {
 protected:
  Result<StreamPage> read(std::int64_t step_no, StreamPosition from, std::size_t bytes = kStreamChunkBytesMax) {
    return store_->read(
        [&](storage::ReadTx& tx) { return read_stream(tx, receipt_.execution_no, step_no, from, bytes); });
  }
  /// Page by page.
  std::string whole(std::int64_t step_no) {
    std::string out;
    for (StreamPosition at;;) {
      const auto page = read(step_no, at);
      EXPECT_TRUE(page.ok()) << describe(page.error());
      if (!page.ok() || page->text.empty()) return out;
      EXPECT_EQ(page->offset, at.offset);
      out += page->text;
      at = {page->stream.run, page->offset + static_cast<std::int64_t>(page->text.size())};
    }
  }
  Result<bool> write(const StreamChunk& chunk) {
    Result<bool> out = false;
    const auto written = store_->write([&](storage::WriteTx& tx) -> Result<void> {
      out = stream_store::write(tx, chunk);
      return out.ok() ? Result<void>() : Result<void>(out.error());
    });
    EXPECT_TRUE(written.ok()) << describe(written.error());
    return out;
  }
};

TEST_F(StreamsTest, AreReadWhileTheStepRunsAndAfterwards) {
  std::latch go_on(1);
  runner_.add("t.say", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.stream("one\n");
    go_on.wait();
    context.stream("two\n");
    return Completed{};
  });
  auto e = engine();
  e->start(runner_);
  const auto receipt = e->create(task(R"([{"id":"s","kind":"call","capability":"t.say"}])"));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  const Deadline soon = Deadline::after(clock_, 30 * kMicrosPerSecond);
  while (whole(1).empty() && !soon.passed(clock_)) std::this_thread::yield();
  EXPECT_EQ(whole(1), "one\n");
  go_on.count_down();
  finish(*e, receipt->task_id);
  EXPECT_EQ(whole(1), "one\ntwo\n");
  const auto page = read(1, {0, 4});
  EXPECT_EQ(page->text, "two\n");
  EXPECT_EQ(page->offset, 4);
  EXPECT_EQ(page->stream.attempt, 1);
  EXPECT_TRUE(read(1, {page->stream.run, 8})->text.empty());
  EXPECT_TRUE(read(1, {page->stream.run, 1'000'000})->text.empty());
  EXPECT_EQ(read(2, {})->stream.run, 0);
  const auto list = store_->read([&](storage::ReadTx& tx) { return list_streams(tx, receipt_.execution_no); });
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().bytes, 8);
}

TEST_F(StreamsTest, OfAShortStepCostNoFlushOfTheirOwn) {
  if (on_postgres()) GTEST_SKIP() << "a worker makes flushes by itself";
  const auto flushes = [&](std::string_view say) {
    runner_.add("t.say", [say](const StepInvocation&, StepContext& context) -> StepOutcome {
      context.stream(say);
      return Completed{};
    });
    const auto before = store_->stats().flushes;
    run(task(R"([{"id":"s","kind":"call","capability":"t.say"}])"));
    return store_->stats().flushes - before;
  };
  const auto silent = flushes("");
  EXPECT_EQ(flushes("words"), silent);
  EXPECT_EQ(whole(1), "words");
}

TEST_F(StreamsTest, BeginAnewWithEachAttempt) {
  runner_.add("t.flaky", [](const StepInvocation& in, StepContext& context) -> StepOutcome {
    context.stream("attempt " + std::to_string(in.attempt) + "\n");
    if (in.attempt == 1) return Failed{FailureClass::Retryable, Error("t.no", "no"), {}};
    return Completed{};
  });
  run(task(R"([{"id":"s","kind":"call","capability":"t.flaky","retry":{"attempts":2,"first_ms":1}}])"));
  EXPECT_EQ(whole(1), "attempt 2\n");
  const auto page = read(1, {1, 5});  // As somebody reads on who followed the first.
  EXPECT_EQ(page->offset, 0);
  EXPECT_EQ(page->text, "attempt 2\n");
  EXPECT_EQ(page->stream.attempt, 2);
}

TEST_F(StreamsTest, KeepWhatAStepSaidBeforeItFailed) {
  runner_.add("t.no", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.stream("the reason\n");
    return Failed{FailureClass::Permanent, Error("t.no", "no"), {}};
  });
  run(task(R"([{"id":"s","kind":"call","capability":"t.no"}])"));
  EXPECT_EQ(whole(1), "the reason\n");
}

TEST_F(StreamsTest, TakeNothingFromARunThatDoesNotCount) {
  runner_.add("t.say", [](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.stream("mine");
    return Completed{};
  });
  run(task(R"([{"id":"s","kind":"call","capability":"t.say"}])"));
  const StepKey step{receipt_.execution_no, 1};
  EXPECT_FALSE(*write({step, 1, 1, 4, " and his", 0, false}));  // It has ended.
  EXPECT_FALSE(*write({step, 7, 1, 0, "later", 0, false}));
  EXPECT_FALSE(*write({{receipt_.execution_no, 9}, 1, 1, 0, "nobody", 0, false}));
  EXPECT_EQ(whole(1), "mine");
}

TEST_F(StreamsTest, ArePagedFromAnyOffset) {
  const std::string text = "0123456789é" + std::string(3 * kStreamChunkBytesMax, 'x') + "end";
  runner_.add("t.say", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    context.stream(text);
    return Completed{};
  });
  run(task(R"([{"id":"s","kind":"call","capability":"t.say"}])"));
  EXPECT_EQ(whole(1), text);
  EXPECT_EQ(read(1, {0, 11})->offset, 12);  // The middle of a character.
  const auto at = static_cast<std::int64_t>(2 * kStreamChunkBytesMax);
  for (const std::int64_t offset : {at - 1, at, at + 1}) {
    const auto page = read(1, {0, offset}, 10);
    EXPECT_EQ(page->offset, offset);
    EXPECT_EQ(text.substr(static_cast<std::size_t>(offset), page->text.size()), page->text);
    EXPECT_FALSE(page->text.empty());
  }
}

TEST_F(StreamsTest, OfAProcessThatDiedAreNotDoubled) {
  std::latch begun(1);
  runner_.add("t.say", [&](const StepInvocation& in, StepContext& context) -> StepOutcome {
    context.stream("begins, epoch " + std::to_string(in.epoch) + "\n");
    if (in.epoch == 1) {
      while (whole(1).empty()) std::this_thread::yield();
      begun.count_down();
      while (!context.stop().stop_requested()) std::this_thread::yield();
      context.stream("a zombie\n");
      return Completed{};
    }
    context.stream("ends\n");
    return Completed{};
  });
  auto first = engine("boot1");
  first->start(runner_);
  CreateTask what = task(R"([{"id":"s","kind":"call","capability":"t.say"}])");
  const auto receipt = first->create(std::move(what));
  ASSERT_TRUE(receipt.ok());
  receipt_ = *receipt;
  begun.wait();
  live_.erase("boot1");
  auto second = engine("boot2");
  second->start(runner_);
  ASSERT_TRUE(second->resume(receipt->task_id).ok());
  EXPECT_EQ(finish(*second, receipt->task_id).task.state, TaskState::Completed);
  first.reset();
  const auto page = read(1, {});
  EXPECT_EQ(page->text, "begins, epoch " + std::to_string(page->stream.run) + "\nends\n");
  EXPECT_GT(page->stream.run, 1);
}

const storage::Statement kAge{
    .id = "streams_test.age", .access = storage::Access::Write, .sql = "UPDATE streams SET drop_at = drop_at - ?1"};
const storage::Statement kForgetSteps{
    .id = "streams_test.forget_steps", .access = storage::Access::Write, .sql = "DELETE FROM steps"};
const storage::Statement* const kStatements[] = {&kAge, &kForgetSteps};

/// On rows alone.
class OldStreamsTest : public DatabaseTest {
 protected:
  OldStreamsTest() : DatabaseTest(kStatements) {}

  void step(std::int64_t execution_no, StepState state) {
    const storage::Bind null(std::nullopt);
    const std::int64_t epoch = 1;
    const auto written = write([&](storage::WriteTx& tx) {
      return tx.exec(sql::kInsertStep, {execution_no, 1, 0, null, null, static_cast<int>(state), 1, 0, epoch, 0, "boot",
                                        1, 0, null, 0, null, null, null});
    });
    ASSERT_TRUE(written.ok()) << describe(written.error());
  }
  void say(std::int64_t execution_no) {
    EXPECT_TRUE(write([&](storage::WriteTx& tx) {
                  return stream_store::write(tx, {{execution_no, 1}, 1, 1, 0, "words", 0, true});
                }).value());
  }
  void let_pass(Micros time) {
    EXPECT_TRUE(write([&](storage::WriteTx& tx) { return tx.exec(kAge, {time}); }).ok());
  }
  std::int64_t drop_old() {
    const auto dropped = write([&](storage::WriteTx& tx) { return stream_store::drop_old(tx, tx.now(), 100); });
    EXPECT_TRUE(dropped.ok());
    return dropped.ok() ? dropped->streams : -1;
  }
  std::string said(std::int64_t execution_no) {
    return read([&](storage::ReadTx& tx) { return read_stream(tx, execution_no, 1, {}); })->text;
  }
};

TEST_P(OldStreamsTest, GoADayAfterTheirStep) {
  step(1, StepState::Running);
  say(1);
  let_pass(kStreamKept + kMicrosPerSecond);
  EXPECT_EQ(drop_old(), 0) << "its step hasn't ended";
  step(2, StepState::Running);
  say(2);
  EXPECT_EQ(said(1), "words");
  EXPECT_TRUE(write([&](storage::WriteTx& tx) {
                const storage::Bind null(std::nullopt);
                return tx.exec(sql::kUpdateStep,
                               {1, 1, static_cast<int>(StepState::Completed), 1, 0, 1, 0, null, null, 0, null, 0, null,
                                null, static_cast<int>(StepState::Running), 1, null});
              }).ok());
  let_pass(kStreamKept - kMicrosPerSecond);
  EXPECT_EQ(drop_old(), 0);
  let_pass(2 * kMicrosPerSecond);
  EXPECT_EQ(drop_old(), 1);
  EXPECT_EQ(said(1), "");
  EXPECT_EQ(said(2), "words");
}

TEST_P(OldStreamsTest, GoInPieces) {
  for (std::int64_t no = 1; no <= 3; ++no)
    EXPECT_TRUE(write([&](storage::WriteTx& tx) -> Result<void> {
                  const storage::Bind null(std::nullopt);
                  WRENCH_TRY(tx.exec(sql::kInsertStep, {no, 1, 0, null, null, static_cast<int>(StepState::Running), 1,
                                                        0, 1, 0, "boot", 1, 0, null, 0, null, null, null}));
                  for (std::int64_t at = 0; at < 10; ++at)
                    EXPECT_TRUE(WRENCH_TRY(stream_store::write(tx, {{no, 1}, 1, 1, at, "w", 0, at == 9})));
                  WRENCH_TRY(tx.exec(kForgetSteps));
                  return {};
                }).ok());
  let_pass(kStreamKept + kMicrosPerSecond);
  std::int64_t streams = 0;
  int pieces = 0;
  for (bool more = true; more; ++pieces) {
    const auto dropped = write([&](storage::WriteTx& tx) { return stream_store::drop_old(tx, tx.now(), 4); });
    ASSERT_TRUE(dropped.ok()) << describe(dropped.error());
    streams += dropped->streams;
    more = dropped->more;
  }
  EXPECT_EQ(streams, 3);
  EXPECT_GT(pieces, 7) << "each is short";
  for (std::int64_t no = 1; no <= 3; ++no) EXPECT_EQ(said(no), "");
}

INSTANTIATE_TEST_SUITE_P(Databases, OldStreamsTest, kBothDatabases, database_name);

}  // namespace
}  // namespace wrench::workflow
