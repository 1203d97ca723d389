"""Blocks of events, made by other processes where there are some, and taken in their order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from samples.error import SampleError

Block = TypeVar("Block")


@contextmanager
def pool_of(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Open a pool of processes; None for one, which is this.

    Raises
    ------
    SampleError
        If there is to be none.
    """
    if workers < 1:
        raise SampleError(f"workers must be at least 1, got {workers}")
    if workers == 1:
        yield None
        return
    # spawn: neither ROOT nor Pythia survives a fork with threads
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def in_order(work: Callable[[int], Block], pool: ProcessPoolExecutor | None, workers: int) -> Iterator[Block]:
    """Results of block 0, 1, 2, ... without end, a few ahead of the one in use."""
    if pool is None:
        block = 0
        while True:
            yield work(block)
            block += 1
    ahead = deque(pool.submit(work, block) for block in range(2 * workers))
    block = len(ahead)
    try:
        while True:
            done = ahead.popleft()
            ahead.append(pool.submit(work, block))
            block += 1
            yield done.result()
    finally:
        for future in ahead:
            future.cancel()
