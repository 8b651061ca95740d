LIMIT = 1024
# ruleid: number
bits(1024)
# ruleid: number
bits(LIMIT)
# ok: number
bits(2048)
# ok: number
bits(1)
# ruleid: in-list
port("80")
# ruleid: in-list
port("99")
# ok: in-list
port("443")
# ruleid: type-error
typed(0x10)
# ok: type-error
typed("text")
# ruleid: bits
chmod(0o666)
# ok: bits
chmod(0o644)
