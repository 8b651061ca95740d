import logging

from requests.exceptions import ConnectionError

logger = logging.getLogger(__name__)


def texts(a, b, values, width):
    # ruleid: logic.format-arguments
    use("%s and %s" % (a,))
    # ok: one for each
    use("%s and %d%%" % (a, b))
    # ok: the width is a value, too
    use("%*d" % (width, a))
    # ok: whatever is in it
    use("%s and %s" % values)
    # ok: named
    use("%(a)s %(b)s" % {"a": a, "b": b})
    # ruleid: logic.format-arguments
    use("{} and {}".format(a))
    # ruleid: logic.format-arguments
    use("{0} and {2}".format(a, b))
    # ok: braces themselves, a nested width, an attribute
    use("{{}} {:>{}} {.x}".format(a, width, b) if a else "{{{}}}".format(b))
    # ok: unpacked
    use("{} and {}".format(*values))
    # ruleid: logic.format-arguments
    logger.warning("%s isn't %s", a)
    # ok: one for each
    logger.warning("%s isn't %s", a, b, exc_info=True)
    # ok: nothing is formatted
    logger.warning("100 %")
    # ok: another way of formatting
    logger.warning("{} isn't {}", a, b)


def handlers(path, key):
    try:
        return open(path)[key]
    except OSError:
        return 1
    # ruleid: logic.unreachable-handler
    except FileNotFoundError:
        return 2
    # ok: another kind
    except KeyError:
        return 3
    except Exception:
        return 4
    # ok: no kind of Exception
    except KeyboardInterrupt:
        return 5
    # ruleid: logic.unreachable-handler
    except (ValueError, TypeError):
        return 6
    # ok: who knows what it is
    except errors.Closed:
        return 7


def own_names(path):
    try:
        return open(path)
    except OSError:
        return 1
    # ok: not Python's own
    except ConnectionError:
        return 2
