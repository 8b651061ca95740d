# ok: order-a, order-b, shared-metavariable
sink(0)


def f(clean):
    y = source()
    # ruleid: order-a, order-b, shared-metavariable
    sink(y)
    # ruleid: order-a, order-b
    # ok: shared-metavariable
    sink(z)


open_it(
    # ok: focus
    first,
    # ruleid: focus
    second)
# ok: negative-bindings-stay-inside
pair(a, a)
# ruleid: negative-bindings-stay-inside
pair(a, b)
