# ruleid: decorators-any-order
@second
@first
def f(a: int) -> int:
    pass


# ok: decorators-any-order
@second
def g():
    pass


# ruleid: try-header
try:
    f(1)
except ValueError:
    pass
# ok: try-header
try:
    f(1)
except KeyError:
    pass
