"""The work on one chunk, wherever it is done: open, process, and say what became of it."""

import os
import platform
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import cloudpickle
import lz4.frame
from coffea.processor.executor import WorkItem

from hepcol.events import missing_columns, read_events
from hepcol.execution import openfiles
from hepcol.fileset import InputFile
from hepcol.ledger import ChunkRecord, FileRecord, Status, to_json

Listener = Callable[[ChunkRecord], None]

OUT, LEDGER = "out", "ledger"


@dataclass(frozen=True)
class Task:
    """What every chunk needs: the processor, and the topic under which a Dask worker tells of its records."""

    processor: Any
    topic: str

    def __call__(self, events: Any) -> Any:
        """Process events, as coffea's Runner would."""
        process = getattr(self.processor, "process", self.processor)
        return process(events)


_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Tell the records of chunks that are processed in this process to ``listener``."""
    global _listener  # noqa: PLW0603  (coffea's executors take no channel for anything but results)
    _listener = listener


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
        task, compile_s = _unpack(packed_task)
        topic = task.topic
        start_wall, start_cpu = time.perf_counter(), time.thread_time()
        opened = openfiles.get(item.filename, item.treename)
        before = opened.bytes_read
        out = task(_events(opened, item))
        if out is None:
            raise TypeError("process() returned None: it has to return an accumulator")
        requested = opened.bytes_read - before
    except Exception as caught:  # noqa: BLE001  (whatever it is becomes a record; nothing is lost in silence)
        error = caught
        openfiles.forget(item.filename, item.treename)
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


def _events(opened: openfiles.OpenFile, item: WorkItem) -> Any:
    """Return the NanoEvents of a chunk, with the metadata that coffea's Runner gives."""
    fileuuid = str(UUID(bytes=item.fileuuid))
    if opened.uuid != fileuuid:
        raise OSError(
            f"{item.filename}: the file has changed since the run began (UUID {opened.uuid}, was {fileuuid})"
        )
    metadata = {
        "dataset": item.dataset,
        "filename": item.filename,
        "treename": item.treename,
        "entrystart": item.entrystart,
        "entrystop": item.entrystop,
        "fileuuid": fileuuid,
        **(item.usermeta or {}),
    }
    return read_events(opened.directory, opened.layout, item.entrystart, item.entrystop, metadata)


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


_tasks: OrderedDict[bytes, Task] = OrderedDict()
_TASKS_KEPT = 4


def _unpack(packed_task: bytes) -> tuple[Task, float]:
    """Return the task, and the seconds that its kernels took to compile if this process sees it first."""
    if packed_task in _tasks:
        return _tasks[packed_task], 0.0
    task: Task = cloudpickle.loads(lz4.frame.decompress(packed_task))
    start = time.perf_counter()
    getattr(task.processor, "warm_up", lambda: None)()
    compile_s = time.perf_counter() - start
    _tasks[packed_task] = task
    while len(_tasks) > _TASKS_KEPT:
        _tasks.popitem(last=False)
    return task, compile_s


def probe(item: tuple[str, InputFile, tuple[Any, ...]]) -> list[FileRecord]:
    """Open a file and tell what is in it: a list of one record, which executors can merge.

    ``item`` is the dataset, the file, and the columns that its events need to have.
    """
    dataset, file, columns = item
    try:
        opened = openfiles.get(file.path, file.tree)
        entries = opened.entries
        _check_steps(file, entries)
        if columns:
            lacking = missing_columns(read_events(opened.directory, opened.layout, 0, 0, {}), columns)
            if lacking:
                raise ValueError(
                    f"{file.path}: tree '{opened.layout.tree}' has no column {', '.join(lacking)}"
                )
    except Exception as error:  # noqa: BLE001  (likewise)
        openfiles.forget(file.path, file.tree)
        return [
            FileRecord(dataset, file.path, file.tree or "", error=class_name(error), message=one_line(error))
        ]
    if file.steps is not None:
        entries = sum(stop - start for start, stop in file.steps)
    return [
        FileRecord(dataset, file.path, opened.layout.tree, entries, opened.uuid, opened.layout.format.schema)
    ]


def _check_steps(file: InputFile, entries: int) -> None:
    """Refuse ranges of entries that overlap, are empty, or reach beyond the file."""
    position = 0
    for start, stop in sorted(file.steps or ()):
        if not position <= start < stop <= entries:
            raise ValueError(
                f"{file.path}: steps {start} to {stop} do not fit: they may not overlap and the file has {entries} entries"
            )
        position = stop


def class_name(error: BaseException) -> str:
    """Name the class of an error, with its module unless that is Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def one_line(error: BaseException) -> str:
    """Message of an error on one line; its class if it says nothing."""
    return " ".join(str(error).split()) or class_name(error)
