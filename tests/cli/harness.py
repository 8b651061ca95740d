"""Runs the wrench program in a scratch folder of its own, with bounds on time and with what must hold for every run."""
import contextlib
import errno
import hashlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass

TIMEOUT_S = 60
NOBODY = 65534
# One rule of our own: quick to load, and no change of the built-in rules changes what these tests see.
RULES = """\
rules:
  - id: own.eval-call
    pattern: eval(...)
    languages: [python]
    message: eval runs whatever text it is given as code of this very program, so nothing from outside may get there
    severity: ERROR
"""


@dataclass
class Done:
    code: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


def stable(report):
    """The report without what may differ between equal runs: times, what the cache held, what memory held before."""
    report = json.loads(json.dumps(report))
    report.pop("run")
    report["summary"].pop("files")
    ((report.get("history") or {}).get("journey") or {}).pop("progress", None)
    return report


def default_signals():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # Whoever runs the tests in the background ignores SIGINT.


class CliTest(unittest.TestCase):
    wrench = ""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="wrench-cli-")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.write("rules.yaml", RULES)
        self.quick = ["--no-builtin-rules", "--rules", self.at("rules.yaml")]
        os.mkdir(self.at("tmp"))
        os.chmod(self.at("tmp"), 0o1777)

    def at(self, path):
        return os.path.join(self.dir, path)

    def write(self, path, content=""):
        target = self.at(path) if isinstance(path, str) else os.path.join(os.fsencode(self.dir), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return target

    def project(self, name="shop"):
        self.write(name + "/a.py", "def f(x):\n    return eval(x)\n")
        return name

    def git(self, folder, *words):
        env = {"PATH": "/usr/bin:/bin", "HOME": self.dir, "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=self.at(folder), env=env, capture_output=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 0, done.stderr)

    def git_project(self, name="shop"):
        self.project(name)
        self.git(name, "init", "-q", "-b", "main")
        self.git(name, "add", ".")
        self.git(name, "commit", "-q", "-m", "Begin")
        return name

    def env(self, **changes):
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.at("home"), "TMPDIR": self.at("tmp"),
               "WRENCH_DATA_DIR": self.at("data"), "XDG_CACHE_HOME": self.at("cache"), "LANG": "C.UTF-8"}
        for name in ("LLVM_PROFILE_FILE", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(changes)
        return {name: value for name, value in env.items() if value is not None}

    def run_wrench(self, *words, env=None, colored=False, **options):
        """Whatever the input: the output is UTF-8, and no control character of it reaches the terminal."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("timeout", TIMEOUT_S)
        done = subprocess.run([self.wrench, *words], cwd=self.dir, env=env or self.env(), stderr=subprocess.PIPE,
                              **options)
        out, err = (done.stdout or b"").decode(), done.stderr.decode()
        for name, text in (("stdout", out), ("stderr", err)):
            if not colored:
                self.assert_inert(text, name)
        self.assertGreaterEqual(done.returncode, 0, f"{words} died of a signal: {err}")
        return Done(done.returncode, out, err)

    def review(self, *words, **options):
        return self.run_wrench("review", *words, *self.quick, **options)

    def scan(self, *words, **options):
        return self.run_wrench("scan", *words, *self.quick, **options)

    def assert_inert(self, text, where=""):
        controls = {c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or
                    "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069"}
        self.assertFalse(controls, f"control characters in {where}: {text!r}")

    def assert_fails(self, done, code, *parts):
        """Exit code and an error line that holds every part; nothing but that."""
        self.assertEqual(done.code, code, done.err or done.out)
        self.assertIn("error: ", done.err)
        for part in parts:
            self.assertIn(part, done.err)

    def on_terminal(self, *words, env=None, **changes):
        """Runs with a terminal as standard output and error; returns exit code and what was drawn."""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(self.wrench, [self.wrench, *words], env or self.env(TERM="xterm", **changes))
        drawn = b""
        deadline = time.monotonic() + TIMEOUT_S
        with contextlib.closing(os.fdopen(master, "rb", buffering=0)) as terminal:
            while True:
                ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
                if not ready:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    self.fail(f"{words} hung on a terminal")
                try:
                    part = terminal.read(65536)
                except OSError as failure:  # Linux: EIO once the other side is closed.
                    self.assertEqual(failure.errno, errno.EIO)
                    break
                if not part:
                    break
                drawn += part
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), drawn.decode().replace("\r\n", "\n")

    def ask_the_journey(self, env=None):
        """Asks agent:journey who wrote a line, and returns the answer; somebody has to serve."""
        with open(self.at("shop/a.py"), "rb") as file:
            content = "sha256:" + hashlib.sha256(file.read()).hexdigest()
        self.write("question.json", json.dumps({"root": self.at("shop"), "findings": [
            {"fingerprint": "f", "path": "a.py", "line": 2, "content": content}]}))
        sent = self.run_wrench("message", "send", "agent:journey", "@question.json", "--type", "finding.evidence_wanted", "--json",
                               env=env)
        self.assertEqual(sent.code, 0, sent.err)
        question = sent.json()["message_id"]
        asked = lambda: next(m for m in self.run_wrench("message", "list", "agent:journey", "--json", env=env).json()["data"]
                             if m["message_id"] == question)
        self.wait_for(lambda: asked()["state"] == "acknowledged")
        answers = self.run_wrench("message", "list", asked()["sender"], "--json", env=env).json()["data"]
        answer, = (m for m in answers if m["metadata"]["reply_to"] == question)
        return answer

    def slow_git(self):
        """A git on PATH whose `log` waits for good, once it has said that it began."""
        real = shutil.which("git")
        self.write("slow/git", f"""#!/bin/sh
for word; do
  if [ "$word" = log ]; then : > {self.at('began')}; exec sleep 600; fi
done
exec {real} "$@"
""")
        os.chmod(self.at("slow/git"), 0o755)
        return self.env(PATH=self.at("slow") + ":" + os.environ.get("PATH", "/usr/bin:/bin"))

    def begin(self, *words):
        """Starts the program and returns it while git reads the history, which it does until it is stopped."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.at("began"))
        process = subprocess.Popen([self.wrench, *words], cwd=self.dir, env=self.slow_git(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=default_signals)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for(lambda: os.path.exists(self.at("began")) or process.poll() is not None)
        self.assertIsNone(process.poll(), "ended too early")
        os.unlink(self.at("began"))
        return process

    def end(self, process):
        out, err = process.communicate(timeout=TIMEOUT_S)
        return Done(process.returncode, out.decode(), err.decode())

    def interrupt(self, number, *words):
        process = self.begin(*words)
        process.send_signal(number)
        return self.end(process)

    def wait_for(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.005)

    def start_database(self):
        """The URL of a PostgreSQL of this test's own; WRENCH_TEST_POSTGRES names the program that starts one."""
        server = subprocess.Popen([os.environ["WRENCH_TEST_POSTGRES"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.wait, TIMEOUT_S)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.stdin.close)
        url = server.stdout.readline().strip()
        self.assertTrue(url.startswith("postgresql://"), url)
        return url

    def as_nobody(self):
        """Options of run_wrench for a user without special rights; root reads everything."""
        if os.geteuid() != 0:
            return {}
        for folder in ("nobody/data", "nobody/cache"):
            os.makedirs(self.at(folder), exist_ok=True)
            os.chown(self.at(folder), NOBODY, NOBODY)
        reachable = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', self.wrench], user=NOBODY, group=NOBODY,
                                   extra_groups=[]).returncode == 0
        if not reachable:
            shutil.copy(self.wrench, self.at("wrench-copy"))
            self.wrench = self.at("wrench-copy")
        return {"user": NOBODY, "group": NOBODY, "extra_groups": [],
                "env": self.env(HOME=None, WRENCH_DATA_DIR=self.at("nobody/data"), XDG_CACHE_HOME=self.at("nobody/cache"))}

    def small_disk(self, name, size):
        """A file system of `size` for this test, or the test is skipped."""
        os.mkdir(self.at(name))
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs",
                                                self.at(name)], capture_output=True).returncode != 0:
            self.skipTest("mounting a small tmpfs needs root and the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.at(name)], check=False)
        return self.at(name)
