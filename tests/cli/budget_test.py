#!/usr/bin/env python3
"""Budgets on the command line: what they refuse, how people raise them, and what is shown.

    tests/cli/budget_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import subprocess
import sys
import unittest

from harness import CliTest

# Two calls, one after the other.
TWO = """\
name: two
steps:
  - {step_id: first, agent: worker, operation: work}
  - {step_id: second, agent: worker, operation: work}
"""
MOCK = "worker.work: {passed: true}\n"


class Budgets(CliTest):
    def playbook(self, *words, **options):
        return self.run_wrench("playbook", "run", "two.yaml", "--mock", "mock.yaml", *words, **options)

    def setUp(self):
        super().setUp()
        self.write("two.yaml", TWO)
        self.write("mock.yaml", MOCK)

    def only_task(self):
        return self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]

    def budget(self, task, scope, dimension):
        rows = self.run_wrench("task", "budget", "show", task, "--json").json()["data"]
        return next(row for row in rows if (row["scope"], row["dimension"]) == (scope, dimension))

    def test_what_is_spent_fails_the_run_and_a_raise_lets_it_be_run_again(self):
        self.assert_fails(self.playbook("--budget", "tool_calls=1"), 1, "the budget of tool_calls has nothing left")
        task = self.only_task()
        self.assertEqual(self.budget(task, "task", "tool_calls"),
                         {"scope": "task", "dimension": "tool_calls", "limit": 1, "spent": 1, "reserved": 0})
        shown = self.run_wrench("task", "budget", "show", task)
        self.assertIn("1 of 1 spent", shown.out)
        self.assertIn("1 of 1 spent", self.run_wrench("task", "show", task).out)
        self.assertEqual(self.run_wrench("task", "budget", "raise", task, "tool_calls=2").code, 0)
        journal = self.run_wrench("task", "journal", task, "--json").json()["data"]
        raised = next(entry for entry in journal if entry["kind"] == "budget_raised")
        self.assertEqual(raised["data"]["by"], {"tool_calls": 2})
        self.assertTrue(raised["actor"])
        self.assertIn("a person raised a budget: tool_calls 2", self.run_wrench("task", "journal", task).out)

    def test_a_step_waits_for_a_person(self):
        done = self.playbook("--budget", "tool_calls=1", "--on-exhausted", "dead_letter")
        self.assert_fails(done, 7, "waits for a person: budget", "wrench task budget show")
        task = self.only_task()
        self.assertIn("Waits: budget. More of it: wrench task budget raise", self.run_wrench("task", "show", task).out)
        self.assertEqual(self.run_wrench("task", "budget", "raise", task, "tool_calls=1").code, 0)
        again = self.playbook("--budget", "tool_calls=1", "--on-exhausted", "dead_letter")
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual(self.budget(task, "task", "tool_calls")["spent"], 2)

    def test_a_process_that_serves_hears_of_a_raise(self):
        self.git_project()
        serving = subprocess.Popen([self.wrench, "serve", "--no-backups"], cwd=self.dir, env=self.env(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(serving.communicate)
        self.addCleanup(serving.kill)
        begun = self.run_wrench("playbook", "run", "nightly_health", "--input", "tree=shop", "--detach", "--budget",
                                "tool_calls=1", "--on-exhausted", "dead_letter")
        self.assertEqual(begun.code, 0, begun.err)
        task = self.only_task()

        def is_now(state):
            shown = self.run_wrench("task", "show", task, "--json").json()["task"]
            return (shown["state"], shown["wait_reason"]) == state

        self.wait_for(lambda: is_now(("waiting", "budget")))
        self.assertEqual(self.run_wrench("task", "budget", "raise", task, "tool_calls=50").code, 0)
        self.wait_for(lambda: is_now(("completed", None)))
        self.assertIsNone(serving.poll())

    def test_reviews_and_programs(self):
        project = self.git_project()
        done = self.run_wrench("review", project, *self.quick, "--budget", "tool_calls.git=0", "--budget", "cpu_ms=600000")
        self.assertIn(done.code, (0, 1, 8, 10), done.err)
        self.assertEqual(self.budget(self.only_task(), "task", "tool_calls.git")["spent"], 0)
        self.assertGreater(self.budget(self.only_task(), "task", "cpu_ms")["spent"], 0)

    def test_a_day_of_all_tasks(self):
        self.assertIn("No budget", self.run_wrench("budget", "show").out)
        self.assertEqual(self.run_wrench("budget", "set", "--per", "day", "tool_calls=3", "0.50").code, 0)
        self.assertEqual(self.playbook("--fresh").code, 0)
        self.assert_fails(self.playbook("--fresh"), 1, "the budget of tool_calls has nothing left")
        rows = self.run_wrench("budget", "show", "--json").json()["data"]
        self.assertEqual([(row["dimension"], row["limit"]) for row in rows if row["scope"] == "day"],
                         [("cost_nano_usd", 500000000), ("tool_calls", 3)])
        self.assertEqual([row["spent"] for row in rows if row["scope"].startswith("day 2") and row["dimension"] == "tool_calls"], [3])
        self.assertIn("3 of 3 spent", self.run_wrench("budget", "show").out)

    def test_bad_budgets(self):
        for word in ("-1", "1,50", "tokens", "tokens=", "tokens=-1", "tokens=99999999999999999999", "token=1", "é=1"):
            self.assert_fails(self.playbook("--budget=" + word), 2)
        self.assert_fails(self.playbook("--budget", "tokens=1", "--budget", "tokens=2"), 2, "stands there twice")
        self.assertEqual(self.playbook("--budget", "tool_calls=2").code, 0)
        task = self.only_task()
        self.assert_fails(self.run_wrench("task", "budget", "raise", task, "tokens=1"), 2, "no limit of tokens to raise")
        self.assert_fails(self.run_wrench("task", "budget", "raise", task, "tool_calls=0", "--step", "1"), 2)
        self.assert_fails(self.run_wrench("budget", "set", "--per", "day", "depth=1"), 2, "depth")

    def test_of_a_playbook(self):
        self.write("two.yaml", TWO + "budget: {tool_calls: 1}\n")
        self.assert_fails(self.playbook(), 1, "the budget of tool_calls has nothing left")
        self.assertEqual(self.playbook("--budget", "tool_calls=2").code, 0)
        self.write("two.yaml", TWO.replace("operation: work}", "operation: work, budget: {tool_calls: 0}}", 1))
        self.assert_fails(self.playbook("--fresh"), 1, "the budget of tool_calls has nothing left")
        self.write("two.yaml", "budget: {tokns: 1}\n" + TWO)
        done = self.run_wrench("playbook", "check", "two.yaml")
        self.assertEqual(done.code, 2)
        self.assertIn("two.yaml:1:17: there is no dimension 'tokns'; did you mean 'tokens'?", done.out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
