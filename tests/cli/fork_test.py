#!/usr/bin/env python3
"""wrench task fork and replay.

    tests/cli/fork_test.py PATH_OF_WRENCH [TEST...]

WRENCH_WRITE_JOURNALS=1 runs what the recorded journals in tests/corpus/journals are of once more, and writes them anew.
"""
import json
import os
import sys
import unittest

import playbook_test
from harness import CliTest

JOURNALS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus", "journals")
LOOK = """\
name: Look
inputs:
  tree: {type: tree, default: .}
steps:
  - {step_id: secrets, agent: infosec, operation: scan_secrets}
  - {step_id: found, agent: inspector, operation: select, parameters: {severity: low}}
output:
  counts: {$from: found.counts}
"""
WAITS = """\
name: Waits
steps:
  - {step_id: soon, wait: {on: until, after: 1ms}}
  - {step_id: go, wait: {on: signal, name: go}}
"""
FAILS = """\
name: Fails
steps:
  - {step_id: fetch, agent: shop, operation: fetch}
  - {step_id: pay, agent: shop, operation: pay}
  - {step_id: send, agent: shop, operation: send}
"""
FAILURES = """\
shop.fetch: {outputs: [{$fail: {code: shop.busy, message: too many ask, retry: true}}, {n: 1}]}
shop.pay: {outputs: [{$fail: {code: shop.undelivered, message: "paid, but not delivered"}}], effect: guarded}
shop.refund: {refunded: true}
shop.send: {outputs: [{$fail: {code: shop.no_address, message: nobody lives there}}]}
"""
TWO = """\
name: two
steps:
  - {step_id: first, agent: worker, operation: work}
  - {step_id: second, agent: worker, operation: work, budget: {wall_ms: 60000}}
"""
RECOVERY = """\
policies:
  - {error: shop.undelivered, strategy: compensate, inverse: shop.refund, then: skip}
  - {error: shop.no_address, strategy: escalate}
"""


class Forks(CliTest):
    def fork(self, *words, **options):
        return self.run_wrench("task", "fork", *words, **options)

    def steps(self, task):
        return {step["node"]: step for step in self.run_wrench("task", "show", task, "--json").json()["steps"]}

    def begin_look(self):
        self.project()
        self.write("look.yaml", LOOK)
        return self.task_of(self.run_wrench("playbook", "run", "look.yaml", "--input", "tree=shop", "--json"))

    def task_of(self, done):
        self.assertIn(done.code, (0, 7), done.err)
        return self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]

    def test_runs_again_from_a_step(self):
        task = self.begin_look()
        before = self.steps(task)
        dry = self.fork(task, "--from", "found", "--dry-run")
        self.assertEqual(dry.code, 0, dry.err)
        self.assertIn("runs again (2)\n  found, _result\n", dry.out)
        self.assertIn("stays as it ended (1)\n  secrets\n", dry.out)
        machine = self.fork(task, "--from", "found", "--dry-run", "--json").json()
        self.assertEqual((machine["schema"], machine["runs"], machine["keeps"], machine["repeats"]),
                         ("wrench.task_fork_plan/1", ["found", "_result"], ["secrets"], []))
        self.assertEqual(self.steps(task), before, "nothing was done")
        done = self.fork(task, "--from", "found", "--json")
        self.assertEqual((done.code, done.json()["schema"]), (0, "wrench.task_fork/1"), done.err)
        shown = self.run_wrench("task", "show", task, "--json").json()
        self.assertEqual((shown["execution"]["number"], shown["execution"]["steps_total"]), (2, 2))
        self.assertTrue(shown["execution"]["forked_from"].startswith("exe_"))
        self.assertEqual({node: step["kept"] for node, step in self.steps(task).items()},
                         {"secrets": True, "found": False, "_result": False})
        text = self.run_wrench("task", "show", task).out
        self.assertIn("a fork of", text)
        self.assertRegex(text, r"secrets .* completed  kept")
        self.assertIn("counts", self.run_wrench("task", "report", task).out)
        # What the step before said, said by somebody else.
        secrets = json.dumps({"report": "x"})
        done = self.fork(task, "--from", "found", "--set", f"steps.secrets.output={secrets}")
        self.assertEqual(done.code, 1, "the report is none: " + done.out + done.err)
        self.assertEqual(self.run_wrench("store", "check").code, 0)
        replayed = self.run_wrench("task", "replay", task)
        self.assertEqual(replayed.code, 0, replayed.out)

    def test_an_open_task_is_cancelled_first_if_asked(self):
        self.write("waits.yaml", WAITS)
        task = self.task_of(self.run_wrench("playbook", "run", "waits.yaml"))
        self.assert_fails(self.fork(task, "--from", "go"), 6, "its fork takes its place", "--yes")
        self.assertIn("it is cancelled first", self.fork(task, "--from", "go", "--dry-run").out)
        done = self.fork(task, "--from", "go", "--yes")
        self.assertEqual(done.code, 7, done.err)
        shown = self.run_wrench("task", "show", task, "--json").json()
        self.assertEqual((shown["execution"]["number"], self.steps(task)["soon"]["kept"]), (2, True))
        self.assertEqual(self.run_wrench("task", "signal", task, "go").code, 0)
        done = self.run_wrench("task", "resume", task)
        self.assertEqual(done.code, 0, done.err)

    def test_refuses_what_makes_no_sense(self):
        task = self.begin_look()
        self.assert_fails(self.fork(task), 2, "--from STEP")
        self.assert_fails(self.fork("ZZZZZZ", "--from", "found"), 5, "no task")
        self.assert_fails(self.fork(task, "--from", "fuond"), 5, "fuond")
        self.assert_fails(self.fork(task, "--from", "\x1b[31m"), 5)
        for word, part in (("inputs.x", "PATH=JSON"), ("inputs.x=text", "quotes"), ("x=1", "can't be set"),
                           ("steps.found.output=1", "runs again"), ("inputs.tree.root.x=1", "no object"), ("=1", "can't be set"),
                           ("inputs.\udcff=1".encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), "")):
            self.assert_fails(self.fork(task, "--from", "found", "--set", word), 2, part)
        self.assertEqual(self.run_wrench("task", "show", task, "--json").json()["execution"]["number"], 1)


class Replays(CliTest):
    def test_a_file_that_is_no_journal(self):
        self.assert_fails(self.run_wrench("task", "replay"), 2, "--journal")
        self.assert_fails(self.run_wrench("task", "replay", "--journal", "nowhere.json"), 3, "nowhere.json")
        for name, content in (("empty", ""), ("number", "7"), ("other", '{"schema":"wrench.task/1"}'), ("deep", "[" * 100_000),
                              ("bytes", b"\xff\xfe"), ("nul", "{\"schema\":\"\\u0000\"}")):
            self.write(name, content)
            self.assert_fails(self.run_wrench("task", "replay", "--journal", name), 2, name)

    def test_tells_the_first_difference(self):
        self.write("waits.yaml", "steps: [{step_id: a, wait: {on: until, after: 1ms}}, {step_id: b, wait: {on: until, after: 1ms}}]\n")
        self.assertEqual(self.run_wrench("playbook", "run", "waits.yaml").code, 0)
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        same = self.run_wrench("task", "replay", task, "--record", "old.json", "--json")
        self.assertEqual((same.code, same.json()["data"][0]["same"]), (0, True), same.out)
        with open(self.at("old.json"), encoding="utf-8") as file:
            journal = json.load(file)
        wait = next(entry for entry in journal["entries"] if entry["kind"] == "wait" and entry["step"] == 2)
        wait["data"]["on"] = "signal"
        self.write("new.json", json.dumps(journal))
        both = self.run_wrench("task", "replay", "--journal", "old.json", "--journal", "new.json")
        self.assertEqual(both.code, 1)
        self.assertIn("old.json: the same", both.out)
        self.assertIn(f"new.json: differs at entry {wait['seq']}, step 'b'", both.out)
        self.assertIn('"on":"until"', both.out)


class Journals(CliTest):
    """Real runs, recorded by earlier versions: today's decides the same. Nothing is run."""

    RUNS = {"gated_chain": ("shapes/gated_chain", "tree=shop"), "autonomous_loop": ("shapes/autonomous_loop", "tree=shop"),
            "manager_workers": ("shapes/manager_workers", "tree=shop"), "router": ("shapes/router", "tree=shop"),
            "condition_join": ("shapes/condition_join", "tree=shop"), "secrets_sweep": ("secrets_sweep", "tree=shop")}

    def test_all(self):
        if os.environ.get("WRENCH_WRITE_JOURNALS") == "1":
            self.write_all()
        files = sorted(os.path.join(JOURNALS, name) for name in os.listdir(JOURNALS) if name.endswith(".json"))
        self.assertGreaterEqual(len(files), 9)
        words = [word for file in files for word in ("--journal", file)]
        done = self.run_wrench("task", "replay", *words, "--json", timeout=600)
        for one in done.json()["data"]:
            self.assertTrue(one["same"], f"{one}\nIf it is meant to be so: WRENCH_WRITE_JOURNALS=1 {sys.argv[0]} … Journals")
            self.assertGreaterEqual(one["entries"], 4)
        self.assertEqual(done.code, 0)

    def write_all(self):
        self.git_project()
        for name, (playbook, given) in self.RUNS.items():
            self.record(name, self.run_wrench("playbook", "run", playbook, "--input", given))
        self.write("all.yaml", playbook_test.PlaybookRuns.ALL_TYPES)
        self.write("mock.yaml", playbook_test.PlaybookRuns.MOCK)
        self.record("all_types", self.run_wrench("playbook", "run", "all.yaml", "--mock", "mock.yaml"))
        self.write("look.yaml", LOOK)
        task = self.record("look", self.run_wrench("playbook", "run", "look.yaml", "--input", "tree=shop"))
        self.record("fork", self.run_wrench("task", "fork", task, "--from", "found"))
        self.write("waits.yaml", WAITS)
        task = self.record("open", self.run_wrench("playbook", "run", "waits.yaml"))
        self.assertEqual(self.run_wrench("task", "cancel", task).code, 0)
        self.record("cancelled", None, task)
        self.record("recovered", None, self.recover())
        self.record("budgets", None, self.run_out_of_budget())
        self.record("review", self.review("shop"))

    def run_out_of_budget(self):
        """Of the task and of a step; a person raises both."""
        self.write("two.yaml", TWO)
        self.write("two.mock.yaml", "worker.work: {passed: true}\n")
        limits = ("--budget", "tool_calls=1", "--on-exhausted", "dead_letter", "--mock", "two.mock.yaml")
        self.assertEqual(self.run_wrench("playbook", "run", "two.yaml", *limits).code, 7)
        task = self.run_wrench("task", "list", "--limit", "1", "--json").json()["data"][0]["task_id"]
        self.assertEqual(self.run_wrench("task", "budget", "raise", task, "tool_calls=9").code, 0)
        self.assertIn(self.run_wrench("playbook", "run", "two.yaml", *limits).code, (0, 7))
        return task

    def recover(self):
        """One that is tried again, one that is undone, one that a person decides about."""
        for name, content in (("fails.yaml", FAILS), ("mock.yaml", FAILURES), ("data/recovery.yaml", RECOVERY)):
            self.write(name, content)
        self.assertEqual(self.run_wrench("playbook", "run", "fails.yaml", "--mock", "mock.yaml").code, 7)
        os.unlink(self.at("data/recovery.yaml"))
        task = self.run_wrench("task", "list", "--limit", "1", "--json").json()["data"][0]["task_id"]
        self.assertEqual(self.run_wrench("task", "dead", "skip", task).code, 0)
        return task

    def record(self, name, done, task=None):
        """Numbers and names of this machine are of no use to anybody."""
        if done is not None:
            self.assertIn(done.code, (0, 1, 7), done.err)
        task = task or self.run_wrench("task", "list", "--limit", "1", "--json").json()["data"][0]["task_id"]
        replayed = self.run_wrench("task", "replay", task, "--record", "journal.json")
        self.assertEqual(replayed.code, 0, replayed.out + replayed.err)
        with open(self.at("journal.json"), encoding="utf-8") as file:
            text = file.read().replace(self.dir, "/scratch")
        self.assertNotIn("/tmp/", text)
        journal = json.loads(text)
        entries = journal.pop("entries")
        lines = [f' {json.dumps(member)}: {json.dumps(value, ensure_ascii=False)},' for member, value in journal.items()]
        lines += [' "entries": ['] + [f'  {json.dumps(entry, ensure_ascii=False)},' for entry in entries]
        lines[-1] = lines[-1][:-1]
        with open(os.path.join(JOURNALS, name + ".json"), "w", encoding="utf-8") as file:
            file.write("{\n" + "\n".join(lines) + "\n ]}\n")
        return task


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
