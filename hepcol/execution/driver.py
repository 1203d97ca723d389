"""Run a processor over files and account for every event."""

import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from coffea.processor.executor import WorkItem

from hepcol import fileset as filesets
from hepcol import threads as kernel_threads
from hepcol.errors import InputError
from hepcol.events import Columns
from hepcol.execution.account import (
    IncompleteRun,
    Run,
    check_counts,
    lacks_a_column,
    nothing_readable,
    summarise,
)
from hepcol.execution.backends import Backend, Kind, open_backend
from hepcol.execution.chunk import LEDGER, OUT, Probe, Task, class_name, one_line, probe
from hepcol.execution.progress import ProgressBar
from hepcol.execution.runner import LedgerRunner
from hepcol.ledger import ChunkKey, ChunkRecord, FileRecord, Status, close
from hepcol.provenance import describe
from hepcol.spectra import collect
from hepcol.store import OutputFolder

MAX_CHUNK = 100_000
MIN_CHUNK = 1_000
CHUNKS_PER_WORKER = 4


def run(
    processor: Any,
    files: str | Path | Sequence[str | Path] | Mapping[str, Any],
    *,
    tree: str | None = None,
    dataset: str | None = None,
    executor: str | None = None,
    workers: int = 2,
    threads: int = 1,
    scheduler: str | None = None,
    chunksize: int | None = None,
    output: str | Path | None = None,
    force: bool = False,
    allow_incomplete: bool = False,
    progress: bool = False,
) -> Run:
    """Run a processor over files.

    Parameters
    ----------
    processor : ProcessorABC, or function of events
        Any coffea processor.
    files : str, Path, sequence of them, or mapping
        Files, globs, folders, a shipped sample, or a coffea fileset: see :func:`hepcol.fileset.resolve`.
    tree : str, optional
        Name of the event tree.
    dataset : str, optional
        Name of the dataset, if the files are one.
    executor : {"iterative", "futures", "dask"}, optional
        Where to work: in this process, in local processes, or on Dask. By default in this process, or on Dask if
        there is a scheduler.
    workers : int
        Number of local processes, for futures and for a local Dask cluster.
    threads : int
        Number of threads of the kernels, for work in this process; workers have one each.
    scheduler : str, optional
        Address of an existing Dask scheduler.
    chunksize : int, optional
        Events in a chunk, about; by default what keeps all workers busy. The result does not depend on it.
    output : str or Path, optional
        Folder for the results.
    force : bool
        Whether to replace results that are in the folder.
    allow_incomplete : bool
        Whether to return a run that did not process every event, instead of raising.
    progress : bool
        Whether to draw a progress bar on a terminal.

    Returns
    -------
    Run
        The result and the account of it.

    Raises
    ------
    IncompleteRun
        If not every event was processed; the results are written, and marked.
    InputError
        If an option is wrong, no file can be read, or a column is not there; then nothing is written.

    Notes
    -----
    One run at a time in a process: coffea's executors leave no other way to hear of chunks as they end.
    """
    start = time.perf_counter()
    kind = _choice(executor, scheduler)
    if chunksize is not None and chunksize < 1:
        raise InputError(f"chunksize must be at least 1 event, got {chunksize}")
    if threads < 1 or (threads > 1 and kind is not Kind.ITERATIVE):
        raise InputError(f"threads must be 1, or more with the executor iterative, got {threads} with {kind}")
    inputs = filesets.resolve(files, tree, dataset)
    topic = f"hepcol-{uuid.uuid4().hex}"
    heard: dict[ChunkKey, ChunkRecord] = {}
    with OutputFolder.prepare(output, force) as folder, ProgressBar(progress) as bar:

        def hear(record: ChunkRecord) -> None:
            folder.record(record)
            if record.key not in heard:  # Dask repeats what a dying worker took with it
                bar.count(record)
            heard[record.key] = record

        with kernel_threads.use(threads), open_backend(kind, workers, scheduler, hear, topic) as backend:
            started = time.perf_counter()
            if backend.dashboard:
                bar.note(f"Dask dashboard: {backend.dashboard}")
            bar.stage("open files")
            columns = _required_columns(processor)
            found = _probe(backend, inputs, columns, topic)
            for file in found:
                folder.record(file)
            items = _chunks(inputs, found, chunksize, backend.workers)
            if not items:
                raise InputError(nothing_readable(found))
            bar.start_chunks(len(items), sum(len(item) for item in items))
            probed = time.perf_counter()
            out, chunks = _process(backend, items, Task(processor, topic, columns), heard)
            finished = time.perf_counter()
        if lacks_a_column(chunks):
            raise InputError(f"{chunks[0].path}: {chunks[0].message}")
        closure = close(found, chunks)
        result = _postprocess(processor, out[OUT]) if OUT in out else None
        check_counts(result, closure)
        contents = collect(result)
        summary = summarise(closure, result, found, chunks, backend)
        folder.write_histograms(contents)
        written = time.perf_counter()
        summary |= {
            "wall_s": written - start,
            "start_s": started - start,
            "open_s": probed - started,
            "process_s": finished - probed,
            "write_s": written - finished,
            "events_per_s": closure.processed / (finished - probed),
            "values": {"/".join(name): value for name, value in contents.values.items()},
            "not_written": {"/".join(name): what for name, what in contents.others.items()},
        }
        done = Run(result, closure, tuple(found), tuple(chunks), summary)
        provenance = describe(processor, found, executor=kind.value, chunksize=chunksize)
        folder.finish(summary, provenance, [*found, *chunks])
    if not closure.complete and not allow_incomplete:
        raise IncompleteRun(done)
    return done


def _required_columns(processor: Any) -> Columns:
    """Columns that a processor declares; a processor of somebody else may call something of its own so."""
    declared = getattr(processor, "required_columns", ())
    if not isinstance(declared, (tuple, list)):
        raise InputError(f"required_columns of {type(processor).__name__}: expected a tuple of names, got {declared!r}")
    return tuple(declared)


def _choice(executor: str | None, scheduler: str | None) -> Kind:
    """Turn the name of an executor into its kind."""
    if executor is None:
        return Kind.ITERATIVE if scheduler is None else Kind.DASK
    try:
        return Kind(executor)
    except ValueError:
        raise InputError(f"executor must be one of {', '.join(Kind)}, got '{executor}'") from None


def _probe(backend: Backend, inputs: filesets.Fileset, columns: Columns, topic: str) -> list[FileRecord]:
    """Open every file, on the workers, and tell what is in it, in the order of the fileset."""
    items = [Probe(topic, name, file, columns) for name, dataset in inputs.items() for file in dataset.files]
    if not items:
        raise InputError("the fileset has no files")
    records, _ = backend.executor.copy(compression=None)(items, probe, [])
    found = {(record.dataset, record.path): record for record in records}
    return [found[item.dataset, item.file.path] for item in items]


def _chunks(inputs: filesets.Fileset, found: list[FileRecord], chunksize: int | None, workers: int) -> list[WorkItem]:
    """Cut the files that can be read into chunks of about equal size."""
    total = sum(file.entries for file in found if file.entries is not None)
    size = chunksize or max(MIN_CHUNK, min(MAX_CHUNK, -(-total // (CHUNKS_PER_WORKER * workers))))
    records = {(file.dataset, file.path): file for file in found}
    items = []
    for name, dataset in inputs.items():
        for file in dataset.files:
            record = records[name, file.path]
            if record.entries is None:
                continue
            for first, last in file.steps or ((0, record.entries),):
                items += [
                    WorkItem(
                        name,
                        file.path,
                        record.tree,
                        start,
                        stop,
                        uuid.UUID(record.uuid).bytes,
                        dict(dataset.metadata),
                    )
                    for start, stop in _cut(first, last, size)
                ]
    return items


def _cut(first: int, last: int, size: int) -> list[tuple[int, int]]:
    """Cut a range into pieces of about ``size``; an empty one into none, as coffea cannot read no events."""
    pieces = max(1, round((last - first) / size)) if last > first else 0
    edges = [first + (last - first) * piece // max(1, pieces) for piece in range(pieces + 1)]
    return list(pairwise(edges))


def _process(
    backend: Backend, items: list[WorkItem], task: Task, heard: dict[ChunkKey, ChunkRecord]
) -> tuple[dict[str, Any], list[ChunkRecord]]:
    """Process the chunks through coffea's Runner: the merged output and the record of each chunk.

    Where an executor gives up (a worker died, or outputs do not merge), coffea has lost what was done: every chunk
    is then failed, with the reason.
    """
    try:
        out: dict[str, Any] = LedgerRunner(executor=backend.executor).run(items, task)
    except Exception as error:  # noqa: BLE001  (whatever it is, the run is accounted for)
        return {}, [_lost(item, heard, error) for item in items]
    return out, _in_order(items, out[LEDGER])


def _lost(item: WorkItem, heard: dict[ChunkKey, ChunkRecord], error: Exception) -> ChunkRecord:
    """Record a chunk whose output was lost with the executor."""
    key = (item.dataset, item.filename, item.entrystart, item.entrystop)
    known = heard.get(key)
    if known is not None and known.status is Status.FAILED:
        return known
    return ChunkRecord(
        *(item.dataset, item.filename, item.treename, item.entrystart, item.entrystop),
        status=Status.FAILED,
        error=class_name(error),
        message=f"the output was lost with the executor: {one_line(error)}",
        traceback="".join(traceback.format_exception(error)),
    )


def _in_order(items: list[WorkItem], records: list[ChunkRecord]) -> list[ChunkRecord]:
    """Sort records, which arrive in any order, as the chunks were cut."""
    position = {
        (item.dataset, item.filename, item.entrystart, item.entrystop): number for number, item in enumerate(items)
    }
    return sorted(records, key=lambda record: position[record.key])


def _postprocess(processor: Any, result: Any) -> Any:
    """Apply the processor's own postprocess, which may change its argument or return another."""
    postprocess = getattr(processor, "postprocess", None)
    changed = postprocess(result) if callable(postprocess) else None
    return result if changed is None else changed
