def helper(first, second):
    # ruleid: taint.functions
    system(second)
    # ok: taint.functions
    system(first)


def through(value):
    return "ls " + value


def constant(value):
    return "ls"


def cleaned(value):
    return quote(value)


def fetch():
    return read_input()


def recursive(value, depth):
    if depth == 0:
        return value
    return recursive(value, depth - 1)


class Runner:
    def run(self, command):
        # ruleid: taint.functions
        system(command)

    def start(self):
        self.run(read_input())


def main():
    value = read_input()
    helper("a", value)
    helper(second="b", first="c")
    # ruleid: taint.functions
    system(through(value))
    # ok: taint.functions
    system(constant(value))
    # ok: taint.functions
    system(cleaned(value))
    # ruleid: taint.functions
    system(fetch())
    # ruleid: taint.functions
    system(recursive(value, 3))
    # ok: taint.functions
    system(names.slice(0, value))
    # ruleid: taint.functions
    system(value.slice(0, count))
