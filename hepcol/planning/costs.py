"""What the work of a run costs, part by part, as it was measured; and what there is to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TREE = 20  # outputs that are merged at a time
LARGEST = TREE**2  # chunks, from which on a merged output comes to the client


@dataclass(frozen=True)
class Costs:
    """What a run costs; times in seconds, memory in bytes.

    Parameters
    ----------
    start_s : float
        To start: what the processor arranges, the client's imports, and the cluster.
    write_s : float
        To end the cluster, and to write the results.
    look_s : float
        To look into a file before the work begins.
    warm_s : float
        Of a worker, to load or compile what its first chunk needs.
    open_s : float
        Of a worker, to open a file.
    chunk_s : float
        Of a worker, for a chunk whatever its size.
    event_s : float
        Of a worker, for an event.
    task_s : float
        Of client and scheduler, for a chunk: no more than ``1 / task_s`` of them end in a second.
    task_worker_s : float
        Of a worker, for a chunk, beside the work on it: to take it and to hand on its output.
    merge_s : float
        To merge an output with others: pack, send, unpack, add.
    output_bytes, output_event_bytes : float
        Size of the output of a chunk, and of what an event adds to it.
    worker_bytes, event_bytes : float
        Memory of a worker, and what an event of a chunk adds to it.
    client_bytes, record_bytes : float
        Memory of client and scheduler, and what a chunk adds to it.
    waiting : float
        Part of the time of chunks in which the worker waited, as for a file.
    """

    start_s: float
    write_s: float
    look_s: float
    warm_s: float
    open_s: float
    chunk_s: float
    event_s: float
    task_s: float
    task_worker_s: float = 0.0
    merge_s: float = 0.0
    output_bytes: float = 0.0
    output_event_bytes: float = 0.0
    worker_bytes: float = 0.0
    event_bytes: float = 0.0
    client_bytes: float = 0.0
    record_bytes: float = 0.0
    waiting: float = 0.0


@dataclass(frozen=True)
class Work:
    """What there is to do.

    Parameters
    ----------
    files : tuple of tuple of int
        Of each file the events of its ranges that are to be processed: one range, unless the fileset has ``steps``.
    """

    files: tuple[tuple[int, ...], ...]

    @classmethod
    def whole(cls, entries: Iterable[int]) -> "Work":
        """All events of files."""
        return cls(tuple((number,) for number in entries))

    @property
    def events(self) -> int:
        """Events of all files."""
        return sum(sum(ranges) for ranges in self.files)

    def pieces(self, size: int) -> list[int]:
        """Chunks of each file that has events, cut as a run cuts it: each range by itself."""
        every = (sum(max(1, round(events / size)) for events in ranges if events) for ranges in self.files)
        return [pieces for pieces in every if pieces]

    def opened(self, size: int, workers: int) -> int:
        """How often a worker opens a file: each that has chunks of it does, and keeps it open."""
        return sum(min(pieces, workers) for pieces in self.pieces(size))

    def largest(self, size: int) -> int:
        """Events of the largest chunk."""
        every = (events for ranges in self.files for events in ranges if events)
        return max((-(-events // max(1, round(events / size))) for events in every), default=0)

    @property
    def longest(self) -> int:
        """Events of the longest range."""
        return max((events for ranges in self.files for events in ranges), default=0)


@dataclass(frozen=True)
class Machine:
    """Where the work is done.

    Parameters
    ----------
    workers : int
        Workers of one thread each.
    cores : int, optional
        Cores that workers share with client and scheduler; None if these have cores of their own.
    """

    workers: int
    cores: int | None = None


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit ``y = first + slope * x``, neither of them negative, to points; each counts by its relative error.

    Raises
    ------
    ValueError
        If there are fewer than two different ``x``, or a ``y`` that is not positive.
    """
    if len({x for x, _ in points}) < 2 or any(y <= 0 for _, y in points):  # noqa: PLR2004
        raise ValueError(f"a line needs two different x or more, and positive y, got {list(points)}")
    weight = [1 / y**2 for _, y in points]
    total = sum(weight)
    mean_x = sum(w * x for w, (x, _) in zip(weight, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weight, points, strict=True)) / total
    square = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weight, points, strict=True))
    slope = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weight, points, strict=True)) / square
    if slope < 0:
        return mean_y, 0.0
    if mean_y < slope * mean_x:
        # through the origin
        squares = sum(w * x * x for w, (x, _) in zip(weight, points, strict=True))
        return 0.0, sum(w * x * y for w, (x, y) in zip(weight, points, strict=True)) / squares
    return mean_y - slope * mean_x, slope
