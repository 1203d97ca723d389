"""Files that a process keeps open between chunks, and between runs as long as they do not change.

Opening a file, reading its streamers and interpreting its branches costs 0.35 to 3.8 s a chunk; from an open
file the events of a chunk take 0.07 s (286 branches) to 0.4 s (1244 branches). To see that a local file is still
the one that was opened takes 4 us.
"""

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from hepcol.events import open_file
from hepcol.fileset import is_remote
from hepcol.formats import Layout, identify
from hepcol.storage import addresses

CAPACITY = 8  # files for each thread
TREES = 100  # of a file whose branches are kept: those of one with 64 take 9 ms to read

_COARSEST_CLOCK_NS = 2_000_000_000  # of a file system: FAT's

# Run and path; no run for a local file, which any run may use as long as it has not changed.
Key = tuple[str | None, str]


class Stamp(NamedTuple):
    """What changes when a file is written to or replaced.

    ``ctime_ns`` sees what copies with an old time of modification (``cp -p``, ``rsync -t``) hide.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @property
    def is_settled(self) -> bool:
        """Whether a change from now on is sure to show: in a file just written, it may fall into the same tick."""
        return time.time_ns() - self.mtime_ns >= _COARSEST_CLOCK_NS


def stamp(path: str) -> Stamp | None:
    """Stamp of a local file; None for a remote one, and one that cannot be opened."""
    if is_remote(path):
        return None
    try:
        # NFS asks the server when a file is opened; a plain stat, 2 us less, may be a minute old
        descriptor = os.open(path, os.O_RDONLY)
    except (OSError, ValueError):  # a null character is a ValueError
        return None
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Traffic(NamedTuple):
    """Requests to the server of a file, and bytes that were asked of it."""

    requests: int = 0
    bytes_read: int = 0


_told: WeakKeyDictionary[Any, Traffic] = WeakKeyDictionary()  # of open files, what was told of them


@dataclass(frozen=True)
class OpenFile:
    """An open file and what is in it."""

    directory: Any
    layout: Layout

    @property
    def uuid(self) -> str:
        """UUID of the file."""
        return str(self.directory.file.uuid)

    @property
    def entries(self) -> int:
        """Entries of the event tree."""
        return int(self.tree.num_entries)

    @property
    def tree(self) -> Any:
        """The event tree."""
        return self.directory[self.layout.tree]

    @property
    def source(self) -> Any:
        """What uproot reads the file by."""
        return self.directory.file.source

    def traffic(self) -> Traffic:
        """Return what was asked of the file since this was called before, or since it was opened."""
        requests = self.source.num_requests if addresses.is_served(self.directory.file.file_path) else 0
        now = Traffic(int(requests), int(self.source.num_requested_bytes))
        before = _told.get(self.source, Traffic())
        _told[self.source] = now
        return Traffic(now.requests - before.requests, now.bytes_read - before.bytes_read)

    def forget_arrays(self) -> None:
        """Free the columns of the last chunk, of which uproot keeps 100 MB for every open file."""
        self.directory.file.array_cache.clear()


@dataclass(frozen=True)
class _Entry:
    """An open file, what it was like when it was opened, the only run that may use it (None if any may), its trees."""

    directory: Any
    stamp: Stamp | None
    run: str | None
    trees: dict[str | None, OpenFile] = field(default_factory=dict)


class _Cache(threading.local):
    """Open files of a thread, the latest last; uproot's handles are not shared between threads."""

    def __init__(self) -> None:
        self.files: OrderedDict[Key, _Entry] = OrderedDict()


_cache = _Cache()


def get(run: str, path: str, tree: str | None) -> OpenFile:
    """Return a file that is open and has not changed since, or open it.

    A change of a local file is seen at once. One of a remote file is not: each run opens those anew.
    """
    entry = _open(run, path)
    if tree not in entry.trees:
        entry.trees[tree] = OpenFile(entry.directory, identify(entry.directory, tree))
    return entry.trees[tree]


def _open(run: str, path: str) -> _Entry:
    """Return a file that is open and has not changed since, or open it."""
    key = _key(run, path)
    now = stamp(path)
    kept = _cache.files.get(key)
    if kept is not None and kept.stamp == now and kept.run in (None, run):
        _cache.files.move_to_end(key)
        return kept
    # as long as that of an earlier run is open, some servers give what was there then to this one, too
    for other in [other for other in _cache.files if other[1] == path]:
        _close(other)
    only_run = None if now is not None and now.is_settled else run
    # the stamp of before the opening: if the file was replaced meanwhile, the next use sees it
    entry = _cache.files[key] = _Entry(open_file(path, TREES), now, only_run)
    while len(_cache.files) > CAPACITY:
        _close(next(iter(_cache.files)))
    return entry


def forget(run: str, path: str) -> None:
    """Close a file, so that the next use opens it anew."""
    _close(_key(run, path))


def forget_all() -> None:
    """Close every file of this thread."""
    for key in list(_cache.files):
        _close(key)


def _key(run: str, path: str) -> Key:
    """Name an open file."""
    return (run if is_remote(path) else None, path)


def _close(key: Key) -> None:
    """Close a file, if it is open."""
    kept = _cache.files.pop(key, None)
    if kept is not None:
        kept.directory.close()
