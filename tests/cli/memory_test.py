"""What agents remember, from the command line: kept, found, forgotten, and used by the next review."""
import os
import re
import sys
import unittest

from harness import CliTest


class Memory(CliTest):
    def store(self, content, *words, agent="journey", code=0, **options):
        done = self.run_wrench("memory", "store", "--agent", agent, content, "--json", *words, **options)
        self.assertEqual(done.code, code, done.err)
        return done.json() if code == 0 else done

    def search(self, *words, agent="journey"):
        done = self.run_wrench("memory", "search", "--agent", agent, "--json", *words)
        self.assertEqual(done.code, 0, done.err)
        return done.json()["data"]

    def forget(self, *words, code=0):
        done = self.run_wrench("memory", "forget", *words)
        self.assertEqual(done.code, code, done.err)
        return done

    def test_stores_searches_forgets(self):
        first = self.store('{"note": "deploys happen on Tuesdays", "team": 7}', "--tag", "release", "--scope", "/srv/shop")
        self.assertEqual((first["status"], first["existed"]), ("stored", False))
        self.assertRegex(first["memory_id"], r"^mem_[0-9A-Z]{26}$")
        again = self.store('{"team": 7, "note": "deploys happen on Tuesdays"}', "--scope", "/srv/shop")
        self.assertEqual((again["memory_id"], again["existed"]), (first["memory_id"], True))
        other = self.store('"nothing of that"')["memory_id"]
        for words in (["tuesdays"], ["--query", '{"team": 7}'], ["--tag", "release"], ["--scope", "/srv/shop"],
                      ["Deploys", "Tuesdays", "--kind", "fact", "--since", "2020-01-01"]):
            self.assertEqual([item["memory_id"] for item in self.search(*words)], [first["memory_id"]], words)
        self.assertEqual([item["memory_id"] for item in self.search()], [other, first["memory_id"]], "newest first")
        self.assertEqual(self.search("tuesdays")[0]["trust"], "person")
        self.assertEqual(self.search("tuesdays", agent="super"), [], "another agent's")
        shown = self.run_wrench("memory", "search", "--agent", "journey", "tuesdays").out
        self.assertIn(first["memory_id"][-6:], shown)
        self.assertIn("deploys happen on Tuesdays", shown)
        self.forget(first["memory_id"][-6:].lower(), "--agent", "super", code=5)
        self.forget(first["memory_id"][-6:].lower(), "--agent", "journey", "--reason", "no longer true")
        self.assertEqual(self.search("tuesdays"), [])
        self.forget(first["memory_id"], code=5)
        self.forget(other, "mem_NOTHING", code=5)
        self.assertEqual(len(self.search()), 1, "of several ids all or none")

    def test_content_from_files_and_standard_input(self):
        self.write("fact.json", '{"from": "a file"}')
        self.store("@fact.json")
        with open(self.write("in.json", '{"from": "standard input"}'), "rb") as stdin:
            self.store("-", stdin=stdin)
        self.assertEqual([item["content"]["from"] for item in self.search()], ["standard input", "a file"])
        self.write("bad.json", '{"a":\n 1,}')
        self.assert_fails(self.store("@bad.json", code=2), 2, "cli.invalid_json", "bad.json:2:")
        self.assert_fails(self.store("@none.json", code=3), 3, "none.json")
        self.write("big.json", '"' + "x" * 200_000 + '"')
        self.store("@big.json", code=3)

    def test_what_no_longer_holds(self):
        old = self.store('"the limit is ten"')["memory_id"]
        new = self.store('"the limit is twelve"', "--supersedes", old)["memory_id"]
        self.assertEqual([item["memory_id"] for item in self.search("limit")], [new])
        self.store('"x"', "--supersedes", old, code=5)

    def test_wrong_words(self):
        for code, words in ((2, ["store", '"x"']), (5, ["store", '"x"', "--agent", "painter"]),
                            (2, ["store", "not json", "--agent", "super"]), (2, ["store", "--agent", "super"]),
                            (2, ["store", "null", "--agent", "super"]), (2, ["store", r'"\u0000"', "--agent", "super"]),
                            (2, ["store", '"x"', "--agent", "super", "--kind", "No Kind"]),
                            (2, ["store", '"x"', "--agent", "super", "--ttl", "soon"]),
                            (2, ["store", '"x"', "--agent", "super", "--tag", "t" * 100]),
                            (2, ["search"]), (5, ["search", "--agent", "painter"]),
                            (2, ["search", "--agent", "super", "--query", "[]"]),
                            (2, ["search", "--agent", "super", "--query", '{"$where": "1=1"}']),
                            (2, ["search", "--agent", "super", "--since", "yesterday"]),
                            (2, ["search", "--agent", "super", "--limit", "0"]),
                            (2, ["search", "--agent", "super", "--limit", "1001"]),
                            (2, ["search", "--agent", "super", "x" * 20_000]),
                            (2, ["forget"]), (5, ["forget", "%"]), (5, ["forget", "' OR 1=1 --"]),
                            (5, ["blocks", "painter"]), (5, ["blocks", "super", "none"]),
                            (2, ["blocks", "super", "--set", "x"]), (2, ["blocks", "super", "No Label", "--set", "x"]),
                            (2, ["blocks", "super", "a", "--set", "x" * 5000]),
                            (2, ["blocks", "super", "a", "--set", "x", "--remove"])):
            self.assert_fails(self.run_wrench("memory", *words), code)
        for words in ('"', "*", "a OR", "NEAR(", "(((", "text:", "-x", "'; DROP TABLE memory_items; --"):
            self.assertEqual(self.search("--", words), [], "taken literally")

    def test_text_that_attacks_the_reader(self):
        self.store(r'"\u001b[2Jred\u202e\nnext"', "--scope", "a\u202eb")
        self.assertIn("red", self.run_wrench("memory", "search", "--agent", "journey").out)  # Checked to be inert.
        self.run_wrench("memory", "blocks", "super", "a", "--set", "\x1b[2Jred\u202e\nnext")
        self.assertIn("next", self.run_wrench("memory", "blocks", "super").out)

    def test_blocks(self):
        def blocks(*words, code=0):
            done = self.run_wrench("memory", "blocks", "super", *words, "--json")
            self.assertEqual(done.code, code, done.err)
            return {block["label"]: block for block in done.json()["data"]} if code == 0 else done

        self.assertEqual(blocks(), {})
        made = blocks("persona", "--set", "Be brief.", "--read-only", "--expect-version", "0")["persona"]
        self.assertEqual((made["value"], made["version"], made["read_only"]), ("Be brief.", 1, True))
        self.assertRegex(made["updated_by"], r"^user:\S+$")
        self.assert_fails(blocks("persona", "--set", "x", "--expect-version", "0", code=6), 6, "workflow.version_conflict")
        self.assertEqual(blocks("persona", "--set", "Be kind.", "--expect-version", "1")["persona"]["version"], 2)
        self.assertEqual(list(blocks("persona")), ["persona"])
        self.assertEqual(blocks("persona", "--remove"), {})
        blocks("persona", "--remove", code=5)


class Remembered(CliTest):
    def dismissed(self, reason):
        report = self.review("shop", "--json").json()
        for finding in report["findings"]:
            if finding["rule"] == "own.eval-call" and not finding["suppressed"]:
                self.run_wrench("finding", "triage", finding["fingerprint"], "--state", "false_positive", "--reason", reason)

    def remembered(self):
        return self.run_wrench("memory", "search", "--agent", "inspector", "--kind", "decision", "--json").json()["data"]

    def test_the_inspector_recalls_what_people_decided(self):
        self.project()
        self.write("shop/b.py", "def g(y):\n    return eval(y + 1)\n")
        self.dismissed("only constants get there")
        items = self.remembered()
        self.assertEqual({item["content"]["path"] for item in items}, {"shop/a.py", "shop/b.py"})
        self.assertEqual({item["content"]["reason"] for item in items}, {"only constants get there"})
        self.assertEqual({item["trust"] for item in items}, {"person"})
        self.assertEqual(len(self.run_wrench("memory", "search", "--agent", "inspector", "constants", "--json").json()["data"]), 2)
        self.write("shop/c.py", "def h(z):\n    return eval(z * 2)\n")
        report = self.review("shop", "--json").json()
        said = [note for note in report["run"].get("notes", report.get("notes", [])) if "own.eval-call" in str(note)]
        self.assertEqual(len(said), 1, report)
        self.assertIn("only constants get there", str(said[0]))

    def test_what_people_want_said_is_in_each_review(self):
        self.project()
        self.run_wrench("memory", "blocks", "super", "notice", "--set", "gen/ is written by a program:\nmend its templates")
        self.assertIn("notice: gen/ is written by a program: mend its templates", " ".join(self.review("shop").out.split()))
        self.run_wrench("memory", "blocks", "super", "notice", "--remove")
        self.assertNotIn("notice:", self.review("shop").out)

    def test_a_decision_taken_back_is_forgotten(self):
        self.project()
        self.dismissed("only constants")
        (item,) = self.remembered()
        finding = item["content"]["finding_id"]
        self.run_wrench("finding", "triage", finding, "--state", "accepted_risk", "--reason", "a tool of ours")
        (item,) = self.remembered()
        self.assertEqual((item["content"]["decision"], item["content"]["reason"]), ("accepted_risk", "a tool of ours"))
        self.run_wrench("finding", "triage", finding, "--undo")
        (item,) = self.remembered()
        self.assertEqual((item["content"]["decision"], item["content"]["reason"]), ("false_positive", "only constants"))
        self.run_wrench("finding", "triage", finding, "--undo")
        self.assertEqual(self.remembered(), [])


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
