#!/usr/bin/env python3
"""Checks that the tree says nothing about the machine it was written on: no absolute path of a checkout or a home
folder, no host name of a package registry that only this machine uses, and lock files that pin by hash, not by host.

    scripts/check_tree.py [DIR]
"""
import glob
import os
import re
import subprocess
import sys

# Rules and test inputs show other people's code, home folders included.
HOME = re.compile(rb"/(?:home|Users)/[a-z][a-z0-9_-]*/")
HOME_EXEMPT = re.compile(r"^rules/|_test\.cpp$|/testdata/|^tests/|^src/analyzers/secrets/")


def output(*words, cwd):
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True).stdout


def machine_hosts():
    """Registry hosts this machine is configured with."""
    texts = []
    for path in glob.glob("/etc/apt/sources.list*") + glob.glob("/etc/apt/sources.list.d/*"):
        try:
            with open(path, encoding="utf-8", errors="replace") as source:
                texts += [line for line in source if not line.lstrip().startswith("#")]
        except OSError:
            pass
    for path in ("/etc/npmrc", "/usr/etc/npmrc", os.path.expanduser("~/.npmrc")):
        try:
            with open(path, encoding="utf-8", errors="replace") as source:
                texts += [line for line in source if line.strip().startswith("registry")]
        except OSError:
            pass
    texts += [value for name, value in os.environ.items() if name.lower() == "npm_config_registry"]
    return {host for text in texts for host in re.findall(r"https?://([A-Za-z0-9.-]+\.[A-Za-z]+)", text)}


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), ".."))
    common = os.path.realpath(os.path.join(root, output("git", "rev-parse", "--git-common-dir", cwd=root).strip()))
    places = {p + "/" for p in (root, os.path.dirname(common)) if p.count("/") >= 2}
    forbidden = {p.encode(): "the absolute path of a checkout" for p in places}
    forbidden.update({h.encode(): "a registry host of this machine" for h in machine_hosts()})

    problems = []
    for name in output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=root).split("\0"):
        path = os.path.join(root, name)
        if not name or os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            text = file.read()
        problems += [f"{name}: holds {what}" for needle, what in forbidden.items() if needle in text]
        if not HOME_EXEMPT.search(name) and HOME.search(text):
            problems.append(f"{name}: holds the path of a home folder")
        if os.path.basename(name) == "package-lock.json" and b'"resolved"' in text:
            problems.append(f"{name}: pins a host (\"resolved\"): write it with omit-lockfile-registry-resolved=true")
        if os.path.basename(name) == ".npmrc" and re.search(rb"(?m)^\s*(//|registry|.*_auth)", text):
            problems.append(f"{name}: names a registry or a credential")
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"check_tree: {len(problems)} problems")
    print("check_tree: clean")


if __name__ == "__main__":
    main()
