# SPDX-License-Identifier: BSL-1.0
"""The work of wall.py and parallel.py: sums of squares, as many as this Python does in a given time."""
import statistics
import time


def sum_of_squares(piece):
    """The sum of the squares of first .. last - 1, one by one."""
    first, last = piece
    total = 0
    for i in range(first, last):
        total += i * i
    return total


def squares_per_second():
    """What one core does: the median of short runs, as the other side of the table measures it."""
    squares = 100_000
    taken = []
    for _ in range(15):
        start = time.thread_time()
        sum_of_squares((0, squares))
        taken.append(time.thread_time() - start)
    return squares / statistics.median(taken)


def split(squares, pieces):
    """0 .. squares - 1 in equal pieces."""
    bounds = [squares * i // pieces for i in range(pieces + 1)]
    return list(zip(bounds, bounds[1:]))


def check(sums, squares):
    """Raises unless the sums add up to what the formula gives."""
    if sum(sums) != squares * (squares - 1) * (2 * squares - 1) // 6:
        raise ArithmeticError("the sum of %d squares is wrong" % squares)
