#include "wrench/workflow/checker.hpp"

#include <filesystem>
#include <latch>

#include "engine_test.hpp"

namespace wrench::workflow {
namespace {

using storage::Access;
using storage::Statement;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// One way in which rows can be wrong, and what the checker says.
struct Wrong {
  Statement change;
  std::string problem;
};

const Wrong kWrongs[] = {
    {{.id = "t.0", .access = Access::Write, .sql = "UPDATE steps SET state = 1 WHERE step_no = 1"},
     "step 1 is open in an ended execution"},
    {{.id = "t.1", .access = Access::Write, .sql = "DELETE FROM journal WHERE seq = 2"}, "has a gap"},
    {{.id = "t.2", .access = Access::Write, .sql = "UPDATE task_executions SET steps_done = 7"}, "counts"},
    {{.id = "t.3", .access = Access::Write, .sql = "UPDATE task_executions SET completed_at = NULL"},
     "has an end and none"},
    {{.id = "t.4", .access = Access::Write, .sql = "UPDATE tasks SET status = 'pending'"},
     "status isn't that of its state"},
    {{.id = "t.5", .access = Access::Write, .sql = "DELETE FROM events WHERE seq = 1"}, "the event log has a gap"},
    {{.id = "t.6", .access = Access::Write, .sql = "UPDATE event_clock SET next = next + 1"}, "the event clock"},
    {{.id = "t.7", .access = Access::Write, .sql = "INSERT INTO ready VALUES ('cpu@x', 1, 1, 1)"},
     "isn't ready but queued"},
    {{.id = "t.8", .access = Access::Write, .sql = "INSERT INTO timers VALUES (1, 1, 0, 5, 1)"},
     "ended but has timers"},
    {{.id = "t.9", .access = Access::Write, .sql = "UPDATE steps SET node = 99"}, "a node that its plan doesn't have"},
    {{.id = "t.10", .access = Access::Write, .sql = "UPDATE steps SET state = 5, cursor = 'x' WHERE step_no = 2"},
     "has a cursor that can't be read"},
    {{.id = "t.11", .access = Access::Write, .sql = "UPDATE steps SET attempt = 99"}, "was tried more often"},
    {{.id = "t.12",
      .access = Access::Write,
      .sql = "UPDATE journal SET data = '{\"epoch\":9}' WHERE kind = 'completed'"},
     "the result of another attempt"},
    {{.id = "t.13",
      .access = Access::Write,
      .sql = "UPDATE blobs SET body = x'00'",
      .postgres = {.sql = "UPDATE blobs SET body = '\\x00'"}},
     "is damaged"},
    {{.id = "t.14",
      .access = Access::Write,
      .sql = "UPDATE journal SET blob = zeroblob(32) WHERE seq = 1",
      .postgres = {.sql = "UPDATE journal SET blob = decode(repeat('00', 32), 'hex') WHERE seq = 1"}},
     "contents that its journal names are missing"},
    {{.id = "t.15", .access = Access::Write, .sql = "UPDATE task_executions SET status = 'cancelled'"},
     "isn't in the state that its newest event tells"},
    {{.id = "t.16",
      .access = Access::Write,
      .sql = "INSERT INTO effects VALUES ('k', 1, 99, 1, '{}', 1, NULL, NULL, 0)"},
     "effects that no step can have had"},
    {{.id = "t.17", .access = Access::Write, .sql = "UPDATE steps SET output_seq = 999 WHERE step_no = 1"},
     "an output that isn't in the journal"},
    {{.id = "t.18", .access = Access::Write, .sql = "UPDATE journal SET data = 'x' WHERE kind = 'claim'"},
     "can't be read"},
};

/// Those that only a shared store can have. Some tasks run, one waits to be begun.
const Wrong kSharedWrongs[] = {
    {{.id = "t.s0",
      .access = Access::Write,
      .sql = "DELETE FROM ready WHERE queue = 'cpu' AND step_no = (SELECT max(step_no) FROM steps WHERE state = 1)"},
     "is ready but not queued once"},
    {{.id = "t.s1", .access = Access::Write, .sql = "UPDATE ready SET queue = 'cpu@gone' WHERE queue = 'cpu'"},
     "is ready but not queued once"},
    {{.id = "t.s2", .access = Access::Write, .sql = "UPDATE steps SET worker_boot = 'ghost' WHERE state = 3"},
     "runs in a worker that nobody knows"},
    {{.id = "t.s3", .access = Access::Write, .sql = "DELETE FROM ready WHERE queue = 'start'"},
     "is to begin, but nobody is told"},
    {{.id = "t.s4", .access = Access::Write, .sql = "INSERT INTO ready VALUES ('start', 1, 999, 0)"},
     "is to begin, but doesn't exist"},
    {{.id = "t.s5", .access = Access::Write, .sql = "UPDATE task_executions SET owner_boot = 'b' WHERE id = 1"},
     "belongs to one process, though workers share it"},
    {{.id = "t.s6", .access = Access::Write, .sql = "UPDATE task_executions SET paused = 4 WHERE id = 1"},
     "is held back by a restore only half"},
};

std::vector<const Statement*> changes() {
  std::vector<const Statement*> out;
  for (const Wrong& wrong : kWrongs) out.push_back(&wrong.change);
  for (const Wrong& wrong : kSharedWrongs) out.push_back(&wrong.change);
  return out;
}

class CheckerTest : public EngineTest {
 protected:
  void reopen(const std::string& where) {
    store_.reset();
    storage::StoreConfig config;
    (on_postgres() ? config.database_url : config.directory) = where;
    static const std::vector<const Statement*> all = changes();
    config.statements = {statements(), all};
    config.wal_reserve_bytes = 0;
    store_ = std::move(*storage::Store::open(std::move(config), clock_, random_));
  }
};

// Its first input is too long for a row.
const std::string kThree =
    R"([{"id":"a","kind":"call","capability":"t.echo","input":{"x":")" + std::string(5'000, 'x') +
    R"("}},)"
    R"({"id":"m","kind":"map","needs":["a"],"over":"[1,2]","as":"i","body":{"kind":"call","capability":"t.echo"}},)"
    R"({"id":"b","kind":"call","capability":"t.echo","needs":["m"]}])";

TEST_F(CheckerTest, FindsNothingWrongInWhatTheEngineLeaves) {
  ASSERT_EQ(run(task(kThree)).task.state, TaskState::Completed);
  const auto report = check_store(*store_, {});
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_THAT(report->skipped, IsEmpty());
  EXPECT_EQ(report->executions, 1);
  EXPECT_EQ(report->steps, 5);
  EXPECT_GT(report->journal_entries, 5);
  EXPECT_GT(report->events, 1);
  EXPECT_GE(report->contents, 1);
}

TEST_F(CheckerTest, NamesWhatIsTooLargeToBeLookedAt) {
  ASSERT_EQ(run(task(kThree)).task.state, TaskState::Completed);
  CheckOptions options;
  options.rows_max = 4;
  const auto report = check_store(*store_, options);
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->problems, IsEmpty());
  EXPECT_THAT(report->skipped, ElementsAre("execution " + receipt_.execution_id));
  EXPECT_EQ(report->executions, 0);
}

void expect_found(storage::Store& store, const Wrong& wrong) {
  const auto changed = store.write([&](storage::WriteTx& tx) -> Result<void> {
    EXPECT_GT(WRENCH_TRY(tx.exec(wrong.change)), 0) << wrong.change.id;
    return {};
  });
  ASSERT_TRUE(changed.ok()) << wrong.change.id << ": " << describe(changed.error());
  const auto report = check_store(store, {});
  ASSERT_TRUE(report.ok()) << describe(report.error());
  EXPECT_THAT(report->problems, Contains(HasSubstr(wrong.problem))) << wrong.change.id;
}

TEST_F(CheckerTest, FindsWhatIsWrong) {
  if (on_postgres()) GTEST_SKIP() << "there it isn't a file that could be copied";
  ASSERT_EQ(run(task(kThree)).task.state, TaskState::Completed);
  store_.reset();
  for (const Wrong& wrong : kWrongs) {
    const std::string copy = dir_ / std::string(wrong.change.id);
    std::filesystem::copy(dir_ / "data", copy);
    reopen(copy);
    expect_found(*store_, wrong);
  }
}

/// A store on PostgreSQL that is put back after each change.
class SharedCheckerTest : public CheckerTest {
 protected:
  SharedCheckerTest() {
    if (on_postgres()) reopen(url_ = storage::testing::PostgresServer::shared().new_schema_url());
  }
  static void sql(const std::string& text, const std::string& url) {
    const auto done = storage::testing::PostgresServer::shared().sql(text, url);
    ASSERT_TRUE(done.ok()) << describe(done.error());
  }
  void keep() const {
    sql("DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP "
        "EXECUTE format('CREATE TABLE %I AS SELECT * FROM %I', 'kept_' || t, t); END LOOP; END $$",
        url_);
  }
  void put_back() const {
    sql("SET session_replication_role = replica; DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables "
        "WHERE schemaname = current_schema() AND NOT starts_with(tablename, 'kept_') AND tablename NOT IN "
        "('store_writers', 'store_meta') LOOP EXECUTE format('DELETE FROM %I; INSERT INTO %I SELECT * FROM %I', t, t, "
        "'kept_' || t); END LOOP; END $$",
        url_);
  }
  template <std::size_t N>
  void expect_all_found(const Wrong (&wrongs)[N]) {
    keep();
    EXPECT_THAT(check_store(*store_, {})->problems, IsEmpty());
    for (const Wrong& wrong : wrongs) {
      expect_found(*store_, wrong);
      put_back();
    }
    EXPECT_THAT(check_store(*store_, {})->problems, IsEmpty());
  }

  std::string url_;
};

TEST_F(SharedCheckerTest, FindsWhatIsWrong) {
  if (!on_postgres()) GTEST_SKIP();
  ASSERT_EQ(run(task(kThree)).task.state, TaskState::Completed);
  expect_all_found(kWrongs);
}

TEST_F(SharedCheckerTest, FindsWhatWorkersWouldMiss) {
  if (!on_postgres()) GTEST_SKIP();
  std::latch begun{4}, go_on{1};
  runner_.add("t.hold", [&](const StepInvocation& in, StepContext&) -> StepOutcome {
    begun.count_down();
    go_on.wait();
    return Completed{in.input, {}};
  });
  {
    auto worker = engine();
    worker->start(runner_);
    std::string nodes;
    for (int i = 0; i < 6; ++i)
      nodes += (i == 0 ? "[" : ",") + std::string(R"({"kind":"call","capability":"t.hold","id":"n)") +
               std::to_string(i) + "\"}";
    receipt_ = *worker->create(task(nodes + "]"));
    begun.wait();
    keep();
    go_on.count_down();
    finish(*worker, receipt_.task_id);
  }
  // As if that worker had died in the middle, and a task had come after.
  put_back();
  sql("DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND "
      "starts_with(tablename, 'kept_') LOOP EXECUTE format('DROP TABLE %I', t); END LOOP; END $$",
      url_);
  ASSERT_TRUE(engine("boot2")->create(task(kThree)).ok());
  expect_all_found(kSharedWrongs);
}

TEST_F(CheckerTest, StopsWhenAsked) {
  run(task(kThree));
  StopSource stop;
  stop.request_stop();
  CheckOptions options;
  options.stop = stop.token();
  EXPECT_EQ(check_store(*store_, options).error().code, "workflow.check_stopped");
}

}  // namespace
}  // namespace wrench::workflow
