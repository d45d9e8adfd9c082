# SPDX-License-Identifier: BSL-1.0
"""Three stages over asyncio queues: fetch 50 ms, 100 ms of a core in a process pool, 20 ms into SQLite."""
import quest  # first: it says what is missing

import asyncio
import concurrent.futures
import time

import squares

sqlite3 = quest.needed("sqlite3")
END = None


async def fetch_stage(apis, numbers, fetched, delay):
    for number in numbers:  # one iterator, which the workers share
        await apis.get("/wait/item-%d?ms=%d" % (number, delay))
        await fetched.put(number)


async def process_stage(pool, fetched, processed, count):
    loop = asyncio.get_running_loop()
    while True:
        number = await fetched.get()
        if number is END:
            await fetched.put(END)  # for the next worker
            return
        total = await loop.run_in_executor(pool, squares.sum_of_squares, (0, count))
        await processed.put((number, total))


def insert(rows, row, seconds):
    begin = time.monotonic()
    rows.execute("insert into results values (?, ?)", row)
    rows.commit()
    time.sleep(max(0, begin + seconds - time.monotonic()))


async def store_stage(disk, rows, processed, seconds):
    loop = asyncio.get_running_loop()
    while True:
        number, total = await processed.get()
        if number is END:
            return
        await loop.run_in_executor(disk, insert, rows, (number, total % 2**63), seconds)


async def run(options, pool, disk, count):
    rows = sqlite3.connect("", check_same_thread=False)
    rows.execute("create table results (number integer primary key, sum integer)")
    fetched, processed = asyncio.Queue(2 * options.fetches), asyncio.Queue(4)
    numbers = iter(range(1, options.items + 1))
    delay = quest.scaled(options, 0.05)
    async with quest.Apis(options.port) as apis:
        start = time.perf_counter()
        storing = asyncio.ensure_future(store_stage(disk, rows, processed, 0.02 / options.scale))
        processing = [
            asyncio.ensure_future(process_stage(pool, fetched, processed, count)) for _ in range(options.workers)
        ]
        await asyncio.gather(*(fetch_stage(apis, numbers, fetched, delay) for _ in range(options.fetches)))
        await fetched.put(END)
        await asyncio.gather(*processing)
        await processed.put((END, 0))
        await storing
        elapsed = time.perf_counter() - start
    assert rows.execute("select count(*) from results").fetchone() == (options.items,)
    rows.close()
    return elapsed


async def main(options):
    count = int(squares.squares_per_second() * 0.1 / options.scale)
    with concurrent.futures.ProcessPoolExecutor(options.workers) as pool:
        list(pool.map(squares.sum_of_squares, [(0, 200_000)] * options.workers))  # until all stand ready
        with concurrent.futures.ThreadPoolExecutor(1) as disk:
            seconds = [await run(options, pool, disk, count) for _ in range(options.runs)]
    name = "%s, queues and ProcessPoolExecutor" % quest.library()
    quest.show(seconds, **{"with": name, "squares": count})


if __name__ == "__main__":
    asyncio.run(main(quest.arguments("items", "fetches", "workers")))
