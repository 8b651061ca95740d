import re
import net
from net import fetch

# ruleid: entropy
token = "q8Zx71Vp0aKm93TbLw5Y"
# ok: entropy
token = "the interesting section"
# ok: entropy
token = "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"
# ok: entropy
token = "q8Zx71"
# ruleid: redos
re.compile("(a+)+$")
# ruleid: redos
re.compile("^(\w|\d)*x")
# ok: redos
re.compile("(a+,)*$")
# ok: redos
re.compile("[a-z]+\d+")
# ok: redos
re.compile("<b>(.|\n)*</b>")
# ruleid: redos
re.compile("<b>(n|n)*</b>")
# ok: redos
re.compile("<b>(n|\n)*</b>")
# ruleid: redos
re.compile("^(([a-z])+.)+[A-Z]$")
# ok: redos
re.compile("(?:[ \t]*\n+[ \t]*)+")
# ruleid: redos
re.compile("(?:[ \t]*\n+[ \t]*)+x")
# ok: redos
re.compile(r"^(\\[abf]|\\[0-9]..|\\x..)+$")
# ruleid: redos
re.compile(r"^(\\[a-x]|\\[0-9]..|\\x)+$")


def f(n: Size, other):
    # ruleid: type-of
    sized(n)
    # ruleid: type-of
    sized(3)
    # ok: type-of
    sized(other)


# ruleid: name-of
fetch(0)
# ruleid: name-of
net.send(0)
# ok: name-of
local(0)
# ruleid: regex-groups
version("1.8")
# ok: regex-groups
version("2.0")
MODE = "wb"
# ruleid: regex-of-value
open_mode(MODE)
# ok: regex-of-value
open_mode(reader)
# ruleid: typed-argument
wait(5)
# ruleid: typed-argument
wait(0.5)
# ok: typed-argument
wait(later)
