#!/usr/bin/env python3
"""Only what is new: against a revision, in the history, while somebody edits.

    tests/cli/only_new_test.py PATH_OF_WRENCH [TEST...]
"""
import json
import os
import random
import signal
import string
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest, default_signals


class OnlyNew(CliTest):
    def setUp(self):
        super().setUp()
        self.git_project()
        self.git("shop", "tag", "first")
        self.write("shop/b.py", "x = 1\neval(x)\n")

    def test_only_what_is_new_is_told_and_counts(self):
        known = self.scan("shop")
        self.assertEqual(known.code, 1, known.err)
        self.assertIn("shop/a.py:2", known.out)
        done = self.scan("shop", "--new-since", "first")
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("shop/b.py:2", done.out)
        self.assertNotIn("shop/a.py", done.out)
        self.assertIn("new since first (", done.out)
        self.assertIn("): 1 known, 0 fixed", done.out)
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "More")
        self.assertEqual(self.scan("shop", "--new-since", "HEAD").code, 0)
        self.assertEqual(self.scan("shop/b.py", "--new-since=first").code, 1)

    def test_all_formats(self):
        report = self.scan("shop", "--new-since", "first", "--json").json()
        self.assertEqual([f["path"] for f in report["findings"]], ["shop/b.py"])
        since = report["summary"]["since"]
        self.assertEqual((since["revision"], since["matched"], since["fixed"]), ("first", 1, 0))
        sarif = self.scan("shop", "--new-since", "first", "--format", "sarif").json()
        results = sarif["runs"][0]["results"]
        self.assertEqual([r["baselineState"] for r in results], ["new"])
        for form in ("semgrep-json", "junit", "markdown", "html"):
            out = self.scan("shop", "--new-since", "first", "--format", form).out
            self.assertIn("b.py", out, form)

    def test_a_review_of_what_is_new(self):
        report = self.review("shop", "--new-since", "first", "--json").json()
        self.assertEqual([f["path"] for f in report["findings"]], ["shop/b.py"])
        since = report["summary"]["since"]
        self.assertEqual((since["revision"], since["matched"], since["fixed"]), ("first", 1, 0))
        told = self.review("shop", "--new-since", "first")
        self.assertEqual(told.code, 1, told.err)
        self.assertIn("new since first (1 known, 0 fixed)", told.out)
        self.assertNotIn("a.py:2", told.out)
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "More")
        self.assertEqual(self.review("shop", "--new-since", "HEAD").code, 0)
        # What the name means is settled when the review begins.
        self.git("shop", "tag", "-f", "first")
        self.assertEqual(self.review("shop", "--new-since", "first").code, 0)
        self.assert_fails(self.review("shop", "--new-since", "nowhere"), 3, "--new-since", "no commit named 'nowhere'")
        self.assertEqual([task["state"] for task in self.run_wrench("task", "list", "--json").json()["data"]], ["completed"] * 4)

    def test_a_review_of_the_history(self):
        token = "ghp_" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=36))
        self.write("shop/key.txt", "token = " + token + "\n")
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "Key")
        self.git("shop", "rm", "-q", "key.txt")
        self.git("shop", "commit", "-q", "-m", "No key")
        words = ["--format", "json", "--fail-on", "none"]
        # The secrets' rules are needed: the harness has its own only.
        there = self.run_wrench("review", "shop", "--history", *words).json()
        self.assertEqual([f["historic"]["path"] for f in there["findings"] if f["historic"]], ["key.txt"])
        self.assertEqual(there["partial"], [])
        self.assertNotIn(token, json.dumps(there))
        plain = self.run_wrench("review", "shop", *words).json()
        self.assertEqual([f for f in plain["findings"] if f["historic"]], [])

    def test_with_a_baseline(self):
        self.write("base.json", self.scan("shop/b.py", "--json").out)
        self.write("shop/c.py", "eval(y)\n")
        report = self.scan("shop", "--new-since", "first", "--baseline", "base.json", "--json").json()
        self.assertEqual([f["path"] for f in report["findings"]], ["shop/c.py"])

    def test_bad_revisions(self):
        self.git("shop", "branch", "first")
        for rev, part in (("nowhere", "no commit named 'nowhere'"), ("--upload-pack=touch marker", "no commit named"),
                          ("first", "'first' names more than one thing"), ("\x1b[31m", "no commit named")):
            with self.subTest(rev=rev):
                self.assert_fails(self.scan("shop", "--new-since=" + rev), 3, "--new-since", part)
        self.assertFalse(os.path.exists(self.at("shop/marker")))
        self.assert_fails(self.scan("shop", "--new-since", ""), 2, "--new-since")
        self.project("plain")
        self.assert_fails(self.scan("plain", "--new-since", "HEAD"), 3, "--new-since", "isn't in a git repository")
        self.assert_fails(self.scan("shop", "plain", "--new-since", "refs/tags/first"), 3, "plain isn't in the work tree")
        self.assert_fails(self.scan("nope", "neither", "--new-since", "HEAD"), 3, "nope", "neither")

    def test_without_git(self):
        path = {"PATH": self.at("nothing")}
        self.assert_fails(self.scan("shop", "--new-since", "first", env=self.env(**path)), 3, "git isn't installed")

    def test_the_same_without_a_cache(self):
        with_cache = self.scan("shop", "--new-since", "first", "--json").json()
        without = self.scan("shop", "--new-since", "first", "--json", env=self.env(WRENCH_SCAN_CACHE="off")).json()
        self.assertEqual(with_cache["findings"], without["findings"])


class HistorySecrets(CliTest):
    def test_a_secret_that_was_removed(self):
        self.git_project()
        token = "sk_live_" + "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=24))
        self.write("shop/pay.py", "key = '%s'\n" % token)
        self.git("shop", "add", ".")
        self.git("shop", "commit", "-q", "-m", "Oops")
        os.remove(self.at("shop/pay.py"))
        self.git("shop", "commit", "-q", "-a", "-m", "Remove it")
        self.assertEqual(self.run_wrench("scan", "shop", "--analyses", "secrets").code, 0)
        done = self.run_wrench("scan", "shop", "--analyses", "secrets", "--history", "--json")
        self.assertEqual(done.code, 1, done.err)
        self.assertNotIn(token[8:], done.out)
        finding, = done.json()["findings"]
        self.assertEqual(finding["historic"]["path"], "pay.py")
        self.assertFalse(finding["historic"]["in_head"])
        self.assertEqual(finding["introduced"]["author"], "Ada")
        self.assertTrue(finding["path"].startswith("shop/pay.py@"))
        text = self.run_wrench("scan", "shop", "--analyses", "secrets", "--history")
        self.assertIn("shop/pay.py@", text.out)
        self.assertIn("not from the history", text.out)


class Watching(CliTest):
    def test_until_a_signal(self):
        self.project()
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = subprocess.Popen([self.wrench, "scan", "shop", "--watch", *self.quick], cwd=self.dir, env=self.env(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True, preexec_fn=default_signals)
            self.addCleanup(process.kill)
            lines = iter(process.stdout.readline, "")
            self.assertIn("shop/a.py:2", next(lines))
            next(line for line in lines if line.startswith("1 finding"))
            self.write("shop/b.py", "eval(y)\n")
            self.assertIn("1 new, 0 fixed, 2 in all", next(lines))
            self.assertTrue(next(lines).startswith("shop/b.py:1:1: high [own.eval-call]"))
            os.remove(self.at("shop/b.py"))
            self.assertIn("0 new, 1 fixed, 1 in all", next(lines))
            self.assertTrue(next(lines).startswith("fixed: shop/b.py:1:1: high"))
            process.send_signal(number)
            self.assertEqual(process.wait(TIMEOUT_S), code)
            process.stdout.close()

    def test_flags_that_dont_fit(self):
        self.project()
        for flags in (["--json"], ["--format", "sarif"], ["--output", "x.txt"], ["--history"]):
            self.assert_fails(self.scan("shop", "--watch", *flags), 2, "--watch")
        self.assert_fails(self.scan("nope", "--watch"), 3, "nope")


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
