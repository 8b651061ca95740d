#!/usr/bin/env python3
"""wrench playbook: what comes with the program works, and bad playbooks get places, not stack traces.

    tests/cli/playbook_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import re
import subprocess
import sys
import unittest

from harness import CliTest

BAD = """\
name: bad
steps:
  - {step_id: scan, agent: CodeAnalisisAgent, operation: analyze}
  - {step_id: audit, agent: infosec, operation: scan_cod, next: scan}
  - step_id: loop
    type: self_feedback_loop
    agent: inspector
    operation: inspect
    iterations: 1000000000
    exit_condition: __import__('os').system('true')
"""


class PlaybookFiles(CliTest):
    def playbook(self, *words, **options):
        return self.run_wrench("playbook", *words, **options)

    def test_every_problem_has_its_place(self):
        self.write("bad.yaml", BAD)
        done = self.playbook("check", "bad.yaml")
        self.assertEqual(done.code, 2, done.err)
        lines = done.out.splitlines()
        self.assertTrue(all(re.match(r"bad\.yaml:\d+:\d+: ", line) for line in lines), done.out)
        for part in ("bad.yaml:3:28: there is no agent 'CodeAnalisisAgent'; did you mean 'code_analysis'?",
                     "bad.yaml:4:49: the agent 'infosec' has no operation 'scan_cod'; did you mean 'scan_code'?",
                     "bad.yaml:4:65: 'next' leads back to 'scan'",
                     "bad.yaml:9:17: 'iterations' must be a whole number from 1 to 1000",
                     "there is no function '__import__'"):
            self.assertIn(part, done.out)
        machine = self.playbook("check", "bad.yaml", "--json").json()
        self.assertEqual(machine["schema"], "wrench.playbook_check/1")
        self.assertEqual(len(machine["data"][0]["problems"]), len(lines))
        for command in ("show", "graph"):
            self.assert_fails(self.playbook(command, "bad.yaml"), 2, "bad.yaml:3:28")

    def test_several_at_once(self):
        self.write("bad.yaml", BAD)
        self.write("good.yaml", "steps: [{step_id: a, wait: {on: until, after: 1s}}]\n")
        done = self.playbook("check", "good.yaml", "bad.yaml")
        self.assertEqual(done.code, 2)
        self.assertIn("good.yaml: 1 step, 1 node", done.out)
        self.assertEqual(self.playbook("check", "good.yaml").code, 0)

    def test_no_such_playbook(self):
        self.assert_fails(self.playbook("show", "securty_audit"), 5, "no playbook and no file", "playbook show security_audit")
        self.assert_fails(self.playbook("check", "nowhere.yaml"), 3, "nowhere.yaml: No such file")
        self.assert_fails(self.playbook("check", "."), 3, ".")

    def test_hostile_files(self):
        wide = "steps: [" + "[]," * 80_000 + "]"
        for name, content, part in (("tab", "steps:\n\t- a\n", ":2:1: a tab"),
                                    ("twice", "name: a\nname: b\n", ":2:1: duplicate key"),
                                    ("bomb", "a: &a [x]\nb: &b [*a, *a]\n", ":1:4: anchors"),
                                    ("big", "#" * (1 << 20), ":1:1: the playbook has 1.0 MiB"),
                                    ("bytes", b"name: \xff\n", ":1:7: a byte that isn't UTF-8"),
                                    ("deep", "[" * 1000, "nested deeper than 32"),
                                    ("wide", wide, "more than 20000"),
                                    ("escape", "\x1b[31m: 1\n", ":1:"),
                                    ("nul", "name: \0\n", ":1:"),
                                    ("nothing", "", ":1:1: ")):
            path = os.path.relpath(self.write(name + ".yaml", content), self.dir)
            done = self.playbook("check", path)
            self.assertEqual(done.code, 2, (name, done.err))
            self.assertIn(part, done.out, name)

    def test_a_bad_playbook_costs_little(self):
        self.write("wide.yaml", "steps: [" + "{a: b}, " * 32_000 + "]")
        script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);" \
                 "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        def peak(name):
            return int(subprocess.run([sys.executable, "-c", script, self.wrench, "playbook", "check", name], cwd=self.dir,
                                      env=self.env(), capture_output=True, check=True, timeout=60).stdout)
        self.write("small.yaml", "name: x\n")
        if "ASAN_OPTIONS" not in os.environ and "TSAN_OPTIONS" not in os.environ:
            self.assertLess(peak("wide.yaml") - peak("small.yaml"), 50 * 1024)

    def test_a_file_that_is_called_like_a_builtin(self):
        self.write("security_audit", "steps: [{step_id: mine, wait: {on: until, after: 1s}}]\n")
        self.assertIn("mine", self.playbook("show", "./security_audit").out)
        self.assertNotIn("mine", self.playbook("show", "security_audit").out)

    def test_names_are_inert(self):
        self.write("odd\x1b[31m.yaml", 'name: "\\e[31mred"\nsteps: [{step_id: a, description: "\\u202eevil\\x07", '
                                       'wait: {on: until, after: 1s}}]\n')
        for command in ("check", "show", "graph"):
            done = self.playbook(command, "odd\x1b[31m.yaml")
            self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.playbook("graph", "odd\x1b[31m.yaml", "-o", "dot").code, 0)


class BuiltinPlaybooks(CliTest):
    def names(self):
        return [entry["name"] for entry in self.run_wrench("playbook", "list", "--json").json()["data"]]

    def test_each_compiles_and_can_be_shown(self):
        for name in self.names():
            for words in (["check"], ["show"], ["show", "--json"], ["graph"], ["graph", "-o", "dot"]):
                done = self.run_wrench("playbook", *words[:1], name, *words[1:])
                self.assertEqual((done.code, done.err), (0, ""), (name, words))

    def test_the_source_compiles_again(self):
        for name in self.names():
            source = self.run_wrench("playbook", "show", name, "--source")
            self.assertEqual(source.code, 0)
            self.write("own.yaml", source.out)
            self.assertEqual(self.run_wrench("playbook", "check", "own.yaml").code, 0, name)


class PlaybookRuns(CliTest):
    """Real runs: with the agents, or with outputs from a file."""

    MOCK = """\
scanner.list: {files: [a, b, c, d, e]}
scanner.scan: {content: {$expr: "'scanned ' + input.files[0]"}}
writer.draft: {text: first}
writer.revise: {text: {$expr: "input.work.text + '+'"}}
editor.review: [{accepted: false}, {accepted: false}, {accepted: true}]
tester.unit: [{unit_passed: false}, {unit_passed: false}, {unit_passed: true}]
tester.fix: {changed: true}
tester.integration: {integration_passed: false}
ops.prepare: {needs_ci: true, needs_domain: false}
ops.ci: {ci: done}
ops.domain: {domain: done}
ops.boom: {$fail: it broke}
"""
    ALL_TYPES = """\
name: All types
steps:
  - {step_id: list, agent: scanner, operation: list}
  - step_id: scan
    type: work_in_parallel
    agents: [scanner:scan, scanner:scan]
    input_distribution: {type: split, field: list.files}
    output_aggregation: {type: merge, strategy: combine_content}
  - step_id: each
    type: work_in_parallel
    for_each: list.files
    as: f
    agents: [{agent: scanner, operation: scan, parameters: {files: [{$from: f}]}}]
    output_aggregation: {type: filter, condition: item.content != 'scanned c'}
  - step_id: document
    type: partner_feedback_loop
    agents: {creator: WriterAgent, reviewer: EditorAgent}
    operations: [{role: creator, name: draft, once: true}, {role: reviewer, name: review}, {role: creator, name: revise}]
    iterations: 5
  - step_id: poll
    type: self_feedback_loop
    agent: ops
    operation: ci
    pause: 20ms
    iterations: 3
  - step_id: stuck
    type: self_feedback_loop
    agent: ops
    operation: ci
  - step_id: test
    type: process
    agent: tester
    process:
      - {operation: unit, condition: unit_passed, failure_action: log_and_fix}
      - {operation: integration, condition: integration_passed, failure_action: goto:deploy}
      - {operation: unit}
  - {step_id: passed_by, agent: ops, operation: domain}
  - step_id: deploy
    type: handoff
    agent: ops
    operation: prepare
    handoff_conditions:
      - {condition: needs_ci, agent: ops, operation: ci}
      - {condition: needs_domain, agent: ops, operation: domain}
    completion_action: merge_results
  - step_id: contest
    type: versus
    agents: [ops:ci, ops:domain, ops:boom]
    winner_selection: first_valid
    schema: {type: object, required: [domain]}
  - {step_id: hopeless, agent: ops, operation: boom, failure_action: continue}
output:
  content: {$from: scan.content}
  each: {$expr: size(each.items)}
  document: [{$from: document.result.work.text}, {$from: document.iterations}, {$from: document.ended_by}]
  poll: [{$from: poll.iterations}, {$from: poll.ended_by}]
  stuck: [{$from: stuck.iterations}, {$from: stuck.ended_by}]
  test: [{$from: test.passed}, {$from: test.goto}]
  passed_by: {$from: steps.passed_by.state}
  deploy: {$from: deploy}
  contest: [{$from: contest.winner}, {$from: contest.losers}]
  hopeless: {$from: steps.hopeless.error.message}
"""

    def run_playbook(self, *words, **options):
        return self.run_wrench("playbook", "run", *words, **options)

    def test_all_types_run(self):
        self.write("mock.yaml", self.MOCK)
        self.write("all.yaml", self.ALL_TYPES)
        done = self.run_playbook("all.yaml", "--mock", "mock.yaml", "--json")
        self.assertEqual(done.code, 0, done.err)
        result = done.json()
        self.assertEqual(result["output"], {
            "content": "scanned a\n\nscanned d",
            "each": 4,
            "document": ["first++", 3, "condition"],
            "poll": [3, "iterations"],
            "stuck": [2, "no_progress"],
            "test": [{"unit": True, "integration": False}, "deploy"],
            "passed_by": "skipped",
            "deploy": {"needs_ci": True, "needs_domain": False, "ci": "done"},
            "contest": ["ops 2", ["ops"]],
            "hopeless": "it broke"})
        self.assertEqual(result["passed_over"], ["contest__ops_3", "hopeless"])
        text = self.run_playbook("all.yaml", "--mock", "mock.yaml", "--max-parallel", "1")
        self.assertRegex(text.out, r"(?m)^hopeless +it broke$")

    def answer_a_question(self):
        """Of the task that waits: wrong answers first, then the right one, then the task goes on."""
        listed = self.run_wrench("approval", "list", "--json").json()
        (wait,) = listed["data"]
        self.assertEqual((wait["kind"], listed["next_cursor"]), ("input", None))
        self.assertIn(wait["wait_id"][-6:], self.run_wrench("approval", "list").out)
        self.assertIn("ops.boom", self.run_wrench("approval", "show", wait["wait_id"]).out)
        self.assertIn("wrench approval list", self.run_wrench("task", "show", wait["task_id"]).out)
        self.assert_fails(self.run_wrench("approval", "approve", wait["wait_id"]), 6, "waits for an answer")
        self.assert_fails(self.run_wrench("approval", "answer", wait["wait_id"]), 2, "needs VALUE")
        self.assert_fails(self.run_wrench("approval", "answer", "nothing", "1"), 5, "nothing waits")
        self.assert_fails(self.run_wrench("approval", "list", "--cursor", "x"), 2, "no cursor")
        done = self.run_wrench("approval", "answer", wait["wait_id"], '{"done": true}')
        self.assertEqual((done.code, "wrench task resume" in done.out), (0, True), done.err)
        self.assert_fails(self.run_wrench("approval", "answer", wait["wait_id"], "2"), 6, "decided before")
        self.assertEqual(self.run_wrench("task", "resume", wait["task_id"]).code, 0)
        self.assertIn("Nothing waits", self.run_wrench("approval", "list").out)
        self.assert_fails(self.run_wrench("task", "signal", wait["task_id"], "go"), 6, "has ended")

    def test_what_a_bad_run_says(self):
        self.write("mock.yaml", self.MOCK)
        self.write("fails.yaml", "steps: [{step_id: a, agent: ops, operation: boom}]\n")
        self.assert_fails(self.run_playbook("fails.yaml", "--mock", "mock.yaml"), 1, "it broke")
        self.assert_fails(self.run_playbook("fails.yaml"), 2, "there is no agent 'ops'")
        self.write("person.yaml", "steps: [{step_id: a, agent: ops, operation: boom}]\n")
        self.assert_fails(self.run_playbook("person.yaml", "--on-missing", "manual"), 7, "waits for a person", "wrench approval list")
        self.answer_a_question()
        self.write("no.yaml", "steps: [{step_id: a, agent: ops, operation: ci}]\noutput: {passed: {$expr: ci == 'broken'}, ci: {$from: a.ci}}\n")
        done = self.run_playbook("no.yaml", "--mock", "mock.yaml")
        self.assertEqual((done.code, "not passed" in done.out), (1, True), done.err)
        self.write("broken.yaml", "ops.ci: {effect: terrible, outputs: [1]}\n")
        self.assert_fails(self.run_playbook("no.yaml", "--mock", "broken.yaml"), 2, "broken.yaml:1:18", "effect is pure")

    def test_inputs(self):
        self.write("in.yaml", "inputs: {n: {type: integer, default: 1}, list: list, tree: {type: tree, default: .}}\n"
                              "steps: [{step_id: a, wait: {on: until, after: 1ms}}]\n"
                              "output: {n: {$from: inputs.n}, list: {$from: inputs.list}, root: {$from: inputs.tree.root}}\n")
        done = self.run_playbook("in.yaml", "--input", "list=a, b", "--input", "n=7", "--json")
        self.assertEqual(done.json()["output"], {"n": 7, "list": ["a", "b"], "root": os.path.realpath(self.dir)}, done.err)
        self.write("list.json", "[1, 2]")
        self.assertEqual(self.run_playbook("in.yaml", "--input", "list=@list.json", "--json").json()["output"]["list"], [1, 2])
        for words, part in ((["--input", "n=7"], "'list' (list) is missing"), (["--input", "list=a", "--input", "n=x"], "is no integer"),
                            (["--input", "list=a", "--input", "m=1"], "no input 'm'"), (["--input", "list"], "NAME=VALUE")):
            self.assert_fails(self.run_playbook("in.yaml", *words), 2, part)
        dry = self.run_playbook("in.yaml", "--input", "list=a", "--dry-run")
        self.assertIn("Nothing was run", dry.out)
        self.assertEqual(self.run_wrench("task", "list").out.count("playbook"), 2)

    def test_each_builtin_says_something(self):
        self.git_project("shop")
        self.write("shop/b.py", "import subprocess\n\n\ndef g(x):\n    subprocess.run('ls ' + x, shell=True)\n")
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "More")
        names = [n for n in BuiltinPlaybooks.names(self) if "/" not in n]
        self.assertGreaterEqual(len(names), 8)
        for name in names:
            words = ["--input", "tree=shop"] + (["--input", "since=HEAD~1"] if name == "pull_request_review" else [])
            done = self.run_playbook(name, *words)
            self.assertIn(done.code, (0, 1), (name, done.err))
            self.assertGreater(len(done.out.splitlines()), 4, name)
            machine = self.run_playbook(name, *words, "--json")
            self.assertEqual(machine.json()["status"], "completed", name)
            self.assertEqual(machine.json()["passed_over"], [], name)
        review = self.run_playbook("pull_request_review", "--input", "tree=shop", "--input", "since=HEAD~1", "--json").json()
        self.assertEqual(review["output"]["change"]["files"], 1)
        self.assertEqual(review["output"]["new_findings"]["high"], 1)
        self.assertFalse(review["output"]["passed"])
        task = review["run"]["task_id"]
        sarif = self.run_wrench("task", "report", task, "--format", "sarif", "--fail-on", "none").json()
        self.assertEqual(len(sarif["runs"][0]["results"]), 1)
        self.assertIn("Pull request review", self.run_wrench("task", "report", task).out)

    def test_the_ten_shapes(self):
        """Each with what shows its shape, on a repository with an insecure call and a knot of a function."""
        knot = "".join(f"{'    ' * (n + 1)}if x > {n}:\n" for n in range(8)) + "    " * 9 + "return 1\n"
        self.git_project("shop")
        self.write("shop/b.py", "import subprocess\n\n\ndef g(x):\n    subprocess.run('ls ' + x, shell=True)\n\n\ndef knot(x):\n" + knot)
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "More")

        def output(shape, *words):
            done = self.run_playbook("shapes/" + shape, "--input", "tree=shop", "--json", *words)
            self.assertIn(done.code, (0, 1), (shape, done.err))
            self.assertEqual(done.json()["passed_over"], [], shape)
            return done.json()["output"]

        shapes = [n[7:] for n in BuiltinPlaybooks.names(self) if n.startswith("shapes/")]
        self.assertEqual(len(shapes), 10)
        self.assertTrue(output("memory")["first_time"])
        again = output("memory")
        self.assertEqual((again["first_time"], again["change"]["high"]), (False, 0))
        workers = output("manager_workers")
        self.assertEqual((workers["explained"], workers["asked_for"][0]["function"]), (1, "knot"))
        self.assertEqual(workers["explanations"][0]["functions"][0]["name"], "knot")
        self.assertEqual(output("condition_join")["looked_at"], "everything")
        self.assertEqual(output("condition_join", "--input", "large=1")["looked_at"], "the worst")
        self.assertEqual(output("router")["went_to"], "security")
        self.assertIn("report", output("orchestrator_synthesizer"))
        self.assertEqual(output("autonomous_loop"), {"rounds": 2, "ended_by": "no_progress"})
        self.assertGreater(output("parallel_aggregate")["insecure"], 0)
        chain = output("gated_chain", "--input", "quality=100")
        self.assertEqual((chain["passed"], chain["gates"], chain["knots"][0]["function"]),
                         (False, {"analyze": True, "inspect": False, "judge": False}, "knot"))
        self.assertTrue(output("gated_chain", "--input", "quality=0")["passed"])
        judged = output("evaluator_optimizer")
        self.assertEqual((judged["rounds"], judged["ended_by"], judged["verdict"]), (1, "condition", "accept"))
        self.assertEqual(output("repetitive_loop"), {"rounds": 3, "ended_by": "iterations", "new_commits": 0})
        self.assertEqual(output("repetitive_loop", "--input", "since=HEAD~1"), {"rounds": 1, "ended_by": "condition", "new_commits": 1})

    def test_without_version_control(self):
        self.project()
        self.assertEqual(self.run_playbook("nightly_health", "--input", "tree=shop").code, 0)
        done = self.run_playbook("onboarding_report", "--input", "tree=shop")
        self.assert_fails(done, 1, "git")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
