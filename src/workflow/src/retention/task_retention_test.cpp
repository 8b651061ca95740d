#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "../engine_test.hpp"
#include "../sql.hpp"
#include "wrench/storage/archive.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/deletion.hpp"
#include "wrench/workflow/retention.hpp"
#include "wrench/workflow/schedules.hpp"

namespace wrench::workflow {
namespace {

using storage::Statement;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Time goes by: all tasks become older.
const Statement kAgeTasks{.id = "t.age_tasks",
                          .access = storage::Access::Write,
                          .sql = "UPDATE tasks SET created_at = created_at - ?1, updated_at = updated_at - ?1"};
const Statement kFindings{.id = "t.findings", .sql = "SELECT count(*) FROM findings"};
constexpr std::string_view kOneStep = R"([{"id":"a","kind":"call","capability":"t.echo"}])";

class TaskRetentionTest : public EngineTest {
 protected:
  TaskRetentionTest() {
    static const Statement* const mine[] = {&kAgeTasks, &kFindings};
    open_store(mine);
  }

  void let_pass(Micros time) {
    EXPECT_TRUE(store_
                    ->write([&](storage::WriteTx& tx) -> Result<void> {
                      WRENCH_TRY(tx.exec(kAgeTasks, {time}));
                      return {};
                    })
                    .ok());
  }
  static RetentionPolicy policy(std::string_view yaml) { return *RetentionPolicy::parse(yaml, "retention.yaml"); }
  /// How many tasks went.
  std::int64_t turn(std::string_view yaml, Retention::Extent extent = Retention::Extent::All) {
    Retention all(*store_, clock_, policy(yaml), folder_);
    const auto due = all.preview();
    EXPECT_TRUE(due.ok()) << describe(due.error());
    const auto done = all.turn({}, Retention::Time::Now, extent);
    EXPECT_TRUE(done.ok()) << describe(done.error());
    if (!done.ok()) return -1;
    if (extent == Retention::Extent::All) EXPECT_EQ(due->due[kTasks], done->removed[kTasks]);
    return done->removed[kTasks];
  }
  void purge_all() {
    const auto done = purge(*store_, clock_, {});
    ASSERT_TRUE(done.ok()) << describe(done.error());
    EXPECT_TRUE(done->all);
  }
  std::vector<std::string> tasks() {
    std::vector<std::string> out;
    const auto page = store_->read([](storage::ReadTx& tx) { return list_tasks(tx, {}); });
    for (const auto& task : page->tasks) out.push_back(task.task_id);
    return out;
  }
  std::vector<storage::ArchiveEntry> archived() {
    std::vector<storage::ArchiveEntry> out;
    const auto files = storage::list_archive_files(folder_);
    for (const auto& file : *files)
      EXPECT_TRUE(storage::walk_archive(file, [&](storage::ArchiveEntry entry) {
                    out.push_back(std::move(entry));
                    return true;
                  }).ok());
    return out;
  }
  static std::vector<Json> lines(const storage::ArchiveEntry& entry, std::string_view type) {
    std::vector<Json> out;
    const auto read = storage::read_archived(entry, [&](std::string_view line) -> Result<void> {
      auto json = WRENCH_TRY(codec::parse_json(line));
      if (json.at("type").as_string() == type) out.push_back(std::move(json));
      return {};
    });
    EXPECT_TRUE(read.ok()) << describe(read.error());
    return out;
  }
  void expect_sound() {
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, IsEmpty());
  }

  static constexpr std::size_t kTasks = static_cast<std::size_t>(RetentionKind::Tasks);
  const std::string folder_ = dir_ / "archive";
};

TEST_F(TaskRetentionTest, TasksGoByTheirStatusAndAreInTheArchive) {
  runner_.add("t.large", [](const StepInvocation&, StepContext&) {
    return Completed{Json::object({{"text", std::string(5'000, 'x') + "ä"}}), {}};
  });
  auto e = engine();
  e->start(runner_);
  CreateTask what = task(R"([{"id":"big","kind":"call","capability":"t.large"},
    {"id":"c","kind":"child","plan":{"v":1,"nodes":[{"id":"x","kind":"call","capability":"t.echo"}]}}])");
  what.inputs = Json::object({{"who", "ann"}});
  what.title = "the first";
  const auto done = e->create(what).value();
  EXPECT_EQ(finish(*e, done.task_id).task.state, TaskState::Completed);
  const auto failed = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])")).value();
  finish(*e, failed.task_id);
  const auto open = e->create(task(R"([{"id":"w","kind":"wait","on":"signal","name":"go"}])")).value();
  finish(*e, open.task_id);
  const auto cancelled = e->create(task(kOneStep)).value();
  finish(*e, cancelled.task_id);
  EXPECT_EQ(turn("tasks: 1d"), 0) << "they have just ended";
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: forever"), 0);
  EXPECT_EQ(turn("tasks: {completed: 3d, cancelled: 1d}"), 0);
  EXPECT_EQ(turn("tasks: {completed: 36h}"), 2);
  EXPECT_THAT(tasks(), ::testing::Not(Contains(done.task_id)));
  EXPECT_THAT(tasks(), Contains(failed.task_id));
  purge_all();
  EXPECT_THAT(tasks(), SizeIs(2)) << "the child went with it";
  expect_sound();
  const auto entries = archived();
  ASSERT_THAT(entries, SizeIs(2));
  const auto entry = *std::ranges::find_if(
      entries, [&](const auto& one) { return one.header.at("task").as_string() == done.task_id; });
  EXPECT_EQ(entry.header.at("title").as_string(), "the first");
  EXPECT_EQ(entry.header.at("state").as_string(), "completed");
  const auto its = lines(entry, "task");
  ASSERT_THAT(its, SizeIs(2)) << "with the child";
  EXPECT_EQ(its[0].at("inputs").at("who").as_string(), "ann");
  EXPECT_EQ(its[1].at("parent").as_string(), done.task_id);
  EXPECT_THAT(lines(entry, "execution"), SizeIs(2));
  EXPECT_THAT(lines(entry, "plan"), SizeIs(2));
  const auto steps = lines(entry, "step");
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_EQ(steps[0].at("node").as_string(), "big");
  EXPECT_EQ(steps[0].at("state").as_string(), "completed");
  EXPECT_GT(lines(entry, "journal").size(), 6U);
  EXPECT_GT(lines(entry, "event").size(), 1U);
  const auto contents = lines(entry, "content");
  ASSERT_THAT(contents, SizeIs(1));
  EXPECT_THAT(std::string(contents[0].at("text").as_string()), ::testing::HasSubstr("xxxä"));
  const auto journal = lines(entry, "journal");
  EXPECT_TRUE(std::ranges::any_of(journal, [&](const Json& one) {
    return one.at("data").at("blob").as_string() == contents[0].at("hash").as_string();
  })) << "the journal says where it belongs";
}

TEST_F(TaskRetentionTest, WhatOthersNeedStays) {
  auto e = engine();
  e->start(runner_);
  const auto failed = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])")).value();
  finish(*e, failed.task_id);
  CreateTask dependent = task(kOneStep);
  dependent.depends_on = {{failed.task_id}};
  const auto blocked = e->create(dependent).value();
  const auto parent = e->create(task(R"([{"id":"c","kind":"child","parent_close":"abandon","expires_ms":20,
      "plan":{"v":1,"nodes":[{"id":"w","kind":"wait","on":"signal","name":"go"}]}}])"))
                          .value();
  while (finish(*e, parent.task_id).task.state != TaskState::Failed) std::this_thread::yield();
  const auto done = e->create(task(kOneStep)).value();
  finish(*e, done.task_id);
  CreateTask after = task(R"([{"id":"w","kind":"wait","on":"signal","name":"go"}])");
  after.depends_on = {{done.task_id}};
  const auto later = e->create(after).value();
  EXPECT_EQ(finish(*e, later.task_id).task.state, TaskState::Waiting);
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 1) << "the one that completed: nobody waits for it any more";
  EXPECT_THAT(tasks(), ::testing::IsSupersetOf({failed.task_id, blocked.task_id, parent.task_id, later.task_id}));
  purge_all();
  expect_sound();
  ASSERT_TRUE(e->signal(later.task_id, "go", Json(1)).ok());
  EXPECT_EQ(finish(*e, later.task_id).task.state, TaskState::Completed);
  ASSERT_TRUE(e->cancel(blocked.task_id, "").ok());
  finish(*e, blocked.task_id);
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 3) << "all but the one whose child still runs";
  EXPECT_THAT(archived(), SizeIs(4));
}

TEST_F(TaskRetentionTest, AForkKeepsWhatItGoesBackTo) {
  auto e = engine();
  e->start(runner_);
  const auto made = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"},
    {"id":"w","kind":"wait","on":"signal","name":"go","needs":["a"]}])"))
                        .value();
  finish(*e, made.task_id);
  ASSERT_TRUE(e->signal(made.task_id, "go", Json(1)).ok());
  while (finish(*e, made.task_id).task.state != TaskState::Completed) std::this_thread::yield();
  const auto fork = e->fork(made.task_id, {.from = "w", .edits = {}});
  ASSERT_TRUE(fork.ok()) << describe(fork.error());
  while (finish(*e, made.task_id).task.state != TaskState::Waiting) std::this_thread::yield();
  let_pass(400 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 0) << "it goes on, and reads what the first execution did";
  ASSERT_TRUE(e->signal(made.task_id, "go", Json(2)).ok());
  while (finish(*e, made.task_id).task.state != TaskState::Completed) std::this_thread::yield();
  expect_sound();
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 1) << "both executions with it";
  const auto entries = archived();
  const auto executions = lines(entries.at(0), "execution");
  ASSERT_THAT(executions, SizeIs(2));
  EXPECT_EQ(executions[1].at("forked_from").as_string(), executions[0].at("execution").as_string());
  EXPECT_THAT(lines(entries.at(0), "step"), SizeIs(3)) << "each by the execution that ran it";
  purge_all();
  expect_sound();
}

TEST_F(TaskRetentionTest, FindingsStay) {
  runner_.add("t.find", [](const StepInvocation&, StepContext&) -> StepOutcome {
    Completed out{Json(1), {}};
    findings::Finding finding;
    finding.fingerprint = "f";
    finding.rule = "r";
    out.findings.push_back(std::move(finding));
    return out;
  });
  auto e = engine();
  e->start(runner_);
  finish(*e, e->create(task(R"([{"id":"a","kind":"call","capability":"t.find"}])")).value().task_id);
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 1);
  purge_all();
  EXPECT_EQ(store_->query(kFindings)->front().integer(0), 1);
  expect_sound();
}

TEST_F(TaskRetentionTest, GoesInFlushesAndWithoutAnArchiveIfToldSo) {
  auto e = engine();
  e->start(runner_);
  const int count = static_cast<int>(kRetentionTasksMax) + 3;
  for (int i = 0; i < count; ++i) finish(*e, e->create(task(kOneStep)).value().task_id);
  let_pass(2 * kMicrosPerDay);
  constexpr std::string_view kNoArchive = "{tasks: 1d, archive: false}";
  EXPECT_EQ(turn(kNoArchive, Retention::Extent::OneFlush), static_cast<std::int64_t>(kRetentionTasksMax));
  EXPECT_EQ(turn(kNoArchive), 3);
  EXPECT_FALSE(std::filesystem::exists(folder_));
  purge_all();
  EXPECT_THAT(tasks(), IsEmpty());
  expect_sound();
}

TEST_F(TaskRetentionTest, NothingGoesThatCantBeArchived) {
  auto e = engine();
  e->start(runner_);
  finish(*e, e->create(task(kOneStep)).value().task_id);
  let_pass(2 * kMicrosPerDay);
  Retention nowhere(*store_, clock_, policy("tasks: 1d"));
  EXPECT_EQ(nowhere.turn({}, Retention::Time::Now).error().code, "workflow.no_archive");
  Retention somewhere(*store_, clock_, policy("tasks: 1d"), folder_);
  {
    const auto others = storage::ArchiveWriter::open(folder_, clock_.now_us());
    ASSERT_TRUE(others.ok());
    EXPECT_EQ(somewhere.turn({}, Retention::Time::Now).error().code, "runtime.locked");
  }
  const std::string month = folder_ + "/" + format_date(clock_.now_us()).substr(0, 7) + ".jsonl.zst";
  std::filesystem::remove(month);
  std::filesystem::create_symlink("/dev/full", month);
  EXPECT_EQ(somewhere.turn({}, Retention::Time::Now).error().code, "storage.full");
  EXPECT_THAT(tasks(), SizeIs(1));
  std::filesystem::remove(month);
  EXPECT_EQ(somewhere.turn({}, Retention::Time::Now)->removed[kTasks], 1);
  EXPECT_THAT(archived(), SizeIs(1));
}

TEST_F(TaskRetentionTest, SaysWhenTheNextOneMayGo) {
  auto e = engine();
  e->start(runner_);
  Retention all(*store_, clock_, policy("{tasks: 10d, events: forever}"), folder_);
  EXPECT_FALSE(all.turn({}, Retention::Time::Now)->next_at) << "there is none";
  const auto done = e->create(task(kOneStep)).value();
  finish(*e, done.task_id);
  const auto view = *store_->read([&](storage::ReadTx& tx) { return find_task(tx, done.task_id); });
  auto next = all.turn({}, Retention::Time::Now)->next_at;
  EXPECT_EQ(next, view.created_at + 10 * kMicrosPerDay);
  let_pass(20 * kMicrosPerDay);
  EXPECT_EQ(all.turn({}, Retention::Time::Now)->removed[kTasks], 1);
  const auto flushes = store_->stats().flushes;
  next = all.turn({}, Retention::Time::Now)->next_at;
  ASSERT_TRUE(next);
  EXPECT_GE(*next, view.created_at + 9 * kMicrosPerDay);
  if (!on_postgres()) EXPECT_EQ(store_->stats().flushes, flushes);
}

TEST_F(TaskRetentionTest, SchedulesDontMissTheirTasks) {
  auto e = engine();
  e->start(runner_);
  Schedules schedules(*store_, clock_, random_, [](const Schedule&) -> Result<CreateTask> { return task(kOneStep); });
  ScheduleDraft draft;
  draft.name = "nightly";
  draft.spec = "@daily";
  draft.task_template = Json::object({{"any", 1}});
  const auto made = schedules.create(draft);
  ASSERT_TRUE(made.ok()) << describe(made.error());
  const auto fired = schedules.trigger(*made);
  ASSERT_TRUE(fired.ok()) << describe(fired.error());
  ASSERT_THAT(fired->begun, SizeIs(1));
  if (!on_postgres()) ASSERT_TRUE(e->adopt_orphans().ok());
  EXPECT_EQ(finish(*e, fired->begun[0].task_id).task.state, TaskState::Completed);
  ASSERT_TRUE(schedules.turn().ok());
  let_pass(2 * kMicrosPerDay);
  EXPECT_EQ(turn("tasks: 1d"), 1);
  purge_all();
  ASSERT_TRUE(schedules.turn().ok());
  const auto runs = schedules.runs(*schedules.find("nightly"));
  ASSERT_TRUE(runs.ok());
  ASSERT_THAT(*runs, SizeIs(1)) << "that it ran is still known";
  EXPECT_EQ(runs->front().outcome, "completed");
  expect_sound();
}

}  // namespace
}  // namespace wrench::workflow
