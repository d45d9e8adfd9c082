# SPDX-License-Identifier: BSL-1.0
"""A hundred requests of 1 s, ten at a time, with asyncio.Semaphore."""
import quest  # first: it says what is missing

import asyncio
import time


async def page(apis, slots, number, delay):
    async with slots:
        return await apis.get("/wait/page-%d?ms=%d" % (number, delay))


async def main(options):
    delay = quest.scaled(options, 1)
    seconds = []
    for _ in range(options.runs):
        async with quest.Apis(options.port) as apis:
            slots = asyncio.Semaphore(10)
            start = time.perf_counter()
            texts = await asyncio.gather(*(page(apis, slots, n, delay) for n in range(1, 101)))
            seconds.append(time.perf_counter() - start)
        assert texts[-1] == "ok page-100", texts[-1]
    quest.show(seconds)


asyncio.run(main(quest.arguments()))
