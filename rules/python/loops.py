import re

import requests
from django.http import JsonResponse
from flask import jsonify


def fetch(urls, base):
    for url in urls:
        # ruleid: python.request-in-loop
        use(requests.get(f"{base}/{url}", timeout=3))
        # ok: python.request-in-loop
        use(requests.get(url, timeout=3))
    for _ in range(3):
        # ok: python.request-in-loop
        use(requests.get(base, timeout=3))
    for url in urls:
        # ok: python.request-in-loop
        return requests.get(f"{base}/{url}", timeout=3)
    with requests.Session() as session:
        for url in urls:
            # ok: python.request-in-loop
            use(session.get(url, timeout=3))


def close(orders):
    for order in Order.objects.filter(open=True):
        # ruleid: python.related-rows-in-loop
        use(order.lines.all())
        order.open = False
        # ruleid: python.saved-one-by-one
        order.save()
        # ok: python.saved-one-by-one
        use(order.name)
        # ok: python.related-rows-in-loop
        use(order.lines)
    for order in orders:
        # ok: python.saved-one-by-one
        order.save()
    for order in Order.objects.prefetch_related("lines"):
        # ok: python.related-rows-in-loop
        use(order.lines.all())


def some(name):
    # ruleid: python.rows-loaded-to-know-whether
    if Order.objects.filter(name=name):
        return 1
    # ruleid: python.rows-loaded-to-know-whether
    if Order.objects.filter(name=name).count() > 0:
        return 2
    # ok: python.rows-loaded-to-know-whether
    if Order.objects.filter(name=name).exists():
        return 3
    # ok: python.rows-loaded-to-know-whether
    return Order.objects.filter(name=name).count() > 5


def orders(request):
    # ruleid: python.unbounded-query-to-client
    return JsonResponse(list(Order.objects.all().values()), safe=False)


def orders_json():
    # ruleid: python.unbounded-query-to-client
    return jsonify([order.to_dict() for order in Order.query.all()])


def page(request, start):
    # ok: python.unbounded-query-to-client
    return JsonResponse(list(Order.objects.all().values()[start : start + 50]), safe=False)


def merge(rows, names, groups):
    out = []
    for row in rows:
        # ruleid: python.sorted-in-loop
        use(row, sorted(names))
        # ok: python.sorted-in-loop
        use(sorted(row))
        keys = row.keys()
        # ok: python.sorted-in-loop
        use(sorted(keys))
    for name, group in groups:
        # ok: python.sorted-in-loop
        use(name, sorted(group))
    # ok: python.sorted-in-loop
    for name in sorted(names):
        use(name)
    return out


def lines(file, frame):
    # ruleid: python.whole-file-for-lines
    for line in file.readlines():
        use(line)
    # ok: python.whole-file-for-lines
    for line in file:
        use(line)
    # ok: python.whole-file-for-lines
    all_lines = file.readlines()
    # ruleid: python.frame-rows-in-loop
    for i, row in frame.iterrows():
        use(i, row)
    # ok: python.frame-rows-in-loop
    for row in frame.itertuples():
        use(row)
    return all_lines


# ruleid: python.regex-backtracks
SLOW = re.compile(r"^(\w+\s?)*$")
# ruleid: python.regex-backtracks
NESTED = re.compile("(a+)+b")
# ok: python.regex-backtracks
PLAIN = re.compile(r"^\w+(\s\w+)*$")
# ok: python.regex-backtracks
SEPARATED = re.compile(r"^([a-z]+,)*$")
