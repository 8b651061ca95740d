"""recovery.yaml: what is done about steps that fail."""
import os
import sys
import unittest

from harness import CliTest

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

    def journal(self):
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        return self.run_wrench("task", "journal", task).out

    def test_a_step_that_fails_is_replaced_or_passed_over(self):
        self.assertEqual(self.run_it("policies: []\n").code, 1)
        done = self.run_it("policies: [{error: shop.*, strategy: fallback, to: shop.guess}]\n")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json()["output"]["fetched"], {"n": 7})
        self.assertIn("recovery 1: fallback shop.guess, medium, ", self.journal())
        done = self.run_it("policies: [{error: shop.closed, capability: shop.*, strategy: skip}]\n")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.json()["output"]["fetched"]["partial"][0]["message"], "the shop is closed")
        self.assertIn("recovery 1: skip, medium, ", self.journal())
        self.assertEqual(self.run_it("policies: [{error: bank.*, strategy: skip}]\n").code, 1, "another error")

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
