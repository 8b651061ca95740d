"""What a killed process left in its data directory, read from a copy: the original is for the program alone."""
import json
import os
import shutil
import sqlite3

# workflow::StepState and the limit behind workflow.poison (docs/reference/workflow.md).
RUNNING = 3
COMPLETED, FAILED = 6, 7
LOSSES_MAX = 3

START_UP = "start-up"
OPENING = "opening the store, migrations"
BEFORE_TASK = "before the task is stored"
BETWEEN = "between steps"
REPORT = "the final report"
AFTER_REPORT = "after the report"

# Each must find nothing, whenever the process died.
NEVER = {
    "a journal has a gap": "SELECT execution_id FROM journal GROUP BY execution_id HAVING max(seq) - min(seq) + 1 <> count(*)",
    "the event log has a gap": "SELECT count(*) FROM events HAVING max(seq) - min(seq) + 1 <> count(*)",
    "the journal names a blob that isn't there":
        "SELECT seq FROM journal WHERE blob IS NOT NULL AND blob NOT IN (SELECT hash FROM blobs)",
    "a step completed twice":
        "SELECT step_no FROM journal WHERE kind = 'completed' GROUP BY execution_id, step_no HAVING count(*) > 1",
    "a finding is there twice":
        "SELECT fingerprint FROM findings GROUP BY project_id, repo_id, fingerprint HAVING count(*) > 1",
    "a finding belongs to a step that isn't completed":
        "SELECT f.finding FROM finding_sightings f JOIN steps s ON s.execution_id = f.execution_id "
        f"AND s.step_no = f.step_no WHERE s.state <> {COMPLETED}",
    "a mailbox miscounts":
        "SELECT receiver FROM mailboxes WHERE open <> (SELECT count(*) FROM messages m WHERE m.receiver = mailboxes.receiver "
        "AND m.state = 0)",
    "a receiver's messages have a gap":
        "SELECT receiver FROM messages GROUP BY receiver HAVING max(seq) - min(seq) + 1 <> count(*)",
    "a message was answered twice":
        "SELECT reply_to FROM messages WHERE reply_to IS NOT NULL GROUP BY reply_to HAVING count(*) > 1",
    "a message of a step that isn't completed":
        "SELECT m.message_id FROM messages m JOIN task_executions e ON e.id = m.execution_id JOIN steps s "
        "ON s.execution_id = e.id AND m.source_step = e.execution_id || '/' || s.step_no "
        f"WHERE s.state <> {COMPLETED}",
    "a step of an ended execution still runs":
        "SELECT s.step_no FROM steps s JOIN task_executions e ON e.id = s.execution_id "
        f"WHERE e.completed_at IS NOT NULL AND s.state = {RUNNING}",
}
NO_STEP_LOST = f"NOT EXISTS (SELECT 1 FROM steps s WHERE s.execution_id = e.id AND s.state = {FAILED})"
# And these, once everything ended.
NEVER_AT_REST = {
    "something is queued": "SELECT step_no FROM ready",
    "a timer is left": "SELECT step_no FROM timers",
    "an execution never ended": "SELECT id FROM task_executions WHERE completed_at IS NULL",
    "a message was lost on its way":
        "SELECT m.message_id FROM messages m JOIN task_executions e ON e.id = m.execution_id "
        "WHERE e.status = 'completed' AND (m.state <> 1 OR (m.message_type = 'finding.evidence_wanted' "
        "AND m.message_id NOT IN (SELECT reply_to FROM messages WHERE reply_to IS NOT NULL))) "
        f"AND {NO_STEP_LOST}",
    # Whoever was to answer it is poisoned: it stays until its time is over.
    "a message for a lost step doesn't wait":
        "SELECT m.message_id FROM messages m JOIN task_executions e ON e.id = m.execution_id "
        f"WHERE e.status = 'completed' AND NOT ({NO_STEP_LOST}) AND m.state <> 1 AND (m.state <> 0 OR m.expires_at IS NULL)",
    "a task never ended": "SELECT task_id FROM tasks WHERE state NOT IN ('completed', 'failed')",
}


# The head of the wal-index, both copies: every commit changes it (https://www.sqlite.org/walformat.html).
WAL_INDEX_HEAD_BYTES = 96


def last_commit(data):
    """Another value after every commit; None without a store."""
    try:
        with open(os.path.join(data, "store.db-shm"), "rb") as file:
            return file.read(WAL_INDEX_HEAD_BYTES)
    except FileNotFoundError:
        return None


class KilledStore:
    def __init__(self, data, copy):
        self.database = None
        if not os.path.exists(os.path.join(data, "store.db")):
            return
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(data, copy)
        self.database = sqlite3.connect(os.path.join(copy, "store.db"))
        self.database.row_factory = sqlite3.Row
        self.database.execute("PRAGMA synchronous = OFF")  # Closing checkpoints, and nobody needs the copy to last.

    def close(self):
        if self.database:
            self.database.close()

    def rows(self, sql):
        return self.database.execute(sql).fetchall()

    def has(self, table):
        return self.database is not None and bool(self.rows(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'"))

    def migrations(self):
        return len(self.rows("SELECT 1 FROM schema_migrations")) if self.has("schema_migrations") else 0

    def faults(self, at_rest=False):
        """What is wrong, as texts."""
        if self.database is None:
            return []
        found = [f"integrity_check: {row[0]}" for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"foreign_key_check: {tuple(row)}" for row in self.rows("PRAGMA foreign_key_check")]
        if not self.has("subscriptions"):
            return found
        for what, sql in {**NEVER, **(NEVER_AT_REST if at_rest else {})}.items():
            found += [f"{what}: {tuple(row)}" for row in self.rows(sql)]
        return found

    def tasks(self):
        """State by id."""
        if not self.has("tasks"):
            return {}
        return {row["task_id"]: row["state"] for row in self.rows("SELECT task_id, state FROM tasks")}

    def open_tasks(self):
        return [task for task, state in self.tasks().items() if state not in ("completed", "failed", "cancelled")]

    def steps(self):
        """(name, state, losses) of each step of the newest execution."""
        if not self.has("steps"):
            return []
        out = []
        for row in self.rows("SELECT s.step_no, s.node, s.state, s.lost, p.body FROM steps s JOIN task_executions e "
                             "ON e.id = s.execution_id JOIN plans p ON p.plan_hash = e.plan_hash "
                             "WHERE e.id = (SELECT max(id) FROM task_executions) ORDER BY s.step_no"):
            node = json.loads(row["body"])["nodes"][row["node"]]
            out.append((node.get("capability") or node["id"], row["state"], row["lost"]))
        return out

    def running(self):
        return [name for name, state, _ in self.steps() if state == RUNNING]

    def poisoned(self):
        """Whether taking the work over counts the loss that is one too many."""
        return bool(self.open_tasks()) and any(
            state == RUNNING and lost + 1 >= LOSSES_MAX for _, state, lost in self.steps())

    def tells_of_poison(self):
        return any(self.database.execute("SELECT 1 FROM journal WHERE data LIKE '%\"workflow.poison\"%'"))

    def place_of_death(self, migrations, report):
        """Where in a review's life its process died; two names when two steps ran."""
        if self.database is None:
            return [START_UP]
        if self.migrations() < migrations:
            return [OPENING]
        if not self.tasks():
            return [BEFORE_TASK]
        if not self.open_tasks():
            return [AFTER_REPORT if os.path.exists(report) else REPORT]
        return self.running() or [BETWEEN]

    def findings(self):
        """What the store holds of each finding, without its ids and times."""
        return sorted((row["fingerprint"], row["rule"], row["severity"], row["rank"], row["state"], row["sightings"],
                       row["body"])
                      for row in self.rows("SELECT f.*, (SELECT count(*) FROM finding_sightings s WHERE s.finding = f.id) "
                                           "AS sightings FROM findings f"))

    def windows(self, began, ended):
        """When each part of an undisturbed review's life was, in seconds after its start; and of these its steps."""
        def after(us):
            return us / 1e6 - began
        applied = self.rows("SELECT min(applied_at) AS a, max(applied_at + duration_us) AS b FROM schema_migrations")[0]
        created = self.rows("SELECT max(created_at) AS at FROM tasks")[0]["at"]
        done = self.rows("SELECT max(completed_at) AS at FROM task_executions")[0]["at"]
        out = {START_UP: (0.0, after(applied["a"])), OPENING: (after(applied["a"]), after(applied["b"])),
               BEFORE_TASK: (after(applied["b"]), after(created)), REPORT: (after(done), ended - began)}
        steps = {}
        for number, (name, _, _) in enumerate(self.steps(), 1):
            times = self.rows(f"SELECT min(at) AS a, max(at) AS b FROM journal WHERE step_no = {number} "
                              "AND kind IN ('claim', 'completed')")[0]
            if times["a"] is not None:
                steps[name] = (after(times["a"]), after(times["b"]))
        return {**out, **steps}, steps
