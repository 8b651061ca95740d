import pytest


class Account:
    def __init__(self, owner, balance, log):
        # ruleid: logic.self-assignment
        self.owner = self.owner
        # ruleid: logic.self-assignment
        balance = balance
        # ruleid: logic.overwritten-at-once
        self.log = None
        self.log = log
        # ok: read in between
        self.count = 0
        self.count = self.count + 1
        # ok: the first is called for what it does
        self.id = make_id()
        self.id = 4

    def draw(self, amount):
        if amount > self.balance:
            # ruleid: logic.exception-not-thrown
            ValueError("too much")
        # ok: raised
        if amount < 0:
            raise ValueError("negative")
        # ok: kept
        error = ValueError("unused")
        # ruleid: logic.comparison-dropped
        self.balance == self.balance - amount
        # ruleid: logic.result-dropped
        self.owner.strip()
        # ok: taken
        name = self.owner.strip()
        # ok: not the text's own method
        self.owner.strip("a", "b")
        # ruleid: logic.method-not-called
        self.log.close
        # ok: called
        self.log.close()
        return name, error


def test_raises(account):
    # ok: that it raises is the test
    with pytest.raises(TypeError):
        account == 3
    # ok: may raise
    try:
        account == 3
    except TypeError:
        # ruleid: logic.exception-not-thrown
        AssertionError("compares")
