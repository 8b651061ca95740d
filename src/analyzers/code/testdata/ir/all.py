"""Doc."""
from __future__ import annotations
import os, sys as system
import a.b.c
from . import sibling
from ..pkg.mod import name as alias, other
from x import *


@app.route("/x", methods=["GET"])
async def handler(request, *args: int, key: str = "d", **kw) -> Dict[str, list[int]]:
    """Doc of handler."""
    global counter
    x: int = 1
    a, b = b, a
    x += 2; y = z = None
    if a < b < c and not d or e is not None:
        pass
    elif a not in b:
        return
    else:
        raise ValueError(f"bad {x!r:>{w}} y") from err
    for i, j in items.values():
        if i: continue
        break
    else:
        done()
    while True:
        await g(x=1, *rest, **more)
    with open("f") as f, lock:
        f.read()[1:2, ::3]
    try:
        yield
    except (A, b.B) as e:
        del x, y
    except OSError:
        assert x, "m"
    finally:
        v = [i * 2 for i in r if i if not i.z]
    w = {k: v for k, v in p} | {1, 2} | {"a": 1, **q}
    return lambda s, t=1: s if t else -t


class C(Base, metaclass=M):
    field = 1

    def __init__(self, (p, q)=None, /, r=1, *, s):
        self.x = "a" 'b'
        if (n := len(r)) > 1: yield from n


match command.split():
    case [x, Point(x=0)] if x > 1:
        pass
    case {"k": v} | "a" as z:
        pass
    case _:
        pass
