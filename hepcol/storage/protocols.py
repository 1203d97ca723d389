"""How files on servers are asked for: HTTP, S3 and XRootD, each by the library that its users know."""

import asyncio
import atexit
import contextlib
import os
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from hepcol.errors import InputError, UnreadableFile
from hepcol.storage import servers, tokens
from hepcol.storage.addresses import HTTP, address_of, protocol, redacted, server_of
from hepcol.storage.failures import of_status

Ranges = Sequence[tuple[int, int]]

_TOGETHER = 8  # connections to a server
_PARTIAL, _WHOLE, _NOT_SATISFIABLE = 206, 200, 416
_GRID_AUTHORITIES = "/etc/grid-security/certificates"
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


class Remote(Protocol):
    """A file on a server.

    Parameters
    ----------
    path : str
        Its name, as in messages.
    server : str
        Who is asked.
    gap : int
        Bytes that are read without need rather than asking once more.
    longest : int
        Bytes of one request.
    requests, received : int
        What was asked of the server, and the bytes that came.
    silence_s : float, optional
        How long the server may be silent, where the user has said so to its library.
    """

    path: str
    server: str
    gap: int
    longest: int
    requests: int
    received: int
    silence_s: float | None

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes."""
        ...

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes."""
        ...

    async def greet(self) -> None:
        """Ask the server for an answer, whatever it is."""
        ...

    async def close(self) -> None:
        """Let the file go."""
        ...


def remote(path: str) -> Remote:
    """Return the file of a name that :func:`hepcol.storage.addresses.is_served` accepts.

    Raises
    ------
    InputError
        If a package is not installed that it needs.
    """
    kind = protocol(path)
    if kind in HTTP:
        return Http(path)
    return S3(path) if kind == "s3" else XRootD(path)


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

        return await _several(one, ranges)

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
    connector = aiohttp.TCPConnector(limit_per_host=_TOGETHER, ssl=trust())
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


@dataclass
class S3:
    """An object in a bucket; endpoint and credentials are those of AWS's own variables and profile files."""

    path: str
    gap: int = 32 * 1024
    longest: int = 8 * 1024**2
    requests: int = 0
    received: int = 0
    silence_s: float | None = None
    server: str = field(init=False)
    _files: Any = field(init=False, repr=False)
    _key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._files = s3_files(self.path)
        self.server = s3_server(self._files, self.path)
        self._key = address_of(self.path).partition("://")[2]

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes."""
        self.requests += 2
        found: Any
        content: Any
        found, content = await asyncio.gather(
            self._files._info(self._key), self._range(0, head), return_exceptions=True
        )
        if isinstance(found, BaseException):
            raise found
        if found.get("type") == "directory":
            raise FileNotFoundError("a folder")
        if isinstance(content, BaseException):
            if not found["size"]:  # S3 has no ranges of what is empty
                return 0, b""
            raise content
        self.received += len(content)
        return int(found["size"]), content

    async def greet(self) -> None:
        """Ask whether the bucket is there."""
        await self._files._call_s3("head_bucket", Bucket=self._key.partition("/")[0])

    async def _range(self, start: int, stop: int) -> bytes:
        return await self._files._cat_file(self._key, start=start, end=stop)

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes, each of a request of its own, several at a time."""
        self.requests += len(ranges)
        got = await _several(self._range, ranges)
        self.received += sum(map(len, got))
        return got

    async def close(self) -> None:
        """Nothing is open but connections, which other files share."""


_s3_lock = threading.Lock()
_s3: dict[tuple[Any, ...], Any] = {}


def s3_files(path: str) -> Any:
    """Return s3fs's file system as AWS's variables say now, with time-outs and without tries inside tries."""
    try:
        import s3fs
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise lacks(path, "s3", error) from error
    settings = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    key = (os.getpid(), hash(settings))
    with _s3_lock:
        files = _s3.get(key)
        if files is None:
            try:
                files = s3fs.S3FileSystem(
                    skip_instance_cache=True,
                    use_listings_cache=False,
                    config_kwargs={
                        "connect_timeout": servers.CONNECT_S,
                        "read_timeout": servers.SILENCE_S,
                        "retries": {"max_attempts": 0},
                        "max_pool_connections": _TOGETHER,
                    },
                )
                files.retries = 1  # hepcol tries again itself
                files.connect()
            except (BotoCoreError, ValueError) as error:
                raise InputError(f"{path}: {redacted(' '.join(str(error).split()))}") from None
            _s3.clear()
            _s3[key] = files
    return files


def s3_server(files: Any, path: str) -> str:
    """Name the endpoint that a file system asks."""
    endpoint = files._s3.meta.endpoint_url if files._s3 is not None else None
    return server_of(endpoint) if endpoint else server_of(path)


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


def lacks(path: str, extra: str, error: ImportError) -> InputError:
    """Say which packages a URL needs."""
    return InputError(
        f"{path}: {protocol(path)}:// needs packages that are not installed ({error.name or error}): "
        f"pip install 'hepcol[{extra}]'"
    )


async def _several(ask: Callable[[int, int], Awaitable[bytes]], ranges: Ranges) -> list[bytes]:
    """Ask for several ranges of bytes at a time; the first error ends all of them."""
    limit = asyncio.Semaphore(_TOGETHER)

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
