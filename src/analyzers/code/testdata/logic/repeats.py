import typing
from functools import singledispatch

COLOURS = {
    "red": 1,
    "blue": 2,
    # ruleid: logic.repeated-key
    "red": 3,
    # ok: bytes and text differ
    b"blue": 4,
}
# ok: what was spread is overwritten on purpose
MERGED = {"a": 1, **COLOURS, "a": 2}


class Store:
    # ruleid: logic.redefined
    def find(self, key):
        return key

    def keep(self, key):
        return key

    def find(self, key, default):
        return default

    # ok: a property and its setter
    @property
    def size(self):
        return 1

    @size.setter
    def size(self, value):
        pass

    # ok: used before the second
    def _raw(self):
        return 1

    raw = property(_raw)

    def _raw(self):
        return 2


# ok: overloads
@typing.overload
def read(a: int) -> int: ...
@typing.overload
def read(a: str) -> str: ...
def read(a):
    return a


# ok: one of the two is there
if typing.TYPE_CHECKING:
    def write(a):
        return a
else:
    def write(a):
        return None


# ruleid: logic.redefined
def test_reads():
    assert read(1) == 1


def test_writes(tmp_path):
    target = tmp_path / "a"
    target.write_text("one")
    assert target.read_text() == "one"


# ruleid: logic.same-test
def test_writes_again(tmp_path):
    target = tmp_path / "a"
    target.write_text("one")
    assert target.read_text() == "one"


# ok: with another fixture
def test_writes_elsewhere(work_path, tmp_path):
    target = tmp_path / "a"
    target.write_text("one")
    assert target.read_text() == "one"


def test_reads():
    assert read(2) == 2
