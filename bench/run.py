#!/usr/bin/env python3
"""Benchmarks of the whole program. Prints each figure beside its peer or limit, measured in the same run.

    bench/run.py --wrench build/release/wrench                    all
    bench/run.py --wrench build/release/wrench start review       some
    bench/run.py --tree DIR                                       another tree than Python's standard library
    bench/run.py rules --rules DIR                                a folder of rules: loading them, and a scan with them

Peers are used where they are installed (git, ast-grep, jscpd, semgrep); what is missing is named, never invented. The raw parse is the
program wrench_parse_bench (bench/parse_bench.cpp).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time


class Run:
    """Wall and CPU seconds and peak memory of one finished process and its children."""

    def __init__(self, words, env=None, ok=(0, 1, 10)):
        begun = time.monotonic()
        process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall = time.monotonic() - begun
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss_mb = usage.ru_maxrss / 1024
        self.code = os.waitstatus_to_exitcode(status)
        process.returncode = self.code
        if self.code not in ok:
            sys.exit(f"{' '.join(words)} ended with {self.code}:\n{err.decode(errors='replace')}")


def row(name, figure, peer="", ratio=""):
    print(f"  {name:<44} {figure:>26}   {peer:<40} {ratio}", flush=True)


def tree_bytes(tree, endings):
    total = files = 0
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(endings) and not os.path.islink(path):
                total += os.path.getsize(path)
                files += 1
    return total, files


class Bench:
    def __init__(self, args):
        self.wrench = os.path.abspath(args.wrench)
        self.tools = os.path.dirname(self.wrench)
        self.rules_folder = args.rules and os.path.abspath(args.rules)
        self.scratch = tempfile.mkdtemp(prefix="wrench-bench-")
        # A copy: the original may lie in a work tree whose ignore rules leave it out, or hold installed packages.
        self.tree = os.path.join(self.scratch, "tree")
        shutil.copytree(args.tree or sysconfig.get_paths()["stdlib"], self.tree, symlinks=True,
                        ignore=shutil.ignore_patterns("site-packages", "dist-packages", "__pycache__", ".git"))

    def env(self, name):
        base = os.path.join(self.scratch, name)
        return dict(os.environ, XDG_CACHE_HOME=base + "/cache", WRENCH_DATA_DIR=base + "/data")

    def tool(self, name):
        for folder, _, names in os.walk(self.tools):
            if name in names:
                return os.path.join(folder, name)
        return None

    def start(self):
        print("start of the program (median of 100)")

        def median(words):
            times = []
            for _ in range(100):
                begun = time.monotonic()
                subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
                times.append(time.monotonic() - begun)
            return statistics.median(times) * 1000

        ours, git = median([self.wrench, "version"]), median(["git", "--version"])
        row("wrench version", f"{ours:.1f} ms", f"git --version {git:.1f} ms", f"{ours / git:.2f}x")
        row("wrench --help", f"{median([self.wrench, '--help']):.1f} ms")

    def scan(self):
        total, files = tree_bytes(self.tree, (".py",))
        print(f"one thread, cold, all rules, metrics and clones: {files} Python files, {total / 1e6:.1f} MB")
        parse = self.tool("wrench_parse_bench")
        raw = Run([parse, self.tree]) if parse else None
        env = dict(self.env("scan"), WRENCH_SCAN_CACHE="off")
        words = [self.wrench, "scan", self.tree, "--jobs", "1", "--fail-on", "none", "--allow-partial", "--format", "json",
                 "--output", os.path.join(self.scratch, "scan.json")]
        code = Run(words + ["--analyses", "rules,metrics,clones,structure"], env)
        everything = Run(words, env)
        if raw:
            row("raw parse, same files", f"{raw.cpu:.2f} CPU s, {raw.rss_mb:.0f} MB")
        else:
            print("  raw parse: wrench_parse_bench is not built")
        row("rules, metrics, clones, structure", f"{code.cpu:.2f} CPU s, {code.rss_mb:.0f} MB", "limit 8 CPU s, 400 MB",
            f"{code.cpu / raw.cpu:.2f}x raw parse" if raw else "")
        row("everything", f"{everything.cpu:.2f} CPU s, {everything.rss_mb:.0f} MB", "limit 6 CPU s, 300 MB",
            f"{everything.cpu / raw.cpu:.2f}x raw parse" if raw else "")
        taint = Run(words + ["--analyses", "rules,taint,metrics,clones,structure"], env).cpu - code.cpu
        row("of it taint and memory checks", f"{taint:.2f} CPU s", "limit 5 MB/s", f"{total / 1e6 / max(taint, 0.01):.1f} MB/s")
        if shutil.which("ast-grep"):
            peer = Run(["ast-grep", "run", "--pattern", "eval($X)", "--lang", "python", "--threads", "1", self.tree])
            rules = Run(words + ["--analyses", "rules"], env)
            row("all rules alone (with the parse)", f"{rules.cpu:.2f} CPU s, {rules.rss_mb:.0f} MB",
                f"ast-grep, one pattern {peer.cpu:.2f} CPU s", f"{rules.cpu / peer.cpu:.2f}x")
        else:
            print("  ast-grep is not installed: no peer for rules")
        if shutil.which("jscpd"):
            out = os.path.join(self.scratch, "jscpd")
            peer = Run(["jscpd", "--silent", "--reporters", "json", "--output", out, "--format", "python", "--max-size", "1mb", self.tree],
                       ok=(0, 1))
            # It ends with 1 both for clones and for an installation that can't run.
            if not os.path.exists(os.path.join(out, "jscpd-report.json")):
                sys.exit("jscpd wrote no report: a peer that doesn't run measures nothing")
            clones = Run(words + ["--analyses", "clones"], env)
            row("clones alone (with the parse)", f"{clones.cpu:.2f} CPU s, {clones.rss_mb:.0f} MB",
                f"jscpd {peer.cpu:.2f} CPU s, {peer.rss_mb:.0f} MB",
                f"{clones.cpu / peer.cpu:.2f}x time, {clones.rss_mb / peer.rss_mb:.2f}x memory")
        else:
            print("  jscpd is not installed: no peer for clones")

    def again(self):
        print("one thread, the same tree again, with the cache of facts")
        env = self.env("again")
        words = [self.wrench, "scan", self.tree, "--jobs", "1", "--fail-on", "none", "--allow-partial", "--format", "json",
                 "--output", os.path.join(self.scratch, "again.json")]
        cold = Run(words, env)
        row("cold, and written", f"{cold.wall:.2f} s, {cold.cpu:.2f} CPU s, {cold.rss_mb:.0f} MB")
        warm = Run(words, env)
        row("nothing changed", f"{warm.wall:.3f} s, {warm.cpu:.2f} CPU s", "limit 0.3 s", f"{100 * warm.wall / cold.wall:.1f} % of cold")
        path = next(os.path.join(folder, name) for folder, _, names in sorted(os.walk(self.tree)) for name in sorted(names)
                    if name.endswith(".py") and os.path.getsize(os.path.join(folder, name)) > 10_000)
        walls = []
        for i in range(5):
            with open(path, "a") as file:
                file.write(f"\nchanged_{i} = {i}\n")
            one = Run(words, env)
            walls.append(one.wall)
        row("one file changed (median of 5)", f"{statistics.median(walls):.3f} s, {one.cpu:.2f} CPU s", "limit 0.1 s")

    def rules(self):
        if not self.rules_folder:
            print("rules: no folder was given (--rules DIR)")
            return
        target = os.path.join(self.scratch, "empty.py")
        with open(target, "w") as file:
            file.write("x = 1\n")
        print(f"loading the rules below {os.path.basename(self.rules_folder)}, one small file")
        env = self.env("rules")
        tail = ["--jobs", "1", "--fail-on", "none", "--allow-partial", "--no-builtin-rules", "--rules", self.rules_folder, "--format", "json",
                "--output", os.path.join(self.scratch, "rules.json")]
        cold = Run([self.wrench, "scan", target] + tail, env)
        # Another file, so that the rules are needed.
        with open(target, "a") as file:
            file.write("y = 2\n")
        cached = Run([self.wrench, "scan", target] + tail, env)
        semgrep = shutil.which("semgrep")
        peer_env = dict(os.environ, SEMGREP_SEND_METRICS="off", SEMGREP_ENABLE_VERSION_CHECK="0")
        peer_words = [semgrep, "scan", "--config", self.rules_folder, "--jobs", "1", "--metrics", "off", "--quiet", "--json", "--no-git-ignore"]
        peer = Run(peer_words + [target], peer_env, ok=(0, 1, 2, 3, 7)) if semgrep else None
        row("cold", f"{cold.wall:.2f} s, {cold.cpu:.2f} CPU s", f"semgrep {peer.wall:.2f} s" if peer else "semgrep is not installed",
            f"{cold.wall / peer.wall:.3f}x" if peer else "")
        row("cached", f"{cached.wall:.3f} s, {cached.cpu:.3f} CPU s", "limit 0.05 s")
        part = os.path.join(self.tree, "email")
        if not os.path.isdir(part):
            return
        total, files = tree_bytes(part, (".py",))
        print(f"the same rules on {files} files of {total / 1e6:.2f} MB")
        ours = Run([self.wrench, "scan", part] + tail, dict(env, WRENCH_SCAN_CACHE="off"))
        peer = Run(peer_words + [part], peer_env, ok=(0, 1, 2, 3, 7)) if semgrep else None
        row("scan with all of them, no cache", f"{ours.wall:.2f} s, {ours.cpu:.2f} CPU s",
            f"semgrep {peer.wall:.2f} s, {peer.cpu:.2f} CPU s" if peer else "", f"{ours.cpu / peer.cpu:.3f}x" if peer else "")

    def review(self):
        print("review of the same tree, twice")
        env = self.env("review")
        words = [self.wrench, "review", self.tree, "--fail-on", "none", "--allow-partial", "--progress", "none", "--format", "json"]
        first = Run(words + ["--output", os.path.join(self.scratch, "first.json")], env)
        second = Run(words + ["--output", os.path.join(self.scratch, "second.json")], env)
        row("first", f"{first.wall:.2f} s, {first.cpu:.2f} CPU s, {first.rss_mb:.0f} MB")
        row("second, nothing changed", f"{second.wall:.2f} s, {second.cpu:.2f} CPU s", "limit 10 % of the first",
            f"{100 * second.wall / first.wall:.1f} % wall, {100 * second.cpu / first.cpu:.1f} % CPU")

        def findings(name):
            with open(os.path.join(self.scratch, name)) as file:
                return json.load(file)["findings"]

        if findings("first.json") != findings("second.json"):
            sys.exit("the second review found something else than the first")

    def modules(self):
        for name in ("wrench_secrets_bench", "wrench_storage_bench", "wrench_workflow_bench", "wrench_code_bench", "wrench_history_bench", "wrench_scan_bench"):
            path = self.tool(name)
            if path:
                print(name)
                subprocess.run([path], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrench", default="build/release/wrench")
    parser.add_argument("--tree", help="default: this Python's standard library")
    parser.add_argument("--rules", help="a folder of rules in semgrep's YAML")
    parser.add_argument("what", nargs="*", metavar="WHAT", help="of start, scan, again, rules, review, modules")
    args = parser.parse_args()
    names = ("start", "scan", "again", "rules", "review", "modules")
    unknown = set(args.what) - set(names)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: {', '.join(names)}")
    bench = Bench(args)
    try:
        for name in args.what or names:
            getattr(bench, name)()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
