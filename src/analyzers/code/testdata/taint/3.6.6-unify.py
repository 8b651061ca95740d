def f(a, b):
    value = opened(a)
    # ruleid: taint.unify
    use(value, a)
    # ok: taint.unify
    use(value, b)
