import functools
import re
import boto3
import numpy as np
import pandas as pd
import requests


def report(orders, cursor, Customer, session):
    for order in orders:
        # ruleid: python.n-plus-one-query
        customer = Customer.objects.get(id=order.customer_id)
    for order in orders:
        # ruleid: python.n-plus-one-query
        cursor.execute("SELECT name FROM customer WHERE id = ?", (order.customer_id,))
    # ok: python.n-plus-one-query
    customers = Customer.objects.filter(id__in=[order.customer_id for order in orders])
    for table in ("a", "b"):
        # ok: python.n-plus-one-query
        cursor.execute("SELECT 1")
    for order in orders:
        session.add(order)
        # ruleid: python.commit-in-loop
        session.commit()
    for i, order in enumerate(orders):
        session.add(order)
        if i % 1000 == 0:
            # ok: python.commit-in-loop
            session.commit()
    # ok: python.commit-in-loop
    session.commit()


def words(lines):
    for line in lines:
        # ruleid: python.regex-compile-in-loop
        pattern = re.compile(r"\w+")
    for line in lines:
        # ok: python.regex-compile-in-loop
        pattern = re.compile(line)
    # ok: python.regex-compile-in-loop
    pattern = re.compile(r"\w+")


def unknown(path, names):
    with open(path) as file:
        lines = file.readlines()
    words = set(lines)
    for name in names:
        # ruleid: python.membership-in-list-in-loop
        if name not in lines:
            print(name)
        # ok: python.membership-in-list-in-loop
        if name not in words:
            print(name)
    # ok: python.membership-in-list-in-loop
    return "x" in lines


def reverse(items):
    out = []
    for i in range(4):
        # ok: python.front-insertion-in-loop
        out.insert(0, i)
    for item in items:
        # ruleid: python.front-insertion-in-loop
        out.insert(0, item)
    # ok: python.front-insertion-in-loop
    items.insert(0, None)
    while items:
        # ruleid: python.front-removal-in-loop
        first = items.pop(0)
        items.extend(first.children)
    while out:
        # ok: python.front-removal-in-loop
        first = out.pop(0)
    while out:
        # ok: python.front-removal-in-loop
        last = out.pop()


def receive(sock, names):
    data = b""
    while True:
        # ruleid: python.bytes-concatenation-in-loop
        data += sock.recv(4096)
    message = b""
    while len(message) < 100:
        chunk = sock.recv(4096)
        # ruleid: python.bytes-concatenation-in-loop
        message += chunk
    buffer = bytearray()
    while True:
        # ok: python.bytes-concatenation-in-loop
        buffer += sock.recv(4096)
    text = ""
    for name in names:
        # ok: python.bytes-concatenation-in-loop
        text += name


class Page:
    # ruleid: python.cache-on-method
    @functools.lru_cache(maxsize=None)
    def total(self, year):
        return year

    # ok: python.cache-on-method
    @functools.cached_property
    def title(self):
        return "x"


# ok: python.cache-on-method
@functools.lru_cache(maxsize=None)
def load_page(name):
    return name


def frames(parts):
    table = pd.DataFrame()
    for part in parts:
        # ruleid: python.frame-grown-in-loop
        table = pd.concat([table, part])
    # ok: python.frame-grown-in-loop
    table = pd.concat(parts)


def upload(files):
    for file in files:
        # ruleid: python.client-created-in-loop
        s3 = boto3.client("s3")
    # ok: python.client-created-in-loop
    s3 = boto3.client("s3")


def extremes(values, ages, Post, session):
    # ruleid: python.sort-for-one-element
    smallest = sorted(values)[0]
    # ruleid: python.sort-for-one-element
    largest = sorted(values, key=len)[-1]
    # ok: python.sort-for-one-element
    middle = sorted(values)[len(values) // 2]
    # ruleid: python.membership-in-new-list
    if "x" in ages:
        return
    # ok: python.membership-in-new-list
    if "x" in ages:
        return
    # ruleid: python.len-of-queryset
    n = len(Post.objects.filter(draft=True))
    # ok: python.len-of-queryset
    n = Post.objects.filter(draft=True).count()
    # ruleid: python.list-built-for-any
    found = any(v > 3 for v in values)
    # ok: python.list-built-for-any
    found = any(v > 3 for v in values)
    # ok: python.list-built-for-any
    missing = any([values.get(key) is None for key in ["least", "most"]])
    # ok: python.list-built-for-any
    complete = all([key in values for key in ("least", "most")])
