#!/usr/bin/env python3
"""Workers on PostgreSQL, killed with SIGKILL while they run playbooks of all types, shapes and kinds of steps.

    tests/crash/kill_worker_playbooks.py --wrench build/dev/wrench --server build/dev/tests/cli/wrench_test_postgres --kills 300

People order playbooks (`--detach`, or they wait for the result), approve and answer; some of their commands are killed, too.
Workers are stopped, looked at (which steps do they run?), killed, and started anew. In the end each playbook that was
acknowledged has completed, gave the same result and the same output of each step as an undisturbed run, and nothing is queued,
held, timed or leased any more. Each kind of step must have been killed in the middle of its run, or while it waited for what
a killed worker ran; waits for people, times and other tasks must have been open when a worker was killed.
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
from killed_playbooks import HERE, PLAYBOOKS, answer, without_ids, words_of

COMMAND_TIMEOUT_S = 120
REST_TIMEOUT_S = 900
WORKERS = 4
OPEN_TASKS_MAX = 24
CLIENTS_MAX = 3
TREES = 12
MOCKS = ("site.mock.yaml", "shapes.mock.yaml", "effects.mock.yaml")
STEP_DELAY = "120ms"  # Long enough to be killed in.
BETWEEN_KILLS_S = (0.05, 0.8)
AIMED, AIM_S = 0.9, 2  # So many kills wait for so long for a worker that runs something.
ORDERS_AIMED = 0.4  # Orders of a playbook with a kind of step that wasn't hit yet, while there is one.
ANSWERS = 0.25  # People look after what waits for them so often, instead of ordering: it would fill all places.
TAKE_NO_TIME = {"merge", "choose"}  # Hit by chance; kill_playbook.py aims at them.

# Each must find nothing when everything has ended.
AT_REST = {
    "something is queued": "SELECT execution_id, step_no FROM ready",
    "something is parked": "SELECT execution_id, step_no FROM parked",
    "somebody holds a key": "SELECT key FROM key_holders",
    "a limit is still held": "SELECT key FROM limits WHERE in_use <> 0 OR waiting <> 0",
    "a timer is left": "SELECT execution_id, step_no, kind FROM timers",
    "a step still has a worker": "SELECT execution_id, step_no FROM steps WHERE worker_boot IS NOT NULL",
    "a step never ended": "SELECT execution_id, step_no, state FROM steps WHERE state NOT BETWEEN 6 AND 9",
    "a journal has a gap": "SELECT execution_id FROM journal GROUP BY execution_id HAVING count(*) <> max(seq)",
    "a step completed twice": "SELECT execution_id, step_no FROM journal WHERE kind = 'completed' GROUP BY execution_id, step_no "
                              "HAVING count(*) > 1",
    "the event log has a gap": "SELECT max(seq) FROM events HAVING count(*) <> max(seq)",
    "a child task was ordered twice": "SELECT parent_step FROM tasks WHERE parent_execution IS NOT NULL GROUP BY parent_execution, "
                                      "parent_step HAVING count(*) > 1",
}
STEPS = ("SELECT t.task_id, n.node->>'id', n.node->>'kind' || coalesce('/' || (n.node->>'on'), ''), s.state, coalesce(j.data, '') || "
         "coalesce(encode(j.blob, 'hex'), '') FROM steps s JOIN task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id "
         "JOIN plans p ON p.plan_hash = e.plan_hash CROSS JOIN LATERAL (SELECT (p.body::jsonb->'nodes')->(s.node::int) AS node) n "
         "LEFT JOIN journal j ON j.execution_id = s.execution_id AND j.seq = s.output_seq WHERE s.parent_step IS NULL")
NOW = ("SELECT (n.node->>'kind') || coalesce('/' || (n.node->>'on'), ''), coalesce(w.pid::text, '') FROM steps s JOIN task_executions e ON "
       "e.id = s.execution_id JOIN plans p ON p.plan_hash = e.plan_hash LEFT JOIN workers w ON w.boot = s.worker_boot AND w.lost_at IS NULL "
       "CROSS JOIN LATERAL (SELECT (p.body::jsonb->'nodes')->(s.node::int) AS node) n WHERE s.state IN (3, 5)")
# What a worker runs, and what is open above that; waits, too, that nobody runs.
OPEN = ("SELECT DISTINCT coalesce(n.node->>'kind', 'step of a body') || coalesce('/' || (n.node->>'on'), ''), t.title || ': ' || "
        "coalesce(n.node->>'id', 'in a body') FROM steps r JOIN steps s ON s.execution_id = r.execution_id AND (s.step_no = r.step_no OR "
        "s.state = 5) JOIN task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id JOIN plans p ON p.plan_hash = "
        "e.plan_hash CROSS JOIN LATERAL (SELECT (p.body::jsonb->'nodes')->(s.node::int) AS node) n WHERE r.worker_boot = '{boot}' UNION "
        "SELECT (n.node->>'kind') || coalesce('/' || (n.node->>'on'), ''), t.title || ': ' || (n.node->>'id') FROM steps s JOIN "
        "task_executions e ON e.id = s.execution_id JOIN tasks t ON t.id = e.task_id JOIN plans p ON p.plan_hash = e.plan_hash CROSS JOIN "
        "LATERAL (SELECT (p.body::jsonb->'nodes')->(s.node::int) AS node) n WHERE s.state = 5 AND n.node->>'kind' IN ('wait', 'child')")


class Failure(Exception):
    pass


class World:
    def __init__(self, args, scratch):
        self.wrench, self.choice = os.path.abspath(args.wrench), random.Random(args.seed)
        self.scratch = scratch
        self.server = subprocess.Popen([args.server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.server.stdout.readline().strip()
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": scratch, "LANG": "C.UTF-8", "WRENCH_DATABASE_URL": self.url}
        self.log = open(os.path.join(scratch, "workers.log"), "ab")
        self.mock = os.path.join(scratch, "all.mock.yaml")
        texts = []
        self.effects = os.path.join(scratch, NAME)
        self.decided = collections.Counter()
        for name in MOCKS:
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                texts.append(file.read().replace("delay: 5ms", "delay: " + STEP_DELAY).replace("delay: 15ms", "delay: " + STEP_DELAY))
        with open(self.mock, "w", encoding="utf-8") as file:
            file.write("\n".join(texts))
        with open(os.path.join(HERE, "kinds.yaml"), encoding="utf-8") as file:
            kinds = file.read().replace("after: 30ms", "after: 500ms")
        self.kinds = os.path.join(scratch, "kinds.yaml")
        with open(self.kinds, "w", encoding="utf-8") as file:
            file.write(kinds)
        self.trees = [os.path.join(scratch, f"tree{i}") for i in range(TREES)]
        for tree in self.trees:
            os.mkdir(tree)
        self.workers = []
        self.orders = {}    # Acknowledged: id to playbook.
        self.clients = []   # People who wait: (process, playbook, output file).
        self.results = collections.defaultdict(set)  # What people were shown.
        self.kills = collections.Counter()
        self.open = collections.Counter()
        self.steps_open = collections.Counter()
        self.expected = {}
        self.revived = 0

    def sql(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-d", self.url, "-c", text],
                              capture_output=True, timeout=COMMAND_TIMEOUT_S, check=True)
        out = done.stdout.decode().strip("\n")
        return [line.split("\x1f") for line in out.split("\x1e")] if out else []

    # --- workers

    def hire(self):
        self.workers.append(subprocess.Popen([self.wrench, "worker", "--mock", self.mock, "--slots", "cpu=2,io=4,llm=1", "--quiet"],
                                             cwd=self.scratch, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log))

    def kinds_missed(self):
        return {kind for steps in self.expected.values() for kind, state, _ in steps.values() if state != "8"} - set(self.open)

    def choose_worker(self):
        """Most often one that runs something, best of all a kind of step that wasn't hit yet; or any, while such a step waits. A
        moment later, it may be over."""
        ends = time.monotonic() + (AIM_S if self.choice.random() < AIMED else 0)
        missed = self.kinds_missed()
        busy = None
        while time.monotonic() < ends:
            for kind, pid in self.sql(NOW):
                worker = next((worker for worker in self.workers if str(worker.pid) == pid), None)
                if kind in missed and (worker or not pid):
                    return worker or self.choice.choice(self.workers)
                busy = worker or busy
            if busy and not (missed and time.monotonic() < ends - AIM_S / 2):
                return busy
        return self.choice.choice(self.workers)

    def kill_worker(self):
        victim = self.choose_worker()
        self.workers.remove(victim)
        if victim.poll() is not None:
            raise Failure(f"a worker ended by itself with {victim.returncode}; see its log")
        os.kill(victim.pid, 19)
        boots = self.sql(f"SELECT boot FROM workers WHERE pid = {victim.pid} AND lost_at IS NULL ORDER BY started_at DESC LIMIT 1")
        found = self.sql(OPEN.format(boot=boots[0][0])) if boots else []
        busy = bool(boots) and self.sql(f"SELECT count(*) FROM steps WHERE worker_boot = '{boots[0][0]}'")[0][0] != "0"
        victim.kill()
        victim.wait()
        self.kills["workers"] += 1
        self.kills["while it ran something"] += busy
        for kind, name in found:
            self.open[kind] += 1
            self.steps_open[name] += 1
        self.hire()

    # --- people

    def words(self, playbook):
        mock = ["--mock", self.mock] if playbook in ("site", "effects") else []
        words = words_of(playbook, self.choice.choice(self.trees))
        return ["playbook", "run", self.kinds if playbook == "kinds" else words[0], *words[3:], *mock, "--on-exhausted", "dead_letter", "--json"]

    def command(self, *words, mortal=False):
        process = subprocess.Popen([self.wrench, *words], cwd=self.scratch, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        if mortal and self.choice.random() < 0.2:
            time.sleep(self.choice.uniform(0, 0.08))
            process.kill()
        out, err = process.communicate(timeout=COMMAND_TIMEOUT_S)
        if process.returncode == -9:
            self.kills["commands"] += 1
        return process.returncode, out.decode(), err.decode()

    def must(self, *words):
        code, out, err = self.command(*words)
        if code != 0:
            raise Failure(f"{words}: exit code {code}: {err}")
        return out

    def choose_playbook(self):
        missed = self.kinds_missed() - TAKE_NO_TIME
        having = [playbook for playbook, steps in self.expected.items() if missed & {kind for kind, _, _ in steps.values()}]
        return self.choice.choice(having if having and self.choice.random() < ORDERS_AIMED else list(PLAYBOOKS))

    def order(self, playbook=None, mortal=True):
        playbook = playbook or self.choose_playbook()
        if playbook == "site":  # Its agents aren't real: only who has the mock can order it, and waits for it.
            if len(self.clients) < CLIENTS_MAX and mortal:
                self.attend(playbook)
            return
        code, out, err = self.command(*self.words(playbook), "--detach", mortal=mortal)
        if code == -9 and not out.endswith("}\n"):
            return
        if code not in (0, -9):
            raise Failure(f"{playbook}: exit code {code}: {err}")
        self.orders[json.loads(out)["task_id"]] = playbook

    def attend(self, playbook):
        out = open(os.path.join(self.scratch, f"client{len(self.results)}-{time.monotonic_ns()}"), "w+b")
        process = subprocess.Popen([self.wrench, *self.words(playbook), "--progress", "none"], cwd=self.scratch, env=self.env, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.PIPE)
        self.clients.append((process, playbook, out))

    def look_after_clients(self):
        for client in list(self.clients):
            process, playbook, out = client
            if process.poll() is None:
                if self.choice.random() < 0.02:
                    process.kill()
                    process.wait()
                    self.kills["commands"] += 1
                    self.clients.remove(client)
                continue
            self.clients.remove(client)
            err = process.stderr.read().decode()
            if process.returncode not in (0, 1, 7):
                raise Failure(f"{playbook}: exit code {process.returncode}: {err}")
            out.seek(0)
            text = out.read()
            if process.returncode != 7 and text:
                result = json.loads(text)
                self.orders[result["run"]["task_id"]] = playbook
                self.results[playbook].add(json.dumps(result["output"], sort_keys=True))

    def help_people(self):
        waits = json.loads(self.must("approval", "list", "--json"))["data"]
        waits += [{"kind": "signal", "task_id": row[0]}
                  for row in self.sql("SELECT task_id FROM tasks WHERE state = 'waiting' AND wait_reason = 'event'")]
        for wait in waits:
            answer(lambda *words: self.command(*words, mortal=True), wait)
        if not self.sql("SELECT 1 FROM steps WHERE state >= 10 LIMIT 1"):
            return
        for what, times in zip(("told", "tried again"), decide_uncertain(self.asked, self.effects, PAY)):
            self.decided[what] += times
        for held in json.loads(self.must("task", "dead", "list", "--json"))["data"]:
            if held["state"] == "dead":  # Killed three times in it.
                self.revived += 1
                self.command("task", "dead", "retry", held["task"], "--step", str(held["step"]))

    def asked(self, *words):
        code, out, _ = self.command(*words)
        return out if code == 0 else None

    def open_tasks(self):
        return int(self.sql("SELECT count(*) FROM tasks WHERE state NOT IN ('completed', 'failed', 'cancelled')")[0][0])

    # --- what came of it

    def outputs(self):
        """Of each task, by node: (how it ended, with what)."""
        found = collections.defaultdict(dict)
        for task, node, kind, state, given in self.sql(STEPS):
            found[task][node] = (kind, state, without_ids(given))
        return found

    def undisturbed(self):
        for _ in range(WORKERS):
            self.hire()
        for playbook in PLAYBOOKS:
            if playbook == "site":
                self.attend(playbook)
            else:
                self.order(playbook, mortal=False)
        self.run_dry(answers_only=True)
        for task, steps in self.outputs().items():
            if task in self.orders:
                self.expected[self.orders[task]] = steps
        if set(self.expected) != set(PLAYBOOKS):
            raise Failure(f"undisturbed, only {sorted(self.expected)} ended")

    def run_dry(self, answers_only=False):
        ends = time.monotonic() + REST_TIMEOUT_S
        while self.clients or self.open_tasks():
            if time.monotonic() > ends:
                raise Failure("not ended: " + str(self.sql("SELECT task_id, title, state, wait_reason FROM tasks WHERE state NOT IN "
                                                          "('completed', 'failed', 'cancelled')")))
            if answers_only:
                for client in self.clients:
                    client[0].wait(COMMAND_TIMEOUT_S)
            self.look_after_clients()
            self.help_people()
            time.sleep(0.3)

    def judge(self):
        faults = [f"{what}: {row}" for what, sql in AT_REST.items() for row in self.sql(sql)]
        code, out, err = self.command("store", "check", "--json")
        if "cli.database_unsupported" in out:
            print("`store check` doesn't look at PostgreSQL yet: only this program's own questions were asked")
        elif code != 0:
            faults.append(f"store check: exit code {code}: {out}{err}")
        states = dict(self.sql("SELECT task_id, state FROM tasks"))
        faults += effect_faults(self.asked, self.effects, list(states), operations_with_effects(MOCKS))
        found = self.outputs()
        for task, playbook in self.orders.items():
            state = states.get(task, "lost")
            if state != "completed":
                faults.append(f"{playbook} {task}: {state}")
            elif found[task] != self.expected[playbook]:
                other = {node: (end, self.expected[playbook].get(node)) for node, end in found[task].items()
                         if end != self.expected[playbook].get(node)}
                faults.append(f"{playbook} {task} gave something else: {other}")
        # Also those whose order was never acknowledged.
        faults += [f"{task}: {state}" for task, state in states.items() if state != "completed"]
        faults += [f"{playbook}: people were shown {len(seen)} different results" for playbook, seen in self.results.items() if len(seen) > 1]
        if faults:
            raise Failure("; ".join(faults[:20]))
        print(f"{len(read_effects(self.effects))} effects; people decided about what was uncertain: {dict(self.decided)}; none doubled, none missing")
        lost = self.sql("SELECT coalesce(sum(lost), 0) FROM steps")[0][0]
        print(f"{dict(self.kills)} kills; {len(self.orders)} acknowledged orders, {len(states)} tasks; {lost} steps lost and run again, "
              f"{self.revived} times people had dead ones tried again: none lost, none doubled, all outputs alike")

    def coverage(self):
        print(f"open when their worker was killed: {dict(sorted(self.open.items()))}; never: {sorted(self.kinds_missed())}")
        return sorted(self.kinds_missed() - TAKE_NO_TIME)

    def close(self):
        for process in [*self.workers, *(client[0] for client in self.clients)]:
            process.kill()
            process.wait()
        self.server.stdin.close()
        self.server.wait(COMMAND_TIMEOUT_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--server", required=True, help="the program that starts a PostgreSQL (tests/cli/postgres.cpp)")
    parser.add_argument("--kills", type=int, default=40, help="of workers")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="wrench-kill-workers-")
    world = World(args, scratch)
    try:
        world.undisturbed()
        while world.kills["workers"] < args.kills:
            ends = time.monotonic() + world.choice.uniform(*BETWEEN_KILLS_S)
            while time.monotonic() < ends:
                world.look_after_clients()
                if world.choice.random() < ANSWERS:
                    world.help_people()
                elif world.open_tasks() < OPEN_TASKS_MAX:
                    world.order()
                else:
                    time.sleep(0.05)
            world.kill_worker()
            if world.kills["workers"] % 25 == 0:
                print(f"{dict(world.kills)}, {len(world.orders)} orders", flush=True)
        world.run_dry()
        world.judge()
        missed = world.coverage()
        if missed and args.kills >= 200:
            raise Failure(f"no step of these kinds was ever open when a worker was killed: {missed}")
    except Failure:
        print(f"evidence kept in {scratch}")
        raise
    finally:
        world.close()
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_worker_playbooks: {failure}")
