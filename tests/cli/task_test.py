#!/usr/bin/env python3
"""wrench task steps, plan and wait.

    tests/cli/task_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import subprocess
import sys
import unittest

from fork_test import LOOK
from harness import CliTest

FAILS = """\
name: Fails
steps:
  - {step_id: pay, agent: shop, operation: pay}
"""
LATER = """\
name: Later
steps:
  - {step_id: later, wait: {on: until, after: 1h}}
"""


class OneTask(CliTest):
    def begin_playbook(self, text, *words):
        self.project()
        self.write("book.yaml", text)
        self.run_wrench("playbook", "run", "book.yaml", "--json", *words)
        return self.newest()

    def newest(self):
        return self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]

    def steps(self, task, *words):
        return self.run_wrench("task", "steps", task, "--json", *words).json()

    def only_history_runs(self):
        steps = self.steps(self.newest())["data"]
        left = {step["capability"].split("@")[0] for step in steps if step["state"] != "completed"}
        return left <= {"journey.mine_history", "journey.track", "super.synthesise"}

    def test_lists_steps(self):
        task = self.begin_playbook(LOOK, "--input", "tree=shop")
        done = self.run_wrench("task", "steps", task)
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, r"(?m)^3  _result +completed$")
        self.assertRegex(done.out, r"(?m)^1  secrets +completed +infosec\.scan_secrets@1$")
        all_of_them = self.steps(task)
        self.assertEqual([step["node"] for step in all_of_them["data"]], ["secrets", "found", "_result"])
        self.assertIsNone(all_of_them["next_cursor"])
        self.assertEqual([step["node"] for step in self.steps(task, "--step", "found")["data"]], ["found"])
        self.assertEqual(self.run_wrench("task", "steps", task, "--state", "failed").out, "No such steps.\n")

    def test_pages_steps(self):
        task = self.begin_playbook(LOOK, "--input", "tree=shop")
        seen, cursor = [], "0"
        while cursor:
            page = self.steps(task, "--limit", "1", "--cursor", cursor)
            self.assertLessEqual(len(page["data"]), 1)
            seen += [step["node"] for step in page["data"]]
            cursor = page["next_cursor"]
        self.assertEqual(seen, ["secrets", "found", "_result"])
        self.assert_fails(self.run_wrench("task", "steps", task, "--cursor", "-1"), 2, "workflow.invalid_cursor")

    def test_shows_what_steps_came_to(self):
        task = self.begin_playbook(LOOK, "--input", "tree=shop")
        found = self.steps(task, "--outputs", "--step", "found")["data"][0]
        self.assertIn("counts", found["output"])
        self.assertIsNone(found["error"])
        self.write("shop.yaml", "shop.pay: {outputs: [{$fail: {code: shop.poor, message: no money}}]}\n")
        task = self.begin_playbook(FAILS, "--mock", "shop.yaml")
        failed = self.steps(task, "--outputs", "--state", "failed")["data"][0]
        self.assertIsNone(failed["output"])
        self.assertEqual(failed["error"]["code"], "shop.poor")
        self.assertIn("shop.poor", self.run_wrench("task", "steps", task, "--outputs").out)

    def test_draws_the_plan(self):
        task = self.begin_playbook(LOOK, "--input", "tree=shop")
        done = self.run_wrench("task", "plan", task)
        self.assertEqual(done.code, 0, done.err)
        self.assertLess(done.out.index("secrets"), done.out.index("found"))
        self.assertTrue(self.run_wrench("task", "plan", task, "-o", "dot").out.startswith("digraph"))
        plan = self.run_wrench("task", "plan", task, "--json").json()
        self.assertEqual([node["id"] for node in plan["plan"]["nodes"]], ["secrets", "found", "_result"])
        self.assertRegex(plan["plan_hash"], "^[0-9a-f]{64}$")

    def test_deletes_what_has_ended(self):
        task, other = self.begin_playbook(LOOK, "--input", "tree=shop"), self.begin_playbook(LOOK, "--input", "tree=shop")
        self.write("waits.yaml", "name: waits\nsteps:\n  - {step_id: ask, wait: {on: approval, title: go on?, role: any}}\n")
        self.assertEqual(self.run_wrench("playbook", "run", "waits.yaml").code, 7)
        waiting = self.newest()
        self.assert_fails(self.run_wrench("task", "delete", task, waiting), 6, "is waiting", "wrench task cancel")
        self.assert_fails(self.run_wrench("task", "delete", task, "XXXXXX"), 5, "workflow.task_not_found")
        self.assertEqual(self.run_wrench("task", "show", task).code, 0, "nothing was done to the first either")
        would = self.run_wrench("task", "delete", task, task[-6:], "--dry-run", "--json").json()
        self.assertEqual([(one["task_id"], one["executions"], one["children"], one["cancels"]) for one in would["data"]],
                         [(task, 1, 0, [])])
        self.assertTrue(would["dry_run"])
        self.assertIn("would be deleted  " + task[-6:], self.run_wrench("task", "delete", task, "--dry-run").out)
        findings = self.run_wrench("finding", "list", "--json").json()["data"]
        done = self.run_wrench("task", "delete", task, "--json")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual((done.json()["schema"], done.json()["complete"]), ("wrench.task_delete/1", True))
        self.assertGreater(done.json()["rows"], 10)
        self.assert_fails(self.run_wrench("task", "show", task), 5, "workflow.task_not_found")
        self.assertEqual(self.run_wrench("task", "report", other).code, 0)
        self.assertEqual(self.run_wrench("finding", "list", "--json").json()["data"], findings)
        self.assertEqual(self.run_wrench("task", "cancel", waiting).code, 0)
        done = self.run_wrench("task", "delete", waiting, other)
        self.assertEqual((done.code, done.out.count("deleted  ")), (0, 2), done.err)
        self.assertEqual(self.run_wrench("task", "list").out, "No tasks yet. Try: wrench review .\n")
        checked = self.run_wrench("store", "check")
        self.assertEqual(checked.code, 0, checked.out + checked.err)

    def test_waits_for_the_end(self):
        task = self.begin_playbook(LOOK, "--input", "tree=shop")
        done = self.run_wrench("task", "wait", task)
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.out, "completed")
        self.write("shop.yaml", "shop.pay: {outputs: [{$fail: {code: shop.poor, message: no money}}]}\n")
        failed = self.begin_playbook(FAILS, "--mock", "shop.yaml")
        done = self.run_wrench("task", "wait", task, failed, "--json")
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual([row["task_id"] for row in done.json()["data"]], [task, failed])
        self.assert_fails(self.run_wrench("task", "wait", "NOSUCH"), 5, "NOSUCH")

    def test_waits_no_longer_than_it_may_or_makes_sense(self):
        self.project()
        self.write("later.yaml", LATER)
        process = subprocess.Popen([self.wrench, "playbook", "run", "later.yaml"], cwd=self.dir, env=self.env(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_for(lambda: self.run_wrench("task", "list", "--json").json()["data"])
        task = self.newest()
        self.assert_fails(self.run_wrench("task", "wait", task, "--timeout", "300ms"), 8, "goes on")
        process.kill()
        process.wait()
        done = self.run_wrench("task", "wait", task)
        self.assertEqual(done.code, 7, done.err)
        self.assertIn("wrench task resume", done.err)

    def test_a_review_says_which_steps_it_lost(self):
        """Three deaths in one step make it poison; the review goes on without it."""
        self.git_project()
        for words in [("review", "shop")] + 2 * [("task", "resume")]:
            process = self.begin(*words, *((self.newest(),) if words[0] == "task" else ()))
            self.wait_for(self.only_history_runs)
            process.kill()
            process.communicate()
        task = self.newest()
        done = self.run_wrench("task", "resume", task, "--fail-on", "critical")
        self.assertEqual(done.code, 10, done.err)
        self.assertRegex(done.out, r"step_failed +journey\.mine_history +workflow\.poison: ")
        report = self.run_wrench("task", "report", task, "--json").json()
        self.assertIn(("step_failed", "journey.mine_history"), [(p["code"], p["subject"]) for p in report["partial"]])
        allowed = self.run_wrench("task", "report", task, "--fail-on", "critical", "--allow-partial")
        self.assertEqual(allowed.code, 0, allowed.err)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
