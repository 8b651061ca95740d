import asyncio
import copy
import subprocess
import threading
import time

import requests

LOCK = threading.Lock()


async def page(session, user):
    # ruleid: python.sequential-awaits
    first = await session.get("/users/1")
    second = await session.get("/posts/1")
    return first, second


async def chained(session):
    # ok: python.sequential-awaits
    first = await session.get("/users/1")
    second = await session.get(f"/posts/{first.post}")
    return first, second


async def queued(queue):
    # ok: python.sequential-awaits
    first = await queue.get(1)
    second = await queue.get(2)
    return first, second


async def all_of(names):
    # ruleid: python.awaits-in-comprehension
    texts = [await load(name) for name in names]
    # ok: python.awaits-in-comprehension
    more = await asyncio.gather(*[load(name) for name in names])
    # ok: python.awaits-in-comprehension
    chunks = [chunk async for chunk in names]
    return texts, more, chunks


async def store(value):
    # ruleid: python.thread-lock-over-await
    with LOCK:
        await write(value)
    # ok: python.thread-lock-over-await
    with LOCK:
        remember(value)
    # ok: python.thread-lock-over-await
    async with asyncio.Lock():
        await write(value)


class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.turn = asyncio.Lock()

    async def put(self, value):
        # ruleid: python.thread-lock-over-await
        with self.lock:
            result = await write(value)
        # ok: python.thread-lock-over-await
        async with self.turn:
            result = await write(value)
        return result

    def pause(self):
        with self.lock:
            # ruleid: python.sleep-with-lock
            time.sleep(1)
            # ruleid: python.request-with-lock
            self.value = requests.get("http://x", timeout=3)
        # ok: python.sleep-with-lock
        time.sleep(1)
        # ok: python.request-with-lock
        value = requests.get("http://x", timeout=3)
        with self.lock:
            self.value = value
        with self.clock:
            # ok: python.sleep-with-lock
            time.sleep(1)


async def read(path):
    # ruleid: python.file-opened-in-coroutine
    with open(path) as file:
        text = file.read()
    # ok: python.file-opened-in-coroutine
    return text + await asyncio.to_thread(path.read_text)


def read_now(path):
    # ok: python.file-opened-in-coroutine
    with open(path) as file:
        return file.read()
