#!/usr/bin/env python3
"""What goes on: wrench top, and following a task, while processes work, are killed and taken over from.

    tests/cli/top_test.py PATH_OF_WRENCH [TEST...]
"""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
import unittest

from harness import TIMEOUT_S, CliTest, default_signals

# Two of three answers don't satisfy the condition: two retries. Then a step that takes its time.
RETRIED = """\
name: retried
steps:
  - step_id: try
    type: process
    agent: robot
    process: [{operation: guess, condition: "good", failure_action: retry}]
  - {step_id: rest, agent: robot, operation: rest}
"""
MOCK = """\
robot.guess: [{good: false}, {good: false}, {good: true}]
robot.rest: {outputs: [{done: true}], delay: DELAY}
"""


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


class Top(CliTest):
    def top(self, *words, **options):
        done = self.run_wrench("top", *words, **options)
        self.assertEqual(done.code, 0, done.err)
        return done

    def frame(self):
        return self.top("--once", "--json").json()

    def value(self, frame, name, **labels):
        series = frame["metrics"].get(name, {"series": []})["series"]
        return sum(s.get("value", s.get("count", 0)) for s in series
                   if all(s["labels"].get(k) == v for k, v in labels.items()))

    def start(self, *words, env=None):
        process = subprocess.Popen([self.wrench, *words], cwd=self.dir, env=env or self.env(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=default_signals)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def retried(self, delay):
        self.write("retried.yaml", RETRIED)
        self.write("mock.yaml", MOCK.replace("DELAY", delay))
        return ["playbook", "run", "retried.yaml", "--mock", "mock.yaml"]

    def test_nothing_yet(self):
        done = self.top()
        self.assertIn("No process works here.", done.out)
        self.assertIn("0 running", done.out)
        frame = self.frame()
        self.assertEqual(frame["schema"], "wrench.top/1")
        self.assertEqual([frame[k] for k in ("processes", "running", "queues", "waits", "ended", "notes")], [[]] * 6)
        self.assertGreater(frame["store"]["database_bytes"], 0)

    def test_tells_what_runs_and_what_a_kill_leaves(self):
        self.git_project()
        process = self.begin("review", "shop", *self.quick)
        self.wait_for(lambda: self.frame()["running"] and self.frame()["processes"][0]["rss_bytes"])
        frame = self.frame()
        (shown,) = frame["processes"]
        self.assertEqual((shown["pid"], shown["role"]), (process.pid, "run"))
        self.assertEqual(len(shown["slots"]), 3)
        self.assertEqual(sum(shown["slots_used"]), len(frame["running"]))
        self.assertGreater(shown["rss_bytes"], 1 << 20)
        self.assertIsNotNone(shown["cpu_share"])
        step = next(s for s in frame["running"] if s["capability"].startswith("journey.mine_history"))
        self.assertEqual((step["pid"], step["attempt"]), (process.pid, 1))
        self.assertEqual(frame["open_states"], {"running": 1})
        self.assertGreater(self.value(frame, "wrench_flush_seconds"), 0)
        self.assertGreater(frame["flush"]["p99_s"], 0)
        self.assertTrue(os.listdir(self.at("data/reports")))
        text = self.top("--once", env=self.env(COLUMNS="80")).out
        for part in ("journey.mine_history", step["task_id"][-6:], str(process.pid), "1 running"):
            self.assertIn(part, text)
        for width in (80, 40, 20):
            for line in self.top(env=self.env(COLUMNS=str(width))).out.splitlines():
                self.assertLessEqual(columns(line), width, line)
        process.kill()
        process.wait()
        after = self.frame()
        self.assertEqual((after["processes"], after["running"], after["interrupted"]), ([], [], 1))
        self.assertEqual(after["metrics"], {}, "of a dead process")
        self.assertIn("1 interrupted", self.top().out)
        self.assertEqual(self.run_wrench("task", "resume").code, 1, "the gate")
        frame = self.frame()
        self.assertEqual(frame["ended"][0]["state"], "completed")
        self.assertEqual(frame["interrupted"], 0)
        self.assertEqual(os.listdir(self.at("data/reports")), [], "the dead one's report was left")

    def test_counts_a_known_workload(self):
        process = self.start(*self.retried("60s"))
        self.wait_for(lambda: self.value(self.frame(), "wrench_step_retries_total") == 2)
        self.wait_for(lambda: any(s["capability"].startswith("robot.rest") for s in self.frame()["running"]))
        frame = self.frame()
        guesses = {outcome: self.value(frame, "wrench_steps_processed_total", capability="robot.guess", outcome=outcome)
                   for outcome in ("completed", "retry", "failed")}
        self.assertEqual(guesses, {"completed": 1, "retry": 2, "failed": 0})
        self.assertEqual(self.value(frame, "wrench_step_execution_time_seconds", capability="robot.guess"), 3)
        self.assertEqual(self.value(frame, "wrench_tasks_created_total"), 1)
        self.assertEqual(self.value(frame, "wrench_tasks_processed_total"), 0)
        self.assertEqual(self.value(frame, "wrench_lease_losses_total"), 0)
        text = self.top("--format", "prometheus").out
        self.assertIn("\nwrench_step_retries_total 2\n", text)
        self.assertIn('\nwrench_slots_used{slot="io"} 1\n', text)
        self.assertIn("\nwrench_processes 1\n", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) wrench_\w+ .+|wrench_\w+(\{[^{}]*\})? -?[0-9.e+-]+)$')
        process.kill()

    def test_names_are_harmless(self):
        name = "sh\x1b[31mop\u202e\x07"
        self.write(name + "/a.py", "x = 1\n")
        self.assertEqual(self.review(name).code, 0)
        done = self.top()  # run_wrench() checks that it is inert.
        self.assertIn("\\x1b[31m", done.out)
        self.assertIn("completed", done.out)

    def test_a_damaged_report_is_a_note(self):
        self.project()
        self.review("shop")
        os.makedirs(self.at("data/reports"), exist_ok=True)
        self.write("data/reports/boot_x.json", b"{\"schema\":")
        frame = self.frame()
        self.assertEqual(len(frame["notes"]), 1)
        self.assertEqual(frame["processes"], [])

    def live(self, env, rows=24, width=80, look=None):
        """Runs `wrench top` on a terminal until it has drawn twice, then Ctrl-C; exit code and what was drawn."""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            default_signals()
            os.execve(self.wrench, [self.wrench, "top", "--interval", "100ms"], env)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))
        drawn, stopped = b"", False
        deadline = time.monotonic() + TIMEOUT_S
        with contextlib.closing(os.fdopen(master, "rb", buffering=0)) as terminal:
            while time.monotonic() < deadline:
                ready, _, _ = select.select([terminal], [], [], 0.1)
                try:
                    drawn += terminal.read(65536) if ready else b""
                except OSError:
                    break
                if drawn.count(b"\x1b[H") >= 3 and not stopped:
                    os.kill(pid, signal.SIGINT)
                    stopped = True
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), drawn.decode()

    def test_on_a_terminal(self):
        self.project()
        self.review("shop")
        code, drawn = self.live(self.env(TERM="xterm"))
        self.assertEqual(code, 0, drawn)
        self.assertTrue(drawn.startswith("\x1b[?1049h\x1b[?25l"), drawn[:40])
        self.assertTrue(drawn.endswith("\x1b[?25h\x1b[?1049l"), drawn[-40:])
        self.assertIn("\x1b[1m", drawn, "bold titles")
        code, drawn = self.live(self.env(TERM="xterm", NO_COLOR="1"), rows=6, width=30)
        self.assertEqual(code, 0, drawn)
        self.assertNotRegex(drawn, r"\x1b\[[0-9;]*m")
        last = drawn.split("\x1b[H")[-1].split("\x1b[J")[0]
        lines = [line.replace("\x1b[K", "").rstrip("\r") for line in last.split("\r\n")]
        self.assertLessEqual(len(lines), 6)
        self.assertTrue(all(columns(line) <= 30 for line in lines), lines)
        code, drawn = self.on_terminal("top", env=self.env(TERM="dumb"))
        self.assertEqual(code, 0)
        self.assertNotIn("\x1b", drawn)


class Watch(CliTest):
    def start(self, *words, env=None):
        process = subprocess.Popen([self.wrench, *words], cwd=self.dir, env=env or self.env(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=default_signals)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def events(self, *words):
        done = self.run_wrench("task", "watch", *words, "--json")
        return done.code, [json.loads(line) for line in done.out.splitlines()]

    def only_task(self):
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        return task["task_id"]

    def test_events_go_on_after_a_cursor(self):
        self.project()
        self.review("shop", "--fail-on", "none")
        task_id = self.only_task()
        code, all_events = self.events(task_id, "--cursor", "1:0")
        self.assertEqual(code, 0)
        self.assertEqual(all_events[0]["type"], "task.created")
        self.assertEqual(all_events[-1]["type"], "watch.end")
        self.assertEqual(all_events[-1]["payload"]["exit_code"], 0)
        self.assertEqual(all_events[-2]["payload"]["state"], "completed")
        middle = len(all_events) // 2
        code, rest = self.events(task_id, "--cursor", all_events[middle]["cursor"])
        self.assertEqual(code, 0)
        self.assertEqual(rest[:-1], all_events[middle + 1:-1])
        code, last = self.events(task_id)
        self.assertEqual([event["type"] for event in last], ["watch.begin", "watch.end"])
        for cursor in ("nonsense", "1:-1"):
            done = self.run_wrench("task", "watch", task_id, "--cursor", cursor)
            self.assertEqual(done.code, 3, cursor)
            self.assertIn("cursor", done.err)
        for cursor in ("9:0", "1:999999"):  # Before a restore, or pruned: what there was can't be told any more.
            done = self.run_wrench("task", "watch", task_id, "--cursor", cursor)
            self.assertEqual(done.code, 0, done.err)
            self.assertIn("the events after " + cursor + " aren't kept any more", done.err)
            self.assertIn("completed", done.out)

    def test_follows_a_task_to_its_exit_code(self):
        self.write("mock.yaml", "robot.rest: {outputs: [{done: true}], delay: 1s}\n")
        self.write("book.yaml", "name: book\nsteps:\n  - {step_id: rest, agent: robot, operation: rest}\n")
        run = self.start("playbook", "run", "book.yaml", "--mock", "mock.yaml")
        self.wait_for(lambda: self.run_wrench("task", "list", "--json").json()["data"])
        watched = self.run_wrench("task", "watch", self.only_task())
        self.assertEqual(watched.code, 0, watched.err)
        self.assertRegex(watched.out, r"\d\d:\d\d:\d\d  rest  completed\n")
        self.assertTrue(watched.out.endswith("completed  1/1 steps\n"), watched.out)
        self.assertEqual(self.end(run).code, 0)

    def test_follows_a_task_whose_process_is_killed(self):
        self.git_project()
        killed = self.begin("review", "shop", *self.quick)
        task_id = self.only_task()
        server = self.start("serve")
        self.wait_for(lambda: os.path.exists(self.at("data/server.pid")))
        watching = self.start("task", "watch", task_id, "--json")
        self.assertIn("watch.begin", watching.stdout.readline().decode())
        killed.kill()
        self.assertEqual(watching.wait(timeout=TIMEOUT_S), 0)
        lines = [json.loads(line) for line in watching.stdout.read().decode().splitlines()]
        self.assertEqual(lines[-1]["payload"]["state"], "completed")
        self.assertTrue(any(step["node"] and step["attempt"] == 1 for line in lines for step in
                            line["payload"].get("steps", [])))
        server.terminate()

    def test_shows_what_a_task_used(self):
        self.git_project()
        self.review("shop", "--fail-on", "none")
        task_id = self.only_task()
        shown = self.run_wrench("task", "show", task_id, "--json").json()
        self.assertEqual(shown["monitoring"]["task_id"], task_id)
        self.assertGreater(shown["monitoring"]["execution_time"], 0)
        used = shown["monitoring"]["resources"]
        self.assertGreater(used["cpu_ms"], 0)
        self.assertGreater(used["rss_bytes_max"], 1 << 20)
        mined = next(s for s in shown["steps"] if s["capability"].startswith("journey.mine_history"))
        self.assertGreater(mined["resources"]["children_cpu_ms"] + mined["resources"]["cpu_ms"], 0)
        self.assertRegex(self.run_wrench("task", "show", task_id).out, r"\n  used +[\d.]+ m?s CPU, [\d.]+ MiB memory")
        self.assertRegex(self.run_wrench("task", "journal", task_id).out, r" used [\d.]+ m?s CPU, ")


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
