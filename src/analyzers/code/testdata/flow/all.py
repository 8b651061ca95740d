import os

LIMIT = 3


def handler(request, *rest, key="d"):
    name, size = request.args["name"], 1
    try:
        with open(name) as f:
            text = f.read()
    except OSError as error:
        raise ValueError(f"bad {name}") from error
    finally:
        done()
    for i, line in enumerate(text):
        if i > LIMIT and line or not size:
            continue
        elif line == "end":
            break
        size += 1
    else:
        size = 0
    rows = {"a": [x * 2 for x in rest if x], **key}
    rows["b"].append(size)
    request.session.user = rows["a"][0]
    return (lambda v: v or name)(size) if size else None
