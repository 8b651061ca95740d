made = make(1)
# ruleid: symbolic
use(made)
# ok: symbolic
use(other)
# ruleid: one-finding-for-a-range
twice(1)
# ok: one-finding-for-a-range
thrice(1)
