#!/usr/bin/env python3
"""wrench worker and --database: tasks of one PostgreSQL database, created by one process and run by others.

    WRENCH_TEST_POSTGRES=PATH_OF_WRENCH_TEST_POSTGRES tests/cli/worker_test.py PATH_OF_WRENCH [TEST...]
"""
import os
import signal
import subprocess
import sys
import unittest

from harness import TIMEOUT_S, CliTest

PLAYBOOK = """\
name: ship
steps:
  - {step_id: build, agent: builder, operation: build}
  - {step_id: ask, wait: {on: approval, title: ship it?, role: any}}
  - {step_id: ship, agent: builder, operation: ship}
"""
MOCK = """\
builder.build: {outputs: {size: 3}, delay: 20ms}
builder.ship: {outputs: {passed: true}, effect: guarded}
"""


class Workers(CliTest):
    def setUp(self):
        super().setUp()
        self.write("ship.yaml", PLAYBOOK)
        self.write("ship.mock.yaml", MOCK)

    def test_a_data_directory_has_no_workers(self):
        self.assert_fails(self.run_wrench("worker"), 2, "PostgreSQL", "--database")
        self.assert_fails(self.run_wrench("worker", "--slots", "gpu=1"), 2, "cpu=8,io=64,llm=16")
        self.assert_fails(self.run_wrench("worker", "--slots", "cpu=0"), 2, "from 1 to 1000")

    def test_a_database_that_is_away(self):
        done = self.run_wrench("worker", "--database", "postgresql://me:secret@127.0.0.1:1/none")
        self.assert_fails(done, 9, "127.0.0.1")
        self.assertNotIn("secret", done.out + done.err)

    def test_workers_run_what_others_create(self):
        env = self.env(WRENCH_DATABASE_URL=self.start_database(), WRENCH_DATA_DIR=None)
        self.assertEqual(self.run_wrench("worker", "--once", env=env).code, 0)
        worker = subprocess.Popen([self.wrench, "worker", "--mock", "ship.mock.yaml", "--slots", "cpu=1,io=2"], cwd=self.dir,
                                  env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(worker.stderr.close)
        self.addCleanup(worker.kill)
        run = ("playbook", "run", "ship.yaml", "--mock", "ship.mock.yaml", "--json")
        self.assertEqual(self.run_wrench(*run, env=env).code, 7)
        wait = self.run_wrench("approval", "list", "--json", env=env).json()["data"][0]["wait_id"]
        decided = self.run_wrench("approval", "approve", wait, env=env)
        self.assertEqual(decided.code, 0, decided.err)
        self.assertNotIn("resume", decided.out)
        task = self.run_wrench("task", "list", "--json", env=env).json()["data"][0]
        self.assertFalse(task["interrupted"])
        self.assertEqual(self.run_wrench("task", "watch", task["task_id"], env=env).code, 0)
        top = self.run_wrench("top", "--json", env=env).json()
        self.assertEqual([(p["role"], p["pid"]) for p in top["processes"]], [("worker", worker.pid)])
        self.assertEqual([end["task_id"] for end in top["ended"]], [task["task_id"]])
        shown = self.run_wrench("task", "report", task["task_id"], env=env)
        self.assertIn("passed", shown.out)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(TIMEOUT_S), 0)
        self.assertIn("works as boot_", worker.stderr.read())
        self.assertFalse(os.path.exists(self.at("data")))

    def test_people_give_steps_of_workers_their_outputs(self):
        env = self.env(WRENCH_DATABASE_URL=self.start_database(), WRENCH_DATA_DIR=None)
        self.write("fails.mock.yaml", "builder.build: {outputs: [{$fail: no disk}]}\nbuilder.ship: {outputs: {passed: true}}\n")
        self.write("ship.yaml", """\
name: ship
steps:
  - {step_id: build, agent: builder, operation: build}
  - {step_id: ship, agent: builder, operation: ship, parameters: {size: {$from: build.size}}}
output: {built: {$from: build}}
""")
        worker = subprocess.Popen([self.wrench, "worker", "--mock", "fails.mock.yaml"], cwd=self.dir, env=env,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(worker.communicate)
        self.addCleanup(worker.kill)
        done = self.run_wrench("playbook", "run", "ship.yaml", "--mock", "fails.mock.yaml", "--on-exhausted", "dead_letter", env=env)
        self.assertEqual(done.code, 7, done.err)
        task = self.run_wrench("task", "list", "--json", env=env).json()["data"][0]["task_id"]
        given = self.run_wrench("task", "dead", "resolve", task, "build", "--value", '{"size": 3}', env=env)
        self.assertEqual(given.code, 0, given.err)
        self.assertIn("The output wasn't checked", given.out)
        self.assertEqual(self.run_wrench("task", "wait", task, env=env).code, 0)
        built = self.run_wrench("task", "steps", task, "--outputs", "--step", "build", "--json", env=env).json()["data"]
        self.assertEqual([step["output"] for step in built], [{"size": 3}])
        self.git_project()
        self.assertEqual([e["author"] for e in self.ask_the_journey(env=env)["content"]["evidence"]], ["Ada"])
        goal = self.run_wrench("task", "create", "find secrets", "--input", "tree=shop", "--wait", "--json", env=env)
        self.assertEqual(goal.code, 0, goal.err)
        self.assert_fails(self.run_wrench("task", "create", "find secrets", "--here", env=env), 2, "run by workers")
        deleted = self.run_wrench("task", "delete", task, "--json", env=env)
        self.assertEqual((deleted.code, deleted.json()["complete"]), (0, True), deleted.err)
        self.assert_fails(self.run_wrench("task", "show", task, env=env), 5, "workflow.task_not_found")

    def test_steps_run_where_their_labels_are_offered(self):
        env = self.env(WRENCH_DATABASE_URL=self.start_database(), WRENCH_DATA_DIR=None)
        self.write("train.yaml", "name: train\nsteps:\n  - {step_id: train, agent: builder, operation: build, requires: {gpu: yes}}\n")

        def work(*flags, **more):
            worker = subprocess.Popen([self.wrench, "worker", "--mock", "ship.mock.yaml", *flags], cwd=self.dir,
                                      env={**env, **more}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.addCleanup(worker.communicate)
            self.addCleanup(worker.kill)
            return worker

        self.assert_fails(self.run_wrench("worker", "--labels", "gpu", env=env), 2, "--labels: 'gpu' is no label", "os=linux")
        work("--labels", "os=linux")
        ordered = subprocess.Popen([self.wrench, "playbook", "run", "train.yaml", "--mock", "ship.mock.yaml"], cwd=self.dir,
                                   env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(ordered.wait)
        self.addCleanup(ordered.kill)
        self.wait_for(lambda: self.run_wrench("task", "list", "--json", env=env).json()["data"])
        task = self.run_wrench("task", "list", "--json", env=env).json()["data"][0]["task_id"]
        self.wait_for(lambda: "no worker offers gpu=yes" in self.run_wrench("task", "show", task, env=env).out)
        step = self.run_wrench("task", "show", task, "--json", env=env).json()["steps"][0]
        self.assertEqual((step["state"], step["requires"], step["unserved"]), ("ready", "gpu=yes", True))
        top = self.run_wrench("top", "--json", env=env).json()
        self.assertEqual([(q["queue"], q["requires"], q["unserved"]) for q in top["queues"]],
                         [("requires:io:gpu=yes", "gpu=yes", True)])
        self.assertEqual([p["labels"] for p in top["processes"]], ["os=linux"])
        self.assertIn("which no worker offers", self.run_wrench("top", "--once", env=env).out)
        work(WRENCH_LABELS="gpu=yes")
        self.assertEqual(ordered.wait(TIMEOUT_S), 0)
        self.assertEqual(self.run_wrench("top", "--json", env=env).json()["queues"], [])

    def test_on_one_machine_labels_are_those_of_the_process(self):
        self.write("train.yaml", "name: train\nsteps:\n  - {step_id: train, agent: builder, operation: build, requires: {gpu: yes}}\n")
        run = ("playbook", "run", "train.yaml", "--mock", "ship.mock.yaml")
        refused = self.run_wrench(*run)
        self.assertEqual(refused.code, 1)
        self.assertIn("it requires a process with gpu=yes; this one offers no labels", refused.out + refused.err)
        self.assertEqual(self.run_wrench(*run, "--labels", "gpu=yes", "--fresh").code, 0)
        self.assertEqual(self.run_wrench(*run, "--fresh", env=self.env(WRENCH_LABELS="gpu=yes")).code, 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
