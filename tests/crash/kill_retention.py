#!/usr/bin/env python3
"""Kills a server while it archives and removes finished tasks: none may be lost, and what goes must be in the archive. With --server
(tests/cli/postgres.cpp) it is a worker on PostgreSQL.

    python3 tests/crash/kill_retention.py --wrench build/dev/wrench --kills 50
    python3 tests/crash/kill_retention.py --wrench build/dev/wrench --server build/dev/tests/cli/wrench_test_postgres --kills 50
"""
import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PLAYBOOK = """\
name: Small
steps:
  - {step_id: a, agent: robot, operation: work}
  - {step_id: b, agent: robot, operation: talk}
"""
MOCK = """\
robot.work: {outputs: {done: true, text: "TEXT"}}
robot.talk: {outputs: {}, says: ["something\\n"]}
"""
DAY_US = 86_400_000_000


class Loop:
    patience = 3  # Of who waits for a server to begin.

    def __init__(self, wrench, scratch, seed):
        self.wrench, self.dir = wrench, scratch
        self.random = random.Random(seed)
        self.data = os.path.join(scratch, "data")
        self.env = {"PATH": os.environ["PATH"], "HOME": scratch, "WRENCH_DATA_DIR": self.data, "LANG": "C.UTF-8"}
        self.made, self.kills, self.hits, self.doubles = set(), 0, 0, 0
        for name, text in (("small.yaml", PLAYBOOK), ("mock.yaml", MOCK.replace("TEXT", "x" * 6000))):
            with open(os.path.join(scratch, name), "w", encoding="utf-8") as file:
                file.write(text)

    def run(self, *words, code=0):
        done = subprocess.run([self.wrench, *words], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        if done.returncode != code:
            sys.exit(f"FAILED: {words} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    def keep(self, text):
        os.makedirs(self.data, exist_ok=True)
        with open(os.path.join(self.data, "retention.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def make(self, count):
        """Finished tasks."""
        for _ in range(count):
            out = json.loads(self.run("playbook", "run", "small.yaml", "--mock", "mock.yaml", "--json"))
            self.made.add(out["run"]["task_id"])

    def query(self, text):
        """Its rows, if it has some, after it is written."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "store.db"), timeout=60)) as db, db:
            return db.execute(text).fetchall()

    def age(self):
        self.query(f"UPDATE tasks SET created_at = created_at - {9 * DAY_US}, updated_at = updated_at - {9 * DAY_US}")

    def count(self, table):
        return int(self.query(f"SELECT count(*) FROM {table}")[0][0])

    def stored(self):
        return {row[0] for row in self.query("SELECT task_id FROM tasks")}

    def archived(self):
        """Of each task the records that the archive has, by the program and by zstd alone."""
        listed = json.loads(self.run("task", "archive", "list", "--limit", "1000000", "--json"))["data"]
        folder = os.path.join(self.data, "archive")
        counts = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if not name.endswith(".jsonl.zst"):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            at = 0
            while len(content) - at >= 8:
                length = int.from_bytes(content[at + 4:at + 8], "little")
                header = json.loads(content[at + 8:at + 8 + length] or b"{}")
                if "frame_bytes" not in header:
                    break
                counts[header["task"]] = counts.get(header["task"], 0) + 1
                at += 8 + length + header["frame_bytes"]
        if {one["task"] for one in listed} != set(counts):
            sys.exit("FAILED: the list isn't what is in the files")
        return counts

    def check(self):
        stored, archived = self.stored(), self.archived()
        lost = self.made - stored - set(archived)
        if lost:
            sys.exit(f"FAILED: {sorted(lost)} are neither in the store nor in the archive")
        self.run("store", "check")
        self.doubles = sum(count - 1 for count in archived.values())
        return stored

    def serve(self):
        return self.start("serve", "--no-backups")

    def start(self, *words):
        return subprocess.Popen([self.wrench, *words], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def newest(self):
        folder = os.path.join(self.data, "archive")
        names = sorted(name for name in os.listdir(folder) if name.endswith(".zst")) if os.path.isdir(folder) else []
        return os.path.join(folder, names[-1]) if names else None

    def life(self):
        """One server, killed at some moment while it archives, when its first record has just become safe, or at any moment."""
        newest = self.newest()
        at = os.path.getsize(newest) if newest else 0
        server = self.serve()
        deadline = time.monotonic() + self.random.choice([0.3, self.patience, self.patience, self.patience, self.patience])
        aims = self.random.random() < 0.7
        while time.monotonic() < deadline and server.poll() is None:
            if (newest := self.newest()) and os.path.getsize(newest) > at:
                break
            time.sleep(0.0003)
        while aims and newest and time.monotonic() < deadline and server.poll() is None:
            with open(newest, "rb") as file:
                file.seek(at)
                if b"frame_bytes" in file.read(1024):
                    break
        if not aims:
            time.sleep(self.random.choice([0, 0.001, 0.003, 0.01, 0.05]) * self.random.random())
        server.send_signal(signal.SIGKILL)
        server.wait()
        self.kills += 1
        self.hits += (newest := self.newest()) is not None and os.path.getsize(newest) > at


class Postgres(Loop):
    """The same with workers. Whoever was killed has the turn until the database sees that the connection is gone."""
    patience = 6

    def __init__(self, wrench, scratch, seed, url):
        super().__init__(wrench, scratch, seed)
        self.url = url
        self.env["WRENCH_DATABASE_URL"] = url

    def make(self, count):
        worker = self.serve()
        super().make(count)
        worker.terminate()
        worker.wait()

    def query(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-d", self.url, "-c", text], capture_output=True,
                              timeout=300, check=True, text=True)
        return [tuple(line.split("\x1f")) for line in done.stdout.splitlines()]

    def serve(self):
        return self.start("worker", "--no-backups", "--mock", "mock.yaml")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--server", help="the program that starts a PostgreSQL")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="wrench-kill-")
    wrench = os.path.abspath(asked.wrench)
    if asked.server is None:
        return go(Loop(wrench, scratch, asked.seed), asked.kills)
    server = subprocess.Popen([asked.server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        go(Postgres(wrench, scratch, asked.seed, server.stdout.readline().strip()), asked.kills)
    finally:
        server.stdin.close()
        server.wait(300)


def go(loop, kills):
    while loop.kills < kills:
        # While tasks are made nothing goes.
        loop.keep("tasks: forever")
        loop.make(6)
        loop.age()
        loop.keep("tasks: 1s")
        for _ in range(4):
            if loop.kills < kills:
                loop.life()
                loop.check()
    loop.keep("tasks: 1s")
    server = loop.serve()
    deadline = time.monotonic() + 180
    while (loop.stored() or loop.count("purge_queue")) and time.monotonic() < deadline:
        time.sleep(0.1)
    server.terminate()
    server.wait()
    if left := loop.check():
        sys.exit(f"FAILED: {len(left)} tasks never went")
    for table in ("steps", "journal", "task_executions", "plans", "blobs", "purge_queue", "streams", "step_values"):
        if count := loop.count(table):
            sys.exit(f"FAILED: {count} rows of {table} are left over")
    verified = json.loads(loop.run("task", "archive", "verify", "--json"))
    if not verified["passed"]:
        sys.exit(f"FAILED: {verified['problems']}")
    for task in loop.random.sample(sorted(loop.made), min(5, len(loop.made))):
        lines = [json.loads(line) for line in loop.run("task", "archive", "show", task, "--json").splitlines()]
        kinds = {line["type"] for line in lines}
        if not kinds >= {"task", "execution", "plan", "step", "journal", "content"}:
            sys.exit(f"FAILED: the record of {task} has only {sorted(kinds)}")
    if 4 * loop.hits < loop.kills:
        sys.exit(f"FAILED: only {loop.hits} of {loop.kills} kills met a server that had archived something")
    print(f"{loop.kills} kills ({loop.hits} while it archived), {len(loop.made)} tasks: none lost, {loop.doubles} archived twice, {verified['records']} records read")
    shutil.rmtree(loop.dir)


if __name__ == "__main__":
    main()
