# ruleid: anywhere-inside
run(1 + bad(2))
# ok: anywhere-inside
run(1)
# ruleid: only-negatives
only(other)
# ok: only-negatives
only(good)
# ruleid: outer-constrains
outer(a, wrap(a))
# ok: outer-constrains
outer(a, wrap(b))
# ruleid: regex-of-string
text("please sellect")
# ok: regex-of-string
text("no")
