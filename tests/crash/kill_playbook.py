#!/usr/bin/env python3
"""Kills a playbook of twelve steps and all seven types with SIGKILL after every commit of its life, goes on with the same
command, and compares the outputs of its steps with those of an undisturbed run.

    tests/crash/kill_playbook.py --wrench build/dev/wrench [--every 5]     (only each 5th commit)
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from killed_store import KilledStore, last_commit

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = 120
LOOK_EVERY_S = 0.0002


class Failure(Exception):
    pass


class Place:
    def __init__(self, scratch, name):
        self.folder = os.path.join(scratch, name)
        os.makedirs(self.folder)
        self.data = os.path.join(self.folder, "data")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.folder, "LANG": "C.UTF-8",
                    "WRENCH_DATA_DIR": self.data}

    def store(self):
        return KilledStore(self.data, os.path.join(self.folder, "copy"))


def command(wrench):
    return [wrench, "playbook", "run", os.path.join(HERE, "site.yaml"), "--mock", os.path.join(HERE, "site.mock.yaml"), "--json",
            "--progress", "none"]


def run_to_end(words, place):
    done = subprocess.run(words, env=place.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise Failure(f"exit code {done.returncode}: {done.stderr.decode(errors='replace')}")
    return json.loads(done.stdout)


def kill_after(words, place, commits):
    """Whether it was killed: it may have ended before. How many commits were seen."""
    process = subprocess.Popen(words, env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen, last = 0, None
    end = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        now = last_commit(place.data)
        if now != last:
            last = now
            seen += 1
            if seen >= commits:
                process.kill()
                break
        time.sleep(LOOK_EVERY_S)
    process.kill()
    return process.wait() == -9, seen


def outputs(store):
    """What each step of the newest execution gave, and how it ended, by name."""
    found = {}
    for row in store.rows("SELECT s.node, s.iteration, s.state, s.output_seq, s.execution_id, p.body FROM steps s "
                          "JOIN task_executions e ON e.id = s.execution_id JOIN plans p ON p.plan_hash = e.plan_hash "
                          "WHERE s.parent_step IS NULL AND e.id = (SELECT max(id) FROM task_executions) ORDER BY s.step_no"):
        node = json.loads(row["body"])["nodes"][row["node"]]["id"]
        entry = store.rows("SELECT j.data, b.hash FROM journal j LEFT JOIN blobs b ON b.hash = j.blob WHERE j.execution_id = "
                           f"{row['execution_id']} AND j.seq = {row['output_seq']}")
        found.setdefault(node, []).append((row["state"], [(e["data"], e["hash"]) for e in entry]))
    return found


def check(place, at_rest):
    store = place.store()
    faults = store.faults(at_rest)
    tasks = store.tasks()
    given = outputs(store) if at_rest else None
    store.close()
    if faults:
        raise Failure("; ".join(faults))
    return tasks, given


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    words = command(os.path.abspath(args.wrench))
    with tempfile.TemporaryDirectory(prefix="wrench-kill-playbook-") as scratch:
        place = Place(scratch, "undisturbed")
        expected = run_to_end(words, place)["output"]
        _, expected_steps = check(place, True)
        if len(expected_steps) < 12:
            raise Failure(f"only {len(expected_steps)} steps")
        kills = commits = 0
        while True:
            commits += args.every
            place = Place(scratch, f"after-{commits}")
            killed, seen = kill_after(words, place, commits)
            if not killed:
                break
            kills += 1
            before, _ = check(place, False)
            done = run_to_end(words, place)
            after, steps = check(place, True)
            what = f"killed after {seen} commits"
            if done["output"] != expected:
                raise Failure(f"{what}: another result: {done['output']}")
            other = {name: (step, expected_steps.get(name)) for name, step in steps.items() if step != expected_steps.get(name)}
            if other or len(steps) != len(expected_steps):
                raise Failure(f"{what}: other steps: {other}")
            # What had ended, but for the printing, is run again; what was open goes on, and is the only one.
            if not set(before) <= set(after) or ("completed" not in before.values() and before and set(after) != set(before)):
                raise Failure(f"{what}: the task was lost or doubled: {before}, {after}")
        if kills < 5:
            raise Failure(f"only {kills} kills: the program was too quick")
        print(f"{kills} kills: all completed, with the same outputs")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_playbook: {failure}")
