#!/usr/bin/env python3
"""wrench task create: from a goal in words to a task, and what others wait for.

    tests/cli/create_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import subprocess
import sys
import unittest

from harness import CliTest, default_signals

FAILS = """\
name: Fails
inputs: {tree: {type: any}}
steps:
  - {step_id: a, agent: code_analysis, operation: analyze, parameters: {tree: {$from: tree}}, retry: 1}
"""


class Goals(CliTest):
    def setUp(self):
        super().setUp()
        self.project()
        self.write("shop/keys.py", 'AWS_KEY = "AKIA' + "Z7QJ4LKMNBVCXRTW" + '"\nPASSWORD = "hunter2-' + "Xk93kdLqPz81" + '"\n')

    def create(self, goal, *words, **options):
        return self.run_wrench("task", "create", goal, *words, **options)

    def made(self, goal, *words):
        done = self.create(goal, *words, "--json")
        self.assertEqual(done.code, 0, done.err)
        return done.json()

    def state(self, task):
        return self.run_wrench("task", "show", task, "--json").json()["task"]["state"]

    def serve(self):
        server = subprocess.Popen([self.wrench, "serve", "--no-backups"], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=default_signals)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        return server

    def test_a_goal_is_planned_and_carried_out(self):
        done = self.create("find secrets", "--input", "tree=shop", "--wait", "--json")
        self.assertEqual(done.code, 0, done.err)
        task = done.json()["run"]["task_id"]
        steps = self.run_wrench("task", "steps", task, "--json").json()["data"]
        self.assertEqual([step["capability"] for step in steps], ["infosec.scan_secrets@1"], "and nothing else")
        report = self.run_wrench("task", "report", task, "--json").json()
        self.assertEqual({os.path.basename(finding["path"]) for finding in report["findings"]}, {"keys.py"})
        self.assertIn("keys.py", self.run_wrench("task", "report", task).out)
        shown = self.run_wrench("task", "show", task, "--json").json()["task"]
        self.assertEqual((shown["title"], shown["kind"]), ("find secrets", "goal"))

    def test_a_goal_can_come_to_a_review(self):
        done = self.create("review everything", "--input", "tree=shop", "--here", "--fail-on", "none")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("No gate", done.out)
        task = self.run_wrench("task", "list", "--json").json()["data"][0]
        self.assertEqual((task["kind"], task["title"]), ("review", "review everything"))
        self.assertEqual(self.create("whatever", "--kind", "review", "--input", "tree=shop", "--here").code, 1, "the gate's")

    def test_what_would_be_done_is_explained(self):
        told = self.create("Audit the security!", "--input", "tree=shop", "--dry-run")
        self.assertEqual(told.code, 0, told.err)
        for part in ("understood as  Assess the security findings  (audit, security)", "infosec.scan_code",
                     "code_analysis.analyze", "Nothing was created"):
            self.assertIn(part, told.out)
        plan = self.create("find secrets and bugs", "--input", "tree=shop", "--dry-run", "--json").json()
        self.assertEqual(plan["schema"], "wrench.task_preview/1")
        self.assertEqual({node["capability"].split("@")[0] for node in plan["plan"]["nodes"]},
                         {"infosec.scan_secrets", "code_analysis.analyze"})
        self.assertEqual({reading["what"] for reading in plan["why"]["readings"]},
                         {"infosec.scan_secrets", "code_analysis.analyze"})
        named = self.create("whatever", "--requirement", "infosec.scan_secrets", "--dry-run", "--json").json()
        self.assertEqual(len(named["plan"]["nodes"]), 1)
        self.assertEqual(self.run_wrench("task", "list").out, "No tasks yet. Try: wrench review .\n")

    def test_what_cannot_be_planned_is_refused_with_what_can(self):
        self.assert_fails(self.create("fix all bugs"), 2, "agent.no_plan", "without a language model", "wrench review PATH")
        self.assert_fails(self.create("do nothing"), 2, "isn't clear enough", "wrench playbook list")
        self.assert_fails(self.create(""), 2, "agent.bad_goal")
        self.assert_fails(self.create("explain the history", "--input", "tree=shop"), 2, "git.commits")
        self.assert_fails(self.create("find bugs", "--input", "tree=nowhere"), 3, "nowhere")
        self.assert_fails(self.create("find bugs", "--input", "depth=3"), 2, "tree=PATH")
        self.assert_fails(self.create("x", "--requirement", "infosec.scan_secretz"), 5, "did you mean infosec.scan_secrets?")
        self.assert_fails(self.create("x", "--requirement", "journey.changes"), 2, "single questions")
        self.assert_fails(self.create("find bugs", "--deadline", "tomorrow"), 2, "tomorrow")
        self.assert_fails(self.create("find bugs", "--deadline", "2020-01-01T00:00:00Z"), 2, "has passed")
        self.assert_fails(self.create("find bugs", "--depends-on", "NOSUCH"), 5, "NOSUCH")
        self.assert_fails(self.create("find bugs", "--playbook", "secrets_sweep", "--kind", "review"), 2, "is a plan")
        self.assertEqual(self.run_wrench("task", "list").out, "No tasks yet. Try: wrench review .\n")

    def test_a_draft_is_run_when_somebody_says_so(self):
        made = self.made("find secrets", "--input", "tree=shop", "--draft")
        task = made["task_id"]
        self.assertEqual(made["state"], "draft")
        pending = self.run_wrench("task", "list", "--status", "pending")
        self.assertIn("pending, draft", pending.out)
        self.assert_fails(self.run_wrench("task", "resume", task), 6, "is a draft", "wrench task run")
        self.assert_fails(self.run_wrench("task", "rerun", task), 6, "only an ended task")
        self.assert_fails(self.create("find secrets", "--draft", "--wait"), 2, "wrench task run ID --wait")
        self.assertEqual(self.run_wrench("task", "wait", task).code, 7)
        keyed = ("find secrets", "--input", "tree=shop", "--idempotency-key", "once")
        self.made(*keyed, "--draft")
        self.assert_fails(self.create(*keyed, "--wait"), 6, "is a draft", "wrench task run")
        self.assertEqual(self.state(task), "draft")
        done = self.run_wrench("task", "run", task[-6:], "--wait", "--fail-on", "none")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("keys.py", done.out)
        self.assert_fails(self.run_wrench("task", "run", task), 6, "only a draft")
        again = self.run_wrench("task", "rerun", task, "--json")
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual([one["state"] for one in again.json()["data"]], ["completed"])
        other = self.made("find secrets", "--input", "tree=shop", "--draft")["task_id"]
        done = self.run_wrench("task", "run", other)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("nobody serves", done.err)
        self.assertEqual(self.state(other), "queued")
        self.serve()
        self.wait_for(lambda: self.state(other) == "completed")

    def test_a_task_that_is_queued_for_too_long_expires(self):
        task = self.made("find secrets", "--input", "tree=shop", "--expires", "1ms")["task_id"]
        self.assertEqual(self.run_wrench("task", "resume", task).code, 1)
        self.assertEqual(self.state(task), "expired")
        self.assertIn("failed, expired", self.run_wrench("task", "list", "--status", "failed").out)
        waited = self.run_wrench("task", "wait", task)
        self.assertEqual(waited.code, 1)
        self.assertIn("expired", waited.out)
        self.assertEqual(self.run_wrench("task", "rerun", task).code, 0)
        for when, part in (("soon", "a duration (36h)"), ("2020-01-01T00:00:00Z", "has passed"), ("367d", "at most"),
                           ("0s", "a duration (36h)")):
            self.assert_fails(self.create("find secrets", "--expires", when), 2, part)

    def test_the_stages_of_planning_are_shown(self):
        told = self.create("find secrets", "--input", "tree=shop", "--dry-run", "--explain")
        self.assertEqual(told.code, 0, told.err)
        for part in ("1 intents", "infosec.scan_secrets  (find, secrets)", "2 facts", "3 selection", "not inspector.inspect",
                     "4 shape", "5 estimate", "6 plan", "sha256 ", "Nothing was created"):
            self.assertIn(part, told.out)
        stages = self.create("find secrets", "--input", "tree=shop", "--dry-run", "--explain", "--json").json()["stages"]
        self.assertEqual(list(stages), ["intents", "facts", "selection", "shape", "estimate", "plan"])
        self.assertEqual(stages["intents"][0]["what"], "infosec.scan_secrets")
        self.assertGreater(stages["intents"][0]["score"], 0.35)
        self.assertEqual(stages["plan"]["nodes"], 1)
        self.assertEqual(stages["estimate"]["total_ms"], stages["estimate"]["steps_ms"]["s1"])
        self.assert_fails(self.create("find secrets", "--explain"), 2, "--dry-run")
        self.assert_fails(self.create("x", "--playbook", "secrets_sweep", "--dry-run", "--explain"), 2, "is a plan")

    def test_a_process_that_serves_runs_it(self):
        done = self.create("find secrets", "--input", "tree=shop", "--priority", "high")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("no server runs here", done.err)
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        self.assertEqual(self.state(task), "queued")
        self.serve()
        self.wait_for(lambda: self.state(task) == "completed")
        self.wait_for(lambda: self.made("find secrets", "--input", "tree=shop")["served"])
        done = self.create("find secrets", "--input", "tree=shop", "--wait")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("keys.py", done.out)

    def test_a_key_names_one_request(self):
        first = self.made("find secrets", "--input", "tree=shop", "--idempotency-key", "nightly")
        again = self.made("find secrets", "--input", "tree=shop", "--idempotency-key", "nightly")
        self.assertEqual((first["existed"], again["existed"], again["task_id"]), (False, True, first["task_id"]))
        self.assert_fails(self.create("find bugs", "--input", "tree=shop", "--idempotency-key", "nightly"), 6, "nightly")
        done = self.create("find secrets", "--input", "tree=shop", "--idempotency-key", "nightly", "--here")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("it is there already", done.err)
        self.assertEqual(self.state(first["task_id"]), "completed")

    def test_tasks_wait_for_others(self):
        self.write("fails.yaml", FAILS)
        self.assertEqual(self.run_wrench("playbook", "run", "fails.yaml", "--input", 'tree={"root": "/"}').code, 1)
        failed = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        after = self.made("find secrets", "--input", "tree=shop", "--depends-on", failed)["task_id"]
        either = self.made("find secrets", "--input", "tree=shop", "--depends-on", failed[-6:] + ":ignore")["task_id"]
        self.assert_fails(self.create("find bugs", "--depends-on", failed + ":maybe"), 2, "ID:skip")
        self.assertEqual(self.run_wrench("task", "resume", either).code, 0)
        self.assertEqual(self.state(either), "completed")
        self.assertEqual(self.state(after), "queued")
        self.assert_fails(self.run_wrench("task", "resume", after), 6, "workflow.blocked", failed, "failed", "wrench task retry")
        self.assertEqual(self.state(after), "queued")
        self.assert_fails(self.run_wrench("task", "delete", failed), 6, "workflow.has_dependents", after, "--yes")
        would = self.run_wrench("task", "delete", failed, "--dry-run", "--json").json()
        self.assertEqual(would["data"][0]["cancels"], [after])
        done = self.run_wrench("task", "delete", failed, "--yes")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("1 task that waits for it cancelled", done.out)
        self.assertEqual(self.state(after), "cancelled")
        self.assertEqual(self.run_wrench("store", "check").code, 0)

    def test_what_nobody_will_begin_is_said(self):
        first = self.made("find secrets", "--input", "tree=shop")["task_id"]
        made = self.create("find secrets", "--input", "tree=shop", "--depends-on", first, "--idempotency-key", "second")
        self.assertEqual(made.code, 0, made.err)
        self.assertIn(f"it begins when {first[-6:]} has completed, which is queued: no server runs here", made.err)
        self.assertIn("wrench serve", made.err)
        second = next(t["task_id"] for t in self.run_wrench("task", "list", "--json").json()["data"] if t["blocked"])
        for words in (["task", "wait", second], ["task", "watch", second]):
            done = self.run_wrench(*words)
            self.assertEqual(done.code, 7, done.out + done.err)
            self.assertIn(first[-6:], done.err)
            self.assertIn("wrench task resume " + first[-6:], done.err)
        done = self.run_wrench("task", "wait", first)
        self.assertEqual(done.code, 7)
        self.assertIn("no server runs here: wrench serve, or wrench task resume " + first[-6:], done.err)
        waited = self.create("find secrets", "--input", "tree=shop", "--depends-on", first, "--wait")
        self.assert_fails(waited, 7, "which is queued", "wrench task resume " + first[-6:])

        told = self.run_wrench("task", "resume")
        self.assertEqual(told.code, 0, told.err)
        self.assertIn("nothing was interrupted; 1 task is queued, and no server runs here", told.err)
        self.assertIn("wrench task resume " + first[-6:], told.err)

        shown = self.run_wrench("task", "show", second)
        self.assertIn(f"after    {first[-6:]}  queued  find secrets", shown.out)
        self.assertIn("Hasn't begun: it begins when", shown.out)
        self.assertIn("pending, blocked", self.run_wrench("task", "list").out)
        top = self.run_wrench("top", "--once", "--json").json()
        self.assertIn((second, first, "queued"), [(b["task_id"], b["after"], b["after_state"]) for b in top["blocked"]])
        depends = self.run_wrench("task", "show", second, "--json").json()["task"]["depends_on"]
        self.assertEqual([(d["task_id"], d["state"], d["policy"], d["blocks"]) for d in depends], [(first, "queued", "block", True)])

        self.assertEqual(self.run_wrench("task", "cancel", first).code, 0)
        for words in (["task", "wait", second], ["task", "watch", second]):
            done = self.run_wrench(*words)
            self.assertEqual(done.code, 7, done.out + done.err)
            self.assertIn("which is cancelled: wrench task retry " + first[-6:], done.err)
        late = self.create("find secrets", "--input", "tree=shop", "--depends-on", first)
        self.assertIn("which is cancelled: wrench task retry " + first[-6:], late.err)
        vain = self.create("find secrets", "--input", "tree=shop", "--depends-on", first + ":skip")
        self.assertIn("it was cancelled at once", vain.err)

        self.assertEqual(self.run_wrench("task", "retry", first).code, 0)
        self.run_wrench("task", "resume", second)  # Whoever ended the first may have begun it, and ended it as well.
        self.assertEqual(self.state(second), "completed")
        self.assertEqual(self.run_wrench("store", "check").code, 0)

    def test_a_queued_task_can_be_paused(self):
        task = self.made("find secrets", "--input", "tree=shop")["task_id"]
        paused = self.run_wrench("task", "pause", task)
        self.assertEqual(paused.code, 0, paused.err)
        self.assertEqual(self.state(task), "paused")
        self.assertIn("in_progress, paused", self.run_wrench("task", "list").out)
        self.serve()
        done = self.run_wrench("task", "wait", task)
        self.assertEqual(done.code, 7)
        self.assertIn("it is paused: wrench task resume", done.err)
        self.assertEqual(self.state(task), "paused", "though somebody serves")
        self.assertEqual(self.run_wrench("task", "resume", task).code, 0)
        self.assertEqual(self.run_wrench("task", "wait", task).code, 0)
        self.assertEqual(self.state(task), "completed")

    def test_a_playbook_says_what_to_do(self):
        done = self.create("sweep before the release", "--playbook", "secrets_sweep", "--input", "tree=shop", "--here", "--json")
        self.assertIn(done.code, (0, 1), done.err)
        self.assertEqual(done.json()["playbook"], "secrets_sweep")
        task = self.run_wrench("task", "list", "--json").json()["data"][0]
        self.assertEqual(task["title"], "sweep before the release")
        told = self.create("sweep", "--playbook", "secrets_sweep", "--input", "tree=shop", "--dry-run")
        self.assertIn("wrench playbook run secrets_sweep --dry-run", told.out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
