"""Messages from the command line: between people, to steps that wait, and those that agents send each other."""
import os
import sys
import unittest

from harness import CliTest

WAITING = """\
steps:
  - {step_id: go, wait: {on: signal, name: go}}
  - {step_id: gate, wait: {on: approval, title: Publish it?}}
"""


class Message(CliTest):
    def send(self, *words, code=0, **options):
        done = self.run_wrench("message", "send", *words, "--json", **options)
        self.assertEqual(done.code, code, done.err)
        return done.json() if code == 0 else done

    def list(self, *words):
        done = self.run_wrench("message", "list", *words, "--json")
        self.assertEqual(done.code, 0, done.err)
        return done.json()["data"]

    def test_sends_lists_acknowledges(self):
        first = self.send("user:ada", "--text", "the release waits")
        self.assertEqual((first["status"], first["existed"]), ("sent", False))
        self.assertRegex(first["message_id"], r"^msg_[0-9A-Z]{26}$")
        second = self.send("user:ada", '{"n": 1, "sender": "user:root"}', "--type", "x.build.done", "--reply-to",
                           first["message_id"][-6:].lower())
        self.send("topic:builds", "[0]", "--type", "x.none")
        inbox = self.list("user:ada")
        self.assertEqual([m["message_id"] for m in inbox], [first["message_id"], second["message_id"]])
        self.assertEqual(inbox[1]["metadata"]["reply_to"], first["message_id"])
        for m in inbox:
            self.assertRegex(m["sender"], r"^user:\S+$")
            self.assertNotEqual(m["sender"], "user:ada")
        self.assertEqual(inbox[1]["content"], {"n": 1, "sender": "user:root"}, "says nothing about who sent it")
        self.assertEqual(len(self.list()), 3)
        self.assertEqual(self.list()[0]["receiver"], "topic:builds", "newest first")
        self.assertEqual([m["content"]["n"] for m in self.list("user:ada", "--type", "x.build.done")], [1])
        done = self.run_wrench("message", "ack", first["message_id"][-6:], first["message_id"])
        self.assertEqual((done.code, done.out.count("acknowledged")), (0, 1), done.err)
        self.assertEqual([m["message_id"] for m in self.list("user:ada", "--state", "open")], [second["message_id"]])
        (acknowledged,) = self.list("user:ada", "--state", "acknowledged")
        self.assertRegex(acknowledged["closed_by"], r"^user:\S+$")
        shown = self.run_wrench("message", "list", "user:ada").out
        self.assertIn("the release waits", shown)
        self.assertIn("-> user:ada", shown)
        page = self.run_wrench("message", "list", "user:ada", "--limit", "1", "--json").json()
        self.assertEqual([m["message_id"] for m in self.list("user:ada", "--cursor", page["next_cursor"])],
                         [second["message_id"]])

    def test_content_from_files_and_standard_input(self):
        self.write("m.json", '{"from": "a file"}')
        self.send("topic:a", "@m.json", "--type", "x.a")
        with open(self.write("in.json", '{"from": "standard input"}'), "rb") as stdin:
            self.send("topic:a", "-", "--type", "x.a", stdin=stdin)
        self.assertEqual([m["content"]["from"] for m in self.list("topic:a")], ["a file", "standard input"])
        self.write("big.json", '"' + "x" * 270_000 + '"')
        self.assert_fails(self.send("topic:a", "@big.json", "--type", "x.a", code=2), 2, "workflow.invalid_message")
        self.write("huge.json", '"' + "x" * 1_100_000 + '"')
        self.send("topic:a", "@huge.json", "--type", "x.a", code=3)

    def test_a_key_names_one_message(self):
        first = self.send("topic:builds", '{"n": 1}', "--type", "x.b", "--key", "build-1")
        again = self.send("topic:builds", '{"n": 1}', "--type", "x.b", "--key", "build-1")
        self.assertEqual((again["message_id"], again["existed"]), (first["message_id"], True))
        self.assert_fails(self.send("topic:builds", '{"n": 2}', "--type", "x.b", "--key", "build-1", code=6), 6,
                          "workflow.idempotency_conflict")
        self.assertEqual(len(self.list()), 1)

    def test_wrong_words(self):
        for code, words in ((2, ["send"]), (2, ["send", "user:ada"]), (2, ["send", "ada", "--text", "x"]),
                            (2, ["send", "user:ada", "{}"]), (2, ["send", "user:ada", "{}", "--text", "x"]),
                            (2, ["send", "user:ada", "no json", "--type", "x.a"]),
                            (2, ["send", "user:ada", "{}", "--type", "unheard_of"]),
                            (2, ["send", "user:ada", "{}", "--type", "note"]),
                            (2, ["send", "user:ada", r'"\u0000"', "--type", "x.a"]),
                            (2, ["send", "user:ada", "--text", "x", "--ttl", "1000d"]),
                            (5, ["send", "agent:painter", "--text", "x"]), (5, ["send", "task:zzzzzz", "--text", "x"]),
                            (5, ["send", "step:exe_NONE/1", "--text", "x"]), (5, ["send", "project:none", "--text", "x"]),
                            (5, ["send", "user:ada", "--text", "x", "--reply-to", "zzzzzz"]),
                            (2, ["list", "nobody"]), (2, ["list", "--state", "open"]),
                            (2, ["list", "user:ada", "--state", "odd"]), (2, ["list", "--cursor", "x"]),
                            (2, ["list", "--limit", "0"]), (5, ["list", "--task", "zzzzzz"]),
                            (2, ["ack"]), (5, ["ack", "zzzzzz"]), (5, ["ack", "' OR 1=1"])):
            self.assert_fails(self.run_wrench("message", *words), code)
        self.assertEqual(self.list(), [], "nothing was sent")

    def test_text_that_attacks_the_reader(self):
        self.send("user:ada", "--text", "\x1b[2Jred\u202e\nnext")
        self.send("topic:a", r'{"k\u001b[2J": "\u001b]0;x\u0007"}', "--type", "x.a")
        self.assertIn("red", self.run_wrench("message", "list").out)  # Every run checks that the output is inert.

    def test_a_message_to_a_waiting_step_is_its_signal(self):
        self.write("waits.yaml", WAITING)
        self.assertEqual(self.run_wrench("playbook", "run", "waits.yaml").code, 7)
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        execution = self.run_wrench("task", "show", task, "--json").json()["execution"]["execution_id"]
        self.send(f"step:{execution}/1", '{"version": 2}', "--type", "x.go")
        (heard,) = self.list(f"step:{execution}/1")
        self.assertEqual((heard["state"], heard["closed_by"]), ("acknowledged", f"step:{execution}/1"))
        self.send(f"step:{execution}/2", '{"decision": "approve"}', "--type", "x.go")
        self.send("task:" + task[-6:], "--text", "for whoever looks at the task")
        self.assertEqual(self.list("task:" + task)[0]["content"], {"text": "for whoever looks at the task"})
        self.assertEqual(self.run_wrench("task", "resume", task).code, 7, "the approval still waits for a person")
        self.assert_fails(self.send(f"step:{execution}/1", "{}", "--type", "x.go", code=6), 6, "has ended")


class Correspondence(CliTest):
    def test_the_inspector_asks_and_the_journey_answers(self):
        self.git_project()
        self.git("shop", "-c", "user.name=Eve", "commit", "-q", "--allow-empty", "-m", "nothing")
        report = self.review("shop", "--json").json()
        (finding,) = [f for f in report["findings"] if f["rule"] == "own.eval-call"]
        self.assertEqual(finding["introduced"]["author"], "Ada")
        self.assertRegex(finding["introduced"]["commit"], r"^[0-9a-f]{40}$")
        task = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        mail = self.run_wrench("message", "list", "--task", task, "--json").json()["data"]
        self.assertEqual([(m["sender"], m["receiver"], m["message_type"], m["state"]) for m in mail],
                         [("agent:inspector", "agent:journey", "finding.evidence_wanted", "acknowledged"),
                          ("agent:journey", "agent:inspector", "finding.evidence", "acknowledged")])
        self.assertEqual(mail[1]["metadata"]["reply_to"], mail[0]["message_id"])
        self.assertEqual(mail[1]["content"]["evidence"][0]["fingerprint"], finding["fingerprint"])
        one = self.run_wrench("finding", "show", finding["fingerprint"]).out
        self.assertIn("by Ada in " + finding["introduced"]["commit"][:7], one)
        self.assertRegex(self.review("shop").out, r"\bsince [0-9-]{10} by Ada in ")

    def test_without_git_nobody_is_asked(self):
        self.project()
        report = self.review("shop", "--json").json()
        self.assertIsNone(report["findings"][0]["introduced"])
        self.assertEqual(self.run_wrench("message", "list", "--json").json()["data"], [])

    def test_lines_that_are_not_committed_have_no_author(self):
        self.git_project()
        self.write("shop/a.py", "# a line more\ndef f(x):\n    return eval(x)\n")
        report = self.review("shop", "--json").json()
        self.assertIsNone(report["findings"][0]["introduced"])


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
