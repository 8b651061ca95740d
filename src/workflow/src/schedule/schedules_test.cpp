#include "wrench/workflow/schedules.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <thread>

#include "../store_test.hpp"
#include "schedule_decision.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using storage::Access;
using storage::Statement;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Nobody's clock comes to a multiple of it during a test.
constexpr std::string_view kSpec = "every 50d";
constexpr Micros kPeriod = 50 * kMicrosPerDay;

// The past is made by moving what is to come: PostgreSQL's clock can't be moved.
const Statement kAge{.id = "t.age",
                     .access = Access::Write,
                     .sql = "UPDATE schedules SET fire_at = fire_at - ?1, next_at = next_at - ?1 WHERE name = ?2"};
const Statement kMoveZone{.id = "t.zone", .access = Access::Write, .sql = "UPDATE schedules SET tz = ?1"};
const Statement kEnd{
    .id = "t.end", .access = Access::Write, .sql = "UPDATE tasks SET status = ?1, state = ?1 WHERE task_id = ?2"};
const Statement kForget{.id = "t.forget", .access = Access::Write, .sql = "DELETE FROM schedule_runs WHERE state = 2"};
const Statement kTasks{.id = "t.tasks", .sql = "SELECT idempotency_key, task_id FROM tasks ORDER BY id"};
const Statement* const kOfTest[] = {&kAge, &kMoveZone, &kEnd, &kForget, &kTasks};

class SchedulesTest : public DatabaseTest {
 protected:
  SchedulesTest() : DatabaseTest(kOfTest) {
    schedules_.emplace(on(*store_));
    plan_ = *Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.echo"}]})");
  }

  Schedules on(storage::Store& store) {
    return {store, clock_, random_, [this](const Schedule& schedule) -> Result<CreateTask> {
              ++plans_;
              if (planner_fails_) return Error("t.gone", "the folder is gone");
              CreateTask task;
              task.title = "of " + schedule.what.name;
              task.plan = plan_;
              return task;
            }};
  }

  Schedule create(Overlap overlap, std::string name = "a") {
    ScheduleDraft draft;
    draft.name = std::move(name);
    draft.spec = kSpec;
    draft.overlap = overlap;
    draft.catchup = kScheduleCatchupMax;
    draft.task_template = Json::object({{"what", "ever"}});
    auto made = schedules_->create(std::move(draft));
    EXPECT_TRUE(made.ok()) << describe(made.error());
    return *made;
  }
  Schedule find(std::string_view name = "a") { return *schedules_->find(name); }

  void change(const Statement& statement, std::vector<storage::Bind> binds) {
    auto done = write([&](storage::WriteTx& tx) { return tx.exec(statement, binds); });
    ASSERT_TRUE(done.ok()) << describe(done.error());
    ASSERT_GE(*done, 1);
  }
  /// So many times become due, those that had their task included.
  void age(int periods, std::string_view name = "a") { change(kAge, {periods * kPeriod, name}); }
  void end(const std::string& task_id, std::string_view state = "completed") { change(kEnd, {state, task_id}); }

  ScheduleTurn turn() {
    auto out = schedules_->turn();
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return *out;
  }
  /// Of the one schedule that had something to do; an empty report if none had.
  ScheduleReport report() {
    auto out = turn().reports;
    EXPECT_LE(out.size(), 1u);
    return out.empty() ? ScheduleReport{} : out.front();
  }

  std::vector<std::string> keys() {
    std::vector<std::string> out;
    const auto rows = *store_->read([](storage::ReadTx& tx) { return tx.query(kTasks); });
    for (const auto row : rows) out.emplace_back(row.text(0));
    return out;
  }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    const auto page = *store_->read([](storage::ReadTx& tx) { return storage::event_log::read(tx, {}, {1, 0}, 1000); });
    for (const auto& event : page.events)
      if (event.what.subject_kind == "schedule") out.push_back(event.what.type);
    return out;
  }

  std::shared_ptr<const Plan> plan_;
  std::atomic<int> plans_ = 0;
  std::string paused_;
  bool planner_fails_ = false;
  std::optional<Schedules> schedules_;
};

TEST_P(SchedulesTest, AreMadeFoundListedAndDeleted) {
  const Schedule made = create(Overlap::BufferAll, "nightly");
  EXPECT_TRUE(made.schedule_id.starts_with("sch_"));
  const Micros now = *schedules_->now_us();
  EXPECT_GT(*made.fire_at, now);
  EXPECT_LE(*made.fire_at, now + kPeriod);
  EXPECT_EQ(made.next_at, made.fire_at);
  EXPECT_EQ(made.what.overlap, Overlap::BufferAll);
  EXPECT_EQ(find("nightly").schedule_id, made.schedule_id);
  EXPECT_EQ(find(made.schedule_id).what.task_template, made.what.task_template);
  create(Overlap::Skip, "early");
  const auto all = *schedules_->list();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].what.name, "early");
  ASSERT_TRUE(schedules_->remove(made, "user:ada").ok());
  EXPECT_EQ(schedules_->find("nightly").error().code, "workflow.schedule_not_found");
  EXPECT_EQ(schedules_->pause(made, "", "user:ada").error().code, "workflow.schedule_not_found");
  EXPECT_THAT(events(), ElementsAre("schedule.created", "schedule.created", "schedule.deleted"));
  EXPECT_FALSE(turn().reports.size());
}

TEST_P(SchedulesTest, RefuseWhatIsWrong) {
  const auto refused = [&](auto spoil) {
    ScheduleDraft draft;
    draft.name = "a";
    draft.spec = "@daily";
    spoil(draft);
    const auto made = schedules_->create(std::move(draft));
    return made.ok() ? std::string("made") : made.error().code;
  };
  EXPECT_EQ(refused([](auto& d) { d.name = ""; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.name = "-a"; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.name = "A b"; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.name = std::string(kScheduleNameBytesMax + 1, 'a'); }),
            "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.spec = "61 * * * *"; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.spec = "at 2001-01-01T00:00:00Z"; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.zone = "Mars/Olympus"; }), "base.unknown_time_zone");
  EXPECT_EQ(refused([](auto& d) { d.catchup = kScheduleCatchupMax + 1; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.jitter = kScheduleJitterMax + 1; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.jitter = -1; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.failures_max = kScheduleFailuresMax + 1; }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.task_template = Json(std::string(kScheduleTemplateBytesMax, 'x')); }),
            "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.task_template = Json(std::string("a\0b", 3)); }), "workflow.invalid_schedule");
  EXPECT_EQ(refused([](auto& d) { d.name = std::string(kScheduleNameBytesMax, 'a'); }), "made");
  EXPECT_EQ(refused([](auto&) {}), "made");
  EXPECT_EQ(refused([](auto&) {}), "workflow.schedule_exists");
  EXPECT_THAT(parse_overlap("terminate_other").error().message, HasSubstr("cancel_other"));
  EXPECT_EQ(parse_overlap("").error().code, "workflow.invalid_schedule");
}

TEST_P(SchedulesTest, EveryTimeHasOneTask) {
  const Schedule made = create(Overlap::AllowAll);
  EXPECT_EQ(turn().next_at, made.next_at);
  EXPECT_THAT(keys(), SizeIs(0));
  age(3);
  EXPECT_THAT(report().begun, SizeIs(3));
  std::vector<std::string> expected;
  for (int i = 3; i > 0; --i)
    expected.push_back("sched:" + made.schedule_id + ":" + std::to_string(*made.fire_at - i * kPeriod));
  EXPECT_EQ(keys(), expected);
  EXPECT_EQ(plans_, 1);
  EXPECT_TRUE(report().empty());
  const Schedule after = find();
  EXPECT_EQ(after.fire_at, made.fire_at);
  EXPECT_EQ(after.last_fire_at, *made.fire_at - kPeriod);
  EXPECT_EQ(after.fired, 3);
  const auto runs = *schedules_->runs(after);
  ASSERT_THAT(runs, SizeIs(3));
  EXPECT_EQ(runs[0].state, RunState::Open);
  EXPECT_EQ(runs[0].origin, "schedule");
  const auto task = *read([&](storage::ReadTx& tx) { return find_task(tx, runs[0].task_id); });
  EXPECT_EQ(task.created_by, "schedule:a");
  EXPECT_EQ(task.metadata.at("schedule").at("name").as_string(), "a");
  EXPECT_EQ(task.state, TaskState::Queued);
  EXPECT_THAT(events(), ElementsAre("schedule.created", "schedule.fired"));
}

TEST_P(SchedulesTest, SkipLeavesOutWhatComesWhileATaskIsOpen) {
  create(Overlap::Skip);
  age(3);
  auto done = report();
  ASSERT_THAT(done.begun, SizeIs(1));
  EXPECT_EQ(done.skipped, 2);
  const int plans = plans_;
  age(1);
  EXPECT_EQ(report().skipped, 1);
  EXPECT_EQ(plans_, plans) << "what begins nothing needs no plan";
  end(done.begun[0].task_id);
  EXPECT_TRUE(report().empty());
  EXPECT_EQ((*schedules_->runs(find())).front().outcome, "completed");
  age(1);
  EXPECT_THAT(report().begun, SizeIs(1));
  EXPECT_EQ(find().skipped, 3);
}

TEST_P(SchedulesTest, BufferOneKeepsTheFirstThatComes) {
  const Schedule made = create(Overlap::BufferOne);
  age(3);
  auto done = report();
  ASSERT_THAT(done.begun, SizeIs(1));
  EXPECT_EQ(done.waiting, 1u);
  EXPECT_EQ(done.skipped, 1);
  EXPECT_TRUE(report().empty());
  end(done.begun[0].task_id);
  done = report();
  ASSERT_THAT(done.begun, SizeIs(1));
  EXPECT_THAT(keys().back(), HasSubstr(std::to_string(*made.fire_at - 2 * kPeriod)));
  end(done.begun[0].task_id, "failed");
  EXPECT_TRUE(report().empty());
  EXPECT_EQ(find().failures, 1);
}

TEST_P(SchedulesTest, BufferAllKeepsAllInTheirOrder) {
  create(Overlap::BufferAll);
  age(3);
  auto done = report();
  EXPECT_EQ(done.waiting, 2u);
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(done.begun, SizeIs(1));
    end(done.begun[0].task_id);
    done = report();
  }
  EXPECT_THAT(done.begun, SizeIs(1));
  const auto all = keys();
  EXPECT_TRUE(std::ranges::is_sorted(all));
  EXPECT_THAT(all, SizeIs(3));
}

TEST_P(SchedulesTest, CancelOtherBeginsTheNewestOnceTheOtherHasEnded) {
  const Schedule made = create(Overlap::CancelOther);
  age(3);
  auto done = report();
  ASSERT_THAT(done.begun, SizeIs(1));
  const std::string first = done.begun[0].task_id;
  EXPECT_EQ(done.skipped, 1);
  EXPECT_THAT(done.cancel, SizeIs(0)) << "it began in this very turn";
  age(1);
  done = report();
  EXPECT_THAT(done.begun, SizeIs(0));
  EXPECT_THAT(done.cancel, ElementsAre(first));
  // Whoever was to cancel died.
  Schedules another = on(*store_);
  const auto again = *another.turn();
  ASSERT_THAT(again.reports, SizeIs(1));
  EXPECT_THAT(again.reports[0].cancel, ElementsAre(first));
  end(first, "cancelled");
  EXPECT_THAT(report().begun, SizeIs(1));
  EXPECT_THAT(keys().back(), HasSubstr(std::to_string(*made.fire_at - kPeriod)));
  EXPECT_EQ(find().failures, 0);
}

TEST_P(SchedulesTest, WhatIsNoticedTooLateIsCountedAndTold) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = kSpec;
  draft.overlap = Overlap::AllowAll;
  draft.catchup = kPeriod + kPeriod / 2;
  ASSERT_TRUE(schedules_->create(draft).ok());
  age(5);
  const auto done = report();
  // The last time lies up to a period back, the one before it up to two.
  EXPECT_EQ(static_cast<std::int64_t>(done.begun.size()) + done.missed, 5);
  EXPECT_GE(done.begun.size(), 1u);
  EXPECT_LE(done.begun.size(), 2u);
  EXPECT_EQ(find().missed, done.missed);
}

TEST_P(SchedulesTest, ALongSleepCostsLittle) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = "every 1s";
  draft.overlap = Overlap::AllowAll;
  draft.catchup = 10 * kMicrosPerSecond;
  ASSERT_TRUE(schedules_->create(draft).ok());
  change(kAge, {3650 * kMicrosPerDay, "a"});
  const auto done = report();
  EXPECT_GE(done.begun.size(), 9u);
  EXPECT_LE(done.begun.size(), 12u);
  EXPECT_GE(done.missed, static_cast<std::int64_t>(kMissedCountedMax));
  EXPECT_LE(done.missed, static_cast<std::int64_t>(kMissedCountedMax + kFireTimesMax));
  EXPECT_GT(*find().next_at, *schedules_->now_us() - 5 * kMicrosPerSecond);
}

TEST_P(SchedulesTest, PauseAfterFailuresInARow) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = kSpec;
  draft.overlap = Overlap::AllowAll;
  draft.catchup = kScheduleCatchupMax;
  draft.failures_max = 2;
  ASSERT_TRUE(schedules_->create(draft).ok());
  auto fire = [&, times = 0](std::string_view state) mutable {
    age(++times);
    const auto done = report();
    ASSERT_THAT(done.begun, SizeIs(1));
    end(done.begun[0].task_id, state);
    paused_ = report().paused;
  };
  fire("failed");
  fire("completed");
  fire("failed");
  fire("cancelled");
  EXPECT_EQ(paused_, "");
  fire("failed");
  EXPECT_EQ(paused_, "2 tasks in a row failed");
  EXPECT_TRUE(find().paused);
  EXPECT_EQ(events().back(), "schedule.paused");
  age(6);
  EXPECT_TRUE(report().empty());
  const auto resumed = *schedules_->resume(find(), "user:ada");
  EXPECT_EQ(resumed.failures, 0);
  EXPECT_GT(*resumed.next_at, *schedules_->now_us());
  EXPECT_TRUE(report().empty()) << "what came while it was paused isn't made up for";
}

TEST_P(SchedulesTest, WhatCantBePlannedIsAFailure) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = kSpec;
  draft.catchup = kScheduleCatchupMax;
  draft.failures_max = 2;
  ASSERT_TRUE(schedules_->create(draft).ok());
  planner_fails_ = true;
  age(1);
  auto done = report();
  ASSERT_TRUE(done.not_planned.has_value());
  EXPECT_EQ(done.not_planned->code, "t.gone");
  const auto run = (*schedules_->runs(find())).front();
  EXPECT_EQ(run.outcome, "not_planned");
  EXPECT_EQ(run.error, "t.gone: the folder is gone");
  EXPECT_FALSE(find().paused);
  age(2);
  done = report();
  EXPECT_EQ(done.paused, "2 tasks in a row failed");
  EXPECT_THAT(keys(), SizeIs(0));
}

TEST_P(SchedulesTest, AZoneThatIsGonePausesIt) {
  create(Overlap::Skip);
  age(1);
  change(kMoveZone, {"Mars/Olympus"});
  EXPECT_THAT(report().paused, HasSubstr("Mars/Olympus"));
  EXPECT_THAT(keys(), SizeIs(0));
  EXPECT_EQ(events().back(), "schedule.paused");
  EXPECT_EQ(schedules_->resume(find(), "user:ada").error().code, "base.unknown_time_zone");
  change(kMoveZone, {"Europe/Berlin"});
  EXPECT_FALSE(schedules_->resume(find(), "user:ada")->paused);
}

TEST_P(SchedulesTest, ChangesNameTheVersionTheyMean) {
  const Schedule made = create(Overlap::Skip);
  const Schedule paused = *schedules_->pause(made, "a holiday", "user:ada");
  EXPECT_EQ(paused.version, made.version + 1);
  EXPECT_EQ(find().pause_reason, "a holiday");
  EXPECT_EQ(schedules_->pause(made, "", "user:bob").error().code, "workflow.version_conflict");
  EXPECT_EQ(schedules_->remove(made, "user:bob").error().code, "workflow.version_conflict");
  age(1);
  EXPECT_TRUE(report().empty());
  EXPECT_EQ(schedules_->resume(paused, "user:ada")->pause_reason, "");
}

TEST_P(SchedulesTest, OneTimeComesOnce) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = "at " + format_rfc3339(*schedules_->now_us() + kPeriod);
  ASSERT_TRUE(schedules_->create(draft).ok());
  change(kAge, {kPeriod, "a"});
  EXPECT_THAT(report().begun, SizeIs(1));
  // The row's time was moved, the text wasn't: it is still to come.
  EXPECT_TRUE(find().next_at.has_value());
  change(kAge, {-kPeriod, "a"});
  EXPECT_EQ(turn().next_at, find().next_at);
}

TEST_P(SchedulesTest, TriggerFiresNow) {
  const Schedule made = *schedules_->pause(create(Overlap::Skip), "", "user:ada");
  const auto first = *schedules_->trigger(made);
  ASSERT_THAT(first.begun, SizeIs(1));
  EXPECT_TRUE(schedules_->trigger(made)->empty()) << "a time has one task";
  clock_.advance(kMicrosPerSecond);
  EXPECT_EQ(schedules_->trigger(made)->skipped, 1);
  EXPECT_THAT(schedules_->trigger(made, Overlap::AllowAll)->begun, SizeIs(1));
  EXPECT_EQ((*schedules_->runs(made)).back().origin, "trigger");
  clock_.advance(kMicrosPerSecond);
  EXPECT_THAT(schedules_->trigger(made, Overlap::CancelOther)->cancel, ::testing::Contains(first.begun[0].task_id));
  EXPECT_EQ(find().fire_at, made.fire_at);
}

TEST_P(SchedulesTest, BackfillMakesUpForThePast) {
  const Schedule made = create(Overlap::Skip);
  const Micros from = *made.fire_at - 4 * kPeriod, to = *made.fire_at - kPeriod;
  EXPECT_THAT(schedules_->backfill(made, from, to, Overlap::AllowAll)->begun, SizeIs(4));
  EXPECT_TRUE(schedules_->backfill(made, from, to, Overlap::AllowAll)->empty()) << "they have their tasks";
  // Also when nobody remembers the runs.
  const auto runs = *schedules_->runs(made);
  for (const auto& run : runs) end(run.task_id);
  EXPECT_TRUE(report().empty());
  change(kForget, {});
  EXPECT_THAT(schedules_->backfill(made, from, to, Overlap::AllowAll)->begun, SizeIs(0));
  EXPECT_THAT(keys(), SizeIs(4));
}

TEST_P(SchedulesTest, BackfillWaitsItsTurn) {
  const Schedule made = create(Overlap::AllowAll);
  const Micros from = *made.fire_at - 3 * kPeriod, to = *made.fire_at - kPeriod;
  auto done = *schedules_->backfill(made, from, to, Overlap::BufferAll);
  EXPECT_THAT(done.begun, SizeIs(1));
  EXPECT_EQ(done.waiting, 2u);
  end(done.begun[0].task_id);
  EXPECT_THAT(report().begun, SizeIs(1));
}

TEST_P(SchedulesTest, BackfillHasLimits) {
  const Schedule made = create(Overlap::Skip);
  const Micros now = *schedules_->now_us();
  const auto code = [&](const Schedule& of, Micros from, Micros to) {
    const auto done = schedules_->backfill(of, from, to, Overlap::AllowAll);
    return done.ok() ? "" : done.error().code;
  };
  EXPECT_EQ(code(made, now - kPeriod, now + kPeriod), "workflow.invalid_schedule");
  EXPECT_EQ(code(made, now, now - 1), "workflow.invalid_schedule");
  EXPECT_EQ(code(made, *made.fire_at - kPeriod + 1, now), "workflow.invalid_schedule") << "no time in it";
  ScheduleDraft often;
  often.name = "often";
  often.spec = "every 1s";
  const Schedule seconds = *schedules_->create(often);
  const Micros end = now / kMicrosPerSecond * kMicrosPerSecond;
  const Micros most = static_cast<Micros>(kBackfillTimesMax) * kMicrosPerSecond;
  EXPECT_EQ(code(seconds, end - most, end), "workflow.invalid_schedule");
  const auto done = schedules_->backfill(seconds, end - most + 1, end, Overlap::BufferAll);
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_EQ(done->waiting, kBackfillTimesMax - 1);
}

TEST_P(SchedulesTest, ManyProcessesFireEachTimeOnce) {
  const auto other = GetParam() == storage::Dialect::Postgres ? open_another() : nullptr;
  create(Overlap::AllowAll);
  create(Overlap::AllowAll, "b");
  for (int round = 0; round < 10; ++round) {
    age(2);
    age(2, "b");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        Schedules mine = on(other && i % 2 == 0 ? *other : *store_);
        EXPECT_TRUE(mine.turn().ok());
      });
    for (auto& thread : threads) thread.join();
    const auto all = keys();
    // Every age() is a step back: the same two times each.
    EXPECT_THAT(all, SizeIs(4)) << round;
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  }
}

TEST_P(SchedulesTest, OldRunsAreForgotten) {
  ScheduleDraft draft;
  draft.name = "a";
  draft.spec = "every 1s";
  const Schedule made = *schedules_->create(draft);
  const Micros end_of_past = *schedules_->now_us() / kMicrosPerSecond * kMicrosPerSecond;
  const Micros past = static_cast<Micros>(kScheduleRunsKept + 20) * kMicrosPerSecond;
  const auto done = *schedules_->backfill(made, end_of_past - past, end_of_past, Overlap::AllowAll);
  for (const auto& receipt : done.begun) end(receipt.task_id);
  turn();
  EXPECT_GE((*schedules_->runs(made)).size(), kScheduleRunsKept);
  turn();
  EXPECT_LE((*schedules_->runs(made, 1000)).size(), kScheduleRunsKept + 2) << "all but those that began meanwhile";
}

TEST_P(SchedulesTest, AJumpOfTheClockIsNoticed) {
  class Jumping final : public Clock {
   public:
    Micros now_us() const override { return wall; }
    Micros boot_us() const override { return kMicrosPerSecond; }
    Micros thread_cpu_us() const override { return 0; }
    Micros wall = 1'800'000'000 * kMicrosPerSecond;
  } clock;
  Schedules mine(*store_, clock, random_, {});
  EXPECT_FALSE(mine.turn()->clock_jump.has_value());
  clock.wall += kClockJump;
  EXPECT_FALSE(mine.turn()->clock_jump.has_value());
  clock.wall -= kClockJump + 1;
  EXPECT_EQ(mine.turn()->clock_jump, -kClockJump - 1);
  EXPECT_FALSE(mine.turn()->clock_jump.has_value());
}

INSTANTIATE_TEST_SUITE_P(Databases, SchedulesTest, kBothDatabases, database_name);

TEST(ScheduleDecision, JitterIsTheSameForWhoeverAsks) {
  Schedule schedule;
  schedule.schedule_id = "sch_01";
  schedule.what.jitter = 60 * kMicrosPerSecond;
  std::set<Micros> seen;
  for (Micros at = 0; at < 1000 * kMicrosPerDay; at += kMicrosPerDay) {
    const Micros late = schedule::due_at(schedule, at) - at;
    EXPECT_EQ(schedule::due_at(schedule, at) - at, late);
    EXPECT_GE(late, 0);
    EXPECT_LE(late, schedule.what.jitter);
    seen.insert(late / (10 * kMicrosPerSecond));
  }
  EXPECT_THAT(seen, SizeIs(::testing::Ge(6u))) << "they are spread";
  Schedule other = schedule;
  other.schedule_id = "sch_02";
  EXPECT_NE(schedule::due_at(other, 0), schedule::due_at(schedule, 0));
}

TEST(ScheduleDecision, ATimeIsDueWithItsJitter) {
  Schedule schedule;
  schedule.schedule_id = "sch_01";
  schedule.what.spec = "every 1h";
  schedule.what.jitter = 600 * kMicrosPerSecond;
  schedule.what.catchup = 0;
  const Micros hour = 3600 * kMicrosPerSecond;
  schedule::move_on(schedule, *ScheduleSpec::parse("every 1h"), *TimeZone::find("UTC"), hour);
  const auto none = [](Micros) { return false; };
  EXPECT_TRUE(schedule::decide(schedule, {}, nullptr, none, *schedule.next_at - 1).empty());
  const auto due = schedule::decide(schedule, {}, nullptr, none, *schedule.next_at);
  ASSERT_THAT(due.begin, SizeIs(1));
  EXPECT_EQ(due.begin[0].fire_at, 2 * hour);
  const auto late = schedule::decide(schedule, {}, nullptr, none, *schedule.next_at + 1);
  EXPECT_THAT(late.begin, SizeIs(0));
  EXPECT_EQ(late.after.missed, 1);
  EXPECT_EQ(late.after.fire_at, 3 * hour);
}

TEST(ScheduleDecision, WhatIsOpenHasALimit) {
  Schedule schedule;
  schedule.what.overlap = Overlap::AllowAll;
  std::vector<schedule::RunRow> runs;
  for (std::size_t i = 0; i + 1 < kScheduleOpenMax; ++i)
    runs.push_back({static_cast<Micros>(i), RunState::Open, "schedule", false, "t", TaskState::Running});
  const schedule::Asked asked{schedule::kBackfill, {5000, 5001}, Overlap::AllowAll};
  const auto decision = schedule::decide(schedule, runs, &asked, [](Micros) { return false; }, 0);
  EXPECT_THAT(decision.begin, SizeIs(1));
  EXPECT_EQ(decision.after.skipped, 1);
  for (auto& run : runs) run.state = RunState::Waiting;
  runs.push_back({0, RunState::Waiting, "schedule", false, "", std::nullopt});
  const schedule::Asked buffered{schedule::kBackfill, {5000}, Overlap::BufferAll};
  EXPECT_EQ(schedule::decide(schedule, runs, &buffered, [](Micros) { return false; }, 0).after.skipped, 1);
}

}  // namespace
}  // namespace wrench::workflow
