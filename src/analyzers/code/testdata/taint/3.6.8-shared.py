def f():
    # ruleid: taint.shared
    query(user_input())
    # ruleid: taint.shared
    query(other_input())
    # ruleid: taint.shared-labelled
    page(user_input())
    # ok: taint.shared-labelled
    page(other_input())


def handle(request):
    # ruleid: taint.shared
    query(request)
    # ruleid: taint.shared-labelled
    page(request)
