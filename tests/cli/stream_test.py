#!/usr/bin/env python3
"""wrench task stream: what steps say while they run.

    tests/cli/stream_test.py PATH_OF_WRENCH [TEST...]
"""
import json
import os
import subprocess
import sys
import unittest

from harness import CliTest, default_signals

TALKS = """\
name: Talks
steps:
  - {step_id: build, agent: robot, operation: build}
  - {step_id: test, agent: robot, operation: test}
"""
MOCK = """\
robot.build: {outputs: {size: 3}, says: ["compiling a.c\\n", "\\e[31mred\\e[0m\\n", "linking\\n"], delay: DELAY}
robot.test: {outputs: {passed: 2}, says: ["ok 1\\nok 2"]}
"""
SAID = "compiling a.c\n\x1b[31mred\x1b[0m\nlinking\n"


class Streams(CliTest):
    def stream(self, *words):
        return self.run_wrench("task", "stream", *words)

    def lines(self, *words):
        done = self.stream(*words, "--json")
        self.assertEqual(done.code, 0, done.err)
        return [json.loads(line) for line in done.out.splitlines()]

    def begin_talks(self, delay):
        self.write("talks.yaml", TALKS)
        self.write("mock.yaml", MOCK.replace("DELAY", delay))
        process = subprocess.Popen([self.wrench, "playbook", "run", "talks.yaml", "--mock", "mock.yaml"], cwd=self.dir,
                                   env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=default_signals)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for(lambda: self.tasks())
        return process, self.tasks()[0]["task_id"]

    def tasks(self):
        done = self.run_wrench("task", "list", "--json")
        return done.json()["data"] if done.code == 0 else []

    def test_is_followed_to_the_end_from_another_process(self):
        process, task = self.begin_talks("600ms")
        followed = self.stream(task, "--follow")
        self.assertEqual(followed.code, 0, followed.err)
        self.assertEqual(followed.out, "-- build, step 1\ncompiling a.c\n\\x1b[31mred\\x1b[0m\nlinking\n"
                                       "-- test, step 2\nok 1\nok 2")
        self.assertEqual(self.end(process).code, 0)
        self.assertEqual(self.stream(task).out, followed.out)
        self.assertEqual("".join(line["text"] for line in self.lines(task, "--step", "build")), SAID)

    def test_goes_on_at_an_offset(self):
        process, task = self.begin_talks("1ms")
        self.assertEqual(self.end(process).code, 0)
        first = self.lines(task, "--step", "1")[0]
        self.assertEqual((first["schema"], first["node"], first["step_no"], first["offset"], first["attempt"]),
                         ("wrench.task_stream/1", "build", 1, 0, 1))
        run = first["run"]
        for offset in ("14", f"{run}:14"):
            rest = self.lines(task, "--step", "build", "--offset", offset)
            self.assertEqual((rest[0]["offset"], rest[0]["text"]), (14, SAID[14:]))
        self.assertEqual(self.lines(task, "--step", "build", "--offset", "1000"), [])
        anew = self.lines(task, "--step", "build", "--offset", f"{run + 7}:14")  # Of a run that is gone.
        self.assertEqual((anew[0]["run"], anew[0]["offset"]), (run, 0))
        self.assert_fails(self.stream(task, "--offset", "14"), 2, "--step")
        for bad in ("-1", "x", "1:", "1:2:3", "99999999999999999999"):
            self.assert_fails(self.stream(task, "--step", "1", f"--offset={bad}"), 2, "is no offset")
        self.assert_fails(self.stream(task, "--step", "nothing"), 5, "has no step 'nothing'")
        self.assert_fails(self.stream("ZZZZZZ"), 5)

    def test_is_whole_and_not_doubled_after_a_kill_in_the_middle(self):
        process, task = self.begin_talks("1500ms")
        self.wait_for(lambda: len(self.lines(task)) > 0)
        before = self.lines(task)[0]
        process.kill()
        process.wait()
        self.assertEqual(self.lines(task)[0]["text"], before["text"])  # What was read stays readable.
        done = self.run_wrench("playbook", "run", "talks.yaml", "--mock", "mock.yaml")
        self.assertEqual(done.code, 0, done.err)
        again = [line for line in self.lines(task) if line["node"] == "build"]
        self.assertEqual("".join(line["text"] for line in again), SAID)
        self.assertGreater(again[0]["run"], before["run"])

    def test_a_review_says_what_it_finds(self):
        self.write("shop/\x1b[31m.py", "def f(x):\n    return eval(x)\n")
        self.assertIn(self.review("shop").code, (0, 1))
        task = self.tasks()[0]["task_id"]
        found = [json.loads(line) for line in
                 "".join(line["text"] for line in self.lines(task)).splitlines()]
        self.assertIn(("own.eval-call", 2), {(finding["rule"], finding["line"]) for finding in found})
        self.assertIn("own.eval-call", self.stream(task).out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
