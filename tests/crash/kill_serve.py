#!/usr/bin/env python3
"""One data directory, shared by a server and by people at their terminals, while SIGKILL ends any of them at any time.

    tests/crash/kill_serve.py --wrench build/dev/wrench --kills 60 [--seed 7]

People order reviews and playbooks (--detach): tasks with waits, limits by key and child tasks (held.yaml), effects that may happen
once only (effects.yaml), and the ten shapes, with loops, maps, joins, gates and hand-overs; they approve, cancel, pause and resume,
and look into the file of effects when nobody else can know whether one took place. A schedule fires every two seconds. The
server is killed again and again, at once or after up to a second, or frozen for a while, and so is every fifth command of the
people. In the end the server runs undisturbed, and:

- every task whose id was printed is there and ended: completed, or cancelled by somebody who asked for it;
- no schedule's time fired twice;
- the invariants of killed_store.py hold, `wrench store check` finds nothing, and no step, timer, wait or slot is left;
- no guarded effect took place twice, and each completed step has its effect (effect_log.py);
- what one order gives is the same each time: the findings of its report.
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from effect_log import NAME, PAY, decide_uncertain, effect_faults, operations_with_effects, read_effects
from killed_playbooks import PLAYBOOKS, SHAPES
from killed_store import KilledStore
from small_repo import make_repository

HERE = os.path.dirname(os.path.abspath(__file__))
COMMAND_TIMEOUT_S = 120
REST_TIMEOUT_S = 900
SERVER_LIFE_S = (0.02, 1.2)  # Of a server that is killed.
COMMANDS_KILLED = 0.2
OPEN_TASKS_MAX = 12
LOOK_EVERY_S = 2  # At what is uncertain.
FREEZES = 0.05  # Of a server's lives.
EFFECT_DELAY = "240ms"  # Three parts of it; long enough to be killed in.
AIMED, AIM_S = 0.5, 1.5  # So many kills wait for so long for an effect, and come a moment after it.
AFTER_EFFECT_S = (0, 0.25)
FROZEN_S = (0.05, 3)
# Of a shape's output: what tells of the runs before it.
NOT_THE_SAME_TWICE = ("first_time", "last_time", "now", "change")

AT_REST = {
    "a limit is still held": "SELECT key FROM limits WHERE in_use <> 0",
    "a step is still parked": "SELECT step_no FROM parked",
    "a time of a schedule fired twice":
        "SELECT idempotency_key FROM tasks WHERE idempotency_key LIKE 'sched:%' GROUP BY idempotency_key HAVING count(*) > 1",
    "a child task was ordered twice":
        "SELECT parent_step FROM tasks WHERE parent_execution IS NOT NULL GROUP BY parent_execution, parent_step HAVING count(*) > 1",
}
# Of each task's newest execution, where they are small enough to stand in the journal.
RESULTS = ("SELECT t.task_id, j.data FROM steps s JOIN task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id "
           "JOIN plans p ON p.plan_hash = e.plan_hash JOIN journal j ON j.execution_id = e.id AND j.seq = s.output_seq "
           "WHERE s.parent_step IS NULL AND json_extract(p.body, '$.nodes[' || s.node || '].id') = '_result' AND j.data IS NOT NULL "
           "AND e.id = (SELECT max(id) FROM task_executions l WHERE l.task_id = t.id)")
# What the program found out itself about effects that were cut off: a completion of a step whose effect has its output for a receipt.
LOOKED_UP = {"not done": "SELECT count(*) FROM journal WHERE kind = 'reconciled'",
             "done": "SELECT count(*) FROM effects WHERE state = 1 AND receipt LIKE '%\"booked\"%'"}
POISONED = ("SELECT t.task_id FROM steps s JOIN task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id "
            "WHERE s.state = 7 AND s.lost >= 3 AND e.id = (SELECT max(id) FROM task_executions l WHERE l.task_id = t.id)")


class Failure(Exception):
    pass


class World:
    def __init__(self, wrench, scratch, seed):
        self.wrench, self.choice = wrench, random.Random(seed)
        self.data = os.path.join(scratch, "data")
        self.copy = os.path.join(scratch, "copy")
        self.folder = scratch
        self.effects = os.path.join(scratch, NAME)
        self.mock = os.path.join(scratch, "effects.mock.yaml")
        with open(os.path.join(HERE, "effects.mock.yaml"), encoding="utf-8") as file:
            text = file.read().replace("delay: 15ms", "delay: " + EFFECT_DELAY)
        with open(self.mock, "w", encoding="utf-8") as file:
            file.write(text)
        self.tree = make_repository(os.path.join(scratch, "shop"), files=4)
        self.log = open(os.path.join(scratch, "server.log"), "ab")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": scratch, "LANG": "C.UTF-8", "WRENCH_DATA_DIR": self.data}
        self.orders = {}  # Acknowledged: id to what it is.
        self.asked_to_cancel = set()
        self.kills = {"server": 0, "commands": 0}
        self.between = collections.Counter()  # Of each tenth kill: effects whose intent had no receipt then.
        self.decided = collections.Counter()
        self.looked_up = {}
        self.last_look = 0.0
        self.with_effects = set()  # Tasks of effects.yaml, acknowledged or not.
        self.freezes = 0
        self.open = collections.Counter()  # Of each tenth kill: kinds of steps that ran or waited then.
        self.server = None
        self.poisoned = 0
        self.results = {}  # In the end: what tasks gave, by id; and which went on without a step that died three times.
        self.without_a_step = set()

    def start_server(self):
        self.server = subprocess.Popen([self.wrench, "serve", "--quiet", "--drain", "1s", "--no-backups", "--mock", self.mock],
                                       cwd=self.folder, env=self.env,
                                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait_for_effect(self):
        """And for a moment in which it has its receipt, or another is begun."""
        before, ends = len(read_effects(self.effects)), time.monotonic() + AIM_S
        while time.monotonic() < ends:
            if len(read_effects(self.effects)) > before:
                return time.sleep(self.choice.uniform(*AFTER_EFFECT_S))
            time.sleep(0.005)

    def kill_server(self):
        self.server.kill()
        if self.server.wait() != -9:
            raise Failure(f"the server ended by itself with {self.server.returncode}; see its log")
        self.kills["server"] += 1

    def command(self, *words, mortal=True, patience_s=None):
        """Standard output of a command, which may be killed before it has said anything or everything, and is interrupted
        (as by Ctrl-C) when it takes longer than somebody's patience."""
        process = subprocess.Popen([self.wrench, *words], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        if mortal and self.choice.random() < COMMANDS_KILLED:
            time.sleep(self.choice.uniform(0, 0.08))
            process.kill()
        elif patience_s is not None:
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=COMMAND_TIMEOUT_S)
        if process.returncode == -9:
            self.kills["commands"] += 1
        return process.returncode, out.decode(), err.decode()

    def order(self):
        what = self.choice.choice(["review", "secrets_sweep", "structure_check", "held", "held", *["effects"] * 5, "shape", "shape", "shape"])
        if what == "shape":
            what = "shapes/" + self.choice.choice(SHAPES)
        words = (["review", self.tree] if what == "review" else
                 ["playbook", "run", os.path.join(HERE, what + ".yaml") if what in ("held", "effects") else what,
                  "--input", f"tree={self.tree}"])
        words += ["--mock", self.mock] if what == "effects" else []
        held = [] if what == "review" else ["--on-exhausted", "dead_letter"]
        code, out, err = self.command(*words, *held, "--fresh", "--detach", "--json")
        if code == -9 and not out.endswith("}\n"):
            return
        if code not in (0, -9):
            raise Failure(f"{words}: exit code {code}: {err}")
        self.orders[json.loads(out)["task_id"]] = what

    def decide(self, mortal=True):
        code, out, err = self.command("approval", "list", "--json", mortal=False)
        if code != 0:
            raise Failure(f"approval list: exit code {code}: {err}")
        for wait in json.loads(out)["data"]:
            self.command("approval", "approve", wait["wait_id"], mortal=mortal)

    def asked(self, *words):
        """Its output; nothing if it is refused."""
        code, out, _ = self.command(*words, mortal=False)
        return out if code == 0 else None

    def look_at_effects(self, mortal=True):
        def said(*words):
            code, out, _ = self.command(*words, mortal=mortal and "--json" not in words)
            return out if code == 0 else None
        for what, times in zip(("told", "tried again"), decide_uncertain(said, self.effects, PAY)):
            self.decided[what] += times

    def meddle(self):
        """Something that a person does to a task that isn't over."""
        if not self.orders:
            return
        if time.monotonic() - self.last_look > LOOK_EVERY_S:
            self.last_look = time.monotonic()
            return self.look_at_effects()
        task = self.choice.choice(list(self.orders))
        what = self.choice.choice(["cancel", "pause", "resume", "show", "decide"])
        if self.orders[task] == "effects" and what in ("pause", "resume"):  # Whoever resumes a task runs it, and needs the mock.
            what = "show"
        if what == "decide":
            return self.decide()
        if what == "cancel":
            if self.choice.random() < 0.7:
                return
            self.asked_to_cancel.add(task)
        if what == "resume":  # In this process: it runs the task to its end, unless it is stopped.
            return self.command("task", "resume", task, patience_s=1)
        self.command("task", what, task)

    def freeze(self):
        """People's commands wait for it, or say that they can't."""
        self.server.send_signal(signal.SIGSTOP)
        time.sleep(self.choice.uniform(*FROZEN_S))
        self.server.send_signal(signal.SIGCONT)
        self.freezes += 1

    def states(self):
        """Of all tasks, asked of the program: the folder can't be copied while a server uses it."""
        found, cursor = {}, []
        while True:
            code, out, err = self.command("task", "list", "--json", "--limit", "200", *cursor, mortal=False)
            if code != 0:
                raise Failure(f"task list: exit code {code}: {err}")
            page = json.loads(out)
            self.with_effects |= {task["task_id"] for task in page["data"] if task["title"] == "effects"}
            found |= {task["task_id"]: "interrupted" if task["interrupted"] else task["state"] for task in page["data"]}
            if not page["next_cursor"]:
                return found
            cursor = ["--cursor", page["next_cursor"]]

    def faults(self, at_rest):
        store = KilledStore(self.data, self.copy)
        found = store.faults(at_rest)
        if at_rest:
            found = [fault for fault in found if not fault.startswith("a task never ended")]
            for what, sql in AT_REST.items():
                found += [f"{what}: {tuple(row)}" for row in store.rows(sql)]
            self.without_a_step = {row["task_id"] for row in store.rows(POISONED)}
            self.looked_up = {kind: store.rows(sql)[0][0] for kind, sql in LOOKED_UP.items()}
            self.results = {row["task_id"]: row["data"] for row in store.rows(RESULTS)}
        else:
            there = {effect["key"] for effect in read_effects(self.effects)}
            for row in store.rows("SELECT effect_key FROM effects WHERE state = 0"):
                self.between["took place" if row["effect_key"] in there else "not yet"] += 1
            for row in store.rows("SELECT s.node, p.body FROM steps s JOIN task_executions e ON e.id = s.execution_id JOIN plans p ON "
                                  "p.plan_hash = e.plan_hash WHERE s.state BETWEEN 3 AND 5"):
                nodes = json.loads(row["body"])["nodes"]
                node = nodes[row["node"]] if row["node"] < len(nodes) else {"kind": "step of a body"}
                self.open[node["kind"] + ("/" + node["on"] if node["kind"] == "wait" else "")] += 1
        states = store.tasks()
        store.close()
        return found, states


def go(world, kills):
    if world.command("schedule", "create", "often", "every 2s", "--playbook", "secrets_sweep", "--input", f"tree={world.tree}",
                     mortal=False)[0] != 0:
        raise Failure("the schedule can't be made")
    while world.kills["server"] < kills:
        world.start_server()
        if world.choice.random() < FREEZES:
            time.sleep(world.choice.uniform(0, SERVER_LIFE_S[1]))
            world.freeze()
        ends = time.monotonic() + world.choice.uniform(*SERVER_LIFE_S)
        while time.monotonic() < ends:
            open_tasks = len(world.orders) - len(world.asked_to_cancel)
            if world.choice.random() < 0.4 and (open_tasks < OPEN_TASKS_MAX or world.choice.random() < 0.1):
                world.order()
            else:
                world.meddle()
        if world.choice.random() < AIMED:
            world.wait_for_effect()
        world.kill_server()
        if world.kills["server"] % 10 == 0:
            found, states = world.faults(at_rest=False)
            if found:
                raise Failure("; ".join(found))
            for task in world.orders:
                if task not in states:
                    raise Failure(f"the acknowledged task {task} is lost")
            print(f"{world.kills}, {len(world.orders)} orders", flush=True)


def rest(world):
    """The server runs on until nothing is left to do."""
    world.command("schedule", "pause", "often", mortal=False)
    world.start_server()
    ends = time.monotonic() + REST_TIMEOUT_S
    failed = set()  # For other reasons.
    while True:
        states = world.states()
        # What a person went on with and then interrupted, the server leaves to people.
        for task in (task for task, state in states.items() if state in ("paused", "interrupted")):
            if task not in world.with_effects:
                world.command("task", "resume", task, mortal=False, patience_s=20)
        world.decide(mortal=False)
        world.look_at_effects(mortal=False)
        code, out, _ = world.command("task", "dead", "list", "--json", mortal=False)
        for held in json.loads(out)["data"] if code == 0 else []:  # Killed three times in one step.
            if held["state"] == "dead":
                world.command("task", "dead", "retry", held["task"], "--step", str(held["step"]), mortal=False)
        for task in (task for task, state in states.items() if state == "failed"):  # A review that three kills in one step ended.
            if "workflow.poison" in world.command("task", "show", task, "--json", mortal=False)[1]:
                world.poisoned += 1
                world.command("task", "retry", task, mortal=False)
            else:
                failed.add(task)
        states = world.states()
        left = {task: state for task, state in states.items() if state not in ("completed", "cancelled") and task not in failed}
        if not left:
            break
        if time.monotonic() > ends:
            raise Failure(f"not ended: {left}")
        time.sleep(0.5)
    world.server.terminate()
    if world.server.wait() not in (0, -15):
        raise Failure(f"the server ended with {world.server.returncode}")


def differences(versions):
    """Each version as lines, and those of the most frequent one."""
    usual = max(versions, key=lambda text: len(versions[text]))
    lines = {text: [json.dumps(part) for part in (json.loads(text) if isinstance(json.loads(text), list) else [json.loads(text)])]
             for text in versions}
    return [(lines[text], tasks, lines[usual]) if text != usual else (lines[text], tasks, lines[min(versions, key=len)])
            for text, tasks in versions.items()]


def judge(world):
    found, states = world.faults(at_rest=True)
    code, out, err = world.command("store", "check", "--json", mortal=False)
    if code != 0:
        found.append(f"store check: exit code {code}: {out}{err}")
    for task, what in world.orders.items():
        state = states.get(task, "lost")
        if state != "completed" and not (state == "cancelled" and task in world.asked_to_cancel):
            found.append(f"{what} {task}: {state}")
    found += effect_faults(world.asked, world.effects, sorted(world.with_effects),
                           operations_with_effects([PLAYBOOKS["effects"][1]]))
    results = {}
    for task, what in world.orders.items():
        if states.get(task) != "completed" or what in ("held", "effects"):
            continue
        code, out, err = world.command("task", "report", task, "--json", mortal=False)
        if what.startswith("shapes/") and "workflow.no_output" in err:  # No report of findings: what it has.
            result = json.loads(world.results[task])
            seen = {name: value for name, value in result.items() if name not in NOT_THE_SAME_TWICE}
        elif code not in (0, 1):
            found.append(f"no report of {what} {task}: exit code {code}: {err}")
            continue
        else:
            report = json.loads(out)
            report = report.get("output", report)
            report = report.get("report", report)
            if task in world.without_a_step:
                if not report.get("partial"):
                    found.append(f"{what} {task} went on without a step and doesn't say so")
                continue
            seen = sorted((f["fingerprint"], f["rule"], f["severity"]) for f in report["findings"])
        results.setdefault(what, {}).setdefault(json.dumps(seen, sort_keys=True), []).append(task)
    for what, versions in results.items():
        if len(versions) > 1:
            found.append(f"{what} gave {len(versions)} different results: "
                         f"{[(tasks[:3], [line for line in other if line not in usual][:3]) for other, tasks, usual in differences(versions)]}")
    if found:
        raise Failure("; ".join(found))
    ends = {state: list(states.values()).count(state) for state in set(states.values())}
    print(f"open at the kills that were looked at: {dict(sorted(world.open.items()))}")
    print(f"{len(read_effects(world.effects))} effects; at the kills that were looked at, between intent and receipt: {dict(world.between)}; "
          f"people decided: {dict(world.decided)}; looked up: {world.looked_up}; none doubled, none missing")
    print(f"{world.kills['server']} kills of the server, {world.freezes} freezes, {world.kills['commands']} of commands; {len(world.orders)} acknowledged orders, "
          f"{world.poisoned} begun anew after three kills in one step, "
          f"{len(states)} tasks {ends}: none lost, none doubled, all results alike")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--kills", type=int, default=60, help="of the server")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="wrench-kill-serve-")
    world = World(os.path.abspath(args.wrench), scratch, args.seed)
    try:
        go(world, args.kills)
        rest(world)
        judge(world)
    except Failure:
        print(f"evidence kept in {scratch}")
        raise
    finally:
        if world.server and world.server.poll() is None:
            world.server.kill()
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_serve: {failure}")
