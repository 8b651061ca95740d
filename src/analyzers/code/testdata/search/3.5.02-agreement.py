# ruleid: same-expression
same(a.b(c), a.b( c ))
# ruleid: same-expression
same("x", 'x')
# ruleid: same-expression
same((a + b), a + b)
# ok: same-expression
same(a.b(c), a.b(d))
# ruleid: anonymous
free(1, 2)
# ok: anonymous
free(1)
# ruleid: regex-groups-unify
wrap(blue, key_blue)
# ok: regex-groups-unify
wrap(blue, key_red)
