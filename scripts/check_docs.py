#!/usr/bin/env python3
"""Checks the documentation against the tree: every module has a README, every relative link leads somewhere, every
script that a document names exists, and docs/reference/limits.md is what scripts/make_limits.py prints.

    scripts/check_docs.py BUILD_DIR
"""
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"`[^`\n]*?\b((?:scripts|tests|bench)/[\w/]+\.(?:sh|py))")


def markdown_files():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split("\n")
    return [name for name in listed if name and "/testdata/" not in name and os.path.isfile(os.path.join(ROOT, name))]


def main():
    problems = []
    with open(os.path.join(sys.argv[1], "modules.txt"), encoding="utf-8") as table:
        for line in table:
            folder = line.split("|")[2]
            if not os.path.isfile(os.path.join(ROOT, folder, "README.md")):
                problems.append(f"{folder}: the module has no README.md")
    for name in markdown_files():
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            text = file.read()
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                continue
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(name), target.split("#")[0])):
                problems.append(f"{name}: link to {target} leads nowhere")
        for script in SCRIPT.findall(text):
            if not os.path.exists(os.path.join(ROOT, script)):
                problems.append(f"{name}: {script} doesn't exist")
    numbers = [name[:4] for name in sorted(os.listdir(os.path.join(ROOT, "docs/adr")))]
    problems += [f"docs/adr: two records have the number {number}" for number in sorted(set(numbers)) if numbers.count(number) > 1]
    printed = subprocess.run([sys.executable, os.path.join(ROOT, "scripts/make_limits.py")], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(ROOT, "docs/reference/limits.md"), encoding="utf-8") as file:
        if file.read() != printed:
            problems.append("docs/reference/limits.md is old: run 'scripts/make_limits.py > docs/reference/limits.md'")
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"check_docs: {len(problems)} problems")
    print("check_docs: clean")


if __name__ == "__main__":
    main()
