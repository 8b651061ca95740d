"""Agent tests from the command line: the suites that come with the program, and those that a hostile user writes."""
import os
import signal
import sys
import unittest
import xml.etree.ElementTree as ElementTree

from harness import CliTest

SUITES_S = 500
CASES_MIN = {"code_analysis": 12, "infosec": 10, "inspector": 12, "journey": 8, "super": 12}

GOOD = """\
suite: super
cases:
  - name: reviews are planned
    goal: review
    fixture: {files: {app.py: "x = 1\\n"}}
    expect: [{kind: plan, has: code_analysis.analyze}]
"""
BAD_CASE = """\
  - name: nothing is planned
    goal: review
    expect:
      - {kind: plan, lacks: super.synthesise}
"""
LATER = """\
  - {name: a model plans, goal: review, llm: {cassette: tape.json}, expect: [{kind: plan, gates: 0}]}
"""


class AgentSuites(CliTest):
    def test_those_that_come_with_the_program_pass(self):
        done = self.run_wrench("agent", "test", "--json", timeout=SUITES_S)
        result = done.json()
        failed = [(suite["agent_name"], case["name"], case.get("error"), [c for c in case["checks"] if not c["passed"]])
                  for suite in result["suites"] for case in suite["results"] if case["status"] == "failed"]
        self.assertEqual(failed, [])
        self.assertEqual(done.code, 0, done.err)
        agents = [agent["name"] for agent in self.run_wrench("agent", "list", "--json").json()["data"]]
        self.assertEqual(sorted(suite["agent_name"] for suite in result["suites"]), sorted(agents), "each agent has one")
        for suite in result["suites"]:
            self.assertGreaterEqual(suite["passed"], CASES_MIN[suite["agent_name"]])
        for part in [result, *result["suites"]]:
            self.assertEqual(part["passed"] + part["failed"] + part["skipped"], part["total_tests"])
        self.assertEqual(result["skipped"], 0)
        self.assertFalse(os.path.exists(self.at("cache")), "nothing is left of the trees of cases")
        self.assertEqual(os.listdir(self.at("tmp")), [])


class AgentTests(CliTest):
    def test_results_and_exit_codes(self):
        self.write("own.yaml", GOOD + LATER)
        done = self.run_wrench("agent", "test", "own.yaml")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("1 passed, 0 failed, 1 skipped of 2 cases", done.out)
        self.assertIn("needs a model (cassette: tape.json)", done.out)
        self.write("own.yaml", GOOD + BAD_CASE + LATER)
        done = self.run_wrench("agent", "test", "own.yaml")
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("own.yaml:10:9: plan: super.synthesise is planned", done.out)
        result = self.run_wrench("agent", "test", "own.yaml", "--json").json()
        self.assertEqual((result["total_tests"], result["passed"], result["failed"], result["skipped"]), (3, 1, 1, 1))
        good, bad, later = result["suites"][0]["results"]
        self.assertEqual([good["status"], bad["status"], later["status"]], ["passed", "failed", "skipped"])
        self.assertEqual((bad["checks"][0]["line"], bad["checks"][0]["passed"]), (10, False))
        self.assertIn("skipped_because", later)

    def test_junit_is_xml(self):
        self.write("own.yaml", GOOD + BAD_CASE + LATER + "  - {name: \"<&'\\u202e>\", goal: dance, expect: [{kind: plan, gates: 0}]}\n")
        done = self.run_wrench("agent", "test", "own.yaml", "--format", "junit", "--output", self.at("out.xml"))
        self.assertEqual(done.code, 1, done.err)
        suites = ElementTree.parse(self.at("out.xml")).getroot()
        self.assertEqual({k: suites.get(k) for k in ("tests", "failures", "errors", "skipped")},
                         {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"})
        cases = suites.find("testsuite").findall("testcase")
        self.assertEqual([[child.tag for child in case] for case in cases], [[], ["failure"], ["skipped"], ["error"]])
        self.assertEqual(cases[3].find("error").get("type"), "agent.no_plan")

    def test_what_runs_is_chosen(self):
        self.write("suites/a.yaml", GOOD + BAD_CASE)
        self.write("suites/b.yml", GOOD.replace("reviews", "all reviews"))
        self.write("suites/notes.txt", "no suite")
        result = self.run_wrench("agent", "test", "suites", "--case", "^(all )?reviews", "--json", "--runs", "3").json()
        self.assertEqual([case["name"] for suite in result["suites"] for case in suite["results"]],
                         ["reviews are planned", "all reviews are planned"])
        self.assertEqual({(case["runs"], case["passes"], case["pass_rate"]) for suite in result["suites"]
                          for case in suite["results"]}, {(3, 3, 1.0)})
        self.assert_fails(self.run_wrench("agent", "test", "suites", "--case", "^nothing$"), 2, "no case is called")
        self.assert_fails(self.run_wrench("agent", "test", "suites", "--case", "("), 2, "source.invalid_regex")
        self.assert_fails(self.run_wrench("agent", "test", "suites", "--runs", "0"), 2, "--runs")

    def test_only_what_is_worse_than_the_baseline_fails(self):
        self.write("own.yaml", GOOD + BAD_CASE)
        self.run_wrench("agent", "test", "own.yaml", "--json", "--output", self.at("then.json"))
        same = self.run_wrench("agent", "test", "own.yaml", "--baseline", "then.json")
        self.assertEqual(same.code, 0, same.out)
        self.write("own.yaml", (GOOD + BAD_CASE).replace("has: code_analysis", "lacks: code_analysis"))
        worse = self.run_wrench("agent", "test", "own.yaml", "--baseline", "then.json")
        self.assertEqual(worse.code, 1, worse.out)
        self.assertIn("1 cases do worse than the baseline\n  super: reviews are planned: passed 0 of 1 runs", worse.out)
        self.write("bad.json", "{}")
        self.assert_fails(self.run_wrench("agent", "test", "own.yaml", "--baseline", "bad.json"), 2, "agent.test_baseline")
        self.write("bad.json", "{\n]")
        self.assert_fails(self.run_wrench("agent", "test", "own.yaml", "--baseline", "bad.json"), 2, "bad.json:2:1")
        self.assert_fails(self.run_wrench("agent", "test", "own.yaml", "--baseline", "none.json"), 3, "none.json")

    def test_bad_suites_are_refused_with_their_place(self):
        for text, place in [("", ":1:1"), ("suite: super\ncases: [", ":3:1"), (GOOD + "  - {}\n", ":7:5"),
                            (GOOD.replace("review\n", "review\n    expct: 1\n"), ":5:5"),
                            (GOOD.replace("app.py", "../app.py"), ":5:23"), (GOOD + GOOD.split("cases:\n")[1], ":7:5"),
                            ("a: &a [1]\nb: *a\n", ":2:"), (b"\xff\xfe\x00", ":1:"), ("- " * 300, ":1:"),
                            ("x" * (2 << 20), ":1:")]:
            self.write("bad.yaml", text)
            self.assert_fails(self.run_wrench("agent", "test", "bad.yaml"), 2, "bad.yaml" + place, "agent.test_invalid")
        self.write("bad.yaml", GOOD.replace("suite: super", "suite: \"\\e[31msuper\""))
        self.assert_fails(self.run_wrench("agent", "test", "bad.yaml"), 2, "\\x1b[31msuper")

    def test_suites_that_are_not_there(self):
        self.assert_fails(self.run_wrench("agent", "test", "inspektor"), 5, "agent.no_such_suite", "agent test inspector")
        self.assert_fails(self.run_wrench("agent", "test", "none/s.yaml"), 3, "none/s.yaml")
        os.mkdir(self.at("empty"))
        self.assert_fails(self.run_wrench("agent", "test", "empty"), 5, "agent.no_such_suite")

    def test_a_folder_beside_the_suite_is_the_tree(self):
        self.write("suites/shop/app.py", "x = 1\n")
        suite = GOOD.replace("{files: {app.py: \"x = 1\\n\"}}", "{dir: DIR}")
        self.write("suites/a.yaml", suite.replace("DIR", "shop"))
        self.assertEqual(self.run_wrench("agent", "test", "suites/a.yaml").code, 0)
        os.symlink("/etc", self.at("suites/out"))
        self.write("suites/a.yaml", suite.replace("DIR", "out"))
        done = self.run_wrench("agent", "test", "suites/a.yaml")
        self.assertEqual(done.code, 1, "a link isn't followed: the case can't be made, so it fails")
        self.write("suites/a.yaml", suite.replace("DIR", "../suites"))
        self.assert_fails(self.run_wrench("agent", "test", "suites/a.yaml"), 2, "suites/a.yaml:5:20")

    def test_runs_are_kept(self):
        self.assertIn("No runs yet", self.run_wrench("agent", "test", "--history").out)
        self.write("own.yaml", GOOD + BAD_CASE)
        self.run_wrench("agent", "test", "own.yaml")
        self.run_wrench("agent", "test", "own.yaml", "--case", "reviews")
        shown = self.run_wrench("agent", "test", "--history")
        self.assertEqual(shown.code, 0, shown.err)
        newest, oldest, case = shown.out.splitlines()
        self.assertIn("1 passed, 0 failed, 0 skipped of 1", newest)
        self.assertIn("1 passed, 1 failed, 0 skipped of 2", oldest)
        self.assertIn("super: nothing is planned", case)
        data = self.run_wrench("agent", "test", "--history", "--json").json()["data"]
        self.assertEqual([run["total_tests"] for run in data], [1, 2])
        self.assertEqual([result["status"] for result in data[1]["results"]], ["passed", "failed"])
        self.assertEqual(data[1]["results"][1]["agent_name"], "super")
        self.assert_fails(self.run_wrench("agent", "test", "--history", "--format", "junit"), 2, "not JUnit")

    def test_without_a_store_the_results_are_told(self):
        self.write("own.yaml", GOOD)
        done = self.run_wrench("agent", "test", "own.yaml", env=self.env(HOME=None, WRENCH_DATA_DIR=None))
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("this run isn't in the history: there is no home folder", done.err)
        self.write("file", "no folder")
        done = self.run_wrench("agent", "test", "own.yaml", env=self.env(WRENCH_DATA_DIR=self.at("file")))
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("this run isn't in the history: ", done.err)

    def test_an_interrupted_run_ends_and_leaves_nothing(self):
        self.write("own.yaml", """\
suite: journey
cases:
  - name: slow
    capability: journey.mine_history
    fixture: {commits: [{files: {a.py: "x = 1"}}]}
    expect: [{kind: schema}]
""")
        done = self.interrupt(signal.SIGINT, "agent", "test", "own.yaml")
        self.assertEqual(done.code, 130, done.err)
        self.assertEqual(os.listdir(self.at("tmp")), [])

    def test_progress_is_told(self):
        self.write("own.yaml", GOOD.replace("reviews", "\"\\e]0;owned\\a reviews").replace("planned\n", "planned\"\n") + BAD_CASE)
        code, drawn = self.on_terminal("agent", "test", "own.yaml", "--runs", "50")
        self.assertEqual(code, 1)
        self.assertNotIn("\x1b]0;", drawn)
        self.assertIn("2 cases in", drawn)


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
