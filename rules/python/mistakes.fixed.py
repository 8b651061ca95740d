import datetime
import math
import subprocess
import threading
import httpx
import requests
from functools import partial


# The change is where the mistake shows.
def collect(item, into=[]):
    # ruleid: python.mutable-default-changed
    into.append(item)
    return into


def count(word, counts={}):
    # ruleid: python.mutable-default-changed
    counts[word] = True


def load_once(name, _cache={}):
    # ok: python.mutable-default-changed
    _cache[name] = open(name).read()


def join(words, separators=[]):
    # ok: python.mutable-default-changed
    return separators[0].join(words)


def gather(item, into=None):
    into = into or []
    # ok: python.mutable-default-changed
    into.append(item)


def copy_first(item, into=[]):
    into = list(into)
    # ok: python.mutable-default-changed
    into.append(item)


def quiet(path):
    # ruleid: python.except-hides-everything
    try:
        load(path)
    except:
        pass
    # ok: python.except-hides-everything
    try:
        load(path)
    except FileNotFoundError:
        pass
    # ok: python.except-hides-everything
    try:
        load(path)
    except:
        log("failed")
        raise


def compare(a, b, session):
    # ruleid: python.comparison-to-none
    if a == None:
        return
    # ruleid: python.comparison-to-none
    found = b != None
    # ok: python.comparison-to-none
    if a is None:
        return
    # ok: python.comparison-to-none
    session.query(User).filter(User.email == None)
    # ruleid: python.assert-on-tuple
    assert (a > 0, "a is positive")
    # ok: python.assert-on-tuple
    assert a > 0, "a is positive"
    # ok: python.assert-on-tuple
    assert (a > 0), "a is positive"
    # ruleid: python.comparison-with-itself
    if a.size == a.size:
        return
    # ok: python.comparison-with-itself
    if a.size == b.size:
        return
    # ok: python.comparison-with-itself
    if next(a) == next(a):
        return
    # ok: python.comparison-with-itself
    if a != a:
        return math.nan
    # ruleid: python.identity-of-literal
    if a is "yes":
        return
    # ruleid: python.identity-of-literal
    if b is not 5:
        return
    # ok: python.identity-of-literal
    if a is None or b is True:
        return


def close(handle):
    # ruleid: python.return-in-finally
    try:
        handle.flush()
    finally:
        handle.close()
        return True


def close_well(handle):
    # ok: python.return-in-finally
    try:
        return handle.flush()
    finally:
        handle.close()


class File:
    def __del__(self):
        # ok: python.except-hides-everything
        try:
            self.close()
        except:
            pass


class Shape:
    def area(self):
        # ruleid: python.raise-not-implemented-value
        raise NotImplementedError

    def border(self):
        # ruleid: python.raise-not-implemented-value
        raise NotImplementedError("border")

    def name(self):
        # ok: python.raise-not-implemented-value
        raise NotImplementedError

    def __eq__(self, other):
        # ok: python.raise-not-implemented-value
        return NotImplemented


class Circle(Shape):
    def __init__(self, radius):
        # ruleid: python.super-init-with-self
        super().__init__(radius)


class Square(Shape):
    def __init__(self, side):
        # ok: python.super-init-with-self
        super().__init__(side)


def names(url, path):
    # ruleid: python.strip-with-word
    host = url.lstrip("https://")
    # ruleid: python.strip-with-word
    stem = path.rstrip(".json")
    # ok: python.strip-with-word
    line = path.rstrip("\n")
    # ok: python.strip-with-word
    number = path.strip("0123456789")
    # ok: python.strip-with-word
    stem = path.removesuffix(".json")


def clean(ages, users, limit):
    for key in ages:
        if ages[key] > limit:
            # ruleid: python.container-changed-while-iterated
            del ages[key]
    for user in users:
        if user.old:
            # ruleid: python.container-changed-while-iterated
            users.remove(user)
    for key, age in ages.items():
        if age > limit:
            # ruleid: python.container-changed-while-iterated
            ages.pop(key)
    for key in list(ages):
        # ok: python.container-changed-while-iterated
        del ages[key]
    for user in users:
        if user.old:
            # ok: python.container-changed-while-iterated
            users.remove(user)
            break


def start(work, job):
    # ruleid: python.thread-target-called
    threading.Thread(target=work(job)).start()
    # ok: python.thread-target-called
    threading.Thread(target=work, args=(job,)).start()
    # ok: python.thread-target-called
    threading.Thread(target=partial(work, job)).start()
    thread = threading.Thread(target=work)
    # ruleid: python.thread-run-instead-of-start
    thread.start()
    # ok: python.thread-run-instead-of-start
    thread.start()


def fetch(url, options):
    # ruleid: python.request-without-timeout
    requests.get(url)
    # ok: python.request-without-timeout
    requests.get(url, timeout=5)
    # ok: python.request-without-timeout
    requests.get(url, **options)
    # ruleid: python.request-without-timeout
    httpx.get(url, timeout=None)
    # ok: python.request-without-timeout
    httpx.get(url)


def run(command):
    # ruleid: python.pipe-wait-deadlock
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    child.wait()
    # ok: python.pipe-wait-deadlock
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    out, _ = child.communicate()


def assertion_messages(client, stock):
    # ruleid: python.assert-message-is-value
    assert client.count(), 42
    # ruleid: python.assert-message-is-value
    assert client.is_open(), True
    # ok: python.assert-message-is-value
    assert client.count() == 42
    # ok: python.assert-message-is-value
    assert client.count(), "nothing was counted"
    # ok: python.assert-message-is-value
    assert client.count() == 42, 7


class StockTest:
    def test_counts(self):
        # ruleid: python.assert-true-with-two-values
        self.assertEqual(len(self.stock), 3)
        # ok: python.assert-true-with-two-values
        self.assertTrue(self.stock, "empty")
        # ok: python.assert-true-with-two-values
        self.assertEqual(len(self.stock), 3)

    def test_calls(self, mock):
        # ruleid: python.mock-assertion-misspelt
        mock.called_once_with(3)
        # ruleid: python.mock-assertion-misspelt
        assert mock.called_once
        # ok: python.mock-assertion-misspelt
        mock.assert_called_once_with(3)
        # ok: python.mock-assertion-misspelt
        assert mock.called


def callbacks(buttons, pool):
    actions = []
    for button in buttons:
        # ruleid: python.closure-over-loop-variable
        actions.append(lambda: button.press())
        # ok: python.closure-over-loop-variable
        actions.append(lambda button=button: button.press())
        # ok: python.closure-over-loop-variable
        actions.append(button.press)
    return actions


def stamps():
    # ruleid: python.naive-utc
    now = datetime.datetime.now(datetime.timezone.utc)
    # ok: python.naive-utc
    then = datetime.datetime.utcnow().replace(tzinfo=datetime.timezone.utc)
    # ok: python.naive-utc
    return now, then, datetime.datetime.now(datetime.timezone.utc)
