#!/usr/bin/env python3
"""A store whose files were damaged: never a crash, never a hang, never an answer that mixes what was with what wasn't.

    tests/cli/store_damage_test.py PATH_OF_WRENCH [TEST...]

WRENCH_DAMAGES (40) is how many copies of each file are damaged, WRENCH_SEED (1) where the first begins.
"""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest, default_signals

PLAYBOOK = "name: quick\nsteps:\n  - {step_id: one, agent: worker, operation: count}\n  - {step_id: two, agent: worker, operation: write}\n"
MOCK = "worker.count: {outputs: {n: 3}}\nworker.write: {outputs: {text: %s}}\n" % ("y" * 5000)
TASKS = 12
LOG_HEADER, FRAME_HEADER = 32, 24
FAILED, CANT = 1, 3  # Exit codes: something doesn't hold; the operation isn't possible.

DAMAGES = {
    "a bit is flipped": lambda b, at, r: b[:at] + bytes([b[at] ^ 1 << r.randrange(8)]) + b[at + 1:],
    "zeros": lambda b, at, r: b[:at] + bytes(len(b[at:at + 64])) + b[at + 64:],
    "noise": lambda b, at, r: b[:at] + r.randbytes(len(b[at:at + 64])) + b[at + 64:],
    "cut": lambda b, at, r: b[:at],
    "a page of noise": lambda b, at, r: b[:at - at % 4096] + r.randbytes(len(b[at - at % 4096:][:4096])) + b[at - at % 4096 + 4096:],
}


def live_log_bytes(log):
    """How much of a log counts: the frames that carry its salts (https://www.sqlite.org/fileformat2.html, section 4)."""
    page = struct.unpack(">I", log[8:12])[0]
    at = LOG_HEADER
    while at + FRAME_HEADER + page <= len(log) and log[at + 8:at + 16] == log[16:24]:
        at += FRAME_HEADER + page
    return at


class DamagedStore(CliTest):
    def setUp(self):
        super().setUp()
        self.write("quick.yaml", PLAYBOOK)
        self.write("mock.yaml", MOCK)
        self.count = int(os.environ.get("WRENCH_DAMAGES", 40))
        self.seed = int(os.environ.get("WRENCH_SEED", 1))

    def order(self, env=None):
        return self.run_wrench("playbook", "run", "quick.yaml", "--mock", "mock.yaml", "--progress", "none", env=env)

    def tasks(self, env=None):
        done = self.run_wrench("task", "list", "--json", "--limit", "100", env=env)
        return done, [task["task_id"] for task in done.json()["data"]] if done.code == 0 else None

    def killed_store(self):
        """A store whose server was killed: the newest tasks are in the log alone."""
        self.assertEqual(self.order().code, 0)
        server = subprocess.Popen([self.wrench, "serve", "--no-backups"], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=default_signals)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.wait_for(lambda: os.path.exists(self.at("data/server.pid")))
        for _ in range(TASKS - 1):
            self.assertEqual(self.order().code, 0)
        server.send_signal(signal.SIGKILL)
        server.wait(timeout=TIMEOUT_S)

    def with_damaged_copies(self, name, end, look):
        """Calls look(environment) for one damaged copy after another; what comes before `end` is damaged."""
        for seed in range(self.seed, self.seed + self.count):
            chance = random.Random(seed)
            shutil.rmtree(self.at("copy"), ignore_errors=True)
            shutil.copytree(self.at("data"), self.at("copy"))
            with open(self.at("copy/" + name), "rb") as file:
                whole = file.read()
            kind = chance.choice(sorted(DAMAGES))
            damaged = DAMAGES[kind](whole, chance.randrange(end(whole)), chance)
            with open(self.at("copy/" + name), "wb") as file:
                file.write(damaged)
            with self.subTest(file=name, seed=seed, damage=kind):
                look(self.env(WRENCH_DATA_DIR=self.at("copy")))

    def assert_says_so(self, done, codes):
        """An exit code that is meant, and words for people when it isn't 0."""
        self.assertIn(done.code, codes, done.err or done.out)
        if done.code == CANT:
            self.assertIn("error: ", done.err)
            self.assertRegex(done.err, r"\[[a-z_]+\.[a-z_]+\]")

    def test_a_damaged_log_loses_its_end_and_nothing_else(self):
        self.killed_store()
        _, whole = self.tasks()
        self.assertEqual(len(whole), TASKS)
        self.killed_store()  # Looking has brought the log into the file: more, by another server.
        _, whole = self.tasks(env=self.env(WRENCH_DATA_DIR=self.copied("seen")))
        self.assertEqual(len(whole), 2 * TASKS)
        lost = []

        def look(env):
            listed, tasks = self.tasks(env)
            self.assertEqual(listed.code, 0, listed.err)
            # Newest first: those that are left are the oldest.
            self.assertEqual(tasks, whole[len(whole) - len(tasks):])
            lost.append(len(tasks) < len(whole))
            checked = self.run_wrench("store", "check", "--json", env=env)
            self.assertEqual(checked.code, 0, checked.err)
            self.assertEqual(checked.json()["problems"], [])
            self.assertEqual(self.order(env).code, 0)

        self.with_damaged_copies("store.db-wal", live_log_bytes, look)
        self.assertGreater(sum(lost), self.count // 4, "the log was damaged where it doesn't count")

    def copied(self, name):
        shutil.copytree(self.at("data"), self.at(name))
        return self.at(name)

    def test_a_damaged_file_is_told_of(self):
        for _ in range(TASKS):
            self.assertEqual(self.order().code, 0)
        # All in the file, nothing in the log, so that each page counts.
        self.assertEqual(self.run_wrench("store", "vacuum").code, 0)
        _, whole = self.tasks()
        told = []

        def look(env):
            checked = self.run_wrench("store", "check", "--json", env=env)
            self.assert_says_so(checked, (0, FAILED, CANT))
            told.append(checked.code != 0)
            listed, tasks = self.tasks(env)
            self.assert_says_so(listed, (0, CANT))
            if checked.code == 0:
                self.assertEqual(tasks, whole, listed.err)
            with open(self.at("copy/store.db"), "rb") as file:
                before = file.read()
            ordered = self.order(env)
            self.assert_says_so(ordered, (0, FAILED, CANT))
            if checked.code == CANT and listed.code == CANT and ordered.code == CANT:
                with open(self.at("copy/store.db"), "rb") as file:
                    self.assertEqual(file.read(), before, "a store that can't be read was written to")

        self.with_damaged_copies("store.db", len, look)
        self.assertGreater(sum(told), self.count // 3)


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
