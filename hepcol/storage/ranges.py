"""Ranges of bytes of a file, several of which are asked for at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

Ranges = Sequence[tuple[int, int]]

TOGETHER = 8  # connections to a server


async def several(ask: Callable[[int, int], Awaitable[bytes]], ranges: Ranges) -> list[bytes]:
    """Ask for several ranges of bytes at a time; the first error ends all of them."""
    limit = asyncio.Semaphore(TOGETHER)

    async def one(start: int, stop: int) -> bytes:
        async with limit:
            return await ask(start, stop)

    tasks = [asyncio.ensure_future(one(start, stop)) for start, stop in ranges]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
