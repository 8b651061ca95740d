#!/usr/bin/env python3
"""What people decide about findings, and what reviews make of it."""
import contextlib
import os
import re
import sqlite3
import sys
import unittest
from datetime import datetime, timedelta, timezone

from harness import CliTest

def day(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y-%m-%d")


def knot(depth):
    """A function whose measures grow with `depth`."""
    lines = ["def knot(a):"]
    lines += ["    " * (i + 1) + f"if a > {i} and a != {i}0:" for i in range(depth)]
    return "\n".join(lines) + "\n" + "    " * (depth + 1) + "return a\n    return 0\n"


class Triage(CliTest):
    def reviewed(self, *words, code=None):
        done = self.review("shop", "--json", *words)
        if code is not None:
            self.assertEqual(done.code, code, done.err)
        return done.json()

    def shown(self, report):
        return [f for f in report["findings"] if f["suppressed"] is None]

    def the_finding(self, report, rule="own.eval-call"):
        (finding,) = [f for f in report["findings"] if f["rule"] == rule]
        return finding

    def triage(self, finding, *words, code=0):
        done = self.run_wrench("finding", "triage", finding["fingerprint"][-6:], *words)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_a_dismissed_finding_is_not_reported_again(self):
        self.project()
        finding = self.the_finding(self.reviewed(code=1))
        self.triage(finding, "--state", "false_positive", "--reason", "only constants get there")
        report = self.reviewed(code=0)
        again = self.the_finding(report)
        self.assertEqual(again["suppressed"]["kind"], "false_positive")
        self.assertEqual(again["suppressed"]["reason"], "only constants get there")
        self.assertRegex(again["suppressed"]["source"], r"^user:\S+, \d{4}-\d\d-\d\d$")
        self.assertEqual(set(report["summary"]["findings"].values()), {0})
        text = self.review("shop").out
        self.assertIn("1 dismissed as false positive", text)
        self.assertNotIn("only constants", text)
        self.assertIn("--show-dismissed", text)
        text = self.review("shop", "--show-dismissed").out
        self.assertIn("shop/a.py:2", text)
        self.assertIn("only constants get there (dismissed as false positive, user:", " ".join(text.split()))
        sarif = self.review("shop", "--format", "sarif").json()
        (result,) = [r for r in sarif["runs"][0]["results"] if r["ruleId"] == "own.eval-call"]
        self.assertEqual(result["suppressions"], [{"kind": "external", "status": "accepted",
                                                   "justification": "only constants get there"}])
        self.triage(finding, "--undo")
        self.assertIsNone(self.the_finding(self.reviewed(code=1))["suppressed"])

    def test_whichever_part_of_the_project_is_reviewed(self):
        self.git_project()
        self.write("shop/sub/b.py", "eval(y)\n")
        report = self.reviewed()
        (finding,) = [f for f in report["findings"] if f["path"].endswith("sub/b.py")]
        self.triage(finding, "--state", "accepted_risk", "--reason", "a tool of ours")
        sub = self.review("shop/sub", "--json")
        self.assertEqual(sub.code, 0, sub.err)
        self.assertEqual(self.the_finding(sub.json())["suppressed"]["kind"], "accepted_risk")

    def test_code_that_moves_keeps_its_decision(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        self.triage(finding, "--state", "false_positive", "--reason", "no")
        self.write("shop/a.py", "# a line more\n\n\ndef f(x):\n        return eval( x )\n")
        self.assertIsNotNone(self.the_finding(self.reviewed(code=0))["suppressed"])
        os.rename(self.at("shop/a.py"), self.at("shop/renamed.py"))
        moved = self.the_finding(self.reviewed(code=0))
        self.assertNotEqual(moved["fingerprint"], finding["fingerprint"])
        one = self.run_wrench("finding", "show", moved["fingerprint"], "--json").json()
        self.assertEqual(one["data"]["state"], "false_positive")
        self.assertEqual(one["data"]["finding"]["path"], "shop/renamed.py")
        os.rename(self.at("shop/renamed.py"), self.at("shop/a.py"))
        self.assertIsNotNone(self.the_finding(self.reviewed(code=0))["suppressed"], "and back")

    def test_a_copy_or_changed_code_is_another_finding(self):
        self.project()
        self.triage(self.the_finding(self.reviewed()), "--state", "false_positive", "--reason", "no")
        self.write("shop/b.py", "def f(x):\n    return eval(x)\n")
        self.assertEqual([f["path"] for f in self.shown(self.reviewed(code=1))], ["shop/b.py"])
        os.unlink(self.at("shop/a.py"))
        self.assertEqual([f["path"] for f in self.shown(self.reviewed(code=1))], ["shop/b.py"],
                         "it was reported beside the dismissed one, so it is not that one moved")
        self.write("shop/b.py", "def f(x):\n    return eval(x + request)\n")
        self.assertEqual(len(self.shown(self.reviewed(code=1))), 1)

    def test_what_got_worse_comes_back_once(self):
        self.write("shop/a.py", knot(8))
        rule = "code.cognitive-complexity"
        finding = self.the_finding(self.reviewed(), rule)
        self.triage(finding, "--state", "accepted_risk", "--reason", "one place, read rarely")
        self.write("shop/a.py", knot(8) + "# more\n")
        self.assertIsNotNone(self.the_finding(self.reviewed(), rule)["suppressed"])
        self.write("shop/a.py", knot(14))
        back = self.the_finding(self.reviewed(), rule)
        self.assertIsNone(back["suppressed"])
        self.assertRegex(back["reopened"], r"^accepted risk, but it .*: one place, read rarely$")
        one = self.run_wrench("finding", "show", back["fingerprint"], "--json").json()
        self.assertEqual(one["data"]["state"], "open")
        self.assertEqual([d["by"].split(":")[0] for d in one["history"]], ["user", "system"])
        self.assertIsNone(self.the_finding(self.reviewed(), rule)["reopened"])
        self.triage(back, "--state", "accepted_risk", "--reason", "still")
        self.assertIsNotNone(self.the_finding(self.reviewed(), rule)["suppressed"], "decided on what is there now")

    def test_a_snooze_has_an_end(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        self.triage(finding, "--state", "snoozed", "--reason", "later", code=2)
        self.triage(finding, "--state", "snoozed", "--until", day(-1), "--reason", "later", code=2)
        self.triage(finding, "--state", "snoozed", "--until", "soon", "--reason", "later", code=2)
        self.triage(finding, "--state", "snoozed", "--until", day(0), "--reason", "later")
        held = self.the_finding(self.reviewed(code=0))["suppressed"]
        self.assertEqual(held["until"], day(0), "the day itself still counts")
        self.triage(finding, "--state", "snoozed", "--until", "1h", "--reason", "a moment")
        with contextlib.closing(sqlite3.connect(self.at("data/store.db"))) as store, store:
            store.execute("UPDATE finding_triage SET until_at = ?", (1_700_000_000_000_000,))
        open_ones = self.run_wrench("finding", "list").out
        self.assertIn("ended: snoozed until 2023-11-14", open_ones)
        back = self.the_finding(self.reviewed(code=1))
        self.assertEqual(back["reopened"], "snoozed, but its time ended on 2023-11-14: a moment")

    def test_fixed_is_no_dismissal(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        self.triage(finding, "--state", "fixed")
        self.assertIsNone(self.the_finding(self.reviewed(code=1))["suppressed"])
        listed = self.run_wrench("finding", "list", "--json").json()["data"]
        self.assertEqual([(f["state"], f["gone"]) for f in listed], [("open", False)])
        self.write("shop/a.py", "def f(x):\n    return int(x)\n")
        self.reviewed(code=0)
        self.assertIn("not in the latest review", self.run_wrench("finding", "list").out)

    def test_a_comment_and_a_decision(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        self.triage(finding, "--state", "false_positive", "--reason", "no")
        self.write("shop/a.py", "def f(x):\n    return eval(x)  # wrench-ignore: eval-call -- ours\n")
        self.assertEqual(self.the_finding(self.reviewed(code=0))["suppressed"]["kind"], "inline")
        self.write("base.json", self.review("shop", "--json").out)
        self.project()
        report = self.reviewed("--baseline", self.at("base.json"), code=0)
        self.assertEqual(report["summary"]["baseline"]["fixed"], 0)

    def test_wrong_words(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        short = finding["fingerprint"][-6:]
        for code, words in ((2, [short]), (2, [short, "--state", "wrong"]), (2, [short, "--state", "false_positive"]),
                            (2, [short, "--state", "false_positive", "--reason", " "]),
                            (2, [short, "--state", "false_positive", "--reason", "x" * 3000]),
                            (2, [short, "--undo", "--reason", "x"]), (2, []),
                            (5, ["zzzzzz", "--undo"]), (5, ["%", "--undo"]), (5, ["", "--undo"]),
                            (6, [short, "--undo"]), (6, [short, "--state", "open"]),
                            (5, [short, "zzzzzz", "--state", "fixed"])):
            self.assert_fails(self.run_wrench("finding", "triage", *words), code)
        one = self.run_wrench("finding", "show", short, "--json").json()
        self.assertEqual((one["data"]["state"], one["history"]), ("open", []), "nothing was done")
        self.assert_fails(self.run_wrench("finding", "show", "zzzzzz"), 5, "workflow.finding_not_found")
        self.assert_fails(self.run_wrench("finding", "list", "tmp"), 5, "nothing was reviewed yet")
        self.assert_fails(self.run_wrench("finding", "list", "nowhere"), 3)
        self.assert_fails(self.run_wrench("finding", "list", "--cursor", "x"), 2)

    def test_text_that_attacks_the_reader(self):
        self.project()
        finding = self.the_finding(self.reviewed())
        self.triage(finding, "--state", "false_positive", "--reason", "\x1b[2Jred\u202e\nnext")
        for words in (["finding", "list", "--state", "false_positive"], ["finding", "show", finding["fingerprint"]],
                      ["review", "shop", "--show-dismissed", *self.quick]):
            self.assertIn("red", self.run_wrench(*words).out)  # Every run checks that the output is inert.

    def test_lists_and_shows(self):
        self.project()
        self.project("other")
        self.review("other")
        finding = self.the_finding(self.reviewed())
        short = finding["fingerprint"][-6:]
        both = self.run_wrench("finding", "list", "--json").json()["data"]
        self.assertEqual(len(both), 2)
        self.assertEqual(len({f["repository"] for f in both}), 2)
        ambiguous = self.run_wrench("finding", "show", short)
        self.assert_fails(ambiguous, 2, "workflow.finding_ambiguous")
        mine = [f for f in both if f["repository"].endswith("/shop")][0]
        self.assertIn(mine["finding_id"], ambiguous.err)
        listed = self.run_wrench("finding", "list", "shop/a.py")
        self.assertEqual(listed.code, 0, listed.err)
        self.assertEqual(len(re.findall("own.eval-call", listed.out)), 1)
        page = self.run_wrench("finding", "list", "--limit", "1", "--json").json()
        rest = self.run_wrench("finding", "list", "--limit", "1", "--cursor", page["next_cursor"], "--json").json()
        self.assertIsNone(rest["next_cursor"])
        self.assertNotEqual(page["data"][0]["finding_id"], rest["data"][0]["finding_id"])
        self.assertEqual(self.run_wrench("finding", "list", "--severity", "critical").out, "No such findings.\n")
        self.assertIn(mine["finding_id"], self.run_wrench("finding", "show", mine["finding_id"][-6:].lower()).out)

    def test_a_decision_in_one_project_leaves_the_others_alone(self):
        self.project()
        self.project("other")
        self.review("other")
        self.reviewed()
        both = self.run_wrench("finding", "list", "--json").json()["data"]
        mine = [f for f in both if f["repository"].endswith("/shop")][0]
        done = self.run_wrench("finding", "triage", mine["finding_id"], "--state", "false_positive", "--reason", "no",
                               "--json")
        self.assertEqual(done.json()["data"][0]["state"], "false_positive")
        self.reviewed(code=0)
        self.assertEqual(self.review("other").code, 1)


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
