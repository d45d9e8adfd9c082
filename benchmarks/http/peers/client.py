# SPDX-License-Identifier: BSL-1.0
"""What a user of aiohttp writes: one session, one task a connection. Prints the CPU nanoseconds of a request."""
import asyncio
import sys
import time

import aiohttp


async def worker(session, url, body, left):
    while left:
        left.pop()
        async with session.get(url) as answer:
            assert len(await answer.read()) == body


async def run(session, url, requests, connections, body):
    left = [None] * requests
    await asyncio.gather(*(worker(session, url, body, left) for _ in range(connections)))


async def main(url, requests, connections, body):
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        await run(session, url, 2 * connections, connections, body)
        before = time.process_time_ns()
        await run(session, url, requests, connections, body)
        print((time.process_time_ns() - before) // requests)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
