#!/usr/bin/env python3
"""What wrench does with bad input: a clear message, the documented exit code, nothing lost, nothing hung.

    tests/cli/cli_test.py PATH_OF_WRENCH [TEST...]
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import unittest
import xml.etree.ElementTree

from harness import RULES, TIMEOUT_S, CliTest, stable

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
DEPTH = 100_000
GIB = 1 << 30


class Paths(CliTest):
    def test_no_such_path(self):
        for command in (self.review, self.scan):
            self.assert_fails(command("nowhere"), 3, "nowhere: No such file or directory")
            self.assert_fails(command(""), 3, "empty")
        self.assert_fails(self.scan("nowhere", "neither"), 3, "nowhere", "neither")

    def test_a_path_that_is_no_text(self):
        missing = self.scan(b"\xff\x1b[31m", "--json")
        self.assert_fails(missing, 3, "No such file")
        self.assertEqual(missing.json()["exit_code"], 3)
        self.write(b"caf\xe9/a.py", "eval(1)\n")
        done = self.scan(b"caf\xe9", "--json")
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(len(done.json()["findings"]), 1)
        self.assert_fails(self.review(b"caf\xe9", "--json"), 3, "isn't UTF-8", "wrench scan")

    def test_no_permission(self):
        nobody = self.as_nobody()
        self.project()
        os.mkdir(self.at("closed"), 0o000)
        os.mkdir(self.at("shop/closed"), 0o000)
        os.chmod(self.write("shop/secret.py", "eval(2)\n"), 0o000)
        for command in (self.review, self.scan):
            self.assert_fails(command("closed", **nobody), 3, "closed: Permission denied")
            partial = command("shop", "--fail-on", "none", "--json", **nobody)
            self.assertEqual(partial.code, 10, partial.err)
            self.assertEqual([(p["code"], p["path"]) for p in partial.json()["partial"]],
                             [("file_unreadable", "shop/closed"), ("file_unreadable", "shop/secret.py")])
            self.assertEqual(len(partial.json()["findings"]), 1)
            self.assertEqual(command("shop", "--fail-on", "none", "--allow-partial", **nobody).code, 0)

    def test_nothing_to_analyse(self):
        os.mkdir(self.at("empty"))
        done = self.review("empty")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("Nothing to analyse", done.out)
        done = self.scan("empty")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("nothing to analyse", done.err)

    def test_no_file_and_no_folder(self):
        os.mkfifo(self.at("fifo"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.at("socket"))
            for path in ("fifo", "socket", "/dev/zero"):
                for command in (self.review, self.scan):
                    self.assert_fails(command(path), 3, "neither a file nor a folder")

    def test_links_and_special_files_inside(self):
        self.project()
        os.symlink("..", self.at("shop/up"))
        os.symlink("itself.py", self.at("shop/itself.py"))
        os.symlink("/etc/passwd", self.at("shop/out.py"))
        os.mkfifo(self.at("shop/fifo.py"))
        expected = {"shop/up": "symlink", "shop/itself.py": "symlink", "shop/out.py": "symlink",
                    "shop/fifo.py": "special_file"}
        if os.geteuid() == 0:
            try:
                os.mknod(self.at("shop/zero.py"), 0o20666, os.makedev(1, 5))
                expected["shop/zero.py"] = "special_file"
            except PermissionError:
                pass
        for command in (self.review, self.scan):
            done = command("shop", "--json")
            self.assertEqual(done.code, 1, done.err)
            self.assertEqual({s["path"]: s["reason"] for s in done.json()["skipped"]}, expected)
            self.assertEqual(len(done.json()["findings"]), 1)

    def test_names_that_attack_the_terminal(self):
        for name in (b"\xff\xfe.py", b"\x1b[31mred\x1b]0;title\x07.py", "\u202egnp.py".encode(), b"a\nb\r.py", b"<&\"'>.py"):
            self.write(b"shop/" + name, "eval(1)\n")
        for command in (self.review, self.scan):
            done = command("shop", "--all") if command == self.review else command("shop")
            self.assertEqual(done.code, 1, done.err)
            self.assertIn("\\x1b", done.out)
        for form in ("json", "sarif", "semgrep-json", "junit", "markdown", "html"):
            done = self.scan("shop", "--format", form, colored=form == "html")
            self.assertEqual(done.code, 1, done.err)
            self.assertNotIn("\x1b", done.out)
            if form in ("json", "sarif", "semgrep-json"):
                self.assertTrue(done.json())
            if form == "junit":
                self.assertEqual(len(xml.etree.ElementTree.fromstring(done.out).findall(".//failure")), 5)

    def test_a_path_longer_than_the_system_takes(self):
        self.project()
        at = os.open(self.at("shop"), os.O_RDONLY)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=at)
            below = os.open("d" * 200, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("deep.py", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        for command in (self.review, self.scan):
            done = command("shop", "--json", "--fail-on", "none")
            self.assertIn(done.code, (0, 10), done.err)
            self.assertEqual(len(done.json()["findings"]), 1)


class Content(CliTest):
    def test_a_gigabyte(self):
        self.project()
        with open(self.at("shop/big.py"), "wb") as file:
            file.truncate(GIB)
        for command in (self.review, self.scan):
            done = command("shop", "--json")
            self.assertEqual(done.code, 1, done.err)
            self.assertEqual(done.json()["skipped"], [{"path": "shop/big.py", "reason": "too_large"}])
        named = self.scan("shop/big.py", "--json")
        self.assertIn(named.code, (0, 10), named.err)
        self.assertIn("too_large", named.out)

    def test_a_file_that_takes_too_long_is_cut_in_time(self):
        self.write("slow.py", "(" * 10_000_000)
        self.write("line.js", "x = '" + "a" * (8 << 20) + "';\n")
        for name in ("slow.py", "line.js"):
            begun = time.monotonic()
            done = self.scan(name, "--json", "--file-timeout-ms", "200")
            self.assertIn(done.code, (0, 10), done.err)
            self.assertLess(time.monotonic() - begun, TIMEOUT_S / 4)
            if name == "slow.py":
                self.assertEqual([(p["code"], p["path"]) for p in done.json()["partial"]], [("file_timeout", name)])

    def test_text_that_attacks_the_reader(self):
        hostile = "</script><!-- ]]> ``` \x1b[31m \u202e ${jndi:x} <img src=x onerror=alert(1)>"
        self.write("shop/a.py", f"eval(input(), '{hostile}')\n")
        for form in ("text", "json", "sarif", "semgrep-json", "junit", "markdown", "html"):
            done = self.scan("shop", "--format", form, colored=form == "html")
            self.assertEqual(done.code, 1, done.err)
            self.assertNotIn("\x1b", done.out)
            self.assertNotIn("\u202e", done.out)
            if form in ("json", "sarif", "semgrep-json"):
                self.assertTrue(done.json())
            if form == "junit":
                self.assertEqual(len(xml.etree.ElementTree.fromstring(done.out).findall(".//failure")), 1)
            if form == "html":
                self.assertNotIn("<img src=x", done.out)
                self.assertEqual(done.out.count("</script>"), done.out.count("<script"))
            if form == "markdown":
                self.assertNotIn("<img src=x", re.sub(r"(?ms)^(`{4,})[^`].*?^\1$", "", done.out))

    def test_a_secret_in_what_a_rule_found_is_shown_nowhere(self):
        secret = "ghp_" + "R4nd0mW0rdsTh4tAr3N0tReal8x7Kq2Zp9Lm"[:36]
        self.write("shop/a.py", f"def f(x):\n    return eval('{secret}' + x)\n")
        self.write(f"shop/{secret}.py", "eval(input())\n")
        for form in ("text", "json", "sarif", "semgrep-json", "junit", "markdown", "html"):
            done = self.run_wrench("scan", "shop", "--rules", "rules.yaml", "--format", form, "--verbose", colored=form == "html")
            self.assertIn("own.eval-call", done.out)
            self.assertNotIn(secret, done.out.replace(f"shop/{secret}.py", ""), form)
        done = self.run_wrench("review", "shop", "--all", "--rules", self.at("rules.yaml"))
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("secrets.", done.out)
        self.assertNotIn(secret, done.out.replace(f"shop/{secret}.py", ""))
        for folder in ("data", "cache"):
            for path in glob.glob(self.at(folder + "/**"), recursive=True):
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(f"'{secret}'".encode(), file.read(), path)

    def test_binary_and_invalid_text(self):
        self.write("shop/nul.py", b"eval(1)\0\0\1" * 100)
        self.write("shop/latin.py", b"x = '\xff\xfe\xc3'\neval(x + f())\n")
        self.write("shop/cr.py", b"x = 1\reval(f())\r")
        self.write("shop/bom.py", b"\xef\xbb\xbfeval(f())\n")
        done = self.scan("shop", "--json")
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(done.json()["skipped"], [{"path": "shop/nul.py", "reason": "binary"}])
        self.assertEqual({f["path"] for f in done.json()["findings"]}, {"shop/latin.py", "shop/cr.py", "shop/bom.py"})
        self.assertEqual(self.review("shop", "--all").code, 1)

    def test_nesting_a_hundred_thousand_deep(self):
        round_, square = ("(" * DEPTH, ")" * DEPTH), ("[" * DEPTH, "]" * DEPTH)
        self.write("deep/a.py", f"x = {square[0]}{square[1]}\n")
        self.write("deep/a.js", f"let x = {square[0]}{square[1]};\n")
        self.write("deep/a.ts", "let x = " + "{a:\n" * DEPTH + "}" * DEPTH + ";\n")
        self.write("deep/a.c", f"int x = {round_[0]}1{round_[1]};\n")
        self.write("deep/a.cpp", "void f() " + "{\n" * DEPTH + "}\n" * DEPTH)
        self.write("deep/a.java", f"class A {{ int x = {round_[0]}1{round_[1]}; }}\n")
        self.write("deep/a.go", f"package a\nvar x = {round_[0]}1{round_[1]}\n")
        self.write("deep/open.py", "(" * DEPTH)
        self.write("deep/fine.py", "eval(f())\n")
        self.write("deep/a.json", square[0])
        self.write("deep/.wrenchignore", "a.json\n")
        for command in (self.review, self.scan):
            done = command("deep", "--json", "--fail-on", "none")
            self.assertIn(done.code, (0, 10), done.err)
            self.assertIn("deep/fine.py", [f["path"] for f in done.json()["findings"]])

    def test_files_that_change_and_vanish_meanwhile(self):
        for i in range(40):
            self.write(f"shop/{i}.py", "eval(f())\n" * (5 if i < 4 else 200))
        ended = threading.Event()

        def churn():
            i = 0
            while not ended.is_set():
                path = self.at(f"shop/{i % 4}.py")
                if i % 3 == 0 and os.path.exists(path):
                    os.unlink(path)
                elif i % 3 == 1:
                    os.truncate(path, 7) if os.path.exists(path) else None
                else:
                    self.write(f"shop/{i % 4}.py", "eval(g())\n" * (i % 30))
                i += 1

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for i in range(4):
                command = self.review if i % 2 else self.scan
                done = command("shop", "--json", "--fail-on", "none", *(["--fresh"] if i % 2 else []))
                self.assertIn(done.code, (0, 10), done.err)
                self.assertGreaterEqual(len(done.json()["findings"]), 36 * 200)
        finally:
            ended.set()
            thread.join()


class Git(CliTest):
    def test_not_a_repository(self):
        done = self.review(self.project())
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("no .git in the folder or above it", done.out)
        self.assert_fails(self.scan("shop", "--history"), 3, "--history", "isn't in a git repository")

    def test_broken_repositories(self):
        def break_head(git):
            self.write(git + "/HEAD", b"\xff\0garbage")

        def lose_objects(git):
            shutil.rmtree(self.at(git + "/objects"))
            os.mkdir(self.at(git + "/objects"))

        def break_index(git):
            self.write(git + "/index", b"DIRC\xff\xff\xff\xff" + b"\0" * 100)

        def break_config(git):
            self.write(git + "/config", "[core\nrepositoryformatversion = 99\n")

        def dangle(git):
            shutil.rmtree(self.at(git))
            self.write(git, "gitdir: /nowhere/at/all\n")

        def empty(git):
            shutil.rmtree(self.at(git))
            os.mkdir(self.at(git))

        self.git_project("whole")
        for number, harm in enumerate((break_head, lose_objects, break_index, break_config, dangle, empty)):
            name = f"shop{number}"
            shutil.copytree(self.at("whole"), self.at(name))
            harm(name + "/.git")
            for command, words in ((self.review, []), (self.scan, ["--history"])):
                with self.subTest(harm=harm.__name__, command=words):
                    done = command(name, "--json", *words)
                    self.assertIn(done.code, (1, 10), done.err)
                    self.assertEqual(len(done.json()["findings"]), 1)
                    if harm is not break_index:
                        self.assertRegex(" ".join(done.json()["notes"]), "git|history")

    def test_a_repository_without_commits(self):
        self.project()
        self.git("shop", "init", "-q")
        done = self.review("shop")
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("no commit", done.out)

    def test_a_lost_commit_is_told_from_none(self):
        self.git_project()
        self.git("shop", "gc", "-q")
        (pack,) = glob.glob(self.at("shop/.git/objects/pack/*.pack"))
        os.chmod(pack, 0o644)
        os.truncate(pack, 50)
        self.assertIn("missing or damaged", self.review("shop", env=self.env(COLUMNS="400")).out)
        done = self.scan("shop", "--history", "--fail-on", "none", "--json")
        self.assertEqual(done.code, 10, done.err)
        partial = done.json()["partial"]
        self.assertEqual({p["code"] for p in partial}, {"git_object_missing"})
        # What git says of commits, and of contents that may hold secrets.
        self.assertEqual(len({p["subject"] for p in partial}), 2, partial)
        self.assertEqual(self.scan("shop").code, 1)

    def test_shallow_and_bare_clones(self):
        self.git_project()
        self.git("shop", "commit", "-q", "--allow-empty", "-m", "More")
        self.git(".", "clone", "-q", "--depth", "1", f"file://{self.at('shop')}", "shallow")
        self.git(".", "clone", "-q", "--bare", "shop", "bare.git")
        for command in (self.review("shallow"), self.scan("shallow", "--history")):
            self.assertEqual(command.code, 1, command.err)
            self.assertIn("shallow", command.out)
        self.assertEqual(self.review("bare.git").code, 0)
        self.assertIn(self.scan("bare.git", "--history").code, (0, 3))

    def test_no_git_installed(self):
        self.git_project()
        os.mkdir(self.at("nothing"))
        env = self.env(PATH=self.at("nothing"), COLUMNS="400")
        for done in (self.review("shop", env=env), self.scan("shop", "--history", env=env)):
            self.assertEqual(done.code, 1, done.err)
            self.assertIn("git isn't installed", done.out)
        doctor = self.run_wrench("doctor", env=env)
        self.assertEqual(doctor.code, 0)
        self.assertIn("install git", doctor.out)

    def test_a_hostile_repository_runs_nothing(self):
        self.git_project()
        marker = self.at("marker")
        script = self.write("evil.sh", f"#!/bin/sh\n: > {marker}\n")
        os.chmod(script, 0o755)
        with open(self.at("shop/.git/config"), "a", encoding="utf-8") as config:
            config.write(f"""
[core]
  fsmonitor = {script}
  pager = {script}
  editor = {script}
  sshCommand = {script}
  hooksPath = {self.dir}/hooks
  alternateRefsCommand = {script}
  gitProxy = {script}
[diff]
  external = {script}
[diff "evil"]
  textconv = {script}
  command = {script}
[filter "evil"]
  clean = {script}
  smudge = {script}
  process = {script}
  required = true
[log]
  showSignature = true
[gpg]
  program = {script}
[pager]
  log = {script}
[alias]
  log = !{script}
  ls-files = !{script}
[include]
  path = {self.dir}/more.config
[uploadpack]
  packObjectsHook = {script}
[credential]
  helper = {script}
[remote "origin"]
  url = ext::{script}
  promisor = true
[extensions]
  partialClone = origin
""")
        self.write("more.config", f"[core]\n  fsmonitor = {script}\n")
        self.write("shop/.gitattributes", "* filter=evil diff=evil\n")
        for hook in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
            os.chmod(self.write("hooks/" + hook, f"#!/bin/sh\n: > {marker}\n"), 0o755)
        for done in (self.review("shop"), self.scan("shop", "--history")):
            self.assertEqual(done.code, 1, done.err)
            self.assertFalse(os.path.exists(marker), "a program named by the repository ran")

    def test_a_foreign_repository_is_not_read(self):
        self.git_project("private")
        self.project()
        self.write("shop/.git", f"gitdir: {self.at('private/.git')}\n")
        for done in (self.review("shop", "--json"), self.scan("shop", "--history", "--json")):
            self.assertEqual(done.code, 1, done.err)
            self.assertNotIn("ada@example.org", done.out)
            self.assertNotIn('"Ada"', done.out)


class Settings(CliTest):
    def test_a_broken_rule_file(self):
        self.project()
        self.write("bad.yaml", RULES_WITH_A_BAD_PATTERN)
        self.write("noyaml.yaml", "rules:\n  - id: [\n")
        for command in ("review", "scan"):
            done = self.run_wrench(command, "shop", "--rules", "bad.yaml", "--json")
            self.assert_fails(done, 2, "bad.yaml:3:", "pattern doesn't parse as Python")
            location = done.json()["location"]
            self.assertEqual((location["file"], location["line"]), ("bad.yaml", 3))
            self.assert_fails(self.run_wrench(command, "shop", "--rules", "noyaml.yaml"), 2, "noyaml.yaml:3:")
            self.assert_fails(self.run_wrench(command, "shop", "--rules", "missing.yaml"), 2, "missing.yaml")
        self.assertEqual(self.run_wrench("task", "list", "--json").json()["data"], [])

    def test_one_broken_rule_in_a_folder_leaves_the_others(self):
        self.project()
        shutil.copy(self.at("rules.yaml"), self.write("rules/good.yaml"))
        self.write("rules/bad.yaml", RULES_WITH_A_BAD_PATTERN)
        done = self.run_wrench("scan", "shop", "--no-builtin-rules", "--rules", "rules", "--json", "--fail-on", "none")
        self.assertEqual(done.code, 10, done.err)
        self.assertEqual([p["code"] for p in done.json()["partial"]], ["rule_invalid"])
        self.assertEqual(len(done.json()["findings"]), 1)

    def test_rules_that_would_harm(self):
        self.project()
        self.write("shop/long.py", f"x = '{'a' * 100_000}'\n")
        head = "    languages: [python]\n    message: m\n    severity: ERROR\n"
        for name, pattern, expected in (
            ("everything", "pattern: $X", "would match everything"),
            ("anything", "pattern: ...", "would match everything"),
            ("unknown", "patternz: f()", "no pattern"),
            ("open", 'pattern-regex: "(("', "doesn't compile"),
            ("twice", "pattern: f()\n    pattern: g()", "duplicate key 'pattern'"),
            ("long", f'pattern-regex: "{"a" * 100_000}"', "64 KiB"),
            ("huge", f'pattern-regex: "{"a" * 10_000_000}"', "larger than"),
        ):
            with self.subTest(name=name):
                self.write(f"{name}.yaml", f"rules:\n  - id: own.{name}\n    {pattern}\n{head}")
                done = self.run_wrench("scan", "shop", "--no-builtin-rules", "--rules", f"{name}.yaml")
                self.assert_fails(done, 2, f"{name}.yaml", expected)
                listed = self.run_wrench("rules", "list", "--no-builtin-rules", "--rules", f"{name}.yaml")
                self.assertIn(listed.code, (2, 10))
                self.assertIn("error: ", listed.err)
        self.write("slow.yaml", f"rules:\n  - id: own.slow\n    pattern-regex: (a+)+(?=b)$\n{head}")
        done = self.run_wrench("scan", "shop", "--no-builtin-rules", "--rules", "slow.yaml", "--json")
        self.assertEqual(done.code, 10, done.err)
        self.assertEqual([(p["code"], p["path"], p["subject"]) for p in done.json()["partial"]],
                         [("regex_limit", "shop/long.py", "own.slow")])
        self.write("cobol.yaml", RULES + "  - id: own.cobol\n    pattern: f()\n    languages: [cobol]\n    message: m\n"
                   "    severity: ERROR\n")
        done = self.run_wrench("scan", "shop", "--no-builtin-rules", "--rules", "cobol.yaml", "--fail-on", "none")
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("cobol", done.out)

    def test_rules_from_what_is_no_file(self):
        self.project()
        os.mkfifo(self.at("fifo.yaml"))
        for path in ("fifo.yaml", "/dev/zero"):
            for words in (["scan", "shop"], ["review", "shop"], ["rules", "list"]):
                self.assert_fails(self.run_wrench(*words, "--rules", path), 2, f"{path} is not a regular file")

    def test_a_rule_bomb(self):
        self.project()
        bomb = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
        self.write("bomb.yaml", bomb + "rules: *a11\n")
        self.assert_fails(self.run_wrench("scan", "shop", "--rules", "bomb.yaml"), 2, "bomb.yaml")
        self.write("deep.yaml", "rules: " + "[" * DEPTH)
        self.assert_fails(self.run_wrench("scan", "shop", "--rules", "deep.yaml"), 2, "deep.yaml")

    def test_a_broken_project_configuration(self):
        self.project()
        self.write("shop/.wrench.yaml", "rulez: 3\n")
        for command in (self.review, self.scan):
            self.assert_fails(command("shop"), 2, ".wrench.yaml:1:1: unknown key 'rulez'; did you mean 'rules'?")
            self.assertEqual(command("shop", "--no-project-config").code, 1)

    def test_wrong_words(self):
        self.project()
        for words, parts in (
            (["reviw"], ["unknown command", "did you mean 'wrench review'?"]),
            (["task", "lst"], ["did you mean 'wrench task list'?"]),
            (["review", "shop", "--formt", "json"], ["unknown flag '--formt'", "did you mean --format?"]),
            (["review", "shop", "-o", "report.html"], ["--format", "--output report.html"]),
            (["review", "shop", "--format", "jsn"], ["--format", "json"]),
            (["review", "shop", "--fail-on", "hgh"], ["--fail-on", "high"]),
            (["review", "shop", "--baseline"], ["--baseline"]),
            (["review", "shop", "--jobs", "0"], ["--jobs", "1 to 256"]),
            (["review", "shop", "--jobs", "9" * 30], ["--jobs"]),
            (["review", "shop", "--timeout", "5x"], ["5x"]),
            (["review", "shop", "--timeout", "0s"], ["--timeout", "'0s'"]),
            (["review", "shop", "--top", "many"], ["--top", "0 to 100000"]),
            (["review", "shop", "--top"], ["--top needs a value", "wrench review --help"]),
            (["review", "shop", "--agents", ""], ["--agents", "empty"]),
            (["review", "shop", "--all=no"], ["--all takes no value"]),
            (["review", "shop", "--json", "--format", "html"], ["contradict"]),
            (["--data-dir"], ["--data-dir needs a value"]),
            (["--format", "json", "review", "shop"], ["--format", "behind"]),
            (["--quite", "review", "shop"], ["did you mean --quiet?"]),
            (["help", "exit-code"], ["did you mean 'wrench help exit-codes'?"]),
            (["task"], ["needs a subcommand", "wrench help task"]),
            (["rules", "list", "--rules", "/dev/zero"], ["--rules", "not a regular file"]),
            (["rules", "list", "--rules", "shop"], ["--rules", "no rule file"]),
            (["review", "shop", "--data-dir", ""], ["--data-dir"]),
            (["review", "shop", "other"], ["takes one PATH", "other"]),
            (["scan", "shop", "--analyses", "rules,clnes"], ["did you mean clones?"]),
            (["task", "show"], ["wrench task show"]),
            (["task", "list", "--cursor", "zzz"], ["zzz"]),
            (["completion", "fash"], ["bash"]),
            (["help", "nope"], ["nope"]),
            (["\x1b[31m\u202e"], ["unknown command"]),
            (["review", "shop", "--output", "no/such/report.json"], ["--output: no/such: No such file or directory"]),
            (["review", "shop", "--output", "shop"], ["--output", "Is a directory"]),
        ):
            with self.subTest(words=words):
                self.assert_fails(self.run_wrench(*words), 2, *parts)
        self.assertEqual(self.run_wrench("task", "list", "--json").json()["data"], [])
        self.assert_fails(self.run_wrench("review", "shop", "--agents", "inspectr"), 5, "did you mean inspector?")
        self.assert_fails(self.run_wrench("agent", "show", "nope"), 5, "wrench agent list")

    def test_a_bad_baseline(self):
        self.project()
        whole = self.scan("shop", "--json").out
        self.write("whole.json", whole)
        self.write("cut.json", whole[: len(whole) // 2])
        self.write("other.json", '{"schema": "other/1"}')
        self.write("deep.json", "[" * DEPTH)
        with open(self.at("huge.json"), "wb") as file:
            file.truncate(300 << 20)
        for command in (self.review, self.scan):
            self.assertEqual(command("shop", "--baseline", "whole.json").code, 0)
            for name in ("cut.json", "other.json", "deep.json", "huge.json", "missing.json", "shop"):
                self.assert_fails(command("shop", "--baseline", name), 3, name)

    def test_no_gate(self):
        self.project()
        for command in (self.review, self.scan):
            self.assertEqual(command("shop").code, 1)
            self.assertEqual(command("shop", "--fail-on", "none").code, 0)
            self.assertEqual(command("shop", "--fail-on", "critical").code, 0)


RULES_WITH_A_BAD_PATTERN = """\
rules:
  - id: own.bad
    pattern: foo($X
    languages: [python]
    message: m
    severity: ERROR
"""


class Tasks(CliTest):
    def test_unknown_tasks(self):
        for word in ("show", "watch", "journal", "cancel", "resume", "retry"):
            self.assert_fails(self.run_wrench("task", word, "ABCDEF"), 5, "there is no task", "wrench task list")
        for task in ("x", "", "'; drop table tasks; --", "%%%%%%", "\x1b[31m"):
            self.assert_fails(self.run_wrench("task", "show", task), 5, "there is no task")

    def test_an_ambiguous_id_names_the_candidates(self):
        self.project()
        self.assertEqual(self.review("shop").code, 1)
        self.assertEqual(self.review("shop", "--fresh").code, 1)
        ids = [task["task_id"] for task in self.run_wrench("task", "list", "--json").json()["data"]]
        self.assertEqual(len(ids), 2)
        twin = ids[0][:-6] + ids[1][-6:]
        (store,) = glob.glob(self.at("data/*.db"))
        with sqlite3.connect(store) as db:  # Two ids that end alike are too rare to wait for.
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("UPDATE tasks SET task_id = ? WHERE task_id = ?", (twin, ids[0]))
        db.close()
        self.assert_fails(self.run_wrench("task", "show", twin[-6:]), 2, "several tasks", twin, ids[1])
        self.assertEqual(self.run_wrench("task", "show", twin).code, 0)

    def test_an_ended_task(self):
        self.project()
        self.assertEqual(self.review("shop").code, 1)
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        for word in ("cancel", "resume", "retry"):
            self.assert_fails(self.run_wrench("task", word, task["task_id"]), 6, "completed")

    def test_interrupted_and_taken_up_again(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=number):
                # Each its own: what was read of a repository's history is remembered, and git isn't asked again.
                name = self.git_project(f"shop{code}")
                elsewhere = self.env(WRENCH_DATA_DIR=self.at("other"), XDG_CACHE_HOME=self.at("other-cache"))
                expected = self.review(name, "--json", env=elsewhere)
                words = ["review", name, *self.quick, "--json"]
                stopped = self.interrupt(number, *words)
                self.assert_fails(stopped, code, "interrupted; nothing is lost", "wrench task resume ")
                self.assertEqual(json.loads(stopped.out)["exit_code"], code)
                again = self.run_wrench(*words)
                self.assertEqual(again.code, 1, again.err)
                self.assertIn("going on with the interrupted review", again.err)
                self.assertEqual(stable(again.json()), stable(expected.json()))
        open_tasks = [t for t in self.run_wrench("task", "list", "--json").json()["data"] if t["status"] != "completed"]
        self.assertEqual(open_tasks, [])

    def test_the_same_command_is_named_as_typed_but_for_fresh(self):
        self.git_project("my shop")
        stopped = self.interrupt(signal.SIGINT, "review", "my shop", *self.quick, "--fresh")
        self.assert_fails(stopped, 130, "help: wrench review 'my shop' --no-builtin-rules --rules ")
        self.assertNotIn("--fresh", stopped.err)

    def test_two_reviews_of_one_folder_at_once(self):
        self.git_project()
        words = ["review", "shop", *self.quick, "--json"]
        first = self.begin(*words)
        for more in ([], ["--fresh"]):
            second = self.run_wrench(*words, *more)
            self.assertEqual(second.code, 1, second.err)
            self.assertIn("this one runs beside it", second.err)
            self.assertEqual(len(second.json()["findings"]), 1)
        (running,) = [t for t in self.run_wrench("task", "list", "--json").json()["data"] if t["status"] != "completed"]
        self.assertFalse(running["interrupted"])
        self.assert_fails(self.run_wrench("task", "resume", running["task_id"]), 6, "another process", "wrench task watch")
        first.send_signal(signal.SIGINT)
        self.assert_fails(self.end(first), 130, "nothing is lost")
        self.assertEqual(self.run_wrench(*words).code, 1)

    def test_cancelled_by_another_process(self):
        self.git_project()
        process = self.begin("review", "shop", *self.quick)
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        self.assert_fails(self.run_wrench("task", "cancel", task["task_id"], "ABCDEF"), 5, "ABCDEF")
        self.assertIsNone(process.poll(), "a wrong id among them cancelled the others")
        done = self.run_wrench("task", "cancel", task["task_id"])
        self.assertEqual(done.code, 0, done.err)
        self.assert_fails(self.end(process), 8, "was cancelled")
        self.assertEqual(self.run_wrench("task", "watch", task["task_id"]).code, 8)
        self.assertIn("cancelled", self.run_wrench("task", "show", task["task_id"]).out)
        self.assertEqual(self.run_wrench("task", "retry", task["task_id"], "--fail-on", "none").code, 0)

    def test_a_timeout(self):
        self.git_project()
        env = self.slow_git()
        self.assert_fails(self.review("shop", "--timeout", "1s", env=env), 8, "--timeout", "wrench task retry")
        late = self.scan("shop", "--history", "--timeout", "1s", "--fail-on", "none", "--json", env=env)
        self.assert_fails(late, 8, "didn't end within the time")
        process = self.begin("review", "shop", *self.quick)
        (task,) = [t for t in self.run_wrench("task", "list", "--json").json()["data"] if t["status"] == "in_progress"]
        self.assert_fails(self.run_wrench("task", "watch", task["task_id"], "--timeout", "1ms"), 8, "the task goes on")
        self.assertIsNone(process.poll())

    def test_watching_an_interrupted_task(self):
        self.git_project()
        self.interrupt(signal.SIGINT, "review", "shop", *self.quick)
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        self.assertTrue(task["interrupted"])
        self.assertIn("in_progress, interrupted", self.run_wrench("task", "list", "--status", "in_progress").out)
        self.assertRegex(self.run_wrench("task", "journal", task["task_id"]).out,
                         r"\+0 ms +s\d+ +journey\.mine_history@\d+ +begins\n")
        watched = self.run_wrench("task", "watch", task["task_id"][-6:])
        self.assertEqual(watched.code, 7)
        self.assertIn("wrench task resume " + task["task_id"][-6:], watched.err)
        shown = self.run_wrench("task", "show", task["task_id"][-6:].lower())
        self.assertIn("Interrupted. Go on: wrench task resume", shown.out)
        self.assertIn("journey.mine_history", shown.out)
        self.assert_fails(self.run_wrench("task", "report", task["task_id"]), 6, "no report yet")
        resumed = self.run_wrench("task", "resume")
        self.assertEqual(resumed.code, 1, "the gate of the review")
        self.assertIn("Gate FAILED", resumed.out)

    def test_the_report_of_a_review_stays(self):
        self.git_project()
        reviewed = self.review("shop", "--json")
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        again = self.run_wrench("task", "report", task["task_id"][-6:], "--json")
        self.assertEqual((again.code, again.json()), (1, reviewed.json()))
        self.assertEqual(self.run_wrench("task", "report", task["task_id"], "--fail-on", "none").code, 0)
        self.assert_fails(self.run_wrench("task", "report", "AAAAAA"), 5, "no task")

    def test_several_interrupted_reviews_end_with_a_line_each(self):
        for name in ("shop", "stall"):
            self.git_project(name)
            self.interrupt(signal.SIGINT, "review", name, *self.quick)
        resumed = self.run_wrench("task", "resume", "--json")
        self.assertEqual((resumed.code, len(resumed.json()["data"])), (1, 2))
        self.assertEqual(resumed.err.count("its report: wrench task report "), 2)
        self.assertEqual(self.run_wrench("task", "resume", "--json").code, 0)

    def test_an_interrupted_scan_leaves_the_last_report(self):
        self.git_project()
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.write("report.json", "the last one")
            stopped = self.interrupt(number, "scan", "shop", "--history", *self.quick, "--json", "--output", "report.json")
            self.assert_fails(stopped, code, "stopped")
            with open(self.at("report.json"), encoding="utf-8") as report:
                self.assertEqual(report.read(), "the last one")
            self.assertEqual([name for name in os.listdir(self.dir) if "report" in name], ["report.json"])


class Storage(CliTest):
    def contents(self, folder):
        """Of all files but the index of the log, where readers note that they read."""
        out = {}
        for at, _, names in os.walk(self.at(folder)):
            for name in names:
                if not name.endswith("-shm"):
                    with open(os.path.join(at, name), "rb") as file:
                        out[os.path.join(at, name)] = file.read()
        return out

    def test_a_data_directory_that_takes_no_writes(self):
        nobody = self.as_nobody()
        self.project()
        os.mkdir(self.at("readonly"), 0o555)
        done = self.review("shop", "--data-dir", self.at("readonly"), "--json", **nobody)
        self.assert_fails(done, 3, self.at("readonly"), "Permission denied")
        self.assertEqual(done.json()["exit_code"], 3)
        for path in ("/dev/null", self.at("rules.yaml")):
            self.assert_fails(self.review("shop", "--data-dir", path), 3, path)

    def test_a_store_made_read_only_afterwards(self):
        nobody = self.as_nobody()
        self.project()
        data = self.at("nobody/data") if nobody else self.at("data")
        self.assertEqual(self.review("shop", **nobody).code, 1)
        for name in os.listdir(data):
            os.chmod(os.path.join(data, name), 0o555 if os.path.isdir(os.path.join(data, name)) else 0o444)
            if nobody:
                os.chown(os.path.join(data, name), 0, 0)
        os.chmod(data, 0o555)
        if nobody:
            os.chown(data, 0, 0)
        self.assert_fails(self.review("shop", **nobody), 3, "[")
        listed = self.run_wrench("task", "list", "--json", **nobody)
        self.assertEqual(listed.code, 0, listed.err)
        (task,) = listed.json()["data"]
        for word in ("show", "journal", "watch"):
            self.assertEqual(self.run_wrench("task", word, task["task_id"], **nobody).code, 0, word)
        report = self.run_wrench("task", "report", task["task_id"], "--json", "--fail-on", "none", **nobody)
        self.assertEqual(len(report.json()["findings"]), 1)
        self.assert_fails(self.run_wrench("task", "cancel", task["task_id"], **nobody), 3, "[storage.read_only]")
        os.chmod(data, 0o755)

    def test_reading_commands_write_nothing(self):
        self.git_project()
        self.interrupt(signal.SIGINT, "review", "shop", *self.quick)
        before = self.contents("data")
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        for words in (["task", "show"], ["task", "journal"], ["task", "watch"], ["agent", "list"]):
            self.run_wrench(*words, *([task["task_id"]] if words[0] == "task" else []))
        self.assertEqual(self.contents("data"), before)

    def test_a_full_data_directory(self):
        disk = self.small_disk("disk", "96k")
        self.project()
        self.assert_fails(self.review("shop", "--data-dir", disk + "/data"), 3, "[")

    def test_a_data_directory_that_fills_up_loses_nothing(self):
        disk = self.small_disk("disk", "3m")
        self.project()
        words = ["review", "shop", *self.quick, "--json", "--data-dir", disk + "/data"]
        self.assertEqual(self.run_wrench(*words).code, 1)
        before = self.run_wrench("task", "list", "--json", "--data-dir", disk + "/data").json()["data"]
        with open(disk + "/ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"\0" * 4096)
            except OSError:
                pass
        self.write("shop/b.py", "".join(f"eval(f({i}))\n" for i in range(2000)))
        self.assert_fails(self.run_wrench(*words), 3, "[")
        os.unlink(disk + "/ballast")
        after = self.run_wrench("task", "list", "--json", "--data-dir", disk + "/data").json()["data"]
        self.assertLessEqual({t["task_id"] for t in before}, {t["task_id"] for t in after})
        self.assertEqual(self.run_wrench(*words).code, 1)

    def test_a_report_on_a_full_disk_leaves_the_last_one(self):
        disk = self.small_disk("disk", "64k")
        self.write("shop/a.py", "".join(f"eval(f({i}))\n" for i in range(900)))
        with open(disk + "/report.json", "w", encoding="utf-8") as report:
            report.write("the last one")
        self.assert_fails(self.scan("shop", "--json", "--output", disk + "/report.json"), 3, "No space left on device")
        with open(disk + "/report.json", encoding="utf-8") as report:
            self.assertEqual(report.read(), "the last one")
        self.assertEqual(os.listdir(disk), ["report.json"])

    def test_a_cache_that_takes_no_writes_changes_nothing(self):
        self.project()
        expected = self.scan("shop", "--json")
        for path in ("/dev/null", "/proc/nope"):
            done = self.scan("shop", "--json", env=self.env(XDG_CACHE_HOME=path))
            self.assertEqual(done.code, 1, done.err)
            self.assertEqual(done.json()["findings"], expected.json()["findings"])

    def test_a_damaged_cache_changes_nothing(self):
        self.project()
        expected = self.scan("shop", "--json")
        for pack in glob.glob(self.at("cache/**/*.pack"), recursive=True):
            with open(pack, "r+b") as file:
                size = os.path.getsize(pack)
                file.seek(size // 3)
                file.write(b"\xff" * (size // 3))
        done = self.scan("shop", "--json")
        self.assertEqual(done.code, 1, done.err)
        self.assertEqual(done.json()["findings"], expected.json()["findings"])

    def test_two_scans_share_a_cache(self):
        for i in range(30):
            self.write(f"shop/{i}.py", f"def f_{i}(x):\n    return eval(x)\n")
        expected = self.scan("shop", "--json", env=self.env(XDG_CACHE_HOME=self.at("other")))
        words = [self.wrench, "scan", "shop", *self.quick, "--json"]
        both = [subprocess.Popen(words, cwd=self.dir, env=self.env(), stdout=subprocess.PIPE) for _ in range(2)]
        for process in both:
            out, _ = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual(stable(json.loads(out)), stable(expected.json()))

    def test_doctor_measures_a_disk_before_there_is_data(self):
        done = self.run_wrench("doctor", "--fsync", "--seconds", "1", "--data-dir", "not/yet")
        self.assertIn(done.code, (0, 1), done.err)  # A disk that doesn't flush is a finding, not a failure.
        self.assertIn("durable writes", done.out)
        self.assertRegex(done.out, r"expected tasks/s: [\d,]+ many at once, [\d,]+ one after the other")
        self.assertFalse(os.path.exists(self.at("not")))
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("wrench-doctor")], [], "nothing is left behind")
        tasks = self.run_wrench("doctor", "--fsync", "--seconds", "1", "--json").json()["tasks"]
        self.assertGreater(tasks["at_once_per_second"], tasks["in_turn_per_second"])
        self.assert_fails(self.run_wrench("doctor", "--fsync", "--dir", "nowhere"), 3, "nowhere")

    def test_doctor_names_the_trouble(self):
        nobody = self.as_nobody()
        os.mkdir(self.at("readonly"), 0o555)
        for path in ("readonly", "readonly/not/there", "/proc/nope"):
            done = self.run_wrench("doctor", "--data-dir", path, **nobody)
            self.assertEqual(done.code, 1, done.err)
            self.assertRegex(done.out, r"problem +store")
            self.assertIn("--data-dir or WRENCH_DATA_DIR", done.out)

    def test_no_home(self):
        self.project()
        env = self.env(HOME=None, WRENCH_DATA_DIR=None, XDG_CACHE_HOME=None)
        done = self.review("shop", env=env)
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("temporary folder", done.err)
        self.assertEqual(os.listdir(self.at("tmp")), [])


class Output(CliTest):
    def test_a_reader_that_has_gone(self):
        self.project()
        for words in (["scan", "shop", *self.quick], ["review", "shop", *self.quick, "--json"], ["help"], ["task", "list"]):
            read, write = os.pipe()
            os.close(read)
            done = self.run_wrench(*words, stdout=write)
            os.close(write)
            self.assertEqual((done.code, done.err), (141, ""), words)

    def test_a_full_or_closed_output(self):
        self.project()
        with open("/dev/full", "wb") as full:
            self.assert_fails(self.scan("shop", stdout=full), 3, "standard output", "No space left on device")
        closed = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&- 2>&- <&-', "sh", self.wrench, "review", "shop",
                                 *self.quick, "--json"], cwd=self.dir, env=self.env(), timeout=60)
        self.assertEqual(closed.returncode, 3)
        self.assertEqual(len(self.run_wrench("task", "list", "--json").json()["data"]), 1)
        self.assertEqual(self.review("shop", "--fresh").code, 1)

    def test_output_into_what_is_no_file(self):
        self.project()
        words = ["scan", "shop", *self.quick, "--json", "--output"]
        self.assert_fails(self.run_wrench(*words, "/dev/full"), 3, "/dev/full", "No space left on device")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        self.assertEqual(self.run_wrench(*words, "/dev/stdout").json()["schema"], "wrench.scan/1")
        os.mkfifo(self.at("fifo"))
        self.assert_fails(self.run_wrench(*words, "fifo"), 3, "fifo: nobody reads from it")
        reader = os.open(self.at("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        self.assertEqual(self.run_wrench(*words, "fifo").code, 1)
        self.assertEqual(json.loads(os.read(reader, 1 << 20))["schema"], "wrench.scan/1")
        os.close(reader)

    def test_output_follows_links_and_the_umask(self):
        self.project()
        os.mkdir(self.at("reports"))
        os.symlink("reports/today.json", self.at("latest.json"))
        self.write("reports/today.json", "the last one")
        self.assertEqual(self.scan("shop", "--json", "--output", "latest.json", umask=0o077).code, 1)
        self.assertTrue(os.path.islink(self.at("latest.json")))
        with open(self.at("reports/today.json"), encoding="utf-8") as report:
            self.assertEqual(json.load(report)["schema"], "wrench.scan/1")
        self.assertEqual(stat.S_IMODE(os.stat(self.at("reports/today.json")).st_mode), 0o600)

    def test_output_of_every_command(self):
        self.project()
        self.assertEqual(self.review("shop").code, 1)
        (task,) = self.run_wrench("task", "list", "--json").json()["data"]
        for words in (["version"], ["doctor"], ["agent", "list"], ["agent", "show", "super"], ["rules", "list"],
                      ["rules", "test", "rules.yaml"], ["task", "list"], ["task", "show", task["task_id"]],
                      ["task", "journal", task["task_id"]], ["review", "shop", "--explain-plan"]):
            done = self.run_wrench(*words, "--output", "out")
            self.assertEqual((done.code, done.out), (0, ""), f"{words}: {done.err}")
            self.assertGreater(os.path.getsize(self.at("out")), 0)
            os.unlink(self.at("out"))
            self.assert_fails(self.run_wrench(*words, "--output", "no/out"), 2, "no: No such file or directory")

    def test_a_file_gets_no_colour_from_the_terminal(self):
        self.project()
        for command in ("review", "scan"):
            code, drawn = self.on_terminal(command, "shop", *self.quick, "--output", "report.txt")
            self.assertEqual(code, 1, drawn)
            with open(self.at("report.txt"), encoding="utf-8") as report:
                self.assert_inert(report.read())

    def test_json_is_the_same_on_a_terminal(self):
        self.project()
        for command in ("scan", "review"):
            words = [command, "shop", *self.quick, "--json", "--progress", "none"]
            piped = self.run_wrench(*words)
            code, drawn = self.on_terminal(*words)
            self.assertEqual((code, piped.code), (1, 1))
            self.assertEqual(stable(json.loads(drawn)), stable(piped.json()))

    def test_colour(self):
        self.project()
        words = ["review", "shop", *self.quick, "--progress", "none"]
        for expected, arguments, environment in (
            (True, [], {}),
            (False, [], {"NO_COLOR": "1"}),
            (True, [], {"NO_COLOR": ""}),
            (True, ["--color", "always"], {"NO_COLOR": "1"}),
            (False, ["--color", "never"], {"CLICOLOR_FORCE": "1"}),
            (False, ["--no-color"], {}),
            (False, [], {"TERM": "dumb"}),
        ):
            with self.subTest(arguments=arguments, environment=environment):
                _, drawn = self.on_terminal(*words, *arguments, env=self.env(**{"TERM": "xterm", **environment}))
                self.assertEqual("\x1b[" in drawn, expected, drawn)
        self.assertIn("\x1b[", self.run_wrench(*words, "--color", "always", colored=True).out)

    def test_widths(self):
        self.project()
        for columns, most in (("40", 40), ("0", 100), ("-7", 100), ("much", 100), ("9" * 30, None), ("1", None)):
            with self.subTest(columns=columns):
                done = self.review("shop", env=self.env(COLUMNS=columns))
                self.assertEqual(done.code, 1, done.err)
                prose = [line for line in done.out.splitlines() if line.startswith("    why")]
                if most:
                    self.assertLessEqual(max(map(len, prose)), most, done.out)

    def test_a_plain_locale_gets_plain_drawing(self):
        self.project()
        self.write("shop/long.py", "\n".join(f"eval(input() + str({i}) + {'very_' * 40}long)" for i in range(20)))
        for name in ("LANG", "LC_ALL"):
            env = self.env(**{"LANG": None, name: "C"}, COLUMNS="40")
            for words in (["review", "shop", *self.quick, "--all"], ["help"], ["review", "--help"], ["task", "list"]):
                done = self.run_wrench(*words, env=env)
                self.assertTrue(done.out.isascii() and done.err.isascii(), done.out + done.err)
        self.assertFalse(self.review("shop").out.isascii())

    def test_lines_fit_the_screen(self):
        self.git_project()
        for i in range(3):
            for module in range(i + 1):
                body = "".join(f"    if x > {n}:\n        x = eval(x)\n" for n in range(5 * i + module))
                self.write(f"shop/a/rather/long/path/of/folders/module_{module}.py", f"def f(x):\n{body}    return {i}\n")
            self.git("shop", "add", ".")
            self.git("shop", "commit", "-q", "-m", f"Change {i}")
        for columns in (40, 80, 200):
            done = self.review("shop", env=self.env(COLUMNS=str(columns)))
            self.assertIn("Look here first", done.out)
            # Paths are what people copy: they aren't broken.
            over = [line for line in done.out.splitlines() if len(line) > columns and "/module_" not in line]
            self.assertEqual(over, [])

    def test_progress(self):
        self.git_project()
        env = self.slow_git()
        for command in (["review", "shop"], ["scan", "shop", "--history"]):
            words = [*command, *self.quick, "--timeout", "1s", "--fail-on", "none"]
            code, drawn = self.on_terminal(*words, env={**env, "TERM": "xterm", "COLUMNS": "40"})
            self.assertEqual(code, 8, drawn)
            lines = [line for line in drawn.split("\r") if line.endswith("\x1b[K") and len(line) > 3]
            self.assertTrue(lines, drawn)
            self.assertLess(max(len(line) - len("\x1b[K") for line in lines), 40)
            told = self.run_wrench(*words, "--progress", "json", env=env).err.splitlines()
            self.assertEqual(json.loads(told[0])["schema"], "wrench.progress/1")
            self.assertNotIn("progress", self.run_wrench(*words, env=env).err)


class ExitCodes(CliTest):
    def test_every_code_of_the_table_exists(self):
        raised = set()
        for path in glob.glob(SOURCES + "/**/*.[ch]pp", recursive=True):
            if not path.endswith(("_test.cpp", "exit_code.cpp")):
                with open(path, encoding="utf-8") as source:
                    raised |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', source.read()))
        with open(SOURCES + "/app/src/exit_code.cpp", encoding="utf-8") as source:
            table = re.findall(r'\{"([a-z_.]+)", ExitCode::', source.read())
        self.assertGreater(len(table), 20)
        self.assertEqual([p for p in table if not any(code.startswith(p) for code in raised)], [])

    def test_the_help_tells_them_all(self):
        text = self.run_wrench("help", "exit-codes").out
        for code in (*range(11), 130, 141, 143):
            self.assertRegex(text, rf"(?m)^ *{code}  ")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    CliTest.wrench = os.path.abspath(sys.argv.pop(1))
    unittest.main()
