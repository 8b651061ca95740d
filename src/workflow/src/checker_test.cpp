#include "wrench/workflow/checker.hpp"

#include <filesystem>

#include "engine_test.hpp"

namespace wrench::workflow {
namespace {

using storage::Access;
using storage::Statement;
using ::testing::Contains;
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
    {{.id = "t.13", .access = Access::Write, .sql = "UPDATE blobs SET body = x'00'"}, "is damaged"},
    {{.id = "t.14", .access = Access::Write, .sql = "UPDATE journal SET blob = zeroblob(32) WHERE seq = 1"},
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

std::vector<const Statement*> changes() {
  std::vector<const Statement*> out;
  for (const Wrong& wrong : kWrongs) out.push_back(&wrong.change);
  return out;
}

class CheckerTest : public EngineTest {
 protected:
  void reopen(const std::string& directory) {
    store_.reset();
    storage::StoreConfig config;
    config.directory = directory;
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

TEST_F(CheckerTest, FindsWhatIsWrong) {
  ASSERT_EQ(run(task(kThree)).task.state, TaskState::Completed);
  store_.reset();
  for (const Wrong& wrong : kWrongs) {
    const std::string copy = dir_ / std::string(wrong.change.id);
    std::filesystem::copy(dir_ / "data", copy);
    reopen(copy);
    ASSERT_TRUE(store_
                    ->write([&](storage::WriteTx& tx) -> Result<void> {
                      const auto changed = WRENCH_TRY(tx.exec(wrong.change));
                      EXPECT_GT(changed, 0) << wrong.change.id;
                      return {};
                    })
                    .ok())
        << wrong.change.id;
    const auto report = check_store(*store_, {});
    ASSERT_TRUE(report.ok()) << describe(report.error());
    EXPECT_THAT(report->problems, Contains(HasSubstr(wrong.problem))) << wrong.change.id;
  }
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
