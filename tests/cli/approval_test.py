#!/usr/bin/env python3
"""wrench approval: people decide, change what they were shown, and hand on.

    tests/cli/approval_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import sys
import unittest

from harness import CliTest

GATE = """\
name: Gate
inputs: {deploy: {type: any}}
steps:
  - step_id: gate
    wait: {on: approval, title: Deploy it?, subject: {$from: deploy}%s}
  - {step_id: rest, wait: {on: until, after: 1ms}}
output: {what: {$from: gate.subject}, by: {$from: gate.by}}
"""


class Approvals(CliTest):
    def waits(self, more="", code=7):
        """A task that waits for an approval; the id of the wait and of the task."""
        self.write("gate.yaml", GATE % more)
        done = self.run_wrench("playbook", "run", "gate.yaml", "--input", 'deploy={"version": "1.2", "hosts": ["a", "b"]}', "--fresh")
        self.assertEqual(done.code, code, done.err)
        (wait,) = self.run_wrench("approval", "list", "--json").json()["data"]
        return wait["wait_id"], wait["task_id"]

    def journal(self, task):
        return self.run_wrench("task", "journal", task, "--json").json()["data"]

    def test_a_rejection_fails_the_task_and_says_who_and_why(self):
        wait, task = self.waits()
        done = self.run_wrench("approval", "reject", wait, "--comment", "not on a Friday", "--json")
        self.assertEqual(done.code, 0, done.err)
        approval = done.json()["approval"]
        self.assertEqual((approval["decision"], approval["decided_by"], approval["comment"]),
                         ("reject", "user", "not on a Friday"))
        self.assert_fails(self.run_wrench("approval", "approve", wait), 6, "decided before")
        resumed = self.run_wrench("task", "resume", task)
        self.assertEqual(resumed.code, 1, resumed.err)
        shown = self.run_wrench("task", "show", task).out
        self.assertIn("not on a Friday", shown)
        self.assertIn("workflow.rejected", shown)
        self.assertRegex(self.run_wrench("task", "journal", task).out, r"(?m)gate +failed: user said no: not on a Friday .*, by user")

    def test_edits_are_checked_and_used(self):
        wait, task = self.waits()
        for edit, place in (('"garbage"', "object"), ('{"hosts": ["a", 7]}', "/hosts/1"), ('{"verison": "1.3"}', "verison"),
                            ('{"version": 1.3}', "/version")):
            self.assert_fails(self.run_wrench("approval", "approve", wait, "--edit", edit), 2, "workflow.answer_invalid", place)
        shown = self.run_wrench("approval", "show", wait, "--json").json()["approval"]
        self.assertIsNone(shown["decision"])
        self.write("edit.json", '{"version": "1.3"}')
        done = self.run_wrench("approval", "approve", wait, "--edit", "@edit.json", "--json")
        self.assertEqual(done.code, 0, done.err)
        approval = done.json()["approval"]
        self.assertEqual((approval["decision"], approval["subject_hash"]), ("approve_with_edits", shown["subject_hash"]))
        self.assertRegex(approval["edited_hash"], "^[0-9a-f]{64}$")
        self.assertNotEqual(approval["edited_hash"], shown["subject_hash"])
        resumed = self.run_wrench("task", "resume", task)
        self.assertEqual(resumed.code, 0, resumed.err)
        self.assertIn("1.3", self.run_wrench("task", "report", task).out)
        completed = next(entry for entry in self.journal(task) if entry["kind"] == "completed")
        self.assertEqual(completed["data"]["subject"], {"version": "1.3", "hosts": ["a", "b"]})
        self.assertEqual((completed["actor"], completed["data"]["subject_hash"]), ("user", approval["edited_hash"]))
        self.assertTrue(all(entry["actor"].startswith("boot_") for entry in self.journal(task) if entry["kind"] == "claim"))
        self.assertRegex(self.run_wrench("task", "journal", task).out, r"(?m)gate +completed, by user")

    def test_the_schema_of_an_approval_counts(self):
        schema = ", schema: {type: object, properties: {version: {type: string, pattern: '^[0-9.]+$'}, hosts: {maxItems: 3}}}"
        wait, _ = self.waits(schema)
        self.assertIn("With edits it must fit:", self.run_wrench("approval", "show", wait).out)
        self.assert_fails(self.run_wrench("approval", "approve", wait, "--edit", '{"version": "next"}'), 2, "/version", "schema")
        self.assertEqual(self.run_wrench("approval", "approve", wait, "--edit", '{"version": "2"}').code, 0)
        self.write("bad.yaml", GATE % ", schema: {typo: 7}")
        self.assert_fails(self.run_wrench("playbook", "run", "bad.yaml", "--input", "deploy=1"), 2, "schema")

    def test_whoever_it_is_handed_on_to_decides(self):
        wait, task = self.waits()
        self.assert_fails(self.run_wrench("approval", "delegate", wait), 2, "name a person")
        done = self.run_wrench("approval", "delegate", wait, "--to", "somebody.else")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("somebody.else", self.run_wrench("approval", "show", wait).out)
        self.assertEqual(self.run_wrench("approval", "delegate", wait, "--to", "ann").code, 0)
        self.assertEqual(self.run_wrench("approval", "approve", wait).code, 0)
        self.assert_fails(self.run_wrench("approval", "delegate", wait, "--to", "x"), 6, "decided before")
        self.assertEqual(self.run_wrench("task", "resume", task).code, 0)
        told = [(entry["actor"], entry["data"]["to"]) for entry in self.journal(task) if entry["kind"] == "delegated"]
        self.assertEqual(told, [("user", "somebody.else"), ("user", "ann")])
        self.assertIn("is handed on: somebody.else, by user", self.run_wrench("task", "journal", task).out)
        self.assertEqual(self.run_wrench("store", "check").code, 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
