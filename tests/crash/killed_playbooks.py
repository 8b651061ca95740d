"""The playbooks that are killed: all types of steps (site.yaml), the ten shapes, the kinds of steps that neither has, and effects."""
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = ("memory", "manager_workers", "condition_join", "router", "orchestrator_synthesizer", "autonomous_loop",
          "parallel_aggregate", "gated_chain", "evaluator_optimizer", "repetitive_loop")
PLAYBOOKS = {"site": ("site.yaml", "site.mock.yaml"), "kinds": ("kinds.yaml", "kinds.mock.yaml"),
             "effects": ("effects.yaml", "effects.mock.yaml"),
             **{"shapes/" + shape: ("shapes/" + shape, "shapes.mock.yaml") for shape in SHAPES}}
TAKES_NO_TREE = ("site",)
# Running, or open until its parts have ended; or waiting for somebody or something.
RUNNING, RETRY_WAIT, WAITING = 3, 4, 5


def words_of(playbook, tree):
    """After `wrench playbook run`."""
    file, mock = PLAYBOOKS[playbook]
    path = os.path.join(HERE, file) if file.endswith(".yaml") else file
    return [path, "--mock", os.path.join(HERE, mock)] + ([] if playbook in TAKES_NO_TREE else ["--input", f"tree={tree}"])


def without_ids(text):
    """And without the times at which waits ended: new in every run."""
    return re.sub(r'"at":\d+', '"at":0', re.sub(r"\b(tsk|exe|wait)_[0-9A-Z]{26}", r"\1", text or ""))


def answer(command, wait):
    """What a person says to a wait of `approval list --json`; `command` runs wrench with these words."""
    if wait["kind"] == "approval":
        return command("approval", "approve", wait["wait_id"])
    if wait["kind"] == "input":
        return command("approval", "answer", wait["wait_id"], json.dumps("1.0"))
    return command("task", "signal", wait["task_id"], "go")
