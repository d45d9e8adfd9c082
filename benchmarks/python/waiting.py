# SPDX-License-Identifier: BSL-1.0
"""Ten APIs of 2 s at once, with asyncio.gather."""
import quest  # first: it says what is missing

import asyncio
import time


async def main(options):
    delay = quest.scaled(options, 2)
    names = ["api-%d" % n for n in range(1, 11)]
    seconds = []
    for _ in range(options.runs):
        async with quest.Apis(options.port) as apis:
            start = time.perf_counter()
            answers = await asyncio.gather(*(apis.get("/wait/%s?ms=%d" % (name, delay)) for name in names))
            seconds.append(time.perf_counter() - start)
        assert answers == ["ok " + name for name in names], answers
    quest.show(seconds)


asyncio.run(main(quest.arguments()))
