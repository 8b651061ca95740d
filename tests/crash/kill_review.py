#!/usr/bin/env python3
"""Kills `wrench review` with SIGKILL at random moments and checks that nothing is lost or doubled.

Each round starts a review in a fresh data directory, kills it after a random time, and finishes it with
`wrench task resume` or with the same command again, in turn. The result must equal that of an undisturbed review,
apart from times and ids. A round in which the review ended before the kill counts as `too late` and is repeated.

    tests/crash/kill_review.py --wrench build/release/wrench --repo PATH --kills 300
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time



def stable(report):
    """The report without what may differ between equal runs."""
    report = json.loads(json.dumps(report))
    report.pop("run", None)
    report.get("summary", {}).pop("files", None)  # scanned or cached depends on where the kill fell
    # A review that follows another one in the same data directory tells the progress since then.
    journey = (report.get("history") or {}).get("journey") or {}
    journey.pop("progress", None)
    return report


class Loop:
    def __init__(self, args):
        self.args = args
        self.random = random.Random(args.seed)
        self.scratch = tempfile.mkdtemp(prefix="wrench-kill-")

    def command(self, data, cache, out):
        env = dict(os.environ, XDG_CACHE_HOME=cache, WRENCH_DATA_DIR=data)
        words = [self.args.wrench, "review", self.args.repo, "--json", "--output", out, "--fail-on", "none",
                 "--allow-partial", "--progress", "none"]
        return words, env

    def run(self, words, env):
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def undisturbed(self):
        base = os.path.join(self.scratch, "reference")
        words, env = self.command(base + "/data", base + "/cache", base + "-report.json")
        begun = time.monotonic()
        code, _, err = self.run(words, env)
        if code != 0:
            sys.exit(f"the undisturbed review failed with {code}: {err}")
        with open(base + "-report.json") as file:
            return stable(json.load(file)), time.monotonic() - begun

    def tasks(self, env):
        code, out, err = self.run([self.args.wrench, "task", "list", "--json", "--limit", "200"], env)
        if code != 0:
            raise AssertionError(f"task list failed with {code}: {err}")
        return json.loads(out)["data"]

    def round(self, number, reference, seconds):
        base = os.path.join(self.scratch, f"round-{number}")
        out = base + "-report.json"
        words, env = self.command(base + "/data", base + "/cache", out)
        kills = 0
        # Two at most: a step whose process died three times is poison, and its task fails by design.
        for _ in range(self.random.choice((1, 1, 1, 2))):
            process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(self.random.uniform(0, seconds * 1.05))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.wait()
        acknowledged = self.tasks(env)
        how = "the same command" if number % 2 else "task resume"
        if number % 2 == 0:
            code, _, err = self.run([self.args.wrench, "task", "resume"], env)
            if code != 0:
                raise AssertionError(f"task resume ended with {code}: {err}")
        code, _, err = self.run(words, env)
        if code != 0:
            raise AssertionError(f"the review after {how} ended with {code}: {err}")
        with open(out) as file:
            found = stable(json.load(file))
        if found != reference:
            left, right = json.dumps(reference, indent=1, sort_keys=True), json.dumps(found, indent=1, sort_keys=True)
            with open(base + "-expected.json", "w") as a, open(base + "-found.json", "w") as b:
                a.write(left)
                b.write(right)
            raise AssertionError(f"another result after {how}: diff {base}-expected.json {base}-found.json")
        prints = [finding["fingerprint"] for finding in found["findings"]]
        if len(prints) != len(set(prints)):
            raise AssertionError("a finding is doubled")
        after = {task["task_id"]: task for task in self.tasks(env)}
        for task in acknowledged:
            if task["task_id"] not in after:
                raise AssertionError(f"task {task['task_id']} was lost")
        unfinished = [task["task_id"] for task in after.values() if task["status"] != "completed"]
        if unfinished:
            raise AssertionError(f"tasks never finished: {unfinished}")
        shutil.rmtree(base, ignore_errors=True)
        os.unlink(out)
        return kills

    def main(self):
        reference, seconds = self.undisturbed()
        print(f"undisturbed: {len(reference['findings'])} findings in {seconds:.2f} s; seed {self.args.seed}", flush=True)
        kills = rounds = 0
        while kills < self.args.kills:
            try:
                kills += self.round(rounds, reference, seconds)
            except AssertionError as failure:
                print(f"FAILED in round {rounds} (seed {self.args.seed}) after {kills} kills: {failure}")
                print(f"evidence kept in {self.scratch}")
                return 1
            rounds += 1
            if rounds % 25 == 0:
                print(f"{kills} kills in {rounds} rounds, all equal", flush=True)
        print(f"kills={kills} rounds={rounds} lost=0 doubled=0 different=0")
        shutil.rmtree(self.scratch, ignore_errors=True)
        return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--repo", required=True)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.wrench = os.path.abspath(arguments.wrench)
    arguments.repo = os.path.abspath(arguments.repo)
    sys.exit(Loop(arguments).main())
