import asyncio
import os
import subprocess
import time
import requests


async def poll(url, loop):
    # ruleid: python.sleep-in-async
    time.sleep(1)
    # ok: python.sleep-in-async
    await asyncio.sleep(1)
    # ok: python.sleep-in-async
    await loop.run_in_executor(None, lambda: time.sleep(1))
    # ruleid: python.blocking-http-in-async
    answer = requests.get(url, timeout=3)
    # ok: python.blocking-http-in-async
    answer = await asyncio.to_thread(requests.get, url)
    # ruleid: python.blocking-subprocess-in-async
    subprocess.run(["make"])
    # ok: python.blocking-subprocess-in-async
    child = await asyncio.create_subprocess_exec("make")
    # ruleid: python.coroutine-not-awaited
    asyncio.sleep(2)
    # ok: python.coroutine-not-awaited
    await asyncio.sleep(2)
    # ok: python.coroutine-not-awaited
    later = asyncio.sleep(2)
    # ok: python.coroutine-not-awaited
    print(repr(await asyncio.wait_for(later, timeout=3)))


def wait():
    # ok: python.sleep-in-async
    time.sleep(1)
    # ok: python.blocking-http-in-async
    requests.get("https://example.com", timeout=3)
    # ok: python.blocking-subprocess-in-async
    subprocess.run(["make"])


async def load(session, urls, pages):
    results = []
    for url in urls:
        # ruleid: python.await-in-loop
        results.append(await session.get(url))
    async for page in pages:
        # ok: python.await-in-loop
        results.append(await session.get(page))
    # ok: python.await-in-loop
    results = await asyncio.gather(*(session.get(url) for url in urls))
    # ruleid: python.task-reference-dropped
    asyncio.create_task(session.close())
    # ok: python.task-reference-dropped
    task = asyncio.create_task(session.close())
    # ok: python.task-reference-dropped
    await asyncio.create_task(session.close())
