import a.b
import a.b as short
from a import b
from a.b import c as d
from z import c

# ruleid: through-imports
a.b.c(1)
# ruleid: through-imports
short.c(1)
# ruleid: through-imports
b.c(1)
# ruleid: through-imports
d(1)
# ok: through-imports
c(1)
NAME = "secret"
changed = "secret"
changed = read()
# ruleid: constant-variable
take(NAME)
# ok: constant-variable
take(changed)
# ruleid: any-string
take_any("a" + "b")
# ruleid: any-string
take_any(NAME)
# ok: any-string
take_any(changed)
# ok: any-string
take_any(f"{x}")
import net as n
from net import fetch as load
# ruleid: metavariable-member
n.send(0)
# ruleid: metavariable-member
load(0)
# ok: metavariable-member
other(0)
