# ruleid: keywords-any-order
f(1, a=3, b=2)
# ok: keywords-any-order
f(1, a=3)
# ok: keywords-any-order
f(1, a=3, b=2, c=4)
# ruleid: all-matched
g(1)
# ok: all-matched
g(1, 2)
# ok: all-matched
g(1, k=2)
# ruleid: rest-allowed
h(1, other=2, key=True, **rest)
# ok: rest-allowed
h(1, key=False)
# ruleid: python-dict
d({"a": 1})
# ok: python-dict
d({"a": 1, "b": 2})
# ruleid: list
l([1, 2, 3])
# ok: list
l([2, 1])
# ruleid: arguments-bound
v(1, 2, 3)
# ok: arguments-bound
v(2)
