"""The ledger: one record for every chunk, and the closure of their sum against the files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

ChunkKey = tuple[str, str, int, int]  # dataset, path, start, stop


class Status(StrEnum):
    """What became of a chunk."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class ChunkRecord:
    """What became of one chunk.

    Parameters
    ----------
    dataset, path, tree : str
        Where the chunk is.
    start, stop : int
        Its entries, ``start`` up to ``stop``.
    status : Status
        What became of it.
    error, message : str
        Class and message of the error that ended it.
    traceback : str
        Where it was raised.
    attempts : int
        How often it was tried.
    worker : str
        Host and process.
    wall_s, cpu_s, compile_s : float
        Time spent [s]; compilation and its like are not in the first two.
    bytes_read : int
        Bytes asked of the file; of one on a server, those that came.
    requests : int
        How often the file's server was asked; 0 for a local file.
    unlike : str
        How the worker differs from the client, in versions or CPU.
    started : float
        When a worker began with it, compilation included, by its clock [s since 1970]; 0 if that is not known.
    """

    dataset: str
    path: str
    tree: str
    start: int
    stop: int
    status: Status
    error: str = ""
    message: str = ""
    traceback: str = ""
    attempts: int = 1
    worker: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    compile_s: float = 0.0
    bytes_read: int = 0
    requests: int = 0
    unlike: str = ""
    started: float = 0.0

    @property
    def events(self) -> int:
        """Number of entries."""
        return self.stop - self.start

    @property
    def key(self) -> ChunkKey:
        """What tells chunks apart; a copied file keeps its UUID, so the path does."""
        return (self.dataset, self.path, self.start, self.stop)


@dataclass(frozen=True)
class FileRecord:
    """What was found when a file was opened.

    Parameters
    ----------
    dataset, path, tree : str
        Which file, and the event tree in it.
    entries : int, optional
        Entries to process; None if the file could not be read.
    uuid : str
        UUID of the file.
    schema : str
        Schema of its events.
    error, message : str
        Class and message of the error, if it could not be read.
    size : int, optional
        Bytes of a local file.
    stored : int, optional
        Entries of its tree, of which only some may be to process.
    note : dict, optional
        What a skim tells of itself, see :class:`hepcol.skimnote.TreeNote`.
    declared : dict of str to float, optional
        Sums of weights that the file tells of what it was made of, by where it does.
    requests, bytes_read : int
        How often its server was asked to find that out, and the bytes that came; 0 for a local file.
    """

    dataset: str
    path: str
    tree: str = ""
    entries: int | None = None
    uuid: str = ""
    schema: str = ""
    error: str = ""
    message: str = ""
    size: int | None = None
    stored: int | None = None
    note: dict[str, Any] | None = None
    declared: dict[str, float] | None = None
    requests: int = 0
    bytes_read: int = 0


@dataclass(frozen=True)
class Closure:
    """Events by what became of them, against what the files hold."""

    files: int
    processed: int
    failed: int
    skipped: int
    missing: int
    unknown_files: int

    @property
    def complete(self) -> bool:
        """Whether every event of every file was processed."""
        return not (self.failed or self.skipped or self.missing or self.unknown_files)

    def summary(self) -> dict[str, int]:
        """Return the numbers by name; ``files`` is what the readable files hold."""
        return asdict(self)


def processed_text(events: Mapping[str, int], participle: str = "") -> str:
    """Say how many events of how many were processed, and how many files could not even be read.

    Parameters
    ----------
    events : mapping of str to int
        As :meth:`Closure.summary` returns them.
    participle : str
        What became of the events, where that is not said otherwise.
    """
    text = " ".join(filter(None, (f"{events['processed']:,} of {events['files']:,} events", participle)))
    unread = events["unknown_files"]
    return f"{text} and {unread:,} file{'s' if unread > 1 else ''} that could not be read" if unread else text


def close(files: Iterable[FileRecord], chunks: Iterable[ChunkRecord]) -> Closure:
    """Account for the events of all files.

    An event without a record is ``missing``, so that processed + failed + skipped + missing is always what the
    files hold.

    Raises
    ------
    ValueError
        If a range of entries has two records, or reaches beyond its file: then something was counted twice.
    """
    listed = list(files)
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = {}
    events = dict.fromkeys(Status, 0)
    for chunk in chunks:
        ranges.setdefault((chunk.dataset, chunk.path), []).append((chunk.start, chunk.stop))
        events[chunk.status] += chunk.events
    for (dataset, path), taken in ranges.items():
        taken.sort()
        for (start, stop), (following, _) in pairwise(taken):
            if following < stop and start < stop:
                raise ValueError(f"dataset '{dataset}', {path}: entries {following} to {stop} were counted twice")
    total = sum(file.entries for file in listed if file.entries is not None)
    accounted = sum(events.values())
    if accounted > total:
        raise ValueError(f"{accounted} events were accounted for, but the files hold {total}")
    return Closure(
        files=total,
        processed=events[Status.DONE],
        failed=events[Status.FAILED],
        skipped=events[Status.SKIPPED],
        missing=total - accounted,
        unknown_files=sum(file.entries is None for file in listed),
    )


def to_json(record: ChunkRecord | FileRecord) -> str:
    """Return a record as one line of JSON."""
    kind = "chunk" if isinstance(record, ChunkRecord) else "file"
    return json.dumps({"kind": kind, **asdict(record)})


def from_json(line: str) -> ChunkRecord | FileRecord:
    """Read a record back from one line of JSON."""
    content: dict[str, Any] = json.loads(line)
    if content.pop("kind") == "file":
        return FileRecord(**content)
    return ChunkRecord(**{**content, "status": Status(content["status"])})
