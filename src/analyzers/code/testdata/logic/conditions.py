def kinds(value, other, items):
    if value == 1:
        return "one"
    # ruleid: logic.repeated-condition
    elif value == 1:
        return "two"
    # ok: another value
    elif value == 2:
        return "three"

    if isinstance(value, (int, float)) or value is None:
        return 1
    # ruleid: logic.repeated-condition
    elif isinstance(value, str) and value is None:
        return 2

    # ok: what is called may answer otherwise the second time
    if items.pop() == 1:
        return 1
    elif items.pop() == 1:
        return 2

    # ok: each asks for more than the one before
    if value:
        return 1
    elif other and not value:
        return 2


def branches(value):
    # ruleid: logic.same-branches
    if value > 3:
        print("many", value)
    else:
        print("many", value)

    # ok: the text differs
    if value > 3:
        print("many", value)
    else:
        print("few", value)

    # ok: whoever explains both means both
    if value > 3:
        print("many", value)
    else:
        # Old clients print it, too.
        print("many", value)

    # ok: nothing stands in either
    if value > 4:
        pass
    else:
        pass

    # ruleid: logic.same-branches
    size = len(value) if value else len(value)
    return size


def returns(value):
    # ruleid: logic.same-branches
    if value is None:
        return value
    return value


def operands(value, kind):
    # ruleid: logic.repeated-operand
    if value.a and value.b and value.a:
        return 1
    # ok: the order of evaluation is the point
    if value.next() or value.next():
        return 2
    # ruleid: logic.constant-operand
    if kind == "a" or "b":
        return 3
    # ok: a default
    name = kind or "b"
    # ok: compared
    if kind == "a" or kind == "b":
        return name
    return 4
