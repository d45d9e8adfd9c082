# SPDX-License-Identifier: BSL-1.0
"""Four threads that compute, 8 s of one core of this Python in all: they take turns under its lock."""
import quest  # first: it says what is missing

import sys
import threading
import time

import squares

TASKS = 4


def run(count):
    pieces = squares.split(count, TASKS)
    sums = [0] * TASKS

    def work(which):
        sums[which] = squares.sum_of_squares(pieces[which])

    threads = [threading.Thread(target=work, args=(which,)) for which in range(TASKS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    squares.check(sums, count)
    return elapsed


def main(options):
    count = int(squares.squares_per_second() * quest.scaled(options, 8) / 1000)
    seconds = [run(count) for _ in range(options.runs)]
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    name = "threads" if locked else "threads without the lock"
    quest.show(seconds, **{"with": "%s, %.0f million squares" % (name, count / 1e6), "squares": count})


if __name__ == "__main__":
    main(quest.arguments())
