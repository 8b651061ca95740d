#!/usr/bin/env python3
"""Kills playbooks with SIGKILL after every commit of their lives, goes on with the same command, and compares the outputs of
their steps with those of an undisturbed run: all seven types (site.yaml), the ten shapes, and the kinds of steps that neither
has (kinds.yaml), effects that may happen once only (effects.yaml), with people who answer what waits for them. A file beside the
data directory has a line for each effect that took place; effect_log.py compares it with what the program says.

    tests/crash/kill_playbook.py --wrench build/dev/wrench [--playbook site]... [--every 5]     (only each 5th commit)

Run in full it must have killed each kind of step while one of it was open: running, about to be tried again, or waiting for
others. A step that takes no time is aimed at until it is hit; one that never was is named.
"""
import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from effect_log import NAME, PAY, decide_uncertain, effect_faults, operations_with_effects, read_effects
from killed_playbooks import PLAYBOOKS, RETRY_WAIT, RUNNING, WAITING, answer, without_ids, words_of
from killed_store import KilledStore, last_commit

TIMEOUT_S = 120
LOOK_EVERY_S = 0.0002
WAITS_FOR_PEOPLE = 7
NOT_PASSED = 1  # The result's own member `passed` is false.
SKIPPED = 8
AIMS = 40
EFFECTS = "effects"
BETWEEN_S = (0.002, 0.014)  # After a commit: in a third of its operations' delay, or the next.


class Failure(Exception):
    pass


class Place:
    """A data directory and a folder to work on."""

    def __init__(self, scratch, name, wrench, playbook):
        self.folder = os.path.join(scratch, name)
        os.makedirs(self.folder)
        self.data = os.path.join(self.folder, "data")
        self.wrench = wrench
        tree = os.path.join(scratch, "tree")
        os.makedirs(tree, exist_ok=True)
        self.effects = os.path.join(self.folder, NAME)
        self.classes = operations_with_effects([PLAYBOOKS[playbook][1]])
        self.told = self.tried_again = 0
        self.words = [wrench, "playbook", "run", *words_of(playbook, tree), "--json", "--progress", "none"]
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.folder, "LANG": "C.UTF-8",
                    "WRENCH_DATA_DIR": self.data}

    def store(self):
        return KilledStore(self.data, os.path.join(self.folder, "copy"))

    def command(self, *words):
        done = subprocess.run([self.wrench, *words], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT_S, check=False)
        if done.returncode != 0:
            raise Failure(f"{words}: exit code {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def answer_all(self):
        waits = json.loads(self.command("approval", "list", "--json"))["data"]
        for task in json.loads(self.command("task", "list", "--json"))["data"]:
            if task["wait_reason"] == "event" and task["state"] == "waiting":
                waits.append({"kind": "signal", "task_id": task["task_id"]})
        told, tried_again = decide_uncertain(self.command, self.effects, PAY)
        self.told += told
        self.tried_again += tried_again
        if not waits and not told and not tried_again:
            raise Failure("it waits for people, but for nothing that they could answer")
        for wait in waits:
            answer(self.command, wait)

    def run_to_end(self):
        """The result, whatever people have to say on the way."""
        while True:
            done = subprocess.run(self.words, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S,
                                  check=False)
            if done.returncode == WAITS_FOR_PEOPLE:
                self.answer_all()
            elif done.returncode in (0, NOT_PASSED) and done.stdout:
                return json.loads(without_ids(done.stdout.decode()))
            else:
                raise Failure(f"exit code {done.returncode}: {done.stderr.decode(errors='replace')}")

    def check_effects(self):
        def asked(*words):
            try:
                return self.command(*words)
            except Failure:
                return None
        tasks = [task["task_id"] for task in json.loads(self.command("task", "list", "--json"))["data"]]
        faults = effect_faults(asked, self.effects, tasks, self.classes)
        if faults:
            raise Failure("; ".join(faults))
        return len(read_effects(self.effects))

    def kill_after(self, commits, pause_s=0.0):
        """After so many commits of the command, whichever of its processes makes them. Whether it was killed: it may have
        ended before."""
        seen = 0
        while True:
            process = subprocess.Popen(self.words, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            last = last_commit(self.data)
            end = time.monotonic() + TIMEOUT_S
            while process.poll() is None and time.monotonic() < end:
                now = last_commit(self.data)
                if now != last:
                    last = now
                    seen += 1
                    if seen >= commits:
                        time.sleep(pause_s)
                        break
                time.sleep(LOOK_EVERY_S)
            process.kill()
            code = process.wait()
            if code != WAITS_FOR_PEOPLE:
                return code == -9
            self.answer_all()


def top_steps(store):
    """Of every execution, newest first: (playbook and step, kind, state, journal entry of the output)."""
    out = []
    for row in store.rows("SELECT s.node, s.state, s.output_seq, s.execution_id, t.title, p.body FROM steps s "
                          "JOIN task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id "
                          "JOIN plans p ON p.plan_hash = e.plan_hash "
                          "WHERE s.parent_step IS NULL ORDER BY e.id DESC, s.step_no"):
        node = json.loads(row["body"])["nodes"][row["node"]]
        kind = node["kind"] + ("/" + node["on"] if node["kind"] == "wait" else "")
        out.append(((row["title"], node["id"]), kind, row["state"], (row["execution_id"], row["output_seq"])))
    return out


def outputs(store):
    """What each step gave, and how it ended, by name."""
    found = {}
    for name, _, state, (execution, seq) in top_steps(store):
        entry = store.rows("SELECT j.data, b.hash FROM journal j LEFT JOIN blobs b ON b.hash = j.blob WHERE j.execution_id = "
                           f"{execution} AND j.seq = {seq}")
        found.setdefault(name, []).append((state, [(without_ids(e["data"]), e["hash"]) for e in entry]))
    return found


class Sweep:
    """One playbook, killed at every commit."""

    def __init__(self, scratch, wrench, playbook):
        self.scratch, self.wrench, self.playbook = scratch, wrench, playbook
        self.kills = self.tries = 0
        self.between = collections.Counter()  # Of effects: killed after the intent, and had it taken place?
        self.decided = collections.Counter()
        self.effects = 0
        self.open = collections.Counter()  # Of steps, when they were killed.
        self.done_at = {}                  # After how many commits a step had ended first.
        place = self.place("undisturbed")
        self.expected = place.run_to_end()["output"]
        _, self.steps, self.kinds = self.check(place, True)
        place.check_effects()

    def place(self, name):
        return Place(self.scratch, f"{self.playbook.replace('/', '-')}-{name}", self.wrench, self.playbook)

    def check(self, place, at_rest):
        store = place.store()
        faults = store.faults(at_rest)
        # Without those that others run: they are counted as steps.
        tasks = {} if not store.has("key_holders") else {
            row["task_id"]: row["state"] for row in store.rows("SELECT task_id, state FROM tasks WHERE parent_execution IS NULL")}
        given, kinds = None, {}
        if store.has("steps"):
            given = outputs(store)
            kinds = {name: kind for name, kind, _, _ in top_steps(store)}
            there = {effect["key"] for effect in read_effects(place.effects)}
            for row in store.rows("SELECT effect_key FROM effects WHERE state = 0") if not at_rest else []:
                self.between["took place" if row["effect_key"] in there else "not yet"] += 1
        store.close()
        if faults:
            raise Failure("; ".join(faults))
        return tasks, given and {name: ends[:1] for name, ends in given.items()}, kinds

    def kill(self, commits, pause_s=0.0):
        """False: it ended first."""
        self.tries += 1
        place = self.place(f"{self.tries}-after-{commits}")
        if not place.kill_after(commits, pause_s):
            return False
        self.kills += 1
        before, given, _ = self.check(place, False)
        for name, ends in (given or {}).items():
            state = ends[0][0]
            if state in (RUNNING, RETRY_WAIT, WAITING):
                self.open[name] += 1
            if state > WAITING:
                self.done_at.setdefault(name, commits)
        done = place.run_to_end()
        after, steps, _ = self.check(place, True)
        self.effects += place.check_effects()
        self.decided["told"] += place.told
        self.decided["tried again"] += place.tried_again
        what = f"{self.playbook} killed after {commits} commits"
        if done["output"] != self.expected:
            raise Failure(f"{what}: another result: {done['output']}, not {self.expected}")
        # What had ended, but for the printing, is run again; what was open goes on, and is the only one.
        other = {name: (ends, self.steps.get(name)) for name, ends in steps.items() if ends != self.steps.get(name)}
        if other or len(steps) != len(self.steps):
            raise Failure(f"{what}: other steps: {other}")
        if not set(before) <= set(after) or ("completed" not in before.values() and before and set(after) != set(before)):
            raise Failure(f"{what}: the task was lost or doubled: {before}, {after}")
        shutil.rmtree(place.folder)
        return True

    def never_open(self):
        return [name for name, ends in self.steps.items() if ends[0][0] != SKIPPED and not self.open[name]]

    def run(self, every, dice):
        commits = every
        while self.kill(commits):
            if self.playbook == EFFECTS:
                self.kill(commits, dice.uniform(*BETWEEN_S))
            commits += every
        if every > 1:
            return
        for name in self.never_open():
            for _ in range(AIMS):
                if self.open[name] or name not in self.done_at:
                    break
                self.kill(max(1, self.done_at[name] - dice.randrange(2)), dice.uniform(0, 0.001))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--playbook", action="append", choices=list(PLAYBOOKS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    kills, by_kind, missed = 0, collections.Counter(), []
    effects, between, decided = 0, collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory(prefix="wrench-kill-playbook-") as scratch:
        for playbook in args.playbook or PLAYBOOKS:
            sweep = Sweep(scratch, os.path.abspath(args.wrench), playbook)
            sweep.run(args.every, dice)
            if sweep.kills < 1:
                raise Failure(f"{playbook}: no kill: the program was too quick")
            kills += sweep.kills
            effects += sweep.effects
            between += sweep.between
            decided += sweep.decided
            for name, times in sweep.open.items():
                by_kind[sweep.kinds[name]] += times
            missed += [(sweep.kinds[name], *name) for name in sweep.never_open()]
            print(f"{playbook}: {sweep.kills} kills, {len(sweep.steps)} steps, {len(sweep.open)} of them killed while open", flush=True)
    print(f"open when they were killed: {dict(sorted(by_kind.items()))}")
    if args.every == 1:
        print(f"never: {sorted(missed)}")
        kinds = {kind for kind, *_ in missed} - set(by_kind)
        if kinds:
            raise Failure(f"no step of these kinds was ever killed while it was open: {sorted(kinds)}")
        if EFFECTS in (args.playbook or PLAYBOOKS) and (len(between) < 2 or len(+decided) < 2):
            raise Failure(f"killed between intent and receipt: {dict(between)}; people decided: {dict(decided)}: one never")
    print(f"{effects} effects; killed between intent and receipt: {dict(between)}; people decided: {dict(decided)}; none doubled, none missing")
    print(f"{kills} kills: all completed, with the same outputs")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_playbook: {failure}")
