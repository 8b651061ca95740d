import box

# ruleid: last-import-counts
box.open(1)

import safebox as box

# ok: last-import-counts
box.open(1)
# ok: not-before-import
stop(1)
if later:
    from tools import stop

    # ruleid: not-before-import
    stop(2)
try:
    import fast as engine
except ImportError:
    import slow as engine
# ruleid: either-import
engine.parse(1)


def f(name):
    command = "list"
    # ruleid: value-at-this-place
    run(command)
    command = command + name
    # ok: value-at-this-place
    run(command)
    if name:
        command = "none"
    # ok: value-at-this-place
    run(command)


def g(names):
    command = "list"
    for name in names:
        # ok: value-at-this-place
        run(command)
        command = name
    name = "x"
    # ruleid: value-at-this-place
    run(name)


def h():
    command = "list"

    def change():
        nonlocal command
        command = read()

    change()
    # ok: value-at-this-place
    run(command)
