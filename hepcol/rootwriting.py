"""Writing ROOT files that have equal bytes where they have equal content."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import uproot

_EPOCH_CODE = 0  # ROOT's packed date: 1995-01-01 00:00:00
_FIXED_UUID = UUID("68657063-6f6c-5000-8000-000000000000")
_time_of_day = uproot._util.datetime_to_code
_writers = 0
_lock = threading.Lock()


@contextmanager
def recreate(file: str | Path | IO[bytes], uuid: UUID = _FIXED_UUID, compression: Any = None) -> Iterator[Any]:
    """Write a ROOT file with uproot: without the time of day, and with a UUID that is told, not drawn.

    Parameters
    ----------
    file : str, Path or file
        Where to write it.
    uuid : UUID
        Of the file; by default that of all files that nothing is identified by.
    compression : uproot.compression.Compression, optional
        By default uproot's own.
    """
    options = {} if compression is None else {"compression": compression}
    with _timeless(), uproot.recreate(file, uuid_function=lambda: uuid, **options) as root:
        yield root


@contextmanager
def _timeless() -> Iterator[None]:
    """Keep uproot from writing the time of day into keys and folders; it has no option for that."""
    global _writers  # noqa: PLW0603  (threads write at the same time, and the last of them puts it back)
    with _lock:
        _writers += 1
        uproot._util.datetime_to_code = lambda _: _EPOCH_CODE
    try:
        yield
    finally:
        with _lock:
            _writers -= 1
            if not _writers:
                uproot._util.datetime_to_code = _time_of_day
