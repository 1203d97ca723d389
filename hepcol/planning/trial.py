"""A short trial of a processor in this process, on a few chunks of three sizes of the user's own files."""

import pickle
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import cloudpickle
import lz4.frame

from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution import openfiles
from hepcol.execution.chunk import LEDGER, OUT, Probe, Task, listen, probe, process_chunk
from hepcol.execution.cutting import item_of
from hepcol.execution.driver import run
from hepcol.execution.merging import merged
from hepcol.fileset import Fileset, InputFile
from hepcol.ledger import ChunkRecord, FileRecord, Status
from hepcol.planning.costs import line

_SMALLEST, _LARGEST = 250, 50_000  # events, of the smallest chunk and of the largest
_STEP = 4  # from one size to the next
_REPEATS = 3
_LONGEST_S = 2.0  # of the largest chunk, about
_LOOK_S = 0.002  # between two looks at the memory


@dataclass(frozen=True)
class ChunkCosts:
    """What chunks took; see :class:`hepcol.planning.costs.Costs`.

    Parameters
    ----------
    sizes : dict of int to list of float
        Times of chunks by their events [s].
    worker_bytes : float
        What the process grew by, beside what the events took.
    """

    sizes: dict[int, list[float]]
    write_s: float
    look_s: float
    warm_s: float
    open_s: float
    chunk_s: float
    event_s: float
    merge_s: float
    output_bytes: float
    output_event_bytes: float
    worker_bytes: float
    event_bytes: float
    waiting: float

    @property
    def scatter(self) -> float:
        """Largest deviation of a size's chunks from the line through the quickest of each size."""
        return max(
            abs(statistics.median(times) / (self.chunk_s + size * self.event_s) - 1)
            for size, times in self.sizes.items()
        )


def measure_chunks(processor: Any, inputs: Fileset, found: Sequence[FileRecord], most: int) -> ChunkCosts:
    """Measure what chunks of a processor take, on the largest of some files.

    Parameters
    ----------
    processor : Any
        The processor.
    inputs : dict of str to Dataset
        The fileset.
    found : sequence of FileRecord
        What is in some of its files.
    most : int
        Events that a chunk may have.

    Raises
    ------
    InputError
        If a chunk fails.
    """
    file = max((record for record in found if record.entries), key=lambda record: record.entries or 0)
    trial = _Trial(processor, inputs, file)
    listen(lambda _: None)
    try:
        return trial.measure(most)
    finally:
        listen(None)
        openfiles.forget_all()


@dataclass(frozen=True)
class _Done:
    """A chunk that was tried."""

    record: ChunkRecord
    out: Any
    peak_bytes: float


class _Trial:
    """Chunks of one file."""

    def __init__(self, processor: Any, inputs: Fileset, file: FileRecord) -> None:
        self._processor = processor
        self._inputs = inputs
        self._file = file
        self._entries = file.entries or 0
        self._topic = f"hepcol-{uuid.uuid4().hex}"
        self._packed = lz4.frame.compress(cloudpickle.dumps(Task(processor, self._topic)))
        self._positions = cycle(range(_REPEATS + 1))

    def measure(self, most: int) -> ChunkCosts:
        """Measure one thing after the other."""
        smallest = min(_SMALLEST, self._entries, most)
        had = _memory()
        first = self._try(smallest)
        before = self._try(smallest)
        look_s = min(self._look() for _ in range(_REPEATS))
        opened_s = min(self._open(smallest) for _ in range(_REPEATS))
        sizes = self._sizes(smallest, most)
        done = {size: [self._try(size) for _ in range(_REPEATS)] for size in sizes}
        times = {size: [one.record.wall_s for one in every] for size, every in done.items()}
        steady = [min(times[size]) for size in sizes]  # others may be at work here, as on a login node
        chunk_s, event_s = (steady[0], 0.0) if len(sizes) == 1 else line(list(zip(sizes, steady, strict=True)))
        outputs = [one.out for every in done.values() for one in every]
        output_bytes, output_event_bytes = _grows({size: [_size(one.out) for one in done[size]] for size in sizes})
        worker_bytes, event_bytes = _grows({size: [one.peak_bytes - had for one in done[size]] for size in sizes})
        wall_s = sum(sum(every) for every in times.values())
        cpu_s = sum(one.record.cpu_s for every in done.values() for one in every)
        return ChunkCosts(
            sizes=times,
            write_s=self._write_s(smallest),
            look_s=look_s,
            warm_s=first.record.compile_s + max(0.0, first.record.wall_s - opened_s),
            open_s=max(0.0, opened_s - min(before.record.wall_s, *times[sizes[0]])),
            chunk_s=chunk_s,
            event_s=event_s,
            merge_s=_merge_s(outputs),
            output_bytes=output_bytes,
            output_event_bytes=output_event_bytes,
            worker_bytes=worker_bytes,
            event_bytes=event_bytes,
            waiting=max(0.0, 1 - cpu_s / wall_s),
        )

    def _sizes(self, smallest: int, most: int) -> list[int]:
        """Choose three sizes, the largest of which takes some seconds at most."""
        largest = min(self._entries, most, _LARGEST)
        middle = max(smallest, largest // _STEP)
        took_s = self._try(middle).record.wall_s  # which may have a good deal that does not grow with it
        largest = min(largest, max(middle, int(middle * _LONGEST_S / max(took_s, 1e-6))))
        return sorted({max(1, largest // _STEP**2), max(1, largest // _STEP), largest})

    def _try(self, events: int) -> _Done:
        """Process a chunk of so many events, the next time at another place."""
        start = min(next(self._positions) * events, self._entries - events)
        item = item_of(self._file, start, start + events, self._inputs)
        with _peak() as peak:
            out = process_chunk(item, self._packed)
        (record,) = out[LEDGER]
        if record.status is not Status.DONE:
            raise InputError(f"{record.path}: a chunk of the trial failed: {record.error}: {record.message}")
        return _Done(record, out[OUT], peak[0])

    def _look(self) -> float:
        """Time the look into a file that precedes the work."""
        openfiles.forget_all()
        file = InputFile(self._file.path, self._file.tree, uuid=self._file.uuid)
        columns = required_columns(self._processor, self._inputs[self._file.dataset].metadata)
        start = time.perf_counter()
        probe(Probe(self._topic, self._file.dataset, file, columns, retries=0))
        return time.perf_counter() - start

    def _open(self, events: int) -> float:
        """Time a chunk of a file that is not open."""
        openfiles.forget_all()
        return self._try(events).record.wall_s

    def _write_s(self, events: int) -> float:
        """Time the writing of results, of a run over a few events."""
        metadata = dict(self._inputs[self._file.dataset].metadata)
        fileset = {
            self._file.dataset: {
                "files": {self._file.path: {"object_path": self._file.tree, "steps": [[0, events]]}},
                "metadata": metadata,
            }
        }
        with tempfile.TemporaryDirectory(prefix="hepcol-plan-") as scratch:
            done = run(self._processor, fileset, output=Path(scratch) / "out")
        return float(done.summary["write_s"])


def _size(output: Any) -> float:
    """Bytes of an output on its way."""
    return float(len(pickle.dumps(output, protocol=pickle.HIGHEST_PROTOCOL)))


def _grows(measured: dict[int, list[float]]) -> tuple[float, float]:
    """Bytes without events, and of each event."""
    points = [(float(size), max(1.0, statistics.median(values))) for size, values in measured.items()]
    return (points[0][1], 0.0) if len(points) == 1 else line(points)


def _merge_s(outputs: Sequence[Any]) -> float:
    """Time for an output to be packed, unpacked and added to others."""
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        merged([pickle.loads(pickle.dumps(output, protocol=pickle.HIGHEST_PROTOCOL)) for output in outputs])
        times.append((time.perf_counter() - start) / len(outputs))
    return statistics.median(times)


@contextmanager
def _peak() -> Iterator[list[float]]:
    """Follow the memory of this process; yield a list whose first is the most that it had."""
    ended = threading.Event()
    peak = [_memory()]

    def look() -> None:
        while not ended.wait(_LOOK_S):
            peak[0] = max(peak[0], _memory())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _memory() -> float:
    """Bytes that this process has in memory."""
    import psutil

    return float(psutil.Process().memory_info().rss)
