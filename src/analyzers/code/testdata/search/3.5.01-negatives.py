with guard():
    # ruleid: not-equal-range, not-regex
    # ok: not-inside
    sink(3)
# ruleid: not-equal-range, not-inside
# ok: not-regex
sink(clean)
# ruleid: not-inside, not-regex
# ok: not-equal-range
sink(1)
# ruleid: not-equal-range, not-inside, not-regex
sink(2)
