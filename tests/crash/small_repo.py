"""A small repository with something for every agent: findings in several languages, a secret, clones, some history."""
import os
import random
import subprocess

COMMITS = 12
PEOPLE = ("Ada", "Grace", "Barbara")

PYTHON = '''\
import subprocess


def run_{n}(words, depth):
    if words == None:
        return []
    out = []
    for word in words:
        if word and depth > {n}:
            for letter in word:
                if letter in out or letter == "{n}":
                    out.append(eval(letter))
                elif depth > 3:
                    out.append(subprocess.call("ls " + word, shell=True))
    return out


def unused_{n}(values=[]):
    total = 0
    for value in values:
        total += value * {n}
    return total
'''
JAVASCRIPT = '''\
const helper = require("./part{m}");

function show{n}(element, text) {{
  if (text == null || element === undefined) {{
    return false;
  }}
  element.innerHTML = text + "{n}";
  return helper.show{m}(element, eval(text));
}}

module.exports = {{ show{n} }};
'''
GO = '''\
package shop

import "os/exec"

func Run{n}(name string) error {{
	if name == "" {{
		return nil
	}}
	return exec.Command("sh", "-c", "echo {n} "+name).Run()
}}
'''


def git(folder, who, *words):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": who, f"GIT_{role}_EMAIL": f"{who.lower()}@example.org",
                f"GIT_{role}_DATE": f"{1_700_000_000 + git.calls * 86_400} +0000"}
    git.calls += 1
    subprocess.run(["git", "-c", "commit.gpgsign=false", *words], cwd=folder, env=env, check=True,
                   stdout=subprocess.DEVNULL)


git.calls = 0


def write(folder, path, text):
    path = os.path.join(folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_repository(folder, files=24):
    """The same at every call; returns `folder`."""
    os.makedirs(folder)
    choice = random.Random(1)
    git(folder, PEOPLE[0], "init", "-q", "-b", "main")
    for commit in range(COMMITS):
        for n in range(commit, files, COMMITS):
            write(folder, f"shop/run{n}.py", PYTHON.format(n=n))
            write(folder, f"web/part{n}.js", JAVASCRIPT.format(n=n, m=(n + 1) % files))
            write(folder, f"cmd/run{n}.go", GO.format(n=n))
        write(folder, "shop/hot.py", "".join(PYTHON.format(n=n) for n in range(commit + 1)))
        write(folder, "shop/settings.py",
              'PASSWORD_OF_DATABASE = "%s"\n' % "".join(choice.choice("bcdfghjkmnpqrstvwxz23456789") for _ in range(24)))
        git(folder, PEOPLE[commit % len(PEOPLE)], "add", ".")
        git(folder, PEOPLE[commit % len(PEOPLE)], "commit", "-q", "-m", f"Change {commit}")
    return folder
