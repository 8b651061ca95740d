#!/usr/bin/env python3
"""Schedules: made on the command line, fired by a process that serves, or by workers of a database."""
import datetime
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

from harness import TIMEOUT_S, CliTest, default_signals

PLAYBOOK = """\
name: tick
inputs: {word: {type: string, default: tock}}
steps:
  - {step_id: ask, wait: {on: approval, title: go on?, role: any}}
"""
QUICK = """\
name: quick
inputs: {ms: {type: integer, default: 1}}
steps:
  - {step_id: nap, wait: {on: until, after: 1ms}}
"""


def at(moment):
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))


class Scheduling:
    def setUp(self):
        super().setUp()
        self.write("tick.yaml", PLAYBOOK)
        self.write("quick.yaml", QUICK)

    def ok(self, *words, **options):
        done = self.run_wrench(*words, **options)
        self.assertEqual(done.code, 0, done.err)
        return done

    def create(self, name, when, *words, **options):
        return self.ok("schedule", "create", name, when, *words, "--json", **options).json()["schedule"]

    def show(self, name, **options):
        return self.ok("schedule", "show", name, "--json", **options).json()

    def serve(self, *words):
        log = open(self.at("serve.log"), "ab")
        with log:
            process = subprocess.Popen([self.wrench, "serve", *words], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, preexec_fn=default_signals)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def log(self):
        with open(self.at("serve.log"), encoding="utf-8") as log:
            return log.read()

    def fire_times(self, schedule="sched"):
        """Of every task that was made for the schedule, or for any, by the store itself."""
        with sqlite3.connect(f"file:{self.at('data')}/store.db?mode=ro", uri=True) as store:
            rows = store.execute("SELECT idempotency_key FROM tasks WHERE idempotency_key LIKE 'sched:%'").fetchall()
        return sorted(int(key.rsplit(":", 1)[1]) for key, in rows if schedule in key)

    def change(self, sql, *values):
        with sqlite3.connect(self.at("data/store.db")) as store:
            self.assertEqual(store.execute(sql, values).rowcount, 1)


class Schedules(Scheduling, CliTest):
    def test_says_when_it_would_fire(self):
        done = self.ok("schedule", "next", "30 2 * * *", "--tz", "Europe/Berlin", "--after", "2026-03-28")
        self.assertEqual(done.out.splitlines(), ["2026-03-28T02:30:00.000+01:00", "2026-03-29T03:00:00.000+02:00",
                                                 "2026-03-30T02:30:00.000+02:00"])
        told = self.ok("schedule", "next", "@yearly", "--count", "1000", "--after", "2026-01-01", "--json").json()
        self.assertEqual(len(told["data"]), 1000)
        self.assertEqual(told["data"][-1]["at"], "3026-01-01T00:00:00.000Z")
        once = self.ok("schedule", "next", "at 2026-01-01T00:00:00Z", "--after", "2026-01-01")
        self.assertIn("never", once.out)
        self.assertFalse(os.path.exists(self.at("data")), "a dry run needs no store")

    def test_refuses_what_is_wrong_before_it_does_anything(self):
        for words, code, part in (
                (("create", "a", "0 25 * * *", "--review", "."), 2, "at character 3"),
                (("create", "a", "@daily", "--review", ".", "--tz", "Europe/Berln"), 2, "Europe/Berlin?"),
                (("create", "a", "@daily"), 2, "--playbook"),
                (("create", "a", "@daily", "--review", ".", "--playbook", "tick.yaml"), 2, "--playbook"),
                (("create", "a", "@daily", "--review", "nowhere"), 3, "nowhere"),
                (("create", "a", "@daily", "--playbook", "nothing"), 5, "nothing"),
                (("create", "a", "@daily", "--playbook", "tick.yaml", "--input", "wrd=x"), 2, "wrd"),
                (("create", "a", "@daily", "--review", ".", "--overlap", "terminate_other"), 2, "cancel_other"),
                (("create", "A\x1b", "@daily", "--review", "."), 2, "name"),
                (("create", "a", "@daily", "--review", ".", "--catchup", "2y"), 2, "2y"),
                (("create", "a", "@daily", "--review", ".", "--pause-after", "1001"), 2, "1000"),
                (("create", "a", "at 2001-01-01T00:00:00Z", "--review", "."), 2, "never fires again"),
                (("show", "a"), 5, "no schedule 'a'"), (("next", "a"), 5, "no schedule 'a'"),
                (("trigger", "x" * 5000), 5, "no schedule"), (("backfill", "a"), 2, "--from"),
                (("backfill", "a", "--from", "yesterday"), 2, "yesterday")):
            with self.subTest(words):
                self.assert_fails(self.run_wrench("schedule", *words), code, part)
        self.assertEqual(self.ok("schedule", "list").out, "No schedules.\n")

    def test_what_a_file_said_is_kept(self):
        made = self.create("tick", "@daily", "--playbook", "tick.yaml", "--input", "word=ha")
        self.assertEqual(made["task"]["inputs"], {"word": "ha"})
        os.unlink(self.at("tick.yaml"))
        fired = self.ok("schedule", "trigger", "tick", "--json").json()
        task = self.ok("task", "show", fired["tasks"][0], "--json").json()["task"]
        self.assertEqual(task["title"], "tick")
        self.assertEqual(task["created_by"], "schedule:tick")
        skipped = self.ok("schedule", "trigger", "tick")
        self.assertIn("1 skipped", skipped.out)
        self.assertEqual(len(self.ok("schedule", "trigger", "tick", "--overlap", "allow_all", "--json").json()["tasks"]), 1)

    def test_is_paused_resumed_and_deleted(self):
        tick = self.create("tick", "every 1s", "--playbook", "tick.yaml")["schedule_id"]
        other = self.create("other", "every 1s", "--playbook", "quick.yaml", "--overlap", "allow_all")["schedule_id"]
        paused = self.ok("schedule", "pause", "tick", "--reason", "quiet\x1b[2J please")
        self.assertIn("paused: quiet", paused.out)
        server = self.serve()
        self.wait_for(lambda: len(self.fire_times(other)) >= 3)
        self.assertEqual(self.fire_times(tick), [])
        resumed = self.ok("schedule", "resume", "tick", "--json").json()["schedule"]
        self.assertEqual(resumed["state"], "active")
        self.wait_for(lambda: self.fire_times(tick))
        self.wait_for(lambda: self.show("tick")["schedule"]["skipped"] >= 2)
        self.ok("schedule", "delete", "tick")
        self.assert_fails(self.run_wrench("schedule", "show", "tick"), 5, "no schedule")
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(TIMEOUT_S), 0)
        self.assertEqual(len(self.fire_times(tick)), 1, "the task waits, so the other times were skipped")

    def test_backfill_makes_up_for_the_past_once(self):
        self.create("tick", "0 3 * * *", "--playbook", "tick.yaml", "--tz", "Europe/Berlin")
        past = ("--from", "2026-03-28", "--to", "2026-03-31T12:00:00Z")
        fired = self.ok("schedule", "backfill", "tick", *past, "--overlap", "allow_all", "--json").json()
        self.assertEqual(len(fired["tasks"]), 4)
        again = self.ok("schedule", "backfill", "tick", *past, "--overlap", "allow_all")
        self.assertIn("Nothing to do", again.out)
        runs = self.show("tick")["runs"]
        self.assertEqual([run["fire_at"][:13] for run in runs], ["2026-03-31T01", "2026-03-30T01", "2026-03-29T01", "2026-03-28T02"])

    def test_a_zone_that_is_gone_pauses_it(self):
        self.create("tick", "* * * * *", "--playbook", "tick.yaml")
        self.change("UPDATE schedules SET tz = 'Mars/Olympus', next_at = 1, fire_at = 1")
        self.serve()
        self.wait_for(lambda: self.show("tick")["schedule"]["state"] == "paused")
        self.assertIn("Mars/Olympus", self.log())
        self.assert_fails(self.run_wrench("schedule", "resume", "tick"), 2, "Mars/Olympus")
        self.assertEqual(self.fire_times(), [])

    def test_what_cant_be_done_any_more_pauses_it(self):
        self.project()
        self.create("shop", "every 1s", "--review", "shop", "--pause-after", "2")
        os.rename(self.at("shop"), self.at("moved"))
        self.serve()
        self.wait_for(lambda: self.show("shop")["schedule"]["state"] == "paused")
        shown = self.show("shop")
        self.assertEqual(shown["schedule"]["failures"], 2)
        self.assertEqual({run["outcome"] for run in shown["runs"]}, {"not_planned"})
        self.assertIn("2 tasks in a row failed", self.log())

    def test_cancel_other_makes_room(self):
        self.create("tick", "every 2s", "--playbook", "tick.yaml", "--overlap", "cancel_other")
        self.serve()
        self.wait_for(lambda: len(self.fire_times()) >= 3)
        outcomes = [run["outcome"] for run in self.show("tick")["runs"] if run["state"] == "ended"]
        self.assertEqual(set(outcomes), {"cancelled"})


class SchedulesUnderFire(Scheduling, CliTest):
    def test_every_time_has_one_task_whatever_is_killed(self):
        made = self.create("quick", "every 1s", "--playbook", "quick.yaml", "--overlap", "allow_all")
        begin = int(at(made["fire_at"]).timestamp())
        chance = random.Random(7)
        for _ in range(12):
            server = self.serve()
            time.sleep(chance.uniform(0.05, 1.2))
            server.kill()
            server.wait()
        end = int(time.time())
        self.serve()
        self.wait_for(lambda: self.fire_times() and self.fire_times()[-1] >= end * 1_000_000)
        times = [moment // 1_000_000 for moment in self.fire_times()]
        self.assertGreater(len(times), 3)
        self.assertEqual(times, list(range(begin, times[-1] + 1)), "each second once, none left out")
        shown = self.show("quick")["schedule"]
        self.assertEqual((shown["skipped"], shown["missed"]), (0, 0))
        self.wait_for(lambda: not self.ok("task", "list", "--status", "pending", "--json").json()["data"])
        self.assertEqual(self.ok("store", "check").code, 0)


class SchedulesOfWorkers(Scheduling, CliTest):
    def test_every_time_has_one_task_with_workers_that_are_killed(self):
        env = self.env(WRENCH_DATABASE_URL=self.start_database(), WRENCH_DATA_DIR=None)
        made = self.create("quick", "every 2s", "--playbook", "quick.yaml", "--overlap", "allow_all", env=env)
        begin = at(made["fire_at"]).timestamp()
        logs = []

        def work():
            logs.append(open(self.at(f"worker{len(logs)}.log"), "wb"))
            self.addCleanup(logs[-1].close)
            worker = subprocess.Popen([self.wrench, "worker"], cwd=self.dir, env=env, stdin=subprocess.DEVNULL,
                                      stderr=logs[-1], preexec_fn=default_signals)
            self.addCleanup(worker.wait)
            self.addCleanup(worker.kill)
            return worker

        def times():
            runs = self.show("quick", env=env)["runs"]
            return sorted(at(run["fire_at"]).timestamp() for run in runs if run["task_id"])

        workers = [work(), work()]
        for count in (2, 4):
            self.wait_for(lambda count=count: len(times()) >= count)
            killed = workers.pop(0)
            killed.kill()
            killed.wait()
            workers.append(work())
        self.wait_for(lambda: len(times()) >= 6)
        self.ok("schedule", "pause", "quick", env=env)
        seen = times()
        self.assertEqual(seen, [begin + 2 * i for i in range(len(seen))], "each time once, none left out")
        tasks = self.ok("task", "list", "--limit", "200", "--json", env=env).json()["data"]
        self.assertEqual(len(tasks), len(seen))
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait(TIMEOUT_S), 0)


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
