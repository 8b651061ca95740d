#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "wrench/storage/testing/plan_check.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {
namespace {

/// 5,000 tasks, a fifth of them open, with five steps each.
constexpr std::string_view kFill = R"(
INSERT INTO workers SELECT 'b' || n, n, 'v', n FROM generate_series(1, 500) n;
INSERT INTO repositories SELECT n, 1, 'r' || n FROM generate_series(1, 200) n;
INSERT INTO plans SELECT decode(md5(n::text), 'hex'), '{}' FROM generate_series(1, 100) n;
INSERT INTO tasks (id, task_id, project_id, repo_id, title, tracking, status, state, inputs, idempotency_key, created_by,
                   created_at, updated_at, parent_execution, parent_step)
  SELECT n, 'tsk_' || n, 1, n % 200 + 1, 't', 'engine', CASE WHEN n % 50 = 0 THEN 'pending' ELSE 'completed' END,
         'completed', '\x00', 'k' || n, 'u', n, n, n / 2 + 1, n % 2 FROM generate_series(1, 5000) n;
INSERT INTO task_executions (id, execution_id, task_id, number, status, completed_at, created_at, started_at, plan_hash,
                             owner_boot, on_exhausted, next_step, steps_total, steps_done, steps_failed, steps_active,
                             steps_held, engine_version)
  SELECT n, 'exe_' || n, n, 1, 'completed', CASE WHEN n % 5 = 0 THEN NULL ELSE n END, n, n,
         decode(md5((n % 100 + 1)::text), 'hex'), 'b' || n % 3, 'dead', 6, 5, 5, 0, 0, 0, 'v'
  FROM generate_series(1, 5000) n;
INSERT INTO task_dependencies (task_id, depends_on_id) SELECT n, n - 1 FROM generate_series(2, 5000, 2) n;
INSERT INTO steps (execution_id, step_no, node, parent_step, state, attempt, lost, epoch, deps_left, output_seq, flags)
  SELECT n, s, s, CASE WHEN s > 3 THEN 3 END, 6, 1, 0, 1, 0, s, 0 FROM generate_series(1, 5000) n, generate_series(1, 5) s;
INSERT INTO ready SELECT 'cpu@b' || n % 3, n, n, 1 FROM generate_series(1, 5000) n;
INSERT INTO timers SELECT n, s, 1, n, 1 FROM generate_series(1, 5000) n, generate_series(0, 1) s;
INSERT INTO journal SELECT n, s, 'k', s, 1, n, 'a' FROM generate_series(1, 5000) n, generate_series(1, 5) s;
INSERT INTO waits (wait_id, execution_id, step_no, kind, name, title, role, four_eyes, requested_by, created_at, applied)
  SELECT 'w' || n, n, 1, 1, '', 't', 'r', 0, 'u', n, n % 2 FROM generate_series(1, 5000) n;
INSERT INTO signals SELECT n, 's', 1, '{}', 'u', n FROM generate_series(1, 5000) n;
INSERT INTO step_values SELECT n, 1, 'now', '1' FROM generate_series(1, 5000) n;
INSERT INTO effects SELECT 'e' || n, n, 1, 1, '{}', n, NULL, NULL, n % 3 FROM generate_series(1, 5000) n;
INSERT INTO findings SELECT n, 'fnd_' || n, 1, n % 200, n, n, 'f' || n, 'r', 'high', n, '{}', 'open', NULL, n, n
  FROM generate_series(1, 5000) n;
INSERT INTO memory_items (memory_id, agent_id, scope, kind, tags, content, content_hash, trust, created_at, expires_at)
  SELECT 'mem_' || n, 'a' || n % 10, 's' || n % 20, 'k', '[]', '{}', decode(md5(n::text), 'hex'), 'tool', n, n
  FROM generate_series(1, 5000) n;
INSERT INTO memory_fts SELECT n * 64, to_tsvector('simple', 'word' || n), array_to_tsvector(ARRAY['a' || n % 10])
  FROM generate_series(1, 5000) n;
INSERT INTO memory_blocks SELECT 'a' || n / 5, 'l' || n % 5, 'v', 1, 0, n, 'u' FROM generate_series(1, 5000) n;
INSERT INTO memory_tombstones SELECT 'mem_' || n, 'a', n, 'u', '' FROM generate_series(1, 5000) n;
INSERT INTO mailboxes SELECT 'topic:' || n, 1, 1 FROM generate_series(1, 5000) n;
INSERT INTO messages (message_id, sender, receiver, seq, message_type, content, idem_key, content_hash, execution_id, state,
                      created_at, expires_at, closed_at)
  SELECT 'msg_' || n, 'user:a', 'topic:' || n % 50, n, 'x.a', '{}', 'k' || n, decode(md5(n::text), 'hex'), n, n % 3, n,
         n, CASE WHEN n % 3 > 0 THEN n END FROM generate_series(1, 5000) n;
INSERT INTO subscriptions SELECT 'topic:' || n % 50, 's' || n, n, 0, 0 FROM generate_series(1, 5000) n;
INSERT INTO finding_sightings SELECT n / 10, n, 1 FROM generate_series(1, 5000) n;
INSERT INTO schedules (schedule_id, project_id, name, spec, tz, overlap, catchup_us, jitter_us, failures_max, task_template,
                       created_by, created_at, updated_at, next_at, paused, failures, fired, skipped, missed, version)
  SELECT 'sch_' || n, 1, 's' || n, '@daily', 'UTC', 'skip', 0, 0, 0, '{}', 'u', n, n, n, n % 3 / 2, 0, 0, 0, 0, 1
  FROM generate_series(1, 1000) n;
INSERT INTO schedule_runs (schedule_no, fire_at, state, origin, cancels, task_no, at)
  SELECT n % 1000 + 1, n, LEAST(n % 100, 2), 'schedule', 0, n % 5000 + 1, n FROM generate_series(1, 50000) n;
)";

TEST(Statements, HaveTheQueryPlansTheyDeclare) {
  EXPECT_THAT(storage::testing::check_plans(statements()), ::testing::IsEmpty());
}

/// Tasks with five steps each; WRENCH_PLAN_TASKS asks for more (scripts/test_long.sh).
std::string tasks_or(const char* usual) {
  const char* asked = std::getenv("WRENCH_PLAN_TASKS");
  return asked == nullptr ? usual : asked;
}

std::string fill_of_postgres() {
  const std::string usual = "5000", tasks = tasks_or("5000");
  std::string out(kFill);
  for (std::size_t at = out.find(usual); at != std::string::npos; at = out.find(usual, at + tasks.size()))
    if (out[at + usual.size()] != '0') out.replace(at, usual.size(), tasks);
  return out;
}

/// A thousandth of them open.
std::string fill_of_sqlite() {
  const std::string tasks = tasks_or("2000");
  const std::string n = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < " + tasks + ") ";
  const std::string s = n + ", s(s) AS (VALUES (1), (2), (3), (4), (5)) ";
  return "INSERT INTO plans VALUES (zeroblob(32), '{}');" + n +
         "INSERT INTO tasks (id, task_id, project_id, title, tracking, status, state, inputs, idempotency_key, "
         "created_by, "
         "created_at, updated_at) SELECT n, 'tsk_' || n, 1, 't', 'engine', CASE n % 50 WHEN 0 THEN 'pending' ELSE "
         "'completed' END, 'completed', x'00', 'k' || n, 'u', n, n FROM n;" +
         n +
         "INSERT INTO task_executions (id, execution_id, task_id, number, status, completed_at, created_at, "
         "started_at, "
         "plan_hash, owner_boot, on_exhausted, next_step, steps_total, steps_done, steps_failed, steps_active, "
         "steps_held, "
         "engine_version) SELECT n, 'exe_' || n, n, 1, 'completed', CASE n % 1000 WHEN 0 THEN NULL ELSE n END, n, n, "
         "zeroblob(32), 'b', 'dead', 6, 5, 5, 0, 0, 0, 'v' FROM n;" +
         s +
         "INSERT INTO steps (execution_id, step_no, node, parent_step, state, attempt, lost, epoch, deps_left, "
         "output_seq, "
         "flags) SELECT n, s, s, CASE WHEN s > 3 THEN 3 END, 6, 1, 0, 1, 0, s, 0 FROM n, s;" +
         s + "INSERT INTO journal SELECT n, s, 'k', s, 1, n, 'a', NULL, NULL FROM n, s;" + n +
         "INSERT INTO events SELECT n, n, 't', 1, n, 'execution', 'e', 'a', 1, '{}', NULL FROM n;" + n +
         "INSERT INTO ready SELECT 'cpu@b' || n % 3, n, n, 1 FROM n;" + n +
         "INSERT INTO timers SELECT n, 1, 1, n, 1 FROM n;" + n +
         "INSERT INTO waits (wait_id, execution_id, step_no, kind, name, title, role, four_eyes, requested_by, "
         "created_at, "
         "applied) SELECT 'w' || n, n, 1, 1, '', 't', 'r', 0, 'u', n, n % 2 FROM n;" +
         n + "INSERT INTO effects SELECT 'e' || n, n, 1, 1, '{}', n, NULL, NULL, n % 3 FROM n;" + n +
         "INSERT INTO findings (id, finding_id, project_id, repo_id, execution_id, fingerprint, rule, severity, rank, "
         "body, "
         "state, first_seen, last_seen) SELECT n, 'fnd_' || n, 1, n % 20, n, 'f' || n, 'r', 'high', n * 1.0, '{}', "
         "'open', n, "
         "n FROM n;" +
         n + "INSERT INTO finding_sightings SELECT n / 10, n, 1 FROM n;";
}

TEST(Statements, HaveGoodQueryPlansOnLargeTables) {
  EXPECT_THAT(storage::testing::check_filled_plans(statements(), fill_of_sqlite()), ::testing::IsEmpty());
}

TEST(Statements, HaveGoodQueryPlansOnPostgres) {
  EXPECT_THAT(storage::testing::check_postgres_plans(statements(), fill_of_postgres()), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wrench::workflow
