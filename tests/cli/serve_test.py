#!/usr/bin/env python3
"""A process that serves a data directory, and what others leave for it."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest, default_signals


class Serving(CliTest):
    def serve(self, *words, env=None):
        before = self.log().count("serving tasks")
        with open(self.at("serve.log"), "ab") as log:
            process = subprocess.Popen([self.wrench, "serve", *words], cwd=self.dir, env=env or self.env(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                       preexec_fn=default_signals)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.wait_for(lambda: self.log().count("serving tasks") > before or process.poll() is not None)
        self.assertIsNone(process.poll(), self.log())
        return process

    def log(self):
        if not os.path.exists(self.at("serve.log")):
            return ""
        with open(self.at("serve.log"), encoding="utf-8") as log:
            return log.read()

    def stop(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0, self.log())

    def task(self, task_id):
        return self.run_wrench("task", "show", task_id, "--json").json()

    def state(self, task_id):
        return self.task(task_id)["task"]["state"]

    def leave(self, *words):
        done = self.run_wrench(*words, "--detach", "--json")
        self.assertEqual(done.code, 0, done.err)
        return done.json()

    def leave_review(self):
        return self.leave("review", "shop", *self.quick)

    def test_runs_what_is_left_before_and_after_it_begins(self):
        self.project()
        first = self.leave_review()
        self.assertFalse(first["served"])
        self.assertEqual(self.state(first["task_id"]), "queued")
        again = self.leave_review()
        self.assertTrue(again["existed"])
        self.assertEqual(again["task_id"], first["task_id"])
        server = self.serve()
        self.wait_for(lambda: self.state(first["task_id"]) == "completed")
        second = self.leave("playbook", "run", "secrets_sweep", "--input", "tree=shop")
        self.assertTrue(second["served"])
        self.wait_for(lambda: self.state(second["task_id"]) == "completed")
        self.assertEqual(self.run_wrench("task", "watch", second["task_id"]).code, 0)
        self.assertEqual(self.run_wrench("task", "report", first["task_id"], "--json").code, 1, "the gate")
        self.stop(server)
        self.assertIn("completed", self.log())

    def test_goes_on_with_what_a_killed_process_ran(self):
        self.git_project()
        self.serve()
        killed = self.begin("review", "shop", *self.quick)
        task_id = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        self.assertEqual(self.state(task_id), "running")
        killed.kill()
        self.wait_for(lambda: self.state(task_id) == "completed")
        self.assertIn("taken over", self.log())

    def test_a_full_disk_holds_work_up_and_loses_none(self):
        disk = self.small_disk("disk", "60m")  # The log alone has 16 MiB in reserve.
        env = self.env(WRENCH_DATA_DIR=os.path.join(disk, "data"))
        self.write("waits.yaml", "inputs: {text: {type: string, default: none}}\n"
                                 "steps: [{step_id: a, wait: {on: until, after: 3s}}, {step_id: b, wait: {on: until, after: 1ms}}]\n"
                                 "output: {letters: {$expr: size(inputs.text)}}\n")
        self.serve("--no-backups", env=env)

        def order(*inputs):
            done = self.run_wrench("playbook", "run", "waits.yaml", "--fresh", "--detach", "--json", *inputs, env=env)
            if done.code == 0:
                accepted.append(done.json()["task_id"])
            return done

        def states():
            listed = self.run_wrench("task", "list", "--json", env=env)
            self.assertEqual(listed.code, 0, listed.err)
            return {task["task_id"]: task["state"] for task in listed.json()["data"]}

        accepted = []
        self.assertEqual(order().code, 0)
        with open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
            with contextlib.suppress(OSError):
                while True:
                    filler.write(b"x" * 65536)
        refused = None
        for _ in range(100):
            self.write("text", os.urandom(500_000).hex())
            refused = order("--input", "text=@text")
            if refused.code != 0:
                break
        self.assert_fails(refused, 3, "space")
        self.assertEqual(set(states()), set(accepted), "reads are served")
        os.unlink(os.path.join(disk, "filler"))
        self.wait_for(lambda: set(states().values()) == {"completed"})
        self.assertEqual(set(states()), set(accepted))
        self.assertEqual(order().code, 0, "writing goes on by itself")
        self.wait_for(lambda: set(states().values()) == {"completed"})
        checked = self.run_wrench("store", "check", env=env)
        self.assertEqual(checked.code, 0, checked.out)

    def test_leaves_what_a_person_interrupted(self):
        self.git_project()
        self.assertEqual(self.interrupt(signal.SIGINT, "review", "shop", *self.quick).code, 130)
        task_id = self.run_wrench("task", "list", "--json").json()["data"][0]["task_id"]
        server = self.serve()
        self.project("other")
        other = self.leave("review", "other", *self.quick)
        self.wait_for(lambda: self.state(other["task_id"]) == "completed")
        self.assertEqual(self.state(task_id), "running", "interrupted")
        self.stop(server)

    def test_its_work_goes_on_after_a_restart(self):
        self.git_project()
        server = self.serve(env=self.slow_git())
        task_id = self.leave_review()["task_id"]
        self.wait_for(lambda: os.path.exists(self.at("began")))
        self.stop(server)
        self.assertIn("interrupted", self.run_wrench("task", "list").out)
        self.serve()
        self.wait_for(lambda: self.state(task_id) == "completed")

    def test_pauses_and_resumes_what_it_runs(self):
        self.git_project()
        self.serve(env=self.slow_git())
        task_id = self.leave_review()["task_id"]
        self.wait_for(lambda: os.path.exists(self.at("began")))
        self.assertEqual(self.run_wrench("task", "pause", "--now", task_id).code, 0)
        self.wait_for(lambda: self.state(task_id) == "paused")
        os.unlink(self.at("slow/git"))
        resumed = self.run_wrench("task", "resume", task_id)
        self.assertEqual(resumed.code, 0, resumed.err)
        self.assertIn("goes on in the process that runs it", resumed.err)
        self.wait_for(lambda: self.state(task_id) == "completed")

    DEAD = """\
name: Dead
inputs: {tree: {type: any}}
steps:
  - {step_id: a, agent: code_analysis, operation: analyze, parameters: {tree: {$from: tree}}, retry: 1}
  - {step_id: b, agent: code_analysis, operation: analyze, parameters: {tree: {$from: tree}}, needs: [], retry: 1}
"""

    def dead(self, *words):
        return self.run_wrench("task", "dead", *words)

    def test_people_decide_about_steps_that_were_given_up(self):
        self.write("dead.yaml", self.DEAD)
        done = self.run_wrench("playbook", "run", "dead.yaml", "--input", 'tree={"root": "/"}',
                               "--on-exhausted", "dead_letter", "--json")
        self.assertEqual(done.code, 7, done.err)
        listed = self.dead("list", "--json").json()["data"]
        self.assertEqual([(row["step"], row["state"]) for row in listed], [(1, "dead"), (2, "dead")])
        self.assertEqual(listed[0]["error"]["code"], "agent.input_invalid")
        task = listed[0]["task"]
        self.assertIn("agent.input_invalid", self.dead("list", task[-6:]).out)
        self.assert_fails(self.dead("skip"), 2, "say which steps")
        self.assertEqual(self.dead("list", "--code", "io.*").out, "No step waits for a decision.\n")
        self.assertEqual(len(self.dead("skip", "--all", "--dry-run", "--json").json()["data"]), 2)
        self.assertEqual(len(self.dead("list", "--json").json()["data"]), 2)
        self.assertEqual(len(self.dead("skip", task, "--step", "1", "--json").json()["data"]), 1)
        # Tried again in whichever process runs the task, it fails again.
        self.serve()
        self.wait_for(lambda: len(self.dead("list", "--json").json()["data"]) == 1)
        self.assertEqual(len(self.dead("retry", "--capability", "code_analysis.*", "--json").json()["data"]), 1)
        journal = lambda: [e["kind"] for e in self.run_wrench("task", "journal", task, "--json").json()["data"]]
        self.wait_for(lambda: journal().count("decision") == 2 and self.state(task) == "waiting")
        self.assertEqual(len(self.dead("give-up", "--code", "agent.*", "--json").json()["data"]), 1)
        self.wait_for(lambda: self.state(task) == "failed")
        self.assertEqual(self.dead("list", "--json").json()["data"], [])

    def test_people_give_steps_their_outputs(self):
        self.write("dead.yaml", self.DEAD.replace("analyze", "check_security") + "output: {a: {$from: a}}\n")
        done = self.run_wrench("playbook", "run", "dead.yaml", "--input", 'tree={"root": "/"}',
                               "--on-exhausted", "dead_letter", "--json")
        self.assertEqual(done.code, 7, done.err)
        task = self.dead("list", "--json").json()["data"][0]["task"]
        self.assertIn("resolve ID STEP --value JSON", self.dead("list").out)
        self.assert_fails(self.dead("resolve", task, "a"), 2, "which output")
        self.assert_fails(self.dead("resolve", task, "a", "--value", "{"), 2, "not JSON")
        self.assert_fails(self.dead("resolve", task, "a", "--value", "@nothing.json"), 3, "nothing.json")
        self.assert_fails(self.dead("resolve", task, "a", "--value", "{}"), 2, "workflow.output_invalid", "security_check")
        self.assert_fails(self.dead("resolve", task, "c", "--value", "{}"), 5, "no step 'c'", "task dead list")
        self.assertEqual(len(self.dead("list", "--json").json()["data"]), 2, "nothing changed")
        given = self.dead("resolve", task, "2", "--value", '{"security_check": []}', "--json")
        self.assertEqual(given.code, 0, given.err)
        self.assertEqual(given.json()["schema"], "wrench.task_dead_resolve/1")
        self.assertEqual((given.json()["data"]["node"], given.json()["data"]["output_checked"]), ("b", True))
        self.assert_fails(self.dead("resolve", task, "2", "--value", "{}"), 5, "waits for a decision")
        self.serve()
        self.wait_for(lambda: '"dead_letter"' in self.run_wrench("task", "show", task, "--json").out)
        found = [{"rule": "by-hand", "why": "x" * 3000}]
        self.write("found.json", json.dumps({"security_check": found}))
        self.assertIn("resolved  ", self.dead("resolve", task, "a", "--value", "@found.json").out)
        self.wait_for(lambda: self.state(task) == "completed")
        outputs = self.run_wrench("task", "steps", task, "--outputs", "--step", "a", "--json").json()
        self.assertEqual(outputs["data"][0]["output"], {"security_check": found})
        entries = self.run_wrench("task", "journal", task, "--json").json()["data"]
        self.assertEqual([(e["actor"], e["data"]) for e in entries if e["kind"] == "decision"],
                         [("user", {"to": "completed"})] * 2)

    def test_has_agents_answer_messages(self):
        self.git_project()
        server = self.serve()
        answer = self.ask_the_journey()
        self.assertEqual((answer["sender"], answer["message_type"]), ("agent:journey", "finding.evidence"))
        self.assertEqual([e["author"] for e in answer["content"]["evidence"]], ["Ada"])
        self.stop(server)

    def test_goes_on_with_what_is_left_of_deleted_tasks(self):
        self.project()
        self.assertEqual(self.review("shop", "--fail-on", "none").code, 0)
        store = sqlite3.connect(self.at("data/store.db"))
        self.addCleanup(store.close)
        with store:
            for step in range(1, 12_001):
                store.execute("INSERT INTO steps (execution_id, step_no, node, state, attempt, lost, epoch, deps_left, output_seq,"
                              " flags) VALUES (999, ?, 0, 6, 1, 0, 1, 0, 0, 0)", (step,))
            store.execute("INSERT INTO purge_queue VALUES (0, 999, 'exe_X'), (1, 999, 'tsk_X')")
        left = lambda: store.execute("SELECT (SELECT count(*) FROM purge_queue), (SELECT count(*) FROM steps"
                                     " WHERE execution_id = 999)").fetchone()
        server = self.serve()
        self.wait_for(lambda: left() == (0, 0))
        self.wait_for(lambda: "deleted what tasks had left: 12000 rows" in self.log())
        self.stop(server)

    def test_one_process_serves(self):
        server = self.serve()
        done = self.run_wrench("serve")
        self.assert_fails(done, 2, "cli.already_served", f"pid {server.pid}")
        server.kill()
        server.wait()
        self.stop(self.serve(), signal.SIGINT)

    def test_a_detached_task_runs_by_the_mock_of_its_server(self):
        self.write("mock.yaml", "shop.pay: {outputs: {paid: true}, effect: guarded, effect_log: effects.jsonl}\n")
        self.write("pay.yaml", "- {step_id: pay, agent: shop, operation: pay}\n")
        done = self.run_wrench("playbook", "run", "pay.yaml", "--mock", "mock.yaml", "--detach", "--json")
        self.assertEqual((done.code, "must be given it, too" in done.err), (0, True), done.err)
        task = done.json()["task_id"]
        server = self.serve("--mock", "mock.yaml")
        self.assertEqual(self.run_wrench("task", "wait", task).code, 0)
        self.stop(server)
        with open(self.at("effects.jsonl"), encoding="utf-8") as file:
            (effect,) = map(json.loads, file)
        self.assertEqual((effect["task"], effect["effect"], effect["pid"]), (task, "guarded", server.pid))
        self.write("mock.yaml", "shop.pay: {outputs: 1, effect: guarded, effect_log: ../effects.jsonl}\n")
        self.assert_fails(self.run_wrench("serve", "--mock", "mock.yaml"), 2, "mock.yaml:1:", "working directory")

    def get(self, path, host=None):
        """Status, content type and text of what the server says to monitoring."""
        found = re.search(r"metrics at http://127\.0\.0\.1:(\d+)/metrics", self.log())
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()

    def test_answers_monitoring(self):
        self.project()
        process = self.serve("--metrics-listen", "127.0.0.1:0")
        self.wait_for(lambda: "metrics at" in self.log())
        self.assertEqual(self.get("/health"), (200, "application/json", '{"status":"healthy"}\n'))
        status, _, text = self.get("/readyz")
        self.assertEqual((status, json.loads(text)["status"]), (200, "ready"))
        task_id = self.leave_review()["task_id"]
        self.wait_for(lambda: self.state(task_id) == "completed")
        # Processes tell their figures once a second.
        self.wait_for(lambda: "wrench_flush_seconds" in self.get("/metrics")[2])
        status, kind, text = self.get("/metrics")
        self.assertEqual((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"))
        names = set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                names.add(line.split()[2])
                continue
            if line.startswith("#"):
                continue
            name, value = re.fullmatch(r'([a-z_:]+)(?:\{[^{}]*\})? (\S+)', line).groups()
            float(value)
            self.assertTrue({name, re.sub("_(bucket|sum|count)$", "", name)} & names, line)
        self.assertTrue({"wrench_processes", "wrench_tasks", "wrench_flush_seconds"} <= names, names)
        self.assertEqual(self.get("/metrics", host="evil.example")[0], 421)
        self.assertEqual(self.get("/api")[0], 404)
        self.stop(process)

    def test_says_why_it_cant_answer_monitoring(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        done = self.run_wrench("serve", "--metrics-listen", f"127.0.0.1:{port}")
        self.assert_fails(done, 3, "in use", str(port))
        for wrong in ("9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:9464x"):
            self.assert_fails(self.run_wrench("serve", "--metrics-listen", wrong), 2, "--metrics-listen")

    def test_a_detached_task_needs_a_place(self):
        self.project()
        nowhere = self.env(HOME=None, WRENCH_DATA_DIR=None)
        self.assert_fails(self.review("shop", "--detach", env=nowhere), 2, "WRENCH_DATA_DIR")


if __name__ == "__main__":
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
