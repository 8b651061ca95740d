#include "wrench/workflow/checker.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "care_sql.hpp"
#include "creation.hpp"
#include "execution_check.hpp"
#include "turns.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/long_read.hpp"

namespace wrench::workflow {

using storage::ReadTx;
using storage::Rows;

namespace sql {
namespace {

constexpr std::size_t kPage = 1'000;

const Statement kCheckExecutions{.id = "workflow.check_executions",
                                 .sql = "SELECT id FROM task_executions WHERE id > ?1 ORDER BY id LIMIT ?2",
                                 .plan = "SEARCH task_executions USING INTEGER PRIMARY KEY (rowid>?)"};
const Statement kCheckQueues{
    .id = "workflow.check_queues",
    .sql =
        "SELECT r.queue, r.rank, r.execution_id, r.step_no, s.state, s.rank FROM ready r LEFT JOIN steps s ON "
        "s.execution_id = r.execution_id AND s.step_no = r.step_no WHERE (r.queue, r.rank, r.execution_id, r.step_no) "
        "> (?1, ?2, ?3, ?4) ORDER BY r.queue, r.rank, r.execution_id, r.step_no LIMIT ?5",
    .plan =
        "SEARCH r USING PRIMARY KEY ((queue,rank,execution_id,step_no)>(?,?,?,?)); SEARCH s USING PRIMARY KEY "
        "(execution_id=? AND step_no=?) LEFT-JOIN"};
// Those that workers are to begin, or to look at.
const Statement kCheckStarts{
    .id = "workflow.check_starts",
    .sql =
        "SELECT r.rank, r.execution_id, r.step_no, x.id FROM ready r LEFT JOIN task_executions x ON x.id = "
        "r.execution_id WHERE r.queue = 'start' AND (r.rank, r.execution_id, r.step_no) > (?1, ?2, ?3) ORDER BY "
        "r.rank, "
        "r.execution_id, r.step_no LIMIT ?4",
    .plan =
        "SEARCH r USING PRIMARY KEY (queue=? AND (rank,execution_id,step_no)>(?,?,?)); SEARCH x USING INTEGER PRIMARY "
        "KEY (rowid=?) LEFT-JOIN"};
const Statement kCheckWorkers{
    .id = "workflow.check_workers",
    .sql = "SELECT boot, seen_at, lost_at FROM workers WHERE boot > ?1 ORDER BY boot LIMIT ?2",
    .plan = "SEARCH workers USING PRIMARY KEY (boot>?)"};
// The time of the database, which is that of the workers' signs of life.
const Statement kCheckNow{
    .id = "workflow.check_now",
    .sql = "SELECT last_at FROM event_clock WHERE id = 1",
    .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)",
    .postgres = {.sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", .plan = "Result"}};
// Each key with what says the same of it: what runs within it, what waits for it.
const Statement kCheckKeys{
    .id = "workflow.check_keys",
    .sql =
        "SELECT key, in_use, waiting, (SELECT count(*) FROM key_holders h WHERE h.key = l.key), (SELECT count(*) FROM "
        "parked p WHERE p.key = l.key) FROM limits l WHERE key > ?1 ORDER BY key LIMIT ?2",
    .plan =
        "SEARCH l USING PRIMARY KEY (key>?); CORRELATED SCALAR SUBQUERY 1; SEARCH h USING PRIMARY KEY (key=?); "
        "CORRELATED SCALAR SUBQUERY 2; SEARCH p USING COVERING INDEX idx_parked (key=?)"};
// Told: asked to stop, or a request says so.
#define WRENCH_CHECK_PLACES(columns, table)                                                                           \
  "SELECT " columns                                                                                                   \
  ", s.state, CASE WHEN t.superseded = 0 OR s.flags & 2052 <> 0 OR EXISTS (SELECT 1 FROM requests "                   \
  "r WHERE r.execution_id = t.execution_id AND r.kind = 'superseded' AND r.reason = CAST(t.step_no AS TEXT)) THEN 1 " \
  "ELSE 0 END FROM " table " t LEFT JOIN steps s ON s.execution_id = t.execution_id AND s.step_no = t.step_no "
const Statement kCheckHolders{
    .id = "workflow.check_key_holders",
    .sql = WRENCH_CHECK_PLACES("t.key, t.arrived, t.execution_id, t.step_no"  , "key_holders")
    "WHERE (t.key, t.arrived, t.execution_id, t.step_no) > (?1, ?2, ?3, ?4) ORDER BY t.key, t.arrived, "
    "t.execution_id, t.step_no LIMIT ?5",
    .plan =
        "SEARCH t USING PRIMARY KEY ((key,arrived,execution_id,step_no)>(?,?,?,?)); SEARCH s USING PRIMARY KEY "
        "(execution_id=? AND step_no=?) LEFT-JOIN; CORRELATED SCALAR SUBQUERY 1; SEARCH r USING PRIMARY KEY "
        "(execution_id=?)"};
const Statement kCheckParked{
    .id = "workflow.check_parked_steps",
    .sql = WRENCH_CHECK_PLACES(
        "t.execution_id, t.step_no",
        "parked") "WHERE (t.execution_id, t.step_no) > (?1, ?2) ORDER BY t.execution_id, t.step_no LIMIT ?3",
    .plan =
        "SEARCH t USING PRIMARY KEY ((execution_id,step_no)>(?,?)); SEARCH s USING PRIMARY KEY (execution_id=? AND "
        "step_no=?) LEFT-JOIN; CORRELATED SCALAR SUBQUERY 1; SEARCH r USING PRIMARY KEY (execution_id=?)"};
#undef WRENCH_CHECK_PLACES
const Statement kCheckEvents{.id = "workflow.check_events",
                             .sql = "SELECT seq FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                             .plan = "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"};
const Statement kCheckClock{.id = "workflow.check_clock",
                            .sql = "SELECT next, pruned FROM event_clock WHERE id = 1",
                            .plan = "SEARCH event_clock USING INTEGER PRIMARY KEY (rowid=?)"};
const Statement kCheckContents{.id = "workflow.check_contents",
                               .sql = "SELECT hash FROM blobs WHERE hash > ?1 ORDER BY hash LIMIT ?2",
                               .plan = "SEARCH blobs USING COVERING INDEX sqlite_autoindex_blobs_1 (hash>?)"};

}  // namespace
}  // namespace sql

storage::StatementCatalogue::List check_statements() {
  static const std::vector<const storage::Statement*> all = [] {
    static const storage::Statement* const own[] = {&sql::kCheckExecutions, &sql::kCheckQueues,  &sql::kCheckStarts,
                                                    &sql::kCheckWorkers,    &sql::kCheckKeys,    &sql::kCheckHolders,
                                                    &sql::kCheckParked,     &sql::kCheckEvents,  &sql::kCheckClock,
                                                    &sql::kCheckNow,        &sql::kCheckContents};
    return storage::StatementCatalogue({own, sql::of_execution_check()}).all();
  }();
  return all;
}

namespace {

/// In one snapshot, with all lines of their ledger.
constexpr std::size_t kBudgetsRead = 50;

class StoreCheck {
 public:
  StoreCheck(storage::Store& store, const CheckOptions& options)
      : store_(store),
        options_(options),
        shared_(store.dialect() == storage::Dialect::Postgres),
        check_{options.boot_is_live, options.losses_max, shared_ ? Ownership::Shared : Ownership::Exclusive,
               [this](std::string_view boot) { return workers_.contains(std::string(boot)); }} {}

  Result<CheckReport> run() {
    const auto at_once = [this](ReadTx& tx) {
      snapshot_ = &tx;
      return rows();
    };
    auto looked = shared_ ? storage::read_long(store_, at_once) : rows();
    snapshot_ = nullptr;
    // What the server can't read ends its transaction.
    if (!looked && shared_ && looked.error().code == "storage.corrupt")
      problem(looked.error().message + "; the check ended there");
    else if (!looked)
      return std::move(looked).error();
    // They never change, and there may be much of them: no snapshot is to last for their sake.
    if (options_.contents && looked) WRENCH_TRY(contents());
    return std::move(report_);
  }

 private:
  Result<void> rows() {
    if (shared_) WRENCH_TRY(workers());
    if (shared_) WRENCH_TRY(starts());
    WRENCH_TRY(executions());
    WRENCH_TRY(queues());
    WRENCH_TRY(keys());
    WRENCH_TRY(holders());
    WRENCH_TRY(parked());
    WRENCH_TRY(ledger());
    return events();
  }

  /// A page of its own, or one of the snapshot that everything is read on.
  template <class F>
  auto read(F&& body) -> std::invoke_result_t<F&, ReadTx&> {
    if (snapshot_ != nullptr) return body(*snapshot_);
    return store_.read(body);
  }

  Result<bool> go_on() const {
    if (options_.stop.stop_requested()) return Error("workflow.check_stopped", "the check was stopped");
    return report_.problems.size() < kCheckProblemsMax;
  }
  void problem(std::string what) {
    if (report_.problems.size() < kCheckProblemsMax) report_.problems.push_back(std::move(what));
  }

  Result<void> executions() {
    for (std::int64_t last = 0;;) {
      const Rows page =
          WRENCH_TRY(read([&](ReadTx& tx) { return tx.query(sql::kCheckExecutions, {last, sql::kPage}); }));
      for (const auto row : page) {
        last = row.integer(0);
        if (!WRENCH_TRY(go_on())) return {};
        WRENCH_TRY(execution(last));
      }
      if (page.size() < sql::kPage) return {};
    }
  }

  Result<void> execution(std::int64_t no) {
    auto image = read([&](ReadTx& tx) { return load_image(tx, plans_, no, check_.ownership, options_.rows_max); });
    if (!image.ok()) {
      const std::string& code = image.error().code;
      if (code == "workflow.task_not_found") return {};  // Deleted meanwhile.
      if (code == "storage.corrupt") {
        problem(image.error().message);
      } else if (code == "storage.snapshot_expired" || code == "storage.result_too_large") {
        report_.skipped.push_back("execution " + public_id(no));
      } else {
        return std::move(image).error();
      }
      return {};
    }
    ++report_.executions;
    report_.steps += static_cast<std::int64_t>(image->steps.size());
    report_.journal_entries += static_cast<std::int64_t>(image->journal.size());
    const auto is_live = [&](const StepRow& row) {
      if (shared_) return lives(row.worker_boot);
      return options_.boot_is_live && options_.boot_is_live(image->row.owner_boot);
    };
    for (const auto& [step_no, row] : image->steps)
      if (row.state == StepState::Running && !is_live(row)) ++report_.interrupted;
    for (std::string& what : check_execution(*image, check_)) problem(std::move(what));
    if (shared_ && image->row.status == ExecutionStatus::Pending) return pending(image->row);
    return {};
  }

  /// Its number, if it can't be looked at by now.
  std::string public_id(std::int64_t no) {
    const auto found = read([&](ReadTx& tx) { return tx.query(sql::kExecutionRow, {no}); });
    if (!found.ok() || found->empty()) return std::to_string(no);
    return row_store::execution_from(found->front()).execution_id;
  }

  /// Somebody is to begin it, or it waits for other tasks.
  Result<void> pending(const ExecutionRow& row) {
    if (row.paused != Pause::No || std::ranges::binary_search(starts_, row.id)) return {};
    const auto other = WRENCH_TRY(read([&](ReadTx& tx) { return creation::obstacle(tx, row.task_no); }));
    if (!other || other->for_good) problem("execution " + std::to_string(row.id) + " is to begin, but nobody is told");
    return {};
  }

  bool lives(const std::string& boot) const {
    const auto it = workers_.find(boot);
    return it != workers_.end() && it->second + kWorkerTtl > now_;
  }

  Result<void> workers() {
    now_ = WRENCH_TRY(read([](ReadTx& tx) { return tx.query(sql::kCheckNow); })).front().integer(0);
    std::string boot;
    for (;;) {
      const Rows page = WRENCH_TRY(read([&](ReadTx& tx) { return tx.query(sql::kCheckWorkers, {boot, sql::kPage}); }));
      for (const auto row : page) {
        boot = row.text(0);
        workers_[boot] = row.is_null(2) ? row.optional_integer(1).value_or(0) : 0;
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) return {};
    }
  }

  /// Whatever is to be begun exists.
  Result<void> starts() {
    std::int64_t rank = std::numeric_limits<std::int64_t>::min(), execution = 0, step = 0;
    for (;;) {
      const Rows page = WRENCH_TRY(
          read([&](ReadTx& tx) { return tx.query(sql::kCheckStarts, {rank, execution, step, sql::kPage}); }));
      for (const auto row : page) {
        rank = row.integer(0);
        execution = row.integer(1);
        step = row.integer(2);
        if (row.is_null(3)) problem("execution " + std::to_string(execution) + " is to begin, but doesn't exist");
        starts_.push_back(execution);
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) break;
    }
    std::ranges::sort(starts_);
    return {};
  }

  /// From the queues to the steps: nothing is queued that isn't ready.
  Result<void> queues() {
    std::string queue;
    std::int64_t rank = 0, execution = 0, step = 0;
    for (;;) {
      const Rows page = WRENCH_TRY(
          read([&](ReadTx& tx) { return tx.query(sql::kCheckQueues, {queue, rank, execution, step, sql::kPage}); }));
      for (const auto row : page) {
        queue = row.text(0);
        rank = row.integer(1);
        execution = row.integer(2);
        step = row.integer(3);
        if (shared_ && queue == turns::kStartQueue) continue;
        const bool ready = row.optional_integer(4) == static_cast<std::int64_t>(StepState::Ready);
        if (!ready || row.optional_integer(5) != rank)
          problem("execution " + std::to_string(execution) + " step " + std::to_string(step) +
                  " isn't ready but queued");
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) return {};
    }
  }

  /// What a key says of its use is what uses it, and what waits for it.
  Result<void> keys() {
    std::string key;
    for (;;) {
      const Rows page = WRENCH_TRY(read([&](ReadTx& tx) { return tx.query(sql::kCheckKeys, {key, sql::kPage}); }));
      for (const auto row : page) {
        key = row.text(0);
        if (row.integer(1) != row.integer(3)) problem("the key " + key + " isn't used by as many steps as it says");
        if (row.integer(2) != row.integer(4)) problem("not as many steps wait for the key " + key + " as it says");
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) return {};
    }
  }

  /// Whatever runs within a key runs, and hears of it when its place goes to another step.
  Result<void> holders() {
    std::string key;
    std::int64_t arrived = -1, execution = 0, step = 0;
    for (;;) {
      const Rows page = WRENCH_TRY(
          read([&](ReadTx& tx) { return tx.query(sql::kCheckHolders, {key, arrived, execution, step, sql::kPage}); }));
      for (const auto row : page) {
        key = row.text(0);
        arrived = row.integer(1);
        execution = row.integer(2);
        step = row.integer(3);
        place(execution, step, row.optional_integer(4) == static_cast<std::int64_t>(StepState::Running),
              "uses the key " + key + " but doesn't run", row.integer(5) != 0);
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) return {};
    }
  }

  Result<void> parked() {
    std::int64_t execution = 0, step = 0;
    for (;;) {
      const Rows page =
          WRENCH_TRY(read([&](ReadTx& tx) { return tx.query(sql::kCheckParked, {execution, step, sql::kPage}); }));
      for (const auto row : page) {
        execution = row.integer(0);
        step = row.integer(1);
        place(execution, step, row.optional_integer(2) == static_cast<std::int64_t>(StepState::Ready),
              "isn't ready but waits for a key", row.integer(3) != 0);
      }
      if (!WRENCH_TRY(go_on()) || page.size() < sql::kPage) return {};
    }
  }

  void place(std::int64_t execution, std::int64_t step, bool as_it_says, const std::string& wrong, bool told) {
    const std::string which = "execution " + std::to_string(execution) + " step " + std::to_string(step) + " ";
    if (!as_it_says) problem(which + wrong);
    if (as_it_says && !told) problem(which + "lost its place to a newer step, but nobody tells it");
  }

  /// Budgets are the sums of their ledger, and none is overdrawn but by what was used beyond what was reserved.
  Result<void> ledger() {
    std::string scope, dim;
    for (;;) {
      std::size_t seen = 0;
      // Each with its lines in one snapshot.
      const auto found = WRENCH_TRY(read([&](ReadTx& tx) -> Result<std::vector<std::string>> {
        std::vector<std::string> out;
        const Rows page = WRENCH_TRY(tx.query(sql::kCheckBudgets, {scope, dim, kBudgetsRead}));
        seen = page.size();
        for (const auto row : page) {
          scope = row.text(0);
          dim = row.text(1);
          const Rows sums = WRENCH_TRY(tx.query(sql::kCheckLedger, {scope, dim}));
          const std::int64_t beyond = sums.front().integer(2);
          const std::string which = "the budget " + scope + " of " + dim;
          if (sums.front().integer(0) != row.integer(3) || sums.front().integer(1) != row.integer(4))
            out.push_back(which + " isn't the sum of its ledger");
          const auto cap = row.optional_integer(2);
          if (cap && row.integer(3) + row.integer(4) - beyond > *cap) out.push_back(which + " is overdrawn");
        }
        return out;
      }));
      for (const std::string& what : found) problem(what);
      if (!WRENCH_TRY(go_on()) || seen < kBudgetsRead) return {};
    }
  }

  Result<void> events() {
    std::int64_t next = 0;
    for (;;) {
      std::int64_t end = 0;
      const Rows page = WRENCH_TRY(read([&](ReadTx& tx) -> Result<Rows> {
        const Rows clock = WRENCH_TRY(tx.query(sql::kCheckClock));
        if (clock.empty()) return Error("storage.corrupt", "the table event_clock has lost its row");
        end = clock.front().integer(0);
        next = std::max(next, clock.front().integer(1) + 1);  // Those before are pruned, perhaps just now.
        return tx.query(sql::kCheckEvents, {next - 1, sql::kPage});
      }));
      for (const auto row : page)
        if (row.integer(0) != next++) {
          problem("the event log has a gap before " + std::to_string(row.integer(0)));
          return {};
        }
      report_.events += static_cast<std::int64_t>(page.size());
      if (!WRENCH_TRY(go_on())) return {};
      if (page.size() == sql::kPage) continue;
      if (next != end) problem("the event clock isn't behind the last event");
      return {};
    }
  }

  Result<void> contents() {
    std::string last;
    for (;;) {
      const Rows page = WRENCH_TRY(store_.read(
          [&](ReadTx& tx) { return tx.query(sql::kCheckContents, {storage::Bind::bytes(last), sql::kPage}); }));
      for (const auto row : page) {
        last = row.bytes(0);
        if (!WRENCH_TRY(go_on())) return {};
        const auto content = store_.read([&](ReadTx& tx) { return storage::blob_store::get(tx, last); });
        if (content.ok())
          ++report_.contents;
        else if (content.error().code == "storage.corrupt")
          problem(content.error().message);
        else if (content.error().code != "storage.blob_missing")  // Swept meanwhile.
          return content.error();
      }
      if (page.size() < sql::kPage) return {};
    }
  }

  storage::Store& store_;
  const CheckOptions& options_;
  const bool shared_;  ///< Executions belong to nobody.
  const ExecutionCheck check_;
  ReadTx* snapshot_ = nullptr;
  std::map<std::string, Micros> workers_;  ///< When each was last heard of.
  Micros now_ = 0;                         ///< By the same clock.
  std::vector<std::int64_t> starts_;       ///< Executions that a worker is to begin, or to look at.
  PlanCache plans_;
  CheckReport report_;
};

}  // namespace

Result<CheckReport> check_store(storage::Store& store, const CheckOptions& options) {
  return StoreCheck(store, options).run();
}

}  // namespace wrench::workflow
