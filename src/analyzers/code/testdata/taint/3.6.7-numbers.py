from pathlib import Path


def f():
    name = user_input()
    # ruleid: taint.numbers
    query(Path("/srv") / name)
    # ok: taint.numbers
    query(len(name) - name)
    # ok: taint.numbers
    query(int(name) / 2)
