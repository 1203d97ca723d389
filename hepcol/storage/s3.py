"""Objects that S3 servers have, by s3fs."""

import asyncio
import os
import threading
from dataclasses import dataclass, field
from typing import Any

from hepcol.errors import InputError
from hepcol.storage import servers
from hepcol.storage.addresses import address_of, redacted, server_of
from hepcol.storage.failures import lacks
from hepcol.storage.ranges import TOGETHER, Ranges, several


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
        got = await several(self._range, ranges)
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
                        "max_pool_connections": TOGETHER,
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
