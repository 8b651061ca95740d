"""What took effect outside of the store, by the file in which mocks leave a line for each effect (docs/reference/playbooks.md),
and whether that is what the program says of its tasks. Reads the file and the program's answers, never the store."""
import collections
import json
import os
import re

from killed_playbooks import HERE

NAME = "effects.jsonl"
# What shop.pay gives: a person who sees in the file that it paid says that in its place.
PAY, PAID = "shop.pay", {"paid": True}
WITH_EFFECT = re.compile(r"^([\w.]+): .*\beffect: (guarded|idempotent), effect_log: ")


def operations_with_effects(mocks):
    """Class by operation."""
    found = {}
    for mock in mocks:
        with open(os.path.join(HERE, mock), encoding="utf-8") as file:
            found |= {match[1]: match[2] for match in map(WITH_EFFECT.match, file) if match}
    return found


def read_effects(path):
    """Effects in the order in which they took place; a line that a killed process left half-written is none."""
    found = []
    if not os.path.exists(path):
        return found
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "refused_to_epoch" not in entry:
                found.append(entry)
    return found


def steps_of(command, task):
    """(execution, steps) of the task's latest execution; `command` runs wrench with these words and gives its output, or
    nothing where it refuses."""
    steps, cursor = [], []
    while True:
        out = command("task", "steps", task, "--json", "--limit", "200", *cursor)
        if not out:
            return None, []
        page = json.loads(out)
        steps += page["data"]
        if not page["next_cursor"]:
            return page["execution_id"], steps
        cursor = ["--cursor", page["next_cursor"]]


def decide_uncertain(command, path, operation):
    """As a person does who can look into the file: what took place is told, what didn't is tried again. How many of each. Of
    other operations the program finds that out itself."""
    told = tried_again = 0
    for held in json.loads(command("task", "dead", "list", "--json"))["data"]:
        if held["state"] != "uncertain" or held["capability"] != operation:
            continue
        execution, _ = steps_of(command, held["task"])
        happened = any(effect["execution"] == execution and effect["step"] == held["step"] for effect in read_effects(path))
        if happened:
            command("task", "dead", "resolve", held["task"], str(held["step"]), "--value", json.dumps(PAID))
            told += 1
        else:
            command("task", "dead", "retry", held["task"], "--step", str(held["step"]))
            tried_again += 1
    return told, tried_again


def effect_faults(command, path, tasks, classes):
    """What is wrong, as texts. Each completed step of `tasks` whose operation is in `classes` must have taken effect."""
    effects = read_effects(path)
    found = []
    times = collections.Counter(effect["key"] for effect in effects if effect["effect"] == "guarded")
    found += [f"the guarded effect {key} took place {count} times" for key, count in times.items() if count > 1]
    steps_by_key, by_step = collections.defaultdict(set), collections.defaultdict(list)
    for effect in effects:
        step = (effect["execution"], effect["step"])
        steps_by_key[effect["key"]].add(step)
        by_step[step].append(effect)
    found += [f"steps share the key {key}: {sorted(steps)}" for key, steps in steps_by_key.items() if len(steps) > 1]
    for step, its in by_step.items():
        if len({effect["key"] for effect in its}) > 1:
            found.append(f"the step {step} took effect with several keys: {its}")
    for task in sorted(set(tasks) | {effect["task"] for effect in effects}):
        execution, steps = steps_of(command, task)
        if execution is None:
            found.append(f"effects of a task that isn't there: {task}")
            continue
        numbers = {step["step_no"] for step in steps}
        found += [f"an effect without a step: {effect}" for effect in effects
                  if effect["execution"] == execution and effect["step"] not in numbers]
        for step in steps if task in tasks else []:
            kind = classes.get((step["capability"] or "").split("@")[0])
            count = len(by_step[(execution, step["step_no"])])
            if kind and step["state"] == "completed" and (count == 0 or (kind == "guarded" and count != 1)):
                found.append(f"{kind} {step['capability']} completed and took effect {count} times: {task} {step['step_no']}")
    return found
