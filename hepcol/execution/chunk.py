"""The work on one chunk, wherever it is done: open, process, and say what became of it."""

import hashlib
import inspect
import os
import platform
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import cloudpickle
import lz4.frame
from coffea.processor.executor import WorkItem

from hepcol import deposit
from hepcol.errors import InputError, NoAnswer, UnfitWorker, UnreadableFile
from hepcol.events import missing_columns, read_events, required_columns
from hepcol.execution import openfiles
from hepcol.execution.code import loaded_otherwise
from hepcol.execution.environment import environment, unfit, unlike
from hepcol.execution.garbage import collected_after
from hepcol.execution.openfiles import Traffic
from hepcol.faults import is_of_the_file, is_transient
from hepcol.fileset import InputFile
from hepcol.filesums import declared_by
from hepcol.ledger import ChunkRecord, FileRecord, Status, to_json
from hepcol.schemas import Columns
from hepcol.storage import addresses, prefetch, servers

Listener = Callable[[ChunkRecord], None]

OUT, LEDGER = "out", "ledger"
RETRIES, BACKOFF_S = 2, 0.5
_BACKOFF_GROWTH = 4.0


@dataclass(frozen=True)
class Task:
    """What every chunk needs.

    Parameters
    ----------
    processor : Any
        The processor, or function of events.
    topic : str
        Name of the run, which Dask workers send records under.
    replicas : dict of str to tuple of str
        Other places of files, by their path.
    retries : int
        How often to try again after an error that may pass.
    backoff_s : float
        How long to wait before that; four times longer before each further time.
    environment : dict of str
        What the client works with, see :func:`hepcol.execution.environment.environment`.
    modules : dict of str
        Hashes of the modules that the processor is made of, by their names.
    deposit : str
        Where files of chunks are left, see :mod:`hepcol.deposit`; without, they stay in the output.
    addresses : dict of str to str
        Addresses of files that are named without the secrets in them.
    """

    processor: Any
    topic: str
    replicas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retries: int = RETRIES
    backoff_s: float = BACKOFF_S
    environment: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    deposit: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, events: Any) -> Any:
        """Process events, as coffea's Runner would."""
        process = getattr(self.processor, "process", self.processor)
        return process(events)


_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Tell the records of chunks that are processed in this process to ``listener``."""
    global _listener  # noqa: PLW0603  (coffea's executors take no channel for anything but results)
    _listener = listener


@dataclass(frozen=True)
class Attempt:
    """One try at a chunk: its output or its error, and what it took."""

    out: Any = None
    error: BaseException | None = None
    compile_s: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)


@collected_after()
def process_chunk(item: WorkItem, packed_task: bytes) -> dict[str, Any]:
    """Process a chunk; an error becomes a record, so that no chunk is lost without a word.

    Returns
    -------
    dict
        ``ledger``: a list of one record; ``out``: the processor's output, if the chunk is done.

    Raises
    ------
    UnfitWorker
        If this is a Dask worker that is unlike the client.
    """
    task: Task | None = None
    attempts, compile_s, differs, started = 1, 0.0, "", time.time()
    start_wall, start_cpu = time.perf_counter(), time.thread_time()
    try:
        task = cloudpickle.loads(lz4.frame.decompress(packed_task))
        compile_s, differs = _warm_up(task, packed_task, item.usermeta or {})
    except UnfitWorker as caught:
        if caught.address:
            raise  # the client gives the chunk to another worker
        made = Attempt(error=caught)
    except (Exception, SystemExit) as caught:  # noqa: BLE001  (whatever it is becomes a record; nothing is lost)
        made = Attempt(error=caught)
    else:
        start_wall, start_cpu = time.perf_counter(), time.thread_time()
        made, attempts = _try(item, packed_task, task)
    error = made.error
    record = ChunkRecord(
        dataset=item.dataset,
        path=item.filename,
        tree=item.treename,
        start=item.entrystart,
        stop=item.entrystop,
        status=Status.DONE if error is None else Status.FAILED,
        error="" if error is None else class_name(error),
        message="" if error is None else one_line(error),
        traceback="" if error is None else addresses.redacted("".join(traceback.format_exception(error))),
        attempts=attempts,
        worker=f"{platform.node()}:{os.getpid()}",
        wall_s=time.perf_counter() - start_wall,
        cpu_s=time.thread_time() - start_cpu,
        compile_s=compile_s,
        bytes_read=made.traffic.bytes_read,
        requests=made.traffic.requests,
        unlike=differs,
        started=started,
    )
    tell(record, task.topic if task is not None else "")
    return {LEDGER: [record]} if error is not None else {OUT: made.out, LEDGER: [record]}


def _try(item: WorkItem, packed_task: bytes, task: Task) -> tuple[Attempt, int]:
    """Try a chunk until it is done, its error is there to stay, or it was tried often enough."""
    addresses.learn(task.addresses)
    places = _in_order(item.filename, task.replicas.get(item.filename, ()))
    number, traffic = 0, Traffic()
    while True:
        place = places[number % len(places)]
        made = _attempt(item, place, packed_task)
        number += 1
        traffic = Traffic(*map(sum, zip(traffic, made.traffic, strict=True)))
        if made.error is None or not _worth_another(made.error, number, len(places), task.retries):
            return replace(made, traffic=traffic), number
        _pause(made.error, number, task.backoff_s)


def _in_order(path: str, replicas: Sequence[str]) -> list[str]:
    """Places of a file; those last whose servers did not answer when they were asked before."""
    return sorted((path, *replicas), key=servers.is_troubled_at)


def _worth_another(error: BaseException, tried: int, places: int, retries: int) -> bool:
    """Whether to try again: after what may pass, and at another place after what may be of the file there.

    A server that is silent is asked for some seconds, however often that is, and then no more for any file.
    """
    if isinstance(error, NoAnswer) and servers.is_troubled(error.server):
        if retries and servers.is_worth_waiting(error.server):
            return True
        servers.settle(error)
        return tried < places
    return (is_transient(error) and tried <= retries) or (is_of_the_file(error) and tried < places)


def _pause(error: BaseException, tried: int, backoff_s: float) -> None:
    """Wait before the next try, if that may help."""
    if is_transient(error):
        pause = backoff_s * _BACKOFF_GROWTH ** (tried - 1)
        time.sleep(min(pause, servers.LONGEST_PAUSE_S) if isinstance(error, NoAnswer) else pause)


def _attempt(item: WorkItem, place: str, packed_task: bytes) -> Attempt:
    """Try a chunk once, from one place of its file."""
    topic, opened = "", None
    try:
        # a processor of its own for each attempt, as in coffea for each chunk: many keep histograms on the instance
        task: Task = cloudpickle.loads(lz4.frame.decompress(packed_task))
        topic = task.topic
        opened = openfiles.get(topic, place, item.treename)
        columns = required_columns(task.processor, item.usermeta or {})
        columns += getattr(task.processor, "read_columns", ())
        key = (hashlib.sha256(packed_task).digest(), opened.layout.tree)
        events = _events(opened, item, place, columns)
        prefetch.begin(opened.source, opened.tree, key, columns, events, item.entrystart, item.entrystop)
        out = task(events)
        if out is None:
            raise TypeError("process() returned None: it has to return an accumulator")
        if task.deposit:
            out = deposit.put(out, Path(task.deposit), (item.filename, item.entrystart, item.entrystop))
        prefetch.end(opened.source, opened.tree, key, item.entrystop)
        opened.forget_arrays()
    except (Exception, SystemExit) as error:  # noqa: BLE001  (likewise; some library ends the process)
        traffic = Traffic() if opened is None else opened.traffic()
        openfiles.forget(topic, place)
        return Attempt(error=error, traffic=traffic)
    return Attempt(out, traffic=opened.traffic())


def _events(opened: openfiles.OpenFile, item: WorkItem, place: str, columns: Columns) -> Any:
    """Return the NanoEvents of a chunk, with the metadata that coffea's Runner gives."""
    fileuuid = str(UUID(bytes=item.fileuuid))
    if opened.uuid != fileuuid:
        raise UnreadableFile(f"{place}: the file has changed since the run began (UUID {opened.uuid}, was {fileuuid})")
    if item.entrystop > opened.entries:
        raise UnreadableFile(f"{place}: the file has changed since the run began (it has {opened.entries} entries)")
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


def tell(record: ChunkRecord, topic: str) -> None:
    """Tell a record to whoever follows the run: the listener of this process, or the client of a Dask worker."""
    if _listener is not None:
        _listener(record)
        return
    worker = _dask_worker()
    if worker is not None:  # else the record travels with the result
        worker.log_event(topic, to_json(record))


def _dask_worker() -> Any:
    """Return the Dask worker that this process is; None if it is none."""
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


_warm: dict[bytes, str] = {}


def _warm_up(task: Task, packed_task: bytes, metadata: Mapping[str, Any]) -> tuple[float, str]:
    """Compile the kernels that a processor needs for a dataset with these metadata, where this process has not.

    Returns
    -------
    seconds, unlike
        What that took, and how this process differs from the client.
    """
    start = time.perf_counter()
    digest = hashlib.sha256(packed_task).digest()
    warm_up = getattr(task.processor, "warm_up", lambda: None)
    by_dataset = bool(inspect.signature(warm_up).parameters)
    is_first = digest not in _warm
    if not is_first and not by_dataset:
        return 0.0, _warm[digest]
    if is_first:
        _check_worker(task)
    warm_up(*((metadata,) if by_dataset else ()))
    if is_first:
        _warm[digest] = unlike(task.environment)
    return time.perf_counter() - start, _warm[digest]


def _check_worker(task: Task) -> None:
    """Refuse work in a process that has other code than the client: what it gave would not be of this run.

    Raises
    ------
    UnfitWorker
        If it has.
    """
    here = f"worker {platform.node()}:{os.getpid()} has"
    if task.environment and (reason := unfit(task.environment, environment())):
        raise UnfitWorker(f"{here} {reason}; install what the client has there", _address())
    others = loaded_otherwise(task.modules)
    if others:
        raise UnfitWorker(
            f"{here} loaded other code of {', '.join(others)}, from before it was edited: restart it", _address()
        )


def _address() -> str:
    """Return the address of this process as a Dask worker; nothing if it is none."""
    worker = _dask_worker()
    return "" if worker is None else str(worker.address)


@dataclass(frozen=True)
class Probe:
    """What to find out about a file: whether it can be read, and has some columns."""

    topic: str
    dataset: str
    file: InputFile
    columns: Columns
    retries: int = RETRIES
    backoff_s: float = BACKOFF_S
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)


_unreachable: dict[tuple[str, str], BaseException] = {}


def probe(item: Probe) -> list[FileRecord]:
    """Open a file and tell what is in it: a list of one record, which executors can merge."""
    addresses.learn(item.addresses)
    places = _in_order(item.file.path, item.file.replicas)
    number = 0
    if (item.topic, item.file.path) in _unreachable:  # another tree of it was tried, with all the waiting
        return [unreadable(item, _unreachable[item.topic, item.file.path])]
    while True:
        place = places[number % len(places)]
        try:
            return [_look_into(item, place)]
        except Exception as error:  # noqa: BLE001  (likewise)
            openfiles.forget(item.topic, place)
            number += 1
            if not _worth_another(error, number, len(places), item.retries):
                told = servers.final(error)
                if is_transient(error):
                    for known in [known for known in _unreachable if known[0] != item.topic]:
                        del _unreachable[known]  # of an earlier run
                    _unreachable[item.topic, item.file.path] = told
                return [unreadable(item, told)]
            _pause(error, number, item.backoff_s)


def unreadable(item: Probe, error: BaseException) -> FileRecord:
    """Record that a file could not be read."""
    message = one_line(error)
    if item.file.path not in message:  # as what a library says of a failed request
        message = f"{item.file.path}: {message}"
    return FileRecord(item.dataset, item.file.path, item.file.tree or "", error=class_name(error), message=message)


def _look_into(item: Probe, place: str) -> FileRecord:
    """Open a file at one place and tell what is in it."""
    file = item.file
    opened = openfiles.get(item.topic, place, file.tree)
    if file.uuid not in (None, opened.uuid):
        raise InputError(f"{place}: has UUID {opened.uuid}, but the fileset was made of {file.uuid}")
    stored = entries = opened.entries
    _check_steps(file, entries)
    if item.columns:
        lacking = missing_columns(read_events(opened.directory, opened.layout, 0, 0, {}), item.columns)
        if lacking:
            raise InputError(f"{place}: tree '{opened.layout.tree}' has no column {', '.join(lacking)}")
    if file.steps is not None:
        entries = sum(stop - start for start, stop in file.steps)
    stamp = openfiles.stamp(place)
    traffic = opened.traffic() if addresses.is_served(place) else Traffic()
    return FileRecord(
        *(item.dataset, file.path, opened.layout.tree, entries, opened.uuid, opened.layout.format.schema),
        size=None if stamp is None else stamp.size,
        stored=stored,
        note=None if opened.layout.note is None else opened.layout.note.sums(),
        declared=declared_by(opened.directory) or None,
        requests=traffic.requests,
        bytes_read=traffic.bytes_read,
    )


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
    """Message of an error on one line, without secrets; its class if it says nothing."""
    return addresses.redacted(" ".join(str(error).split())) or class_name(error)
