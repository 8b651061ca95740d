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
            mode = ["--on-missing", "manual"] if name.startswith("shapes/") else []
            for words in (["check"], ["show"], ["show", "--json"], ["graph"], ["graph", "-o", "dot"]):
                done = self.run_wrench("playbook", *words[:1], name, *words[1:], *mode)
                self.assertEqual((done.code, done.err), (0, ""), (name, words))

    def test_the_source_compiles_again(self):
        for name in self.names():
            source = self.run_wrench("playbook", "show", name, "--source")
            self.assertEqual(source.code, 0)
            self.write("own.yaml", source.out)
            self.assertEqual(self.run_wrench("playbook", "check", "own.yaml", "--on-missing", "manual").code, 0, name)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
