"""Threads of the kernels, which run without the GIL: one unless a run in this process asks for more.

Workers already share the cores among them, so their kernels keep to one thread each. Results do not depend on it:
entries are integers and weights are summed exactly.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

_number = 1
_MIN_ITEMS = 4096  # for each thread; with fewer the start of a thread (0.1 ms) is not worth it

Part = TypeVar("Part")


def available_cores() -> int:
    """Count the cores that this process may use, where the system tells: a job may have some of a machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def use(number: int) -> Iterator[None]:
    """Let the kernels of this process use ``number`` threads meanwhile; as runs, one at a time in a process."""
    global _number  # noqa: PLW0603  (a property of the process, as the number of its cores)
    previous, _number = _number, number
    try:
        yield
    finally:
        _number = previous


def over_parts(items: int, work: Callable[[slice], Part], least: int = _MIN_ITEMS) -> list[Part]:
    """Do ``work`` on consecutive parts of ``items`` items, each in its own thread, and return what each part gave.

    A part has at least ``least`` items.
    """
    parts = max(1, min(_number, items // least))
    edges = [items * part // parts for part in range(parts + 1)]
    slices = [slice(start, stop) for start, stop in pairwise(edges)]
    if parts == 1:
        return [work(slices[0])]
    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(work, slices))
