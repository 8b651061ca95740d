#!/usr/bin/env python3
"""wrench store, top and backups on a PostgreSQL database.

    WRENCH_TEST_POSTGRES=PATH_OF_WRENCH_TEST_POSTGRES tests/cli/store_test.py PATH_OF_WRENCH [TEST...]
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest, default_signals

QUICK = "name: quick\nsteps: [{step_id: one, agent: worker, operation: count}]\n"
MOCK = "worker.count: {outputs: {n: 3}}\nworker.write: {outputs: {text: %s}}\n" % ("y" * 5000)


class DatabaseCare:
    def setUp(self):
        super().setUp()
        self.write("quick.yaml", QUICK)
        self.write("mock.yaml", MOCK)
        self.url = self.start_database()
        self.on_database = self.env(WRENCH_DATABASE_URL=self.url)

    def wrench_there(self, *words, code=0, env=None, **options):
        done = self.run_wrench(*words, env=env or self.on_database, **options)
        self.assertEqual(done.code, code, done.err or done.out)
        self.assertNotIn("ss/w:ord", done.out + done.err)
        self.assertNotIn("ss%2Fw", done.out + done.err)
        return done

    def worker(self, *words, env=None):
        process = subprocess.Popen([self.wrench, "worker", "--mock", "mock.yaml", *words], cwd=self.dir,
                                   env=env or self.on_database, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=default_signals)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def stop(self, worker):
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(timeout=TIMEOUT_S), 0)
        return worker.stderr.read()

    def playbook(self, name="quick.yaml"):
        self.wrench_there("playbook", "run", name, "--mock", "mock.yaml", "--progress", "none")

    def playbooks(self, count=1, name="quick.yaml"):
        worker = self.worker("--no-backups")
        for _ in range(count):
            self.playbook(name)
        self.stop(worker)

    def sql(self, text, url=None):
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At", "-c", text, url or self.url],
                              capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()


class StoreOfADatabase(DatabaseCare, CliTest):
    def test_doctor_tells_what_the_server_keeps(self):
        done = self.wrench_there("doctor", "--fsync", "--json").json()
        self.assertEqual(done["settings"], {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"})
        self.assertIn("fsync on, full_page_writes on, synchronous_commit on", self.wrench_there("doctor", "--fsync").out)
        self.sql("ALTER SYSTEM SET full_page_writes = off")
        self.addCleanup(self.sql, "SELECT pg_reload_conf()")
        self.addCleanup(self.sql, "ALTER SYSTEM RESET full_page_writes")
        self.sql("SELECT pg_reload_conf()")
        self.wait_for(lambda: self.run_wrench("doctor", "--fsync", env=self.on_database).code == 1)
        told = self.wrench_there("doctor", "--fsync", code=1).out
        self.assertIn("can be lost (full_page_writes)", told)
        self.assertIn("ALTER SYSTEM SET full_page_writes = on", told)

    def test_before_there_is_a_store(self):
        planned = self.wrench_there("store", "migrate", "--plan", "--json").json()["data"]
        self.assertEqual({each["state"] for each in planned}, {"pending"})
        for words in (["check"], ["stats"], ["stats", "--history", "1h"]):
            self.assert_fails(self.wrench_there("store", *words, code=3), 3, "wrench store migrate")
        self.wrench_there("store", "explain", "workflow.task_by_id", code=3)
        done = self.wrench_there("store", "migrate", "--json").json()["data"]
        self.assertEqual({each["state"] for each in done}, {"applied"})
        self.assertIn("0026_backups.sql", [each["name"] for each in done])
        self.wrench_there("store", "check")

    def test_check_finds_what_is_damaged(self):
        self.playbooks(2)
        whole = self.wrench_there("store", "check", "--json").json()
        self.assertEqual((whole["passed"], whole["problems"], whole["executions"]), (True, [], 2))
        self.assertGreater(whole["journal_entries"], 4)
        self.assertIn("Everything holds", self.wrench_there("store", "check").out)
        self.sql("UPDATE task_executions SET steps_done = 7 WHERE id = 1; DELETE FROM events WHERE seq = 2")
        damaged = self.wrench_there("store", "check", "--json", code=1).json()
        self.assertFalse(damaged["passed"])
        self.assertIn("execution 1: its counts aren't those of its steps", damaged["problems"])
        self.assertIn("the event log has a gap before 3", damaged["problems"])
        self.assertIn("gap before 3", self.wrench_there("store", "check", code=1).out)

    def test_check_finds_contents_that_were_changed(self):
        self.write("large.yaml", QUICK.replace("count", "write"))
        self.playbooks(name="large.yaml")
        self.assertGreater(self.wrench_there("store", "check", "--json").json()["contents"], 0)
        self.sql("UPDATE blobs SET body = '\\x00'")
        self.wrench_there("store", "check", "--quick")
        self.assertIn("is damaged", self.wrench_there("store", "check", code=1).out)

    def test_check_works_beside_workers(self):
        worker = self.worker("--no-backups")
        for _ in range(5):
            self.playbook()
            self.wrench_there("store", "check")
        self.stop(worker)

    def test_stats(self):
        self.playbooks(3)
        stats = self.wrench_there("store", "stats", "--json").json()["metrics"]
        for part in ("connections", "query_stats", "table_stats", "index_stats", "cache_stats", "warnings"):
            self.assertIn(part, stats)
        self.assertGreater(stats["connections"]["max"], stats["connections"]["total"])
        self.assertGreater(stats["connections"]["active"], 0)
        tables = {table["table"]: table for table in stats["table_stats"]}
        self.assertLess({"tasks", "steps", "journal", "events", "backups"}, set(tables))
        self.assertGreater(tables["tasks"]["bytes"], 0)
        self.assertIn("idx_task_status_page", [index["index"] for index in stats["index_stats"]])
        self.assertGreater(stats["cache_stats"]["database_bytes"], 100_000)
        shown = self.wrench_there("store", "stats").out
        for words in ("connections of the server", "dead", "tasks"):
            self.assertIn(words, shown)

    def test_stats_warn_of_what_keeps_it_from_cleaning_up(self):
        self.playbooks()
        self.sql("INSERT INTO cursors (reader, epoch, seq) SELECT 'r' || n, 1, 1 FROM generate_series(1, 20000) n; "
                 "ALTER TABLE cursors SET (autovacuum_enabled = off); DELETE FROM cursors")
        self.wait_for(lambda: "cursors has 20000 dead rows" in self.wrench_there("store", "stats").out)

    def test_explain(self):
        self.playbooks()
        good = self.wrench_there("store", "explain", "workflow.due_timers", "--json").json()
        self.assertEqual((good["scan_types"], good["index_usage"], good["sequential_scans"]), (["search"], ["idx_timer_due"], []))
        self.assertEqual(good["recommendations"], [])
        self.assertIn("$1", good["sql"])
        self.assertIn("Index Scan using idx_timer_due", self.wrench_there("store", "explain", "workflow.due_timers").out)
        for written in ("workflow.insert_ready", "workflow.beat", "workflow.queued_starts"):
            self.wrench_there("store", "explain", written)
        self.assert_fails(self.wrench_there("store", "explain", "workflow.nothing", code=2), 2, "there is no statement")

    def test_vacuum_is_the_servers(self):
        self.assert_fails(self.wrench_there("store", "vacuum", code=2), 2, "autovacuum", "VACUUM (ANALYZE)")

    def test_samples_are_taken_by_one_worker(self):
        workers = [self.worker("--no-backups") for _ in range(2)]
        self.wait_for(lambda: self.run_wrench("store", "stats", "--history", "1h", "--json", env=self.on_database).code == 0 and
                      self.wrench_there("store", "stats", "--history", "1h", "--json").json()["data"])
        for worker in workers:
            self.stop(worker)
        minutes = self.sql("SELECT at / 60000000 FROM db_samples WHERE kind = 'minute'").split()
        self.assertEqual(len(minutes), len(set(minutes)))
        self.assertLessEqual(len(minutes), 3)
        sample = self.wrench_there("store", "stats", "--history", "1h", "--json").json()["data"][0]
        self.assertGreater(sample["metrics"]["connections"]["total"], 0)
        self.assertIn("connections", self.wrench_there("store", "stats", "--history", "1h").out)
        self.assertEqual(self.sql("SELECT count(*) FROM db_samples WHERE kind = 'hour'"), "1")

    def test_top(self):
        self.playbooks()
        top = self.wrench_there("top", "--json").json()
        self.assertGreater(top["store"]["database_bytes"], 100_000)
        self.assertGreater(top["store"]["server"]["connections_max"], 0)
        self.assertIn("connections", self.wrench_there("top", "--once").out)
        self.assertIn("wrench_server_connections ", self.wrench_there("top", "--format", "prometheus").out)


class BackupsOfADatabase(DatabaseCare, CliTest):
    def listed(self, *words, env=None):
        return self.wrench_there("backup", "list", "--json", *words, env=env).json()["data"]

    def events(self, kind):
        return json.loads(self.sql(f"SELECT coalesce(json_agg(payload::json ORDER BY seq), '[]') FROM events WHERE type = '{kind}'"))

    def test_a_worker_makes_one_a_day_and_verifies_it(self):
        self.playbooks()
        worker = self.worker("--backups", self.at("there"))
        self.wait_for(lambda: [backup["status"] for backup in self.listed()] == ["verified"])
        made = self.listed()[0]
        self.assertEqual(made["path"], self.at("there/" + made["name"]))
        self.assertEqual([backup["digest"] for backup in self.listed("--from", "there")], [made["digest"]])
        # Another one, on what might be another machine: nothing is owed any more.
        other = self.worker("--backups", self.at("other"))
        self.assertIn("works as", other.stderr.readline())
        self.wait_for(lambda: self.sql("SELECT count(*) FROM workers") == "2")
        self.assertIn("backed up: wrench-", self.stop(worker))
        self.assertNotIn("backed up", self.stop(other))
        self.assertEqual(self.listed("--from", "other"), [])
        self.assertEqual([event["digest"] for event in self.events("backup.created")], [made["digest"]])
        self.assertEqual(len(self.events("backup.verified")), 1)
        self.assertIn("in " + self.at("there"), self.wrench_there("backup", "list").out)
        # It is owed again a day later; what isn't there any more is forgotten.
        self.sql("UPDATE backups SET created_at = created_at - 86400000000")
        os.unlink(made["path"])
        again = self.worker("--backups", self.at("there"))
        self.wait_for(lambda: len(self.events("backup.verified")) == 2)
        self.stop(again)
        self.assertEqual(len(self.listed()), 1)
        self.assertNotEqual(self.listed()[0]["digest"], made["digest"])

    def test_a_worker_that_is_killed_leaves_it_to_others(self):
        self.playbooks()
        env = dict(self.on_database, PATH=self.slow_tool("pg_dump"))
        slow = self.worker("--backups", self.at("slow"), env=env)
        self.wait_for(lambda: os.path.exists(self.at("began")))
        other = self.worker("--backups", self.at("other"))
        self.wait_for(lambda: self.sql("SELECT count(*) FROM workers") == "2")
        self.assertEqual(self.listed(), [])
        slow.kill()
        slow.wait()
        self.stop(other)
        third = self.worker("--backups", self.at("other"))
        self.wait_for(lambda: [backup["status"] for backup in self.listed()] == ["verified"])
        self.stop(third)
        self.assertEqual(self.listed("--from", "slow"), [])

    def test_a_tool_that_is_missing_or_fails_is_told(self):
        self.playbooks()
        nothing = self.at("nothing")
        os.mkdir(nothing)
        worker = self.worker("--backups", self.at("there"), env=dict(self.on_database, PATH=nothing))
        self.wait_for(lambda: self.events("backup.failed"))
        self.assertIn("can't back the store up: pg_dump isn't installed", self.stop(worker))
        self.assertEqual(self.events("backup.failed")[0]["code"], "runtime.program_not_found")
        self.write("broken/pg_dump", "#!/bin/sh\necho 'pg_dump: error: no luck today' >&2\nexit 1\n")
        os.chmod(self.at("broken/pg_dump"), 0o755)
        broken = dict(self.on_database, PATH=self.at("broken") + ":" + os.environ["PATH"])
        worker = self.worker("--backups", self.at("there"), env=broken)
        self.wait_for(lambda: len(self.events("backup.failed")) == 2)
        self.assertIn("no luck today", self.stop(worker))
        self.assertEqual(self.events("backup.failed")[1]["code"], "backup.tool_failed")
        self.assert_fails(self.wrench_there("backup", "create", "--to", "there", code=3, env=broken), 3, "pg_dump failed", "no luck today")
        left = [name for name in os.listdir(self.at("there")) if name != ".wrench-backup.lock"]
        self.assertEqual(left, [])

    def test_a_restore_that_was_killed_between_its_renames_says_so(self):
        self.playbooks()
        self.wrench_there("backup", "create", "--to", "there")
        url = self.url.replace("/postgres?", "/shop?")
        self.wrench_there("backup", "restore", "--latest", "--from", "there", "--into", url)
        self.sql("ALTER DATABASE shop RENAME TO shop_before_1")
        done = self.wrench_there("backup", "restore", "--latest", "--from", "there", "--into", url, code=6)
        self.assert_fails(done, 6, "is called shop_before_1 now", "ALTER DATABASE")
        self.assertEqual(self.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'shop%'"), "1")

    def test_the_list_outlives_the_database(self):
        self.playbooks()
        self.wrench_there("backup", "create")
        away = self.env(WRENCH_DATABASE_URL="postgresql://me@127.0.0.1:1/none")
        done = self.run_wrench("backup", "list", env=away)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("wrench-", done.out)
        self.assertIn("the database doesn't say", done.err)

    def test_a_whole_server(self):
        self.playbooks(2)
        tasks = self.wrench_there("task", "list", "--json").json()["data"]
        made = self.wrench_there("backup", "create", "--physical", "--verify", "--to", "there", "--json").json()
        self.assertEqual((made["passed"], made["backup"]["method"]), (True, "pg_basebackup"))
        # No server is needed to verify or to restore it.
        self.wrench_there("backup", "verify", "--latest", "--from", "there", env=self.env())
        restored = self.wrench_there("backup", "restore", "--latest", "--from", "there", "--into", "drill", env=self.env())
        self.assertIn("restored", restored.out)
        self.assertTrue(os.path.exists(self.at("drill/PG_VERSION")))
        again = ["backup", "restore", "--latest", "--from", "there", "--into", "drill"]
        self.assert_fails(self.wrench_there(*again, code=6), 6, "isn't empty")
        self.assert_fails(self.wrench_there(*again[:-1], self.url, code=2), 2, "takes a folder")
        self.assert_fails(self.run_wrench("backup", "create", "--physical"), 2, "--database")
        nothing = self.at("nothing")
        os.mkdir(nothing)
        done = self.wrench_there("backup", "create", "--physical", "--to", "there", code=3, env=dict(self.on_database, PATH=nothing))
        self.assert_fails(done, 3, "pg_basebackup isn't installed")
        self.assertEqual(len(tasks), 2)
        self.assertEqual([name for name in os.listdir(self.at("there")) if name.startswith(".wrench-backup-")], [])

    def slow_tool(self, name):
        """PATH with a tool that waits for good, once it has said that it began."""
        self.write("slow/" + name, f"#!/bin/sh\n: > {self.at('began')}\nexec sleep 600\n")
        os.chmod(self.at("slow/" + name), 0o755)
        return self.at("slow") + ":" + os.environ.get("PATH", "/usr/bin:/bin")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
