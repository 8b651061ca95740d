"""recovery.yaml: what is done about steps that fail."""
import os
import signal
import subprocess
import sys
import unittest

from harness import CliTest, default_signals

PLAYBOOK = """\
name: fragile
steps:
  - {step_id: fetch, agent: shop, operation: fetch}
output: {fetched: {$from: fetch}}
"""
MOCK = """\
shop.fetch: {outputs: [{$fail: {code: shop.closed, message: the shop is closed}}], effect: EFFECT}
shop.guess: {n: 7}
"""


class Recovery(CliTest):
    def run_it(self, policies, effect="pure"):
        self.write("data/recovery.yaml", policies)
        self.write("fragile.yaml", PLAYBOOK)
        self.write("mock.yaml", MOCK.replace("EFFECT", effect))
        return self.run_wrench("playbook", "run", "fragile.yaml", "--mock", "mock.yaml", "--json", "--fresh")

    def task(self):
        return self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]

    def journal(self):
        return self.run_wrench("task", "journal", self.task()).out

    def recoveries(self):
        entries = self.run_wrench("task", "journal", self.task(), "--json").json()["data"]
        return [entry["data"] for entry in entries if entry["kind"] == "recovery"]

    def test_a_step_that_fails_is_replaced_or_passed_over(self):
        self.assertEqual(self.run_it("policies: []\n").code, 1)
        done = self.run_it("policies: [{error: shop.*, strategy: fallback, to: shop.guess}]\n")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json()["output"]["fetched"], {"n": 7})
        self.assertIn("recovery: fallback shop.guess, medium, ", self.journal())
        done = self.run_it("policies: [{error: shop.closed, capability: shop.*, strategy: skip}]\n")
        self.assertEqual(done.code, 10, "the result is partial")
        self.assertEqual(done.json()["output"]["fetched"]["partial"][0]["message"], "the shop is closed")
        self.assertIn("recovery: skip, medium, recovery.yaml:1: shop.closed", self.journal())
        self.assertEqual(self.run_it("policies: [{error: bank.*, strategy: skip}]\n").code, 1, "another error")

    def test_a_wait_that_nobody_ended_is_passed_over_or_replaced(self):
        playbook = ("name: asks\nsteps:\n  - {step_id: ask, wait: {on: approval, title: Go on?, expires: 100ms}}\n"
                    "output: {asked: {$from: ask}}\n")
        self.write("asks.yaml", playbook)
        self.write("mock.yaml", "shop.guess: {n: 7}\n")
        for policy, asked, code in (("strategy: skip", "skipped", 10),
                                    ("capability: wait, strategy: fallback, to: shop.guess", "7", 0)):
            self.write("data/recovery.yaml", "policies: [{error: workflow.wait_expired, %s}]\n" % policy)
            self.wait_for(lambda: self.run_wrench("playbook", "run", "asks.yaml", "--mock", "mock.yaml").code == code)
            self.assertIn(asked, self.run_wrench("task", "steps", self.task(), "--outputs", "--json").out)
            self.assertEqual(self.recoveries()[-1]["recovery_result"]["by"], "engine")

    def test_a_failure_is_journaled_with_its_severity(self):
        self.run_it("policies: []\n")
        entry, = self.recoveries()
        self.assertEqual(entry["error"], "shop.closed: the shop is closed")
        self.assertEqual((entry["class"], entry["severity"]), ("permanent", "high"))
        self.assertEqual(entry["recovery_result"]["strategy"], "abort")
        shown = self.run_wrench("task", "show", self.task())
        self.assertIn("recovery: abort, high, built in: shop.closed: the shop is closed", shown.out)
        step = self.run_wrench("task", "show", self.task(), "--json").json()["steps"][0]
        self.assertEqual(step["recovery"]["severity"], "high")

    def test_a_person_decides_about_what_is_escalated(self):
        done = self.run_it("policies: [{error: shop.*, strategy: escalate}]\n")
        self.assertEqual(done.code, 7, done.err)
        self.assertIn("wrench task dead list", done.err)
        shown = self.run_wrench("task", "dead", "list")
        self.assertIn("the shop is closed", shown.out)
        self.assertIn("Waits: dead_letter. Decide: wrench task dead retry", self.run_wrench("task", "show", self.task()).out)
        self.assertEqual(self.recoveries()[0]["recovery_result"]["strategy"], "escalate")
        self.assertEqual(self.run_wrench("task", "dead", "skip", self.task()).code, 0)
        self.assertEqual(self.run_wrench("task", "dead", "list").out, "No step waits for a decision.\n")
        self.assertEqual(self.run_wrench("task", "resume", self.task()).code, 0)
        self.assertIn("completed", self.run_wrench("task", "show", self.task()).out)

    def test_what_failed_is_undone(self):
        policies = "policies: [{error: shop.*, strategy: compensate, inverse: shop.guess, then: skip}]\n"
        done = self.run_it(policies, effect="guarded")
        self.assertEqual(done.code, 10, "the result is partial")
        self.assertEqual(done.json()["output"]["fetched"]["partial"][0]["undone_by"], "shop.guess")
        self.assertIn("recovery: compensate shop.guess, high, ", self.journal())
        done = self.run_it("policies: [{error: shop.*, strategy: compensate, inverse: shop.guess}]\n", effect="guarded")
        self.assert_fails(done, 1, "the shop is closed (undone by shop.guess)")

    def test_what_fails_again_and_again_is_held_back(self):
        self.write("data/recovery.yaml", "breakers: [{capability: shop.fetch, failures: 2, calls: 2, open: 4s}]\n")
        self.write("fragile.yaml", PLAYBOOK)
        failure = "{$fail: {code: shop.closed, message: closed, retry: true}}"
        self.write("mock.yaml", "shop.fetch: {outputs: [%s, %s, {n: 1}]}\nshop.guess: {n: 7}\n" % (failure, failure))
        done = self.run_wrench("playbook", "run", "fragile.yaml", "--mock", "mock.yaml", "--json", "--fresh")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json()["output"]["fetched"], {"n": 1})
        done = self.recoveries()
        self.assertEqual(sum(1 for r in done if not r.get("held_back")), 2, done)
        self.assertGreaterEqual(sum(1 for r in done if r.get("held_back")), 1, done)
        self.assertIn("held back in ", self.journal())

    def test_top_shows_what_is_held_back(self):
        self.write("data/recovery.yaml", "breakers: [{capability: shop.fetch, failures: 1, calls: 1, open: 1h, target: '1'}]\n")
        self.write("fragile.yaml", PLAYBOOK)
        self.write("mock.yaml", "shop.fetch: {outputs: [{$fail: {code: shop.closed, message: closed, retry: true}}]}\n")
        process = subprocess.Popen([self.wrench, "playbook", "run", "fragile.yaml", "--mock", "mock.yaml", "--fresh"],
                                   cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=default_signals)
        self.addCleanup(process.kill)
        try:
            top = lambda: self.run_wrench("top", "--once", "--json").json()
            self.wait_for(lambda: any(c["capability"] == "shop.fetch" for c in top()["circuits"])
                          and any(s["labels"]["class"] == "held_back"
                                  for s in top()["metrics"].get("wrench_recoveries_total", {"series": []})["series"]))
            circuit, = top()["circuits"]
            self.assertEqual((circuit["target"], circuit["state"], circuit["reason"]), ("1", "open", "shop.closed"))
            text = self.run_wrench("top", "--once").out
            self.assertIn("Circuits that are open", text)
            self.assertIn("1 low", text)
            metrics = self.run_wrench("top", "--once", "--format", "prometheus").out
            self.assertIn('wrench_circuits_open{capability="shop.fetch"} 1', metrics)
            self.assertIn('wrench_recoveries_total{class="held_back",strategy="retry",severity="medium"}', metrics)
        finally:
            process.send_signal(signal.SIGINT)
            self.end(process)

    def test_what_a_budget_refuses_is_told_as_any_failure(self):
        self.write("fragile.yaml", PLAYBOOK)
        self.write("mock.yaml", "shop.fetch: {n: 1}\n")
        done = self.run_wrench("playbook", "run", "fragile.yaml", "--mock", "mock.yaml", "--budget", "tool_calls=0")
        self.assert_fails(done, 1, "the budget of tool_calls has nothing left")
        entry, = self.recoveries()
        self.assertEqual((entry["class"], entry["severity"], entry["recovery_result"]["strategy"]), ("budget", "high", "abort"))
        self.assertIn("recovery: abort, high, built in: workflow.budget_exceeded: the budget of tool_calls",
                      self.run_wrench("task", "show", self.task()).out)
        self.assertEqual(self.run_wrench("task", "replay", self.task()).code, 0)

    def test_what_is_not_there_is_refused(self):
        done = self.run_it("policies: [{strategy: retry_changed, model: small}]\n")
        self.assert_fails(done, 2, "'model' isn't implemented", "workflow.recovery_invalid")
        done = self.run_it("policies: [{strategy: compensate, inverse: shop.nothing}]\n")
        self.assert_fails(done, 2, "recovery.yaml:1:", "workflow.recovery_invalid")

    def test_effects_outside_are_not_passed_over(self):
        self.assert_fails(self.run_it("policies: [{strategy: skip}]\n", effect="guarded"), 1, "the shop is closed")

    def test_retries_are_bounded(self):
        self.assert_fails(self.run_it("policies: [{strategy: retry, attempts: 3, delay: 1ms}]\n"), 1, "the shop is closed")
        self.assertIn("attempt 3", self.journal())
        self.assertNotIn("attempt 4", self.journal())

    def test_mistakes_have_their_place(self):
        for text, place in [("policies: [{strategy: pray}]", ":1:23: "), ("policies:\n- {strategy: fallback, to: shop.nothing}", ":2:1: "),
                            ("nonsense", ":1:1: "), (b"\xff", ":1:1: ")]:
            done = self.run_it(text)
            self.assert_fails(done, 2, "recovery.yaml" + place, "workflow.recovery_invalid")
        self.assertEqual(self.run_wrench("task", "list").code, 0, "who runs no steps needs no policies")
        os.unlink(self.at("data/recovery.yaml"))
        os.mkdir(self.at("data/recovery.yaml"))
        self.assertEqual(self.run_wrench("playbook", "run", "fragile.yaml", "--mock", "mock.yaml").code, 3)


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
