"""The work on one chunk, wherever it is done: open, process, and say what became of it."""

import hashlib
import os
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import cloudpickle
import lz4.frame
from coffea.processor.executor import WorkItem

from hepcol.errors import InputError
from hepcol.events import Columns, missing_columns, read_events
from hepcol.execution import openfiles
from hepcol.execution.garbage import collected_after
from hepcol.fileset import InputFile
from hepcol.ledger import ChunkRecord, FileRecord, Status, to_json

Listener = Callable[[ChunkRecord], None]

OUT, LEDGER = "out", "ledger"


@dataclass(frozen=True)
class Task:
    """What every chunk needs: the processor, the topic of a Dask worker's records, the columns that are needed."""

    processor: Any
    topic: str
    columns: Columns = ()

    def __call__(self, events: Any) -> Any:
        """Process events, as coffea's Runner would."""
        process = getattr(self.processor, "process", self.processor)
        return process(events)


_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Tell the records of chunks that are processed in this process to ``listener``."""
    global _listener  # noqa: PLW0603  (coffea's executors take no channel for anything but results)
    _listener = listener


@collected_after()
def process_chunk(item: WorkItem, packed_task: bytes) -> dict[str, Any]:
    """Process a chunk; an error becomes a record, so that no chunk is lost without a word.

    Returns
    -------
    dict
        ``ledger``: a list of one record; ``out``: the processor's output, if the chunk is done.
    """
    out, error, compile_s, requested, topic = None, None, 0.0, 0, ""
    start_wall, start_cpu = time.perf_counter(), time.thread_time()
    try:
        # a processor of its own for each chunk, as in coffea: many keep their histograms on the instance
        task: Task = cloudpickle.loads(lz4.frame.decompress(packed_task))
        topic = task.topic
        compile_s = _warm_up(task, packed_task)
        start_wall, start_cpu = time.perf_counter(), time.thread_time()
        opened = openfiles.get(topic, item.filename, item.treename)
        before = opened.bytes_read
        out = task(_events(opened, item, task.columns))
        if out is None:
            raise TypeError("process() returned None: it has to return an accumulator")
        requested = opened.bytes_read - before
        opened.forget_arrays()
    except Exception as caught:  # noqa: BLE001  (whatever it is becomes a record; nothing is lost in silence)
        error = caught
        openfiles.forget(topic, item.filename, item.treename)
    record = ChunkRecord(
        dataset=item.dataset,
        path=item.filename,
        tree=item.treename,
        start=item.entrystart,
        stop=item.entrystop,
        status=Status.DONE if error is None else Status.FAILED,
        error="" if error is None else class_name(error),
        message="" if error is None else one_line(error),
        traceback="" if error is None else "".join(traceback.format_exception(error)),
        worker=f"{platform.node()}:{os.getpid()}",
        wall_s=time.perf_counter() - start_wall,
        cpu_s=time.thread_time() - start_cpu,
        compile_s=compile_s,
        bytes_read=requested,
    )
    _tell(record, topic)
    return {LEDGER: [record]} if error is not None else {OUT: out, LEDGER: [record]}


def _events(opened: openfiles.OpenFile, item: WorkItem, columns: Columns) -> Any:
    """Return the NanoEvents of a chunk, with the metadata that coffea's Runner gives."""
    fileuuid = str(UUID(bytes=item.fileuuid))
    if opened.uuid != fileuuid:
        raise OSError(f"{item.filename}: the file has changed since the run began (UUID {opened.uuid}, was {fileuuid})")
    metadata = {
        "dataset": item.dataset,
        "filename": item.filename,
        "treename": item.treename,
        "entrystart": item.entrystart,
        "entrystop": item.entrystop,
        "fileuuid": fileuuid,
        **(item.usermeta or {}),
    }
    return read_events(opened.directory, opened.layout, item.entrystart, item.entrystop, metadata, columns)


def _tell(record: ChunkRecord, topic: str) -> None:
    """Tell a record to whoever follows the run: the listener of this process, or the client of a Dask worker."""
    if _listener is not None:
        _listener(record)
        return
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:  # not a Dask worker: the record travels with the result
        return
    worker.log_event(topic, to_json(record))


_warm: set[bytes] = set()


def _warm_up(task: Task, packed_task: bytes) -> float:
    """Compile the kernels of a processor that this process sees first; return the seconds that it took."""
    digest = hashlib.sha256(packed_task).digest()
    if digest in _warm:
        return 0.0
    start = time.perf_counter()
    getattr(task.processor, "warm_up", lambda: None)()
    _warm.add(digest)
    return time.perf_counter() - start


@dataclass(frozen=True)
class Probe:
    """What to find out about a file: whether it can be read, and has some columns."""

    topic: str
    dataset: str
    file: InputFile
    columns: Columns


def probe(item: Probe) -> list[FileRecord]:
    """Open a file and tell what is in it: a list of one record, which executors can merge."""
    dataset, file, columns = item.dataset, item.file, item.columns
    try:
        opened = openfiles.get(item.topic, file.path, file.tree)
        if file.uuid not in (None, opened.uuid):
            raise InputError(f"{file.path}: has UUID {opened.uuid}, but the fileset was made of {file.uuid}")
        entries = opened.entries
        _check_steps(file, entries)
        if columns:
            lacking = missing_columns(read_events(opened.directory, opened.layout, 0, 0, {}), columns)
            if lacking:
                raise InputError(f"{file.path}: tree '{opened.layout.tree}' has no column {', '.join(lacking)}")
    except Exception as error:  # noqa: BLE001  (likewise)
        openfiles.forget(item.topic, file.path, file.tree)
        return [FileRecord(dataset, file.path, file.tree or "", error=class_name(error), message=one_line(error))]
    if file.steps is not None:
        entries = sum(stop - start for start, stop in file.steps)
    return [FileRecord(dataset, file.path, opened.layout.tree, entries, opened.uuid, opened.layout.format.schema)]


def _check_steps(file: InputFile, entries: int) -> None:
    """Refuse ranges of entries that overlap, are empty, or reach beyond the file."""
    position = 0
    for start, stop in sorted(file.steps or ()):
        if not position <= start < stop <= entries:
            raise InputError(
                f"{file.path}: steps {start} to {stop} do not fit: no overlaps, and the file has {entries} entries"
            )
        position = stop


def class_name(error: BaseException) -> str:
    """Name the class of an error, with its module unless that is Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def one_line(error: BaseException) -> str:
    """Message of an error on one line; its class if it says nothing."""
    return " ".join(str(error).split()) or class_name(error)
