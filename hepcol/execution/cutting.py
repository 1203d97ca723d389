"""Chunks of what is left to do of the files."""

import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol.errors import InputError
from hepcol.fileset import Fileset
from hepcol.ledger import ChunkRecord, FileRecord

MAX_CHUNK = 100_000
MIN_CHUNK = 1_000
CHUNKS_PER_WORKER = 4

FileKey = tuple[str, str]  # dataset and path


def ranges_left(
    inputs: Fileset, found: list[FileRecord], done: Sequence[ChunkRecord]
) -> dict[FileKey, list[tuple[int, int]]]:
    """Entries of each readable file that are not done."""
    taken: dict[FileKey, list[tuple[int, int]]] = {}
    for chunk in done:
        taken.setdefault((chunk.dataset, chunk.path), []).append((chunk.start, chunk.stop))
    entries = {(file.dataset, file.path): file.entries for file in found if file.entries is not None}
    return {
        (name, file.path): [
            left
            for first, last in file.steps or ((0, entries[name, file.path]),)
            for left in _without(first, last, taken.get((name, file.path), []))
        ]
        for name, dataset in inputs.items()
        for file in dataset.files
        if (name, file.path) in entries
    }


def _without(first: int, last: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of a range without others."""
    left = []
    for start, stop in sorted(taken):
        if start >= last or stop <= first:
            continue
        if start > first:
            left.append((first, start))
        first = max(first, stop)
    return [*left, (first, last)] if first < last else left


def cut_into_chunks(
    inputs: Fileset,
    found: list[FileRecord],
    ranges: Mapping[FileKey, Sequence[tuple[int, int]]],
    chunksize: int | None,
    workers: int,
    most: int = MAX_CHUNK,
) -> list[WorkItem]:
    """Cut what is left to do of the files that can be read into chunks of about equal size.

    That is ``chunksize``; without one what keeps all workers busy, and at most ``most`` events.
    """
    total = sum(stop - start for left in ranges.values() for start, stop in left)
    size = chunksize or chunk_size(total, workers, most)
    records = {(file.dataset, file.path): file for file in found}
    return [
        item_of(records[key], start, stop, inputs)
        for key, left in ranges.items()
        for first, last in left
        for start, stop in _cut(first, last, size)
    ]


def chunk_size(events: int, workers: int, most: int = MAX_CHUNK) -> int:
    """Choose the events of a chunk, so that all workers are busy and none needs too much memory."""
    return max(min(MIN_CHUNK, most), min(most, -(-events // (CHUNKS_PER_WORKER * workers))))


def largest_chunk(processor: Any) -> int:
    """Return the most events of a chunk that a processor asks for by its ``max_chunk``; many need no less.

    Raises
    ------
    InputError
        If that is no number of events; a processor of somebody else may call something of its own so.
    """
    most = getattr(processor, "max_chunk", MAX_CHUNK)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise InputError(f"max_chunk of {type(processor).__name__}: expected a number of events above 0, got {most!r}")
    return most


def _cut(first: int, last: int, size: int) -> list[tuple[int, int]]:
    """Cut a range into pieces of about ``size``; an empty one into none, as coffea cannot read no events."""
    pieces = max(1, round((last - first) / size)) if last > first else 0
    edges = [first + (last - first) * piece // max(1, pieces) for piece in range(pieces + 1)]
    return list(pairwise(edges))


def item_of(file: FileRecord, start: int, stop: int, inputs: Fileset) -> WorkItem:
    """Describe a chunk as coffea does."""
    metadata = dict(inputs[file.dataset].metadata)
    return WorkItem(file.dataset, file.path, file.tree, start, stop, uuid.UUID(file.uuid).bytes, metadata)


def empty_chunks(inputs: Fileset, found: list[FileRecord], begun: set[str]) -> list[WorkItem]:
    """Make a chunk without events for each dataset that has none, so that its histograms and cutflows are there."""
    datasets: dict[str, list[FileRecord]] = {}
    for file in found:
        datasets.setdefault(file.dataset, []).append(file)
    return [
        item_of(files[0], 0, 0, inputs)
        for name, files in datasets.items()
        if name not in begun and all(file.entries == 0 for file in files)
    ]
