#!/usr/bin/env python3
"""The wall clock of the machine is set while a server or workers run, and between their lives.

    tests/crash/jump_clocks.py --wrench build/dev/wrench --clock build/dev/tests/crash/libwrench_set_clock.so --jumps 60 [--server build/dev/tests/cli/wrench_test_postgres]

Real processes whose clock is that of set_clock.cpp jump by an hour and a day, there and back, and to where Berlin's clocks change.
Time since boot is left alone. On SQLite:

- schedules fire what their catch-up windows cover, once, and tell how much they missed; in a night in which clocks skip or repeat
  their time, too, whatever is set and killed afterwards;
- what runs or waits when the clock is set goes on: each task ends within seconds of real time, in the same life of the server;
- with kills between and after the jumps no task is lost, no guarded effect takes place twice (effect_log.py), no time of a
  schedule fires twice, and the store's invariants hold.

With --server, workers of a PostgreSQL database, each with a clock of its own, all of them wrong: the same of tasks and effects; no
worker is taken for dead because of its clock, no step is lost while nobody is killed, and a schedule fires each of its times, by
the database's clock.
"""
import argparse
import collections
import datetime
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

from effect_log import NAME, PAY, decide_uncertain, effect_faults, operations_with_effects, read_effects
from kill_worker_playbooks import AT_REST as AT_REST_OF_DATABASE
from killed_playbooks import HERE
from killed_store import KilledStore

HOUR, DAY = 3600, 86400
JUMPS = (HOUR, -HOUR, DAY, -DAY)
# Shortly before Berlin's clocks skip an hour, and before they show one again.
EDGES = ("2027-03-28T00:59:58Z", "2027-10-31T00:59:58Z", "2028-03-26T00:59:58Z")
COMMAND_TIMEOUT_S = 60
SOON_S = 60     # Real time in which a task ends whose steps need half a second.
QUIET_S = 3     # Nothing may happen in it.
WORKERS = 3
TTL_S = 10      # After so long without a sign of life a worker is taken for dead.
NOW_US = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
TREES = ("tree1", "tree2")
MOCKS = ("effects.mock.yaml", "kinds.mock.yaml")
# Times, retries and rates, which all go by some clock.
NAPS = """\
- step_id: metadata
  type: standard
  metadata: {name: naps, description: Waits and tries again}

- {step_id: nap, wait: {on: until, after: 300ms}}

- step_id: seldom
  agent: infosec
  operation: scan_secrets
  rate: {key: "'seldom'", per_s: 20, burst: 1}

- step_id: fails
  agent: inspector
  operation: outline
  parameters: {report: {$from: seldom.report}}
  failure_action: continue
  retry: 2

- {step_id: end, wait: {on: until, after: 200ms}}
"""
LONG = "- {step_id: metadata, type: standard, metadata: {name: long, description: Waits}}\n- {step_id: nap, wait: {on: until, after: 2500ms}}\n"
QUICK = "- {step_id: metadata, type: standard, metadata: {name: quick, description: Nothing}}\n- {step_id: nap, wait: {on: until, after: 1ms}}\n"


class Failure(Exception):
    pass


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shown(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def must(condition, what):
    if not condition:
        raise Failure(what)


class SetClock:
    """What processes with `env` take for the wall time."""

    def __init__(self, file, library):
        self.ahead_s = 0
        self.file = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        self.env = {"LD_PRELOAD": library, "WRENCH_TEST_CLOCK": file, "TZ": "Europe/Berlin"}
        self.jump(0)

    def jump(self, by_s):
        self.ahead_s += by_s
        os.pwrite(self.file, struct.pack("<q", round(self.ahead_s * 1_000_000)), 0)

    def set(self, to):
        self.jump(to - self.now())

    def now(self):
        return time.time() + self.ahead_s


class World:
    """A store, processes that serve it, and people."""

    def __init__(self, args, choice, name):
        self.wrench, self.library, self.choice = os.path.abspath(args.wrench), os.path.abspath(args.clock), choice
        self.folder = tempfile.mkdtemp(prefix=f"wrench-jump-{name}-")
        self.clock = SetClock(os.path.join(self.folder, "clock"), self.library)
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.folder, "LANG": "C.UTF-8"}
        self.effects = os.path.join(self.folder, NAME)
        self.mock = os.path.join(self.folder, "all.mock.yaml")
        texts = []
        for mock in MOCKS:
            with open(os.path.join(HERE, mock), encoding="utf-8") as file:
                texts.append(file.read().replace("delay: 15ms", "delay: 150ms"))
        for file, text in ((self.mock, "\n".join(texts)), (self.path("naps.yaml"), NAPS), (self.path("quick.yaml"), QUICK),
                           (self.path("long.yaml"), LONG)):
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
        shutil.copy(os.path.join(HERE, "effects.yaml"), self.folder)
        for tree in TREES:
            os.mkdir(self.path(tree))
        self.log = open(self.path("log"), "ab")
        self.processes = []
        self.orders = []
        self.forward_s = 0  # That the clock was set by since nothing was open.
        self.count = collections.Counter()

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, *words, clock=None):
        process = subprocess.Popen([self.wrench, *words], cwd=self.folder, env={**self.env, **(clock or self.clock).env},
                                   stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.processes.append(process)
        return process

    def kill(self, process):
        must(process.poll() is None, f"{process.args} ended by itself with {process.returncode}; see the log")
        process.kill()
        process.wait()
        self.processes.remove(process)
        self.count["kills"] += 1

    def command(self, *words):
        done = subprocess.run([self.wrench, *words], cwd=self.folder, env={**self.env, **self.clock.env}, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def ok(self, *words):
        code, out, err = self.command(*words)
        must(code == 0, f"{words}: exit code {code}: {out}{err}")
        return out

    def asked(self, *words):
        code, out, _ = self.command(*words)
        return out if code == 0 else None

    def order(self, playbook, tree=None):
        more = ["--input", "tree=" + tree, "--on-exhausted", "dead_letter"] if tree else []
        out = self.ok("playbook", "run", playbook, *more, "--mock", self.mock, "--fresh", "--detach", "--json")
        task = json.loads(out)["task_id"]
        must(task not in self.orders, f"{task} was there before")
        self.orders.append(task)

    def order_some(self):
        for tree in TREES:  # What is open and the same isn't ordered again.
            self.order("effects.yaml", tree)
        self.order("naps.yaml")

    def open_orders(self):
        states = self.states()
        for task in self.orders:
            must(task in states, f"the acknowledged task {task} is lost")
        return {task: states[task] for task in self.orders if states[task] != "completed"}

    def await_orders(self, why, uncertain=False):
        ends = time.monotonic() + SOON_S
        while left := self.open_orders():
            if uncertain:
                self.count["late"] += self.try_again_what_is_late()
                self.count["uncertain"] += sum(decide_uncertain(self.asked, self.effects, PAY))
            must(time.monotonic() < ends, f"{SOON_S} s after {why} these haven't ended: {left}")
            time.sleep(0.2)

    def try_again_what_is_late(self):
        """Whoever takes over from a dead process can't know whether a day of the clock was one: a step that had a day from when
        it was ready is given up then, and a person tries it again. Never without such a day."""
        late = [held for held in json.loads(self.ok("task", "dead", "list", "--json"))["data"]
                if held["state"] == "dead" and held["error"]["code"] == "workflow.timeout" and "schedule_to_close" in held["error"]["message"]]
        must(not late or self.forward_s > DAY - SOON_S, f"late by a clock that was set forward by {self.forward_s:.0f} s only: {late}")
        for held in late:
            self.asked("task", "dead", "retry", held["task"], "--step", str(held["step"]))
        return len(late)

    def jump(self):
        """By an hour or a day, or to an edge; back to about today after a few."""
        if abs(self.clock.ahead_s) > 3 * 365 * DAY or self.choice.random() < 0.15:
            by = -self.clock.ahead_s
        elif self.choice.random() < 0.2:
            by = moment(self.choice.choice(EDGES)) - self.clock.now()
        else:
            by = self.choice.choice(JUMPS)
        self.clock.jump(by)
        self.forward_s += max(by, 0)
        self.count["jumps"] += 1
        return f"a jump by {by:.0f} s to {shown(self.clock.now())}"

    def told(self):
        self.log.flush()
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def judge_effects(self):
        found = effect_faults(self.asked, self.effects, self.orders, operations_with_effects(MOCKS))
        must(not found, "; ".join(found[:10]))
        self.count["effects"] = len(read_effects(self.effects))

    def close(self, keep):
        for process in self.processes:
            process.kill()
            process.wait()
        self.log.close()
        os.close(self.clock.file)
        if keep:
            print(f"evidence kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


class Served(World):
    """On SQLite."""

    def __init__(self, args, choice, name):
        super().__init__(args, choice, name)
        self.env["WRENCH_DATA_DIR"] = self.path("data")

    def serve(self):
        return self.spawn("serve", "--drain", "1s", "--no-backups", "--mock", self.mock)

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.path('data')}/store.db?mode=ro", uri=True, timeout=20) as store:
            return store.execute(sql).fetchall()

    def states(self):
        return dict(self.rows("SELECT task_id, state FROM tasks"))

    def fired(self, name="the"):
        """Each time as often as it has a task."""
        return sorted(int(key.rsplit(":", 1)[1]) / 1e6 for key, in self.rows(
            f"SELECT t.idempotency_key FROM tasks t JOIN schedules s ON t.idempotency_key LIKE 'sched:' || s.schedule_id || ':%' WHERE s.name = '{name}'"))

    def expect_fired(self, times, what):
        """Soon, and no more than these."""
        expected = sorted(times)
        ends = time.monotonic() + SOON_S
        while len(self.fired()) < len(expected) and time.monotonic() < ends:
            time.sleep(0.1)
        self.expect_still(expected, what)

    def expect_still(self, times, what):
        time.sleep(QUIET_S)
        found = self.fired()
        must(found == sorted(times), f"{what}: fired {[shown(at) for at in found]}, not {[shown(at) for at in sorted(times)]}")

    def judge(self):
        for process in list(self.processes):
            process.terminate()
            must(process.wait(COMMAND_TIMEOUT_S) == 0, f"the server ended with {process.returncode}")
            self.processes.remove(process)
        self.judge_effects()
        self.ok("store", "check", "--json")
        store = KilledStore(self.path("data"), self.path("copy"))
        found = store.faults(at_rest=True)
        store.close()
        must(not found, "; ".join(found[:10]))


def spring(world):
    """At 01:00Z Berlin's clocks go from 2:00 to 3:00: half past two is at the first instant after that."""
    world.clock.set(moment("2027-03-28T00:59:56Z"))
    world.ok("schedule", "create", "the", "30 2 * * *", "--tz", "Europe/Berlin", "--playbook", "quick.yaml", "--overlap", "allow_all")
    edge = moment("2027-03-28T01:00:00Z")
    server = world.serve()
    world.expect_fired([edge], "where clocks skip their time")
    world.kill(server)
    world.clock.jump(-HOUR)
    server = world.serve()
    world.expect_still([edge], "an hour before, in the next life")
    world.clock.jump(HOUR)
    world.expect_still([edge], "after the same instant once more")
    world.clock.set(moment("2027-03-29T00:29:58Z"))
    world.expect_fired([edge, moment("2027-03-29T00:30:00Z")], "on the day after")


def autumn(world):
    """At 01:00Z Berlin's clocks go from 3:00 to 2:00: half past two comes at 00:30Z, and at 01:30Z once more."""
    world.clock.set(moment("2027-10-31T00:29:56Z"))
    world.ok("schedule", "create", "the", "30 2 * * *", "--tz", "Europe/Berlin", "--playbook", "quick.yaml", "--overlap", "allow_all")
    first = moment("2027-10-31T00:30:00Z")
    server = world.serve()
    world.expect_fired([first], "where clocks repeat their time")
    world.clock.set(moment("2027-10-31T01:29:59Z"))
    world.expect_still([first], "when clocks show it again")
    world.kill(server)
    world.clock.jump(-DAY)
    world.serve()
    world.expect_still([first], "a day before, in the next life")
    world.clock.set(moment("2027-11-01T01:29:58Z"))
    world.expect_fired([first, moment("2027-11-01T01:30:00Z")], "on the day after")


def catch_up(world):
    """Every ten minutes, with the window of an hour: a jump is made up for as far as that, told, and not again."""
    world.clock.set(moment("2027-01-05T12:04:55Z"))
    world.ok("schedule", "create", "the", "every 10m", "--playbook", "quick.yaml", "--overlap", "allow_all")
    begun = world.clock.now()
    server = world.serve()
    world.order_some()
    world.clock.jump(HOUR)
    fired = [moment(f"2027-01-05T12:{minute}:00Z") for minute in (10, 20, 30, 40, 50)] + [moment("2027-01-05T13:00:00Z")]
    world.expect_fired(fired, "after an hour in the middle of a life")
    world.await_orders("an hour forward")
    world.clock.jump(DAY)
    fired += [moment("2027-01-06T12:10:00Z") + 600 * i for i in range(6)]
    world.expect_fired(fired, "after a day in the middle of a life")
    must("the clock of this machine jumped by 1 d 0 h" in world.told(), "nobody told that the clock jumped")
    world.clock.jump(-DAY)
    world.order_some()
    world.expect_still(fired, "after a day back")
    world.await_orders("a day back")
    world.kill(server)
    world.clock.jump(DAY + HOUR)
    world.serve()
    fired += [moment("2027-01-06T13:10:00Z") + 600 * i for i in range(6)]
    world.expect_fired(fired, "after an hour between two lives")
    missed = json.loads(world.ok("schedule", "show", "the", "--json"))["schedule"]["missed"]
    all_times = (max(fired) - begun) // 600 + 1
    must(missed == all_times - len(fired), f"{missed} times missed, not {all_times - len(fired)}")
    world.order_some()
    world.await_orders("all that")
    world.judge()


def alone(world):
    """While the clock is set something waits, and nothing is written from which the server would learn what time it is."""
    world.serve()
    for by in JUMPS:
        world.order("long.yaml")
        time.sleep(1)
        world.clock.jump(by)
        world.await_orders(f"a jump by {by} s")
    world.judge()


def jumps_on_sqlite(args, world):
    """In the middle of a life, and with kills."""
    world.ok("schedule", "create", "the", "every 20m", "--playbook", "quick.yaml", "--overlap", "allow_all", "--catchup", "30m")
    server = world.serve()
    while world.count["jumps"] < args.jumps:
        world.forward_s = 0
        world.order_some()
        time.sleep(world.choice.uniform(0, 1))
        why = world.jump()
        if world.choice.random() < 0.5:
            world.await_orders(why)
            continue
        time.sleep(world.choice.uniform(0, 0.3))
        world.kill(server)
        if world.choice.random() < 0.6:
            why += ", and between two lives " + world.jump()
        server = world.serve()
        world.await_orders(why, uncertain=True)
    world.order("quick.yaml")  # The last life may have found nothing to do: it is asked to end when it has begun.
    world.await_orders("all jumps", uncertain=True)
    times = world.fired()
    must(len(times) == len(set(times)), "a time of the schedule fired twice")
    for at, created in world.rows("SELECT idempotency_key, created_at FROM tasks WHERE idempotency_key LIKE 'sched:%'"):
        late = created / 1e6 - int(at.rsplit(":", 1)[1]) / 1e6
        must(-1 <= late <= 1800 + SOON_S, f"{at} fired {late:.0f} s after its time")
    world.count["fired"] = len(times)
    world.judge()


class Database(World):
    """Workers on PostgreSQL, whose own clock is right."""

    def __init__(self, args, choice):
        super().__init__(args, choice, "workers")
        self.server = subprocess.Popen([args.server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.server.stdout.readline().strip()
        self.env["WRENCH_DATABASE_URL"] = self.url
        self.clocks = [SetClock(self.path(f"clock{i}"), self.library) for i in range(WORKERS)]
        self.workers = [None] * WORKERS

    def hire(self, i):
        self.workers[i] = self.spawn("worker", "--mock", self.mock, "--slots", "cpu=2,io=4,llm=1", clock=self.clocks[i])

    def sql(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-d", self.url, "-c", text], capture_output=True,
                              timeout=COMMAND_TIMEOUT_S, check=True, text=True)
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def states(self):
        return dict(self.sql("SELECT task_id, state FROM tasks"))

    def jump_one(self):
        clock = self.choice.choice([*self.clocks, self.clock])
        by = self.choice.choice(JUMPS) if abs(clock.ahead_s) < 30 * DAY else -clock.ahead_s
        clock.jump(by)
        self.count["jumps"] += 1
        who = "people" if clock is self.clock else f"worker {self.clocks.index(clock)}"
        return f"a jump of {who} by {by:.0f} s"

    def lost_steps(self):
        return int(self.sql("SELECT coalesce(sum(lost), 0) FROM steps")[0][0])

    def close(self, keep):
        super().close(keep)
        self.server.stdin.close()
        self.server.wait(COMMAND_TIMEOUT_S)


def jumps_of_workers(args, world):
    world.ok("schedule", "create", "the", "every 2s", "--playbook", "quick.yaml", "--overlap", "allow_all")
    for i, clock in enumerate(world.clocks):
        clock.jump(JUMPS[i])
        world.hire(i)
    while len(boots := [row[0] for row in world.sql("SELECT boot FROM workers")]) < WORKERS:
        time.sleep(0.1)
    while world.count["jumps"] < args.jumps // 2:
        world.order_some()
        time.sleep(world.choice.uniform(0, 1))
        world.await_orders(world.jump_one())
    for clock in world.clocks:
        clock.jump(-DAY)
    time.sleep(TTL_S + QUIET_S)
    found = world.sql(f"SELECT boot, {NOW_US} - seen_at FROM workers WHERE lost_at IS NULL")
    must({boot for boot, _ in found} == set(boots) and all(int(ago) < TTL_S / 2 * 1e6 for _, ago in found),
         f"signs of life, and how long ago: {found}; wanted of {boots}")
    must(world.lost_steps() == 0, f"nobody was killed, and {world.lost_steps()} steps were lost")
    while world.count["jumps"] < args.jumps:
        world.order_some()
        time.sleep(world.choice.uniform(0, 0.6))
        world.jump_one()
        victim = world.choice.randrange(WORKERS)
        world.kill(world.workers[victim])
        why = world.jump_one()
        world.hire(victim)
        world.await_orders(why + " and a kill", uncertain=True)
    world.ok("schedule", "pause", "the")
    ends = time.monotonic() + SOON_S
    while open_tasks := [task for task, state in world.states().items() if state != "completed"]:
        must(time.monotonic() < ends, f"not ended: {open_tasks}")
        time.sleep(0.2)
    times = []
    for at, created in world.sql("SELECT idempotency_key, created_at FROM tasks WHERE idempotency_key LIKE 'sched:%'"):
        times.append(int(at.rsplit(":", 1)[1]) // 1_000_000)
        late = int(created) / 1e6 - times[-1]
        must(0 <= late <= SOON_S, f"{at} fired {late:.0f} s after its time, by the database's clock")
    expected = list(range(min(times), max(times) + 1, 2))
    must(sorted(times) == expected, f"times of the schedule: lost {set(expected) - set(times)}, doubled {len(times) - len(set(times))}")
    world.count["fired"] = len(times)
    world.judge_effects()
    world.ok("store", "check", "--json")
    faults = [f"{what}: {row}" for what, sql in AT_REST_OF_DATABASE.items() for row in world.sql(sql)]
    must(not faults, "; ".join(faults[:10]))
    world.count["lost"] = world.lost_steps()


def see_that_it_is_set(world):
    """Else nothing here would show anything."""
    world.clock.jump(10 * DAY)
    world.order("quick.yaml")
    created, = world.rows("SELECT created_at FROM tasks")[0]
    must(abs(created / 1e6 - world.clock.now()) < SOON_S and world.clock.now() - time.time() > 9 * DAY, "the clock can't be set")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", required=True)
    parser.add_argument("--clock", required=True, help="the library of set_clock.cpp")
    parser.add_argument("--server", help="the program that starts a PostgreSQL (tests/cli/postgres.cpp): look at workers, instead")
    parser.add_argument("--jumps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    choice = random.Random(args.seed)

    def part(world, do):
        failed = True
        try:
            do(world)
            failed = False
        finally:
            world.close(keep=failed)
        print(f"{do.__name__ if hasattr(do, '__name__') else 'jumps'}: {dict(world.count)}, {len(world.orders)} orders", flush=True)

    def jumps(world):
        (jumps_of_workers if args.server else jumps_on_sqlite)(args, world)

    if args.server:
        return part(Database(args, choice), jumps)
    for do in (see_that_it_is_set, spring, autumn, catch_up, alone, jumps):
        part(Served(args, choice, do.__name__), do)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"jump_clocks: {failure}")
