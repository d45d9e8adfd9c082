# SPDX-License-Identifier: BSL-1.0
"""The agent: three sources, 2 s of a core for each answer, asyncio and a pool of processes.

The work is that of quest's agent as far as Python can do it in the same time: words, runs of five words and
their least hashes (MinHash) of as many passages as take 2 s here. So the answer of the C++ agent is not
compared; that every design reads the same is. The time given is that of the talk's design, all calls, then
all work; one after the other, and without the barrier, are given beside it.
"""
import quest  # first: it says what is missing

import asyncio
import concurrent.futures
import re
import time
import zlib

SOURCES = (("weather", 2.0), ("news", 1.5), ("knowledge_base", 3.0))
WORDS = re.compile(r"[^\W_]+")
HASHES = [(zlib.crc32(b"factor %d" % i) | 1, zlib.crc32(b"summand %d" % i)) for i in range(128)]
WINDOW, STRIDE, SHINGLE = 120, 60, 5


def least_hashes(words):
    shingles = {zlib.crc32(" ".join(words[i:i + SHINGLE]).encode()) for i in range(len(words) - SHINGLE + 1)}
    return [min((s * factor + summand) >> 8 & 0xFFFFFFFF for s in shingles) for factor, summand in HASHES]


def read(text, passages):
    """Reads so many passages of a text, from the beginning again if it has fewer; gives a hash."""
    words = WORDS.findall(text.lower())
    last = max(1, (len(words) - WINDOW) // STRIDE)
    result = 0
    for n in range(passages):
        start = n % last * STRIDE
        for value in least_hashes(words[start:start + WINDOW]):
            result = zlib.crc32(b"%d" % value, result)
    return result


def passages_in(seconds):
    """How many passages one process reads in that time: the best of three, so that others count little."""
    text = " ".join("word%d" % (n * n % 977) for n in range(2000))
    best = 0
    for _ in range(3):
        start = time.process_time()
        read(text, 4)
        best = max(best, 4 / (time.process_time() - start))
    return max(1, round(best * seconds))


class Agent:
    def __init__(self, options, apis, pool, passages):
        self.options, self.apis, self.pool, self.passages = options, apis, pool, passages

    async def fetch(self, name, seconds):
        call = self.apis.get("/documents/%s?ms=%d" % (name, quest.scaled(self.options, seconds)))
        return await asyncio.wait_for(call, max(1, 5 / self.options.scale))

    async def work(self, text):
        return await asyncio.get_running_loop().run_in_executor(self.pool, read, text, self.passages)

    async def ask(self, name, seconds):
        return await self.work(await self.fetch(name, seconds))

    async def one_after_the_other(self):
        return [await self.ask(*source) for source in SOURCES]

    async def barrier(self):
        texts = await asyncio.gather(*(self.fetch(*source) for source in SOURCES))
        return await asyncio.gather(*(self.work(text) for text in texts))

    async def overlapped(self):
        return await asyncio.gather(*(self.ask(*source) for source in SOURCES))


async def timed(design):
    start = time.perf_counter()
    answers = await design()
    return time.perf_counter() - start, list(answers)


async def main(options):
    passages = passages_in(2 / options.scale)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        async with quest.Apis(options.port) as apis:
            agent = Agent(options, apis, pool, passages)
            # The processes start here and not in what is measured.
            await asyncio.gather(*(asyncio.get_running_loop().run_in_executor(pool, read, "", 0) for _ in range(64)))
            sequential, expected = await timed(agent.one_after_the_other)
            overlapped, answers = await timed(agent.overlapped)
            assert answers == expected, (answers, expected)
            seconds = []
            for _ in range(options.runs):
                elapsed, answers = await timed(agent.barrier)
                assert answers == expected, (answers, expected)
                seconds.append(elapsed)
    quest.show(seconds, **{"with": quest.library() + " and ProcessPoolExecutor, gather then work",
                           "sequential": sequential, "overlapped": overlapped, "passages": passages})


if __name__ == "__main__":
    asyncio.run(main(quest.arguments()))
