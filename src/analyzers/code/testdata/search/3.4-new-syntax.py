# ruleid: plain-match
plain(1, 2)
# ok: all-not-inside
send(outside)


def f():
    # ruleid: all-not-inside
    send(data)
    # ok: all-not-inside
    send("fixed")
    with quiet():
        # ok: all-not-inside
        send(data)


# ruleid: any-where
store(tmp_key, 1)
# ok: any-where
store(key, 1)
# ruleid: any-where
keep(tmp_key)
call(1,
     # ruleid: where-focus
     4)
# ok: where-focus
call(1,
     2)
# ruleid: where-pattern
wrapped(one())
# ok: where-pattern
wrapped(three())
load(a)
load(b)
# ruleid: anywhere
use(a)
# ok: anywhere
use(b)
# ok: anywhere
use(c)
forbid(b)


def g():
    # ruleid: as-metavariable
    named(1)
    # ok: as-metavariable
    named(2)
