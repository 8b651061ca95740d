# ruleid: decorators-in-order
@first
@other
@second
def f():
    pass


# ok: decorators-in-order
@second
@first
def g():
    pass


# ok: not-in-decorators
@mark(1)
def h():
    # ruleid: not-in-decorators
    mark(2)
