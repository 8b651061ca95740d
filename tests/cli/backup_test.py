#!/usr/bin/env python3
"""wrench backup: what was acknowledged comes back, whatever happens to the file, the disk or the process.

    tests/cli/backup_test.py PATH_OF_WRENCH [TEST...]
"""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import NOBODY, TIMEOUT_S, CliTest, default_signals

# Steps of half a second: something is always open when the backup is taken.
SLOW = """\
name: slow
steps:
  - {step_id: one, agent: worker, operation: work}
  - {step_id: two, agent: worker, operation: work}
  - {step_id: three, agent: worker, operation: count}
output: {n: {$from: three.n}}
"""
MOCK = """\
worker.work: {outputs: {done: true}, delay: 500ms}
worker.count: {outputs: {n: 3}, delay: 5ms}
"""
QUICK = "name: quick\nsteps: [{step_id: one, agent: worker, operation: count}]\n"


class Backups:
    def setUp(self):
        super().setUp()
        self.write("slow.yaml", SLOW)
        self.write("quick.yaml", QUICK)
        self.write("mock.yaml", MOCK)
        self.key = self.write("backup.key", "0123456789abcdef" * 4 + "\n")

    def playbook(self, name="quick.yaml", **options):
        return self.run_wrench("playbook", "run", name, "--mock", "mock.yaml", "--json", "--progress", "none", **options)

    def backup(self, *words, code=0, **options):
        done = self.run_wrench("backup", *words, **options)
        self.assertEqual(done.code, code, done.err or done.out)
        return done

    def create(self, *words):
        return self.backup("create", "--json", *words).json()["backup"]

    def elsewhere(self, name="other"):
        return self.env(WRENCH_DATA_DIR=self.at(name))

    def tasks(self, env=None):
        listed = self.run_wrench("task", "list", "--json", env=env)
        self.assertEqual(listed.code, 0, listed.err)
        return listed.json()["data"]


class BackupRounds(Backups, CliTest):
    def test_work_that_was_interrupted_by_a_backup_goes_on_elsewhere(self):
        self.assertEqual(self.playbook().code, 0)
        process = subprocess.Popen([self.wrench, "playbook", "run", "slow.yaml", "--mock", "mock.yaml", "--json"], cwd=self.dir,
                                   env=self.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.wait_for(lambda: len(self.tasks()) == 2)
        made = self.backup("create", "--verify", "--json").json()
        self.assertTrue(made["passed"])
        self.assertEqual(made["backup"]["status"], "verified")
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        undisturbed = json.loads(out)

        restored = self.backup("restore", "--latest", "--into", self.at("other"), "--json").json()
        self.assertEqual(restored["executions_held"], 1)
        env = self.elsewhere()
        slow = self.tasks(env)[0]
        self.assertEqual((slow["title"], slow["state"], slow["wait_reason"]), ("slow", "waiting", "restored"))
        # Not by the same command, not by a resume of everything: only by its name.
        self.assert_fails(self.run_wrench("playbook", "run", "slow.yaml", "--mock", "mock.yaml", env=env), 7,
                          "restored from a backup", "wrench task resume " + slow["task_id"])
        everything = self.run_wrench("task", "resume", env=env)
        self.assertIn("was restored from a backup", everything.err)
        self.assertEqual(self.tasks(env)[0]["state"], "waiting")
        # The mock is the playbook's own runner, which `task resume` doesn't have: a cancel and a new start do.
        self.assertEqual(self.run_wrench("task", "cancel", slow["task_id"], env=env).code, 0)
        again = self.playbook("slow.yaml", env=env)
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual(again.json()["output"], undisturbed["output"])

    def test_a_review_that_was_interrupted_goes_on_where_its_backup_is_restored(self):
        project = self.git_project()
        process = self.begin("review", project, *self.quick, "--json")
        made = self.create()
        process.kill()
        process.communicate()
        self.backup("restore", made["name"], "--into", self.at("other"))
        env = self.elsewhere()
        task = self.tasks(env)[0]
        self.assertEqual(task["wait_reason"], "restored")
        resumed = self.run_wrench("task", "resume", task["task_id"], env=env)
        undisturbed = self.review(project, "--json", env=self.env(WRENCH_DATA_DIR=self.at("undisturbed")))
        self.assertEqual(resumed.code, undisturbed.code, resumed.err)
        report = self.run_wrench("task", "report", task["task_id"], "--json", env=env).json()
        found = [finding["fingerprint"] for finding in report["findings"]]
        self.assertEqual(found, [finding["fingerprint"] for finding in undisturbed.json()["findings"]])

    def test_replace_keeps_what_was_there(self):
        self.playbook()
        made = self.create()
        self.write("second.yaml", QUICK.replace("quick", "second"))
        self.playbook("second.yaml")
        self.assertEqual(len(self.tasks()), 2)
        self.assert_fails(self.backup("restore", made["name"], code=2), 2, "--into DIR, or --replace")
        self.assert_fails(self.backup("restore", made["name"], "--into", self.at("data"), code=6), 6, "holds a store already")
        restored = self.backup("restore", made["name"], "--replace", "--json").json()
        self.assertEqual(len(self.tasks()), 1)
        self.assertTrue(os.path.exists(restored["kept"]))
        self.assertGreater(restored["epoch"], 1)
        shutil.copytree(self.at("data"), self.at("before"), ignore=shutil.ignore_patterns("store.*"))
        for suffix in ("", "-wal"):
            if os.path.exists(restored["kept"] + suffix):
                shutil.copy(restored["kept"] + suffix, self.at("before/store.db" + suffix))
        self.assertEqual(len(self.tasks(self.elsewhere("before"))), 2)

    def test_nobody_is_replaced_under_his_feet(self):
        self.playbook()
        made = self.create()
        process = self.begin("review", self.git_project(), *self.quick)
        self.assert_fails(self.backup("restore", made["name"], "--replace", code=6), 6, "a process works with the store")
        process.kill()

    def test_another_store_needs_a_word_more(self):
        self.playbook()
        made = self.create()
        self.playbook(env=self.elsewhere())
        words = ["restore", made["path"], "--replace"]
        self.assert_fails(self.backup(*words, code=6, env=self.elsewhere()), 6, "is of another store", "--force-store")
        self.backup(*words, "--force-store", env=self.elsewhere())

    def test_another_user_can_restore_what_he_can_read(self):
        options = self.as_nobody()
        if not options:
            self.skipTest("needs root")
        self.playbook()
        made = self.create()
        shutil.copy(made["path"], self.at("nobody/b.wbk"))
        os.chown(self.at("nobody/b.wbk"), NOBODY, NOBODY)
        os.chown(self.at("nobody"), NOBODY, NOBODY)
        self.backup("restore", self.at("nobody/b.wbk"), "--into", self.at("nobody/new"), **options)
        self.assert_fails(self.backup("verify", made["path"], code=3, **options), 3, "ermission denied")

    def test_encrypted(self):
        self.playbook()
        made = self.create("--encrypt-key", self.key)
        self.assertTrue(made["encrypted"])
        self.assertIn("unverified, encrypted", self.backup("list").out)
        other = self.write("other.key", "f" * 64)
        bad = self.write("bad.key", "hunter2")
        self.assert_fails(self.backup("verify", "--latest", code=2), 2, "--encrypt-key")
        self.assert_fails(self.backup("verify", "--latest", "--encrypt-key", other, code=4), 4, "another key")
        self.assert_fails(self.backup("verify", "--latest", "--encrypt-key", bad, code=2), 2, bad, "64 hex digits")
        self.assertIn("restores", self.backup("verify", "--latest", "--encrypt-key", self.key).out)
        self.backup("restore", "--latest", "--into", self.at("other"), "--encrypt-key", self.key)
        self.assertEqual(len(self.tasks(self.elsewhere())), 1)


class BackupFiles(Backups, CliTest):
    def test_nothing_to_back_up(self):
        self.assert_fails(self.backup("create", code=3), 3, "there is no store")
        self.assertFalse(os.path.exists(self.at("data/store.db")))
        self.assertIn("No backups", self.backup("list").out)
        self.assert_fails(self.backup("verify", "--latest", code=5), 5, "there is no backup")
        self.assert_fails(self.backup("verify", "nothing", code=5), 5, "there is no backup")
        self.assert_fails(self.backup("verify", code=2), 2, "--latest")

    def test_damage_is_found_and_named(self):
        self.playbook()
        made = self.create()
        with open(made["path"], "rb") as file:
            whole = file.read()
        dice = random.Random(5)
        for kind in ("flip", "cut", "zero", "empty", "other"):
            at = dice.randrange(len(whole))
            bad = {"flip": whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1:], "cut": whole[:at], "empty": b"",
                   "zero": whole[:at] + b"\0" * 64 + whole[at + 64:], "other": b"SQLite format 3\0" + whole[16:]}[kind]
            self.write("data/backups/bad.wbk", bad)
            self.assert_fails(self.backup("verify", "bad", code=1), 1, "bad.wbk", "damaged")
            self.assert_fails(self.backup("restore", "bad", "--into", self.at("other"), code=1), 1, "bad.wbk", "damaged")
            self.assertFalse(os.path.exists(self.at("other/store.db")), kind)
        self.assertEqual(self.backup("verify", made["name"]).code, 0)

    def test_names_and_files_are_hostile(self):
        self.playbook()
        self.create()
        self.write("data/backups/\x1b[31mred.wbk", "x")
        os.mkdir(self.at("data/backups/folder.wbk"))
        os.mkfifo(self.at("data/backups/pipe.wbk"))
        self.assertIn("isn't whole", self.backup("list").out)
        self.backup("list", "--json")
        self.backup("prune", "--dry-run")
        self.assert_fails(self.backup("verify", "pipe", code=5), 5, "is no file")

    def test_prune(self):
        self.playbook()
        for _ in range(3):
            self.create()
        self.backup("verify", self.backup("list", "--json").json()["data"][2]["name"])
        self.assertEqual(self.backup("prune", "--dry-run").out.count("remove "), 1)
        self.assertEqual(len(self.backup("list", "--json").json()["data"]), 3)
        self.backup("prune")
        left = self.backup("list", "--json").json()["data"]
        self.assertEqual([backup["status"] for backup in left], ["unverified", "verified"])

    def test_a_full_disk_leaves_nothing(self):
        self.playbook()
        disk = self.small_disk("small", "64k")
        self.assert_fails(self.backup("create", "--to", disk, code=3), 3)
        self.assertEqual([name for name in os.listdir(disk) if not name.startswith(".wrench-backup.lock")], [])
        made = self.create()
        self.assert_fails(self.backup("verify", made["name"], "--scratch", disk, code=3), 3, "free")
        self.assert_fails(self.backup("restore", made["name"], "--into", disk + "/new", code=3), 3, "free")

    def test_a_folder_that_takes_no_writes(self):
        options = self.as_nobody()
        if not options:
            self.skipTest("needs root")
        self.playbook(**options)
        os.mkdir(self.at("locked"), 0o755)
        self.assert_fails(self.backup("create", "--to", self.at("locked"), code=3, **options), 3, "locked")


class BackupKills(Backups, CliTest):
    """SIGKILL at moments spread over the whole life of a backup and of a restore."""
    KILLS = 12

    def fill(self):
        for i in range(6):
            self.write(f"p{i}.yaml", QUICK.replace("quick", f"number {i}"))
            self.assertEqual(self.playbook(f"p{i}.yaml").code, 0)

    def killed_after(self, seconds, *words):
        process = subprocess.Popen([self.wrench, *words], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == -9

    def life(self, *words):
        began = time.monotonic()
        self.assertEqual(self.run_wrench(*words).code, 0)
        return time.monotonic() - began

    def test_of_a_backup(self):
        self.fill()
        life = self.life("backup", "create")
        killed = 0
        for i in range(self.KILLS):
            killed += self.killed_after(life * (i + 1) / self.KILLS, "backup", "create")
            for backup in self.backup("list", "--json").json()["data"]:
                self.assertNotIn("problem", backup)
        self.assertGreater(killed, 0)
        self.assertEqual(len(self.tasks()), 6)
        self.create()
        left = sorted(os.listdir(self.at("data/backups")))
        self.assertEqual([name for name in left if not name.endswith(".wbk")], [".wrench-backup.lock"])
        for path in glob.glob(self.at("data/backups/*.wbk")):
            self.backup("verify", path)

    def test_of_a_restore(self):
        self.fill()
        made = self.create()
        self.write("seventh.yaml", QUICK.replace("quick", "seventh"))
        life = self.life("backup", "restore", made["name"], "--replace")
        killed = 0
        for i in range(self.KILLS):
            self.playbook("seventh.yaml")
            killed += self.killed_after(life * (i + 1) / self.KILLS, "backup", "restore", made["name"], "--replace")
            # The old store or the new one, never something between.
            self.assertIn(len(self.tasks()), (6, 7))
            self.backup("restore", made["name"], "--replace")
            self.assertEqual(len(self.tasks()), 6)
        self.assertGreater(killed, 0)
        self.assertEqual(glob.glob(self.at("data/.wrench-restore-*")), [])


class BackupsByItself(Backups, CliTest):
    def serve(self, *words):
        process = subprocess.Popen([self.wrench, "serve", *words], cwd=self.dir, env=self.env(), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=default_signals)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def stop(self, server):
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=TIMEOUT_S), 0)
        return server.stderr.read()

    def listed(self, *words):
        return self.backup("list", "--json", *words).json()["data"]

    def test_a_server_makes_one_a_day_and_verifies_it(self):
        self.assertEqual(self.playbook().code, 0)
        server = self.serve()
        self.wait_for(lambda: [backup["status"] for backup in self.listed()] == ["verified"])
        self.assertIn("backed up: wrench-", self.stop(server))
        again = self.serve()
        self.assertIn("serving", again.stderr.readline())
        self.wait_for(lambda: self.run_wrench("store", "stats", "--history", "1h", "--json").json()["data"])
        self.assertNotIn("backed up", self.stop(again))
        self.assertEqual(len(self.listed()), 1)
        self.backup("restore", "--latest", "--into", "drill")
        self.assertEqual(self.tasks(self.elsewhere("drill")), self.tasks())

    def test_a_server_puts_them_where_it_is_told_or_makes_none(self):
        self.stop(self.started("--no-backups"))
        self.assertEqual(self.listed(), [])
        server = self.serve("--backups", "elsewhere")
        self.wait_for(lambda: self.listed("--from", "elsewhere"))
        self.stop(server)
        self.assertEqual(self.listed(), [])

    def started(self, *words):
        server = self.serve(*words)
        self.assertIn("serving", server.stderr.readline())
        return server

    def test_a_server_tells_what_it_could_not_do(self):
        self.write("file", "in the way")
        server = self.serve("--backups", "file")
        self.wait_for(lambda: "can't back the store up" in server.stderr.readline())
        self.stop(server)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
