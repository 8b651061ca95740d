#!/usr/bin/env python3
"""Kills `wrench review` with SIGKILL all over its life and checks that nothing is lost, doubled or different.

Each round starts a review with an empty data directory and cache and kills it, then often kills what goes on with it,
`wrench task resume` or the same command, and lets one of the two finish. Half of the moments are uniform over a review's
life; the others aim at the part of it that was hit least so far. Checked:

  after each kill  the store is sound (integrity, foreign keys, no gap, nothing twice) and still holds every task that it
                   held before; no process that the review had started lives on
  at the end       the task that was killed completed, by that very task; the store holds the same findings and the
                   report is the same as of an undisturbed review, but for times and for what came from the cache;
                   nothing is queued any more; the tree under review is untouched

Every tenth round kills one step three times. That makes it poison (`workflow.poison`): its task must fail by design, and
the same command must start a new review, which completes. Where the plan goes on without the step, the review ends as partial
(exit code 10).

    tests/crash/kill_review.py --wrench build/release/wrench --repo PATH --kills 300
    tests/crash/kill_review.py --wrench build/dev/wrench --kills 15        (a small repository made for it)
"""
import argparse
import collections
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from killed_store import COMPLETED, KilledStore, last_commit
from small_repo import make_repository

TIMEOUT_S = 600
POISON_EVERY, POISON_FIRST = 10, 4  # Rounds; the first early enough for a short loop.
PARTIAL_CODE = 10  # The review went on without the poisoned step.
POISONED_REVIEW_CODE, POISONED_TASK_CODE = 3, 1  # Operation failed; a failed task.
POISON_TRIES = 6
LOOK_EVERY_S = 0.0002
ORPHAN_PATIENCE_S = 10


def stable(report, first_of_its_store):
    """The report without what may differ between equal reviews: its times, and what came from the cache."""
    report = json.loads(json.dumps(report))
    for name in ("started", "elapsed_ms"):
        report["run"].pop(name)
    files = report["summary"]["files"]
    files["scanned"] += files.pop("cached")
    # A review that follows another one in the same store tells the progress since then.
    journey = (report.get("history") or {}).get("journey") or {}
    if not first_of_its_store:
        journey.pop("progress", None)
    return report


def without_progress(report):
    report = json.loads(json.dumps(report))
    ((report.get("history") or {}).get("journey") or {}).pop("progress", None)
    return report


def files_below(folder):
    """Size and time of change of every file, so that a write would show."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            status = os.lstat(os.path.join(at, name))
            found[os.path.join(at, name)] = (status.st_size, status.st_mtime_ns)
    return found


def members_of_session(leader):
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if fields[3] == str(leader) and fields[0] != "Z":
            found.append(name)
    return found


class Failure(Exception):
    pass


class Place:
    """A data directory, a cache and a report of one round's own."""

    def __init__(self, scratch, name):
        self.folder = os.path.join(scratch, name)
        os.makedirs(self.folder)
        self.data, self.report = os.path.join(self.folder, "data"), os.path.join(self.folder, "report.json")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.folder, "LANG": "C.UTF-8",
                    "XDG_CACHE_HOME": os.path.join(self.folder, "cache"), "WRENCH_DATA_DIR": self.data}

    def store(self):
        return KilledStore(self.data, os.path.join(self.folder, "copy"))


class Loop:
    def __init__(self, args, scratch):
        self.wrench, self.repo, self.scratch = args.wrench, args.repo, scratch
        self.random = random.Random(args.seed)
        self.hits, self.aims = collections.Counter(), collections.Counter()
        self.kills = self.rounds = self.poisoned = 0

    # --- running the program

    def review(self, place):
        return [self.wrench, "review", self.repo, "--json", "--output", place.report, "--fail-on", "none",
                "--progress", "none"]

    def resume(self, _):
        return [self.wrench, "task", "resume", "--fail-on", "none", "--progress", "none"]

    def start(self, words, place):
        return subprocess.Popen(words, env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def run_to_end(self, words, place):
        process = self.start(words, place)
        try:
            _, err = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure(f"{words[1]} hangs: no end after {TIMEOUT_S} s")
        return process.returncode, err.decode(errors="replace")

    def kill(self, words, place, part):
        """Kills in that part of a review's life, or anywhere. Whether the process died of it: it may have ended before."""
        process = self.start(words, place)
        if part is None:
            self.let_run(process, self.random.uniform(0, self.seconds * 1.05))
        else:
            self.wait_for(process, place, part)
            first, last = self.windows[part]
            self.let_run(process, self.random.uniform(0, last - first))
        process.kill()
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            self.expect_nobody_left(process.pid)
            return True
        if process.returncode != 0:
            raise Failure(f"{' '.join(words)} ended with {process.returncode} before it was killed")
        return False

    def let_run(self, process, seconds):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def wait_for(self, process, place, part):
        """Stops the process after each commit to look where it is. It must not mind: so does an overloaded machine."""
        patience = time.monotonic() + TIMEOUT_S
        seen = there = None
        while process.returncode is None:
            if time.monotonic() > patience:
                raise Failure(f"no end after {TIMEOUT_S} s")
            if there is not None and last_commit(place.data) == seen:
                self.let_run(process, LOOK_EVERY_S)
                continue
            os.kill(process.pid, signal.SIGSTOP)
            if os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code != os.CLD_STOPPED:
                return
            commit = last_commit(place.data)
            if there is None or commit != seen:
                seen = commit
                store = place.store()
                there = part in store.place_of_death(self.migrations, place.report)
                store.close()
            os.kill(process.pid, signal.SIGCONT)
            if there:
                return

    def expect_nobody_left(self, leader):
        patience = time.monotonic() + ORPHAN_PATIENCE_S
        while members_of_session(leader):
            if time.monotonic() > patience:
                raise Failure(f"processes outlive the killed one: {members_of_session(leader)}")
            time.sleep(0.01)

    # --- what an undisturbed review gives

    def undisturbed(self):
        place = Place(self.scratch, "reference")
        began, begun_at = time.monotonic(), time.time()
        code, err = self.run_to_end(self.review(place), place)
        if code != 0:
            raise Failure(f"the undisturbed review ended with {code}: {err}")
        self.seconds = time.monotonic() - began
        self.reference = self.read(place, first_of_its_store=True)
        store = place.store()
        self.migrations, self.findings = store.migrations(), store.findings()
        self.windows, self.steps = store.windows(begun_at, begun_at + self.seconds)
        self.expect_sound(store, at_rest=True)
        store.close()
        # With the cache of the first one: what a resumed review sees.
        again = Place(self.scratch, "again")
        shutil.copytree(place.env["XDG_CACHE_HOME"], again.env["XDG_CACHE_HOME"])
        code, err = self.run_to_end(self.review(again), again)
        if code != 0:
            raise Failure(f"the second undisturbed review ended with {code}: {err}")
        self.expect_same_report(again, 1, "no kill at all")

    # --- checks

    def read(self, place, first_of_its_store):
        with open(place.report, encoding="utf-8") as file:
            return stable(json.load(file), first_of_its_store)

    def expect_same_report(self, place, tasks, how):
        first = tasks == 1
        found = self.read(place, first)
        wanted = self.reference if first else without_progress(self.reference)
        prints = [finding["fingerprint"] for finding in found["findings"]]
        if len(prints) != len(set(prints)):
            raise Failure(f"a finding is doubled after {how}")
        if found == wanted:
            return
        for name, report in (("expected", wanted), ("found", found)):
            with open(os.path.join(place.folder, name + ".json"), "w", encoding="utf-8") as file:
                json.dump(report, file, indent=1, sort_keys=True)
        raise Failure(f"another report after {how}: diff {place.folder}/expected.json {place.folder}/found.json")

    def expect_sound(self, store, at_rest=False):
        faults = store.faults(at_rest)
        if faults:
            raise Failure("the store is damaged: " + "; ".join(faults[:5]))

    # --- one round

    def part(self):
        """The part of a review's life that was hit or aimed at least so far, or anywhere in it."""
        if self.random.random() < 0.5:
            return None
        least = min(self.windows, key=lambda name: (max(self.hits[name], self.aims[name]), self.random.random()))
        self.aims[least] += 1
        return least

    def long_step(self):
        """One that surely runs when somebody looks."""
        lengths = {name: last - first for name, (first, last) in self.steps.items()}
        return self.random.choice(sorted(name for name in lengths if lengths[name] > max(lengths.values()) / 4))

    def round(self):
        place = Place(self.scratch, f"round-{self.rounds}")
        poison = None
        if self.rounds % POISON_EVERY == POISON_FIRST:
            poison = self.long_step()
        words, known, doomed, ended = self.review, {}, False, False
        for _ in range(POISON_TRIES if poison else self.random.choice((1, 1, 2, 2, 3))):
            if not self.kill(words(place), place, poison or self.part()):
                ended = True
                break
            self.kills += 1
            known, doomed = self.after_kill(place, known)
            if doomed:
                break
            words = self.random.choice((self.review, self.resume))
        if not ended or words == self.resume:
            self.finish(place, known, doomed)
        self.at_the_end(place, known)
        shutil.rmtree(place.folder)

    def after_kill(self, place, known):
        store = place.store()
        try:
            for part in store.place_of_death(self.migrations, place.report):
                self.hits[part] += 1
            self.expect_sound(store)
            tasks = store.tasks()
            lost = [task for task, state in known.items() if tasks.get(task) is None or
                    (state == "completed" and tasks[task] != "completed")]
            if lost:
                raise Failure(f"the store lost or forgot the end of {lost}")
            return tasks, store.poisoned()
        finally:
            store.close()

    def finish(self, place, known, doomed):
        """What was killed goes on to its end; then a report is there."""
        by_resume = self.rounds % 2 == 0
        code, err = self.run_to_end((self.resume if by_resume else self.review)(place), place)
        if doomed and code == PARTIAL_CODE:
            store = place.store()
            told = store.tells_of_poison()
            store.close()
            if not told:
                raise Failure(f"the result is partial, but no step is poisoned: {err}")
            self.poisoned += 1
        elif doomed:
            if code != (POISONED_TASK_CODE if by_resume else POISONED_REVIEW_CODE) or \
                    not (by_resume or "workflow.poison" in err):
                raise Failure(f"a poisoned step gave exit code {code}: {err}")
            self.poisoned += 1
        elif code != 0:
            raise Failure(f"{'task resume' if by_resume else 'the same command'} ended with {code}: {err}")
        store = place.store()
        tasks = store.tasks()
        if not doomed and known:
            self.expect_sound(store, at_rest=True)
            unfinished = [task for task in known if tasks.get(task) != "completed"]
            if unfinished:
                raise Failure(f"tasks didn't go on to their end: {unfinished}")
            if by_resume and len(tasks) == 1 and store.findings() != self.findings:
                raise Failure("the store holds other findings after task resume")
        store.close()
        # What was interrupted is over: the same command reviews anew, and shows its report.
        if by_resume or doomed:
            code, err = self.run_to_end(self.review(place), place)
            if code != 0:
                raise Failure(f"the review after {'poison' if doomed else 'task resume'} ended with {code}: {err}")

    def at_the_end(self, place, known):
        store = place.store()
        try:
            self.expect_sound(store, at_rest=True)
            tasks = store.tasks()
            lost = [task for task in known if task not in tasks]
            if lost:
                raise Failure(f"tasks were lost: {lost}")
            if len({state for state in tasks.values()} - {"completed", "failed"}) > 0:
                raise Failure(f"tasks never ended: {tasks}")
            if any(state != COMPLETED for _, state, _ in store.steps()):
                raise Failure(f"the last review's steps aren't all completed: {store.steps()}")
            if len(tasks) == 1 and store.findings() != self.findings:
                raise Failure("the store holds other findings")
        finally:
            store.close()
        self.expect_same_report(place, len(tasks), f"{len(known)} tasks killed in round {self.rounds}")

    # --- all rounds

    def run(self, kills):
        untouched = files_below(self.repo)
        self.undisturbed()
        print(f"undisturbed: {len(self.reference['findings'])} findings in {self.seconds:.2f} s", flush=True)
        while self.kills < kills:
            self.round()
            self.rounds += 1
            if self.rounds % 25 == 0:
                print(f"{self.kills} kills in {self.rounds} rounds, all equal", flush=True)
        if files_below(self.repo) != untouched:
            raise Failure("the reviewed tree was written to")
        unhit = [name for name in self.windows if self.hits[name] == 0]
        if unhit and kills >= 10 * len(self.windows):
            raise Failure(f"no kill ever fell in: {unhit}")

    def histogram(self):
        print("kills by where they fell; with two steps running, in both:")
        for name in [*self.windows, *sorted(set(self.hits) - set(self.windows))]:
            print(f"  {self.hits[name]:5}  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True, type=os.path.abspath)
    parser.add_argument("--repo", type=os.path.abspath, help="by default a small one is made")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="wrench-kill-")
    if args.repo is None:
        args.repo = make_repository(os.path.join(scratch, "small"))
    loop = Loop(args, scratch)
    try:
        loop.run(args.kills)
    except (Failure, sqlite3.Error) as failure:
        loop.histogram()
        print(f"FAILED in round {loop.rounds} (seed {args.seed}) after {loop.kills} kills: {failure}")
        print(f"evidence kept in {scratch}")
        return 1
    loop.histogram()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"kills={loop.kills} rounds={loop.rounds} poisoned={loop.poisoned} lost=0 doubled=0 different=0 seed={args.seed} "
          f"cpu_seconds={used.ru_utime + used.ru_stime:.0f}")
    shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
