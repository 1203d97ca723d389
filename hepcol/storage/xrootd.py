"""Files that XRootD servers have, by the client of XRootD."""

import asyncio
import os
import threading
from dataclasses import dataclass, field
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
    _files: Any = field(init=False, repr=False)
    _name: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.server = server_of(self.path)
        self._files = xrootd_files(self.path)
        self._name = self._files._strip_protocol(address_of(self.path))
        given = os.environ.get("XRD_REQUESTTIMEOUT", "")
        self.silence_s = float(given) if given.isdigit() else None

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes."""
        self.requests += 2  # its status, and to open it
        size = int((await self._files._info(self._name))["size"])
        if size == 0:
            return 0, b""
        return size, (await self.read([(0, min(head, size))]))[0]

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes, all of one request."""
        self.requests += 1
        got = await self._files._cat_ranges(
            [self._name] * len(ranges), [start for start, _ in ranges], [stop for _, stop in ranges]
        )
        self.received += sum(map(len, got))
        return got

    async def greet(self) -> None:
        """Ask whether the server is there; of a redirector, not whom it sends on to."""
        status, _ = await asyncio.to_thread(self._files._myclient.ping, int(servers.GREETING_S))
        if not status.ok:
            raise OSError(status.message)

    async def close(self) -> None:
        """Let the server close the file, which the client would keep open for a while."""
        handles = self._files._readonly_filehandle_cache
        await handles._close(self._files.unstrip_protocol(self._name), int(servers.CONNECT_S))


_xrootd_lock = threading.Lock()
_xrootd: dict[tuple[int, str], Any] = {}


def xrootd_files(path: str) -> Any:
    """Return the file system of an XRootD server, whose client has time-outs."""
    try:
        import fsspec_xrootd
        from XRootD.client import URL, EnvPutInt
    except ImportError as error:
        raise lacks(path, "xrootd", error) from error
    url = URL(address_of(path))
    if not url.is_valid():
        raise InputError(f"{path}: not a URL of XRootD, as in root://host//path/to/file.root")
    key = (os.getpid(), url.hostid)
    with _xrootd_lock:
        if key not in _xrootd:
            for name, value in _XROOTD_SETTINGS.items():
                if f"XRD_{name.upper()}" not in os.environ:
                    EnvPutInt(name, value)
            _xrootd[key] = fsspec_xrootd.XRootDFileSystem(
                hostid=url.hostid, skip_instance_cache=True, use_listings_cache=False, locate_all_sources=False
            )
    return _xrootd[key]
