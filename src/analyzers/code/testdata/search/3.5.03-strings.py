# ruleid: adjacent
take("a" "b")
# ruleid: adjacent
take("a" f"{b}")
# ok: adjacent
take("ab")
# ruleid: formatted
show(f"{x}")
# ruleid: formatted
show(f"x")
# ok: formatted
show("x")
# ok: not-the-resource
with acquire() as lock:
    # ruleid: not-the-resource
    other = acquire()
# ruleid: assertion
a == b
# ok: assertion
assert a == b
# ok: assertion
assert a == b, "differ"
