"""Blocks of events, made by other processes where there are some, and taken in their order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Protocol, Self, TypeVar

from hepcol.random import MAX_SEED
from samples.error import SampleError

Block = TypeVar("Block")


class Headed(Protocol):
    """A block of events of which there may be more than are wanted."""

    def __len__(self) -> int:
        """Count the events."""

    def head(self, count: int) -> Self:
        """Return the first events."""


Sized = TypeVar("Sized", bound=Headed)


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


def first_events(
    events: int, blocks: Iterator[Sized], progress: Callable[[int, int], None] | None = None
) -> Iterator[Sized]:
    """Blocks until there are enough events, of the last one the first.

    Parameters
    ----------
    events : int
        How many.
    blocks : iterator of blocks
        Without end, with a length and a method ``head``.
    progress : callable, optional
        Called as ``progress(done, events)``, each time when a block is used.
    """
    done = 0
    for block in blocks:
        kept = block.head(events - done)
        yield kept
        done += len(kept)
        if progress is not None:
            progress(done, events)
        if done == events:
            return


def check_request(events: int, seed: int) -> None:
    """Refuse a number of events or a seed that is none.

    Raises
    ------
    SampleError
        If it is.
    """
    if events < 1:
        raise SampleError(f"events must be at least 1, got {events}")
    if not 0 <= seed <= MAX_SEED:
        raise SampleError(f"seed must be from 0 to {MAX_SEED}, got {seed}")
