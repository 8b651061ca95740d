#!/usr/bin/env python3
"""What is removed because it is too old: by hand, by a process that serves, by workers, with each task.

    tests/cli/retention_test.py PATH_OF_WRENCH [TEST...]
"""
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest, default_signals

DAY_US = 86_400_000_000


class Keeping:
    """What both classes need; has no tests."""

    def keep(self, yaml):
        self.write("data/retention.yaml", yaml)

    def retain(self, *words):
        done = self.run_wrench("store", "retain", "--json", *words)
        self.assertEqual(done.code, 0, done.err)
        return done.json()

    def age(self, days):
        """All that is there becomes so many days older."""
        with contextlib.closing(sqlite3.connect(self.at("data/store.db"))) as db, db:
            for table, columns in (("events", ["at"]), ("streams", ["drop_at"]), ("retention", ["at"]),
                                   ("messages", ["closed_at", "expires_at"]), ("memory_items", ["valid_to", "expires_at"]),
                                   ("tasks", ["created_at", "updated_at"])):
                changes = ", ".join(f"{column} = {column} - {days * DAY_US}" for column in columns)
                db.execute(f"UPDATE {table} SET {changes}")

    def count(self, table):
        with contextlib.closing(sqlite3.connect(self.at("data/store.db"))) as db:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def first_event(self):
        with contextlib.closing(sqlite3.connect(self.at("data/store.db"))) as db:
            return db.execute("SELECT min(seq) FROM events").fetchone()[0]

    def start(self, *words):
        with open(self.at("log"), "ab") as log:
            process = subprocess.Popen([self.wrench, *words], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=log, preexec_fn=default_signals)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def log(self):
        with open(self.at("log"), encoding="utf-8") as log:
            return log.read()


class Retention(Keeping, CliTest):
    def test_by_hand(self):
        self.project()
        self.assertEqual(self.review("shop").code, 1)
        events = self.count("events")
        self.assertGreater(events, 3)
        self.assertEqual(self.retain("--dry-run")["removed"]["events"], 0)
        self.age(8)
        looked = self.retain("--dry-run")
        self.assertEqual((looked["dry_run"], looked["removed"]["events"]), (True, events))
        self.assertGreater(looked["removed"]["streams"], 0)
        self.assertEqual(self.count("events"), events, "nothing is removed")
        self.assertIn(f"would be removed: {events} events", self.run_wrench("store", "retain", "--dry-run").out)
        done = self.retain()
        self.assertEqual(done["removed"], looked["removed"])
        self.assertTrue(done["complete"])
        self.assertEqual(self.count("events"), 0)
        self.assertEqual(self.count("stream_chunks"), 0)
        self.assertIn("Nothing is older", self.run_wrench("store", "retain").out)
        stats = self.run_wrench("store", "stats", "--json").json()["retention"]
        self.assertEqual([(one["kind"], one["removed"], one["total"]) for one in stats][0], ("events", events, events))
        self.assertIn("Removed last", self.run_wrench("store", "stats").out)
        self.assertEqual(self.run_wrench("store", "check").code, 0)
        self.assertEqual(self.review("shop").code, 1, "it goes on")

    def test_a_mistake_is_told_with_its_place(self):
        self.project()
        self.keep("events: 7d\nstream: 1d\n")
        for words in (["store", "retain"], ["store", "retain", "--dry-run"], ["review", "shop"], ["serve"]):
            self.assert_fails(self.run_wrench(*words), 2, "retention.yaml:2:1", "did you mean 'streams'?")
        self.assertEqual(self.run_wrench("task", "list").code, 0, "who only looks doesn't care")

    def test_who_watches_hears_that_events_are_gone(self):
        self.project()
        self.review("shop")
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        self.age(8)
        self.retain()
        for cursor in ("1:1", "7:1"):
            done = self.run_wrench("task", "watch", task, "--cursor", cursor)
            self.assertEqual(done.code, 0, done.err)
            self.assertIn(f"the events after {cursor} aren't kept any more", done.err)
            self.assertEqual(done.out.count("completed"), 1, done.out)

    def test_a_restored_store(self):
        self.project()
        self.review("shop")
        made = self.run_wrench("backup", "create", "--to", "safe", "--json")
        self.assertEqual(made.code, 0, made.err)
        self.age(3)
        restored = self.run_wrench("backup", "restore", os.listdir(self.at("safe"))[0], "--from", "safe", "--replace")
        self.assertEqual(restored.code, 0, restored.err)
        events = self.count("events")
        self.age(8)
        self.assertEqual(self.retain()["removed"]["events"], events)
        self.assertEqual(self.run_wrench("store", "check").code, 0)

    def test_a_server_does_it_and_waits_for_the_time_to_come(self):
        self.project()
        self.review("shop")
        self.keep("{events: 2s, streams: 2s}")
        server = self.start("serve", "--no-backups")
        self.wait_for(lambda: self.count("events") == 0 and self.count("streams") == 0)
        self.wait_for(lambda: "removed what was too old: " in self.log())
        server.terminate()
        self.assertEqual(server.wait(TIMEOUT_S), 0)
        self.assertEqual(self.run_wrench("store", "check").code, 0)

    def test_each_task_does_a_little_where_nobody_serves(self):
        self.project()
        self.review("shop")
        self.age(8)
        self.review("shop", "--fresh")
        self.assertGreater(self.count("streams"), 0, "perhaps the clock is wrong")
        self.assertEqual(self.first_event(), 1)
        self.age(1)
        self.review("shop", "--fresh")
        self.assertGreater(self.first_event(), 5)


class TaskArchive(Keeping, CliTest):
    def archive(self, *words, code=0):
        done = self.run_wrench("task", "archive", *words)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_by_hand(self):
        self.project()
        self.review("shop")
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        findings = self.run_wrench("finding", "list", "--json").json()["data"]
        self.assertTrue(findings)
        self.age(8)
        self.assertEqual(self.retain("--dry-run")["removed"]["tasks"], 0, "for ever is the default")
        self.assertIn("No task is in the archive", self.archive("list").out)
        self.keep("tasks: {completed: 7d}")
        self.assertEqual(self.retain("--dry-run")["removed"]["tasks"], 1)
        self.assertFalse(os.path.exists(self.at("data/archive")), "nothing is done")
        done = self.retain()
        self.assertEqual((done["removed"]["tasks"], done["complete"]), (1, True))
        self.assertGreater(done["rows_of_deleted_tasks"], 10)
        self.assertEqual(self.run_wrench("task", "list", "--json").json()["data"], [])
        self.assert_fails(self.run_wrench("task", "show", task), 5, "there is no task")
        self.assertEqual(self.run_wrench("finding", "list", "--json").json()["data"], findings)
        self.assertEqual(self.run_wrench("store", "check").code, 0)
        self.assertIn("Review shop", self.archive("list").out)
        one, = json.loads(self.archive("list", "--json", "--state", "completed").out)["data"]
        self.assertEqual((one["task"], one["state"]), (task, "completed"))
        self.assertEqual(json.loads(self.archive("list", "--json", "--state", "failed").out)["data"], [])
        shown = self.archive("show", task[-6:].lower()).out
        self.assertIn("Review shop", shown)
        self.assertIn("completed", shown)
        lines = [json.loads(line) for line in self.archive("show", task, "--json").out.splitlines()]
        self.assertEqual({line["type"] for line in lines}, {"task", "execution", "plan", "step", "journal", "content"})
        self.assertEqual(lines[0]["title"], "Review shop")
        self.assertEqual(json.loads(self.archive("verify", "--json").out)["records"], 1)
        self.assert_fails(self.run_wrench("task", "archive", "show", "ABCDEF"), 5, "is in the archive", "wrench task archive list")
        self.assertEqual(self.review("shop").code, 1, "the same command begins anew")

    def test_damage_is_told(self):
        self.project()
        self.review("shop")
        self.age(8)
        self.keep("tasks: 1d")
        self.retain("--archive", "elsewhere")
        self.assertFalse(os.path.exists(self.at("data/archive")))
        name, = (name for name in os.listdir(self.at("elsewhere")) if name.endswith(".zst"))
        self.archive("verify", "--archive", "elsewhere")
        with open(self.at("elsewhere/" + name), "r+b") as file:
            file.seek(-20, os.SEEK_END)
            byte = file.read(1)
            file.seek(-20, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        self.assertIn("is damaged at byte 0", self.archive("verify", "--archive", "elsewhere", code=1).out)
        done = self.run_wrench("task", "archive", "show", "--archive", "elsewhere", "--json",
                               json.loads(self.archive("list", "--archive", "elsewhere", "--json").out)["data"][0]["task"])
        self.assertEqual(done.code, 3)
        self.assertIn("storage.archive_damaged", done.err)

    def test_what_cannot_be_archived_stays(self):
        self.project()
        self.review("shop")
        self.age(8)
        self.keep("{tasks: 1s, events: forever}")
        self.write("data/archive", "no folder")
        self.assertEqual(self.run_wrench("store", "retain").code, 3)
        server = self.start("serve", "--no-backups")
        self.wait_for(lambda: "can't remove what is too old right now" in self.log())
        self.assertEqual(len(self.run_wrench("task", "list", "--json").json()["data"]), 1)
        server.terminate()
        self.assertEqual(server.wait(TIMEOUT_S), 0)

    def test_a_server_does_it(self):
        self.project()
        self.keep("{tasks: 1s, events: forever}")
        server = self.start("serve", "--no-backups")
        self.wait_for(lambda: "serving" in self.log())
        left = self.run_wrench("review", "shop", *self.quick, "--detach", "--json")
        self.assertEqual(left.code, 0, left.err)
        self.wait_for(lambda: self.run_wrench("task", "list", "--json").json()["data"] == [] and self.count("steps") == 0 and
                      self.count("plans") == 0)
        server.terminate()
        self.assertEqual(server.wait(TIMEOUT_S), 0)
        self.assertIn("removed what was too old: 1 tasks", self.log())
        self.assertEqual(json.loads(self.archive("list", "--json").out)["data"][0]["task"], left.json()["task_id"])
        self.assertEqual(self.run_wrench("store", "check").code, 0)


class RetentionOfADatabase(CliTest):
    def setUp(self):
        super().setUp()
        self.url = self.start_database()
        self.database = self.env(WRENCH_DATABASE_URL=self.url)

    def stats(self):
        return {one["kind"]: one["total"] for one in
                self.run_wrench("store", "stats", "--json", env=self.database).json()["retention"]}

    def test_workers_do_it(self):
        self.project()
        self.write("data/retention.yaml", "{events: 2s, streams: 2s, tasks: 3s}")
        left = self.run_wrench("review", "shop", *self.quick, "--detach", env=self.database)
        self.assertEqual(left.code, 0, left.err)
        with open(self.at("log"), "wb") as log:
            for _ in range(2):
                worker = subprocess.Popen([self.wrench, "worker", "--no-backups"], cwd=self.dir, env=self.database,
                                          stdin=subprocess.DEVNULL, stderr=log, preexec_fn=default_signals)
                self.addCleanup(worker.wait)
                self.addCleanup(worker.kill)
        self.wait_for(lambda: self.stats().get("events", 0) > 5 and self.stats().get("streams", 0) > 0 and
                      self.stats().get("tasks", 0) == 1)
        self.assertEqual(self.run_wrench("task", "list", "--json", env=self.database).json()["data"], [])
        archived = self.run_wrench("task", "archive", "list", "--json", env=self.database)
        self.assertEqual([one["title"] for one in archived.json()["data"]], ["Review shop"])
        self.assertEqual(self.run_wrench("store", "retain", "--dry-run", env=self.database).code, 0)
        self.assertEqual(self.run_wrench("store", "check", env=self.database).code, 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
