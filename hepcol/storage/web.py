"""Files that web servers have, by aiohttp."""

import asyncio
import atexit
import contextlib
import os
import re
import ssl
import sys
import threading
import urllib.request
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
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)$")
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
    _size: int | None = field(default=None, init=False, repr=False)
    _tags: dict[str, str] = field(default_factory=dict, init=False, repr=False)  # of versions, by who has them

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
        async with session.head(f"{self.server}/", allow_redirects=False, proxy=proxy_of(self.server)):
            pass

    async def _get(self, start: int, stop: int) -> tuple[int, bytes]:
        """Ask for a range of bytes; return the size of the file, too."""
        address = address_of(self.path)
        self.requests += 1
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity", **authorization(address)}
        session = await _session()
        async with session.get(_url(address), headers=headers, proxy=proxy_of(address)) as answer:
            if answer.status == _NOT_SATISFIABLE:
                return max(0, _place_in(answer.headers.get("Content-Range", ""))[1]), b""
            problem = of_status(answer.status, answer.reason or "", self.path, self.server)
            if problem is not None:
                raise problem
            first, size = _place_in(answer.headers.get("Content-Range", ""))
            if answer.status == _WHOLE and start == 0 and answer.content_length is not None:
                first, size = 0, answer.content_length if answer.content_length <= stop else -1
            if answer.status not in (_WHOLE, _PARTIAL) or first != start or size < 0:
                raise UnreadableFile(
                    f"{self.path}: the server {self.server} gives whole files only, and no ranges of bytes "
                    f"(HTTP {answer.status}): copy the file"
                )
            self._see(answer.url.host or "", answer.headers.get("ETag", ""), size)
            content = await answer.read()
            self.received += len(content)
            return size, content

    def _see(self, host: str, tag: str, size: int) -> None:
        """Refuse another version of the file; other servers, which may be sent on to, have tags of their own."""
        if self._size not in (None, size) or self._tags.setdefault(host, tag) != tag:
            raise UnreadableFile(f"{self.path}: the file has changed while it was read")
        self._size = size


def authorization(address: str) -> dict[str, str]:
    """Return the header with the bearer token, for a URL that it may be sent to; else nothing.

    aiohttp takes it away when it follows a redirection to another server.
    """
    if not tokens.may_travel(address) or "@" in urlsplit(address).netloc:
        return {}
    token = tokens.token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def proxy_of(address: str) -> str | None:
    """Return the proxy that the environment names for a URL; what is within this machine, as tokens may be, has none.

    aiohttp's own way takes passwords of ``~/.netrc``, too, and then refuses to send a token.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if tokens.is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _url(address: str) -> Any:
    import yarl

    # what is signed has to stay as it was written
    return yarl.URL(address, encoded="%" in address or "?" in address)


def _place_in(content_range: str) -> tuple[int, int]:
    """Where an answer begins and the size of the file in a header such as ``bytes 0-99/1234``; -1 if not told."""
    found = _CONTENT_RANGE.match(content_range)
    return (int(found[1] or -1), int(found[2])) if found else (-1, -1)


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
    return aiohttp.ClientSession(timeout=silence, connector=connector)


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
    asyn = sys.modules.get("fsspec.asyn")  # which can be imported no more
    if asyn is None or asyn.loop[0] is None or not asyn.loop[0].is_running():
        return

    async def close() -> None:
        kept = getattr(_kept, "session", None)
        if kept is not None and kept[0][0] == os.getpid():
            await kept[1].close()
            _kept.session = None

    with contextlib.suppress(Exception):  # nothing depends on it any more
        asyncio.run_coroutine_threadsafe(close(), asyn.loop[0]).result(2)


atexit.register(close_sessions)
