def f():
    value = user_input()
    # ok: taint.labels
    query(value)
    text = "a" + "b"
    # ok: taint.labels
    query(text)
    joined = "select " + value
    # ruleid: taint.labels
    query(joined)
