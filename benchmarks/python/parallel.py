# SPDX-License-Identifier: BSL-1.0
"""The same work, 8 s of one core of this Python, on a pool of processes, or of interpreters (3.14)."""
import quest  # first: it says what is missing

import concurrent.futures
import os
import time

import squares

PIECES_PER_WORKER = 32


def run(pool, workers, count):
    pieces = squares.split(count, PIECES_PER_WORKER * workers)
    start = time.perf_counter()
    sums = list(pool.map(squares.sum_of_squares, pieces))
    elapsed = time.perf_counter() - start
    squares.check(sums, count)
    return elapsed


def interpreter_pool(workers):
    """Its interpreters do not know the folder of this script until they are told."""
    path = "import sys; sys.path.insert(0, %r)" % os.path.dirname(os.path.abspath(__file__))
    return concurrent.futures.InterpreterPoolExecutor(workers, initializer=exec, initargs=(path,))


def main(options):
    make_pool = interpreter_pool if options.interpreters else concurrent.futures.ProcessPoolExecutor
    seconds, count = [], 0
    if not options.interpreters or hasattr(concurrent.futures, "InterpreterPoolExecutor"):
        count = int(squares.squares_per_second() * quest.scaled(options, 8) / 1000)
        with make_pool(options.workers) as pool:
            list(pool.map(squares.sum_of_squares, [(0, 200_000)] * options.workers))  # until all stand ready
            seconds = [run(pool, options.workers, count) for _ in range(options.runs)]
    name = "InterpreterPoolExecutor" if options.interpreters else "ProcessPoolExecutor"
    quest.show(seconds, **{"with": "%s, %.0f million squares" % (name, count / 1e6), "squares": count})


if __name__ == "__main__":
    main(quest.arguments("workers", "interpreters"))
