"""Kernels over many independent items, on threads that leave the interpreter alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

#: A kernel that runs is not interrupted: every call returns within about this many seconds.
_LONGEST_CALL = 0.2
_OPERATIONS_A_SECOND = 1e9


def available_threads() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def check_threads(threads: int | None) -> int:
    """Number of threads to use; all processors for None."""
    if threads is None:
        return available_threads()
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ArgumentError("a whole number of threads from 1", where="threads", value=threads)
    return threads


def in_chunks(
    call: Callable[[int, int], object], items: int, operations: float, threads: int
) -> None:
    """Run ``call(begin, end)`` over all items.

    Parameters
    ----------
    call : callable
        Releases the interpreter, and writes each item's results to places of their own.
    items : int
    operations : float
        About how many floating-point operations one item takes; decides how many items a call
        gets, never what they give.
    threads : int
    """
    from concurrent.futures import ThreadPoolExecutor

    longest = max(1, int(_LONGEST_CALL * _OPERATIONS_A_SECOND / max(operations, 1.0)))
    size = max(1, min(longest, -(-items // (4 * threads))))
    pieces = [(begin, min(begin + size, items)) for begin in range(0, items, size)]
    if threads == 1 or len(pieces) == 1:
        for begin, end in pieces:
            call(begin, end)
        return
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(call, begin, end) for begin, end in pieces]
        try:
            for future in futures:
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise
