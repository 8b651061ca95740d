#include "wrench/workflow/deletion.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

#include "engine_test.hpp"
#include "sql.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::workflow {
namespace {

using storage::Statement;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

#define WRENCH_COUNT(table) "SELECT '" table "', count(*) FROM " table
#define WRENCH_AND " UNION ALL "
/// Whatever belongs to tasks. Another table that does must be here, and be purged.
const Statement kCounts{
    .id = "t.counts",
    .sql = WRENCH_COUNT("tasks") WRENCH_AND WRENCH_COUNT("task_executions") WRENCH_AND WRENCH_COUNT("task_dependencies")
        WRENCH_AND WRENCH_COUNT("steps") WRENCH_AND WRENCH_COUNT("journal") WRENCH_AND WRENCH_COUNT("timers")
            WRENCH_AND WRENCH_COUNT("ready") WRENCH_AND WRENCH_COUNT("parked") WRENCH_AND WRENCH_COUNT("key_holders")
                WRENCH_AND WRENCH_COUNT("step_values") WRENCH_AND WRENCH_COUNT("effects")
                    WRENCH_AND WRENCH_COUNT("waits") WRENCH_AND WRENCH_COUNT("signals")
                        WRENCH_AND WRENCH_COUNT("requests") WRENCH_AND WRENCH_COUNT("finding_sightings")
                            WRENCH_AND WRENCH_COUNT("streams") WRENCH_AND WRENCH_COUNT("stream_chunks")
                                WRENCH_AND WRENCH_COUNT("budgets") WRENCH_AND WRENCH_COUNT("budget_entries")
                                    WRENCH_AND WRENCH_COUNT("budget_waits") WRENCH_AND WRENCH_COUNT("blobs")
                                        WRENCH_AND WRENCH_COUNT("blob_refs") WRENCH_AND WRENCH_COUNT("purge_queue")
                                            WRENCH_AND WRENCH_COUNT("mailboxes") WRENCH_AND WRENCH_COUNT("messages")
                                                WRENCH_AND WRENCH_COUNT("plans")};
const Statement kTablesOfExecutions{
    .id = "t.tables_of_executions",
    .sql =
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name IN "
        "('execution_id', 'task_id', 'task_no') ORDER BY m.name",
    .postgres = {.sql = "SELECT CAST(table_name AS TEXT) FROM information_schema.columns WHERE table_schema = "
                        "current_schema() AND column_name IN ('execution_id', 'task_id', 'task_no') ORDER BY 1"}};

// Who waits for a lock of a table of this store.
const Statement kWaiters{
    .id = "t.waiters",
    .sql = "SELECT 0",
    .postgres = {.sql = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE NOT l.granted AND "
                        "c.relnamespace = CAST(current_schema() AS regnamespace)"}};
const Statement kBareExecution{
    .id = "t.bare_execution",
    .access = storage::Access::Write,
    .sql =
        "INSERT INTO task_executions (id, execution_id, task_id, number, status, created_at, plan_hash, on_exhausted, "
        "next_step, steps_total, steps_done, steps_failed, steps_active, steps_held, engine_version) VALUES (?1, "
        "'exe_late', ?2, 7, 'completed', 1, ?3, 'fail', 1, 0, 0, 0, 0, 0, 'v')"};

class DeletionTest : public EngineTest {
 protected:
  DeletionTest() {
    static const Statement* const mine[] = {&kCounts, &kTablesOfExecutions, &kWaiters, &kBareExecution};
    open_store(mine);
    runner_.add(
        "t.pay",
        [](const StepInvocation& in, StepContext& context) -> StepOutcome {
          auto effect = context.begin_effect(0, Json(1));
          EXPECT_TRUE(effect.ok() && context.end_effect(*effect, Json(2)).ok());
          EXPECT_TRUE(context.journaled("now", [] { return Json(3); }).ok());
          context.stream("said\n");
          Completed out{Json::object({{"text", std::string(5'000, 'x')}, {"n", in.item.value_or(0)}}), {}};
          findings::Finding finding;
          finding.fingerprint = "f" + std::to_string(in.item.value_or(0));
          finding.rule = "r";
          out.findings.push_back(std::move(finding));
          return out;
        },
        Effect::Guarded);
  }

  /// Of tables that hold any.
  std::map<std::string, std::int64_t> counts() {
    const auto rows = store_->query(kCounts);
    EXPECT_TRUE(rows.ok()) << describe(rows.error());
    std::map<std::string, std::int64_t> out;
    for (const auto row : *rows)
      if (row.integer(1) != 0) out.emplace(row.text(0), row.integer(1));
    return out;
  }
  DeletionPreview preview(std::string_view id) {
    auto out = store_->read([&](storage::ReadTx& tx) { return preview_deletion(tx, id); });
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : DeletionPreview{};
  }
  Error refused(std::string_view id) {
    auto out = store_->read([&](storage::ReadTx& tx) { return preview_deletion(tx, id); });
    EXPECT_FALSE(out.ok());
    return out.ok() ? Error("", "") : out.error();
  }
  Purged purge_all() {
    auto out = purge(*store_, clock_, {});
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : Purged{};
  }
  void remove(std::string_view id) {
    const auto done = delete_task(*store_, preview(id).task, "ann");
    ASSERT_TRUE(done.ok()) << describe(done.error());
  }
  void expect_sound() {
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, IsEmpty());
  }
  std::vector<TaskView> tasks() {
    return store_->read([](storage::ReadTx& tx) { return list_tasks(tx, {}); })->tasks;
  }
};

TEST_F(DeletionTest, KnowsEveryTableThatBelongsToTasks) {
  const auto found = store_->query(kTablesOfExecutions);
  ASSERT_TRUE(found.ok()) << describe(found.error());
  std::vector<std::string> names;
  for (const auto row : *found) names.emplace_back(row.text(0));
  names.erase(std::unique(names.begin(), names.end()), names.end());
  // Events, findings and messages to others stay; of budgets what days and months have used, of schedules what they
  // did.
  EXPECT_THAT(names, ElementsAre("budget_entries", "budget_waits", "effects", "events", "finding_sightings", "findings",
                                 "journal", "key_holders", "messages", "parked", "ready", "requests", "schedule_runs",
                                 "signals", "step_values", "steps", "stream_chunks", "streams", "task_dependencies",
                                 "task_executions", "tasks", "timers", "waits"));
}

TEST_F(DeletionTest, TakesAlongAllThatATaskDid) {
  const MessageTypes types = *MessageTypes::make({});
  Messages messages(*store_, types, [](std::string_view) { return true; }, clock_, random_);
  auto e = engine();
  e->start(runner_);
  CreateTask what = task(R"([
    {"id":"pay","kind":"call","capability":"t.pay","budget":{"tool_calls":5}},
    {"id":"m","kind":"map","over":"[1,2,3]","as":"i","collect":"append","body":{"capability":"t.pay"}},
    {"id":"c","kind":"child","plan":{"v":1,"nodes":[
       {"id":"d","kind":"child","plan":{"v":1,"nodes":[{"id":"p","kind":"call","capability":"t.pay"}]}}]}},
    {"id":"key","kind":"call","capability":"t.echo","concurrency":{"key":"'k'","limit":1}},
    {"id":"w","kind":"wait","on":"signal","name":"go","expires_ms":600000,"needs":["pay","m","c","key"]}])");
  what.inputs = Json::object({{"large", std::string(5'000, 'y')}});
  what.budget = {{"tool_calls", 10}};
  what.idempotency_key = "once";
  receipt_ = e->create(what).value();
  EXPECT_EQ(finish(*e, receipt_.task_id).task.state, TaskState::Waiting);
  EXPECT_EQ(refused(receipt_.task_id).code, "workflow.invalid_transition");
  const auto send = [&](const std::string& receiver) {
    MessageDraft draft;
    draft.receiver = receiver;
    draft.type = "x.note";
    draft.content = Json(1);
    const auto sent = messages.send({"user:ann", 0, ""}, std::move(draft));
    EXPECT_TRUE(sent.ok()) << describe(sent.error());
  };
  send("task:" + receipt_.task_id);
  send("user:bob");
  ASSERT_TRUE(e->signal(receipt_.task_id, "other", Json(1)).ok());
  send("step:" + receipt_.execution_id + "/5");
  // The message decided the wait; the engine hears of it a little later.
  while (finish(*e, receipt_.task_id).task.state != TaskState::Completed) std::this_thread::yield();
  ASSERT_TRUE(e->fork(receipt_.task_id, {.from = "pay", .edits = {}, .repeat_effects = true}).ok());
  while (finish(*e, receipt_.task_id).task.state != TaskState::Waiting) std::this_thread::yield();
  ASSERT_TRUE(e->cancel(receipt_.task_id, "").ok());
  finish(*e, receipt_.task_id);
  // Another one, which shares contents with it.
  const auto other = e->create(task(R"([{"id":"pay","kind":"call","capability":"t.pay"}])")).value();
  finish(*e, other.task_id);

  const auto before = counts();
  for (const char* table : {"steps", "journal", "step_values", "effects", "waits", "signals", "finding_sightings",
                            "streams", "stream_chunks", "budgets", "budget_entries", "blobs", "messages", "mailboxes"})
    EXPECT_GT(before.contains(table) ? before.at(table) : 0, 0) << table;
  EXPECT_EQ(refused(tasks().at(1).task_id).code, "workflow.invalid_transition") << "a child goes with its parent";
  const DeletionPreview one = preview(receipt_.task_id);
  EXPECT_EQ(one.executions, 2U);
  EXPECT_GE(one.children, 2U);
  remove(receipt_.task_id);
  EXPECT_EQ(refused(receipt_.task_id).code, "workflow.task_not_found");
  expect_sound();
  const Purged purged = purge_all();
  EXPECT_TRUE(purged.all);
  EXPECT_GE(purged.tasks, 2);
  EXPECT_GT(purged.rows, 50);
  EXPECT_THAT(tasks(), ::testing::SizeIs(1));
  expect_sound();
  EXPECT_EQ(store_->read([&](storage::ReadTx& tx) { return read_output(tx, other.execution_no, "pay"); })
                ->at("text")
                .as_string()
                .size(),
            5'000U)
      << "the other one's contents stay";

  remove(other.task_id);
  purge_all();
  EXPECT_THAT(counts(), ElementsAre(Pair("mailboxes", 1), Pair("messages", 1))) << "what bob got";
  expect_sound();
  const auto again = e->create(what).value();
  EXPECT_FALSE(again.existed) << "its key is free";
  EXPECT_GT(again.task_no, other.task_no) << "numbers aren't given again";
  EXPECT_GT(again.execution_no, other.execution_no);
  finish(*e, again.task_id);
}

TEST_F(DeletionTest, GoesOnAfterItWasStoppedInTheMiddle) {
  auto e = engine();
  e->start(runner_);
  CreateTask what = task(R"([{"id":"m","kind":"map","over":"inputs.list","as":"i","max_parallel":1000,
                              "collect":"append","body":{"capability":"t.echo"}}])");
  Json list = Json::array();
  for (int i = 0; i < 1'800; ++i) list.push_back(i);
  what.inputs = Json::object({{"list", std::move(list)}});
  receipt_ = e->create(std::move(what)).value();
  const auto done = e->wait(receipt_.task_id, Deadline::after(clock_, 200 * kMicrosPerSecond), {});
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_EQ(done->task.state, TaskState::Completed);
  remove(receipt_.task_id);
  StopSource stopped;
  stopped.request_stop();
  const auto flushes = store_->stats().flushes;
  const auto first = purge(*store_, clock_, stopped.token());
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->all);
  EXPECT_EQ(first->rows, static_cast<std::int64_t>(kPurgeRowsMax));
  // On PostgreSQL the engine says in flushes that it lives.
  if (!on_postgres()) EXPECT_EQ(store_->stats().flushes, flushes + 1);
  expect_sound();
  const Purged rest = purge_all();
  EXPECT_TRUE(rest.all);
  EXPECT_GT(rest.rows, 100);
  const std::uint64_t turns = static_cast<std::uint64_t>(rest.rows) / kPurgeRowsMax + 1;
  if (!on_postgres()) EXPECT_EQ(store_->stats().flushes, flushes + 1 + turns);
  EXPECT_THAT(counts(), IsEmpty());
  EXPECT_EQ(purge_all().rows, 0);
}

TEST_F(DeletionTest, PlansGoWithTheLastThatHasThem) {
  auto e = engine();
  e->start(runner_);
  const auto mine = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  const auto first = e->create(mine).value(), second = e->create(mine).value();
  const auto other = e->create(task(R"([{"id":"b","kind":"call","capability":"t.echo"}])")).value();
  for (const auto& one : {first, second, other}) finish(*e, one.task_id);
  EXPECT_EQ(counts().at("plans"), 2);
  remove(first.task_id);
  purge_all();
  EXPECT_EQ(counts().at("plans"), 2) << "another has it";
  EXPECT_FALSE(counts().contains("purge_queue"));
  remove(other.task_id);
  purge_all();
  EXPECT_EQ(counts().at("plans"), 1);
  EXPECT_TRUE(store_->read([&](storage::ReadTx& tx) { return read_plan(tx, second.execution_no); }).ok());
  ASSERT_TRUE(e->fork(second.task_id, {.from = "a", .edits = {}}).ok());
  finish(*e, second.task_id);
  remove(second.task_id);
  purge_all();
  EXPECT_FALSE(counts().contains("plans"));
  const auto again = e->create(mine).value();
  EXPECT_EQ(finish(*e, again.task_id).task.state, TaskState::Completed);
  expect_sound();
}

TEST_F(DeletionTest, APlanThatATaskIsJustMadeOfStays) {
  if (!on_postgres()) GTEST_SKIP() << "one transaction at a time";
  auto e = engine();
  e->start(runner_);
  const auto mine = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  const auto gone = e->create(mine).value();
  const auto stays = e->create(task(R"([{"id":"b","kind":"call","capability":"t.echo"}])")).value();
  for (const auto& one : {gone, stays}) finish(*e, one.task_id);
  remove(gone.task_id);
  std::atomic<bool> purged = false;
  std::jthread purging;
  const auto another = open_another();
  const auto made = another->write([&](storage::WriteTx& tx) -> Result<void> {
    // It is there, so that there is nothing to insert.
    WRENCH_TRY(tx.exec(sql::kInsertPlan, {storage::Bind::bytes(mine.plan->hash()), mine.plan->body()}));
    purging = std::jthread([&] {
      purge_all();
      purged = true;
    });
    while (!purged && WRENCH_TRY(store_->query(kWaiters)).front().integer(0) == 0) std::this_thread::yield();
    EXPECT_FALSE(purged) << "it waits for whoever may be making a task";
    WRENCH_TRY(tx.exec(kBareExecution,
                       {stays.execution_no + 1'000'000, stays.task_no, storage::Bind::bytes(mine.plan->hash())}));
    return {};
  });
  ASSERT_TRUE(made.ok()) << describe(made.error());
  purging.join();
  EXPECT_EQ(counts().at("plans"), 2);
}

TEST_F(DeletionTest, TasksThatWaitForItsSuccessAreNamed) {
  auto e = engine();
  e->start(runner_);
  const auto failed = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])")).value();
  EXPECT_EQ(finish(*e, failed.task_id).task.state, TaskState::Failed);
  const auto done = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])")).value();
  finish(*e, done.task_id);
  const auto open = e->create(task(R"([{"id":"w","kind":"wait","on":"signal","name":"go"}])")).value();
  CreateTask dependent = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  dependent.depends_on = {{failed.task_id}, {done.task_id}};
  const auto blocked = e->create(dependent).value();
  dependent.depends_on = {{done.task_id}, {open.task_id}};
  const auto later = e->create(dependent).value();

  EXPECT_THAT(preview(failed.task_id).dependents, ElementsAre(blocked.task_id));
  EXPECT_EQ(delete_task(*store_, preview(failed.task_id).task, "ann").error().code, "workflow.has_dependents");
  EXPECT_THAT(preview(done.task_id).dependents, IsEmpty()) << "it completed: nothing waits for it";
  remove(done.task_id);
  ASSERT_TRUE(e->signal(open.task_id, "go", Json(1)).ok());
  EXPECT_EQ(finish(*e, later.task_id).task.state, TaskState::Completed);
  ASSERT_TRUE(e->cancel(blocked.task_id, "").ok());
  remove(failed.task_id);
  purge_all();
  expect_sound();
}

TEST_F(DeletionTest, OneThatWentOnMeanwhileIsNotDeleted) {
  auto e = engine();
  e->start(runner_);
  const auto failed = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])")).value();
  finish(*e, failed.task_id);
  const TaskView seen = preview(failed.task_id).task;
  runner_.add("t.fail", [](const StepInvocation&, StepContext&) { return Completed{Json(1), {}}; });
  ASSERT_TRUE(e->retry(failed.task_id).ok());
  finish(*e, failed.task_id);
  EXPECT_EQ(delete_task(*store_, seen, "ann").error().code, "workflow.version_conflict");
  remove(failed.task_id);
  EXPECT_EQ(delete_task(*store_, seen, "ann").error().code, "workflow.task_not_found");
}

TEST_F(DeletionTest, OfManyThoseStayThatWentOnOrAreWaitedFor) {
  auto e = engine();
  e->start(runner_);
  const auto plain = task(R"([{"id":"a","kind":"call","capability":"t.echo"}])");
  const auto goes = e->create(plain).value(), went_on = e->create(plain).value();
  const auto failed = e->create(task(R"([{"id":"a","kind":"call","capability":"t.fail"}])")).value();
  for (const auto& one : {goes, went_on, failed}) finish(*e, one.task_id);
  const std::vector<TaskView> seen = {preview(failed.task_id).task, preview(went_on.task_id).task,
                                      preview(goes.task_id).task};
  CreateTask dependent = plain;
  dependent.depends_on = {{failed.task_id}};
  ASSERT_TRUE(e->create(dependent).ok());
  ASSERT_TRUE(e->fork(went_on.task_id, {.from = "a", .edits = {}}).ok());
  while (finish(*e, went_on.task_id).task.version == seen[1].version) std::this_thread::yield();
  EXPECT_EQ(delete_tasks(*store_, seen, "system").value(), 1U);
  EXPECT_EQ(refused(goes.task_id).code, "workflow.task_not_found");
  EXPECT_EQ(delete_tasks(*store_, seen, "system").value(), 0U);
  EXPECT_THAT(tasks(), ::testing::SizeIs(3));
  purge_all();
  expect_sound();
}

TEST_F(DeletionTest, AResultThatComesAfterItHarmsNothing) {
  std::latch begun(1), go_on(1);
  runner_.add("t.deaf", [&](const StepInvocation&, StepContext& context) -> StepOutcome {
    begun.count_down();
    go_on.wait();
    EXPECT_EQ(context.checkpoint(Json(1)).error().code, "workflow.fenced");
    context.stream("too late\n");
    return Completed{Json(std::string(5'000, 'z')), {}};
  });
  auto e = engine();
  e->start(runner_);
  const auto late = e->create(task(R"([{"id":"a","kind":"call","capability":"t.deaf","retry":{"attempts":1},
                                       "timeouts":{"start_to_close_ms":20}}])"))
                        .value();
  begun.wait();
  EXPECT_EQ(finish(*e, late.task_id).task.state, TaskState::Failed);
  remove(late.task_id);
  purge_all();
  go_on.count_down();
  const auto next = e->create(task(R"([{"id":"a","kind":"call","capability":"t.echo"}])")).value();
  EXPECT_EQ(finish(*e, next.task_id).task.state, TaskState::Completed);
  while (e->look().stuck > 0) std::this_thread::yield();
  EXPECT_TRUE(e->drain(Deadline::after(clock_, 10 * kMicrosPerSecond)).ok());
  remove(next.task_id);
  purge_all();
  EXPECT_THAT(counts(), IsEmpty());
}

TEST_F(DeletionTest, WaitsForChildrenThatStillRun) {
  std::latch go_on(1);
  runner_.add("t.hold", [&](const StepInvocation&, StepContext&) -> StepOutcome {
    go_on.wait();
    return Completed{Json(1), {}};
  });
  auto e = engine();
  e->start(runner_);
  const auto parent = e->create(task(R"([{"id":"c","kind":"child","parent_close":"abandon","expires_ms":20,
                          "plan":{"v":1,"nodes":[{"id":"x","kind":"call","capability":"t.hold"}]}}])"))
                          .value();
  EXPECT_EQ(finish(*e, parent.task_id).task.state, TaskState::Failed);
  const std::string child = tasks().front().task_id;
  EXPECT_THAT(refused(parent.task_id).message, HasSubstr(child + " hasn't ended"));
  const TaskView view = *store_->read([&](storage::ReadTx& tx) { return find_task(tx, parent.task_id); });
  ASSERT_TRUE(delete_task(*store_, view, "ann").ok());
  EXPECT_FALSE(purge_all().all);
  go_on.count_down();
  EXPECT_EQ(finish(*e, child).task.state, TaskState::Completed);
  const Purged rest = purge_all();
  EXPECT_TRUE(rest.all);
  EXPECT_EQ(rest.tasks, 1);
  EXPECT_THAT(counts(), IsEmpty());
}

}  // namespace
}  // namespace wrench::workflow
