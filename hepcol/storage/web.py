"""Files that web servers have, by aiohttp."""

import asyncio
import atexit
import contextlib
import os
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hepcol.errors import UnreadableFile
from hepcol.storage import servers, tokens
from hepcol.storage.addresses import address_of, server_of
from hepcol.storage.failures import of_status
from hepcol.storage.ranges import TOGETHER, Ranges, several

_PARTIAL, _WHOLE, _NOT_SATISFIABLE = 206, 200, 416
_GRID_AUTHORITIES = "/etc/grid-security/certificates"


@dataclass
class Http:
    """A file that a web server has: WebDAV of dCache, EOS and XRootD, and what was signed for a while."""

    path: str
    gap: int = 32 * 1024
    longest: int = 8 * 1024**2
    requests: int = 0
    received: int = 0
    silence_s: float | None = None
    server: str = field(init=False)

    def __post_init__(self) -> None:
        self.server = server_of(self.path)

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes, which come with it."""
        size, content = await self._get(0, head)
        return size, content

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes, each of a request of its own, several at a time."""

        async def one(start: int, stop: int) -> bytes:
            return (await self._get(start, stop))[1]

        return await several(one, ranges)

    async def close(self) -> None:
        """Nothing is open but connections, which other files share."""

    async def greet(self) -> None:
        """Ask for what a server has at its root, without its content; the token is not sent."""
        session = await _session()
        async with session.head(f"{self.server}/", allow_redirects=False):
            pass

    async def _get(self, start: int, stop: int) -> tuple[int, bytes]:
        """Ask for a range of bytes; return the size of the file, too."""
        address = address_of(self.path)
        self.requests += 1
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity", **authorization(address)}
        session = await _session()
        async with session.get(_url(address), headers=headers) as answer:
            if answer.status == _NOT_SATISFIABLE:
                return _size_in(answer.headers.get("Content-Range", ""), 0), b""
            problem = of_status(answer.status, answer.reason or "", self.path, self.server)
            if problem is not None:
                raise problem
            if answer.status == _WHOLE and 0 <= (answer.content_length or -1) <= stop and start == 0:
                content = await answer.read()  # the file is no longer than what was asked for
                self.received += len(content)
                return len(content), content
            if answer.status != _PARTIAL:
                raise UnreadableFile(
                    f"{self.path}: the server {self.server} gives whole files only, and no ranges of bytes "
                    f"(HTTP {answer.status}): copy the file"
                )
            content = await answer.read()
            self.received += len(content)
            return _size_in(answer.headers.get("Content-Range", ""), start + len(content)), content


def authorization(address: str) -> dict[str, str]:
    """Return the header with the bearer token, for a URL that it may be sent to; else nothing.

    aiohttp takes it away when it follows a redirection to another server.
    """
    if not tokens.may_travel(address) or "@" in urlsplit(address).netloc:
        return {}
    token = tokens.token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _url(address: str) -> Any:
    import yarl

    # what is signed has to stay as it was written
    return yarl.URL(address, encoded="%" in address or "?" in address)


def _size_in(content_range: str, otherwise: int) -> int:
    """Size of the file in a header such as ``bytes 0-99/1234``."""
    size = content_range.rpartition("/")[2]
    return int(size) if size.isdigit() else otherwise


def trust() -> ssl.SSLContext:
    """Whom to trust: the authorities of this machine, those of SSL_CERT_FILE, and those of the grid."""
    context = ssl.create_default_context()
    folder = os.environ.get("X509_CERT_DIR", _GRID_AUTHORITIES)
    if Path(folder).is_dir():
        context.load_verify_locations(capath=folder)
    return context


async def web_client(**_: Any) -> Any:
    """Make a client of web servers, with time-outs; also for fsspec, which lists folders by it."""
    import aiohttp

    silence = aiohttp.ClientTimeout(total=None, sock_connect=servers.CONNECT_S, sock_read=servers.SILENCE_S)
    connector = aiohttp.TCPConnector(limit_per_host=TOGETHER, ssl=trust())
    return aiohttp.ClientSession(timeout=silence, connector=connector, trust_env=True)


_kept = threading.local()  # of fsspec's thread, in which alone questions are asked


async def _session() -> Any:
    """Return the client of this process; after a fork, and where other authorities are trusted, a new one."""
    key = (os.getpid(), os.environ.get("SSL_CERT_FILE"), os.environ.get("X509_CERT_DIR"), asyncio.get_running_loop())
    kept = getattr(_kept, "session", None)
    if kept is None or kept[0] != key or kept[1].closed:
        if kept is not None and kept[0][0] == key[0] and not kept[1].closed:
            await kept[1].close()
        _kept.session = kept = (key, await web_client())
    return kept[1]


def close_sessions() -> None:
    """Close what is open to web servers, at the end of this process."""
    from fsspec.asyn import loop as loops

    if loops[0] is None or not loops[0].is_running():
        return

    async def close() -> None:
        kept = getattr(_kept, "session", None)
        if kept is not None and kept[0][0] == os.getpid():
            await kept[1].close()
            _kept.session = None

    with contextlib.suppress(Exception):  # nothing depends on it any more
        asyncio.run_coroutine_threadsafe(close(), loops[0]).result(2)


atexit.register(close_sessions)
