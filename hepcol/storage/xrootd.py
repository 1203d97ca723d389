"""Files that XRootD servers have, by the client of XRootD."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from hepcol.errors import InputError
from hepcol.storage import servers
from hepcol.storage.addresses import address_of, server_of
from hepcol.storage.failures import lacks
from hepcol.storage.ranges import Ranges

# What is a setting of the XRootD client, and what hepcol sets where the user has not: in seconds, and tries. Its own
# defaults wait 481 s for a server that is not there, and half an hour for one that is silent, and then again as long
# before a server is asked anew whose connection broke.
_XROOTD_SETTINGS = {
    "ConnectionWindow": 5,
    "ConnectionRetry": 1,
    "RequestTimeout": 60,
    "StreamTimeout": 6,
    "TimeoutResolution": 1,
    "StreamErrorWindow": 0,
}


@dataclass
class XRootD:
    """A file that an XRootD server has; its client finds tokens and proxies of users by itself."""

    path: str
    gap: int = 0  # a request may have a thousand ranges
    longest: int = 16 * 1024**2
    requests: int = 0
    received: int = 0
    silence_s: float | None = None
    server: str = field(init=False)
    _handle: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prepare(self.path)
        from XRootD.client import File

        self.server = server_of(self.path)
        # not that of fsspec-xrootd, which all files of a URL share while it is open: one would have the bytes of a file
        # that was replaced, and would fail when another is closed
        self._handle = File()
        given = os.environ.get("XRD_REQUESTTIMEOUT", "")
        self.silence_s = float(given) if given.isdigit() else None

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Open the file; return its size and its first bytes."""
        from XRootD.client.flags import OpenFlags

        self.requests += 2
        await asked(self._handle.open, address_of(self.path), OpenFlags.READ)
        size = int((await asked(self._handle.stat)).size)
        if size == 0:
            return 0, b""
        return size, (await self.read([(0, min(head, size))]))[0]

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes: many of one request, and those that are too long for it by themselves."""
        import fsspec_xrootd

        most, longest = await fsspec_xrootd.XRootDFileSystem._get_max_chunk_info(self._handle)
        short = [one for one in ranges if one[1] - one[0] <= longest]
        long = [one for one in ranges if one[1] - one[0] > longest]
        vectors = [short[first : first + most] for first in range(0, len(short), most)]
        together, alone = await asyncio.gather(
            asyncio.gather(*map(self._vector, vectors)), asyncio.gather(*(self._range(*one) for one in long))
        )
        got = dict(zip([*short, *long], [*chain.from_iterable(together), *alone], strict=True))
        self.received += sum(map(len, got.values()))
        return [got[one] for one in ranges]

    async def _vector(self, ranges: Ranges) -> list[bytes]:
        self.requests += 1
        answer = await asked(self._handle.vector_read, [(start, stop - start) for start, stop in ranges])
        return [piece.buffer for piece in answer.chunks]

    async def _range(self, start: int, stop: int) -> bytes:
        self.requests += 1
        content: bytes = await asked(self._handle.read, start, stop - start)
        return content

    async def greet(self) -> None:
        """Ask whether the server is there; of a redirector, not whom it sends on to."""
        from XRootD.client import FileSystem

        await asked(FileSystem(address_of(self.path)).ping, timeout=int(servers.GREETING_S))

    async def close(self) -> None:
        """Let the server close the file."""
        if self._handle.is_open():
            await asked(self._handle.close, timeout=int(servers.CONNECT_S))


async def asked(question: Callable[..., Any], *what: Any, **how: Any) -> Any:
    """Ask by a method of the XRootD client, which calls back from a thread of its own."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[Any, Any]] = loop.create_future()

    def settle(status: Any, content: Any) -> None:
        if not answer.done():  # nobody waits any more for what came too late
            answer.set_result((status, content))

    def tell(status: Any, content: Any, _servers: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, status, content)

    try:
        status = question(*what, callback=tell, **how)
    except ValueError as error:  # of a file whose connection broke, which is closed then
        raise OSError(str(error)) from error
    content = None
    if status.ok:
        status, content = await answer
    if not status.ok:
        raise OSError(" ".join(status.message.split()))
    return content


_lock = threading.Lock()
_folders: dict[tuple[int, str], Any] = {}
_prepared: set[int] = set()


def prepare(path: str) -> None:
    """See that the XRootD client is here, has time-outs, and understands a URL."""
    try:
        import fsspec_xrootd  # noqa: F401
        from XRootD.client import URL, EnvPutInt
    except ImportError as error:
        raise lacks(path, "xrootd", error) from error
    url = URL(address_of(path))
    if not url.is_valid() or not url.hostname:
        raise InputError(f"{path}: not a URL of XRootD, as in root://host//path/to/file.root")
    with _lock:
        if os.getpid() in _prepared:
            return
        _prepared.add(os.getpid())
        for name, value in _XROOTD_SETTINGS.items():
            if f"XRD_{name.upper()}" not in os.environ:
                EnvPutInt(name, value)


def xrootd_files(path: str) -> Any:
    """Return the file system of an XRootD server, which lists its folders."""
    prepare(path)
    import fsspec_xrootd
    from XRootD.client import URL

    key = (os.getpid(), URL(address_of(path)).hostid)
    with _lock:
        if key not in _folders:
            _folders[key] = fsspec_xrootd.XRootDFileSystem(
                hostid=key[1], skip_instance_cache=True, use_listings_cache=False, locate_all_sources=False
            )
    return _folders[key]
