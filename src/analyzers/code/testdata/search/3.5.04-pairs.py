# ruleid: one-of-several
a, b = open(p), 2
# ok: one-of-several
a, b = 1, 2
# ruleid: keyword-with-any-value
reply(status=4)
# ok: keyword-with-any-value
reply(text, 5)


def f(kept={}):
    other = kept
    # ruleid: set-to-parameter
    other[1] = 2
    # ruleid: set-to-parameter
    kept[1] = 2
    # ok: set-to-parameter
    fresh[1] = 2


# ruleid: name-without-node
hashes.Weak(1)
# ok: name-without-node
hashes.Strong(1)
# ruleid: either-focus
pair(left,
     # ruleid: either-focus
     right)
# ruleid: all-arguments
ticket(1, name="x")
# ok: all-arguments
ticket()
