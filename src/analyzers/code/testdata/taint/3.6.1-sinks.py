def arguments(x):
    # ruleid: taint.sinks
    sink(source())
    # ruleid: taint.sinks
    sink("a", source())
    # ok: taint.sinks
    sink(x)


def focused():
    value = source()
    # ruleid: taint.sinks
    run(value, 1)
    # ok: taint.sinks
    run(1, value)


def sanitized():
    value = source()
    # ok: taint.sinks
    sink(clean(value))
    # ok: taint.sinks
    clean(sink(source()))
    value = clean(value)
    # ok: taint.sinks
    sink(value)


def branches(condition):
    value = source()
    if condition:
        value = clean(value)
    # ruleid: taint.sinks
    sink(value)
    if condition:
        value = "a"
    else:
        value = "b"
    # ok: taint.sinks
    sink(value)


def loops(items):
    last = ""
    for item in items:
        # ruleid: taint.sinks
        sink(last)
        last = source()
    while last:
        last = clean(last)
    text = "".join(part for part in source())
    # ruleid: taint.sinks
    sink(text)


def texts():
    value = source()
    # ruleid: taint.sinks
    sink("a" + value)
    # ruleid: taint.sinks
    sink(f"select {value}")
    # ruleid: taint.sinks
    sink("%s" % value)
    # ruleid: taint.sinks
    sink("{}".format(value))
    # ruleid: taint.sinks
    sink(unknown(value))
    # ruleid: taint.sinks
    sink(value.strip())


def handled():
    value = "a"
    try:
        value = source()
        risky()
        value = "b"
    except ValueError:
        # ruleid: taint.sinks
        sink(value)
    # ruleid: taint.sinks
    sink(value)


value = source()
# ruleid: taint.sinks
sink(value)


def reads_module():
    # ruleid: taint.sinks
    sink(value)
