#!/usr/bin/env python3
"""wrench scan --fix and --fix-dry-run.

    tests/cli/fix_test.py PATH_OF_WRENCH [TEST...]
"""
import json
import os
import subprocess
import sys
import unittest

from harness import CliTest

RULES = """\
rules:
  - {id: bad, languages: [python], severity: ERROR, message: m, pattern: bad($X), fix: good($X)}
  - {id: broken, languages: [python], severity: ERROR, message: m, pattern: broken($X), fix: 'good(($X'}
  - {id: maybe, languages: [python], severity: ERROR, message: m, pattern: maybe($X), fix: good($X),
     x-wrench: {fix: look at it, fix_safety: suggest}}
"""
BEFORE = "x = 1\nbad(x)\n"
AFTER = "x = 1\ngood(x)\n"


class Fixes(CliTest):
    def setUp(self):
        super().setUp()
        self.write("fix.yaml", RULES)
        self.write("shop/a.py", BEFORE)

    def scan(self, *words, code=0, **options):
        done = self.run_wrench("scan", "shop", "--no-builtin-rules", "--rules", self.at("fix.yaml"), *words, **options)
        self.assertEqual(done.code, code, done.err)
        return done

    def text(self, path="shop/a.py"):
        with open(self.at(path), encoding="utf-8", newline="") as file:
            return file.read()

    def undo(self):
        folder = self.at("shop/.wrench/undo")
        names = os.listdir(folder)
        self.assertEqual(len(names), 1, names)
        return os.path.join(folder, names[0])

    def test_a_dry_run_prints_a_patch_that_applies(self):
        done = self.scan("--fix-dry-run", code=1)
        self.assertEqual(self.text(), BEFORE)
        self.assertFalse(os.path.exists(self.at("shop/.wrench")))
        self.assertIn("1 fix verified, in 1 file", done.err)
        subprocess.run(["patch", "-p1", "-s"], cwd=self.at("shop"), input=done.out.encode(), check=True)
        self.assertEqual(self.text(), AFTER)

    def test_a_dry_run_in_json_has_changes_and_states(self):
        self.write("shop/b.py", "broken(1)\nmaybe(2)\n")
        report = self.scan("--fix-dry-run", "--json", code=1).json()
        states = {finding["rule"]: finding["fix"] for finding in report["findings"]}
        self.assertEqual(states["bad"]["state"], "verified")
        self.assertEqual(states["broken"]["state"], "rejected")
        self.assertIn("syntax error", states["broken"]["reason"])
        self.assertEqual((states["maybe"]["state"], states["maybe"]["safety"]), ("suggested", "suggest"))
        (change,) = report["changes"]
        self.assertEqual(change["path"], "shop/a.py")
        self.assertIsNone(change["undo"])
        self.assertIn("+good(x)\n", change["diff"])
        self.assertIn("+bad(x)\n", change["inverse"])
        self.assertEqual(self.text(), BEFORE)

    def test_fixes_are_written_and_taken_back(self):
        done = self.scan("--fix")
        self.assertEqual(self.text(), AFTER)
        self.assertIn("1 finding fixed in 1 file", done.err)
        self.assertIn(self.undo(), done.err)
        subprocess.run(["git", "apply", self.undo()], cwd=self.at("shop"), check=True)
        self.assertEqual(self.text(), BEFORE)

    def test_the_exit_code_speaks_of_what_is_left(self):
        self.write("shop/b.py", "broken(1)\n")
        done = self.scan("--fix", code=1)
        self.assertEqual(self.text(), AFTER)
        self.assertIn("shop/b.py:1: fix of [broken] rejected:", done.err)
        self.assertIn("[broken]", done.out)
        self.assertNotIn("[bad]", done.out)
        report = self.scan("--fix", "--json", code=1).json()
        self.assertEqual([finding["fix"]["state"] for finding in report["findings"]], ["rejected"])
        self.assertEqual(report["changes"], [], "nothing is left to change")

    def test_json_of_a_fix_names_the_undo(self):
        (change,) = self.scan("--fix", "--json").json()["changes"]
        self.assertEqual(change["undo"], os.path.realpath(self.undo()))

    def test_with_a_baseline_only_new_findings_are_fixed(self):
        self.scan("--json", "--output", self.at("base.json"), code=1)
        self.write("shop/b.py", BEFORE.replace("x", "y"))
        self.scan("--fix", "--baseline", self.at("base.json"))
        self.assertEqual((self.text(), self.text("shop/b.py")), (BEFORE, AFTER.replace("x", "y")))

    def test_both_flags_are_a_mistake(self):
        done = self.scan("--fix", "--fix-dry-run", code=2)
        self.assertIn("only one of them", done.err)
        self.assertEqual(self.text(), BEFORE)

    def test_a_read_only_folder_is_told_and_left(self):
        os.chmod(self.at("shop"), 0o555)
        self.addCleanup(os.chmod, self.at("shop"), 0o755)
        report = self.scan("--fix", "--json", code=1, **self.as_nobody()).json()
        self.assertEqual([entry["code"] for entry in report["partial"]], ["write_failed"])
        self.assertEqual(self.text(), BEFORE)

    def test_a_file_of_somebody_else_keeps_its_owner_or_is_left(self):
        if os.geteuid() != 0:
            self.skipTest("only root may give a file to somebody else")
        os.chmod(self.at("shop"), 0o777)
        report = self.scan("--fix", "--json", code=1, **self.as_nobody()).json()
        self.assertIn("owner can't be kept", report["partial"][0]["detail"])
        self.assertEqual(self.text(), BEFORE)

    def test_a_patch_on_a_terminal_is_inert(self):
        self.write("shop/a.py", "# \x1b[31m\u202e\nbad(1)\n")
        code, out = self.on_terminal("scan", "shop", "--no-builtin-rules", "--rules", self.at("fix.yaml"), "--fix-dry-run")[:2]
        self.assertIn("+good(1)", out)
        self.assertNotIn("\x1b[31m", out)
        self.assertNotIn("\u202e", out)

    def test_a_clean_tree_has_nothing_to_fix(self):
        self.write("shop/a.py", AFTER)
        done = self.scan("--fix-dry-run")
        self.assertEqual(done.out, "")
        self.assertIn("no fix to apply", done.err)

    def test_sarif_has_the_fix(self):
        (run,) = json.loads(self.scan("--format", "sarif", code=1).out)["runs"]
        (fix,) = run["results"][0]["fixes"]
        self.assertEqual(fix["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "good(x)")

    def test_text_shows_the_change(self):
        self.assertIn("      - bad(x)\n      + good(x)\n", self.scan(code=1).out)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
