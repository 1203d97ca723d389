"""Objects that S3 servers have, by s3fs."""

import os
import threading
from dataclasses import dataclass, field
from typing import Any

from hepcol.errors import InputError, UnreadableFile
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
    _size: int = field(default=0, init=False, repr=False)
    _tag: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._files = s3_files(self.path)
        self.server = s3_server(self._files, self.path)
        self._key = address_of(self.path).partition("://")[2]

    async def begin(self, head: int) -> tuple[int, bytes]:
        """Return the size of the file and its first bytes, which come with it."""
        try:
            content = await self._range(0, head)
        except OSError as error:
            if isinstance(error, (FileNotFoundError, PermissionError)):
                raise
            self.requests += 1
            if (await self._files._info(self._key))["size"]:
                raise
            return 0, b""  # S3 has no ranges of what is empty
        return self._size, content

    async def greet(self) -> None:
        """Ask whether the bucket is there."""
        await self._files._call_s3("head_bucket", Bucket=self._key.partition("/")[0])

    async def read(self, ranges: Ranges) -> list[bytes]:
        """Return what is in ranges of bytes, each of a request of its own, several at a time."""
        return await several(self._range, ranges)

    async def _range(self, start: int, stop: int) -> bytes:
        """Ask for a range of bytes of the version that was seen first."""
        bucket, key, version = self._files.split_path(self._key)
        self.requests += 1
        which = {"VersionId": version} if version else {}
        answer = await self._files._call_s3(
            "get_object", Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}", **which
        )
        async with answer["Body"] as body:
            if self._tag not in (None, answer["ETag"]):
                raise UnreadableFile(f"{self.path}: the file has changed while it was read")
            content: bytes = await body.read()
        self._tag = answer["ETag"]
        self._size = int(answer["ContentRange"].rpartition("/")[2])
        self.received += len(content)
        return content

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
