"""A short trial of a processor on a Dask worker, on a few chunks of growing size of the user's own files.

A worker that has done nothing before tells what the first chunk takes more, and what memory a worker has.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import lz4.frame
from distributed.protocol import pickle

from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution import openfiles
from hepcol.execution.account import missing_text
from hepcol.execution.chunk import LEDGER, OUT, Probe, Task, probe, process_chunk
from hepcol.execution.collector import INTERRUPTED
from hepcol.execution.cutting import item_of
from hepcol.execution.driver import run
from hepcol.execution.merging import merged
from hepcol.fileset import Dataset, Fileset, InputFile, describe_file
from hepcol.ledger import ChunkRecord, FileRecord, Status
from hepcol.planning.costs import line
from hepcol.storage.addresses import addresses_of

_FEW, _SMALLEST, _LARGEST = 25, 250, 50_000  # events, of the first chunk, the smallest that is measured, the largest
_STEP = 4  # from one size to the next
_SIZES = 3  # at least, if the file has so many events
_REPEATS = 3
_LONGEST_S = 2.0  # of the largest chunk, about
_LOOK_S = 0.002  # between two looks at the memory


@dataclass(frozen=True)
class ChunkCosts:
    """What chunks of a dataset took; see :class:`hepcol.planning.costs.Costs`.

    Parameters
    ----------
    sizes : dict of int to list of float
        Times of chunks by their events [s].
    worker_bytes : float
        Memory of the worker, without what events take.
    waiting_s, wall_s : float
        Time in which the worker waited, as for a file, and of all chunks.
    """

    sizes: dict[int, list[float]]
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
    waiting_s: float
    wall_s: float

    @property
    def scatter(self) -> float:
        """Largest deviation of a size's chunks from the line through the quickest of each size."""
        return max(
            abs(statistics.median(times) / (self.chunk_s + size * self.event_s) - 1)
            for size, times in self.sizes.items()
        )


def try_chunks(
    client: Any,
    topic: str,
    processor: Any,
    inputs: Fileset,
    chosen: Mapping[str, tuple[InputFile, FileRecord]],
    most: int,
) -> dict[str, ChunkCosts]:
    """Measure what chunks of a processor take, on one file of each of some datasets.

    Parameters
    ----------
    client : distributed.Client
        A cluster of one worker, which is started again for each dataset, so that it has done nothing before.
    topic : str
        Under which it tells records.
    processor : Any
        The processor.
    inputs : dict of str to Dataset
        The fileset.
    chosen : dict of str to (InputFile, FileRecord)
        The file of each dataset.
    most : int
        Events that a chunk may have.

    Raises
    ------
    InputError
        If a chunk fails, or ends its worker.
    """
    places = [place for file, _ in chosen.values() for place in (file.path, *file.replicas)]
    with tempfile.TemporaryDirectory(prefix="hepcol-plan-") as deposit:
        task = Task(
            processor,
            topic,
            {file.path: file.replicas for file, _ in chosen.values() if file.replicas},
            deposit=deposit,
            addresses=addresses_of(places),
        )
        packed = lz4.frame.compress(cloudpickle.dumps(task))
        trials = [
            _Trial(packed, topic, Dataset((file,), inputs[name].metadata), record, most)
            for name, (file, record) in chosen.items()
        ]
        found = {}
        for name, trial in zip(chosen, trials, strict=True):
            smallest = _ask(client, _compile, trial)  # which is done once for all workers, and not by each of them
            client.restart()
            columns = required_columns(processor, inputs[name].metadata)
            found[name] = _ask(client, _measure, trial, smallest, columns)
    return found


def write_time(processor: Any, inputs: Fileset, name: str, file: InputFile, record: FileRecord) -> float:
    """Time the writing of results, of a run over a few events of a file in this process [s].

    Raises
    ------
    InputError
        If these events cannot be processed.
    """
    first, last = _longest(file, record)
    part = replace(file, steps=((first, min(last, first + _FEW)),))
    fileset = {name: {"files": {file.path: describe_file(part)}, "metadata": dict(inputs[name].metadata)}}
    with tempfile.TemporaryDirectory(prefix="hepcol-plan-") as scratch:
        done = run(processor, fileset, output=Path(scratch) / "out", allow_incomplete=True)
    if done.summary["stopped"] == INTERRUPTED:
        raise KeyboardInterrupt
    if not done.closure.complete:
        raise InputError(f"{file.path}, a run over some of its events: {missing_text(done)}")
    return float(done.summary["write_s"])


def _ask(client: Any, function: Any, *arguments: Any) -> Any:
    """Let the worker do something.

    Raises
    ------
    InputError
        If it ends the worker.
    """
    from distributed import KilledWorker

    try:
        return client.submit(function, *arguments, pure=False).result()
    except KilledWorker as error:
        raise InputError(
            "a chunk of the trial ended its worker: a crash in compiled code, or more memory than there is"
        ) from error


def _compile(trial: "_Trial") -> int:
    return trial.compile()


def _measure(trial: "_Trial", smallest: int, columns: Any) -> ChunkCosts:
    return trial.measure(smallest, columns)


@dataclass(frozen=True)
class _Done:
    """A chunk that was tried: its record, its time with all around it [s], its output's size, and the memory.

    Not the output itself, which would be in the memory of those that follow.
    """

    record: ChunkRecord
    took_s: float
    output_bytes: int
    peak_bytes: float


class _Trial:
    """Chunks of one file: of the longest of its ranges that are to be processed."""

    def __init__(self, packed: bytes, topic: str, dataset: Dataset, record: FileRecord, most: int) -> None:
        (self._file,) = dataset.files
        self._record = record
        self._inputs = {record.dataset: dataset}
        self._topic = topic
        self._packed = packed
        self._first, self._last = _longest(self._file, record)
        self._most = min(most, self._last - self._first, _LARGEST)
        self._turn = 0

    def compile(self) -> int:
        """Process small chunks; return how many events the smallest may have that is not too long."""
        few = min(_FEW, self._most)
        self._try(few)
        took_s = self._try(few).took_s
        return min(_SMALLEST, self._most, max(few, int(few * _LONGEST_S / max(took_s, 1e-6))))

    def measure(self, smallest: int, columns: Any) -> ChunkCosts:
        """Measure one thing after the other."""
        first = self._try(smallest)
        self._try(smallest)
        done = self._of_sizes(smallest)
        look_s = min(self._look(columns) for _ in range(_REPEATS))
        opened = min((self._open(smallest) for _ in range(_REPEATS)), key=lambda one: one.record.wall_s)
        times = {size: [one.record.wall_s for one in every] for size, every in sorted(done.items())}
        steady = {size: min(every) for size, every in times.items()}  # others may be at work here, as on a login node
        chunk_s, event_s = line(list(steady.items())) if len(steady) > 1 else (steady[smallest], 0.0)
        outputs = {size: statistics.median(one.output_bytes for one in every) for size, every in done.items()}
        output_bytes, output_event_bytes = _grows(outputs)
        worker_bytes, event_bytes = _grows(
            # what a smaller chunk needs after a larger one tells nothing
            {size: max(one.peak_bytes for one in every) for size, every in done.items() if size >= smallest}
        )
        every = [one for tried in done.values() for one in tried]
        wall_s = sum(one.record.wall_s for one in every)
        return ChunkCosts(
            sizes=times,
            look_s=look_s,
            warm_s=max(0.0, first.took_s - opened.took_s),  # with the import of the processor's modules
            open_s=max(0.0, opened.record.wall_s - steady[smallest]),
            chunk_s=chunk_s,
            event_s=event_s,
            merge_s=_merge_s([self._process(sorted(done)[len(done) // 2])[0] for _ in range(_REPEATS)]),
            output_bytes=output_bytes,
            output_event_bytes=output_event_bytes,
            worker_bytes=worker_bytes,
            event_bytes=event_bytes,
            waiting_s=max(0.0, wall_s - sum(one.record.cpu_s for one in every)),
            wall_s=wall_s,
        )

    def _of_sizes(self, smallest: int) -> dict[int, list[_Done]]:
        """Process chunks of growing size, as long as the next ones take some seconds at most, or of small ones."""
        done: dict[int, list[_Done]] = {}
        size = smallest
        while True:
            done[size] = [self._try(size) for _ in range(_REPEATS)]
            took_s = min(one.record.wall_s for one in done[size])
            if size == self._most or took_s * _STEP > _LONGEST_S:
                break
            size = min(size * _STEP, self._most)
        size = smallest // _STEP
        while len(done) < _SIZES and size > 0:
            done[size] = [self._try(size) for _ in range(_REPEATS)]
            size //= _STEP
        return done

    def _process(self, events: int) -> tuple[Any, ChunkRecord]:
        """Process a chunk of so many events, the next time at another place; return its output and its record."""
        start = min(self._first + self._turn % (_REPEATS + 1) * events, self._last - events)
        self._turn += 1
        out = process_chunk(item_of(self._record, start, start + events, self._inputs), self._packed)
        (record,) = out[LEDGER]
        if record.status is not Status.DONE:
            raise InputError(f"{record.path}: a chunk of the trial failed: {record.error}: {record.message}")
        return out[OUT], record

    def _try(self, events: int) -> _Done:
        """Process a chunk, and see what that takes."""
        began = time.perf_counter()
        with _peak() as peak:
            out, record = self._process(events)
        took_s = time.perf_counter() - began
        return _Done(record, took_s, len(pickle.dumps(out)), peak[0])

    def _look(self, columns: Any) -> float:
        """Time the look into a file that precedes the work."""
        openfiles.forget_all()
        start = time.perf_counter()
        (found,) = probe(Probe(self._topic, self._record.dataset, self._file, columns))
        if found.error:
            raise InputError(found.message)
        return time.perf_counter() - start

    def _open(self, events: int) -> _Done:
        """Process a chunk of a file that is not open."""
        openfiles.forget_all()
        return self._try(events)


def _longest(file: InputFile, record: FileRecord) -> tuple[int, int]:
    """Return the longest range of a file that is to be processed."""
    return max(file.steps or ((0, record.entries or 0),), key=lambda one: one[1] - one[0])


def _grows(measured: Mapping[int, float]) -> tuple[float, float]:
    """Bytes without events, and of each event: from the smallest and the largest of some numbers of events."""
    smallest, largest = min(measured), max(measured)
    slope = max(0.0, measured[largest] - measured[smallest]) / max(1, largest - smallest)
    return max(0.0, measured[smallest] - slope * smallest), slope


def _merge_s(outputs: Sequence[Any]) -> float:
    """Time for an output to be packed, unpacked and added to others, as Dask does it."""
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        merged([pickle.loads(pickle.dumps(output)) for output in outputs])
        times.append((time.perf_counter() - start) / len(outputs))
    return statistics.median(times)


@contextmanager
def _peak() -> Iterator[list[float]]:
    """Follow the memory of this process; yield a list whose first is the most that it had."""
    import psutil

    process, ended = psutil.Process(), threading.Event()
    peak = [float(process.memory_info().rss)]

    def look() -> None:
        while not ended.wait(_LOOK_S):
            peak[0] = max(peak[0], float(process.memory_info().rss))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
